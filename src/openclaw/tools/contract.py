"""What a tool is, what it is given and what it gives back. Tools never check their own permission: the gate does.

The ports at the end are declared here because tools need them and higher rooms have them; `gateway/app.py` joins both.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, TypedDict

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from openclaw.policy.what.labels import Effect, Label, Provenance, Source

if TYPE_CHECKING:
    from openclaw.system.files import GuardedFiles

ChatType = Literal["direct", "group", "channel"]


class TextBlock(TypedDict):
    """Text of a message or result, as transcripts store it."""

    type: Literal["text"]
    text: str


class ImageBlock(TypedDict):
    """An image, base64, as transcripts store it."""

    type: Literal["image"]
    data: str
    mimeType: str


Block = TextBlock | ImageBlock


@dataclass(frozen=True, slots=True)
class Requester:
    """Who caused a run: set from the connection or the admitted message, never from arguments.

    Attributes:
        channel: channel id (`telegram`, `webchat`); `internal` for cron, system events and the like.
        source: how the words are classed.
        account: channel account.
        sender_id: immutable id on that channel; None where the channel gave none.
        sender_name, sender_username, sender_e164: as the channel gave them; chosen by their bearer.
        chat_type: kind of conversation.
        group_id, group_channel, group_space: the room, where there is one (channels.md 2.7).
        is_owner: channels.md 3.1; False unless proved.
        command_authorized: stage A and B of channels.md 3.1.
        scopes: the gateway client's scopes; empty for chat senders.
        conn_id: the gateway connection, where one is the origin.
        client_name: display name or id of that client.
        mentioned: the bot was mentioned; counts in groups, for elevated exec.
    """

    channel: str
    source: Source
    account: str = "default"
    sender_id: str | None = None
    sender_name: str | None = None
    sender_username: str | None = None
    sender_e164: str | None = None
    chat_type: ChatType = "direct"
    group_id: str | None = None
    group_channel: str | None = None
    group_space: str | None = None
    is_owner: bool = False
    command_authorized: bool = False
    scopes: frozenset[str] = frozenset()
    conn_id: str | None = None
    client_name: str | None = None
    mentioned: bool = False

    def provenance(self, run_id: str | None = None) -> Provenance:
        """Return the label source of this person's words."""
        return Provenance(
            source=self.source, channel=self.channel, account_id=self.account, sender_id=self.sender_id, run_id=run_id
        )


@dataclass(frozen=True, slots=True)
class RunContext:
    """One turn, as the gate sees it. Everything that decides comes from here, nothing from tool arguments.

    Attributes:
        run_id: id of the run.
        agent_id: the agent.
        session_key: canonical session key.
        session_id: id of the transcript.
        requester: who caused it.
        provider, model: the model in use, for per-provider policy.
        workspace: the agent's workspace.
        spawned_by: session key of the parent, for sub-agents.
        elevated_level: `off`, `on`, `ask` or `full`, from directive or session (exec.md 3.2).
        exec_overrides: session or inline `/exec` values: host, security, ask, node.
        over_http: the call comes from `POST /tools/invoke` (agent.md 5.7).
        may_message: the run may send messages; an announcing cron run may not.
        image_model: a model that reads images is usable.
        parent_sandboxed: the session that started this one is sandboxed; then this one is too (agent.md 5.9).
        at_most: tools of the session that started this one, which bound this run; None where there is none.
    """

    run_id: str
    agent_id: str
    session_key: str
    session_id: str
    requester: Requester
    provider: str | None
    model: str | None
    workspace: Path
    spawned_by: str | None = None
    elevated_level: str | None = None
    exec_overrides: Mapping[str, str] = field(default_factory=dict)
    over_http: bool = False
    may_message: bool = True
    image_model: bool = True
    parent_sandboxed: bool = False
    at_most: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call gave.

    Attributes:
        content: blocks for the model.
        details: JSON-able facts for programs and the page.
        is_error: the call failed; the model sees the text.
        provenance: where the content comes from, stored with it.
        label: label of the content.
        ran: backend, id and network of what was executed, for the ledger (guard.md 4).
    """

    content: tuple[Block, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    is_error: bool = False
    provenance: Provenance = field(default_factory=lambda: Provenance(source=Source.TOOL))
    label: Label | None = None
    ran: Mapping[str, Any] | None = None

    @classmethod
    def text(cls, text: str, *, details: Mapping[str, Any] | None = None, is_error: bool = False) -> ToolResult:
        """Return a result of one text block."""
        return cls(content=({"type": "text", "text": text},), details=details or {}, is_error=is_error)

    @property
    def plain(self) -> str:
        """Return all text blocks, joined by newlines."""
        return "\n".join(block["text"] for block in self.content if block["type"] == "text")


class Params(BaseModel):
    """Base of tool parameters: closed, camelCase outside, snake_case inside."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, populate_by_name=True, defer_build=True
    )


