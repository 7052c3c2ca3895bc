"""`channels.whatsapp` (config.md 3.2)."""

from collections.abc import Mapping
from typing import Literal

from openclaw.config.base import AccountId, Block, Count, block
from openclaw.config.channels.common import (
    ChannelSettings,
    FlatTextAccess,
    Marked,
    MediaWhole,
    Named,
    Streaming,
    Switched,
    ToolScope,
)


class WhatsAppAckReaction(Block):
    """The reaction on receipt."""

    emoji: str | None = None
    """Emoji. Default: none."""
    direct: bool | None = None
    """In direct messages. Default: true."""
    group: Literal["always", "mentions", "never"] | None = None
    """In groups. Default: mentions."""


class WhatsAppActions(Block):
    """What the agent may do."""

    reactions: bool | None = None
    """React. Default: true."""
    send_message: bool | None = None
    """Send. Default: true."""
    polls: bool | None = None
    """Make polls. Default: true."""


class WhatsAppShared(ChannelSettings, FlatTextAccess, Streaming, Marked, MediaWhole):
    """Keys of the channel and of each account."""

    send_read_receipts: bool | None = None
    """Send read receipts. Default: true."""
    message_prefix: str | None = None
    """Text before each received message. Default: the agent's name when allowFrom is empty, else none."""
    self_chat_mode: bool | None = None
    """The bot uses its owner's own number. Default: true when allowFrom holds it."""
    groups: Mapping[str, ToolScope] | None = None
    """Groups by id, or `*`; when not empty, only these."""
    ack_reaction: WhatsAppAckReaction = block(WhatsAppAckReaction)
    """The reaction on receipt."""
    debounce_ms: Count | None = None
    """Milliseconds over which messages of one sender are joined. Default: 0."""


class WhatsAppAccount(Switched, Named, WhatsAppShared):
    """One linked number."""

    auth_dir: str | None = None
    """Folder of its credentials. Default: <state>/credentials/whatsapp/<accountId>."""


class WhatsApp(WhatsAppShared):
    """WhatsApp."""

    actions: WhatsAppActions = block(WhatsAppActions)
    """What the agent may do."""
    accounts: Mapping[AccountId, WhatsAppAccount] | None = None
    """Several numbers, by account id."""
