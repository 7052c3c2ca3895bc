"""`browser`: the browser that agents drive (config.md 3.14, 3.17)."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from openclaw.config.base import Block, Count, HexColor, Port, UrlText, block
from openclaw.config.shapes import SsrfPolicy

ProfileName: TypeAlias = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]


class SnapshotDefaults(Block):
    """How pages are read."""

    mode: Literal["efficient"] | None = None
    """Kind of snapshot."""


class BrowserProfile(Block):
    """One browser profile."""

    cdp_port: Port | None = None
    """Debugging port of a browser that is started; this or cdpUrl is needed."""
    cdp_url: UrlText | None = None
    """Debugging address of a browser that runs elsewhere."""
    driver: Literal["clawd", "extension"] | None = None
    """Start it, or reach it through the extension. Default: clawd."""
    color: HexColor
    """Colour of its window, RRGGBB."""


class Browser(Block):
    """The browser that agents drive."""

    enabled: bool | None = None
    """Offer it. Default: true."""
    evaluate_enabled: bool | None = None
    """Let agents run page script. Default: true."""
    cdp_url: UrlText | None = None
    """Older form: debugging address of the only profile."""
    remote_cdp_timeout_ms: Count | None = None
    """Time to reach a browser elsewhere in milliseconds. Default: 1500."""
    remote_cdp_handshake_timeout_ms: Count | None = None
    """Time for its handshake. Default: twice the above, at least 2000."""
    color: str | None = None
    """Colour of the window. Default: #FF4500."""
    executable_path: str | None = None
    """Program. Default: found."""
    headless: bool | None = None
    """Run without a window. Default: false."""
    no_sandbox: bool | None = None
    """Switch the browser's own sandbox off. Default: false."""
    attach_only: bool | None = None
    """Never start one. Default: false."""
    default_profile: str | None = None
    """Profile that is used when none is named. Default: openclaw."""
    snapshot_defaults: SnapshotDefaults = block(SnapshotDefaults)
    """How pages are read."""
    profiles: Mapping[ProfileName, BrowserProfile] | None = None
    """Profiles by name, beside the built-in `openclaw` and `chrome`."""
    ssrf_policy: SsrfPolicy = block(SsrfPolicy)
    """Which private addresses may be reached."""
