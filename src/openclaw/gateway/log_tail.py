"""Reads the end of a log file for `logs.tail` (config.md 6.6): whole lines, from a byte offset, redacted."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openclaw.system.errors import Unavailable

_ROLLING: Final = re.compile(r"openclaw-\d{4}-\d{2}-\d{2}\.log")


@dataclass(frozen=True, slots=True)
class LogSlice:
    """A piece of the log.

    Attributes:
        file: the file that was read.
        cursor: byte offset to go on from.
        size: bytes in the file.
        lines: whole lines, oldest first.
        truncated: lines before these were left out.
        reset: the given cursor could not be continued.
    """

    file: str
    cursor: int
    size: int
    lines: list[str]
    truncated: bool
    reset: bool

    def as_json(self) -> dict[str, Any]:
        """Return the answer of `logs.tail`."""
        return {
            "file": self.file,
            "cursor": self.cursor,
            "size": self.size,
            "lines": self.lines,
            "truncated": self.truncated,
            "reset": self.reset,
        }


def read_tail(path: Path, *, cursor: int | None, limit: int, max_bytes: int, redact: Callable[[str], str]) -> LogSlice:
    """Read the end of a log file. Blocks on the disk: call it on a thread.

    A last line that is still being written is left for the next call.

    Args:
        path: the log file; when a rolling file is missing, the newest one beside it is read.
        cursor: byte offset from an earlier answer; None reads the last `max_bytes`.
        limit: most lines to return.
        max_bytes: most bytes to read.
        redact: masks secrets in one line.

    Raises:
        Unavailable: the file is there but cannot be read, or is no regular file.
    """
    file = _existing(path)
    try:
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return LogSlice(str(path), 0, 0, [], truncated=False, reset=bool(cursor))
    except OSError as error:
        raise Unavailable(f"cannot read the log {file}: {(error.strerror or str(error)).lower()}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise Unavailable(f"cannot read the log {file}: it is not a regular file; set logging.file to one")
        start, reset, truncated = _start(found.st_size, cursor, max_bytes)
        begin = max(0, start - 1)
        data = os.pread(descriptor, found.st_size - begin, begin)
    finally:
        os.close(descriptor)
    return _slice(file, data, start, found.st_size, limit, redact, reset=reset, truncated=truncated)


def _start(size: int, cursor: int | None, max_bytes: int) -> tuple[int, bool, bool]:
    """Return the offset to read from, whether the cursor was given up, and whether something is left out."""
    tail = max(0, size - max_bytes)
    if cursor is None:
        return tail, False, tail > 0
    if cursor > size or size - cursor > max_bytes:
        return tail, True, tail > 0
    return cursor, False, False


def _slice(
    file: Path,
    data: bytes,
    start: int,
    size: int,
    limit: int,
    redact: Callable[[str], str],
    *,
    reset: bool,
    truncated: bool,
) -> LogSlice:
    if start > 0:
        before, data = data[:1], data[1:]
        if before != b"\n":
            data = data.partition(b"\n")[2]
    whole, newline, rest = data.rpartition(b"\n")
    lines = whole.decode("utf-8", "replace").split("\n") if newline else []
    if len(lines) > limit:
        lines, truncated = lines[-limit:], True
    return LogSlice(
        str(file), size - len(rest), size, [redact(line) for line in lines], truncated=truncated, reset=reset
    )


def _existing(path: Path) -> Path:
    if path.exists() or not _ROLLING.fullmatch(path.name):
        return path
    try:
        rolling = [one for one in path.parent.iterdir() if _ROLLING.fullmatch(one.name)]
    except OSError:
        return path
    return max(rolling, key=lambda one: one.name, default=path)
