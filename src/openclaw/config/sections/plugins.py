"""`plugins`: which plugins run (config.md 3.14, 3.17)."""

from collections.abc import Mapping

from openclaw.config.base import Block, Free, InstallSource, Texts, block


class PluginLoad(Block):
    """Where plugins are looked for."""

    paths: Texts | None = None
    """Further files and folders; each must exist. Default: none."""


class PluginSlots(Block):
    """Roles that one plugin takes."""

    memory: str | None = None
    """The memory; `none` leaves it empty. Default: memory-core."""


class PluginEntry(Block):
    """Settings of one plugin."""

    enabled: bool | None = None
    """Run it. Default: false for bundled plugins but a few, true for others."""
    config: Free | None = None
    """Its own settings, checked with its schema."""


class PluginInstall(Block):
    """Where an installed plugin came from; written by the command line."""

    source: InstallSource
    """Kind of source."""
    spec: str | None = None
    """What was asked for."""
    source_path: str | None = None
    """Path that it was copied from."""
    install_path: str | None = None
    """Where it lies."""
    version: str | None = None
    """Version."""
    installed_at: str | None = None
    """When."""
    integrity: Mapping[str, str] | None = None
    """SHA-256 of each file."""


class Plugins(Block):
    """Which plugins run."""

    enabled: bool | None = None
    """Run plugins at all. Default: true."""
    allow: Texts | None = None
    """Only these. Default: all."""
    deny: Texts | None = None
    """Never these; wins. Default: none."""
    load: PluginLoad = block(PluginLoad)
    """Where they are looked for."""
    slots: PluginSlots = block(PluginSlots)
    """Roles that one plugin takes."""
    entries: Mapping[str, PluginEntry] | None = None
    """Settings by plugin. Default: none."""
    installs: Mapping[str, PluginInstall] | None = None
    """What was installed."""
