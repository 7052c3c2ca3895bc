"""`channels.googlechat` (config.md 3.2)."""

from collections.abc import Mapping
from typing import Literal

from openclaw.config.base import AccountId, Block, Ids, ServiceAccount, UrlText, block
from openclaw.config.channels.common import (
    ChannelSettings,
    DmAccess,
    MediaNumber,
    Named,
    ReactionActions,
    ReplyToMode,
    Streaming,
    Switched,
)


class GoogleChatSpace(Block):
    """One space."""

    enabled: bool | None = None
    """Read it. Default: true."""
    allow: bool | None = None
    """Answer there."""
    require_mention: bool | None = None
    """Answer only when mentioned. Default: true."""
    users: Ids | None = None
    """Senders that are answered."""
    system_prompt: str | None = None
    """Addition to the system prompt."""
    allow_debug_output: bool | None = None
    """Show tool output and reasoning there. Default: false."""


class GoogleChatAccount(Switched, Named, ChannelSettings, Streaming, MediaNumber):
    """One Chat app."""

    allow_bots: bool | None = None
    """Read messages of other bots. Default: false."""
    require_mention: bool | None = None
    """Answer in spaces only when mentioned. Default: true."""
    group_allow_from: Ids | None = None
    """Senders in spaces."""
    groups: Mapping[str, GoogleChatSpace] | None = None
    """Spaces by id, or `*`."""
    service_account: ServiceAccount | None = None
    """Service account as JSON text, object or secret reference. Default: GOOGLE_CHAT_SERVICE_ACCOUNT."""
    service_account_file: str | None = None
    """File of the service account. Default: GOOGLE_CHAT_SERVICE_ACCOUNT_FILE."""
    audience_type: Literal["app-url", "project-number"] | None = None
    """What Google names as the audience of its tokens."""
    audience: str | None = None
    """The audience that is accepted."""
    webhook_path: str | None = None
    """Path on the gateway port. Default: /googlechat."""
    webhook_url: UrlText | None = None
    """Public address; its path is taken when it is set."""
    bot_user: str | None = None
    """The app's own user, users/<id>."""
    reply_to_mode: ReplyToMode | None = None
    """Answer in a thread. Default: off."""
    actions: ReactionActions = block(ReactionActions)
    """What the agent may do."""
    dm: DmAccess = block(DmAccess)
    """Direct messages."""
    typing_indicator: Literal["none", "message", "reaction"] | None = None
    """How typing shows. Default: message."""


class GoogleChat(GoogleChatAccount):
    """Google Chat."""

    accounts: Mapping[AccountId, GoogleChatAccount] | None = None
    """Several apps, by account id."""
    default_account: str | None = None
    """Account that is used when none is named. Default: default."""
