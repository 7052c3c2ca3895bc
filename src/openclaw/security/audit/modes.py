"""Setting the mode of one name, found by descriptor and through no link below its root."""

from __future__ import annotations

import errno
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from openclaw.config.read_file import why
from openclaw.system.file_walk import Walker, open_root

Skipped = Literal["already", "missing", "symlink", "not-a-directory", "not-a-file"]
_PATH: Final = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK) | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Target:
    """A name and the mode that it should have.

    Attributes:
        path: the name.
        root: the folder above which links are the user's own business; below it none is followed.
        mode: permission bits.
        folder: it must be a directory; else a regular file.
    """

    path: Path
    root: Path
    mode: int
    folder: bool


@dataclass(frozen=True, slots=True)
class Action:
    """What was done about one target.

    Attributes:
        target: which.
        ok: the mode was changed.
        skipped: why nothing had to be done, or nothing may be.
        error: why it did not work.
        planned: it would be changed (only with `--dry-run`).
    """

    target: Target
    ok: bool = False
    skipped: Skipped | None = None
    error: str | None = None
    planned: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form (audit.md 2.1)."""
        shown: dict[str, Any] = {
            "kind": "chmod",
            "path": str(self.target.path),
            "mode": self.target.mode,
            "ok": self.ok,
        }
        extra = {"skipped": self.skipped, "error": self.error, "planned": self.planned or None}
        return shown | {key: value for key, value in extra.items() if value is not None}


def set_mode(target: Target, *, dry_run: bool = False) -> Action:
    """Give a name its mode, unless it is a link, of the wrong kind, missing, or has it already."""
    try:
        descriptor = _open(target)
    except FileNotFoundError:
        return Action(target, skipped="missing")
    except OSError as error:
        if error.errno == errno.ELOOP:
            return Action(target, skipped="symlink")
        return Action(target, error=why(error))
    try:
        return _change(target, descriptor, dry_run=dry_run)
    except OSError as error:
        return Action(target, error=why(error))
    finally:
        os.close(descriptor)


def _open(target: Target) -> int:
    """Return a descriptor that stands for the name itself, a link not followed."""
    if target.path == target.root:
        return os.open(target.path, _PATH)
    top = open_root(str(target.root))
    try:
        held = Walker().descend(top, target.path.relative_to(target.root).parts[:-1])
    finally:
        os.close(top)
    try:
        return os.open(target.path.name, _PATH, dir_fd=held)
    finally:
        os.close(held)


def _change(target: Target, descriptor: int, *, dry_run: bool) -> Action:
    found = os.fstat(descriptor)
    if stat.S_ISLNK(found.st_mode):
        return Action(target, skipped="symlink")
    if target.folder and not stat.S_ISDIR(found.st_mode):
        return Action(target, skipped="not-a-directory")
    if not target.folder and not stat.S_ISREG(found.st_mode):
        return Action(target, skipped="not-a-file")
    if stat.S_IMODE(found.st_mode) & 0o777 == target.mode:
        return Action(target, skipped="already")
    if dry_run:
        return Action(target, planned=True)
    if sys.platform == "linux":
        os.chmod(f"/proc/self/fd/{descriptor}", target.mode)  # noqa: PTH101 - the open name, not its path
    else:
        os.fchmod(descriptor, target.mode)
    return Action(target, ok=True)
