"""`ui`: looks of the clients (config.md 3.16)."""

from typing import Annotated

from pydantic import Field

from openclaw.config.base import Block, HexColor, block


class UiAssistant(Block):
    """How the assistant is shown."""

    name: Annotated[str, Field(max_length=50)] | None = None
    """Name. Default: the agent's."""
    avatar: Annotated[str, Field(max_length=200)] | None = None
    """Picture. Default: the agent's."""


class Ui(Block):
    """Looks of the clients."""

    seam_color: HexColor | None = None
    """Colour, RRGGBB. Default: the client's."""
    assistant: UiAssistant = block(UiAssistant)
    """How the assistant is shown."""
