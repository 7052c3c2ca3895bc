"""`channels.imessage` (config.md 3.2)."""

from collections.abc import Mapping
from typing import Literal

from openclaw.config.base import AccountId
from openclaw.config.channels.common import (
    ChannelSettings,
    FlatAccess,
    Marked,
    MediaWhole,
    Named,
    Streaming,
    Switched,
    ToolScope,
)


class IMessageAccount(Switched, Named, ChannelSettings, FlatAccess, Streaming, Marked, MediaWhole):
    """One account of Messages."""

    cli_path: str | None = None
    """Program. Default: imsg."""
    db_path: str | None = None
    """Database of Messages."""
    remote_host: str | None = None
    """Machine from which attachments are copied."""
    service: Literal["imessage", "sms", "auto"] | None = None
    """Service that sends. Default: auto."""
    region: str | None = None
    """Region of numbers without country code. Default: US."""
    include_attachments: bool | None = None
    """Read attachments. Default: false."""
    groups: Mapping[str, ToolScope] | None = None
    """Groups by chat id, or `*`; when not empty, only these."""


class IMessage(IMessageAccount):
    """iMessage."""

    accounts: Mapping[AccountId, IMessageAccount] | None = None
    """Several accounts, by account id."""
