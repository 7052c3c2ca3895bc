"""Lines that wait for a session's next prompt (agent.md 8.3): data that carries where it comes from (advisory P2)."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from openclaw.agent.untrusted import clean, escape_lines, quoted
from openclaw.policy.what.labels import Source
from openclaw.system.clock import Clock, iso

MAX_LINES: Final = 20
MAX_SESSIONS: Final = 2_000
MAX_CHARS: Final = 8_000


@dataclass(frozen=True, slots=True)
class Pending:
    """One event.

    Attributes:
        text: what happened: a headline, and below it the words of a program or person.
        source: whose words they are.
        at_ms: when it was queued.
        context_key: events of one kind and thing replace each other.
    """

    text: str
    source: Source
    at_ms: int
    context_key: str | None = None

    @property
    def shown(self) -> str:
        """Return the event as the model sees it: one `System:` line, everything below it quoted."""
        head, _, rest = self.text.strip().partition("\n")
        line = f"System: [{iso(self.at_ms)}] {escape_lines(clean(head)).strip()}"
        return f"{line}\n{quoted(rest)}" if rest.strip() else line


class SystemLines:
    """The queues, by session key; at most twenty lines each, equal neighbours once."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._queues: OrderedDict[str, deque[Pending]] = OrderedDict()

    def add(self, session_key: str, text: str, *, source: Source, context_key: str | None = None) -> bool:
        """Queue an event; returns False when it says the same as the one before it."""
        queue = self._queues.setdefault(session_key, deque(maxlen=MAX_LINES))
        self._queues.move_to_end(session_key)
        while len(self._queues) > MAX_SESSIONS:
            self._queues.popitem(last=False)
        said = text.strip()[:MAX_CHARS]
        if not said or (queue and queue[-1].text == said):
            return False
        if context_key is not None:
            kept = [line for line in queue if line.context_key != context_key]
            queue.clear()
            queue.extend(kept)
        queue.append(Pending(said, source, self._clock.now_ms(), context_key))
        return True

    def drain(self, session_key: str) -> tuple[Pending, ...]:
        """Take all events of a session out of its queue."""
        return tuple(self._queues.pop(session_key, ()))

    def waiting(self, session_key: str) -> int:
        """Return how many events wait for a session."""
        return len(self._queues.get(session_key, ()))
