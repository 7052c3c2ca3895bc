"""`agents.defaults`: what holds for every agent that says nothing else (config.md 3.6, 3.7)."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from openclaw.config.base import (
    Block,
    Count,
    Free,
    Positive,
    PositiveNumber,
    Ratio,
    Secrets,
    Texts,
    ThinkingLevel,
    TypingMode,
    block,
)
from openclaw.config.sections.memory_search import MemorySearch
from openclaw.config.sections.sandbox import Sandbox
from openclaw.config.shapes import ChunkCoalesce, ChunkShape, ModelChoice


class CatalogueEntry(Block):
    """One model that may be chosen."""

    alias: str | None = None
    """Short name."""
    params: Free | None = None
    """Parameters handed to the provider."""
    streaming: bool | None = None
    """Stream its answers. Default: true."""


class CliBackend(Block):
    """A program that answers in text when no model does."""

    command: str
    """The program."""
    args: Texts | None = None
    """Its arguments."""
    output: Literal["json", "text", "jsonl"] | None = None
    """Form of its output."""
    resume_output: Literal["json", "text", "jsonl"] | None = None
    """Form of its output when a session goes on."""
    input: Literal["arg", "stdin"] | None = None
    """How it gets the prompt."""
    max_prompt_arg_chars: Positive | None = None
    """Longest prompt that is passed as an argument."""
    env: Secrets | None = None
    """Variables set for it."""
    clear_env: Texts | None = None
    """Variables taken away from it."""
    model_arg: str | None = None
    """Option that names the model."""
    model_aliases: Mapping[str, str] | None = None
    """Its names for models."""
    session_arg: str | None = None
    """Option that names the session."""
    session_args: Texts | None = None
    """Arguments that name the session."""
    resume_args: Texts | None = None
    """Arguments that continue a session."""
    session_mode: Literal["always", "existing", "none"] | None = None
    """When a session id is passed."""
    session_id_fields: Texts | None = None
    """Fields of its output that hold the session id."""
    system_prompt_arg: str | None = None
    """Option that passes the system prompt."""
    system_prompt_mode: Literal["append", "replace"] | None = None
    """Add to its own system prompt or take its place."""
    system_prompt_when: Literal["first", "always", "never"] | None = None
    """When the system prompt is passed."""
    image_arg: str | None = None
    """Option that passes an image."""
    image_mode: Literal["repeat", "list"] | None = None
    """Several images: repeat the option or give a list."""
    serialize: bool | None = None
    """Run one at a time."""


class PruningTools(Block):
    """Tools whose results may be pruned."""

    allow: Texts | None = None
    """Only these. Default: all."""
    deny: Texts | None = None
    """Never these; wins. Default: none."""


class SoftTrim(Block):
    """Shortening of tool results."""

    max_chars: Count | None = None
    """Length that is left alone. Default: 4000."""
    head_chars: Count | None = None
    """Characters kept of the beginning. Default: 1500."""
    tail_chars: Count | None = None
    """Characters kept of the end. Default: 1500."""


class HardClear(Block):
    """Removal of tool results."""

    enabled: bool | None = None
    """Remove them. Default: true."""
    placeholder: str | None = None
    """Text left in their place."""


class ContextPruning(Block):
    """Thinning of old tool results in the context."""

    mode: Literal["off", "cache-ttl"] | None = None
    """When to do it. Default: cache-ttl with Anthropic credentials, else off."""
    ttl: str | None = None
    """Age after which it happens. Default: 5m."""
    keep_last_assistants: Count | None = None
    """Answers at the end that stay whole. Default: 3."""
    soft_trim_ratio: Ratio | None = None
    """Share of the context at which results are shortened. Default: 0.3."""
    hard_clear_ratio: Ratio | None = None
    """Share of the context at which results are removed. Default: 0.5."""
    min_prunable_tool_chars: Count | None = None
    """Least bulk that is worth it. Default: 50000."""
    tools: PruningTools = block(PruningTools)
    """Tools whose results may be pruned."""
    soft_trim: SoftTrim = block(SoftTrim)
    """Shortening."""
    hard_clear: HardClear = block(HardClear)
    """Removal."""


class MemoryFlush(Block):
    """A silent turn for notes before the context is summarised."""

    enabled: bool | None = None
    """Take it. Default: true."""
    soft_threshold_tokens: Count | None = None
    """Distance to the limit in tokens. Default: 4000."""
    prompt: str | None = None
    """Its prompt."""
    system_prompt: str | None = None
    """Its system prompt."""


class Compaction(Block):
    """Summarising of long conversations."""

    mode: Literal["default", "safeguard"] | None = None
    """Kind of summary. Default: safeguard."""
    reserve_tokens_floor: Count | None = None
    """Tokens kept free at least; 0 lifts it. Default: 20000."""
    max_history_share: Annotated[float, Field(ge=0.1, le=0.9)] | None = None
    """Share of the context that history may keep. Default: 0.5."""
    memory_flush: MemoryFlush = block(MemoryFlush)
    """The turn for notes."""


class HumanDelay(Block):
    """Pauses between pieces of a reply."""

    mode: Literal["off", "natural", "custom"] | None = None
    """Kind of pause. Default: off."""
    min_ms: Count | None = None
    """Shortest pause in milliseconds. Default: 800."""
    max_ms: Count | None = None
    """Longest pause in milliseconds. Default: 2500."""


class ActiveHours(Block):
    """Hours of the day."""

    start: str | None = None
    """First minute, HH:MM."""
    end: str | None = None
    """First minute after, HH:MM; 24:00 is the end of the day."""
    timezone: str | None = None
    """`user`, `local` or a zone name. Default: the user's."""


