"""How the map of places in the config becomes Places that hold their fall-backs, by kind of map (channels.md 2.2).

It is worked out once per policy, so that a message costs look-ups only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from openclaw.policy.who.groups import (
    ANY,
    Place,
    PlaceDefaults,
    PlaceEntry,
    PlaceMap,
    PlaceNode,
    reads_as_place_id,
)
from openclaw.policy.who.identity import dash_slug
from openclaw.policy.who.rule_columns import GroupPolicy, MapKind


def compile_places(kind: MapKind, entries: Mapping[str, PlaceEntry] | None, defaults: PlaceDefaults) -> PlaceMap:
    """Return the compiled map of an account; None or empty means that the config lists no places."""
    found = entries or {}
    keys = (*found, *(key for entry in found.values() for key in entry.children))
    named = any(key != ANY and not reads_as_place_id(kind, key) for key in keys)
    return replace(_BUILDERS[kind](found, defaults), named=named)


def _first(*values: bool | None) -> bool:
    """Return the first value that is stated, and True when none is."""
    return next((value for value in values if value is not None), True)


# What each kind of map makes of its entries


def _no_map(_entries: Mapping[str, PlaceEntry], defaults: PlaceDefaults) -> PlaceMap:
    return PlaceMap(
        missing=Place(
            defaults.key,
            defaults.policy,
            require_mention=_first(defaults.require_mention),
            allow_bots=defaults.allow_bots,
        )
    )


def _groups_map(entries: Mapping[str, PlaceEntry], defaults: PlaceDefaults) -> PlaceMap:
    star = entries.get(ANY, PlaceEntry())

    def place(entry: PlaceEntry, topic: PlaceEntry) -> Place:
        disabled = "group.topic-disabled" if topic.enabled is False else ""
        return Place(
            key=topic.key or entry.key,
            policy=topic.group_policy or entry.group_policy or defaults.policy,
            disabled="group.disabled" if entry.enabled is False else disabled,
            refused="group.not-listed" if entry.allow is False else "",
            admitted=True,
            require_mention=_first(
                topic.require_mention, entry.require_mention, star.require_mention, defaults.require_mention
            ),
            allow_bots=defaults.allow_bots,
            override=topic.allow_from if topic.allow_from is not None else entry.allow_from,
            users=entry.users,
        )

    def node(entry: PlaceEntry) -> PlaceNode:
        whole = place(entry, PlaceEntry())
        topics = {key: PlaceNode(place(entry, topic)) for key, topic in entry.children.items() if key != ANY}
        return PlaceNode(whole, PlaceMap(whole, topics) if topics else None)

    missing = Place(
        defaults.key,
        defaults.policy,
        refused="group.not-listed" if entries else "",
        require_mention=_first(defaults.require_mention),
        allow_bots=defaults.allow_bots,
    )
    return PlaceMap(missing, {key: node(entry) for key, entry in entries.items()})


def _guilds_map(entries: Mapping[str, PlaceEntry], defaults: PlaceDefaults) -> PlaceMap:
    def place(guild: PlaceEntry, channel: PlaceEntry, *, listed: bool = True) -> Place:
        return Place(
            key=channel.key or guild.key,
            policy=defaults.policy,
            disabled="channel.disabled" if channel.enabled is False else "",
            refused="channel.not-allowed" if channel.allow is False or not listed else "",
            admitted=listed,
            require_mention=_first(channel.require_mention, guild.require_mention),
            allow_bots=defaults.allow_bots,
            auto_thread=channel.auto_thread is True,
            users=channel.users if channel.users is not None else guild.users,
        )

    def node(guild: PlaceEntry) -> PlaceNode:
        whole = place(guild, PlaceEntry())
        if not guild.children:
            return PlaceNode(whole)
        missing = place(guild, PlaceEntry(key=f"{guild.key}.channels"), listed=False)
        channels = {key: PlaceNode(place(guild, channel)) for key, channel in guild.children.items()}
        return PlaceNode(whole, PlaceMap(missing, channels))

    closed = defaults.policy is GroupPolicy.ALLOWLIST
    missing = Place(
        defaults.key,
        defaults.policy,
        outer="guild.not-listed" if entries else "",
        refused="guild.not-listed" if closed else "",
        allow_bots=defaults.allow_bots,
    )
    return PlaceMap(missing, {key: node(guild) for key, guild in entries.items()})


def _rooms_map(entries: Mapping[str, PlaceEntry], defaults: PlaceDefaults) -> PlaceMap:
    star = entries.get(ANY, PlaceEntry())

    def place(entry: PlaceEntry) -> Place:
        allowed = _first(entry.enabled, entry.allow, star.enabled, star.allow)
        return Place(
            key=entry.key,
            policy=defaults.policy,
            refused="" if allowed else "channel.not-allowed",
            admitted=True,
            require_mention=_first(entry.require_mention, star.require_mention, defaults.require_mention),
            allow_bots=next((v for v in (entry.allow_bots, star.allow_bots) if v is not None), defaults.allow_bots),
            users=entry.users if entry.users is not None else star.users,
        )

    missing = Place(
        defaults.key,
        defaults.policy,
        refused="" if defaults.policy is GroupPolicy.OPEN else "channel.not-allowed",
        require_mention=_first(defaults.require_mention),
        allow_bots=defaults.allow_bots,
    )
    return PlaceMap(missing, {key: PlaceNode(place(entry)) for key, entry in entries.items()})


def _teams_map(entries: Mapping[str, PlaceEntry], defaults: PlaceDefaults) -> PlaceMap:
    closed = defaults.policy is not GroupPolicy.OPEN

    def place(team: PlaceEntry, channel: PlaceEntry, *, listed: bool = True) -> Place:
        return Place(
            key=channel.key or team.key,
            policy=defaults.policy,
            refused="" if listed or not closed else "channel.not-allowed",
            admitted=listed,
            require_mention=_first(channel.require_mention, team.require_mention, defaults.require_mention),
            allow_bots=defaults.allow_bots,
        )

    def node(team: PlaceEntry) -> PlaceNode:
        whole = place(team, PlaceEntry())
        if not team.children:
            return PlaceNode(whole)
        missing = place(team, PlaceEntry(key=f"{team.key}.channels"), listed=False)
        channels = {key: PlaceNode(place(team, channel)) for key, channel in team.children.items()}
        return PlaceNode(whole, PlaceMap(missing, channels, _by_slug(channels)))

    missing = Place(
        defaults.key,
        defaults.policy,
        refused="channel.not-allowed" if entries and closed else "",
        require_mention=_first(defaults.require_mention),
        allow_bots=defaults.allow_bots,
    )
    nodes = {key: node(team) for key, team in entries.items()}
    return PlaceMap(missing, nodes, _by_slug(nodes))


def _by_slug(nodes: Mapping[str, PlaceNode]) -> Mapping[str, PlaceNode]:
    """Return the name keys by slug; keys that read as ids, and slugs of two keys, are left out."""
    slugs = {key: dash_slug(key) for key in nodes if not reads_as_place_id(MapKind.TEAMS, key)}
    uses = Counter(slugs.values())
    return {slug: nodes[key] for key, slug in slugs.items() if slug and uses[slug] == 1}


_Builder = Callable[[Mapping[str, PlaceEntry], PlaceDefaults], PlaceMap]

_BUILDERS: Final[Mapping[MapKind, _Builder]] = {
    MapKind.NONE: _no_map,
    MapKind.GROUPS: _groups_map,
    MapKind.GUILDS: _guilds_map,
    MapKind.ROOMS: _rooms_map,
    MapKind.TEAMS: _teams_map,
}
