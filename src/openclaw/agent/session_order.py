"""The order of each session: one turn at a time, what comes in meanwhile waits (agent.md 3.2, 3.3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from openclaw.agent.contract import RunStatus, TurnRequest, TurnResult
from openclaw.agent.queueing import SessionQueue, joined, overflow, take_batch
from openclaw.agent.run_facts import INTERNAL
from openclaw.agent.runs import Run
from openclaw.agent.settings import Settings
from openclaw.agent.system_lines import SystemLines
from openclaw.agent.turn import DEFECT
from openclaw.agent.turn_state import SHUTDOWN
from openclaw.system.clock import Clock
from openclaw.system.tasks import Supervisor

JOINED: Final = "joined"
"""Stop reason of a run whose message another run answers."""
DROPPED: Final = "dropped"
"""Stop reason of a run that was left out because too many waited, or that had nothing left to do."""


@dataclass(frozen=True, slots=True)
class OrderParts:
    """What the order needs.

    Attributes:
        settings: the current config.
        clock: the time.
        tasks: owns the tasks.
        lines: system events that wait for a prompt.
        alone: says of a message that it is never joined.
        run: runs one turn.
        settle: gives a run its result.
        wake: builds the turn that a system event asks for.
    """

    settings: Settings
    clock: Clock
    tasks: Supervisor
    lines: SystemLines
    alone: Callable[[TurnRequest], bool]
    run: Callable[[Run], Awaitable[TurnResult]]
    settle: Callable[[Run, TurnResult], Awaitable[None]]
    wake: Callable[[str], Run]


class SessionOrder:
    """The queues of all sessions, each with one worker while it is in use."""

    def __init__(self, parts: OrderParts) -> None:
        self._parts = parts
        self._queues: dict[str, SessionQueue] = {}
        self.closing = False

    def queue(self, key: str) -> SessionQueue | None:
        """Return the queue of a session that is in use."""
        return self._queues.get(key)

    @property
    def running(self) -> tuple[Run, ...]:
        """Return what runs now."""
        return tuple(queue.running for queue in self._queues.values() if queue.running is not None)

    def put(self, run: Run) -> None:
        """Queue a run; with mode `interrupt` what runs is stopped, and what is beyond the cap is left out."""
        key = run.request.session_key
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = SessionQueue()
            self._parts.tasks.start(self._work(key, queue), name=f"session {key}")
        queue.waiting.append(run)
        settings = self._parts.settings.queue(run.request.requester.channel)
        if settings.mode == "interrupt" and queue.running is not None:
            queue.running.stop("interrupt")
        over = overflow(queue, settings)
        if over.summary:
            self._parts.lines.add(key, over.summary, source=run.request.requester.source)
        for dropped in over.dropped:
            self._parts.tasks.start(self._leave_out(dropped), name=f"dropped {dropped.run_id}")

    def wake(self, key: str) -> None:
        """Start a turn for a session's system events, now or as soon as it is idle."""
        queue = self._queues.get(key)
        if queue is not None:
            queue.wake = True
        elif not self.closing:
            self.put(self._parts.wake(key))

    def abort(self, key: str, reason: str, wanted: Callable[[Run], bool]) -> tuple[str, ...]:
        """Stop what runs and take out what waits, as far as it is wanted; returns the ids."""
        queue = self._queues.get(key)
        if queue is None:
            return ()
        stopped: list[str] = []
        if queue.running is not None and wanted(queue.running):
            queue.running.stop(reason)
            stopped.append(queue.running.run_id)
        for run in [run for run in queue.waiting if wanted(run)]:
            queue.waiting.remove(run)
            run.stopping.reason = reason
            self._parts.tasks.start(self._abort_waiting(run, reason), name=f"aborted {run.run_id}")
            stopped.append(run.run_id)
        return tuple(stopped)

    async def _leave_out(self, run: Run) -> None:
        await self._parts.settle(run, self.ended(run, "ok", DROPPED))

    async def _abort_waiting(self, run: Run, reason: str) -> None:
        await self._parts.settle(run, self.ended(run, "aborted", reason))

    async def _work(self, key: str, queue: SessionQueue) -> None:
        """Run what waits for a session until nothing does."""
        try:
            while not self.closing:
                if not queue.waiting and queue.wake and self._parts.lines.waiting(key):
                    self.put(self._parts.wake(key))
                queue.wake = False
                if not queue.waiting:
                    return
                await self._quiet(queue)
                if queue.waiting:
                    await self._next(queue)
        finally:
            if self._queues.get(key) is queue:
                del self._queues[key]

    async def _quiet(self, queue: SessionQueue) -> None:
        """Wait until the sender of a follow-up has been quiet for a moment (`messages.queue.debounceMs`)."""
        while queue.waiting and queue.followed:
            first, last = queue.waiting[0].request, queue.waiting[-1]
            if first.requester.channel == INTERNAL or self._parts.alone(first):
                return
            quiet = self._parts.settings.queue(first.requester.channel).debounce_seconds
            left = quiet - (self._parts.clock.now_ms() - last.accepted_ms) / 1000
            if left <= 0:
                return
            await self._parts.clock.sleep(left)

    async def _next(self, queue: SessionQueue) -> None:
        settings = self._parts.settings.queue(queue.waiting[0].request.requester.channel)
        batch = take_batch(queue, settings, self._parts.alone)
        run = batch[-1]
        run.request = joined([item.request for item in batch])
        queue.running = run
        try:
            for other in batch[:-1]:
                await self._parts.settle(other, self.ended(other, "ok", JOINED))
            await self._execute(run)
        finally:
            queue.running = None
            queue.followed = True

    async def _execute(self, run: Run) -> None:
        """Run one turn and settle it; the end of the process leaves it open."""
        task = run.task = self._parts.tasks.start(self._turn(run), name=f"turn {run.run_id}")
        if run.stopping.reason is not None:
            task.cancel()
        await asyncio.wait([task])
        if task.cancelled() and run.stopping.reason in {None, SHUTDOWN}:
            return
        if task.cancelled():
            result = self.ended(run, "aborted", str(run.stopping.reason))
        elif task.exception() is not None:
            result = self.ended(run, "error", "error", error=DEFECT)
        else:
            result = task.result()
        await self._parts.settle(run, result)

    async def _turn(self, run: Run) -> TurnResult:
        return await self._parts.run(run)

    def ended(self, run: Run, status: RunStatus, reason: str, *, error: str | None = None) -> TurnResult:
        """Return the result of a run that did not come to a model's answer, and tell its end."""
        now = self._parts.clock.now_ms()
        data: dict[str, Any] = {"phase": "error" if error else "end", "endedAt": now, "stopReason": reason}
        if error:
            data["error"] = error
        if status == "aborted":
            data["aborted"] = True
        run.emitter.emit("lifecycle", data)
        return TurnResult(run.run_id, status, (), run.accepted_ms, now, error=error, stop_reason=reason)
