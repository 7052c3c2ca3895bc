"""A clock that the test moves."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class FakeClock:
    """Time stands still until `advance`; sleepers wake in order."""

    def __init__(self, now_ms: int = 1_790_000_000_000) -> None:
        self._now_ms = now_ms
        self._start = now_ms
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic(self) -> float:
        return (self._now_ms - self._start) / 1000

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_ms + seconds * 1000, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Move time and let everything that became due run."""
        target = self._now_ms + round(seconds * 1000)
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target:
            due, _, future = heapq.heappop(self._sleepers)
            self._now_ms = max(self._now_ms, round(due))
            if not future.done():
                future.set_result(None)
            await settle()
        self._now_ms = target
        await settle()


async def settle(rounds: int = 20) -> None:
    """Let ready callbacks run."""
    for _ in range(rounds):
        await asyncio.sleep(0)