class Heartbeat(Block):
    """Regular turns without a message."""

    every: str | None = None
    """Time between them, such as 30m; a bare number is minutes, 0 switches them off. Default: 30m."""
    active_hours: ActiveHours = block(ActiveHours)
    """Only in these hours."""
    model: str | None = None
    """Model. Default: the agent's."""
    session: str | None = None
    """Session. Default: main."""
    include_reasoning: bool | None = None
    """Send the reasoning too. Default: false."""
    target: str | None = None
    """Where the result goes: `last`, `none` or a channel id. Default: last."""
    to: str | None = None
    """Recipient on that channel."""
    account_id: str | None = None
    """Account that sends. Default: the default account."""
    prompt: str | None = None
    """Prompt instead of the built-in one."""
    ack_max_chars: Count | None = None
    """Characters beside HEARTBEAT_OK that still count as nothing to report. Default: 300."""


class SubagentDefaults(Block):
    """Agents started by agents."""

    max_concurrent: Positive | None = None
    """Runs at a time. Default: 8."""
    archive_after_minutes: Positive | None = None
    """Minutes after which a finished one is put away. Default: 60."""
    model: str | ModelChoice | None = None
    """Model. Default: the caller's."""
    thinking: str | None = None
    """Thinking level. Default: the caller's."""


class AgentDefaults(Block):
    """What holds for every agent that says nothing else."""

    model: ModelChoice = block(ModelChoice)
    """The model. Default: anthropic/claude-opus-4-6."""
    image_model: ModelChoice = block(ModelChoice)
    """Model for images when the first one cannot read them."""
    models: Mapping[str, CatalogueEntry] | None = None
    """Models that may be chosen; when not empty, only these."""
    workspace: str | None = None
    """Working directory. Default: ~/.openclaw/workspace."""
    repo_root: str | None = None
    """Repository that the prompt names. Default: found by .git."""
    skip_bootstrap: bool | None = None
    """Make no workspace files. Default: false."""
    bootstrap_max_chars: Positive | None = None
    """Characters of one workspace file that the prompt takes. Default: 20000."""
    user_timezone: str | None = None
    """The user's time zone. Default: the host's."""
    time_format: Literal["auto", "12", "24"] | None = None
    """Clock in the prompt. Default: auto."""
    envelope_timezone: str | None = None
    """Time zone of message envelopes: utc, local, user or a zone name. Default: local."""
    envelope_timestamp: Literal["on", "off"] | None = None
    """Time in envelopes. Default: on."""
    envelope_elapsed: Literal["on", "off"] | None = None
    """Time since the last message in envelopes. Default: on."""
    context_tokens: Positive | None = None
    """Context in tokens. Default: 200000."""
    cli_backends: Mapping[str, CliBackend] | None = None
    """Programs that answer when no model does. Default: claude-cli, codex-cli."""
    memory_search: MemorySearch = block(MemorySearch)
    """The memory."""
    context_pruning: ContextPruning = block(ContextPruning)
    """Thinning of old tool results."""
    compaction: Compaction = block(Compaction)
    """Summarising of long conversations."""
    thinking_default: ThinkingLevel | None = None
    """Thinking level. Default: low for models that think, else off."""
    verbose_default: Literal["off", "on", "full"] | None = None
    """Tool summaries in the chat. Default: off."""
    elevated_default: Literal["off", "on", "ask", "full"] | None = None
    """Elevated level where it is allowed. Default: on."""
    block_streaming_default: Literal["off", "on"] | None = None
    """Send pieces of a reply as they are ready. Default: off."""
    block_streaming_break: Literal["text_end", "message_end"] | None = None
    """What ends a piece. Default: text_end."""
    block_streaming_chunk: ChunkShape = block(ChunkShape)
    """How pieces are cut. Default: 800 to 1200 characters, at paragraphs."""
    block_streaming_coalesce: ChunkCoalesce = block(ChunkCoalesce)
    """How pieces are gathered."""
    human_delay: HumanDelay = block(HumanDelay)
    """Pauses between pieces."""
    timeout_seconds: Positive | None = None
    """Time for one run in seconds. Default: 600."""
    media_max_mb: PositiveNumber | None = None
    """Size of received media in megabytes. Default: 5."""
    typing_interval_seconds: Positive | None = None
    """Seconds between typing signals. Default: 6."""
    typing_mode: TypingMode | None = None
    """When typing shows. Default: session.typingMode."""
    heartbeat: Heartbeat = block(Heartbeat)
    """Regular turns without a message."""
    max_concurrent: Positive | None = None
    """Runs at a time over all sessions. Default: 4."""
    subagents: SubagentDefaults = block(SubagentDefaults)
    """Agents started by agents."""
    sandbox: Sandbox = block(Sandbox)
    """Where commands run."""
    security_rules: Literal["default", "off"] | Texts | None = None
    """Safety rules in the prompt: the built-in ones, none, or a list of one's own. Default: default."""
