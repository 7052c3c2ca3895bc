"""The rule table: everything about admission in which one channel differs from another, as data (channels.md 2.4).

A channel that is not in the table gets the strictest row. No decider asks for the name of a channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from openclaw.policy.who.facts import ChatType
from openclaw.policy.who.identity import IdentityStyle, IdKind, NameFold
from openclaw.policy.who.rule_columns import (
    Bypass,
    ChannelRules,
    Detect,
    Gate,
    GroupPolicy,
    GroupsOff,
    HistoryForm,
    ListRole,
    MapKind,
    PatternUse,
)

_GROUPS: Final = frozenset({ChatType.DIRECT, ChatType.GROUP})
_ROOMS: Final = frozenset({ChatType.DIRECT, ChatType.GROUP, ChatType.CHANNEL})

_STRICTEST: Final = ChannelRules(
    channel="",
    identity=IdentityStyle(IdKind.EXACT),
    chat_types=_ROOMS,
    gates=(
        Gate.ENABLED,
        Gate.OVERRIDE,
        Gate.POLICY,
        Gate.SENDER,
        Gate.PLACE,
        Gate.USERS,
        Gate.COMMAND,
        Gate.MENTION,
    ),
    groups_off=GroupsOff.CONFIGURED,
)

_IMESSAGE: Final = ChannelRules(
    channel="imessage",
    identity=IdentityStyle(
        IdKind.HANDLE,
        prefixes=("imessage:", "sms:", "auto:"),
        chat_prefixes=("chat_id:", "chat_guid:", "chat_identifier:"),
    ),
    chat_types=_GROUPS,
    gates=(Gate.POLICY, Gate.SENDER, Gate.PLACE, Gate.COMMAND, Gate.MENTION),
    sectionless_groups=GroupPolicy.OPEN,
    promotes_listed=True,
    native_mention=False,
    reply_counts=False,
    detect=Detect.PATTERNS,
    bypass=Bypass.AUTHORISED,
)

_ROWS: Final = (
    ChannelRules(
        channel="whatsapp",
        identity=IdentityStyle(
            IdKind.PHONE, fields=("e164",), prefixes=("whatsapp:",), suffixes=("@s.whatsapp.net", "@c.us")
        ),
        chat_types=_GROUPS,
        gates=(Gate.POLICY, Gate.SENDER, Gate.PLACE, Gate.ACTIVATION, Gate.MENTION),
        sectionless_groups=GroupPolicy.OPEN,
        direct_marks=(("", "@g.us"),),
        ignored_chats=("@broadcast", "@status", "@newsletter"),
        self_chat=True,
        replay_limit_ms=30_000,
        lone_list_is_self=True,
        number_in_text=True,
        patterns=PatternUse.UNLESS_OTHERS,
        bypass=Bypass.OWNER,
        authorisers=(ListRole.GROUP,),
        enforces_owners=True,
        activation_override=True,
        activation_needs_owner=True,
        history=HistoryForm.ACCOUNT,
    ),
    ChannelRules(
        channel="telegram",
        identity=IdentityStyle(IdKind.NUMBER, prefixes=("telegram:", "tg:"), name_fields=("username",)),
        chat_types=_GROUPS,
        gates=(
            Gate.ENABLED,
            Gate.OVERRIDE,
            Gate.POLICY,
            Gate.SENDER,
            Gate.PLACE,
            Gate.COMMAND,
            Gate.MENTION,
        ),
        sectionless_groups=GroupPolicy.OPEN,
        direct_marks=(("-", ""),),
        username_in_text=True,
        detect=Detect.USERNAME,
        bypass=Bypass.AUTHORISED,
        authorisers=(ListRole.GROUP,),
        native_authorisers=(ListRole.DIRECT,),
        native_groups_off=GroupsOff.CONFIGURED,
        activation_override=True,
        native_surface=True,
        native_default=True,
        migrates=True,
        history=HistoryForm.TOPIC,
    ),
    ChannelRules(
        channel="discord",
        identity=IdentityStyle(
            IdKind.SNOWFLAKE,
            id_prefixes=("discord:", "user:"),
            member_prefix="pk:",
            name_fields=("username", "tag"),
            name_fold=NameFold.DASHES,
        ),
        chat_types=frozenset({ChatType.DIRECT, ChatType.CHANNEL, ChatType.THREAD, ChatType.GROUP_DM}),
        gates=(
            Gate.OUTER,
            Gate.ENABLED,
            Gate.POLICY,
            Gate.PLACE,
            Gate.COMMAND,
            Gate.MENTION,
            Gate.USERS,
        ),
        map_kind=MapKind.GUILDS,
        map_key="guilds",
        nested_dm=True,
        sectionless_groups=GroupPolicy.OPEN,
        groups_need_guild=True,
        detect=Detect.ID,
        bypass=Bypass.AUTHORISED,
        authorisers=(ListRole.DIRECT, ListRole.USERS),
        groups_off=GroupsOff.CONFIGURED,
        native_surface=True,
        native_default=True,
        history_limit=20,
    ),
    ChannelRules(
        channel="slack",
        identity=IdentityStyle(
            IdKind.SLACK,
            id_prefixes=("slack:", "user:"),
            name_fields=("username", "name"),
            name_fold=NameFold.SLACK,
            names_in_direct=False,
        ),
        chat_types=frozenset({ChatType.DIRECT, ChatType.GROUP, ChatType.CHANNEL, ChatType.GROUP_DM}),
        gates=(Gate.POLICY, Gate.PLACE, Gate.USERS, Gate.COMMAND, Gate.MENTION),
        map_kind=MapKind.ROOMS,
        map_key="channels",
        nested_dm=True,
        sectionless_groups=GroupPolicy.OPEN,
        direct_marks=(("C", ""), ("G", "")),
        room_marks=(("D", ""),),
        detect=Detect.ID,
        bypass=Bypass.AUTHORISED,
        authorisers=(ListRole.DIRECT, ListRole.USERS),
        native_surface=True,
        history=HistoryForm.THREAD,
    ),
    ChannelRules(
        channel="signal",
        identity=IdentityStyle(IdKind.SIGNAL, fields=("e164", "uuid"), prefixes=("signal:",)),
        chat_types=_GROUPS,
        gates=(Gate.POLICY, Gate.SENDER, Gate.COMMAND, Gate.MENTION),
        map_kind=MapKind.NONE,
        mention_gate=False,
        native_mention=False,
        reply_counts=False,
        detect=Detect.PATTERNS,
    ),
    _IMESSAGE,
    replace(
        _IMESSAGE,
        channel="bluebubbles",
        identity=replace(_IMESSAGE.identity, prefixes=("bluebubbles:", *_IMESSAGE.identity.prefixes)),
        sectionless_groups=GroupPolicy.ALLOWLIST,
    ),
    ChannelRules(
        channel="msteams",
        identity=IdentityStyle(IdKind.AAD, id_prefixes=("msteams:", "user:"), name_fields=("name",)),
        chat_types=_ROOMS,
        gates=(Gate.POLICY, Gate.PLACE, Gate.SENDER, Gate.COMMAND, Gate.MENTION),
        map_kind=MapKind.TEAMS,
        map_key="teams",
        place_alone_admits=True,
        patterns=PatternUse.NEVER,
        history=HistoryForm.CONVERSATION,
    ),
    replace(
        _STRICTEST,
        channel="googlechat",
        identity=IdentityStyle(IdKind.EXACT, prefixes=("googlechat:", "google-chat:", "gchat:")),
        nested_dm=True,
    ),
    replace(
        _STRICTEST, channel="webchat", chat_types=frozenset({ChatType.DIRECT}), map_kind=MapKind.NONE, operator=True
    ),
)

RULES: Final[Mapping[str, ChannelRules]] = MappingProxyType({row.channel: row for row in _ROWS})
"""The table, by channel id."""


def rules_for(channel: str) -> ChannelRules:
    """Return a channel's row; a channel that has none gets the strictest under its own name."""
    name = channel.strip().lower()
    row = RULES.get(name)
    if row is not None:
        return row
    return replace(_STRICTEST, channel=name, identity=IdentityStyle(IdKind.EXACT, prefixes=(f"{name}:",)))
