"""Walking down a directory tree by descriptor, through no link, and knowing where one stands.

The parts of `openclaw.system.files`; every function speaks `OSError`, which that module turns into words.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import secrets
import stat
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

Identity = tuple[int, int]
"""Device and inode: what a directory or file is, whatever its names."""

_OPENAT2: Final = 437
_RESOLVE: Final = 0x08 | 0x04 | 0x02
"""RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS."""
_DIRECTORY: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_MAX_DEPTH: Final = 128
_HAS_DESCRIPTOR_PATHS: Final[bool] = sys.platform == "linux"


def _load_openat2() -> ctypes.CDLL | None:
    """Return the C library when its kernel has openat2 (Linux 5.6 and later)."""
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    how = struct.pack("QQQ", _DIRECTORY, 0, _RESOLVE)
    fd = library.syscall(_OPENAT2, -1, b"/", how, len(how))
    if fd >= 0:
        os.close(fd)
    return None if ctypes.get_errno() == errno.ENOSYS else library


class Walker:
    """Opens directories below an open directory without following any link.

    Args:
        use_openat2: let the kernel walk in one call where it can; otherwise one `open` per name.
    """

    def __init__(self, *, use_openat2: bool = True) -> None:
        self._libc = _load_openat2() if use_openat2 else None

    def descend(self, root_fd: int, names: Sequence[str]) -> int:
        """Return a new descriptor of the directory `names` below `root_fd`.

        Raises:
            OSError: ELOOP for a link at any place, ENOTDIR, ENOENT and so on.
        """
        if not names:
            return os.dup(root_fd)
        if self._libc is not None:
            return self._openat2(root_fd, "/".join(names))
        current = os.dup(root_fd)
        try:
            for name in names:
                following = open_directory(current, name)
                os.close(current)
                current = following
        except BaseException:
            os.close(current)
            raise
        return current

    def _openat2(self, root_fd: int, path: str) -> int:
        assert self._libc is not None
        how = struct.pack("QQQ", _DIRECTORY, 0, _RESOLVE)
        for _ in range(8):  # EAGAIN: something was renamed while the kernel walked
            fd: int = self._libc.syscall(_OPENAT2, root_fd, os.fsencode(path), how, len(how))
            if fd >= 0:
                return fd
            code = ctypes.get_errno()
            if code not in {errno.EAGAIN, errno.EINTR}:
                break
        else:
            code = errno.ELOOP
        raise OSError(code, os.strerror(code), path)


def open_root(path: str) -> int:
    """Return a descriptor of a directory whose own path may hold links."""
    return os.open(path, _DIRECTORY)


def open_directory(parent_fd: int, name: str) -> int:
    """Return a descriptor of one directory below another; a link is ELOOP."""
    try:
        return os.open(name, _DIRECTORY | os.O_NOFOLLOW, dir_fd=parent_fd)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=parent_fd, follow_symlinks=False).st_mode):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name) from None
        raise


def identity(found: os.stat_result) -> Identity:
    """Return device and inode."""
    return found.st_dev, found.st_ino


def identity_of(path: str) -> Identity | None:
    """Return device and inode of what a path leads to, or None when that does not exist or cannot be seen."""
    try:
        return identity(Path(path).stat())
    except (OSError, ValueError):
        return None


def ancestors(directory_fd: int) -> Iterator[Identity]:
    """Yield the identity of a directory, then of its parent, and so on up to the top of the file system.

    Raises:
        OSError: a parent cannot be opened, or the tree is deeper than 128.
    """
    with contextlib.ExitStack() as stack:
        current, last = directory_fd, None
        for _ in range(_MAX_DEPTH):
            here = identity(os.fstat(current))
            if here == last:
                return
            yield here
            last = here
            current = os.open("..", _DIRECTORY, dir_fd=current)
            stack.callback(os.close, current)
    raise OSError(errno.ENAMETOOLONG, "directory tree too deep")


def names_above(directory_fd: int, count: int) -> list[str] | None:
    """Return the last `count` names of the path that the kernel has for a directory, or None when it tells none."""
    if count == 0:
        return []
    try:
        if sys.platform == "darwin":
            path = os.fsdecode(fcntl.fcntl(directory_fd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))
        else:
            path = os.readlink(f"/proc/self/fd/{directory_fd}")  # noqa: PTH115 - the bytes of the kernel's own answer
    except OSError:
        return None
    names = path.strip("/").split("/")
    return names[-count:] if path.startswith("/") and len(names) >= count else None


def still_named(fd: int, folder: int, name: str) -> bool:
    """Tell whether an open file still has the name by which it was opened. Ask after its links were counted.

    A count of one proves nothing by itself: the name may have been one of two and have gone between the opening and
    the count. On Linux a name that is gone never comes back for the descriptor that was opened by it, even where the
    same file is linked there anew. So the name that stands now stood at the count, provided that no removal was half
    done then: the look at a name that nobody has used waits until the directory is quiet.

    Args:
        fd: the file.
        folder: descriptor of the directory.
        name: the name in it that was opened.

    Raises:
        OSError: it cannot be told.
    """
    with contextlib.suppress(FileNotFoundError):
        os.stat(f".openclaw-{secrets.token_hex(8)}", dir_fd=folder, follow_symlinks=False)
    if _HAS_DESCRIPTOR_PATHS:
        return Path(f"/proc/self/fd/{fd}").readlink() == Path(f"/proc/self/fd/{folder}").readlink() / name
    return os.path.samestat(os.fstat(fd), os.stat(name, dir_fd=folder, follow_symlinks=False))
