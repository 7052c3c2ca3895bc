"""`channels.bluebubbles` (config.md 3.2)."""

from collections.abc import Mapping

from openclaw.config.base import AccountId, Block, SecretText, UrlText, block
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


class BlueBubblesActions(Block):
    """What the agent may do."""

    reactions: bool | None = None
    """React."""
    edit: bool | None = None
    """Edit messages."""
    unsend: bool | None = None
    """Take messages back."""
    reply: bool | None = None
    """Quote messages."""
    send_with_effect: bool | None = None
    """Send with an effect."""
    rename_group: bool | None = None
    """Rename groups."""
    set_group_icon: bool | None = None
    """Set a group's picture."""
    add_participant: bool | None = None
    """Add people to groups."""
    remove_participant: bool | None = None
    """Remove people from groups."""
    leave_group: bool | None = None
    """Leave groups."""
    send_attachment: bool | None = None
    """Send files."""


class BlueBubblesAccount(Switched, Named, ChannelSettings, FlatAccess, Streaming, Marked, MediaWhole):
    """One server."""

    server_url: UrlText | None = None
    """Address of the server."""
    password: SecretText | None = None
    """Password of the server; its webhooks must carry it too."""
    webhook_path: str | None = None
    """Path on the gateway port. Default: /bluebubbles-webhook."""
    send_read_receipts: bool | None = None
    """Send read receipts. Default: true."""
    groups: Mapping[str, ToolScope] | None = None
    """Groups by chat id, or `*`; when not empty, only these."""


class BlueBubbles(BlueBubblesAccount):
    """BlueBubbles."""

    actions: BlueBubblesActions = block(BlueBubblesActions)
    """What the agent may do."""
    accounts: Mapping[AccountId, BlueBubblesAccount] | None = None
    """Several servers, by account id."""
