"""What exec decisions may see of this machine, and what binds an approval to the files shown (exec.md 2.4, 2.5)."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.policy.verdict import Reason
from openclaw.policy.what.exec_model import Decision

SYSTEM_DIRS: Final = ("/bin", "/usr/bin")
FALLBACK_SHELL: Final = "/bin/sh"
_KNOWN_SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ksh"})
_SCRIPT_LIMIT: Final = 64 * 1024 * 1024


class HostWorld:
    """The machine as `decide` sees it. It looks at programs only, never at operands (advisories H14)."""

    def __init__(self, home: str, platform: str = sys.platform) -> None:
        self.home: Final = home
        self.platform: Final = "windows" if platform == "win32" else platform

    def is_executable_file(self, path: str) -> bool:
        """Tell whether a path leads to a regular file that this user may execute."""
        try:
            return stat.S_ISREG(Path(path).stat().st_mode) and os.access(path, os.X_OK)
        except (OSError, ValueError):
            return False

    def realpath(self, path: str) -> str:
        """Return a path with every link resolved."""
        try:
            return os.path.realpath(path)
        except (OSError, ValueError):
            return path


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What a file was when it was shown. Two stamps are equal only when nothing about the file changed.

    `changed_ns` is the inode's change time, which no program can set back.
    """

    path: str
    realpath: str
    device: int
    inode: int
    size: int
    modified_ns: int
    changed_ns: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Binding:
    """The files that an approval covers: programs, scripts and the working directory (advisories H4 to H6).

    A missing file has no stamp, so it makes a binding unequal to one made while it existed.
    """

    programs: tuple[FileStamp | None, ...]
    scripts: tuple[FileStamp | None, ...]
    cwd: tuple[str, int, int] | None


def bind(decision: Decision, cwd: str) -> Binding:
    """Return the state of everything that a decision would start; made with the prompt, and again at launch."""
    programs = dict.fromkeys(path for segment in decision.segments for _, path in segment.commands)
    scripts = dict.fromkeys(segment.script for segment in decision.segments if segment.script is not None)
    return Binding(
        programs=tuple(stamp(path) for path in programs),
        scripts=tuple(stamp(path, content=True) for path in scripts),
        cwd=_directory(cwd),
    )


def stamp(path: str, *, content: bool = False) -> FileStamp | None:
    """Return what a regular file is now, with `content` also its digest; None when there is no such file."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK) if content else -1
        try:
            found = os.fstat(fd) if content else Path(path).stat()
            if not stat.S_ISREG(found.st_mode) or (content and found.st_size > _SCRIPT_LIMIT):
                return None
            digest = _digest(fd) if content else ""
        finally:
            if fd >= 0:
                os.close(fd)
        realpath = os.path.realpath(path)
    except (OSError, ValueError):
        return None
    return FileStamp(
        path, realpath, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, digest
    )


def user_shell() -> str:
    """Return the shell for approved lines: the user's own when it is a known one, else `/bin/sh` (exec.md 1.3).

    The `SHELL` variable is not looked at: whoever sets it would choose what runs (advisories I6).
    """
    try:
        shell = pwd.getpwuid(os.getuid()).pw_shell
        listed = Path("/etc/shells").read_text(encoding="utf-8", errors="replace").splitlines()
    except (KeyError, OSError):
        return FALLBACK_SHELL
    known = Path(shell).name in _KNOWN_SHELLS and shell in {line.strip() for line in listed}
    return shell if known and shell.startswith("/") else FALLBACK_SHELL


def trusted_directories(extra: Iterable[str] = ()) -> tuple[frozenset[str], tuple[Reason, ...]]:
    """Return the directories that safe bins may come from, and why others do not count (advisories H13).

    Args:
        extra: `tools.exec.safeBinTrustedDirs`.
    """
    trusted, refused = set(SYSTEM_DIRS), []
    for folder in extra:
        problem = _distrust(folder)
        if problem is None:
            trusted.add(folder.rstrip("/") or "/")
        else:
            refused.append(Reason("untrusted-dir", "tools.exec.safeBinTrustedDirs", f"{folder} {problem}."))
    return frozenset(trusted), tuple(refused)


def _distrust(folder: str) -> str | None:
    if not folder.startswith("/"):
        return "is not an absolute path"
    try:
        found = Path(folder).stat()
    except (OSError, ValueError):
        return "cannot be seen"
    if not stat.S_ISDIR(found.st_mode):
        return "is not a directory"
    if found.st_uid != 0:
        return "is not owned by root"
    return "can be written by group or others" if found.st_mode & 0o022 else None


def _directory(path: str) -> tuple[str, int, int] | None:
    try:
        found = Path(path).stat()
        return (os.path.realpath(path), found.st_dev, found.st_ino) if stat.S_ISDIR(found.st_mode) else None
    except (OSError, ValueError):
        return None


def _digest(fd: int) -> str:
    digest = hashlib.sha256()
    while chunk := os.read(fd, 1 << 20):
        digest.update(chunk)
    return digest.hexdigest()
