"""`approvals`: where questions about commands are sent (config.md 3.5)."""

from typing import Literal

from openclaw.config.base import Block, IdText, NonEmpty, Seq, Texts, block


class ApprovalTarget(Block):
    """One place that gets the questions."""

    channel: NonEmpty
    """Channel id."""
    to: NonEmpty
    """Recipient on that channel."""
    account_id: str | None = None
    """Account that sends. Default: the default account."""
    thread_id: IdText | None = None
    """Thread."""


class ExecApprovalForwarding(Block):
    """Forwarding of exec approvals to chats."""

    enabled: bool | None = None
    """Forward them. Default: false."""
    mode: Literal["session", "targets", "both"] | None = None
    """To the chat that asked, to the targets, or to both. Default: session."""
    agent_filter: Texts | None = None
    """Only of these agents. Default: all."""
    session_filter: Texts | None = None
    """Only of sessions whose key matches one of these texts or patterns. Default: all."""
    targets: Seq[ApprovalTarget] | None = None
    """Further places. Default: none."""


class Approvals(Block):
    """Where questions about commands are sent."""

    exec: ExecApprovalForwarding = block(ExecApprovalForwarding)
    """Forwarding of exec approvals."""
