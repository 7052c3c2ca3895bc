"""The conversations that one or several policies can tell apart on a channel account."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from openclaw.policy.domain.people import ME, shown
from openclaw.policy.domain.sources import places_of, room_entries
from openclaw.policy.snapshot import Policy
from openclaw.policy.where.key_ids import PeerKind
from openclaw.policy.where.routing import Binding
from openclaw.policy.who.access_policy import AccountAccess
from openclaw.policy.who.facts import ChatType, MessageFacts, Named
from openclaw.policy.who.groups import ANY, reads_as_place_id
from openclaw.policy.who.identity import IdKind
from openclaw.policy.who.rule_columns import ChannelRules, MapKind

DIRECT: Final = "direct messages"


@dataclass(frozen=True, slots=True)
class Venue:
    """Conversations with equal settings, and one of them.

    Attributes:
        label: what they are called; `direct messages` for those.
        facts: a message there, without its sender.
        members: ids or names of the conversations, where the config lists them.
    """

    label: str
    facts: MessageFacts
    members: tuple[str, ...] = field(default=())

    @property
    def is_direct(self) -> bool:
        """Return whether it is a direct chat."""
        return self.facts.chat_type is ChatType.DIRECT


@dataclass(frozen=True, slots=True)
class _Account:
    """A channel account under each policy; None where a policy does not have it."""

    policies: tuple[Policy, ...]
    scopes: tuple[AccountAccess | None, ...]
    rules: ChannelRules
    account: str

    @property
    def known(self) -> tuple[AccountAccess, ...]:
        return tuple(scope for scope in self.scopes if scope is not None)

    @property
    def bindings(self) -> Iterator[Binding]:
        for policy in self.policies:
            for rule in policy.routing.bindings:
                if rule.channel.strip().lower() == self.rules.channel and rule.covers_account(self.account):
                    yield rule

    def tree(self) -> dict[str, dict[str, None]]:
        """Return the keys of the places that some policy lists, each with the keys inside."""
        found: dict[str, dict[str, None]] = {}
        for scope in self.known:
            for outer, *inner in (keys for keys, _ in places_of(scope.places)):
                found.setdefault(outer, {}).update(dict.fromkeys(inner))
        for policy in self.policies:
            for outer, *inner in (keys for keys, _ in room_entries(policy.tools.rooms.get(self.rules.channel))):
                found.setdefault(outer, {}).update(dict.fromkeys(inner))
        return found

    def unsettled(self, *keys: str) -> bool:
        """Return whether some policy lists a place by its id and another does not, so that its name may count there."""
        if keys[-1] == ANY or not reads_as_place_id(self.rules.map_kind, keys[-1]):
            return False
        return len({any(found == keys for found, _ in places_of(scope.places)) for scope in self.known}) > 1

    def own_places(self) -> frozenset[str]:
        """Return the rooms that something beside the map of places treats by themselves."""
        peers = (rule.peer.id.strip() for rule in self.bindings if rule.peer is not None)
        chats = (chat.chat for scope in self.known for chat in scope.approval_chats)
        ruled = (
            keys[0]
            for policy in self.policies
            for keys, entry in room_entries(policy.tools.rooms.get(self.rules.channel))
            if entry.tools is not None or entry.senders is not None
        )
        return frozenset((*peers, *chats, *ruled))


def venues(policies: Sequence[Policy], channel: str, account: str, chats: Iterable[str]) -> tuple[Venue, ...]:
    """Return the conversations of a channel account.

    Args:
        policies: the policies.
        channel: channel id.
        account: account of that channel.
        chats: conversations that lists of people name.
    """
    scopes = tuple(policy.access.account(channel, account) for policy in policies)
    rules = next((scope.rules for scope in scopes if scope is not None), None)
    if rules is None:
        return ()
    around = _Account(tuple(policies), scopes, rules, account)
    found = [Venue(DIRECT, MessageFacts(ChatType.DIRECT))]
    if rules.chat_types != frozenset({ChatType.DIRECT}):
        found += _merged(_listed(around), around)
        found += _named_chats(rules, chats)
        found += _bound(around)
        found += _group_dms(around)
    distinct: dict[MessageFacts, Venue] = {}
    for venue in found:
        distinct.setdefault(venue.facts, venue)
    return tuple(distinct.values())


# Places of the map; the last is everything that it does not list


@dataclass(frozen=True, slots=True)
class _Shape:
    """How the places of one kind of map are called, and how a message in one of them looks."""

    outer: str
    inner: str = ""
    plural: str = ""
    """What the rooms of an outer place are called; "" where it is a room itself."""


_SHAPES: Final[Mapping[MapKind, _Shape]] = {
    MapKind.NONE: _Shape("group"),
    MapKind.GROUPS: _Shape("group", "topic"),
    MapKind.GUILDS: _Shape("guild", "channel", "channels"),
    MapKind.ROOMS: _Shape("channel"),
    MapKind.TEAMS: _Shape("team", "channel", "channels"),
}
_UNLISTED: Final[Mapping[MapKind, str]] = {
    MapKind.GUILDS: "999999999999999997",
    MapKind.ROOMS: "CZZZZZZZZZ",
    MapKind.TEAMS: "19:unlisted@thread.tacv2",
}
_UNLISTED_GROUPS: Final[Mapping[IdKind, str]] = {IdKind.NUMBER: "-999999999", IdKind.PHONE: "999999999@g.us"}
_UNLISTED_OUTER: Final[Mapping[MapKind, str]] = {
    MapKind.GUILDS: "999999999999999998",
    MapKind.TEAMS: "19:unlisted-team@thread.tacv2",
}


def _listed(around: _Account) -> Iterator[Venue]:
    rules, shape, tree = around.rules, _SHAPES[around.rules.map_kind], around.tree()
    threads = any(place.auto_thread for scope in around.known for _, place in places_of(scope.places))
    for outer, inside in tree.items():
        rooms = [key for key in inside if key != ANY]
        where = f"{shape.outer} {outer}" if outer != ANY else f"any other {shape.outer}"
        members = (outer,) if outer != ANY else ()
        for room in rooms:
            facts = _facts(rules, outer, room)
            yield Venue(f"{shape.inner} {room} of {where}", facts, (*members, room))
            if threads:
                yield _own_thread(facts, f"own threads in {shape.inner} {room} of {where}")
        if outer != ANY:
            label = f"{'other ' if rooms else ''}{shape.plural} of {where}" if shape.plural else where
            yield Venue(label, _facts(rules, outer, None), members)
        if rules.promotes_listed and outer != ANY:
            yield Venue(f"direct chat {outer}", MessageFacts(ChatType.DIRECT, outer), members)
    yield from _renamed(around, tree)
    listed = any(outer != ANY for outer in tree)
    other = _facts(rules, None, None)
    yield Venue(f"{'other ' if listed else ''}{shape.outer}s", other)
    if threads:
        yield _own_thread(other, f"own threads in other {shape.outer}s")
    if rules.map_kind is MapKind.TEAMS:
        yield Venue("group chats", MessageFacts(ChatType.GROUP, _UNLISTED[MapKind.TEAMS]))


def _renamed(around: _Account, tree: Mapping[str, Mapping[str, None]]) -> Iterator[Venue]:
    """Yield places under a listed name that a policy lists by their id and another does not: ids are tried first."""
    rules, shape = around.rules, _SHAPES[around.rules.map_kind]
    kind = rules.map_kind
    for outer, inside in tree.items():
        if around.unsettled(outer):
            for name in (key for key in tree if key != ANY and not reads_as_place_id(kind, key)):
                for room in (None, *(key for key in (*inside, *tree[name]) if key != ANY)):
                    label = f"{shape.outer} {outer} called {name}"
                    label = f"{shape.inner} {room} of {label}" if room else label
                    yield Venue(label, _called(_facts(rules, outer, room), name), (outer,))
        names = [key for key in inside if key != ANY and not reads_as_place_id(kind, key)]
        for room in (key for key in inside if around.unsettled(outer, key)):
            for name in names:
                facts = replace(_facts(rules, outer, room), chat_name=name.removeprefix("#"))
                yield Venue(f"{shape.inner} {room} called {name} of {shape.outer} {outer}", facts, (outer, room))


def _called(facts: MessageFacts, name: str) -> MessageFacts:
    """Return a message in the same place under another name."""
    if facts.guild is not None:
        return replace(facts, guild=Named(facts.guild.id, name))
    if facts.team is not None:
        return replace(facts, team=Named(facts.team.id, name))
    return replace(facts, chat_name=name.removeprefix("#"))


def _facts(rules: ChannelRules, outer: str | None, inner: str | None) -> MessageFacts:
    """Return a message in a place: by its id where the key reads as one, else under the name."""
    kind = rules.map_kind
    if outer == ANY:
        outer = None
    if kind in (MapKind.NONE, MapKind.GROUPS):
        other = _UNLISTED_GROUPS.get(rules.identity.kind, "unlisted")
        return MessageFacts(ChatType.GROUP, outer or other, topic_id=inner)
    if kind is MapKind.ROOMS:
        return _room(kind, outer)
    facts = _room(kind, inner)
    if outer is None:
        where = Named(_UNLISTED_OUTER[kind])
    else:
        where = Named(outer) if reads_as_place_id(kind, outer) else Named(_UNLISTED_OUTER[kind], outer)
    return replace(facts, guild=where) if kind is MapKind.GUILDS else replace(facts, team=where)


def _room(kind: MapKind, key: str | None) -> MessageFacts:
    if key is None:
        return MessageFacts(ChatType.CHANNEL, _UNLISTED[kind])
    if reads_as_place_id(kind, key):
        private = kind is MapKind.ROOMS and key.startswith("G")
        return MessageFacts(ChatType.GROUP if private else ChatType.CHANNEL, key)
    return MessageFacts(ChatType.CHANNEL, _UNLISTED[kind], chat_name=key.removeprefix("#"))


def _own_thread(facts: MessageFacts, label: str) -> Venue:
    """Return the threads that the bot opens by itself in a room."""
    thread = replace(
        facts,
        chat_type=ChatType.THREAD,
        chat_id="999999999999999996",
        chat_name=None,
        parent_id=facts.chat_id,
        parent_name=facts.chat_name,
        thread_owner_id=ME.id,
    )
    return Venue(label, thread)


def _merged(found: Iterable[Venue], around: _Account) -> Iterator[Venue]:
    """Yield the venues; rooms with equal settings in every policy as one."""
    outer, own = _SHAPES[around.rules.map_kind].outer, around.own_places()
    alike: dict[Hashable, list[Venue]] = {}
    for venue in found:
        plain = len(venue.members) == 1 and venue.label == f"{outer} {venue.members[0]}"
        mergeable = plain and venue.members[0] not in own
        alike.setdefault(_settings(venue, around) if mergeable else venue.facts, []).append(venue)
    for same in alike.values():
        members = tuple(member for venue in same for member in venue.members)
        label = same[0].label if len(same) == 1 else f"{outer}s {shown(members)}"
        yield replace(same[0], label=label, members=members)


def _settings(venue: Venue, around: _Account) -> Hashable:
    found: list[Hashable] = [venue.facts.chat_type]
    for scope in around.scopes:
        node = None if scope is None else scope.places.nodes.get(venue.members[0])
        if node is not None and node.inner is not None:
            return venue.facts
        found.append(None if node is None else replace(node.place, key=""))
    return tuple(found)


# Rooms that something else names


def _named_chats(rules: ChannelRules, chats: Iterable[str]) -> Iterator[Venue]:
    """Yield the conversations that lists of people name by chat id, GUID or identifier, in that order of prefixes."""
    for chat in sorted(chats):
        for number, prefix in enumerate(rules.identity.chat_prefixes):
            if not chat.startswith(prefix):
                continue
            value = chat.removeprefix(prefix)
            for kind, word in ((ChatType.DIRECT, "direct chat"), (ChatType.GROUP, "group")):
                facts = MessageFacts(
                    kind,
                    value if number == 0 else "" if kind is ChatType.DIRECT else "unlisted",
                    chat_guid=value if number == 1 else None,
                    chat_identifier=value if number == 2 else None,
                )
                yield Venue(f"{word} {chat}", facts, (value,))


def _bound(around: _Account) -> Iterator[Venue]:
    """Yield the rooms that a binding or an approval target names."""
    rules = around.rules
    plain = _facts(rules, None, None)
    for rule in around.bindings:
        if rule.guild_id and rules.groups_need_guild:
            yield Venue(f"guild {rule.guild_id}", replace(plain, guild=Named(rule.guild_id.strip())), (rule.guild_id,))
        if rule.team_id and not rules.groups_need_guild:
            yield Venue(f"team {rule.team_id}", replace(plain, team=Named(rule.team_id.strip())), (rule.team_id,))
        if rule.peer is not None and rule.peer.kind is not PeerKind.DIRECT:
            kind = ChatType.CHANNEL if rule.peer.kind is PeerKind.CHANNEL else ChatType.GROUP
            yield _loose(rule.peer.id.strip(), kind, plain)
    for scope in around.known:
        for chat in scope.approval_chats:
            yield _loose(chat.chat, plain.chat_type, plain)


def _loose(chat: str, kind: ChatType, plain: MessageFacts) -> Venue:
    """Return a room that no map of places needs to list."""
    chat_id, _, topic = chat.partition(":topic:")
    word = "channel" if kind is ChatType.CHANNEL else "group"
    return Venue(f"{word} {chat}", replace(plain, chat_type=kind, chat_id=chat_id, topic_id=topic or None), (chat,))


def _group_dms(around: _Account) -> Iterator[Venue]:
    if ChatType.GROUP_DM not in around.rules.chat_types or not any(scope.group_dm_enabled for scope in around.known):
        return
    names = {name for scope in around.known for name in scope.group_dm_names or ()} - {ANY}
    for name in sorted(names):
        yield Venue(f"group DM {name}", MessageFacts(ChatType.GROUP_DM, name), (name,))
    yield Venue("other group DMs" if names else "group DMs", MessageFacts(ChatType.GROUP_DM, "unlisted"))