Progress = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class ToolContext:
    """What a tool's function is given for one call.

    Attributes:
        run: the turn.
        call_id: id of the call in the transcript.
        label: label of the run before this call.
        sandboxed: whether the session is sandboxed.
        files: the files that this run may touch, already judged by the path guard.
        services: the ports and shared objects of the process.
        progress: reports a partial result; coalesced by the caller.
        allowed: names of the tools that this run may call.
        still_allowed: asks the policy again, for what goes on after the call (advisory H17).
    """

    run: RunContext
    call_id: str
    label: Label
    sandboxed: bool
    files: GuardedFiles
    services: ToolServices
    progress: Progress
    allowed: frozenset[str] = frozenset()
    still_allowed: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class CallEffects:
    """What one call can do, narrowed from what its tool can do (guard.md 2).

    Attributes:
        effects: a subset of the tool's effects; what is not one of them is ignored.
        destinations: where data can go or what is changed, as the call names it.
    """

    effects: frozenset[Effect]
    destinations: tuple[str, ...] = ()


ToolFunction = Callable[[ToolContext, Any], Awaitable[ToolResult]]
Narrow = Callable[[ToolContext, Any], CallEffects]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool: its name, what it takes, what it can do, and its function. Only the gate calls the function.

    Attributes:
        name: name in the policy and for the model.
        summary: one line for the system prompt.
        description: text for the model.
        params: closed parameter model.
        effects: what a call can do (guard.md 2); empty means all.
        run: the function.
        aliases: other spellings of parameters, `{seen: canonical}`, applied before validation.
        owner_only: registered for owners only.
        narrow: says what a given call can do; None means all of `effects`.
    """

    name: str
    summary: str
    description: str
    params: type[Params]
    effects: frozenset[Effect]
    run: ToolFunction
    aliases: Mapping[str, str] = field(default_factory=dict)
    owner_only: bool = False
    narrow: Narrow | None = None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the parameters, as models take it."""
        schema = self.params.model_json_schema(by_alias=True)
        schema.pop("title", None)
        return schema


ALL_EFFECTS: Final = frozenset(Effect)


def tool(
    name: str,
    params: type[Params],
    *,
    effects: set[Effect],
    summary: str,
    aliases: Mapping[str, str] | None = None,
    owner_only: bool = False,
    narrow: Narrow | None = None,
) -> Callable[[ToolFunction], Tool]:
    """Attach facts to a tool's function; its docstring becomes the description for the model."""

    def attach(function: ToolFunction) -> Tool:
        return Tool(
            name=name,
            summary=summary,
            description=(function.__doc__ or summary).strip(),
            params=params,
            effects=frozenset(effects) or ALL_EFFECTS,
            run=function,
            aliases=aliases or {},
            owner_only=owner_only,
            narrow=narrow,
        )

    return attach


class SystemEvents(Protocol):
    """Lines for a session's next prompt; implemented by the agent room (agent.md 8.3)."""

    def notify(self, session_key: str, text: str, *, context_key: str | None = None, wake: bool = False) -> None:
        """Queue `text` for the session; with `wake`, start a turn for it when the session is idle."""
        ...


class SessionsPort(Protocol):
    """What the session tools may ask of sessions; visibility is decided by the gate's policy, not here."""

    def rows(self, run: RunContext, *, limit: int | None, active_minutes: int | None) -> list[dict[str, Any]]:
        """Return the rows of the sessions that this run may see, newest first (agent.md 5.1, 5.9)."""
        ...

    def history(self, run: RunContext, session: str, *, limit: int | None, include_tools: bool) -> dict[str, Any]:
        """Return messages of a session by key or id; raises Refused when it is not visible."""
        ...

    def status(self, run: RunContext, session: str | None) -> dict[str, Any]:
        """Return the status card of a session."""
        ...

    def set_model(self, run: RunContext, session: str | None, model: str) -> None:
        """Set or clear (`default`) the model of a session."""
        ...


@dataclass(frozen=True, slots=True)
class ToolServices:
    """The process-wide objects that tools use; built once by the composition root.

    Attributes:
        sessions: the session port.
        events: the system event port.
        shared: objects of the tools room itself, by type name (process registry, approvals, sandbox back ends); each
            tool module documents the entries that it reads.
    """

    sessions: SessionsPort
    events: SystemEvents
    shared: Mapping[str, Any] = field(default_factory=dict)
