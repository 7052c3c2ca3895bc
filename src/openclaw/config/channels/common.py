"""What several channels share (the table of config.md 3.2).

Every key is None when absent, because an account inherits from its channel's section, key by key; ask
`config.channels.account(channel, account_id)` for the result.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from openclaw.config.base import (
    Block,
    Count,
    DmPolicy,
    GroupPolicy,
    Ids,
    Positive,
    PositiveNumber,
    Texts,
    block,
)
from openclaw.config.shapes import ChunkCoalesce, GroupToolPolicy, HeartbeatVisibility

ReplyToMode: TypeAlias = Literal["off", "first", "all"]
ReactionScope: TypeAlias = Literal["off", "own", "all", "allowlist"]
ReactionLevel: TypeAlias = Literal["off", "ack", "minimal", "extensive"]


class DmHistory(Block):
    """Settings for one direct chat."""

    history_limit: Count | None = None
    """Turns of the user that are kept."""


class MarkdownRendering(Block):
    """How Markdown becomes text."""

    tables: Literal["off", "bullets", "code"] | None = None
    """Form of tables. Default: code; bullets on Signal and WhatsApp."""


class NativeCommands(Block):
    """Registering of commands with the chat app."""

    native: bool | Literal["auto"] | None = None
    """Slash commands. Default: commands.native."""
    native_skills: bool | Literal["auto"] | None = None
    """Skill commands. Default: commands.nativeSkills."""


class ReactionActions(Block):
    """What the agent may do beside sending."""

    reactions: bool | None = None
    """React. Default: true."""


class ToolScope(Block):
    """Tools inside one place."""

    require_mention: bool | None = None
    """Answer only when mentioned. Default: true."""
    tools: GroupToolPolicy | None = None
    """Which tools are offered there."""
    tools_by_sender: Mapping[str, GroupToolPolicy] | None = None
    """Which tools are offered to one sender there; by `id:`, `e164:`, `username:`, `name:` or `*`."""
    allow_debug_output: bool | None = None
    """Show tool output and reasoning there. Default: false."""


class ChannelSettings(Block):
    """Keys of every channel and account."""

    capabilities: Texts | None = None
    """Feature tags."""
    config_writes: bool | None = None
    """Commands may change the config from here. Default: true."""
    group_policy: GroupPolicy | None = None
    """Who is answered in groups. Default: allowlist."""
    history_limit: Count | None = None
    """Group messages given as context; 0 switches it off. Default: 50, 20 on Discord."""
    dm_history_limit: Count | None = None
    """Turns of the user that are kept in direct chats. Default: no limit."""
    dms: Mapping[str, DmHistory] | None = None
    """Settings by direct chat."""
    text_chunk_limit: Positive | None = None
    """Characters per message. Default: 4000, 2000 on Discord."""
    chunk_mode: Literal["length", "newline"] | None = None
    """Cut long texts by length, or at blank lines first. Default: length."""
    block_streaming_coalesce: ChunkCoalesce = block(ChunkCoalesce)
    """How streamed pieces are gathered."""
    response_prefix: str | None = None
    """Text before each reply. Default: messages.responsePrefix."""


class Switched(Block):
    """A channel or account that can be switched off."""

    enabled: bool | None = None
    """Start it. Default: true."""


class Named(Block):
    """A channel or account with a name for people."""

    name: str | None = None
    """Name for people."""


class Marked(Block):
    """A channel that renders Markdown and shows heartbeats."""

    markdown: MarkdownRendering = block(MarkdownRendering)
    """How Markdown becomes text."""
    heartbeat: HeartbeatVisibility = block(HeartbeatVisibility)
    """What chats see of heartbeats."""


class Streaming(Block):
    """A channel that can send pieces of a reply."""

    block_streaming: bool | None = None
    """Send pieces of a reply as they are ready. Default: agents.defaults.blockStreamingDefault."""


class FlatAccess(Block):
    """Access by lists at the level of the channel."""

    dm_policy: DmPolicy | None = None
    """Who is answered in direct messages. Default: pairing."""
    allow_from: Ids | None = None
    """Senders of direct messages; `*` is everybody. Default: none."""
    group_allow_from: Ids | None = None
    """Senders in groups; an empty list is nobody. Default: a non-empty allowFrom."""


class FlatTextAccess(Block):
    """Access by lists of texts at the level of the channel."""

    dm_policy: DmPolicy | None = None
    """Who is answered in direct messages. Default: pairing."""
    allow_from: Texts | None = None
    """Senders of direct messages; `*` is everybody. Default: none."""
    group_allow_from: Texts | None = None
    """Senders in groups; an empty list is nobody. Default: a non-empty allowFrom."""


class DmAccess(Block):
    """Direct messages of a channel that keeps them in a block of their own."""

    enabled: bool | None = None
    """Read direct messages. Default: true."""
    policy: DmPolicy | None = None
    """Who is answered. Default: pairing."""
    allow_from: Ids | None = None
    """Senders; `*` is everybody. Default: none."""


class GroupDmAccess(DmAccess):
    """Direct messages with group chats among them."""

    group_enabled: bool | None = None
    """Read group direct messages. Default: false."""
    group_channels: Ids | None = None
    """Only these group direct messages."""


class MediaNumber(Block):
    """A media limit in any number of megabytes."""

    media_max_mb: PositiveNumber | None = None
    """Size of received media in megabytes. Default: Telegram 5, Discord 8, Slack and Google Chat 20."""


class MediaWhole(Block):
    """A media limit in whole megabytes."""

    media_max_mb: Positive | None = None
    """Size of received media in megabytes. Default: WhatsApp 50, Signal 8, iMessage 16."""
