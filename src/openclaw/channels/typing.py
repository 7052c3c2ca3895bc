"""Shows that an answer is being written: from the start of a run to its end, refreshed, bounded (channels.md 4.3)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from openclaw.agent.contract import AgentEvent, ReplyTarget, TurnRequest
from openclaw.channels.contract import Channel
from openclaw.system.clock import Clock
from openclaw.system.tasks import Supervisor

log = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 6.0
LIMIT_SECONDS: Final = 120.0
MAX_RUNS: Final = 1000


class TypingIndicator:
    """An event sink: starts and ends the indicator of each run that answers to a chat."""

    def __init__(self, channel: Callable[[str, str], Channel | None], clock: Clock) -> None:
        self._channel = channel
        self._clock = clock
        self._targets: dict[str, ReplyTarget] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks = Supervisor("typing")

    def expect(self, request: TurnRequest) -> None:
        """Note where a run answers; call it before the run begins."""
        if request.target is not None and request.requester.channel != "internal":
            self._targets[request.run_id] = request.target
            while len(self._targets) > MAX_RUNS:
                del self._targets[next(iter(self._targets))]

    def emit(self, event: AgentEvent) -> None:
        """Take an event; never blocks and never raises."""
        if event.stream != "lifecycle":
            return
        if event.data.get("phase") == "start":
            target = self._targets.pop(event.run_id, None)
            if target is not None and event.run_id not in self._running:
                self._running[event.run_id] = self._tasks.start(self._show(target), name=event.run_id)
        else:
            self._targets.pop(event.run_id, None)
            task = self._running.pop(event.run_id, None)
            if task is not None:
                task.cancel()

    async def _show(self, target: ReplyTarget) -> None:
        end = self._clock.monotonic() + LIMIT_SECONDS
        while self._clock.monotonic() < end:
            channel = self._channel(target.channel, target.account)
            if channel is None or not channel.capabilities.typing:
                return
            await channel.typing(target)
            await self._clock.sleep(REFRESH_SECONDS)

    async def close(self) -> None:
        """End all indicators."""
        await self._tasks.close()
