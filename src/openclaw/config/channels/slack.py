"""`channels.slack` (config.md 3.2)."""

from collections.abc import Mapping
from typing import Literal

from openclaw.config.base import AccountId, Block, Ids, SecretText, Texts, block
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


class ReplyToModeByChatType(Block):
    """Quoting by kind of chat. Default: replyToMode."""

    direct: ReplyToMode | None = None
    """In direct messages."""
    group: ReplyToMode | None = None
    """In group direct messages and private channels."""
    channel: ReplyToMode | None = None
    """In channels."""


class SlackThread(Block):
    """Threads."""

    history_scope: Literal["thread", "channel"] | None = None
    """Whose messages are given as context. Default: thread."""
    inherit_parent: bool | None = None
    """Begin a thread with the channel's conversation. Default: false."""


class SlackActions(Block):
    """What the agent may do. Default: all."""

    reactions: bool | None = None
    """React."""
    messages: bool | None = None
    """Read, edit and delete messages."""
    pins: bool | None = None
    """Pin messages."""
    search: bool | None = None
    """Search messages."""
    permissions: bool | None = None
    """Read permissions."""
    member_info: bool | None = None
    """Read members."""
    channel_info: bool | None = None
    """Read channels."""
    emoji_list: bool | None = None
    """List emoji."""


class SlackSlashCommand(Block):
    """One slash command that takes all input."""

    enabled: bool | None = None
    """Offer it. Default: false."""
    name: str | None = None
    """Name. Default: openclaw."""
    session_prefix: str | None = None
    """Beginning of its session keys. Default: slack:slash."""
    ephemeral: bool | None = None
    """Show the answer to the sender alone. Default: true."""


class SlackDm(GroupDmAccess):
    """Direct messages."""

    reply_to_mode: ReplyToMode | None = None
    """Older form of replyToModeByChatType.direct."""


class SlackChannel(ToolScope):
    """One channel."""

    enabled: bool | None = None
    """Read it. Default: true."""
    allow: bool | None = None
    """Answer there."""
    allow_bots: bool | None = None
    """Read messages of other bots there. Default: the account's."""
    users: Ids | None = None
    """Senders that are answered."""
    skills: Texts | None = None
    """Skills offered there."""
    system_prompt: str | None = None
    """Addition to the system prompt."""


class SlackAccount(Switched, Named, ChannelSettings, Streaming, Marked, MediaNumber):
    """One app in one workspace."""

    mode: Literal["socket", "http"] | None = None
    """How events come. Default: socket."""
    signing_secret: SecretText | None = None
    """Secret that signs requests; needed in http mode."""
    webhook_path: str | None = None
    """Path on the gateway port. Default: /slack/events."""
    commands: NativeCommands = block(NativeCommands)
    """Registering of commands with Slack."""
    bot_token: SecretText | None = None
    """Bot token. Default: SLACK_BOT_TOKEN."""
    app_token: SecretText | None = None
    """App token of socket mode. Default: SLACK_APP_TOKEN."""
    user_token: SecretText | None = None
    """User token for further reading. Default: none."""
    user_token_read_only: bool | None = None
    """Never write with the user token. Default: true."""
    allow_bots: bool | None = None
    """Read messages of other bots. Default: false."""
    require_mention: bool | None = None
    """Answer in channels only when mentioned. Default: true."""
    reaction_notifications: ReactionScope | None = None
    """Which reactions the agent hears of. Default: own."""
    reaction_allowlist: Ids | None = None
    """Whose reactions, when that is `allowlist`. Default: nobody's."""
    reply_to_mode: ReplyToMode | None = None
    """Answer in a thread. Default: off."""
    reply_to_mode_by_chat_type: ReplyToModeByChatType = block(ReplyToModeByChatType)
    """The same by kind of chat."""
    thread: SlackThread = block(SlackThread)
    """Threads."""
    actions: SlackActions = block(SlackActions)
    """What the agent may do."""
    slash_command: SlackSlashCommand = block(SlackSlashCommand)
    """One slash command that takes all input."""
    dm: SlackDm = block(SlackDm)
    """Direct messages."""
    channels: Mapping[str, SlackChannel] | None = None
    """Channels by id or #name, or `*`."""


class Slack(SlackAccount):
    """Slack."""

    accounts: Mapping[AccountId, SlackAccount] | None = None
    """Several apps, by account id."""
