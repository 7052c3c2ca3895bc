"""The log file: private, opened through no link, rolled by day and by size (config.md 6.1, advisories O8, K16)."""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from openclaw.system.errors import Unavailable

ARCHIVES: Final = 5
KEEP_SECONDS: Final = 7 * 24 * 3600
_PREFIX: Final = "openclaw-"


class LogFile:
    """Appends lines to a file that nobody else can read, plant or swap.

    Args:
        folder: where the rolling files `openclaw-YYYY-MM-DD.log` lie.
        fixed: a file of the user's choice instead; it is rolled by size only.
        max_bytes: size at which a file is rolled.
        create_folder: whether a missing folder is made; commands without a gateway leave no trace.
        now: epoch seconds.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fixed: Path | None = None,
        max_bytes: int = 104_857_600,
        create_folder: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = fixed.parent if fixed is not None else folder
        self._fixed = fixed
        self._max_bytes = max_bytes
        self._create_folder = create_folder
        self._now = now
        self._fd = -1
        self._size = 0
        self._open_path: Path | None = None

    @property
    def path(self) -> Path:
        """Return the file that the next line goes to."""
        if self._fixed is not None:
            return self._fixed
        return self._folder / f"{_PREFIX}{time.strftime('%Y-%m-%d', time.localtime(self._now()))}.log"

    def write(self, line: str) -> None:
        """Append one line with a single write.

        Raises:
            Unavailable: the file or its folder cannot be used or is not private.
        """
        data = line.encode("utf-8", "backslashreplace")
        path = self.path
        if self._open_path != path:
            self._open(path)
        if self._size and self._size + len(data) > self._max_bytes:
            self._roll(path)
        try:
            self._size += os.write(self._fd, data)
        except OSError as error:
            raise Unavailable(f"The log file {path} cannot be written: {error.strerror}.") from error

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._open_path = -1, None

    def _open(self, path: Path) -> None:
        self.close()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            self._check_folder()
            fd = os.open(path, flags, 0o600)
        except OSError as error:
            raise Unavailable(f"The log file {path} cannot be opened: {error.strerror}.") from error
        found = os.fstat(fd)
        problem = _file_problem(found)
        if problem is not None:
            os.close(fd)
            raise Unavailable(f"The log file {path} is not used: it {problem}.")
        self._fd, self._size, self._open_path = fd, found.st_size, path
        if self._fixed is None:
            self._delete_old()

    def _check_folder(self) -> None:
        folder = self._folder
        if not folder.exists() and self._create_folder:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
        problem = None
        if not stat.S_ISDIR(found.st_mode):
            problem = "is a link or no directory"
        elif found.st_uid not in {os.geteuid(), 0}:
            problem = "belongs to another user"
        elif found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
            problem = "can be written by others"
        if problem is not None:
            raise Unavailable(f"The log folder {folder} is not used: it {problem}. Set logging.file, or chmod 700 it.")

    def _roll(self, path: Path) -> None:
        """Move the file to `.1`, the older ones up to `.5`, and start anew."""
        self.close()
        with contextlib.suppress(OSError):
            for number in range(ARCHIVES - 1, 0, -1):
                older = path.with_name(f"{path.name}.{number}")
                if older.exists():
                    older.replace(path.with_name(f"{path.name}.{number + 1}"))
            path.replace(path.with_name(f"{path.name}.1"))
        self._open(path)

    def _delete_old(self) -> None:
        for path in self._folder.glob(f"{_PREFIX}*.log*"):
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < self._now() - KEEP_SECONDS:
                    path.unlink()


def _file_problem(found: os.stat_result) -> str | None:
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file"
    if found.st_uid != os.geteuid():
        return "belongs to another user"
    if found.st_nlink > 1:
        return "has a second name (hard link)"
    return "can be written by others" if found.st_mode & 0o022 else None
