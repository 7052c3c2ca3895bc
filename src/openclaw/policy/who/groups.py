"""Where the bot may act: compiled maps of groups, guilds, rooms or teams, and the search in them (channels.md 2.2).

Ids are tried before names, a name that reads as an id is never compared, and `*` is a key but nobody's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from openclaw.policy.who.facts import ChatType, MessageFacts, Named
from openclaw.policy.who.identity import dash_slug, slack_slug
from openclaw.policy.who.lists import AllowList
from openclaw.policy.who.rule_columns import GroupPolicy, MapKind

ANY: Final = "*"
Keys = tuple[str | None, ...]
"""Under what a place may stand in a map, the id first."""
_ROOM_ID: Final[Mapping[MapKind, re.Pattern[str]]] = {
    MapKind.GUILDS: re.compile(r"[0-9]+"),
    MapKind.ROOMS: re.compile(r"[CGD][A-Z0-9]+"),
    MapKind.TEAMS: re.compile(r"[0-9]+:\S+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE),
}
_NOWHERE: Final = Named()


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

    def find(self, keys: Keys) -> PlaceNode | None:
        """Return the entry of the first key that the map has, else of `*`."""
        nodes = self.nodes
        for key in keys:
            if key and key != ANY and (node := nodes.get(key)) is not None:
                return node
        if self.slugs:
            for key in keys[1:]:
                if key and (node := self.slugs.get(dash_slug(key))) is not None:
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


_KeyPair = tuple[Keys, Keys]
"""Keys in the outer map and in the inner one."""


def _names(kind: MapKind, name: str | None, *forms: Callable[[str], str]) -> Keys:
    """Return the forms of a name that may be keys: those that do not read as an id."""
    found = [form(name) for form in forms] if name else []
    return tuple(text for text in found if not reads_as_place_id(kind, text))


def _group_keys(facts: MessageFacts, _named: bool) -> _KeyPair:
    return (facts.chat_id,), (facts.topic_id,)


def _guild_keys(facts: MessageFacts, named: bool) -> _KeyPair:
    """Return the keys of a guild and a channel; a thread goes by its own id, then by its parent."""
    guild = facts.guild or _NOWHERE
    thread = facts.chat_type is ChatType.THREAD
    inner = (facts.chat_id, facts.parent_id) if thread else (facts.chat_id,)
    if not named:
        return (guild.id,), inner
    name = facts.parent_name if thread else facts.chat_name
    outer = (guild.id, *_names(MapKind.GUILDS, guild.name, dash_slug))
    return outer, (*inner, *_names(MapKind.GUILDS, name, dash_slug, str))


def _room_keys(facts: MessageFacts, named: bool) -> _KeyPair:
    if not named:
        return (facts.chat_id,), ()
    return (facts.chat_id, *_names(MapKind.ROOMS, facts.chat_name, _hashed, str.strip, slack_slug)), ()


def _hashed(name: str) -> str:
    return f"#{name.strip()}"


def _team_keys(facts: MessageFacts, named: bool) -> _KeyPair:
    team = facts.team or _NOWHERE
    conversation = facts.chat_id.partition(";")[0]
    if not named:
        return (team.id,), (conversation,)
    outer = (team.id, *_names(MapKind.TEAMS, team.name, str))
    return outer, (conversation, *_names(MapKind.TEAMS, facts.chat_name, str))


_KEYS: Final[Mapping[MapKind, Callable[[MessageFacts, bool], _KeyPair]]] = {
    MapKind.NONE: _group_keys,
    MapKind.GROUPS: _group_keys,
    MapKind.GUILDS: _guild_keys,
    MapKind.ROOMS: _room_keys,
    MapKind.TEAMS: _team_keys,
}
