"""`memory`: what stores and searches the memory (config.md 3.16, 3.17)."""

from typing import Literal

from openclaw.config.base import Block, Count, Positive, Seq, block
from openclaw.config.shapes import ScopeRules


class QmdPath(Block):
    """A folder that qmd indexes."""

    path: str
    """The folder."""
    name: str | None = None
    """Name of the collection."""
    pattern: str | None = None
    """Files in it. Default: **/*.md."""


class QmdSessions(Block):
    """Transcripts in qmd."""

    enabled: bool | None = None
    """Index them. Default: false."""
    export_dir: str | None = None
    """Folder that they are exported to."""
    retention_days: Count | None = None
    """Days that exports are kept."""


class QmdUpdate(Block):
    """When qmd is brought up to date."""

    interval: str | None = None
    """Time between updates. Default: 5m."""
    debounce_ms: Count | None = None
    """Quiet time after a change in milliseconds. Default: 15000."""
    on_boot: bool | None = None
    """At start. Default: true."""
    wait_for_boot_sync: bool | None = None
    """Wait for that. Default: false."""
    embed_interval: str | None = None
    """Time between embeddings. Default: 60m."""
    command_timeout_ms: Count | None = None
    """Time for a command in milliseconds. Default: 30000."""
    update_timeout_ms: Count | None = None
    """Time for an update in milliseconds. Default: 120000."""
    embed_timeout_ms: Count | None = None
    """Time for embeddings in milliseconds. Default: 120000."""


class QmdLimits(Block):
    """What a search returns."""

    max_results: Positive | None = None
    """Results. Default: 6."""
    max_snippet_chars: Positive | None = None
    """Characters of one result. Default: 700."""
    max_injected_chars: Positive | None = None
    """Characters of all results. Default: 4000."""
    timeout_ms: Count | None = None
    """Time for a search in milliseconds. Default: 4000."""


class Qmd(Block):
    """The program qmd."""

    command: str | None = None
    """The program. Default: qmd."""
    include_default_memory: bool | None = None
    """Index the memory files. Default: true."""
    paths: Seq[QmdPath] | None = None
    """Further folders."""
    sessions: QmdSessions = block(QmdSessions)
    """Transcripts."""
    update: QmdUpdate = block(QmdUpdate)
    """When it is brought up to date."""
    limits: QmdLimits = block(QmdLimits)
    """What a search returns."""
    scope: ScopeRules | None = None
    """Where it is used. Default: direct chats only."""


class Memory(Block):
    """What stores and searches the memory."""

    backend: Literal["builtin", "qmd"] | None = None
    """What does it. Default: builtin."""
    citations: Literal["auto", "on", "off"] | None = None
    """Name sources. Default: auto."""
    qmd: Qmd = block(Qmd)
    """The program qmd."""
    scope: ScopeRules | None = None
    """Where the memory is used. Default: direct chats only."""
