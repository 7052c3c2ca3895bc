"""Writes that must reach the journal even when its disk is full for a while: the answer, the receipt, the outcome."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError

log = logging.getLogger(__name__)

T = TypeVar("T")

AGAIN_SECONDS: Final = 2.0
"""Pause before a write is tried again."""
JOURNAL_REFUSED: Final = "journal-unavailable"


async def until_stored(clock: Clock, what: str, write: Callable[[], Awaitable[T]]) -> T:
    """Return what `write` returns, trying again while the journal cannot be written; one log line per outage.

    Cancelling ends it: what is not stored is settled by the next start.

    Args:
        clock: for the pauses.
        what: what waits, for the log.
        write: one transaction of the journal, safe to repeat when it failed.

    Raises:
        OpenClawError: anything but a journal that refuses.
    """
    told = False
    while True:
        try:
            return await write()
        except OpenClawError as error:
            if error.code != JOURNAL_REFUSED:
                raise
            if not told:
                log.error("%s waits: %s", what, error)
                told = True
        await clock.sleep(AGAIN_SECONDS)
