"""Blocks that several sections share."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from openclaw.config.base import (
    Block,
    Count,
    Decision,
    NumberOrText,
    Positive,
    Ratio,
    Seq,
    Texts,
    block,
)

__all__ = [
    "ChunkCoalesce",
    "ChunkShape",
    "DeepgramOptions",
    "GroupToolPolicy",
    "HeartbeatVisibility",
    "ModelChoice",
    "ProviderOptions",
    "RetryPolicy",
    "RuleMatch",
    "ScopeRule",
    "ScopeRules",
    "SsrfPolicy",
    "ToolLists",
]

ProviderOptions = Mapping[str, Mapping[str, NumberOrText | bool]]


class ModelChoice(Block):
    """A model with what stands in when it fails."""

    primary: str | None = None
    """Model as `provider/model`, or an alias."""
    fallbacks: Texts | None = None
    """Models tried in order after the first; an empty list means none."""


class ChunkCoalesce(Block):
    """How streamed pieces are gathered before they are sent."""

    min_chars: Positive | None = None
    """Characters to gather at least."""
    max_chars: Positive | None = None
    """Characters after which the piece is sent."""
    idle_ms: Count | None = None
    """Quiet time in milliseconds that ends a piece. Default: 1000."""


class ChunkShape(Block):
    """How a long text is cut into pieces while it streams."""

    min_chars: Positive | None = None
    """Characters a piece has at least."""
    max_chars: Positive | None = None
    """Characters a piece has at most."""
    break_preference: Literal["paragraph", "newline", "sentence"] | None = None
    """Where a piece prefers to end. Default: paragraph."""


class RuleMatch(Block):
    """What a rule applies to; absent keys match anything."""

    channel: str | None = None
    """Channel id."""
    chat_type: Literal["direct", "group", "channel", "dm"] | None = None
    """Kind of chat; `dm` is read as `direct`."""
    key_prefix: str | None = None
    """Beginning of the session key."""


class ScopeRule(Block):
    """One rule of an ordered list."""

    action: Decision
    """What a match does."""
    match: RuleMatch = block(RuleMatch)
    """What the rule applies to."""


class ScopeRules(Block):
    """A default with exceptions, by channel, kind of chat or session key."""

    default: Decision | None = None
    """What counts when no rule matches."""
    rules: Seq[ScopeRule] | None = None
    """The rules, in order."""


class ToolLists(Block):
    """Which tools are offered; names, `group:<name>` and `*` wildcards, letter case ignored."""

    allow: Texts | None = None
    """Only these. May not be non-empty beside a non-empty alsoAllow."""
    also_allow: Texts | None = None
    """These in addition to what the profile offers."""
    deny: Texts | None = None
    """Never these; wins over every allow."""


class GroupToolPolicy(ToolLists):
    """Tools inside one group or for one sender in it."""


class RetryPolicy(Block):
    """How often and how long an outgoing request is tried again."""

    attempts: Annotated[int, Field(ge=1)] | None = None
    """Tries in all. Default: 3."""
    min_delay_ms: Count | None = None
    """Shortest wait in milliseconds."""
    max_delay_ms: Count | None = None
    """Longest wait in milliseconds. Default: 30000."""
    jitter: Ratio | None = None
    """Random part of each wait, 0 to 1. Default: 0.1."""


class HeartbeatVisibility(Block):
    """What a chat sees of heartbeats."""

    show_ok: bool | None = None
    """Send the message when there is nothing to report. Default: false."""
    show_alerts: bool | None = None
    """Send what a heartbeat found. Default: true."""
    use_indicator: bool | None = None
    """Show a status indicator where the client has one. Default: true."""


class SsrfPolicy(Block):
    """Which private addresses may be reached."""

    dangerously_allow_private_network: bool | None = None
    """Reach private addresses. Default: false."""
    allow_private_network: bool | None = None
    """Older name of the key above."""
    allowed_hostnames: Texts | None = None
    """Host names that may be private. Default: none."""
    hostname_allowlist: Texts | None = None
    """Only these host names, `*.name` for those below. Default: any."""


class DeepgramOptions(Block):
    """Options of the Deepgram transcription service."""

    detect_language: bool | None = None
    """Find out the language."""
    punctuate: bool | None = None
    """Set punctuation."""
    smart_format: bool | None = None
    """Format numbers, dates and the like."""
