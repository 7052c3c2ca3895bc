"""Lists of people: absent, empty, wildcard and named are four states; nobody is on one by accident (advisory C7).

A list is compiled once into sets; asking it costs a few look-ups. A sender without an id is on no list, not even on one
with a wildcard.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from openclaw.policy.who.dm_pairing import allowed_ids
from openclaw.policy.who.facts import MessageFacts, StoreView
from openclaw.policy.who.identity import (
    IdentityStyle,
    canonical_id,
    read_entry,
    sender_chats,
    sender_id,
    sender_names,
)

WILDCARD: Final = "*"


class ListState(StrEnum):
    """What the config says of a list."""

    ABSENT = "absent"
    EMPTY = "empty"
    WILDCARD = "wildcard"
    NAMED = "named"


class Match(StrEnum):
    """By what a sender is on a list. Only ID and STORE name one person for sure."""

    NONE = ""
    ID = "id"
    NAME = "name"
    CHAT = "chat"
    WILDCARD = "wildcard"
    STORE = "store"
    LINKED = "linked"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class AllowList:
    """A compiled list.

    Attributes:
        state: which of the four states the config has.
        ids: canonical ids.
        names: folded names.
        chats: canonical chat entries.
        wildcard: whether `*` is among the entries.
        size: different entries besides `*`, those that match nobody included.
        inert: entries that match nobody, as written.
        key: config path that the list comes from, "" for none.
    """

    state: ListState = ListState.ABSENT
    ids: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    chats: frozenset[str] = frozenset()
    wildcard: bool = False
    size: int = 0
    inert: tuple[str, ...] = ()
    key: str = ""

    @property
    def configured(self) -> bool:
        """Return whether the list has any entry."""
        return self.wildcard or self.size > 0

    @property
    def sole_id(self) -> str:
        """Return the one person that the list consists of; "" when it has several entries, none, a name or `*`."""
        if self.size != 1 or self.wildcard or len(self.ids) != 1:
            return ""
        return next(iter(self.ids))


ABSENT: Final = AllowList()


class SenderKeys:
    """What of one sender can be on a list, worked out when first needed."""

    __slots__ = ("_chats", "_facts", "_names", "_style", "id")

    def __init__(self, style: IdentityStyle, facts: MessageFacts) -> None:
        self._style = style
        self._facts = facts
        self.id = sender_id(style, facts.sender)
        self._names: tuple[str, ...] | None = None
        self._chats: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the folded names."""
        if self._names is None:
            self._names = sender_names(self._style, self._facts.sender)
        return self._names

    @property
    def chats(self) -> tuple[str, ...]:
        """Return the chat entries of the conversation."""
        if self._chats is None:
            self._chats = sender_chats(self._style, self._facts)
        return self._chats


def compile_list(style: IdentityStyle, entries: Iterable[str] | None, key: str = "") -> AllowList:
    """Return the compiled form of a configured list; None is a list that the config does not have."""
    if entries is None:
        return AllowList(key=key)
    seen = dict.fromkeys(text for entry in entries if (text := entry.strip()))
    wildcard = WILDCARD in seen
    readings = {text: read_entry(style, text) for text in seen if text != WILDCARD}
    inert = tuple(text for text, reading in readings.items() if not (reading.id or reading.name or reading.chat))
    distinct = {reading for reading in readings.values() if reading.id or reading.name or reading.chat}
    state = ListState.WILDCARD if wildcard else ListState.NAMED if readings else ListState.EMPTY
    return AllowList(
        state=state,
        ids=frozenset(reading.id for reading in distinct if reading.id),
        names=frozenset(reading.name for reading in distinct if reading.name),
        chats=frozenset(reading.chat for reading in distinct if reading.chat),
        wildcard=wildcard,
        size=len(distinct) + len(inert),
        inert=inert,
        key=key,
    )


def match(allow: AllowList, sender: SenderKeys, *, names: bool = True) -> Match:
    """Return by what a sender is on a list.

    Args:
        allow: the list.
        sender: who.
        names: whether name-form entries count here.
    """
    if not sender.id:
        return Match.NONE
    if sender.id in allow.ids:
        return Match.ID
    if allow.chats and not allow.chats.isdisjoint(sender.chats):
        return Match.CHAT
    if names and allow.names and not allow.names.isdisjoint(sender.names):
        return Match.NAME
    return Match.WILDCARD if allow.wildcard else Match.NONE


def approved(channel: str, style: IdentityStyle, store: StoreView, sender: SenderKeys) -> bool:
    """Return whether the pairing store approved a sender. Ids only; a wildcard in the store counts for nothing."""
    if not store.allow_from or not sender.id:
        return False
    if sender.id in store.allow_from:
        return True
    return any(canonical_id(style, entry) == sender.id for entry in allowed_ids(channel, store.allow_from))
