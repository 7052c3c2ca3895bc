"""Reading a small file whose place the user chose: regular files only, of a limited size, without waiting."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class OddFile(ValueError):
    """The file is no regular one, or too large. The message says which, for people."""


def read_regular(path: Path, limit: int, *, follow: bool = False) -> tuple[bytes, os.stat_result]:
    """Return the bytes of a file and what the open file is.

    Args:
        path: the file.
        limit: bytes at most.
        follow: open it through a link too.

    Raises:
        OSError: it cannot be opened.
        OddFile: it is no regular file, or larger.
    """
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OddFile("is not a regular file")
        if found.st_size > limit:
            raise OddFile(f"is larger than {_size(limit)}")
        pieces: list[bytes] = []
        left = limit + 1
        while left > 0 and (piece := os.read(descriptor, min(left, 1 << 20))):
            pieces.append(piece)
            left -= len(piece)
    finally:
        os.close(descriptor)
    content = b"".join(pieces)
    if len(content) > limit:
        raise OddFile(f"is larger than {_size(limit)}")
    return content, found


def why(error: OSError | OddFile) -> str:
    """Return what is wrong with a file, in the words of the system or our own."""
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else str(error)


def _size(limit: int) -> str:
    return f"{limit >> 20} MB" if limit >= 1 << 20 else f"{limit >> 10} KiB"
