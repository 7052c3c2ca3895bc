"""`channels.defaults`: what holds for channels without a section of their own (config.md 3.2)."""

from openclaw.config.base import Block, GroupPolicy, block
from openclaw.config.shapes import HeartbeatVisibility


class ChannelDefaults(Block):
    """What holds for channels without a section of their own."""

    group_policy: GroupPolicy | None = None
    """Who is answered in groups."""
    heartbeat: HeartbeatVisibility = block(HeartbeatVisibility)
    """What chats see of heartbeats."""
