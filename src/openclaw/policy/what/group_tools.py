"""Tools of a group and of one sender in it: the `group` stage (agent.md 5.5, channels.md 2.7).

A sender is known by id and phone number. His names are his own choice: an entry that matches by a name can take tools
away and never gives one (advisories C1, C4). The room comes from the admitted message and from the stored session key;
where the two differ both rooms' rules hold (advisories C18).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from openclaw.policy.what.group_rooms import (
    ChannelRooms,
    RoomEntry,
    RoomFacts,
    RoomMap,
    RoomStyle,
    ToolSender,
    discord_slug,
    fold,
    sender_key,
    slack_slug,
)
from openclaw.policy.what.tool_stages import ToolStage
from openclaw.policy.where.session_keys import GroupRef, group_of

_TELEGRAM_TOPIC: Final = re.compile(r"(-?\d+):(?:topic:)?\d+", re.IGNORECASE)


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
        rooms = channels.get(place.channel or "")
        if rooms is None:
            continue
        for chain in _chains(rooms, place):
            found.extend(stage for stage in _resolve(chain, sender) if stage not in found)
    return tuple(found)


def _places(session_key: str, spawned_by: str | None, room: RoomFacts) -> tuple[RoomFacts, ...]:
    """Return the rooms whose rules hold: the message's, and the one of the session key where that is another."""
    own = group_of(session_key)
    inherited = own or group_of(spawned_by)
    group_id = (room.group_id or "").strip() or (inherited.id if inherited else "")
    channel = fold(room.channel or "") or (inherited.channel if inherited else "")
    if not group_id:
        return ()
    said = RoomFacts(channel, room.account_id, group_id, room.group_channel, room.group_space)
    if inherited is None or _same_room(inherited, said):
        return (said,)
    alike = inherited.channel == channel
    stored = RoomFacts(
        channel=inherited.channel,
        account_id=room.account_id if alike else None,
        group_id=inherited.id,
        group_channel=None,
        group_space=room.group_space if alike else None,
    )
    return (said, stored)


def _same_room(stored: GroupRef, said: RoomFacts) -> bool:
    if stored.channel != said.channel:
        return False
    return fold(_room_id(stored.channel, stored.id)) == fold(_room_id(stored.channel, said.group_id or ""))


def _room_id(channel: str, group_id: str) -> str:
    """Return the id that the config's keys use: without a Telegram topic, without a Teams message suffix."""
    if channel == "telegram":
        topic = _TELEGRAM_TOPIC.fullmatch(group_id.strip())
        return topic.group(1) if topic else group_id
    return group_id.partition(";")[0] if channel == "msteams" else group_id


def _chains(rooms: ChannelRooms, place: RoomFacts) -> tuple[tuple[RoomEntry, ...], ...]:
    """Return the entries to search, most specific first. Several chains only where keys differ by letter case."""
    table = rooms.for_account(place.account_id)
    if table is None:
        return ()
    room_id = _room_id(place.channel or "", place.group_id or "")
    fallback = (table.default,) if table.default else ()
    if rooms.style is RoomStyle.GROUPS:
        return tuple((entry, *fallback) for entry in table.find(room_id)) or (fallback,)
    if rooms.style is RoomStyle.SLACK:
        name = (place.group_channel or "").strip().removeprefix("#")
        hits = table.find(room_id, f"#{name}" if name else "", name, slack_slug(name))
        return tuple((entry,) for entry in hits) or (fallback,)
    discord = rooms.style is RoomStyle.DISCORD
    spaces = _spaces(table, place.group_space or "", discord=discord) or fallback
    return tuple(chain for space in spaces for chain in _inside(space, room_id, place.group_channel or "", discord))


def _spaces(table: RoomMap, space: str, *, discord: bool) -> tuple[RoomEntry, ...]:
    slug = discord_slug(space)
    hits = table.find(space, slug)
    if hits or not slug:
        return hits
    if discord:
        return tuple(entry for entry in table.exact.values() if entry.slug == slug)[:1]
    return _by_slug(table, slug)


def _inside(space: RoomEntry, room_id: str, name: str, discord: bool) -> tuple[tuple[RoomEntry, ...], ...]:
    if space.rooms is None:
        return ((space,),)
    slug = discord_slug(name)
    hits = space.rooms.find(room_id, slug, f"#{slug}" if slug else "")
    if not hits and not discord:
        hits = space.rooms.find(name) or _by_slug(space.rooms, slug)
    if not hits and space.rooms.default:
        hits = (space.rooms.default,)
    return tuple((entry, space) for entry in hits) or ((space,),)


def _by_slug(table: RoomMap, slug: str) -> tuple[RoomEntry, ...]:
    return tuple(entry for key, entry in table.exact.items() if slug and discord_slug(key) == slug)[:1]


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
