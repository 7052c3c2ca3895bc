"""Where the bot may act: compiled maps of groups, guilds, rooms or teams, and the search in them (channels.md 2.2).

Ids are tried before names, a name that reads as an id is never compared, and `*` is a key but nobody's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from openclaw.policy.who.facts import ChatType, MessageFacts
from openclaw.policy.who.identity import dash_slug, slack_slug
from openclaw.policy.who.lists import AllowList
from openclaw.policy.who.rule_columns import GroupPolicy, MapKind

ANY: Final = "*"
_ROOM_ID: Final[Mapping[MapKind, re.Pattern[str]]] = {
    MapKind.GUILDS: re.compile(r"[0-9]+"),
    MapKind.ROOMS: re.compile(r"[CGD][A-Z0-9]+"),
    MapKind.TEAMS: re.compile(r"[0-9]+:\S+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class PlaceEntry:
    """What the config says at one key of a map; None where it says nothing.

    Attributes:
        key: config path of the entry.
        enabled, allow, require_mention, group_policy, allow_bots, auto_thread: as the config names them.
        allow_from: list that takes the place of the account's (Telegram).
        users: senders that are answered (Discord, Slack).
        children: topics of a group, channels of a guild or team.
    """

    key: str = ""
    enabled: bool | None = None
    allow: bool | None = None
    require_mention: bool | None = None
    group_policy: GroupPolicy | None = None
    allow_bots: bool | None = None
    auto_thread: bool | None = None
    allow_from: AllowList | None = None
    users: AllowList | None = None
    children: Mapping[str, PlaceEntry] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class PlaceDefaults:
    """What the account gives to places that say nothing themselves.

    Attributes:
        key: config path of the map.
        policy: effective group policy.
        require_mention: the account's own default, where it has one (Slack, Teams).
        allow_bots: bots may write.
    """

    key: str
    policy: GroupPolicy = GroupPolicy.ALLOWLIST
    require_mention: bool | None = None
    allow_bots: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """All that admission asks of a place.

    Attributes:
        key: config path of what decided here: the entry, or the map that has none.
        outer: reason to drop before everything else (a guild that is not listed).
        disabled: reason to drop because the entry is switched off.
        refused: reason to drop because the map does not admit the place.
        admitted: a map is configured and names the place.
        policy: group policy here.
        require_mention: whether a mention is required here.
        allow_bots: bots may write here.
        auto_thread: threads made by the bot need no mention.
        override: list of senders that replaces the account's.
        users: senders that are answered here.
    """

    key: str
    policy: GroupPolicy
    outer: str = ""
    disabled: str = ""
    refused: str = ""
    admitted: bool = False
    require_mention: bool = True
    allow_bots: bool = False
    auto_thread: bool = False
    override: AllowList | None = None
    users: AllowList | None = None


@dataclass(frozen=True, slots=True)
class PlaceNode:
    """A place and what lies in it."""

    place: Place
    inner: PlaceMap | None = None


@dataclass(frozen=True, slots=True)
class PlaceMap:
    """A compiled map.

    Attributes:
        nodes: by exact key.
        slugs: by slug of a name key (Teams).
        missing: the place of everything that has no key.
        named: some key, here or inside, is a name: messages need their names worked out.
    """

    missing: Place
    nodes: Mapping[str, PlaceNode] = field(default_factory=lambda: MappingProxyType({}))
    slugs: Mapping[str, PlaceNode] = field(default_factory=lambda: MappingProxyType({}))
    named: bool = False

    def find(self, keys: tuple[str, ...]) -> PlaceNode | None:
        """Return the entry of the first key that the map has, else of `*`."""
        nodes = self.nodes
        for key in keys:
            node = nodes.get(key)
            if node is not None and key and key != ANY:
                return node
        if self.slugs:
            for key in keys[1:]:
                node = self.slugs.get(dash_slug(key))
                if node is not None:
                    return node
        return nodes.get(ANY)

    def has(self, key: str) -> bool:
        """Return whether a place is listed by its own id, not by `*`."""
        return key != ANY and key in self.nodes


def locate(kind: MapKind, places: PlaceMap, facts: MessageFacts) -> Place:
    """Return the place that a message is in."""
    outer, inner = _KEYS[kind](facts, places.named)
    node = places.find(outer)
    if node is None:
        return places.missing
    if node.inner is None:
        return node.place
    found = node.inner.find(inner)
    return node.inner.missing if found is None else found.place


# Under which keys a message's place may stand, ids first


def reads_as_place_id(kind: MapKind, text: str) -> bool:
    """Return whether a key has the form of the ids of places, so that no name matches it."""
    form = _ROOM_ID.get(kind)
    return form is not None and form.fullmatch(text) is not None


_KeyPair = tuple[tuple[str, ...], tuple[str, ...]]
"""Keys in the outer map and in the inner one."""


def _names(kind: MapKind, *names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names if name and not reads_as_place_id(kind, name))


def _group_keys(facts: MessageFacts, _named: bool) -> _KeyPair:
    return (facts.chat_id,), (facts.topic_id or "",)


def _guild_keys(facts: MessageFacts, named: bool) -> _KeyPair:
    """Return the keys of a guild and a channel; a thread goes by its own id, then by its parent."""
    guild = facts.guild
    thread = facts.chat_type is ChatType.THREAD
    outer = ((guild.id if guild else None) or "",)
    inner = (facts.chat_id, facts.parent_id or "") if thread else (facts.chat_id,)
    if not named:
        return outer, inner
    name = (facts.parent_name if thread else facts.chat_name) or ""
    guild_slug = dash_slug((guild.name if guild else None) or "")
    return (*outer, *_names(MapKind.GUILDS, guild_slug)), (*inner, *_names(MapKind.GUILDS, dash_slug(name), name))


def _room_keys(facts: MessageFacts, named: bool) -> _KeyPair:
    name = (facts.chat_name or "").strip() if named else ""
    if not name:
        return (facts.chat_id,), ()
    return (facts.chat_id, f"#{name}", *_names(MapKind.ROOMS, name, slack_slug(name))), ()


def _team_keys(facts: MessageFacts, named: bool) -> _KeyPair:
    team = facts.team
    team_id, conversation = (team.id if team else None) or "", facts.chat_id.split(";", 1)[0]
    if not named:
        return (team_id,), (conversation,)
    outer = (team_id, *_names(MapKind.TEAMS, team.name if team else None))
    return outer, (conversation, *_names(MapKind.TEAMS, facts.chat_name))


_Keys = Callable[[MessageFacts, bool], _KeyPair]

_KEYS: Final[Mapping[MapKind, _Keys]] = {
    MapKind.NONE: _group_keys,
    MapKind.GROUPS: _group_keys,
    MapKind.GUILDS: _guild_keys,
    MapKind.ROOMS: _room_keys,
    MapKind.TEAMS: _team_keys,
}
