"""Renaming many names as one deed: all of them, or none."""

from __future__ import annotations

import contextlib
import logging
import shutil
from pathlib import Path

from openclaw.state.files import why
from openclaw.system.errors import Unavailable

log = logging.getLogger(__name__)


class Exchange:
    """Renames, taken back in reverse when anything fails."""

    def __init__(self) -> None:
        self._done: list[tuple[Path, Path]] = []
        self._made: list[Path] = []

    def __enter__(self) -> Exchange:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            return
        for old, new in reversed(self._done):
            try:
                shutil.move(new, old)
            except OSError as error:
                log.error("%s could not be moved back to %s: %s", new, old, error.strerror or error)
        for folder in reversed(self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()

    def make(self, folder: Path) -> None:
        """Make a directory."""
        try:
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise Unavailable(f"cannot make {folder}: {why(error)}") from error
        self._made.append(folder)

    def move(self, old: Path, new: Path) -> None:
        """Rename, also onto another disk; never over or into what is there."""
        if new.is_symlink() or new.exists():
            raise Unavailable(f"{new} is in the way; everything is as it was", code="backup-failed")
        try:
            shutil.move(old, new)
        except OSError as error:
            if old.exists() and new.is_dir() and not new.is_symlink():
                shutil.rmtree(new, ignore_errors=True)  # a copy to another disk that was cut
            told = f"cannot move {old}: {why(error)}; everything is as it was"
            raise Unavailable(told, code="backup-failed") from error
        self._done.append((old, new))
