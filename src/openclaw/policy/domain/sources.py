"""Whom the lists of a policy name, and in which list: what tells one class of people from another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from openclaw.policy.snapshot import Policy
from openclaw.policy.what.elevated import ANYONE, ElevatedPolicy
from openclaw.policy.what.group_rooms import ChannelRooms, RoomEntry, RoomMap, SenderRules
from openclaw.policy.where.key_ids import PeerKind
from openclaw.policy.who.access_policy import AccountAccess
from openclaw.policy.who.groups import Place, PlaceMap
from openclaw.policy.who.identity import IdentityStyle, canonical_id
from openclaw.policy.who.lists import AllowList

_NAME: Final = "name:"


@dataclass(slots=True)
class Listed:
    """What the lists of several policies name for one channel account.

    Attributes:
        ids: canonical id to the places that name it.
        names: folded name to the places that let it in.
        rule_names: names that some tool rule or elevated list treats by themselves.
        chats: conversations that lists of people name (iMessage).
        spelled: canonical id to the text that routing compares exactly.
        owners: ids that own the assistant in one of the policies.
        writers: ids that every policy's list of direct messages names.
    """

    ids: dict[str, set[str]] = field(default_factory=dict)
    names: dict[str, set[str]] = field(default_factory=dict)
    rule_names: set[str] = field(default_factory=set)
    chats: set[str] = field(default_factory=set)
    spelled: dict[str, str] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)
    writers: frozenset[str] = frozenset()

    def add_list(self, allow: AllowList | None, mark: str) -> None:
        """Take everybody whom a list names."""
        if allow is None:
            return
        for one in allow.ids:
            self.ids.setdefault(one, set()).add(mark)
        for one in allow.names:
            self.names.setdefault(one, set()).add(mark)
        self.chats |= allow.chats

    def add_ids(self, texts: Iterable[str], mark: str, style: IdentityStyle) -> None:
        """Take ids as a config writes them; what is no id of this channel names nobody."""
        for text in texts:
            one = canonical_id(style, text)
            if one:
                self.ids.setdefault(one, set()).add(mark)


def collect(policies: Iterable[Policy], channel: str, account: str) -> Listed:
    """Return whom the policies name for a channel account."""
    found = Listed()
    direct: list[frozenset[str]] = []
    for number, policy in enumerate(policies):
        scope = policy.access.account(channel, account)
        if scope is None:
            continue
        _access(found, scope, f"{number}.")
        style = scope.rules.identity
        _elevated(found, policy.tools.elevated, channel, style, f"{number}.")
        _tool_rules(found, policy.tools.rooms.get(channel), style, f"{number}.")
        _routing(found, policy, scope, f"{number}.")
        direct.append(scope.dm_list.ids)
    found.writers = frozenset.intersection(*direct) if direct else frozenset()
    return found


def places_of(places: PlaceMap) -> Iterator[tuple[tuple[str, ...], Place]]:
    """Yield every place of a map with the keys that lead to it."""
    for key, node in places.nodes.items():
        yield (key,), node.place
        if node.inner is not None:
            for keys, place in places_of(node.inner):
                yield (key, *keys), place


def room_entries(rooms: ChannelRooms | None) -> Iterator[tuple[tuple[str, ...], RoomEntry]]:
    """Yield every entry with tool rules of a channel, with the keys that lead to it."""
    if rooms is None:
        return
    for table in (rooms.rooms, *rooms.accounts.values()):
        yield from _entries(table, ())


def _entries(table: RoomMap | None, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], RoomEntry]]:
    if table is None:
        return
    named = [*table.exact.items(), *((ANYONE, entry) for entry in (table.default,) if entry is not None)]
    for key, entry in named:
        yield (*above, key), entry
        yield from _entries(entry.rooms, (*above, key))


def _access(found: Listed, scope: AccountAccess, mark: str) -> None:
    found.owners |= scope.owner.ids
    for one in scope.owner.ids:
        found.ids.setdefault(one, set()).add(f"{mark}owner")
    for one in scope.approvers:
        found.ids.setdefault(one, set()).add(f"{mark}approver")
    found.add_list(scope.dm_list, f"{mark}dm")
    found.add_list(scope.group_list, f"{mark}group")
    for keys, place in places_of(scope.places):
        found.add_list(place.override, f"{mark}{keys}.allowFrom")
        found.add_list(place.users, f"{mark}{keys}.users")


def _elevated(found: Listed, policy: ElevatedPolicy, channel: str, style: IdentityStyle, mark: str) -> None:
    lists = [("", policy.allow_from), *((name, agent.allow_from or {}) for name, agent in policy.agents.items())]
    for agent, by_channel in lists:
        for name, entries in by_channel.items():
            if name.strip().lower() == channel:
                _elevated_list(found, entries, channel, style, f"{mark}elevated.{agent}")
    if channel == "discord":
        _elevated_list(found, policy.discord_dm, channel, style, f"{mark}elevated.dm")


def _elevated_list(found: Listed, entries: Iterable[str], channel: str, style: IdentityStyle, mark: str) -> None:
    for entry in entries:
        text = entry.strip().lower()
        if text.startswith(_NAME):
            found.rule_names.add(text.removeprefix(_NAME).strip().removeprefix("@"))
        elif text != ANYONE:
            found.add_ids([text.removeprefix(f"{channel}:").removeprefix("user:")], mark, style)


def _tool_rules(found: Listed, rooms: ChannelRooms | None, style: IdentityStyle, mark: str) -> None:
    for keys, entry in room_entries(rooms):
        rules: SenderRules | None = entry.senders
        if rules is None:
            continue
        for one in (*rules.ids, *rules.numbers):
            found.add_ids([one], f"{mark}{keys}.tools.{one}", style)
        found.rule_names |= {*rules.usernames, *rules.names}


def _routing(found: Listed, policy: Policy, scope: AccountAccess, mark: str) -> None:
    style, channel = scope.rules.identity, scope.rules.channel
    for number, rule in enumerate(policy.routing.bindings):
        if rule.peer is not None and rule.peer.kind is PeerKind.DIRECT and rule.channel.strip().lower() == channel:
            found.add_ids([rule.peer.id], f"{mark}binding.{number}", style)
            found.spelled[canonical_id(style, rule.peer.id)] = rule.peer.id.strip()
    for name, texts in policy.routing.identity_links:
        found.add_ids(texts, f"{mark}link.{name}", style)
