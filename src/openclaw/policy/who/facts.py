"""What admission knows of one inbound event: facts that channel adapters state, none that they decide (channels.md 0).

Everything is JSON-able, so that the journal can keep a message with its facts. A missing id is None or "", never a
made-up one: an empty sender matches no list.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from openclaw.policy.who.dm_pairing import PairingRequest


class ChatType(StrEnum):
    """What kind of conversation an event belongs to."""

    DIRECT = "direct"
    GROUP = "group"
    CHANNEL = "channel"
    THREAD = "thread"
    GROUP_DM = "groupDm"
    UNKNOWN = "unknown"

    __hash__ = str.__hash__


class EventKind(StrEnum):
    """What happened. A kind without a rule of its own is dropped."""

    MESSAGE = "message"
    EDIT = "edit"
    CALLBACK = "callback"
    NATIVE = "native"
    REACTION = "reaction"
    PIN = "pin"
    MEMBER = "member"
    MIGRATE = "migrate"
    UNKNOWN = "unknown"

    __hash__ = str.__hash__


class GroupActivation(StrEnum):
    """What `/activation` stored for a session."""

    ALWAYS = "always"
    MENTION = "mention"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote, as the platform says.

    Attributes:
        id: immutable id: Telegram or Discord user id, Slack `U…`, Teams AAD object id (else `from.id`), iMessage
            handle.
        username, name, tag: chosen by their bearer.
        e164: phone number, where the channel has one.
        uuid: Signal's service id.
        is_bot: a bot or application wrote.
        member_id: PluralKit member on whose behalf Discord's proxy wrote.
    """

    id: str | None = None
    username: str | None = None
    name: str | None = None
    tag: str | None = None
    e164: str | None = None
    uuid: str | None = None
    is_bot: bool = False
    member_id: str | None = None


@dataclass(frozen=True, slots=True)
class Named:
    """A guild, team or the like: immutable id, and a name that its managers choose."""

    id: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Mentions:
    """Native mentions of the platform.

    Attributes:
        me: the bot was mentioned.
        others: anybody else was mentioned.
    """

    me: bool = False
    others: bool = False


NOBODY: Final = Sender()
NO_MENTIONS: Final = Mentions()


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """One inbound event of any kind.

    Attributes:
        chat_type: kind of conversation; UNKNOWN drops.
        chat_id: immutable id of the conversation.
        sender: who wrote or acted.
        text: the raw text, from which alone mentions and commands are read; without native mention markup on
            WhatsApp, Discord, Slack and Teams.
        kind: what happened.
        chat_name: name of the room.
        chat_guid, chat_identifier: other names of an iMessage chat.
        topic_id: Telegram forum topic.
        thread_id: thread inside a room (Slack, Discord).
        parent_id, parent_name: the room that a Discord thread belongs to.
        thread_owner_id: who made the Discord thread.
        guild: Discord guild.
        team: Teams team, or Slack workspace.
        mentions: native mentions.
        reply_to_self: answers a message of the bot; for a reaction: it is on a message of the bot.
        from_me: written from the bot's own account.
        sync: a copy from another device of the bot's own account.
        echo: a text that the bot itself has just sent to this chat (iMessage).
        native: invoked as a native slash command.
        forwarded: the text is somebody else's that the sender passed on; it is never a command.
        original_waits: for an edit: the original is still in a queue or in the pending history.
        lookup_failed: a look-up that admission needs did not work (thread parent, number, membership).
        sent_before_connect_ms: how long before the connection was opened the message was sent.
        operator_scopes: for WebChat: the scopes of the authenticated gateway client.
    """

    chat_type: ChatType
    chat_id: str = ""
    sender: Sender = NOBODY
    text: str = ""
    kind: EventKind = EventKind.MESSAGE
    chat_name: str | None = None
    chat_guid: str | None = None
    chat_identifier: str | None = None
    topic_id: str | None = None
    thread_id: str | None = None
    parent_id: str | None = None
    parent_name: str | None = None
    thread_owner_id: str | None = None
    guild: Named | None = None
    team: Named | None = None
    mentions: Mentions = NO_MENTIONS
    reply_to_self: bool = False
    from_me: bool = False
    sync: bool = False
    echo: bool = False
    native: bool = False
    forwarded: bool = False
    original_waits: bool = False
    lookup_failed: bool = False
    sent_before_connect_ms: int | None = None
    operator_scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SelfIdentity:
    """Who the bot is on this account.

    Attributes:
        id: its id on the channel.
        username: its name on the channel, without `@`.
        e164: its phone number.
        other_ids: further ids that are the bot as well (Slack's `B…` id).
    """

    id: str | None = None
    username: str | None = None
    e164: str | None = None
    other_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoreView:
    """The pairing store of this channel and account at this moment (channels.md 1.3).

    Attributes:
        allow_from: approved ids, as the file holds them.
        requests: waiting requests of this account; expired ones may be among them.
    """

    allow_from: tuple[str, ...] = ()
    requests: tuple[PairingRequest, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class SessionView:
    """What the session store and routing say before admission.

    Attributes:
        key: the session's key.
        group_activation: the stored override of the mention gate, if any.
        agent_id: the routed agent, whose mention patterns count; "" means: as the key says, else the default agent.
    """

    key: str = ""
    group_activation: GroupActivation | None = None
    agent_id: str = ""


NO_SELF: Final = SelfIdentity()
EMPTY_STORE: Final = StoreView()
NO_SESSION: Final = SessionView()
