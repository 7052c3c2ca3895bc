"""What is done to one name in an open directory; the parts of `openclaw.system.files`."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from dataclasses import dataclass
from typing import Final, Literal

from openclaw.system.file_walk import identity_of

_NEW_FILE: Final = 0o644

EntryKind = Literal["file", "directory", "link", "other"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory; a link is named and never followed. `size` counts bytes."""

    name: str
    kind: EntryKind
    size: int
    modified: float


def replace_file(folder: int, name: str, data: bytes, old: os.stat_result | None) -> None:
    """Put a new file in the place of `name`: temporary sibling, fsync, rename within the same open directory.

    Args:
        folder: descriptor of the directory.
        name: the file's name in it.
        data: the whole content.
        old: what is known of the file that is replaced; its permissions are kept.

    Raises:
        OSError: nothing was changed.
    """
    temporary = f".openclaw-{secrets.token_hex(8)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(temporary, flags, _NEW_FILE, dir_fd=folder)
    try:
        with os.fdopen(fd, "wb") as file:
            if old is not None:
                os.fchmod(fd, stat.S_IMODE(old.st_mode) & 0o777)
            if owner_is_another(owner := old or os.fstat(folder)):
                os.fchown(fd, owner.st_uid, owner.st_gid)
            file.write(data)
            file.flush()
            os.fsync(fd)
        os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise


def is_kernel_file(found: os.stat_result) -> bool:
    """Tell whether a file lies in /proc or /sys, by whatever name it was reached."""
    top = identity_of("/")
    kernel = {place[0] for path in ("/proc", "/sys") if (place := identity_of(path)) is not None}
    return found.st_dev in kernel and (top is None or found.st_dev != top[0])


def owner_is_another(owner: os.stat_result) -> bool:
    """Tell whether what we make must be given away.

    A gateway that runs as root leaves files to the owner of the workspace, so that the sandbox's user can write them.
    """
    return os.geteuid() == 0 and owner.st_uid != 0


def entry_of(entry: os.DirEntry[str]) -> Entry:
    """Return what is known of a directory entry, without following it."""
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return Entry(entry.name, "other", 0, 0.0)
    kind: EntryKind = "other"
    if stat.S_ISREG(found.st_mode):
        kind = "file"
    elif stat.S_ISDIR(found.st_mode):
        kind = "directory"
    elif stat.S_ISLNK(found.st_mode):
        kind = "link"
    return Entry(entry.name, kind, found.st_size, found.st_mtime)
