"""The transcripts that this process has open: one lock per file, one copy in memory, a bounded cache."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from openclaw.state.files import why
from openclaw.state.locks import file_lock
from openclaw.state.transcripts import Line, Transcript, load, tail
from openclaw.system.clock import Clock
from openclaw.system.errors import Conflict, Unavailable

CACHED_FILES: Final = 32
CACHED_BYTES: Final = 8 * 1024 * 1024
LOCK_SECONDS: Final = 10.0


class Transcripts:
    """The transcripts of this process: a bounded cache, and the lock of each file that is in use."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._cache: OrderedDict[Path, Transcript] = OrderedDict()
        self._held: dict[Path, tuple[int, ExitStack]] = {}
        self._opening: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def hold(
        self, path: Path, *, session_id: str, cwd: str, parent: str | None = None
    ) -> AsyncIterator[Transcript]:
        """Hold a transcript for writing, creating it with a header when it does not exist.

        Several tasks of this process may hold the same one; other processes wait.

        Args:
            path: from `transcript_path`.
            session_id: id for the header of a new file.
            cwd: working directory for the header.
            parent: path of the transcript it continues, for the header.

        Raises:
            Conflict: another process holds it for longer than ten seconds.
            InvalidInput: the file is no transcript.
            Unavailable: the disk refuses.
        """
        opening = self._opening.setdefault(path, asyncio.Lock())
        async with opening:
            await self._lock(path)
            try:
                transcript = await self._current(path)
                if transcript is None:
                    transcript = Transcript.create(path, self._clock, session_id=session_id, cwd=cwd, parent=parent)
                    self._keep(path, transcript)
            except BaseException:
                self._unlock(path)
                raise
        try:
            yield transcript
        finally:
            self._unlock(path)

    async def read(self, path: Path) -> Transcript | None:
        """Return a transcript for reading, without its lock; None when there is none. Raises like `hold`."""
        return self.cached(path) or await asyncio.to_thread(load, path, self._clock)

    def recent(self, path: Path, limit: int) -> list[Line]:
        """Return the last lines of a conversation, oldest first, from memory or from the end of the file.

        Raises:
            Unavailable: it cannot be read.
        """
        known = self.cached(path)
        if known is not None:
            return list(known.branch()[-limit:])
        return tail(path, limit)

    def forget(self, path: Path) -> None:
        """Drop a transcript from the cache; for files that were renamed."""
        self._cache.pop(path, None)

    def cached(self, path: Path) -> Transcript | None:
        """Return the transcript when it is in memory and no other program changed the file."""
        found = self._cache.get(path)
        if found is None or not found.current:
            return None
        self._cache.move_to_end(path)
        return found

    async def _current(self, path: Path) -> Transcript | None:
        found = self.cached(path)
        if found is None:
            found = await asyncio.to_thread(load, path, self._clock)
            if found is not None:
                self._keep(path, found)
        return found

    def _keep(self, path: Path, transcript: Transcript) -> None:
        self._cache[path] = transcript
        self._cache.move_to_end(path)
        while len(self._cache) > CACHED_FILES or (len(self._cache) > 1 and self._size() > CACHED_BYTES):
            oldest = next((key for key in self._cache if key not in self._held), None)
            if oldest is None or oldest == path:
                return
            del self._cache[oldest]

    def _size(self) -> int:
        return sum(transcript.size for transcript in self._cache.values())

    async def _lock(self, path: Path) -> None:
        held = self._held.get(path)
        if held is not None:
            self._held[path] = (held[0] + 1, held[1])
            return
        stack = ExitStack()
        try:
            stack.enter_context(file_lock(path, wait=0))
        except Conflict:
            await _enter_on_thread(stack, path)
        except OSError as error:
            raise Unavailable(f"cannot lock {path}: {why(error)}", code="state-unwritable") from error
        self._held[path] = (1, stack)

    def _unlock(self, path: Path) -> None:
        count, stack = self._held[path]
        if count > 1:
            self._held[path] = (count - 1, stack)
            return
        del self._held[path]
        stack.close()


async def _enter_on_thread(stack: ExitStack, path: Path) -> None:
    """Wait for the lock on a thread; when cancelled, free it as soon as the thread has it."""
    waiting = asyncio.get_running_loop().run_in_executor(None, stack.enter_context, file_lock(path, wait=LOCK_SECONDS))
    try:
        await asyncio.shield(waiting)
    except asyncio.CancelledError:
        waiting.add_done_callback(lambda done: None if done.cancelled() or done.exception() else stack.close())
        raise
