"""`web`: the WhatsApp connection (config.md 3.16)."""

from openclaw.config.base import Block, Count, Positive, PositiveNumber, Ratio, block


class Reconnect(Block):
    """Waits between attempts to connect."""

    initial_ms: PositiveNumber | None = None
    """First wait in milliseconds. Default: 2000."""
    max_ms: PositiveNumber | None = None
    """Longest wait in milliseconds. Default: 30000."""
    factor: PositiveNumber | None = None
    """Growth of the wait. Default: 1.8."""
    jitter: Ratio | None = None
    """Random part of each wait, 0 to 1. Default: 0.25."""
    max_attempts: Count | None = None
    """Attempts; 0 is no limit. Default: 12."""


class Web(Block):
    """The WhatsApp connection."""

    enabled: bool | None = None
    """Connect. Default: true."""
    heartbeat_seconds: Positive | None = None
    """Seconds between signs of life. Default: 60."""
    reconnect: Reconnect = block(Reconnect)
    """Waits between attempts."""
