"""Private files of the state directory: 0600 and 0700 from birth, replaced atomically, never followed through a link.

Files that a message, model or page can name are not opened here but by `openclaw.system.files`.
"""

from __future__ import annotations

import errno
import json
import os
import shlex
import stat
import uuid
from pathlib import Path
from typing import Any

from openclaw.system.errors import InvalidInput, Unavailable

PRIVATE_FILE = 0o600
PRIVATE_DIR = 0o700
_FULL = (errno.ENOSPC, errno.EDQUOT)
_WRITABLE = "mount it writable, or use a directory elsewhere (for the state: OPENCLAW_STATE_DIR)"


def private_dir(path: Path) -> Path:
    """Create a directory and its missing parents with mode 0700 and return it.

    A directory that exists keeps its mode: `doctor` repairs it, and says so.

    Raises:
        Unavailable: it cannot be created.
    """
    missing = []
    current = path
    while not current.is_dir():
        missing.append(current)
        if current.parent == current:
            break
        current = current.parent
    try:
        for folder in reversed(missing):
            folder.mkdir(mode=PRIVATE_DIR, exist_ok=True)
            folder.chmod(PRIVATE_DIR)
    except OSError as error:
        raise Unavailable(f"cannot create {path}: {why(error)}", code="state-unwritable") from error
    return path


def write_private(path: Path, data: bytes | str, *, mode: int = PRIVATE_FILE) -> None:
    """Replace a file as a whole: temporary sibling, fsync, rename, fsync of the directory.

    On any failure the old file is left as it was and the temporary file is removed.

    Raises:
        Unavailable: the disk is full, read-only or otherwise refuses.
    """
    put_in_place(staged(path, data, mode=mode), path)


def staged(path: Path, data: bytes | str, *, mode: int = PRIVATE_FILE) -> Path:
    """Write what a file is to be into a sibling, to the disk itself, and return that sibling.

    Raises:
        Unavailable: the disk is full, read-only or otherwise refuses; no sibling is left.
    """
    private_dir(path.parent)
    content = data.encode("utf-8") if isinstance(data, str) else data
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{uuid.uuid4().hex}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritable(path, error) from error
    return temporary


def put_in_place(temporary: Path, path: Path) -> None:
    """Give what `staged` wrote its name, durably.

    Raises:
        Unavailable: the disk refuses; the file is as it was, and the sibling is gone.
    """
    try:
        try:
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_dir(path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> Unavailable:
    return Unavailable(f"cannot write {path}: {why(error)}; the file is unchanged", code="state-unwritable")


def write_json(path: Path, value: Any) -> None:
    """Replace a file by `value` as two-space JSON with a final newline."""
    write_private(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_text(path: Path, *, limit: int = 64 * 1024 * 1024) -> str | None:
    """Return the text of a regular file, or None when it does not exist.

    Raises:
        Unavailable: it cannot be read, or is no regular file, or is larger than `limit` bytes.
        InvalidInput: it is not UTF-8.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {why(error)}", code="state-unreadable") from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise Unavailable(f"cannot read {path}: it is not a regular file", code="state-unreadable")
    with os.fdopen(descriptor, "rb") as file:
        if found.st_size > limit:
            raise Unavailable(f"cannot read {path}: larger than {limit} bytes", code="state-unreadable")
        content = file.read()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not UTF-8 text (byte {error.start})", code="state-corrupt") from error


def read_json(path: Path) -> Any:
    """Return the JSON value of a file, or None when it does not exist.

    Raises:
        InvalidInput: the file is not JSON; the message names line and column, never the content.
        Unavailable: as `read_text`.
    """
    text = read_text(path)
    if text is None:
        return None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise InvalidInput(
            f"{path} is not JSON: {error.msg} at line {error.lineno} column {error.colno}", code="state-corrupt"
        ) from None
    except RecursionError:
        raise InvalidInput(f"{path} is nested too deeply", code="state-corrupt") from None


def append_line(path: Path, line: str, *, sync: bool = False) -> None:
    """Append one line with a single write to a private file, creating it when missing.

    When the last write was cut (no final newline), the new line starts on a fresh line.

    Raises:
        Unavailable: the disk refuses; what was written partly is cut off again.
    """
    private_dir(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            size = os.fstat(descriptor).st_size
            torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            record = (b"\n" if torn else b"") + line.encode("utf-8") + b"\n"
            written = _write_once(descriptor, record)
            if written != len(record):
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if sync:
                os.fdatasync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unavailable(f"cannot append to {path}: {why(error)}", code="state-unwritable") from error


def _write_once(descriptor: int, record: bytes) -> int:
    try:
        return os.write(descriptor, record)
    except InterruptedError:
        return 0


def sync_dir(path: Path) -> None:
    """Make a rename in this directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_owned(path: Path) -> None:
    """Refuse a state directory that others own or may write to.

    Raises:
        Unavailable: the directory belongs to another user or is group- or world-writable; the message says how to
            mend it.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {why(error)}", code="state-unreadable") from error
    if not stat.S_ISDIR(found.st_mode):
        raise Unavailable(
            f"the state path {path} is not a directory; set OPENCLAW_STATE_DIR to one", code="state-not-a-directory"
        )
    quoted = shlex.quote(str(path))
    if found.st_uid != os.geteuid():
        raise Unavailable(
            f"{path} belongs to user id {found.st_uid}, not to you ({os.geteuid()}); set OPENCLAW_STATE_DIR to a "
            f"directory of your own, or, when all in it is yours, run: chown -R {os.geteuid()} {quoted}",
            code="state-foreign",
        )
    if found.st_mode & 0o022:
        raise Unavailable(
            f"{path} can be written by others (mode {stat.S_IMODE(found.st_mode):o}); run: chmod 700 {quoted}",
            code="state-writable-by-others",
        )


def check_config_owned(path: Path) -> None:
    """Refuse a config file that somebody else may change: who writes it decides what the bot may do.

    Root may own it: that is how images, packages and mounted configs come. An absent file is sound.

    Raises:
        Unavailable: it belongs to another user or is group- or world-writable; the message says how to mend it.
    """
    try:
        found = path.stat()
    except OSError:
        return  # absent, or unreadable: reading it says so
    if found.st_uid not in {0, os.geteuid()}:
        raise Unavailable(
            f"the config file {path} belongs to user id {found.st_uid}, neither to you ({os.geteuid()}) nor to root; "
            f"when all that it says is yours, run: chown {os.geteuid()} {shlex.quote(str(path))}",
            code="config-foreign",
        )
    if found.st_mode & 0o022:
        raise Unavailable(
            f"the config file {path} can be written by others (mode {stat.S_IMODE(found.st_mode):o}); "
            f"run: chmod 600 {shlex.quote(str(path))}",
            code="config-writable-by-others",
        )


def why(error: OSError) -> str:
    """Return what the system says is wrong, for the end of a message; a disk that takes nothing with the way out."""
    text = (error.strerror or str(error)).lower()
    if error.errno in _FULL:
        return f"{text}; free some disk space"
    return f"{text}; {_WRITABLE}" if error.errno == errno.EROFS else text
