"""Locks between processes: a flock on a sibling that is never replaced, then the original's own lock beside it.

The flock is the authority between our processes and is freed by a kill. The second lock lets the original share the
state directory (channels.md 1.3, agent.md 1.6, gateway.md 5).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from openclaw.state.files import PRIVATE_FILE, private_dir, why
from openclaw.system.clock import iso
from openclaw.system.errors import Conflict, Unavailable

WAIT_SECONDS: Final = 10.0
STALE_SECONDS: Final = 30.0


@contextlib.contextmanager
def flock(path: Path, *, wait: float = WAIT_SECONDS) -> Iterator[int]:
    """Hold an exclusive flock on `path`, creating it privately; yields the descriptor.

    Raises:
        Conflict: another process holds it for longer than `wait` seconds.
        Unavailable: the file cannot be made or opened.
    """
    descriptor = _opened(path)
    try:
        _wait_for(descriptor, path, wait)
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(path: Path) -> int:
    try:
        private_dir(path.parent)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
    except OSError as error:
        raise Unavailable(f"cannot lock {path}: {why(error)}") from error


@contextlib.contextmanager
def folder_flock(folder: Path, *, wait: float = WAIT_SECONDS) -> Iterator[int]:
    """Hold an exclusive flock on a folder itself, creating it privately: no lock file is left in it.

    Raises:
        Conflict: another process holds it for longer than `wait` seconds.
    """
    descriptor = os.open(private_dir(folder), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _wait_for(descriptor, folder, wait)
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise Conflict(f"{path} is held by another process; try again", code="locked") from None
            time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - jitter, not a secret


@contextlib.contextmanager
def directory_lock(path: Path, *, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of a small store: `<file>.flock`, then the directory `<file>.lock` of the original.

    A left-over directory is removed at once when we hold the flock and it is older than 30 seconds.
    """
    with flock(path.with_name(path.name + ".flock"), wait=wait):
        marker = path.with_name(path.name + ".lock")
        _make_directory(marker, wait)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                marker.rmdir()


def _make_directory(marker: Path, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            marker.mkdir(mode=0o700)
            return
        except FileExistsError:
            with contextlib.suppress(OSError):
                if time.time() - marker.stat().st_mtime > STALE_SECONDS:
                    marker.rmdir()
                    continue
        except OSError as error:
            raise Unavailable(f"cannot lock {marker}: {why(error)}", code="state-unwritable") from error
        if time.monotonic() >= deadline:
            raise Conflict(f"{marker} is held by another process; try again", code="locked")
        time.sleep(random.uniform(0.02, 0.1))  # noqa: S311 - jitter, not a secret


@contextlib.contextmanager
def file_lock(path: Path, *, wait: float = WAIT_SECONDS) -> Iterator[None]:
    """Hold the lock of a session store or transcript: `<file>.flock`, then `<file>.lock` with the owner's pid.

    With the flock held, a lock file of a dead pid is removed at once; one of a living pid never by age alone.
    """
    with flock(path.with_name(path.name + ".flock"), wait=wait):
        marker = path.with_name(path.name + ".lock")
        _make_file(marker, wait)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                marker.unlink()


def _make_file(marker: Path, wait: float) -> None:
    now = time.time_ns() // 1_000_000
    body = json.dumps({"pid": os.getpid(), "startedAt": now, "createdAt": iso(now)}).encode()
    deadline = time.monotonic() + wait
    while True:
        try:
            descriptor = os.open(marker, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE_FILE)
            _fill(descriptor, marker, body)
            return
        except FileExistsError:
            if not _owner_alive(marker):
                with contextlib.suppress(OSError):
                    marker.unlink()
                continue
        except OSError as error:
            raise Unavailable(f"cannot lock {marker}: {why(error)}", code="state-unwritable") from error
        if time.monotonic() >= deadline:
            raise Conflict(f"{marker} is held by another process; try again", code="locked")
        time.sleep(0.025)


def _fill(descriptor: int, marker: Path, body: bytes) -> None:
    """Write who holds a lock; a lock that names nobody is not left behind."""
    written = 0
    try:
        written = os.write(descriptor, body)
    finally:
        os.close(descriptor)
        if written != len(body):
            marker.unlink(missing_ok=True)
    if written != len(body):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _owner_alive(marker: Path) -> bool:
    try:
        owner = json.loads(marker.read_text(encoding="utf-8")).get("pid")
    except (OSError, ValueError, AttributeError):
        return False
    if not isinstance(owner, int) or owner <= 0 or owner == os.getpid():
        return False  # with the flock held, a lock of our own pid is a left-over
    return pid_alive(owner)


def pid_alive(pid: int) -> bool:
    """Return whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
