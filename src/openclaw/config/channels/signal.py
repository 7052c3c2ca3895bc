"""`channels.signal` (config.md 3.2)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from openclaw.config.base import AccountId, Ids, Positive, UrlText, block
from openclaw.config.channels.common import (
    ChannelSettings,
    FlatAccess,
    Marked,
    MediaWhole,
    Named,
    ReactionActions,
    ReactionLevel,
    ReactionScope,
    Streaming,
    Switched,
)


class SignalAccount(Switched, Named, ChannelSettings, FlatAccess, Streaming, Marked, MediaWhole):
    """One number."""

    account: str | None = None
    """The bot's number, E.164."""
    http_url: UrlText | None = None
    """Address of the daemon. Default: made from httpHost and httpPort."""
    http_host: str | None = None
    """Host of the daemon. Default: 127.0.0.1."""
    http_port: Positive | None = None
    """Port of the daemon. Default: 8080."""
    cli_path: str | None = None
    """Program. Default: signal-cli."""
    auto_start: bool | None = None
    """Start the daemon. Default: true unless httpUrl is set."""
    startup_timeout_ms: Annotated[int, Field(ge=1000, le=120_000)] | None = None
    """Time for its start in milliseconds. Default: 30000."""
    receive_mode: Literal["on-start", "manual"] | None = None
    """When the daemon fetches messages. Default: the daemon's."""
    ignore_attachments: bool | None = None
    """Leave attachments out. Default: false."""
    ignore_stories: bool | None = None
    """Leave stories out. Default: false."""
    send_read_receipts: bool | None = None
    """Send read receipts. Default: false."""
    reaction_notifications: ReactionScope | None = None
    """Which reactions the agent hears of. Default: own."""
    reaction_allowlist: Ids | None = None
    """Whose reactions, when that is `allowlist`. Default: nobody's."""
    actions: ReactionActions = block(ReactionActions)
    """What the agent may do."""
    reaction_level: ReactionLevel | None = None
    """How much the agent reacts. Default: minimal."""


class Signal(SignalAccount):
    """Signal."""

    accounts: Mapping[AccountId, SignalAccount] | None = None
    """Several numbers, by account id."""
