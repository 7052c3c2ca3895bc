"""`channels.msteams` (config.md 3.2)."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from openclaw.config.base import Block, Positive, SecretText, Texts, block
from openclaw.config.channels.common import (
    ChannelSettings,
    FlatTextAccess,
    Marked,
    MediaNumber,
    Switched,
    ToolScope,
)

ReplyStyle: TypeAlias = Literal["thread", "top-level"]


class TeamsWebhook(Block):
    """The listener for Microsoft's requests."""

    port: Positive | None = None
    """Port. Default: 3978."""
    path: str | None = None
    """Path. Default: /api/messages."""


class TeamsChannel(ToolScope):
    """One channel of a team."""

    reply_style: ReplyStyle | None = None
    """Answer in the thread or anew. Default: the team's."""


class TeamsTeam(TeamsChannel):
    """One team."""

    channels: Mapping[str, TeamsChannel] | None = None
    """Channels by id or name."""


class MsTeams(Switched, ChannelSettings, FlatTextAccess, Marked, MediaNumber):
    """Microsoft Teams."""

    app_id: str | None = None
    """Application id. Default: MSTEAMS_APP_ID."""
    app_password: SecretText | None = None
    """Application password. Default: MSTEAMS_APP_PASSWORD."""
    tenant_id: str | None = None
    """Tenant id. Default: MSTEAMS_TENANT_ID."""
    webhook: TeamsWebhook = block(TeamsWebhook)
    """The listener."""
    media_allow_hosts: Texts | None = None
    """Hosts from which attachments are fetched. Default: Microsoft's."""
    media_auth_allow_hosts: Texts | None = None
    """Hosts that get the token. Default: Microsoft's."""
    require_mention: bool | None = None
    """Answer in teams only when mentioned. Default: true."""
    reply_style: ReplyStyle | None = None
    """Answer in the thread or anew. Default: thread."""
    teams: Mapping[str, TeamsTeam] | None = None
    """Teams by id or name."""
    share_point_site_id: str | None = None
    """SharePoint site for uploads."""
