"""Follows one started command: foreground, background, time limit, abort, end (exec.md 1.5).

It starts nothing by its own choice; the caller gives a function that does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from openclaw.system.child_output import BoundedText
from openclaw.system.clock import Clock
from openclaw.system.processes import OutputSink, Process
from openclaw.system.tasks import Supervisor
from openclaw.tools import exec_text
from openclaw.tools.contract import Progress, RunContext, SystemEvents, ToolResult
from openclaw.tools.processes import Owner, ProcessRegistry, ProcessSession

PROGRESS_SECONDS: Final = 0.1
"""Progress is reported at most this often: each report joins the kept output."""
Start = Callable[[BoundedText, OutputSink], Awaitable[Process]]


@dataclass(frozen=True, slots=True)
class RunSpec:
    """How a command is followed.

    Attributes:
        command: what was asked for.
        cwd: where, as the model knows the place.
        place: `sandbox` or `gateway`.
        timeout: life limit in seconds; None means none.
        yield_seconds: how long the call waits; None means to the end, 0 not at all.
        typing: why nothing may be typed into it; None when that is allowed.
        notify: whether the end of a background command becomes an event.
        keep_ms: how long it is kept after its end.
        warnings: texts before the result.
        ran: backend and network, for the ledger.
    """

    command: str
    cwd: str
    place: Literal["sandbox", "gateway"]
    timeout: float | None
    yield_seconds: float | None
    typing: str | None = None
    notify: bool = True
    keep_ms: int | None = None
    warnings: tuple[str, ...] = ()
    ran: Mapping[str, Any] = field(default_factory=dict)

    def at(self, cwd: str, *, typing: str | None = None, warnings: tuple[str, ...] | None = None) -> RunSpec:
        """Return this spec for a command whose place is known."""
        return replace(self, cwd=cwd, typing=typing, warnings=self.warnings if warnings is None else warnings)


class Started:
    """A command on its way.

    Attributes:
        session: its entry in the registry.
        ended: resolves when it has ended and its output is complete.
    """

    def __init__(self, session: ProcessSession, ended: asyncio.Future[exec_text.Ended]) -> None:
        self.session: Final = session
        self.ended: Final = ended


class ExecRunner:
    """Starts and follows commands; owns their background tasks.

    Args:
        registry: where processes are kept.
        clock: measures limits.
        events: takes the lines about background commands.
    """

    def __init__(self, registry: ProcessRegistry, clock: Clock, events: SystemEvents) -> None:
        self._registry = registry
        self._clock = clock
        self._events = events
        self.tasks: Final = Supervisor("exec")

    async def start(self, run: RunContext, spec: RunSpec, start: Start, progress: Progress | None = None) -> Started:
        """Start a command and follow it in the background.

        Raises:
            Refused: too many commands of this agent run.
            Unavailable: it cannot be started.
        """
        self._registry.check_room(run.agent_id)
        output = BoundedText(self._registry.output_chars)
        pending = BoundedText(self._registry.pending_chars)
        holder: list[ProcessSession] = []
        last = float("-inf")

        def sink(text: str, stream: object) -> None:  # noqa: ARG001 - both streams are merged
            nonlocal last
            pending.append(text)
            if progress is None or not holder or holder[0].backgrounded:
                return
            now = self._clock.monotonic()
            if now - last >= PROGRESS_SECONDS:
                last = now
                progress(self._details(holder[0]))

        process = await start(output, sink)
        session = ProcessSession(
            id=self._registry.new_id(),
            command=spec.command,
            cwd=spec.cwd,
            owner=Owner(run.agent_id, run.session_key, run.spawned_by),
            process=process,
            place=spec.place,
            started_ms=self._clock.now_ms(),
            typing=spec.typing,
            pending=pending,
            notify=spec.notify,
        )
        holder.append(session)
        self._registry.add(session, keep_ms=spec.keep_ms)
        ended: asyncio.Future[exec_text.Ended] = asyncio.get_running_loop().create_future()
        self.tasks.start(self._follow(session, spec, ended), name=f"follow {session.id}")
        return Started(session, ended)

    async def run(self, run: RunContext, spec: RunSpec, start: Start, progress: Progress | None = None) -> ToolResult:
        """Start a command and wait as long as its spec says; an abort of the turn kills it while this waits."""
        started = await self.start(run, spec, start, progress)
        session = started.session
        if spec.yield_seconds is None:
            session.process.close_stdin()
        try:
            done = await self._within(started.ended, spec.yield_seconds)
        except asyncio.CancelledError:
            session.killed = True
            session.process.kill()
            raise
        ran = {**spec.ran, "id": session.id}
        if done is not None:
            return exec_text.completed(done, spec.warnings, ran=ran)
        session.backgrounded = True
        details = self._details(session)
        return exec_text.running(
            session.id, details["pid"], details["startedAt"], spec.cwd, details["tail"], spec.warnings, ran=ran
        )

    async def close(self) -> None:
        """Kill every process and end the tasks."""
        await self._registry.close()
        await self.tasks.close()

    async def _within(self, ended: asyncio.Future[exec_text.Ended], seconds: float | None) -> exec_text.Ended | None:
        if seconds is None:
            return await asyncio.shield(ended)
        if seconds > 0 and not ended.done():
            sleeper = self.tasks.start(self._clock.sleep(seconds), name="yield")
            try:
                await asyncio.wait({ended, sleeper}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                sleeper.cancel()
        return ended.result() if ended.done() else None

    async def _follow(self, session: ProcessSession, spec: RunSpec, ended: asyncio.Future[exec_text.Ended]) -> None:
        timer = None
        if spec.timeout is not None:
            timer = self.tasks.start(self._expire(session, spec.timeout), name=f"limit {session.id}")
        try:
            status = await session.process.wait()
        finally:
            if timer is not None:
                timer.cancel()
            session.process.kill()
        end = exec_text.Ended(
            exit=status,
            output=session.process.output.text(),
            dropped=session.process.output.total - len(session.process.output.text()),
            timed_out=spec.timeout if session.timed_out else None,
            duration_ms=self._clock.now_ms() - session.started_ms,
            cwd=spec.cwd,
        )
        self._registry.ended(session, status)
        ended.set_result(end)
        if session.backgrounded and session.notify and not session.killed:
            self._events.notify(
                session.owner.session_key,
                exec_text.exit_event(session.id, end),
                context_key=f"exec:{session.id}",
                wake=True,
            )

    async def _expire(self, session: ProcessSession, seconds: float) -> None:
        await self._clock.sleep(seconds)
        session.timed_out = True
        session.process.kill()

    def _details(self, session: ProcessSession) -> dict[str, Any]:
        process = session.process
        tail = process.output.tail(exec_text.RUNNING_TAIL)
        return exec_text.running_details(session.id, process.pid, session.started_ms, session.cwd, tail)
