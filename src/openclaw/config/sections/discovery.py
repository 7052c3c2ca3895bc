"""`discovery`: announcing the gateway (config.md 3.16)."""

from typing import Literal

from openclaw.config.base import Block, block


class Mdns(Block):
    """Announcement in the local network."""

    mode: Literal["off", "minimal", "full"] | None = None
    """How much it tells; full adds paths and the SSH port. Default: minimal."""


class WideArea(Block):
    """Announcement in a DNS zone."""

    enabled: bool | None = None
    """Write the zone. Default: false."""


class Discovery(Block):
    """Announcing the gateway."""

    mdns: Mdns = block(Mdns)
    """In the local network."""
    wide_area: WideArea = block(WideArea)
    """In a DNS zone."""
