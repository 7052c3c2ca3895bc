"""A log that strangers cannot fill: a few lines a minute, then only a count of what was left out."""

from __future__ import annotations

import logging
from typing import Final

from openclaw.system.clock import Clock

PER_MINUTE: Final = 30
MINUTE_SECONDS: Final = 60.0


class QuietLog:
    """Logs what others can cause as often as they like.

    Args:
        log: where lines go.
        clock: the time.
        per_minute: lines in one minute.
    """

    def __init__(self, log: logging.Logger, clock: Clock, per_minute: int = PER_MINUTE) -> None:
        self._log = log
        self._clock = clock
        self._per_minute = per_minute
        self._since = clock.monotonic()
        self._lines = 0

    def line(self, level: int, message: str, *values: object) -> None:
        """Log a line, or count it when there were enough this minute."""
        now = self._clock.monotonic()
        if now - self._since >= MINUTE_SECONDS:
            left_out = self._lines - self._per_minute
            if left_out > 0:
                self._log.log(level, "%d more lines like these were left out", left_out)
            self._since, self._lines = now, 0
        self._lines += 1
        if self._lines <= self._per_minute:
            self._log.log(level, message, *values)
