"""Looking at names on the disk without following links and without ever waiting or failing."""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from openclaw.config.read_file import OddFile, read_regular, why

MAX_NAMES: Final = 200_000
"""Names of one folder that are looked at."""
_ABSENT: Final = (FileNotFoundError, NotADirectoryError)


class Kind(StrEnum):
    """What a name is."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Seen:
    """A name that is there.

    Attributes:
        path: the name.
        kind: what it is itself; a link is not followed.
        mode: its nine permission bits.
        uid: its owner.
        mtime_ns: when it was changed.
    """

    path: Path
    kind: Kind
    mode: int
    uid: int
    mtime_ns: int = 0

    @property
    def world_writable(self) -> bool:
        """Return whether anybody may write it."""
        return bool(self.mode & 0o002)

    @property
    def group_writable(self) -> bool:
        """Return whether its group may write it."""
        return bool(self.mode & 0o020)

    @property
    def writable(self) -> bool:
        """Return whether group or world may write it."""
        return bool(self.mode & 0o022)

    @property
    def world_readable(self) -> bool:
        """Return whether anybody may read it."""
        return bool(self.mode & 0o004)

    @property
    def readable(self) -> bool:
        """Return whether group or world may read it."""
        return bool(self.mode & 0o044)

    @property
    def shown(self) -> str:
        """Return path and mode for people."""
        return f"{self.path} mode={self.mode:03o}"


class Looker:
    """Looks, and keeps what could not be looked at.

    Attributes:
        troubles: what is wrong, by path.
    """

    def __init__(self) -> None:
        self.troubles: dict[Path, str] = {}

    def look(self, path: Path) -> Seen | None:
        """Return what a name is; None when it is absent or cannot be looked at."""
        try:
            return _seen(path, os.lstat(path))
        except _ABSENT:
            return None
        except (OSError, ValueError) as error:
            self._note(path, error)
            return None

    def folder(self, path: Path) -> Iterator[Seen]:
        """Yield what lies directly in a folder, by name; nothing when it is a link, absent or cannot be read."""
        found: list[Seen] = []
        try:
            with os.scandir(path) as names:
                for entry in names:
                    if len(found) >= MAX_NAMES:
                        self.troubles[path] = f"holds more than {MAX_NAMES} names; the rest was not looked at"
                        break
                    seen = self._entry(path, entry)
                    if seen is not None:
                        found.append(seen)
        except _ABSENT:
            return
        except (OSError, ValueError) as error:
            self._note(path, error)
        yield from sorted(found, key=lambda seen: os.fsencode(seen.path.name))

    def loose(self, folder: Path, suffix: str, keep: int) -> tuple[int, list[Path]]:
        """Return how many files of a folder with this ending others may open, and the first `keep` of them by name."""
        names: list[str] = []
        try:
            with os.scandir(folder) as found:
                names += [entry.name for entry in found if entry.name.endswith(suffix) and _is_loose(entry)]
        except _ABSENT:
            return 0, []
        except (OSError, ValueError) as error:
            self._note(folder, error)
        return len(names), [folder / name for name in heapq.nsmallest(keep, names)]

    def _entry(self, folder: Path, entry: os.DirEntry[str]) -> Seen | None:
        try:
            return _seen(folder / entry.name, entry.stat(follow_symlinks=False))
        except _ABSENT:
            return None
        except OSError as error:
            self._note(folder / entry.name, error)
            return None

    def read(self, path: Path, limit: int, *, follow: bool = False) -> bytes | None:
        """Return the bytes of a regular file; None when it is absent, something else, too large or unreadable."""
        try:
            return read_regular(path, limit, follow=follow)[0]
        except _ABSENT:
            return None
        except (OSError, ValueError) as error:
            self._note(path, error)
            return None

    def _note(self, path: Path, error: OSError | ValueError) -> None:
        self.troubles[path] = why(error) if isinstance(error, OSError | OddFile) else "is no usable path"


def _is_loose(entry: os.DirEntry[str]) -> bool:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and bool(found.st_mode & 0o077)


def _seen(path: Path, found: os.stat_result) -> Seen:
    if stat.S_ISLNK(found.st_mode):
        kind = Kind.LINK
    elif stat.S_ISDIR(found.st_mode):
        kind = Kind.FOLDER
    else:
        kind = Kind.FILE if stat.S_ISREG(found.st_mode) else Kind.OTHER
    return Seen(path, kind, stat.S_IMODE(found.st_mode) & 0o777, found.st_uid, found.st_mtime_ns)
