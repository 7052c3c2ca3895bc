"""Directories that are missing, and modes that are too wide (advisory K16)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openclaw.security.state_tree import open_below
from openclaw.state.files import private_dir, why
from openclaw.system.errors import Unavailable

LISTED = 20
"""Names that a repair lists one by one; it says how many more there are."""


def private_mode(mode: int, *, directory: bool) -> int:
    """Return a mode without group and others, with which the owner can work."""
    return (mode & 0o700) | (0o700 if directory else 0o600)


@dataclass(frozen=True, slots=True)
class Loose:
    """A name whose mode is too wide, below the root; "" is the root itself."""

    path: str
    mode: int
    directory: bool


@dataclass(frozen=True, slots=True)
class Tighten:
    """Takes group and others off names below one directory.

    Attributes:
        root: the directory.
        loose: the names.
        shown: how people are shown the root.
    """

    root: Path
    loose: tuple[Loose, ...]
    shown: str
    safe: bool = True
    moves: bool = False

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"chmod {self.root}: {' '.join(one.path for one in self.loose)}"

    def describe(self) -> tuple[str, ...]:
        """Return a line per name."""
        lines = [self._line(one) for one in self.loose[:LISTED]]
        rest = len(self.loose) - len(lines)
        return (*lines, *((f"and {rest} more below {self.shown}",) if rest > 0 else ()))

    def _line(self, one: Loose) -> str:
        wanted = private_mode(one.mode, directory=one.directory)
        name = f"{self.shown}/{one.path}" if one.path else self.shown
        return f"chmod {wanted:o} {name} (now {one.mode:o})"

    def apply(self) -> tuple[str, ...]:
        """Change the modes through descriptors."""
        left = [f"{one.path or self.shown}: {fault}" for one in self.loose if (fault := self._tighten(one))]
        if left:
            more = f" and {len(left) - 3} more" if len(left) > 3 else ""
            raise Unavailable(f"the mode could not be changed of {'; '.join(left[:3])}{more}", code="state-unwritable")
        return ()

    def _tighten(self, one: Loose) -> str | None:
        try:
            if one.path:
                descriptor = open_below(self.root, one.path, directory=one.directory)
            else:
                descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            return why(error)
        try:
            found = os.fstat(descriptor)
            if found.st_uid != os.geteuid():
                return "it belongs to somebody else"
            if stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
                return "it has further names (hard links)"
            os.fchmod(descriptor, private_mode(stat.S_IMODE(found.st_mode), directory=one.directory))
        except OSError as error:
            return why(error)
        finally:
            os.close(descriptor)
        return None


@dataclass(frozen=True, slots=True)
class MakeDirectories:
    """Makes directories, private ones."""

    paths: tuple[Path, ...]
    shown: tuple[str, ...]
    safe: bool = True
    moves: bool = False

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"mkdir {' '.join(map(str, self.paths))}"

    def describe(self) -> tuple[str, ...]:
        """Return a line per directory."""
        return tuple(f"make {shown} (mode 700)" for shown in self.shown)

    def apply(self) -> tuple[str, ...]:
        """Make them; parents that are there keep their mode."""
        for path in self.paths:
            if path.is_symlink() and not path.exists():
                raise Unavailable(f"{path} is a link that leads nowhere; remove it", code="state-unwritable")
            private_dir(path)
        return ()


def lines_of(paths: tuple[str, ...], limit: int = LISTED) -> Iterator[str]:
    """Yield at most `limit` names, and how many more there are."""
    yield from paths[:limit]
    if len(paths) > limit:
        yield f"and {len(paths) - limit} more"
