"""Child processes: own session and process group, built environment, bounded output, killed as a group.

Nothing here decides whether a program may run; callers pass the plan that `openclaw.policy.what.exec_decide` made, or a
fixed argv of their own. No shell is started unless the argv names one.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from openclaw.system.child_output import DEFAULT_OUTPUT_CHARS, BoundedText, StreamText
from openclaw.system.child_process import Child, StreamName, Wires, settle
from openclaw.system.clock import Clock, SystemClock
from openclaw.system.errors import Unavailable
from openclaw.system.tasks import Supervisor

DRAIN_SECONDS: Final = 1.0
"""How long output is still read after the last program ended while a grandchild holds the pipe open."""
TERMINAL_SIZE: Final = (120, 30)
_READ_SIZE: Final = 65_536
_CURSOR_QUERY: Final = b"\x1b[6n"
_CURSOR_REPLY: Final = b"\x1b[1;1R"

ChainOp = Literal["", "&&", "||", ";"]
OutputSink = Callable[[str, StreamName], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One pipeline of a chain.

    Attributes:
        op: how it follows the step before it; empty for the first.
        commands: argv of each member; `argv[0]` is an absolute path, which is also the file that is executed.
    """

    op: ChainOp
    commands: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Launch:
    """What to start.

    Attributes:
        steps: pipelines joined by `&&`, `||` and `;`, run as a shell would run them.
        env: the whole environment of the children; nothing is inherited.
        cwd: a path, or the descriptor of an open directory.
        pass_fds: further descriptors that the children keep.
        terminal: give the (single) program a pseudo-terminal of 120x30 instead of pipes.
    """

    steps: tuple[Step, ...]
    env: Mapping[str, str]
    cwd: str | int
    pass_fds: tuple[int, ...] = ()
    terminal: bool = False

    @classmethod
    def of(cls, argv: Sequence[str], *, env: Mapping[str, str], cwd: str | int, terminal: bool = False) -> Launch:
        """Return the launch of a single program."""
        return cls((Step("", (tuple(argv),)),), env, cwd, terminal=terminal)


@dataclass(frozen=True, slots=True)
class Exit:
    """How the last program of a launch ended: by itself with `code`, or by the signal of that number."""

    code: int | None
    signal: int | None = None

    @property
    def ok(self) -> bool:
        """Return whether it ended by itself with code 0."""
        return self.code == 0


@dataclass(frozen=True, slots=True)
class Completed:
    """What `run_process` brings back; each stream is decoded and bounded, and keeps its tail."""

    exit: Exit
    stdout: str
    stderr: str
    timed_out: bool = False
    truncated: bool = False


