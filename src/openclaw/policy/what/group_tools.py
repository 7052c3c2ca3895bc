"""Tools of a group and of one sender in it: the `group` stage (agent.md 5.5, channels.md 2.7).

A sender is known by id and phone number. His names are his own choice: an entry that matches by a name can take tools
away and never gives one (advisories C1, C4). The room comes from the admitted message and from the stored session key;
where the two differ both rooms' rules hold (advisories C18).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from openclaw.policy.what.group_rooms import (
    ChannelRooms,
    RoomEntry,
    RoomFacts,
    RoomMap,
    RoomStyle,
    ToolSender,
    sender_key,
)
from openclaw.policy.what.tool_stages import ToolStage
from openclaw.policy.where.key_ids import folded, trimmed
from openclaw.policy.where.session_keys import group_of
from openclaw.policy.who.identity import dash_slug, slack_slug

_TELEGRAM_TOPIC: Final = re.compile(r"(-?\d+):(?:topic:)?\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Place:
    """One room whose rules hold: `RoomFacts` with "" for what nobody said."""

    channel: str
    id: str
    account_id: str | None
    name: str = ""
    space: str = ""


def group_stages(
    channels: Mapping[str, ChannelRooms],
    *,
    session_key: str,
    spawned_by: str | None,
    room: RoomFacts,
    sender: ToolSender,
) -> tuple[ToolStage, ...]:
    """Return the filters of the group stage; all of them hold. A direct chat has none."""
    found: list[ToolStage] = []
    for place in _places(session_key, spawned_by, room):
        rooms = channels.get(place.channel)
        if rooms is None:
            continue
        for chain in _chains(rooms, place):
            found.extend(stage for stage in _resolve(chain, sender) if stage not in found)
    return tuple(found)


def _places(session_key: str, spawned_by: str | None, room: RoomFacts) -> tuple[_Place, ...]:
    """Return the rooms whose rules hold: the message's, and the one of the session key where that is another."""
    inherited = group_of(session_key) or group_of(spawned_by)
    group_id, channel = trimmed(room.group_id), folded(room.channel)
    if inherited is not None:
        group_id, channel = group_id or inherited.id, channel or inherited.channel
    if not group_id:
        return ()
    space = trimmed(room.group_space)
    said = _Place(channel, _room_id(channel, group_id), room.account_id, trimmed(room.group_channel), space)
    if inherited is None:
        return (said,)
    stored_id = _room_id(inherited.channel, inherited.id)
    if inherited.channel != channel:
        return (said, _Place(inherited.channel, stored_id, None))
    if folded(stored_id) == folded(said.id):
        return (said,)
    return (said, _Place(channel, stored_id, room.account_id, space=space))


def _room_id(channel: str, group_id: str) -> str:
    """Return the id that the config's keys use: without a Telegram topic, without a Teams message suffix."""
    if channel == "telegram":
        topic = _TELEGRAM_TOPIC.fullmatch(group_id.strip())
        return topic.group(1) if topic else group_id
    return group_id.partition(";")[0] if channel == "msteams" else group_id


def _chains(rooms: ChannelRooms, place: _Place) -> tuple[tuple[RoomEntry, ...], ...]:
    """Return the entries to search, most specific first. Several chains only where keys differ by letter case."""
    table = rooms.for_account(place.account_id)
    if table is None:
        return ()
    fallback = (table.default,) if table.default else ()
    if rooms.style is RoomStyle.GROUPS:
        return tuple((entry, *fallback) for entry in table.find(place.id)) or (fallback,)
    if rooms.style is RoomStyle.SLACK:
        name = place.name.removeprefix("#")
        hits = table.find(place.id, *((f"#{name}", name, slack_slug(name)) if name else ()))
        return tuple((entry,) for entry in hits) or (fallback,)
    discord = rooms.style is RoomStyle.DISCORD
    spaces = _spaces(table, place.space, discord=discord) or fallback
    return tuple(chain for space in spaces for chain in _inside(space, place, discord=discord))


def _spaces(table: RoomMap, space: str, *, discord: bool) -> tuple[RoomEntry, ...]:
    slug = dash_slug(space)
    hits = table.find(space, slug)
    if hits or not slug:
        return hits
    if discord:
        return tuple(entry for entry in table.exact.values() if entry.slug == slug)[:1]
    return _by_slug(table, slug)


def _inside(space: RoomEntry, place: _Place, *, discord: bool) -> tuple[tuple[RoomEntry, ...], ...]:
    if space.rooms is None:
        return ((space,),)
    slug = dash_slug(place.name)
    hits = space.rooms.find(place.id, *((slug, f"#{slug}") if slug else ()))
    if not hits and not discord:
        hits = space.rooms.find(place.name) or _by_slug(space.rooms, slug)
    if not hits and space.rooms.default:
        hits = (space.rooms.default,)
    return tuple((entry, space) for entry in hits) or ((space,),)


def _by_slug(table: RoomMap, slug: str) -> tuple[RoomEntry, ...]:
    return tuple(entry for key, entry in table.exact.items() if slug and dash_slug(key) == slug)[:1]


def _resolve(chain: Iterable[RoomEntry], sender: ToolSender) -> tuple[ToolStage, ...]:
    """Return the filters that a chain of entries gives one sender.

    Per entry: a match by id or number decides; matches by name only add to what everybody else gets; then `*`, then
    `tools`, then the next entry.
    """
    narrowing: list[ToolStage] = []
    for entry in chain:
        rules = entry.senders
        if rules is not None:
            known = rules.ids.get(sender_key(sender.id)) or rules.numbers.get(sender_key(sender.e164))
            if known is not None:
                return (*narrowing, known)
            named = (rules.usernames.get(sender_key(sender.username)), rules.names.get(sender_key(sender.name)))
            narrowing.extend(stage for stage in named if stage is not None)
            if rules.everyone is not None:
                return (*narrowing, rules.everyone)
        if entry.tools is not None:
            return (*narrowing, entry.tools)
    return tuple(narrowing)
