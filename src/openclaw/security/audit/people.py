"""How people and rooms are named: ids that cannot be chosen, names that can (audit.md 9.1, 9.5; channels.md 1.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from openclaw.security.audit.channel_cases import Case, has_users, own_cases
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, entries, items, listed, mapping, some

_PLAINLY_AN_ID: Final = re.compile(r"\*|\+?\d+|(?:[a-z]+:)?\+?\d+", re.IGNORECASE)
_TELEGRAM_ID: Final = re.compile(r"(?:telegram:|tg:)?-?\d+", re.IGNORECASE)
_ROOM_MAPS: Final = ("groups", "guilds", "channels", "teams", "rooms")


def _lists(case: Case) -> Iterator[tuple[str, list[str]]]:
    """Yield (config path, entries) of every list of senders of an account."""
    yield f"{case.path}.{case.dm_key}allowFrom", case.allow_from
    yield f"{case.path}.groupAllowFrom", entries(case.settings.get("groupAllowFrom"))
    for key in _ROOM_MAPS:
        yield from _room_lists(case.settings.get(key), f"{case.path}.{key}")


def _room_lists(value: Any, path: str) -> Iterator[tuple[str, list[str]]]:
    for name, room in items(value):
        for key in ("allowFrom", "users"):
            if listed(at(room, key)):
                yield f"{path}.{name}.{key}", entries(at(room, key))
        for key in ("topics", "channels"):
            yield from _room_lists(at(room, key), f"{path}.{name}.{key}")


@check(
    "channels.telegram.allowFrom.invalid_entries",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Telegram senders are not named by number",
    when="An entry of a Telegram list of senders is no numeric id (with or without telegram: or tg:).",
    attack="A user name can be given up and taken by somebody else, who is then let in.",
    remedy="Use the numeric id: pair the person, or read it from openclaw logs when they write.",
    since=Since.LATER,
)
def telegram_entries(ctx: AuditContext) -> Hits:
    """Telegram's ids are numbers."""
    for case in own_cases(ctx):
        for path, senders in _lists(case) if case.channel == "telegram" else ():
            wrong = [text for text in senders if text != "*" and not _TELEGRAM_ID.fullmatch(text)]
            if wrong:
                yield Hit(f"{path}: {some(wrong)}.", note=case.note, place=path)


@check(
    "channels.<id>.allowFrom.not_an_id",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="A list names people by something that they can change",
    when="An entry of a list of senders is a name, a user name or an e-mail address on a channel that has immutable "
    "ids; one finding for each list.",
    attack="Whoever takes the name is let in. Such an entry never gives owner rights or tools here, and in some lists "
    "it matches nobody.",
    remedy="Replace it by the id: pair the person, or look the id up in the chat app.",
    since=Since.OURS,
)
def changeable_names(ctx: AuditContext) -> Hits:
    """Names are chosen by their bearers."""
    for case in own_cases(ctx):
        for path, senders in _lists(case):
            doubtful = [text for text in senders if not _PLAINLY_AN_ID.fullmatch(text)]
            named = [text for text in doubtful if _is_name(case.channel, text)]
            if named:
                check_id = f"channels.{case.channel}.allowFrom.not_an_id"
                yield Hit(f"{path}: {some(named)}.", id=check_id, note=case.note, place=path)


def _is_name(channel: str, text: str) -> bool:
    from openclaw.policy.who.identity import IdKind, read_entry, reads_as_id
    from openclaw.policy.who.rule_table import RULES

    rules = RULES.get(channel)
    if rules is None or rules.identity.kind is IdKind.EXACT:
        return False
    meaning = read_entry(rules.identity, text)
    if meaning.name or not (meaning.id or meaning.chat):
        return True
    return rules.identity.kind is IdKind.AAD and not reads_as_id(IdKind.AAD, meaning.id)


@check(
    "channels.discord.allowlisted_groups.broad_members",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Every member of a Discord server may use the assistant",
    when="A guild is admitted, and neither it nor its channels name users.",
    attack="Anybody who joins the server talks to the agent.",
    remedy="Name users in channels.discord.guilds.<id>.users.",
    since=Since.LATER,
)
def broad_members(ctx: AuditContext) -> Hits:
    """A server is admitted as a whole."""
    for case in own_cases(ctx):
        if case.channel != "discord" or case.group_policy(None) == "disabled":
            continue
        broad = [
            name for name, guild in items(case.settings.get("guilds")) if not has_users(mapping(guild), "channels")
        ]
        if broad:
            yield Hit(f"{case.path}.guilds: {some(broad)}.", note=case.note, place=f"{case.path}.guilds")


def _rooms(case: Case) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (config path, entry) of every room, and of the rooms inside."""
    for key in _ROOM_MAPS:
        for name, room in items(case.settings.get(key)):
            path = f"{case.path}.{key}.{name}"
            yield path, mapping(room)
            for inner in ("topics", "channels"):
                yield from ((f"{path}.{inner}.{part}", mapping(item)) for part, item in items(at(room, inner)))


@check(
    "channels.<id>.debug_output_in_groups",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Reasoning and tool output may be shown in a room",
    when="allowDebugOutput is true for a group, guild, team or channel of one.",
    attack="Tool arguments, addresses and what the model has read are shown to everybody in the room.",
    remedy="Remove allowDebugOutput, or use a private chat for debugging.",
    since=Since.OURS,
)
def debug_output(ctx: AuditContext) -> Hits:
    """Verbose output in front of others."""
    for case in own_cases(ctx):
        found = [path for path, room in _rooms(case) if room.get("allowDebugOutput") is True]
        if found:
            check_id = f"channels.{case.channel}.debug_output_in_groups"
            yield Hit(some(found), id=check_id, note=case.note, place=found[0])


@check(
    "channels.<id>.tools_by_sender.name_key",
    Severity.WARN,
    topic=Topic.ACCESS,
    title="Tools are given by names that people choose",
    when="A key of toolsBySender is a name or user name, not an id or phone number.",
    attack="In the original whoever takes the name gets the tools. Here such a rule can only take tools away.",
    remedy="Write the key as id:<id> or e164:<number>.",
    since=Since.OURS,
)
def tools_by_name(ctx: AuditContext) -> Hits:
    """Rules keyed by names."""
    for case in own_cases(ctx):
        found = [
            f"{path}.toolsBySender.{key}"
            for path, room in _rooms(case)
            for key in mapping(room.get("toolsBySender"))
            if _is_name_key(key)
        ]
        if found:
            check_id = f"channels.{case.channel}.tools_by_sender.name_key"
            yield Hit(some(found), id=check_id, note=case.note, place=found[0])


def _is_name_key(key: str) -> bool:
    from openclaw.policy.what.group_rooms import sender_rules
    from openclaw.policy.what.tool_stages import ToolBlock

    rules = sender_rules([(key, ToolBlock(key))])
    return bool(rules.usernames or rules.names)


LATER: Final[tuple[Check, ...]] = (telegram_entries, broad_members)
OURS: Final[tuple[Check, ...]] = (changeable_names, debug_output, tools_by_name)
