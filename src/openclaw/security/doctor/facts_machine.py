"""Facts about the machine: who uses it, and what the disk under the state is."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from openclaw.security.doctor.context import DiskState, MachineFacts
from openclaw.system.environment import Environment

SYSFS: Final = Path("/sys/dev/block")
MOUNTS: Final = Path("/proc/self/mountinfo")
_FIRST_LOGIN_UID: Final = {"darwin": 501}
_LAST_LOGIN_UID: Final = 60_000
_NO_SHELLS: Final = frozenset({"nologin", "false", "sync", "halt", "shutdown", ""})
_ENCRYPTED_FILE_SYSTEMS: Final = frozenset({"ecryptfs", "fuse.encfs", "fuse.gocryptfs", "fuse.cryfs"})
_MAX_STACK: Final = 8
_RC_FILES: Final = {
    "bash": (".bashrc", ".bash_profile", ".profile"),
    "zsh": (".zshrc", ".zprofile"),
    "fish": (".config/fish/completions/openclaw.fish", ".config/fish/config.fish"),
}
_COMPLETION_MARK: Final = "openclaw"
_RC_LIMIT: Final = 1024 * 1024


def machine_facts(state: Path, environment: Environment, shell: str = "") -> MachineFacts:
    """Return what can be told of this machine without asking anybody."""
    return MachineFacts(
        uid=os.geteuid(),
        user=_user_name(os.geteuid()),
        login_users=login_users(pwd.getpwall()),
        disk=disk_state(state),
        read_only=is_read_only(state),
        has_git=shutil.which("git", path="/usr/local/bin:/usr/bin:/bin:/opt/homebrew/bin") is not None,
        completion=has_completion(environment.home, shell),
    )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def login_users(rows: Iterable[pwd.struct_passwd], platform: str = sys.platform) -> tuple[str, ...]:
    """Return the people who can log in: ordinary ids with a real shell and a home directory of their own."""
    first = _FIRST_LOGIN_UID.get(platform, 1000)
    return tuple(
        row.pw_name
        for row in rows
        if first <= row.pw_uid < _LAST_LOGIN_UID
        and Path(row.pw_shell).name not in _NO_SHELLS
        and Path(row.pw_dir).is_dir()
    )


def is_read_only(path: Path) -> bool:
    """Tell whether the disk under a path, or under its nearest parent that exists, is mounted read-only."""
    for place in (path, *path.parents):
        try:
            return bool(os.statvfs(place).f_flag & os.ST_RDONLY)
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return False


def disk_state(path: Path, *, sysfs: Path = SYSFS, mounts: Path = MOUNTS) -> DiskState:
    """Return whether the disk under a path is encrypted, as far as this machine can tell (Linux block devices).

    A virtual machine does not see the encryption of its host, nor anybody that of the drive itself.
    """
    mount = _mount_of(path, mounts)
    if mount is None:
        return "unknown"
    device, kind, source = mount
    if kind in _ENCRYPTED_FILE_SYSTEMS:
        return "encrypted"
    if device.startswith("0:"):
        found = _device_of(source)
        if found is None:
            return "unknown"
        device = found
    entry = sysfs / device
    return _block_state(entry, _MAX_STACK) if entry.exists() else "unknown"


def _mount_of(path: Path, mounts: Path) -> tuple[str, str, str] | None:
    """Return device number, type and source of the file system that holds a path."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    wanted, best, found = os.path.realpath(path), "", None
    for line in lines:
        left, _, right = line.partition(" - ")
        fields, after = left.split(), right.split()
        if len(fields) < 5 or len(after) < 2:
            continue
        place = fields[4].replace("\\040", " ").rstrip("/")
        if (wanted == place or wanted.startswith(f"{place}/")) and len(place) >= len(best):
            best, found = place, (fields[2], after[0], after[1])
    return found


def _device_of(source: str) -> str | None:
    if not source.startswith("/dev/"):
        return None
    try:
        number = Path(source).stat().st_rdev
    except OSError:
        return None
    return f"{os.major(number)}:{os.minor(number)}" if number else None


def _block_state(entry: Path, depth: int) -> DiskState:
    """Follow a block device down to the disks that it is made of."""
    try:
        uuid = (entry / "dm" / "uuid").read_text(encoding="ascii", errors="replace")
    except OSError:
        uuid = ""
    if uuid.startswith("CRYPT-"):
        return "encrypted"
    try:
        below = sorted((entry / "slaves").iterdir())
    except OSError:
        below = []
    if depth <= 0:
        return "unknown"
    states = {_block_state(item, depth - 1) for item in below} or {"plain"}
    return states.pop() if len(states) == 1 else "plain"


def has_completion(home: Path, shell: str) -> bool | None:
    """Tell whether a shell's start files speak of openclaw's completion; None for a shell that has none."""
    files = _RC_FILES.get(shell)
    if files is None:
        return None
    for name in files:
        try:
            with (home / name).open(encoding="utf-8", errors="replace") as file:
                text = file.read(_RC_LIMIT)
        except OSError:
            continue
        if _COMPLETION_MARK in text and "complet" in text:
            return True
    return False
