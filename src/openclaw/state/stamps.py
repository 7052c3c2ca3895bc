"""Whether a small file changed since it was read: what the read caches of the stores compare."""

from __future__ import annotations

import os
from pathlib import Path

Stamp = tuple[int, int, int]


def stamp_of(path: Path) -> Stamp | None:
    """Return time, size and inode of a file, None when there is none; every write of ours makes a new inode."""
    try:
        found = os.stat(path)  # noqa: PTH116 - called per message; Path.stat is measurably slower
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
