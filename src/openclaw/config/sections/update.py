"""`update`: looking for new versions (config.md 3.16)."""

from typing import Literal

from openclaw.config.base import Block


class Update(Block):
    """Looking for new versions."""

    channel: Literal["stable", "beta", "dev"] | None = None
    """Kind of release. Default: stable."""
    check_on_start: bool | None = None
    """Look once when the gateway starts. Default: true."""
