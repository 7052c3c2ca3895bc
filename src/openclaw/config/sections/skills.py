"""`skills`: which skills are offered and what they get (config.md 3.14, 3.17)."""

from collections.abc import Mapping
from typing import Literal

from openclaw.config.base import Block, Count, Free, Secrets, SecretText, Texts, block


class SkillLoad(Block):
    """Where skills are looked for."""

    extra_dirs: Texts | None = None
    """Further folders, looked at last. Default: none."""
    workspace: bool | None = None
    """Look into the workspace. Default: true."""
    watch: bool | None = None
    """Load them anew when they change. Default: true."""
    watch_debounce_ms: Count | None = None
    """Quiet time after a change in milliseconds. Default: 250."""


class SkillInstall(Block):
    """How the programs of skills are installed."""

    prefer_brew: bool | None = None
    """Use Homebrew when it can. Default: true."""
    node_manager: Literal["npm", "pnpm", "yarn", "bun"] | None = None
    """Package manager for Node. Default: npm."""


class SkillEntry(Block):
    """Settings of one skill."""

    enabled: bool | None = None
    """Offer it. Default: true."""
    api_key: SecretText | None = None
    """Value of its main variable."""
    env: Secrets | None = None
    """Further variables for its runs."""
    config: Free | None = None
    """Its own settings."""


class Skills(Block):
    """Which skills are offered and what they get."""

    allow_bundled: Texts | None = None
    """Bundled skills that are offered. Default: all."""
    load: SkillLoad = block(SkillLoad)
    """Where they are looked for."""
    install: SkillInstall = block(SkillInstall)
    """How their programs are installed."""
    entries: Mapping[str, SkillEntry] | None = None
    """Settings by skill. Default: none."""
