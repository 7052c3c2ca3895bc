"""`meta`: who wrote the file last; stamped on every write (config.md 3.16)."""

from openclaw.config.base import Block


class Meta(Block):
    """Who wrote the file last."""

    last_touched_version: str | None = None
    """Version of openclaw."""
    last_touched_at: str | None = None
    """When, ISO 8601."""
