"""Pending history: group messages that were not for the bot, kept as context (channels.md 2.6).

In memory, bounded, rebuilt from the journal after a restart. An entry stays until the turn that used it was answered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from openclaw.policy.what.labels import Provenance

MAX_KEYS: Final = 1000


@dataclass(frozen=True, slots=True)
class PendingEntry:
    """One buffered message.

    Attributes:
        inbound_id: its journal row.
        sender_label: the author as shown, with the id.
        body: its text; media as a placeholder.
        at_ms: when it was sent.
        message_id: the channel's id, for edits.
        provenance: its source; a stranger's unless its author alone would have been answered.
    """

    inbound_id: int
    sender_label: str
    body: str
    at_ms: int
    message_id: str
    provenance: Provenance


class PendingHistory:
    """Entries by history key, oldest first."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._entries: OrderedDict[str, list[PendingEntry]] = OrderedDict()
        self._max_keys = max_keys

    def add(self, key: str, entry: PendingEntry, limit: int) -> tuple[int, ...]:
        """Keep an entry; returns the journal rows that fell out (over `limit`, or of the oldest key)."""
        kept = self._entries.setdefault(key, [])
        self._entries.move_to_end(key)
        kept.append(entry)
        dropped = kept[: max(len(kept) - limit, 0)]
        del kept[: len(dropped)]
        while len(self._entries) > self._max_keys:
            _, oldest = self._entries.popitem(last=False)
            dropped = [*dropped, *oldest]
        return tuple(old.inbound_id for old in dropped)

    def peek(self, key: str) -> tuple[PendingEntry, ...]:
        """Return the entries of a key."""
        return tuple(self._entries.get(key, ()))

    def discard(self, key: str, inbound_ids: Iterable[int]) -> None:
        """Forget entries that were used."""
        gone = set(inbound_ids)
        kept = [entry for entry in self._entries.get(key, ()) if entry.inbound_id not in gone]
        if kept:
            self._entries[key] = kept
        else:
            self._entries.pop(key, None)

    def holds(self, prefix: str, message_id: str) -> bool:
        """Return whether a message still waits under a key that begins with `prefix`."""
        return any(
            entry.message_id == message_id
            for key, entries in self._entries.items()
            if key.startswith(prefix)
            for entry in entries
        )

    def edit(self, key: str, message_id: str, body: str) -> int | None:
        """Replace the text of a message that still waits; returns its journal row, or None when it waits no more."""
        entries = self._entries.get(key, [])
        for index, entry in enumerate(entries):
            if entry.message_id == message_id:
                entries[index] = replace(entry, body=body)
                return entry.inbound_id
        return None
