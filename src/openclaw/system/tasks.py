"""Background tasks: named, owned, logged when they fail, cancelled in reverse order of start."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Supervisor:
    """Owns the background tasks of one component.

    A task that raises is logged and, with `on_error`, reported; it never brings down its siblings. `close` cancels what
    still runs, last started first, and waits for it.
    """

    def __init__(self, name: str, *, on_error: Callable[[str, BaseException], None] | None = None) -> None:
        self._name = name
        self._on_error = on_error
        self._tasks: dict[asyncio.Task[Any], str] = {}
        self._closing = False

    def start(self, coro: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run `coro` in the background under `name`."""
        if self._closing:
            coro.close()
            raise RuntimeError(f"{self._name} is closing")
        task = asyncio.get_running_loop().create_task(coro, name=f"{self._name}/{name}")
        self._tasks[task] = name
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        name = self._tasks.pop(task, "?")
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            return
        log.error("task %s/%s failed: %s", self._name, name, error, exc_info=error)
        if self._on_error is not None:
            self._on_error(name, error)

    @property
    def running(self) -> tuple[str, ...]:
        """Return the names of the running tasks, oldest first."""
        return tuple(self._tasks.values())

    async def join(self) -> None:
        """Wait until no task runs."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def close(self) -> None:
        """Cancel all tasks, last started first, and wait for them."""
        self._closing = True
        for task in reversed(list(self._tasks)):
            task.cancel()
        await self.join()


async def race(*coros: Coroutine[Any, Any, Any]) -> None:
    """Return when the first of the coroutines ends; the others are cancelled and awaited.

    An exception of one that ended is raised.
    """
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(coro) for coro in coros]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome
