"""The columns of the rule table: in what one channel can differ from another (channels.md 2.4)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from openclaw.policy.who.facts import ChatType
from openclaw.policy.who.identity import IdentityStyle


class DmPolicy(StrEnum):
    """Who may write in private (channels.md 1.1)."""

    PAIRING = "pairing"
    ALLOWLIST = "allowlist"
    OPEN = "open"
    DISABLED = "disabled"


class GroupPolicy(StrEnum):
    """Whether groups are answered, and to whom (channels.md 2.1)."""

    OPEN = "open"
    ALLOWLIST = "allowlist"
    DISABLED = "disabled"


class MapKind(StrEnum):
    """Shape of the map that says where the bot acts (channels.md 2.2)."""

    NONE = "none"
    GROUPS = "groups"
    GUILDS = "guilds"
    ROOMS = "rooms"
    TEAMS = "teams"

    __hash__ = str.__hash__


class Gate(StrEnum):
    """One check of a group message; a row lists them in its order."""

    OUTER = "outer"
    ENABLED = "enabled"
    OVERRIDE = "override"
    POLICY = "policy"
    SENDER = "sender"
    PLACE = "place"
    USERS = "users"
    COMMAND = "command"
    ACTIVATION = "activation"
    MENTION = "mention"

    __hash__ = str.__hash__


class ListRole(StrEnum):
    """Which list gives command authority in a group (stage A)."""

    DIRECT = "direct"
    GROUP = "group"
    USERS = "users"

    __hash__ = str.__hash__


class GroupsOff(StrEnum):
    """What `commands.useAccessGroups: false` means."""

    ALL = "all"
    CONFIGURED = "configured"


class PatternUse(StrEnum):
    """When mention patterns are tried."""

    ALWAYS = "always"
    UNLESS_OTHERS = "unless-others"
    NEVER = "never"


class Detect(StrEnum):
    """What it takes to notice a mention at all."""

    ALWAYS = "always"
    USERNAME = "username"
    ID = "id"
    PATTERNS = "patterns"


class Bypass(StrEnum):
    """Whose standalone command passes the mention gate."""

    NONE = "none"
    OWNER = "owner"
    AUTHORISED = "authorised"


class HistoryForm(StrEnum):
    """How the key of the pending history is made (channels.md 2.6)."""

    CHAT = "chat"
    ACCOUNT = "account"
    TOPIC = "topic"
    THREAD = "thread"
    CONVERSATION = "conversation"


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """One row.

    Attributes:
        channel: channel id.
        identity: how people are named.
        chat_types: kinds of conversation that exist; any other contradicts itself.
        gates: checks of a group message, in order.
        map_kind, map_key: the map of places and its config key.
        nested_dm: DM policy and list stand below `dm`.
        operator: conversations of authenticated gateway clients; no list and no pairing.
        sectionless_groups: group policy when the config has no section for the channel.
        direct_marks, room_marks: (prefix, suffix) of chat ids that cannot be direct, or cannot be a room.
        ignored_chats: suffixes of chats that are nobody's conversation.
        groups_need_guild: rooms without a guild contradict themselves.
        self_chat: the bot may run on its owner's own number: that chat passes the list, own mentions do not count.
        replay_limit_ms: messages sent longer before the connection than this ask for no pairing; None = no limit.
        lone_list_is_self: an empty DM list means the linked number.
        promotes_listed: a direct chat that the map lists is a group.
        place_alone_admits: a listed place needs no sender list.
        store_in_group_senders, store_in_group_commands: the pairing store counts in groups. False everywhere here.
        mention_gate: whether a mention can be required.
        native_mention, reply_counts, username_in_text, number_in_text: what counts as a mention.
        patterns, detect: see there.
        bypass: see there.
        authorisers, native_authorisers: lists of stage A in groups, for text and for native commands.
        groups_off, native_groups_off: `commands.useAccessGroups: false` for text and for native commands.
        enforces_owners: stage B asks the configured DM list.
        activation_override, activation_needs_owner: `/activation` is stored, and only an owner may use it.
        native_surface: `commands.text: false` ends text commands here.
        native_default: whether `commands.native: auto` registers commands.
        migrates: group ids change on this channel.
        history, history_limit: pending history.
    """

    channel: str
    identity: IdentityStyle
    chat_types: frozenset[ChatType]
    gates: tuple[Gate, ...]
    map_kind: MapKind = MapKind.GROUPS
    map_key: str = "groups"

    nested_dm: bool = False
    operator: bool = False
    sectionless_groups: GroupPolicy = GroupPolicy.ALLOWLIST
    direct_marks: tuple[tuple[str, str], ...] = ()
    room_marks: tuple[tuple[str, str], ...] = ()
    ignored_chats: tuple[str, ...] = ()
    groups_need_guild: bool = False
    self_chat: bool = False
    replay_limit_ms: int | None = None
    lone_list_is_self: bool = False
    promotes_listed: bool = False
    place_alone_admits: bool = False
    store_in_group_senders: bool = False
    store_in_group_commands: bool = False
    mention_gate: bool = True
    native_mention: bool = True
    reply_counts: bool = True
    username_in_text: bool = False
    number_in_text: bool = False
    patterns: PatternUse = PatternUse.ALWAYS
    detect: Detect = Detect.ALWAYS
    bypass: Bypass = Bypass.NONE
    authorisers: tuple[ListRole, ...] = (ListRole.DIRECT, ListRole.GROUP)
    native_authorisers: tuple[ListRole, ...] | None = None
    groups_off: GroupsOff = GroupsOff.ALL
    native_groups_off: GroupsOff | None = None
    enforces_owners: bool = False
    activation_override: bool = False
    activation_needs_owner: bool = False
    native_surface: bool = False
    native_default: bool = False
    migrates: bool = False
    history: HistoryForm = HistoryForm.CHAT
    history_limit: int = 50
