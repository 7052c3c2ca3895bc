"""What the methods need from other rooms; `gateway/app.py` joins them."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar

from openclaw.agent.contract import EventSink, TurnRequest, TurnResult
from openclaw.protocol.peer import Peer

ValueT = TypeVar("ValueT")
Maybe: TypeAlias = ValueT | Awaitable[ValueT]
"""A port may answer at once or later: a method that returns such a value need not know."""

Json = dict[str, Any]


class RunHandle(Protocol):
    """A turn that was accepted."""

    @property
    def run_id(self) -> str:
        """Return the id of the run."""
        ...

    @property
    def accepted_ms(self) -> int:
        """Return when it was accepted, epoch milliseconds."""
        ...

    async def result(self) -> TurnResult:
        """Wait for its end."""
        ...


class SessionsPort(Protocol):
    """The sessions as gateway clients see them; row and answer shapes are those of gateway.md 3.5 and 3.6."""

    def list(self, params: Mapping[str, Any], /) -> Maybe[Json]:
        """Answer `sessions.list`."""
        ...

    def preview(self, params: Mapping[str, Any], /) -> Maybe[Json]:
        """Answer `sessions.preview`."""
        ...

    def resolve(self, params: Mapping[str, Any], /) -> Maybe[Json]:
        """Answer `sessions.resolve`."""
        ...

    def patch(self, params: Mapping[str, Any], /) -> Maybe[Json]:
        """Answer `sessions.patch`; a key that is present with None clears that setting."""
        ...

    def reset(self, params: Mapping[str, Any], /) -> Maybe[Json]:
        """Answer `sessions.reset`."""
        ...

    def delete(self, params: Mapping[str, Any], /) -> Maybe[Json]:
        """Answer `sessions.delete`."""
        ...

    def history(self, session_key: str, limit: int, /) -> Maybe[Json]:
        """Answer `chat.history`."""
        ...

    def inject(self, session_key: str, message: str, label: str | None, /) -> Maybe[str]:
        """Append an assistant message that no model wrote and return its id."""
        ...

    def canonical(self, key: str, /) -> str:
        """Return the canonical form of a session key."""
        ...

    def defaults(self) -> Json:
        """Return `{defaultAgentId, mainKey, mainSessionKey, scope}`."""
        ...


class AgentPort(Protocol):
    """The agent; implemented by `openclaw.agent.runtime`."""

    @property
    def sessions(self) -> SessionsPort:
        """Return the sessions."""
        ...

    def submit(self, request: TurnRequest, /) -> Maybe[RunHandle]:
        """Queue a turn. The same run id again is the same run."""
        ...

    async def wait(self, run_id: str, timeout_ms: int, /) -> TurnResult | None:
        """Wait for a run, also one that ended in the last ten minutes; None when the time is over."""
        ...

    def abort(
        self, session_key: str, /, *, run_id: str | None = None, stop_reason: str = "rpc"
    ) -> Maybe[tuple[str, ...]]:
        """Stop the runs of a session, or one of them, and return their ids."""
        ...

    def subscribe(self, sink: EventSink, /) -> object:
        """Tell a sink of every event of every run."""
        ...

    def models_list(self) -> Sequence[Mapping[str, Any]]:
        """Return the rows of `models.list`."""
        ...

    def agents_list(self) -> Json:
        """Answer `agents.list`."""
        ...


class ChatIngress(Protocol):
    """Where chat messages of gateway clients go in: commands, stop words, idempotency and the turn lie behind it."""

    async def send(
        self,
        peer: Peer,
        *,
        session_key: str,
        message: str,
        idempotency_key: str,
        thinking: str | None,
        attachments: Sequence[Mapping[str, Any]],
        timeout_ms: int | None,
    ) -> Json:
        """Answer `chat.send`. The session key is canonical.

        Whoever starts the run names its connection to `ChatEvents.started_by` before the run can say anything.
        """
        ...


class ChannelsPort(Protocol):
    """The channels."""

    async def status(self, probe: bool, timeout_ms: int) -> Json:
        """Answer `channels.status`."""
        ...


class AuditPort(Protocol):
    """The audit of the running gateway."""

    async def report(self) -> Json:
        """Answer `security.audit`."""
        ...

    def summary(self) -> dict[str, int] | None:
        """Return the counts of the last cheap look by severity; None before the first one."""
        ...


class ConfigPort(Protocol):
    """The config file as clients see it, redacted by its schema (config.md 1.8)."""

    def get(self, *, admin: bool) -> Maybe[Json]:
        """Answer `config.get`; without admin, no path and no raw text."""
        ...

    def write(self, kind: str, params: Mapping[str, Any], /) -> Maybe[Json]:
        """Answer `config.set`, `config.patch` or `config.apply`; `kind` is `set`, `patch` or `apply`."""
        ...

    def schema(self) -> Maybe[Json]:
        """Answer `config.schema`."""
        ...


class ExecApprovalsPort(Protocol):
    """The host's `exec-approvals.json`, off the event loop."""

    def get(self) -> Maybe[Json]:
        """Answer `exec.approvals.get`."""
        ...

    def set(self, file: Mapping[str, Any], base_hash: str | None, actor: Mapping[str, Any], /) -> Maybe[Json]:
        """Answer `exec.approvals.set`; `actor` is who the ledger names."""
        ...


class HeartbeatPort(Protocol):
    """The heartbeat: a turn that the clock starts."""

    def last(self) -> Json | None:
        """Return the payload of the last `heartbeat` event."""
        ...

    def set_enabled(self, enabled: bool, /) -> None:
        """Switch it on or off until the next start."""
        ...

    def facts(self) -> Sequence[Mapping[str, Any]]:
        """Return `{agentId, enabled, every, everyMs, ...}` per agent."""
        ...
