"""Lanes: who runs when. A session runs one turn at a time, in order; a global lane caps how many sessions run at once.

A session's lane is taken before the global one (agent.md 3.2), so a waiting session never holds a global place.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

DEFAULT_CAPS: Final = {"main": 4, "subagent": 8, "cron": 1, "nested": 1}


class Lane:
    """A first-in, first-out gate with a limit that may change while it is in use."""

    def __init__(self, cap: Callable[[], int]) -> None:
        self._cap = cap
        self._running = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def running(self) -> int:
        """Return how many hold the lane."""
        return self._running

    @property
    def waiting(self) -> int:
        """Return how many wait for it."""
        return sum(not future.done() for future in self._waiting)

    async def acquire(self) -> None:
        """Wait for a place. A cancelled wait gives its place to the next."""
        if not self._waiting and self._running < self._limit():
            self._running += 1
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.release()
            else:
                self._waiting.remove(future)
                self._admit()
            raise

    def release(self) -> None:
        """Give the place back."""
        self._running -= 1
        self._admit()

    def _limit(self) -> int:
        return max(1, self._cap())

    def _admit(self) -> None:
        while self._waiting and self._running < self._limit():
            future = self._waiting.popleft()
            if not future.done():
                self._running += 1
                future.set_result(None)


class Lanes:
    """All lanes of the process, by session key and by name, while they are in use.

    Args:
        cap: the limit of a global lane by name, asked each time, so that a config change counts at once.
    """

    def __init__(self, cap: Callable[[str], int] | None = None) -> None:
        self._cap = cap or (lambda name: DEFAULT_CAPS.get(name, 1))
        self._sessions: dict[str, Lane] = {}
        self._globals: dict[str, Lane] = {}

    @asynccontextmanager
    async def hold(self, session_key: str, lane: str) -> AsyncIterator[None]:
        """Hold the session's lane, then the global lane; both are free again afterwards, whatever happens."""
        session = self._sessions.setdefault(session_key, Lane(lambda: 1))
        shared = self._globals.setdefault(lane, Lane(lambda: self._cap(lane)))
        try:
            await session.acquire()
            try:
                await shared.acquire()
                try:
                    yield
                finally:
                    shared.release()
            finally:
                session.release()
        finally:
            _forget(self._sessions, session_key, session)
            _forget(self._globals, lane, shared)

    def busy(self, session_key: str) -> bool:
        """Return whether the session runs or waits for a global place."""
        lane = self._sessions.get(session_key)
        return lane is not None and bool(lane.running or lane.waiting)

    def load(self, lane: str) -> tuple[int, int]:
        """Return how many run and wait in a global lane."""
        found = self._globals.get(lane)
        return (found.running, found.waiting) if found else (0, 0)


def _forget(lanes: dict[str, Lane], name: str, lane: Lane) -> None:
    """Drop a lane that nobody holds or waits for: names may come from outside (advisory Q3)."""
    if not lane.running and not lane.waiting and lanes.get(name) is lane:
        del lanes[name]
