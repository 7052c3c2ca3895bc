"""Rooms and their tool rules as the config states them, compiled for look-up (agent.md 5.5, channels.md 2.2, 2.7)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from openclaw.policy.what.tool_stages import StageId, ToolBlock, ToolStage, pick
from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT, folded
from openclaw.policy.who.identity import dash_slug

ANYONE: Final = "*"
_TYPED: Final = ("id", "e164", "username", "name")
_READS_AS_ID: Final = re.compile(
    r"\+?\d[\d:._-]*(@[a-z0-9.-]+)?"  # numbers, phone numbers, WhatsApp addresses
    r"|[UW][A-Z0-9]*\d[A-Z0-9]*"  # Slack
    r"|[0-9a-fA-F]{8}-[0-9a-fA-F-]{27}"  # UUID
)


@dataclass(frozen=True, slots=True)
class ToolSender:
    """Who writes, from the connection or the admitted message, never from arguments.

    Attributes:
        id: immutable id on the channel.
        e164: phone number.
        username, name: chosen by their bearer.
        is_owner: channels.md 3.1; False unless proved.
    """

    id: str | None = None
    e164: str | None = None
    username: str | None = None
    name: str | None = None
    is_owner: bool = False


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """The room of the admitted message, or of the stored session record.

    Attributes:
        channel: channel id.
        account_id: channel account.
        group_id: id of the room; None in direct chats.
        group_channel: name of the room, with or without `#`.
        group_space: id or slug of its server or team. A run without a message of its own (sub-agent, cron) takes it
            from the session record: the key does not hold it.
    """

    channel: str | None = None
    account_id: str | None = None
    group_id: str | None = None
    group_channel: str | None = None
    group_space: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SenderRules:
    """`toolsBySender` of one entry, by what identifies the sender; keys are folded."""

    ids: Mapping[str, ToolStage]
    numbers: Mapping[str, ToolStage]
    usernames: Mapping[str, ToolStage]
    names: Mapping[str, ToolStage]
    everyone: ToolStage | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RoomEntry:
    """One entry of a group map.

    Attributes:
        tools: its `tools`; None when absent.
        senders: its `toolsBySender`; None when absent.
        slug: its `slug` (Discord servers).
        rooms: rooms inside (servers and teams).
    """

    tools: ToolStage | None = None
    senders: SenderRules | None = None
    slug: str = ""
    rooms: RoomMap | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RoomMap:
    """A map of rooms. An exact id wins; else letter case is ignored, since session keys are lower-case."""

    exact: Mapping[str, RoomEntry]
    by_case: Mapping[str, tuple[RoomEntry, ...]]
    default: RoomEntry | None = None

    @classmethod
    def of(cls, rooms: Iterable[tuple[str, RoomEntry]]) -> RoomMap:
        """Return the map of (key, entry) pairs; the key `*` is the default."""
        exact: dict[str, RoomEntry] = {}
        by_case: dict[str, tuple[RoomEntry, ...]] = {}
        for key, entry in rooms:
            exact[key.strip()] = entry
            by_case[folded(key)] = (*by_case.get(folded(key), ()), entry)
        default = exact.pop(ANYONE, None)
        by_case.pop(ANYONE, None)
        return cls(MappingProxyType(exact), MappingProxyType(by_case), default)

    def find(self, *candidates: str) -> tuple[RoomEntry, ...]:
        """Return the entries of the first candidate that is a key; more than one only where keys differ by case."""
        for candidate in candidates:
            name = candidate.strip()
            if name in self.exact:
                return (self.exact[name],)
            if name and folded(name) in self.by_case:
                return self.by_case[folded(name)]
        return ()


class RoomStyle(StrEnum):
    """How a channel's rooms are looked up."""

    GROUPS = "groups"
    """By id, then `*`."""
    SLACK = "slack"
    """By id or name, one entry only, else `*`."""
    DISCORD = "discord"
    """A server, and in it a channel."""
    TEAMS = "msteams"
    """A team, and in it a channel."""


@dataclass(frozen=True, slots=True, eq=False)
class ChannelRooms:
    """The rooms of one channel.

    Attributes:
        style: how they are looked up.
        rooms: top-level map; None when absent.
        accounts: map of each account that has its own, by folded account id; it takes the place of the top-level one.
    """

    style: RoomStyle
    rooms: RoomMap | None = None
    accounts: Mapping[str, RoomMap] = field(default_factory=lambda: MappingProxyType({}))

    def for_account(self, account_id: str | None) -> RoomMap | None:
        """Return the map that counts for an account."""
        return self.accounts.get(folded(account_id) or DEFAULT_ACCOUNT, self.rooms)


def sender_rules(blocks: Iterable[tuple[str, ToolBlock]]) -> SenderRules:
    """Return the compiled `toolsBySender`.

    Keys may be typed `id:`, `e164:`, `username:`, `name:`. An untyped key is an id or number first; it is a name as
    well unless it reads as an id. Of two equal keys the first counts.
    """
    maps: dict[str, dict[str, ToolStage]] = {kind: {} for kind in _TYPED}
    everyone: ToolStage | None = None
    for raw, block in blocks:
        stage = pick(StageId.GROUP, block)
        head, colon, tail = raw.strip().partition(":")
        typed = head.strip().lower() if colon and head.strip().lower() in _TYPED else None
        key = sender_key(tail if typed else raw)
        if not key:
            continue
        if key == ANYONE and typed is None:
            everyone = stage
            continue
        names = ("id", "e164") if _READS_AS_ID.fullmatch(raw.strip().removeprefix("@")) else _TYPED
        for kind in (typed,) if typed else names:
            maps[kind].setdefault(key, stage)
    frozen = {kind: MappingProxyType(found) for kind, found in maps.items()}
    return SenderRules(frozen["id"], frozen["e164"], frozen["username"], frozen["name"], everyone)


def room_entry(
    tools: ToolBlock | None,
    by_sender: Iterable[tuple[str, ToolBlock]] | None,
    *,
    slug: str = "",
    rooms: RoomMap | None = None,
) -> RoomEntry:
    """Return a compiled entry from its `tools` and `toolsBySender`."""
    return RoomEntry(
        tools=pick(StageId.GROUP, tools) if tools else None,
        senders=sender_rules(by_sender) if by_sender is not None else None,
        slug=dash_slug(slug),
        rooms=rooms,
    )


def sender_key(text: str | None) -> str:
    """Return the compared form of a sender's id or name: trimmed, one leading `@` removed, lower-case."""
    return folded(folded(text).removeprefix("@"))
