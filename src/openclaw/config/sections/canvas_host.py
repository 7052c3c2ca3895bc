"""`canvasHost`: pages that agents show (config.md 3.16)."""

from openclaw.config.base import Block, Positive


class CanvasHost(Block):
    """Pages that agents show."""

    enabled: bool | None = None
    """Serve them. Default: true."""
    root: str | None = None
    """Folder. Default: <state>/canvas."""
    port: Positive | None = None
    """Port of a host of its own. Default: gateway port + 4."""
    live_reload: bool | None = None
    """Load pages anew when they change. Default: true."""
