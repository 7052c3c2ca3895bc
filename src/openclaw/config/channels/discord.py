"""`channels.discord` (config.md 3.2)."""

from collections.abc import Mapping

from openclaw.config.base import AccountId, Block, Ids, Positive, SecretText, Texts, block
from openclaw.config.channels.common import (
    ChannelSettings,
    GroupDmAccess,
    Marked,
    MediaNumber,
    Named,
    NativeCommands,
    ReactionScope,
    ReplyToMode,
    Streaming,
    Switched,
    ToolScope,
)
from openclaw.config.shapes import RetryPolicy


class DiscordActions(Block):
    """What the agent may do. Default: all but roles, moderation and presence."""

    reactions: bool | None = None
    """React."""
    stickers: bool | None = None
    """Send stickers."""
    emoji_uploads: bool | None = None
    """Add emoji."""
    sticker_uploads: bool | None = None
    """Add stickers."""
    polls: bool | None = None
    """Make polls."""
    permissions: bool | None = None
    """Read permissions."""
    messages: bool | None = None
    """Read, edit and delete messages."""
    threads: bool | None = None
    """Make threads."""
    pins: bool | None = None
    """Pin messages."""
    search: bool | None = None
    """Search messages."""
    member_info: bool | None = None
    """Read members."""
    role_info: bool | None = None
    """Read roles."""
    roles: bool | None = None
    """Give and take roles."""
    channel_info: bool | None = None
    """Read channels."""
    voice_status: bool | None = None
    """Read who is in voice channels."""
    events: bool | None = None
    """Read and make events."""
    moderation: bool | None = None
    """Time out, kick and ban."""
    channels: bool | None = None
    """Make, change and delete channels."""
    presence: bool | None = None
    """Set the bot's status."""


class DiscordChannel(ToolScope):
    """One channel of a server."""

    allow: bool | None = None
    """Answer there."""
    skills: Texts | None = None
    """Skills offered there."""
    enabled: bool | None = None
    """Read it. Default: true."""
    users: Ids | None = None
    """Senders that are answered."""
    system_prompt: str | None = None
    """Addition to the system prompt."""
    include_thread_starter: bool | None = None
    """Give a thread's first message as context."""
    auto_thread: bool | None = None
    """Answer in a new thread."""


class DiscordGuild(ToolScope):
    """One server."""

    slug: str | None = None
    """Short name."""
    reaction_notifications: ReactionScope | None = None
    """Which reactions the agent hears of. Default: own."""
    users: Ids | None = None
    """Senders that are answered."""
    channels: Mapping[str, DiscordChannel] | None = None
    """Channels by id or name, or `*`; when not empty, only these."""


class DiscordExecApprovals(Block):
    """Buttons for exec approvals in direct messages."""

    enabled: bool | None = None
    """Send them. Default: false."""
    approvers: Ids | None = None
    """Who may decide; an empty list is nobody."""
    agent_filter: Texts | None = None
    """Only of these agents."""
    session_filter: Texts | None = None
    """Only of sessions whose key matches."""


class DiscordIntents(Block):
    """Privileged intents."""

    presence: bool | None = None
    """Hear of members' status. Default: false."""
    guild_members: bool | None = None
    """Hear of members. Default: false."""


class PluralKit(Block):
    """Messages proxied by PluralKit."""

    enabled: bool | None = None
    """Look up who wrote them. Default: false."""
    token: SecretText | None = None
    """Token of its API."""


class DiscordAccount(Switched, Named, ChannelSettings, Streaming, Marked, MediaNumber):
    """One bot."""

    commands: NativeCommands = block(NativeCommands)
    """Registering of commands with Discord."""
    token: SecretText | None = None
    """Token of the bot. Default: DISCORD_BOT_TOKEN."""
    allow_bots: bool | None = None
    """Read messages of other bots. Default: false."""
    max_lines_per_message: Positive | None = None
    """Lines per message. Default: 17."""
    retry: RetryPolicy = block(RetryPolicy)
    """Repeating of requests."""
    actions: DiscordActions = block(DiscordActions)
    """What the agent may do."""
    reply_to_mode: ReplyToMode | None = None
    """Quote the message that is answered. Default: off."""
    dm: GroupDmAccess = block(GroupDmAccess)
    """Direct messages."""
    guilds: Mapping[str, DiscordGuild] | None = None
    """Servers by id or short name, or `*`; when not empty, only these."""
    exec_approvals: DiscordExecApprovals = block(DiscordExecApprovals)
    """Buttons for exec approvals."""
    intents: DiscordIntents = block(DiscordIntents)
    """Privileged intents."""
    pluralkit: PluralKit = block(PluralKit)
    """Messages proxied by PluralKit."""


class Discord(DiscordAccount):
    """Discord."""

    accounts: Mapping[AccountId, DiscordAccount] | None = None
    """Several bots, by account id."""
