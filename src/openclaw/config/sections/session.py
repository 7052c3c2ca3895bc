"""`session`: how conversations are kept apart and when they start anew (config.md 3.3, 3.17)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from openclaw.config.base import Block, Hour, NumberOrText, Positive, Texts, TypingMode, block
from openclaw.config.shapes import ScopeRules


class SessionReset(Block):
    """When a conversation starts anew by itself."""

    mode: Literal["daily", "idle"] | None = None
    """At an hour of the day, or after silence. Default: daily."""
    at_hour: Hour | None = None
    """Local hour of the daily reset. Default: 4."""
    idle_minutes: Positive | None = None
    """Minutes of silence; in daily mode whichever comes first. Default: 60 in idle mode, else none."""


class ResetByType(Block):
    """Resets by kind of chat."""

    direct: SessionReset | None = None
    """Direct messages."""
    dm: SessionReset | None = None
    """Older name of `direct`."""
    group: SessionReset | None = None
    """Groups and channels."""
    thread: SessionReset | None = None
    """Threads and topics."""


class AgentToAgentTurns(Block):
    """Conversations between agents."""

    max_ping_pong_turns: Annotated[int, Field(ge=0, le=5)] | None = None
    """Replies that go back and forth. Default: 5."""


class SessionMaintenance(Block):
    """Tidying of old sessions. Off unless set."""

    mode: Literal["warn", "enforce"] | None = None
    """Report only, or do it."""
    prune_after: NumberOrText | None = None
    """Age, as a duration, after which an entry goes. Default: 30d."""
    max_entries: Positive | None = None
    """Entries that are kept."""
    max_disk_bytes: NumberOrText | None = None
    """Size of the sessions folder at most, in bytes or with a unit."""
    high_water_bytes: NumberOrText | None = None
    """Size that tidying aims for, in bytes or with a unit."""
    reset_archive_retention: NumberOrText | bool | None = None
    """Age, as a duration, after which archived transcripts go; false keeps them."""


class Session(Block):
    """How conversations are kept apart and when they start anew."""

    scope: Literal["per-sender", "global"] | None = None
    """One session per conversation, or one for all. Default: per-sender."""
    dm_scope: Literal["main", "per-peer", "per-channel-peer", "per-account-channel-peer"] | None = None
    """Which direct messages share a session. Default: main, all of them."""
    identity_links: Mapping[str, Texts] | None = None
    """One person's ids (`channel:id`) under one name, so that their direct messages share a session."""
    reset_triggers: Texts | None = None
    """Messages that start a fresh session. Default: /new and /reset."""
    idle_minutes: Positive | None = None
    """Older form: minutes of silence before a reset, when `reset` is unset."""
    reset: SessionReset | None = None
    """When a conversation starts anew by itself."""
    reset_by_type: ResetByType | None = None
    """Resets by kind of chat."""
    reset_by_channel: Mapping[str, SessionReset] | None = None
    """Resets by channel id; wins over the kind of chat."""
    store: str | None = None
    """Session store; `{agentId}` is replaced. Default: <state>/agents/{agentId}/sessions/sessions.json."""
    typing_interval_seconds: Positive | None = None
    """Seconds between typing signals. Default: 6."""
    typing_mode: TypingMode | None = None
    """When typing shows. Default: at once in direct messages and mentions, with the first text elsewhere."""
    main_key: str | None = None
    """Accepted and ignored: the main session is always `main`."""
    send_policy: ScopeRules = block(ScopeRules)
    """Where replies may be sent; a deny that matches wins. Default: everywhere."""
    agent_to_agent: AgentToAgentTurns = block(AgentToAgentTurns)
    """Conversations between agents."""
    maintenance: SessionMaintenance | None = None
    """Tidying of old sessions."""
