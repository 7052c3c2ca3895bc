"""Remembers answers by idempotency key, so that a repeated request does not run twice (gateway.md 3.6)."""

from __future__ import annotations

from typing import Any, Final

from openclaw.system.clock import Clock

KEPT_MS: Final = 5 * 60_000
MAX_KEPT: Final = 1000

Mark = tuple[str, str, str]
"""Kind of request, identity of the client, its key: another client's key is another request."""


class Remembered:
    """Answers of the last five minutes, at most 1000."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answers: dict[Mark, tuple[int, dict[str, Any]]] = {}

    def get(self, mark: Mark) -> dict[str, Any] | None:
        """Return what was answered last, or None."""
        found = self._answers.get(mark)
        if found is None or self._clock.now_ms() - found[0] > KEPT_MS:
            return None
        return found[1]

    def put(self, mark: Mark, answer: dict[str, Any]) -> None:
        """Remember an answer; the oldest make way."""
        self._answers.pop(mark, None)
        self._answers[mark] = (self._clock.now_ms(), answer)
        oldest = self._clock.now_ms() - KEPT_MS
        while self._answers:
            first = next(iter(self._answers))
            if len(self._answers) <= MAX_KEPT and self._answers[first][0] >= oldest:
                break
            del self._answers[first]

    def forget(self, mark: Mark) -> None:
        """Forget a request that came to nothing, so that it may be tried again."""
        self._answers.pop(mark, None)
