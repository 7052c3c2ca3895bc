"""Runs: turns that were accepted, until ten minutes after they ended."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any, Final

from openclaw.agent.contract import TurnRequest, TurnResult
from openclaw.agent.events import Emitter
from openclaw.agent.turn_state import Stopping
from openclaw.system.clock import Clock

KEPT_MS: Final = 600_000
MAX_KEPT: Final = 5_000


@dataclass(slots=True, eq=False)
class Run:
    """One accepted turn; what `submit` hands out.

    Attributes:
        request: the turn.
        accepted_ms: when it was accepted, epoch milliseconds.
        emitter: numbers its events.
        done: its result.
        stopping: why it is being stopped.
        task: the task that runs it, while it runs.
    """

    request: TurnRequest
    accepted_ms: int
    emitter: Emitter
    done: asyncio.Future[TurnResult]
    stopping: Stopping = field(default_factory=Stopping)
    task: asyncio.Task[Any] | None = None

    @property
    def run_id(self) -> str:
        """Return the id of the run."""
        return self.request.run_id

    async def result(self) -> TurnResult:
        """Wait for its end; cancelling the waiter does not stop the run."""
        return await asyncio.shield(self.done)

    def stop(self, reason: str) -> None:
        """Stop the run, or keep it from starting."""
        if self.stopping.reason is None:
            self.stopping.reason = reason
            if self.task is not None:
                self.task.cancel()


class Runs:
    """All runs by id: those that wait or run, and those that ended lately."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._active: dict[str, Run] = {}
        self._ended: OrderedDict[str, tuple[int, Run]] = OrderedDict()

    def add(self, run: Run) -> None:
        """Remember a run that was accepted."""
        self._active[run.run_id] = run

    def ended(self, run: Run) -> None:
        """Note that a run has its result; its images and its task are not kept with it."""
        if self._active.get(run.run_id) is run:
            del self._active[run.run_id]
        run.request, run.task = replace(run.request, images=()), None
        now = self._clock.now_ms()
        self._ended.pop(run.run_id, None)
        self._ended[run.run_id] = (now, run)
        while self._ended:
            ended, _ = next(iter(self._ended.values()))
            if ended >= now - KEPT_MS and len(self._ended) <= MAX_KEPT:
                break
            self._ended.popitem(last=False)

    def find(self, run_id: str) -> Run | None:
        """Return a run by its id."""
        active = self._active.get(run_id)
        if active is not None:
            return active
        ended = self._ended.get(run_id)
        return ended[1] if ended is not None and ended[0] >= self._clock.now_ms() - KEPT_MS else None

    @property
    def active(self) -> tuple[Run, ...]:
        """Return the runs that wait or run, oldest first."""
        return tuple(self._active.values())
