"""`channels.telegram` (config.md 3.2, 3.17)."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from openclaw.config.base import (
    AccountId,
    Block,
    GroupPolicy,
    Ids,
    Port,
    Positive,
    SecretText,
    Seq,
    Texts,
    UrlText,
    block,
)
from openclaw.config.channels.common import (
    ChannelSettings,
    FlatAccess,
    Marked,
    MediaNumber,
    Named,
    NativeCommands,
    ReactionLevel,
    ReplyToMode,
    Streaming,
    Switched,
    ToolScope,
)
from openclaw.config.shapes import ChunkShape, RetryPolicy

InlineButtons: TypeAlias = Literal["off", "dm", "group", "all", "allowlist"]


class TelegramCapabilities(Block):
    """Features of the bot."""

    inline_buttons: InlineButtons | None = None
    """Where buttons are sent. Default: allowlist."""


class CustomCommand(Block):
    """An entry of the bot's menu."""

    command: str
    """Name, 1 to 32 of a-z, 0-9 and _; a leading slash is dropped."""
    description: str
    """Text in the menu."""


class TelegramTopic(Block):
    """One topic of a forum."""

    require_mention: bool | None = None
    """Answer only when mentioned. Default: the group's."""
    group_policy: GroupPolicy | None = None
    """Who is answered. Default: the group's."""
    skills: Texts | None = None
    """Skills offered there."""
    enabled: bool | None = None
    """Read it. Default: true."""
    allow_from: Ids | None = None
    """Senders; takes the place of the group's list."""
    system_prompt: str | None = None
    """Addition to the system prompt."""


class TelegramGroup(ToolScope):
    """One group."""

    group_policy: GroupPolicy | None = None
    """Who is answered. Default: the account's."""
    skills: Texts | None = None
    """Skills offered there."""
    enabled: bool | None = None
    """Read it. Default: true."""
    allow_from: Ids | None = None
    """Senders; takes the place of the account's list."""
    system_prompt: str | None = None
    """Addition to the system prompt."""
    topics: Mapping[str, TelegramTopic] | None = None
    """Topics by id."""


class TelegramNetwork(Block):
    """Connections."""

    auto_select_family: bool | None = None
    """Try IPv6 and IPv4 at once."""


class TelegramActions(Block):
    """What the agent may do."""

    reactions: bool | None = None
    """React. Default: true."""
    send_message: bool | None = None
    """Send. Default: true."""
    delete_message: bool | None = None
    """Delete. Default: true."""
    sticker: bool | None = None
    """Send stickers. Default: false."""


class TelegramAccount(Switched, Named, ChannelSettings, FlatAccess, Streaming, Marked, MediaNumber):
    """One bot."""

    capabilities: Texts | TelegramCapabilities | None = None  # type: ignore[assignment]  # here also in object form
    """Feature tags, or features in object form."""
    commands: NativeCommands = block(NativeCommands)
    """Registering of commands with Telegram."""
    custom_commands: Seq[CustomCommand] | None = None
    """Further entries of the bot's menu. Default: none."""
    bot_token: SecretText | None = None
    """Token of the bot. Default: TELEGRAM_BOT_TOKEN."""
    token_file: str | None = None
    """File with the token; wins over botToken."""
    api_root: UrlText | None = None
    """Bot API server. Default: https://api.telegram.org."""
    reply_to_mode: ReplyToMode | None = None
    """Quote the message that is answered. Default: first."""
    groups: Mapping[str, TelegramGroup] | None = None
    """Groups by chat id, or `*`; when not empty, only these."""
    draft_chunk: ChunkShape = block(ChunkShape)
    """How drafts are cut in block mode. Default: 200 to 800 characters, at paragraphs."""
    stream_mode: Literal["off", "partial", "block"] | None = None
    """Show the reply while it grows. Default: partial."""
    timeout_seconds: Positive | None = None
    """Time for a request in seconds. Default: 500."""
    retry: RetryPolicy = block(RetryPolicy)
    """Repeating of requests."""
    network: TelegramNetwork = block(TelegramNetwork)
    """Connections."""
    proxy: UrlText | None = None
    """Proxy, http(s) or socks."""
    webhook_url: UrlText | None = None
    """Public address for updates. Default: none, updates are polled."""
    webhook_secret: SecretText | None = None
    """Secret that Telegram sends along; needed with webhookUrl."""
    webhook_path: str | None = None
    """Path on this machine. Default: /telegram-webhook."""
    webhook_host: str | None = None
    """Address to listen on. Default: 127.0.0.1."""
    webhook_port: Port | None = None
    """Port to listen on. Default: 8787."""
    actions: TelegramActions = block(TelegramActions)
    """What the agent may do."""
    reaction_notifications: Literal["off", "own", "all"] | None = None
    """Which reactions the agent hears of. Default: own."""
    reaction_level: ReactionLevel | None = None
    """How much the agent reacts. Default: minimal."""
    link_preview: bool | None = None
    """Show previews of links. Default: true."""


class Telegram(TelegramAccount):
    """Telegram."""

    accounts: Mapping[AccountId, TelegramAccount] | None = None
    """Several bots, by account id."""