class Process:
    """A running launch, made by `start_process`.

    Its programs lead sessions of their own, so they have no terminal of the gateway and are signalled as groups. They
    are reaped only when their whole pipeline has ended, so that no signal can reach a stranger that was given the same
    pid (advisories I9, Q7).
    """

    def __init__(self, launch: Launch, sink: OutputSink | None, output: BoundedText, clock: Clock) -> None:
        self.output: Final = output
        """Standard output and error, merged in order of arrival."""
        self.started_ms: Final = clock.now_ms()
        self.pid = 0
        """Process and group id of the first program of the running step."""
        self._launch = launch
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._living: list[Child] = []
        self._killed = False
        self._drained = asyncio.Event()
        self._finished: asyncio.Future[Exit] = self._loop.create_future()
        self._tasks = Supervisor("process")
        self._wires = Wires(terminal=TERMINAL_SIZE if launch.terminal else None)
        self._decoders = {fd: StreamText() for fd in self._wires.readers}
        try:
            self._spawn(launch.steps[0])
        except BaseException:
            self._close_all()
            raise
        for fd in self._wires.readers:
            self._loop.add_reader(fd, self._read, fd)
        self._tasks.start(self._follow(), name=str(self.pid))

    @property
    def running(self) -> bool:
        """Return whether `wait` would wait."""
        return not self._finished.done()

    async def wait(self) -> Exit:
        """Return how the launch ended, once its output is complete. Cancelling the caller kills nothing."""
        return await asyncio.shield(self._finished)

    def kill(self) -> None:
        """Kill the groups of the running step and start no further one; `wait` returns soon after."""
        self._killed = True
        for child in self._living:
            child.kill_group()

    async def write(self, data: bytes) -> None:
        """Write to standard input, waiting while the pipe is full.

        Raises:
            Unavailable: standard input is closed; code `stdin-closed`.
        """
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(self._wires.stdin, view) :]
            except BlockingIOError:
                await self._writable()
            except OSError as error:
                self.close_stdin()
                raise Unavailable("The process reads no further input.", code="stdin-closed") from error

    def close_stdin(self) -> None:
        """Signal the end of standard input; more than once is harmless."""
        if self._wires.stdin >= 0:
            self._loop.remove_writer(self._wires.stdin)
            self._wires.close_stdin()

    async def _writable(self) -> None:
        future: asyncio.Future[None] = self._loop.create_future()
        fd = self._wires.stdin
        self._loop.add_writer(fd, settle, future)
        try:
            await future
        finally:
            if self._wires.stdin == fd:
                self._loop.remove_writer(fd)

    def _spawn(self, step: Step) -> None:
        """Start every member of a pipeline; if one cannot start, the earlier ones are killed."""
        source, last = self._wires.child_in, len(step.commands) - 1
        try:
            for index, argv in enumerate(step.commands):
                next_source, sink = (-1, self._wires.child_out) if index == last else os.pipe()
                try:
                    child = Child(
                        argv,
                        env=self._launch.env,
                        cwd=self._launch.cwd,
                        pass_fds=self._launch.pass_fds,
                        streams=(source, sink, self._wires.child_err),
                        terminal=self._wires.is_terminal,
                    )
                finally:
                    if source != self._wires.child_in:
                        os.close(source)
                    if index != last:
                        os.close(sink)
                    source = next_source
                self._living.append(child)
        except BaseException:
            if source not in (-1, self._wires.child_in):
                os.close(source)
            for child in self._living:
                child.kill_group()
                child.reap()
            self._living = []
            raise
        self.pid = self._living[0].pid

    async def _follow(self) -> None:
        """Run the remaining steps as a shell would, then settle the result."""
        status = Exit(None)
        try:
            status = await self._ended()
            for step in self._launch.steps[1:]:
                if self._killed:
                    break
                if (step.op == "&&" and not status.ok) or (step.op == "||" and status.ok):
                    continue
                status = await self._run_step(step)
        finally:
            self.kill()
            status = await self._ended() if self._living else status
            self._wires.close_child_ends()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._drained.wait()
            self._close_all()
            self._finished.set_result(status)

    async def _run_step(self, step: Step) -> Exit:
        try:
            self._spawn(step)
        except Unavailable as error:
            self._emit(f"{error.message}\n", "stderr")
            return Exit(127)
        return await self._ended()

    async def _ended(self) -> Exit:
        """Wait for every program of the step, then reap them; the status is that of the last one."""
        if len(self._launch.steps) == 1:
            self._wires.close_child_ends()
        for child in self._living:
            await child.ended()
        codes = [child.reap() for child in self._living]
        self._living = []
        return Exit(codes[-1]) if codes[-1] >= 0 else Exit(None, -codes[-1])

    def _read(self, fd: int) -> None:
        try:
            data = os.read(fd, _READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.EIO:  # a pseudo-terminal answers EIO when its last user is gone
                raise
            data = b""
        name, decoder = self._wires.readers[fd], self._decoders[fd]
        if data and self._wires.is_terminal and (asked := data.count(_CURSOR_QUERY)):
            data = data.replace(_CURSOR_QUERY, b"")
            with contextlib.suppress(OSError):
                os.write(self._wires.stdin, _CURSOR_REPLY * asked)
        self._emit(decoder.feed(data) if data else decoder.finish(), name)
        if not data:
            self._close_reader(fd)

    def _emit(self, text: str, name: StreamName) -> None:
        if text:
            self.output.append(text)
            if self._sink is not None:
                self._sink(text, name)

    def _close_reader(self, fd: int) -> None:
        del self._wires.readers[fd]
        self._loop.remove_reader(fd)
        os.close(fd)
        if not self._wires.readers:
            self._drained.set()

    def _close_all(self) -> None:
        self._wires.close_child_ends()
        for fd in list(self._wires.readers):
            self._close_reader(fd)
        self.close_stdin()


async def start_process(
    launch: Launch,
    *,
    sink: OutputSink | None = None,
    output: BoundedText | None = None,
    clock: Clock | None = None,
) -> Process:
    """Start `launch`.

    Args:
        launch: what to run.
        sink: called on the event loop with each piece of cleaned text and the stream it came from.
        output: where the merged text is kept; by default the last 200000 characters.
        clock: gives the start time.

    Raises:
        Unavailable: the first step cannot be started; code `spawn-failed`.
        InvalidInput: a program is not named by an absolute path.
    """
    return Process(launch, sink, output or BoundedText(DEFAULT_OUTPUT_CHARS), clock or SystemClock())


async def run_process(
    launch: Launch,
    *,
    input_bytes: bytes = b"",
    timeout_seconds: float | None = None,
    limit: int = DEFAULT_OUTPUT_CHARS,
    keep: Literal["tail", "head"] = "tail",
) -> Completed:
    """Run `launch` to its end with its streams kept apart; on time-out or cancellation its groups are killed.

    Args:
        launch: what to run.
        input_bytes: given to standard input, which is then closed.
        timeout_seconds: life limit; None means none.
        limit: characters kept of each stream.
        keep: which end of a longer stream is kept.

    Raises:
        Unavailable: it cannot be started; code `spawn-failed`.
    """
    streams = {"stdout": BoundedText(limit, keep=keep), "stderr": BoundedText(limit, keep=keep)}
    process = await start_process(launch, sink=lambda text, name: streams[name].append(text), output=BoundedText(0))
    timed_out = False
    try:
        async with asyncio.timeout(timeout_seconds):
            with contextlib.suppress(Unavailable):
                await process.write(input_bytes)
            process.close_stdin()
            status = await process.wait()
    except TimeoutError:
        timed_out = True
        process.kill()
        status = await process.wait()
    finally:
        process.kill()
    return Completed(
        exit=status,
        stdout=streams["stdout"].text(),
        stderr=streams["stderr"].text(),
        timed_out=timed_out,
        truncated=any(stream.truncated for stream in streams.values()),
    )
