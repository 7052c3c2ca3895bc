"""What the approvals manager hands around: a request, what it covers, how it ended, and who listens (exec.md 2.8)."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Protocol

from openclaw.system.executables import Binding
from openclaw.tools.approval_text import ApprovalDecision, ApprovalView

SLUG_LENGTH: Final = 8
"""Characters of an id that people type."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one allowance covers; compared as a whole.

    Attributes:
        host, node: where it runs.
        subject: the exact command text, or the canonical text of the plan.
        env: the names and values that the call adds.
        agent_id, session_key: for whom.
        files: identities of working directory, programs and scripts.
    """

    host: str
    node: str | None
    subject: str
    env: tuple[tuple[str, str], ...]
    agent_id: str
    session_key: str
    files: Binding

    def digest(self) -> str:
        """Return the SHA-256 of the coverage, for the ledger."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def differences(self, other: Coverage) -> tuple[str, ...]:
        """Return the names of the fields in which the two differ."""
        mine, theirs = asdict(self), asdict(other)
        return tuple(name for name in mine if mine[name] != theirs[name])


@dataclass(frozen=True, slots=True)
class ChatPlace:
    """One conversation of a channel account."""

    channel: str
    account: str
    to: str
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """How a request ended.

    Attributes:
        decision: the decision; None when nobody decided in time.
        resolved_by: display name or id of who decided.
        ts: epoch milliseconds.
        note: why an answer counts for less than it said (`allow-always` that cannot be kept).
        decided_in: the chat whose `/approve` decided; its own answer says so there, no notice has to.
    """

    decision: ApprovalDecision | None
    resolved_by: str | None
    ts: int
    note: str | None = None
    decided_in: ChatPlace | None = None


@dataclass(frozen=True, slots=True)
class Pending:
    """One request.

    Attributes:
        id: full id.
        view: what is asked, for prompts.
        created_ms, expires_ms: epoch milliseconds.
        coverage: what an allowance covers; None for a request whose approval leads to no execution here.
        requested_by: connection that asked, where a client did.
    """

    id: str
    view: ApprovalView
    created_ms: int
    expires_ms: int
    coverage: Coverage | None = None
    requested_by: str | None = None
    _outcome: asyncio.Future[Resolution] = field(repr=False, compare=False, kw_only=True)

    @property
    def slug(self) -> str:
        """The first characters of the id, which people type."""
        return self.id[:SLUG_LENGTH]

    async def decided(self) -> Resolution:
        """Wait for the end of the request, which its deadline guarantees. Cancelling the waiter changes nothing."""
        return await asyncio.shield(self._outcome)

    def request_json(self) -> dict[str, Any]:
        """Return the `request` object of the wire events (gateway.md 1.8)."""
        view = self.view
        return {
            "command": view.command,
            "cwd": view.cwd,
            "host": view.host,
            "security": view.security,
            "ask": view.ask,
            "agentId": view.agent_id,
            "resolvedPath": view.segments[0].path if view.segments else None,
            "sessionKey": view.session_key,
        }

    def detail_json(self) -> dict[str, Any]:
        """Return what a prompt states beyond the wire object: reason, programs, environment names, choices."""
        view = self.view
        return {
            "why": view.why,
            "nodeId": view.node_id,
            "segments": [{"words": list(row.words), "path": row.path} for row in view.segments],
            "envNames": list(view.env_names),
            "allowAlways": view.allow_always,
        }


class ApprovalObserver(Protocol):
    """Who wants to hear of requests: the gateway's events, forwarding to chats, the ledger of a test."""

    def requested(self, pending: Pending) -> None:
        """Take a new request; never blocks."""
        ...

    def resolved(self, pending: Pending, resolution: Resolution) -> None:
        """Take the end of a request, once per request; `decision` None means that it expired."""
        ...
