"""Journals that forget, and journals that confuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from openclaw.security.verify.model import Twin
from openclaw.state.journal import InboundRow, JournalStore, NewInbound, NewOutbound


class _ForgetsAnswered(JournalStore):
    """Forgets an event as soon as it is answered."""

    def offer(self, messages: Sequence[NewInbound], now_ms: int, *, durable: bool = True) -> list[InboundRow]:
        for message in messages:
            self._db.execute("DELETE FROM inbound WHERE state = 'closed' AND event_id = ?", (message.event_id,))
        return super().offer(messages, now_ms, durable=durable)


class _RemembersInMemory(JournalStore):
    """Knows events by a set that a restart empties."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._seen: set[tuple[str, str, str]] = set()

    def offer(self, messages: Sequence[NewInbound], now_ms: int, *, durable: bool = True) -> list[InboundRow]:
        new = {(one.channel, one.account, one.event_id): one for one in messages}
        fresh = [one for key, one in new.items() if key not in self._seen]
        for one in fresh:
            self._db.execute(
                "DELETE FROM inbound WHERE channel = ? AND account = ? AND event_id = ?",
                (one.channel, one.account, one.event_id),
            )
        self._seen |= set(new)
        return super().offer(fresh, now_ms, durable=durable)


class _KnowsNoAccounts(JournalStore):
    """Takes equal event ids of two accounts for one event."""

    def offer(self, messages: Sequence[NewInbound], now_ms: int, *, durable: bool = True) -> list[InboundRow]:
        alike = [replace(one, account="default") for one in messages]
        return super().offer(alike, now_ms, durable=durable)


class _AnswersTwice(JournalStore):
    """Stores an answer again when its message is closed already."""

    def answer(
        self, inbound_ids: Sequence[int], chunks: Sequence[NewOutbound], now_ms: int, *, outcome: str
    ) -> list[int]:
        stored = super().answer(inbound_ids, chunks, now_ms, outcome=outcome)
        return stored or super().answer((), chunks, now_ms, outcome=outcome)


class _LosesOpen(JournalStore):
    """Closes what it takes, so that a restart finds nothing to go on with."""

    def offer(self, messages: Sequence[NewInbound], now_ms: int, *, durable: bool = True) -> list[InboundRow]:
        rows = super().offer(messages, now_ms, durable=durable)
        self.mark([row.id for row in rows], "closed", outcome="taken", now_ms=now_ms)
        return rows


TWINS: Final = (
    Twin("an answered event is forgotten", _ForgetsAnswered),
    Twin("events are remembered until the next restart", _RemembersInMemory),
    Twin("equal event ids of two accounts are one event", _KnowsNoAccounts),
    Twin("an answer is stored once more", _AnswersTwice),
    Twin("an event is closed when it is taken", _LosesOpen),
)
