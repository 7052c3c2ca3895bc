"""One gateway per state directory: a flock that a kill frees, and the original's lock file beside it.

The flock on `<state>/gateway.lock` is the authority (config.md 2.2). The file in the temporary folder makes an original
gateway refuse to start beside ours; when that folder is not safely ours, it is left alone with a warning.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import logging
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from openclaw.state.files import PRIVATE_DIR, PRIVATE_FILE, private_dir, why
from openclaw.state.layout import StateLayout
from openclaw.state.locks import pid_alive
from openclaw.system.clock import iso
from openclaw.system.errors import StartRefused, Unavailable

log = logging.getLogger(__name__)

WAIT_SECONDS: Final = 5.0
POLL_SECONDS: Final = 0.1
UNKNOWN_OWNER_SECONDS: Final = 30.0
_MAX_LOCK_BYTES: Final = 64 * 1024

OwnerState = Literal["alive", "dead", "unknown"]


@dataclass(frozen=True, slots=True)
class GatewayOwner:
    """Who holds a gateway lock; None and empty where the file does not say.

    Attributes:
        pid: process id.
        port: port it was started with.
        created_at: ISO time.
        config_path: its config file.
        start_time: start of that process in clock ticks since boot (Linux), against reused ids.
    """

    pid: int | None
    port: int | None = None
    created_at: str = ""
    config_path: str = ""
    start_time: int | None = None


@contextlib.contextmanager
def gateway_lock(
    layout: StateLayout, *, port: int, now_ms: int, wait: float = WAIT_SECONDS, temp_root: Path | None = None
) -> Iterator[Callable[[int], None]]:
    """Hold the right to be the gateway of this state directory (gateway.md 5); yields what notes another port in it.

    Args:
        layout: the state directory and its config file.
        port: port that the lock names.
        now_ms: epoch milliseconds, for `createdAt`.
        wait: seconds to wait for an owner that is going away.
        temp_root: parent of the original's lock folder; the system's temporary folder when None.

    Raises:
        StartRefused: another gateway holds it; the message and `details["pid"]` name the process.
        Unavailable: the lock file cannot be created.
    """
    deadline = time.monotonic() + wait
    descriptor = _take_flock(layout, deadline, wait)
    try:
        record = _record(layout, port, now_ms)
        _write_record(descriptor, layout.gateway_lock, record)

        def listens(port: int) -> None:
            _write_record(descriptor, layout.gateway_lock, {**record, "port": port})

        with _original_lock(layout, record, deadline, wait, temp_root):
            yield listens
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def gateway_owner(layout: StateLayout) -> GatewayOwner | None:
    """Return who holds the lock of this state directory now, or None when nobody does."""
    try:
        descriptor = os.open(layout.gateway_lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _owner(os.pread(descriptor, _MAX_LOCK_BYTES, 0))
    except OSError:
        return None
    else:
        return None
    finally:
        os.close(descriptor)


def process_start_time(pid: int) -> int | None:
    """Return field 22 of `/proc/<pid>/stat`; 0 for a process that only waits to be reaped, None where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
        fields = text.rpartition(")")[2].split()
        return 0 if fields[0] in "ZX" else int(fields[19])
    except (OSError, ValueError, IndexError):
        return None


def original_lock_path(layout: StateLayout, temp_root: Path | None = None) -> Path:
    """Return where the original keeps its lock for this config file."""
    root = temp_root if temp_root is not None else Path(tempfile.gettempdir())
    digest = hashlib.sha1(str(layout.config).encode(), usedforsecurity=False).hexdigest()[:8]
    return root / f"openclaw-{os.getuid()}" / f"gateway.{digest}.lock"


def _record(layout: StateLayout, port: int, now_ms: int) -> dict[str, Any]:
    record: dict[str, Any] = {
        "pid": os.getpid(),
        "createdAt": iso(now_ms),
        "configPath": str(layout.config),
        "stateDir": str(layout.root),
        "port": port,
    }
    started = process_start_time(os.getpid())
    return record if started is None else {**record, "startTime": started}


def _take_flock(layout: StateLayout, deadline: float, wait: float) -> int:
    """Return a descriptor that holds the flock of the file that the path names at that moment."""
    path = layout.gateway_lock
    private_dir(path.parent)
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
        except OSError as error:
            raise Unavailable(f"cannot open {path}: {why(error)}", code="state-unwritable") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(os.pread(descriptor, _MAX_LOCK_BYTES, 0))
            os.close(descriptor)
            _wait_or_refuse(owner, deadline, wait)
            continue
        if _same_file(descriptor, path):
            return descriptor
        os.close(descriptor)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        named = path.stat(follow_symlinks=False)
    except FileNotFoundError:
        return False
    held = os.fstat(descriptor)
    return (named.st_dev, named.st_ino) == (held.st_dev, held.st_ino)


