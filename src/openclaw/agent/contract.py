"""What enters the agent, what comes out of it, and the port of a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from openclaw.policy.what.labels import Provenance
from openclaw.system.secret import Secret
from openclaw.tools.contract import ImageBlock, Requester

RunStatus = Literal["ok", "error", "aborted", "timeout"]


@dataclass(frozen=True, slots=True)
class ReplyTarget:
    """Where the answer of a turn goes through the outbox.

    Attributes:
        channel: channel id.
        account: channel account.
        to: the channel's own address of the conversation (a chat id, a user id).
        thread_id: thread or topic in it.
        reply_to_id: message that the first chunk answers, where the channel quotes.
        chat_type: kind of conversation.
    """

    channel: str
    account: str
    to: str
    thread_id: str | None = None
    reply_to_id: str | None = None
    chat_type: Literal["direct", "group", "channel"] = "direct"


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """One turn to run. Admission and routing are done; nothing in here is decided again by the turn.

    Attributes:
        run_id: id of the run; the idempotency key where a client gave one.
        session_key: canonical key.
        agent_id: the routed agent.
        text: what the model reads: envelope, pending history, body.
        command_text: the raw current text, from which alone commands and directives are parsed.
        requester: who caused it.
        provenance: one entry per joined message.
        images: image blocks of the message.
        target: where the answer goes; None when only events carry it.
        inbound_ids: journal rows that this turn's answer closes.
        thinking: level from the client, for this turn.
        timeout_seconds: limit of the run; None means the configured one.
        extra_system_prompt: trusted text from config or an operator client.
        lane: the global lane that the run takes after its session's.
        model: model reference for this run only.
    """

    run_id: str
    session_key: str
    agent_id: str
    text: str
    command_text: str
    requester: Requester
    provenance: tuple[Provenance, ...]
    images: tuple[ImageBlock, ...] = ()
    target: ReplyTarget | None = None
    inbound_ids: tuple[int, ...] = ()
    thinking: str | None = None
    timeout_seconds: float | None = None
    extra_system_prompt: str | None = None
    lane: str = "main"
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """One piece of an answer."""

    text: str
    media_url: str | None = None


@dataclass(frozen=True, slots=True)
class TurnResult:
    """How a turn ended.

    Attributes:
        run_id: id of the run.
        status: outcome.
        payloads: the answer; empty when silent.
        started_ms, ended_ms: epoch milliseconds.
        error: one clear line for the user, without secrets, when status is `error` or `timeout`.
        stop_reason: `stop`, `length`, `rpc`, `stop-command`, `timeout`.
        provider, model: what answered; None for commands.
        usage: input, output, cacheRead, cacheWrite, total tokens.
        session_id: transcript that it was written to.
    """

    run_id: str
    status: RunStatus
    payloads: tuple[Payload, ...]
    started_ms: int
    ended_ms: int
    error: str | None = None
    stop_reason: str | None = None
    provider: str | None = None
    model: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    session_id: str | None = None


Stream = Literal["lifecycle", "assistant", "tool", "compaction", "error"]


@dataclass(frozen=True, slots=True)
class AgentEvent:
    """One event of a run (gateway.md 1.8): `seq` counts from 1 per run, `ts` is epoch milliseconds."""

    run_id: str
    session_key: str
    seq: int
    stream: Stream
    ts: int
    data: Mapping[str, Any]


class EventSink(Protocol):
    """Who wants to hear of runs: the gateway's broadcaster, the channels' typing and drafts."""

    def emit(self, event: AgentEvent) -> None:
        """Take an event; never blocks and never raises."""
        ...


# The port of a model (agent.md 4.4)

StopReason = Literal["stop", "length", "toolUse", "error", "aborted"]
FailureKind = Literal["rate_limit", "auth", "billing", "timeout", "format", "overflow", "network", "other"]


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool as a model sees it."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ModelRef:
    """`provider/model` with what the config says about it.

    Attributes:
        provider, model: the two parts of the reference.
        base_url: endpoint; None means the provider's own.
        api: wire format, as `models.providers.<id>.api`.
        context_window, max_tokens: limits in tokens.
        reasoning: whether it can think.
        images: whether it reads images.
        headers: extra request headers from the config.
        params: free provider parameters.
        streaming: whether the answer is asked for as a stream.
        auth_header: send the key as `Authorization: Bearer` where the wire has a header of its own.
    """

    provider: str
    model: str
    base_url: str | None = None
    api: str | None = None
    context_window: int = 200_000
    max_tokens: int | None = None
    reasoning: bool = False
    images: bool = False
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, Any] = field(default_factory=dict)
    streaming: bool = True
    auth_header: bool = False

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request: system prompt, transcript messages (agent.md 1.7 shapes), tools.

    Attributes:
        ref: the model.
        system: system prompt.
        messages: `message` objects of the transcript, oldest first, hygiene done.
        tools: what the model may call.
        thinking: resolved level.
        session_key: for caching keys and logs.
    """

    ref: ModelRef
    system: str
    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[ToolSchema]
    thinking: str = "off"
    session_key: str = ""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More answer text."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingDelta:
    """More thinking text, or the signature that closes it."""

    text: str
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCallEnd:
    """A complete tool call."""

    call_id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one request."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """The request ended well."""

    reason: StopReason


@dataclass(frozen=True, slots=True)
class Failure:
    """The request failed; ends the stream. `message` is one line for people, without secrets."""

    kind: FailureKind
    message: str
    status: int | None = None
    retry_after: float | None = None


ModelEvent = TextDelta | ThinkingDelta | ToolCallEnd | Usage | Stop | Failure


class ModelClient(Protocol):
    """A model. The stream ends with exactly one Stop or Failure; it never raises for the provider's faults.

    Cancelling the consumer closes the connection.
    """

    def stream(self, request: ModelRequest, credential: Secret | None) -> AsyncIterator[ModelEvent]:
        """Send one request and yield what comes."""
        ...
