"""`wizard`: what the onboarding did last; written by tools (config.md 3.16)."""

from typing import Literal

from openclaw.config.base import Block


class Wizard(Block):
    """What the onboarding did last."""

    last_run_at: str | None = None
    """When."""
    last_run_version: str | None = None
    """Version of openclaw."""
    last_run_commit: str | None = None
    """Commit of that version."""
    last_run_command: str | None = None
    """Command."""
    last_run_mode: Literal["local", "remote"] | None = None
    """Mode that was chosen."""