def _write_record(descriptor: int, path: Path, record: dict[str, Any]) -> None:
    try:
        os.fchmod(descriptor, PRIVATE_FILE)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(record).encode(), 0)
    except OSError as error:
        raise Unavailable(f"cannot write {path}: {why(error)}", code="state-unwritable") from error


def _wait_or_refuse(owner: GatewayOwner | None, deadline: float, wait: float) -> None:
    if time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
        return
    pid = owner.pid if owner else None
    who = f"pid {pid}" if pid is not None else "pid unknown"
    raise StartRefused(
        f"gateway already running ({who}); lock timeout after {round(wait * 1000)}ms; "
        "stop it with: openclaw gateway stop",
        code="gateway-running",
        details={"pid": pid} if pid is not None else {},
    )


def _owner(content: bytes) -> GatewayOwner | None:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None

    def number(name: str) -> int | None:
        value = found.get(name)
        return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None

    def text(name: str) -> str:
        value = found.get(name)
        return value if isinstance(value, str) else ""

    return GatewayOwner(number("pid"), number("port"), text("createdAt"), text("configPath"), number("startTime"))


# The original's lock file


@contextlib.contextmanager
def _original_lock(
    layout: StateLayout, record: dict[str, Any], deadline: float, wait: float, temp_root: Path | None
) -> Iterator[None]:
    path = original_lock_path(layout, temp_root)
    reason = _unsafe_folder(path.parent)
    if reason:
        log.warning("no lock file for an original gateway: %s %s", path.parent, reason)
        yield
        return
    body = json.dumps(
        {name: record[name] for name in ("pid", "createdAt", "configPath", "startTime") if name in record}
    )
    identity = _create(path, body.encode(), deadline, wait)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            found = path.stat(follow_symlinks=False)
            if (found.st_dev, found.st_ino) == identity:
                path.unlink()


def _unsafe_folder(folder: Path) -> str:
    """Return why the folder must not be used, or an empty text; creates it when missing."""
    try:
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=PRIVATE_DIR)
        found = folder.stat(follow_symlinks=False)
    except OSError as error:
        return f"cannot be used: {(error.strerror or str(error)).lower()}"
    if not stat.S_ISDIR(found.st_mode):
        return "is not a directory"
    if found.st_uid != os.geteuid():
        return f"belongs to user id {found.st_uid}"
    if found.st_mode & 0o022:
        return f"can be written by others (mode {stat.S_IMODE(found.st_mode):o})"
    if found.st_mode & 0o077:
        with contextlib.suppress(OSError):
            folder.chmod(PRIVATE_DIR)
    return ""


def _create(path: Path, body: bytes, deadline: float, wait: float) -> tuple[int, int] | None:
    """Create the file exclusively and return its identity; a stale one is removed first."""
    while True:
        try:
            descriptor = os.open(
                path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE
            )
        except FileExistsError:
            owner, state = _judge(path)
            if state == "dead":
                with contextlib.suppress(OSError):
                    path.unlink()
                continue
            _wait_or_refuse(owner, deadline, wait)
            continue
        except OSError as error:
            log.warning("no lock file for an original gateway: %s: %s", path, error.strerror)
            return None
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
            found = os.fstat(file.fileno())
        return found.st_dev, found.st_ino


def _judge(path: Path) -> tuple[GatewayOwner | None, OwnerState]:
    """Return the owner that a lock file names and whether it still runs."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None, "dead"  # gone, or a link: either way not a lock of the original
    with os.fdopen(descriptor, "rb") as file:
        age = time.time() - os.fstat(descriptor).st_mtime
        owner = _owner(file.read(_MAX_LOCK_BYTES))
    if owner is None or owner.pid is None:
        return owner, "dead" if age > UNKNOWN_OWNER_SECONDS else "unknown"
    if owner.pid == os.getpid() or not pid_alive(owner.pid):
        return owner, "dead"
    started = process_start_time(owner.pid)
    if started == 0:
        return owner, "dead"
    if started is not None and owner.start_time is not None:
        return owner, "alive" if started == owner.start_time else "dead"
    if started is not None and not _gateway_command(owner.pid):
        return owner, "dead"
    return owner, "alive"


def _gateway_command(pid: int) -> bool:
    try:
        line = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return True
    return b"gateway" in line.lower().split(b"\0")
