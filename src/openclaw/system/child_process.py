"""One child of this process and the descriptors that connect it; the parts of `openclaw.system.processes`."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from openclaw.system.errors import InvalidInput, Unavailable

StreamName = Literal["stdout", "stderr"]

_TAKE_TERMINAL: Final = (
    "import fcntl,os,sys,termios\nfcntl.ioctl(0,termios.TIOCSCTTY,0)\nos.execv(sys.argv[1],sys.argv[1:])\n"
)
"""Makes standard input the controlling terminal in the child. A `preexec_fn` would run Python between fork and exec,
which can deadlock in a process with threads."""


class Wires:
    """The descriptors between us and the children: what we read, what we write, and the ends that are theirs."""

    def __init__(self, *, terminal: tuple[int, int] | None) -> None:
        self.readers: dict[int, StreamName] = {}
        self.is_terminal: Final = terminal is not None
        if terminal is None:
            self.child_in, self.stdin = os.pipe()
            out, self.child_out = os.pipe()
            err, self.child_err = os.pipe()
            self.readers = {out: "stdout", err: "stderr"}
        else:
            self.stdin, self.child_in = os.openpty()
            columns, rows = terminal
            fcntl.ioctl(self.child_in, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            self.child_out = self.child_err = self.child_in
            self.readers = {os.dup(self.stdin): "stdout"}
        for fd in (self.stdin, *self.readers):
            os.set_blocking(fd, False)

    def close_child_ends(self) -> None:
        """Close our copies of the children's ends, so that the end of their output is seen."""
        for fd in {self.child_in, self.child_out, self.child_err} - {-1}:
            os.close(fd)
        self.child_in = self.child_out = self.child_err = -1

    def close_stdin(self) -> None:
        """Close the writing end of standard input; more than once is harmless."""
        if self.stdin >= 0:
            os.close(self.stdin)
            self.stdin = -1


class Child:
    """One program, the leader of a session and a process group of its own."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | int,
        pass_fds: Sequence[int],
        streams: tuple[int, int, int],
        terminal: bool = False,
    ) -> None:
        """Start it.

        Raises:
            InvalidInput: `argv[0]` is not an absolute path.
            Unavailable: the system cannot start it; code `spawn-failed`.
        """
        if not argv or not argv[0].startswith("/"):
            raise InvalidInput(f"A program is started by its absolute path, not by {argv[0] if argv else ''!r}.")
        words = [sys.executable, "-I", "-S", "-c", _TAKE_TERMINAL, *argv] if terminal else list(argv)
        try:
            self._popen = subprocess.Popen(
                words,
                stdin=streams[0],
                stdout=streams[1],
                stderr=streams[2],
                env=dict(env),
                cwd=directory_path(cwd),
                pass_fds=tuple(pass_fds),
                start_new_session=True,
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise Unavailable(f"Cannot start {argv[0]}: {reason}.", code="spawn-failed") from error
        self.pid: Final = self._popen.pid
        self._pidfd = _open_pidfd(self.pid)

    async def ended(self) -> None:
        """Wait until the program has ended. It stays unreaped, so its pid cannot be given to another process."""
        loop = asyncio.get_running_loop()
        if self._pidfd < 0:
            await loop.run_in_executor(None, self._popen.wait)
            return
        future: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._pidfd, settle, future)
        try:
            await future
        finally:
            loop.remove_reader(self._pidfd)

    def reap(self) -> int:
        """Return the exit code, or the negative number of the signal. Call it after `ended`."""
        code = self._popen.wait()
        if self._pidfd >= 0:
            os.close(self._pidfd)
            self._pidfd = -1
        return code

    def kill_group(self) -> None:
        """Send SIGKILL to the program's own group, never to anything else."""
        if self._popen.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


def directory_path(cwd: str | int) -> str:
    """Return a path that names the directory of an open descriptor, or `cwd` itself when it is a path."""
    if isinstance(cwd, str):
        return cwd
    if sys.platform == "darwin":
        return fcntl.fcntl(cwd, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0").decode()
    return f"/proc/self/fd/{cwd}"


def _open_pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def settle(future: asyncio.Future[None]) -> None:
    """Resolve `future` unless its waiter has gone; for `add_reader` and `add_writer`."""
    if not future.done():
        future.set_result(None)
