"""Moving what older releases left at other places. Nothing is overwritten; what cannot move is left and told."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from openclaw.security.doctor.repairs.files import lines_of
from openclaw.security.running import refuse_running
from openclaw.security.state_tree import scan
from openclaw.state.files import private_dir, sync_dir, why
from openclaw.state.layout import StateLayout
from openclaw.system.errors import Refused, Unavailable


@dataclass(frozen=True, slots=True)
class MoveStateDirectory:
    """Moves a state directory from an older name and leaves a link there (config.md 2.1).

    Attributes:
        old, new: both names; they lie in the home directory.
        shown: how people are shown them.
    """

    old: Path
    new: Path
    shown: tuple[str, str]
    safe: bool = True
    moves: bool = True

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"move {self.old} to {self.new}"

    def describe(self) -> tuple[str, ...]:
        """Return both deeds."""
        old, new = self.shown
        return (f"move {old} to {new}", f"leave a link at {old}, so that older programs still find it")

    def apply(self) -> tuple[str, ...]:
        """Rename it."""
        found = self.old.stat(follow_symlinks=False)
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise Refused(f"{self.old} is no directory of yours", code="state-foreign")
        if self.new.is_symlink() or self.new.exists():
            raise Refused(f"{self.new} exists already; join the two by hand", code="state-conflict")
        refuse_running(StateLayout.at(self.old))
        self.old.rename(self.new)
        self.old.symlink_to(self.new, target_is_directory=True)
        sync_dir(self.new.parent)
        return ()


@dataclass(frozen=True, slots=True)
class MoveFiles:
    """Moves files and directories inside the state directory.

    Attributes:
        root: the state directory.
        places: old and new place of each, from the root.
        shown: how people are shown the root.
    """

    root: Path
    places: tuple[tuple[str, str], ...]
    shown: str
    safe: bool = True
    moves: bool = True

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"move in {self.root}: {' '.join(old for old, _ in self.places)}"

    def describe(self) -> tuple[str, ...]:
        """Return a line per move."""
        return tuple(lines_of(tuple(f"move {self.shown}/{old} to {self.shown}/{new}" for old, new in self.places)))

    def apply(self) -> tuple[str, ...]:
        """Move them; names that are taken stay where they are."""
        refuse_running(StateLayout.at(self.root))
        return move_files(self.root, self.places, self.shown)


def move_files(root: Path, moves: tuple[tuple[str, str], ...], shown: str) -> tuple[str, ...]:
    """Move names below a root and return what was left, for people.

    Raises:
        Unavailable: the disk refuses.
    """
    left = []
    for old, new in moves:
        source, target = root / old, root / new
        try:
            if not _is_ours(source):
                left.append(f"left: {shown}/{old} is no plain file or directory of yours")
            elif target.is_symlink() or target.exists():
                left.append(f"left: {shown}/{old}, as {shown}/{new} exists already")
            else:
                private_dir(target.parent)
                source.rename(target)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise Unavailable(f"cannot move {source}: {why(error)}", code="state-unwritable") from error
    return tuple(left)


def _is_ours(path: Path) -> bool:
    found = path.stat(follow_symlinks=False)
    plain = stat.S_ISDIR(found.st_mode) or (stat.S_ISREG(found.st_mode) and found.st_nlink == 1)
    return plain and found.st_uid == os.geteuid()


def contents(root: Path, folder: str) -> tuple[str, ...]:
    """Return the names right in a folder of a root."""
    return tuple(node.path for node in scan(root / folder, skip=lambda _: True).children(""))
