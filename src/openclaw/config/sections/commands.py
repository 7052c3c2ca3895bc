"""`commands`: slash commands and who may use them (config.md 3.5)."""

from typing import Annotated, Literal

from pydantic import Field

from openclaw.config.base import Block, Ids


class Commands(Block):
    """Slash commands and who may use them."""

    native: bool | Literal["auto"] = "auto"
    """Register them with the chat app; `auto` does so on Discord and Telegram."""
    native_skills: bool | Literal["auto"] = "auto"
    """Register skill commands likewise."""
    text: bool | None = None
    """Read commands in message text. Default: true."""
    bash: bool | None = None
    """`!cmd` and `/bash` run a command on the host; needs tools.elevated as well. Default: false."""
    bash_foreground_ms: Annotated[int, Field(ge=0, le=30_000)] | None = None
    """Milliseconds before such a command goes to the background. Default: 2000."""
    config: bool | None = None
    """Offer `/config`. Default: false."""
    debug: bool | None = None
    """Offer `/debug`, which changes settings in memory. Default: false."""
    restart: bool | None = None
    """Offer `/restart` and the restart tool. Default: false."""
    use_access_groups: bool | None = None
    """Hold commands to the allowlists. Default: true."""
    owner_allow_from: Ids | None = None
    """Owners' ids, also as `channel:id`; `*` is ignored. Default: none."""
