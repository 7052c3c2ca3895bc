"""exec.approval.* and exec.approvals.* (gateway.md 3.12): waiting requests, and the file of the host."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from pydantic import Field

from openclaw.gateway.rpc.chat import settled
from openclaw.gateway.rpc.contract import Call, Params, Text, rpc
from openclaw.protocol.errors import ErrorCode, RpcError, invalid_request
from openclaw.system.errors import InvalidInput
from openclaw.tools.approval_text import DECISIONS, ApprovalView
from openclaw.tools.approvals import Pending

NOT_FOUND_SINCE: Final = 4
"""First protocol whose clients know APPROVAL_NOT_FOUND."""
MAX_COMMAND: Final = 256 * 1024
Fact = Annotated[str, Field(max_length=4096)]


class ApprovalRequestParams(Params):
    """`exec.approval.request`."""

    command: Annotated[Text, Field(max_length=MAX_COMMAND)]
    id: Text | None = None
    cwd: Fact | None = None
    host: Fact | None = None
    security: Fact | None = None
    ask: Fact | None = None
    agent_id: Fact | None = None
    resolved_path: Fact | None = None
    session_key: Fact | None = None
    timeout_ms: Annotated[int, Field(ge=1)] | None = None


@rpc("exec.approval.request", ApprovalRequestParams, deadline=None, ends_with_client=True)
async def request(call: Call, params: ApprovalRequestParams) -> Any:
    """Ask for an approval and wait for the decision; a client that goes away takes its request back."""
    view = ApprovalView(
        command=params.command,
        cwd=params.cwd,
        host=params.host,
        agent_id=params.agent_id,
        session_key=params.session_key,
        security=params.security,
        ask=params.ask,
        why="client",
        allow_always=False,
    )
    approvals, peer = call.services.approvals, call.connection.peer
    pending = approvals.request(view, approval_id=params.id, timeout_ms=params.timeout_ms, requested_by=peer.conn_id)
    try:
        resolution = await pending.decided()
    except asyncio.CancelledError:
        if any(row.id == pending.id for row in approvals.pending()):
            approvals.resolve(pending.id, "deny", resolved_by="requester disconnected")
        raise
    return {
        "id": pending.id,
        "decision": resolution.decision,
        "createdAtMs": pending.created_ms,
        "expiresAtMs": pending.expires_ms,
    }


class ApprovalResolveParams(Params):
    """`exec.approval.resolve`."""

    id: Text
    decision: Text


@rpc("exec.approval.resolve", ApprovalResolveParams)
def resolve(call: Call, params: ApprovalResolveParams) -> Any:
    """Decide a waiting request."""
    decision = next((known for known in DECISIONS if known == params.decision), None)
    if decision is None:
        raise invalid_request("invalid decision")
    peer = call.connection.peer
    try:
        call.services.approvals.resolve(params.id, decision, resolved_by=peer.name)
    except InvalidInput as error:
        if error.code == "unknown-approval" and peer.protocol >= NOT_FOUND_SINCE:
            raise RpcError(ErrorCode.APPROVAL_NOT_FOUND, error.message) from None
        raise
    return {"ok": True}


@rpc("exec.approval.list")
def list_pending(call: Call, _params: Params) -> Any:
    """Return the waiting requests, oldest first."""
    return {"pending": [requested_event(row) for row in call.services.approvals.pending()]}


def requested_event(pending: Pending) -> dict[str, Any]:
    """Return a waiting request as the event `exec.approval.requested` tells it."""
    return {
        "id": pending.id,
        "request": pending.request_json(),
        "detail": pending.detail_json(),
        "createdAtMs": pending.created_ms,
        "expiresAtMs": pending.expires_ms,
    }


@rpc("exec.approvals.get")
async def get_file(call: Call, _params: Params) -> Any:
    """Return the approvals file of this host."""
    return await settled(call.services.exec_approvals.get())


class ApprovalsSetParams(Params):
    """`exec.approvals.set`."""

    file: dict[str, Any]
    base_hash: Text | None = None


@rpc("exec.approvals.set", ApprovalsSetParams)
async def set_file(call: Call, params: ApprovalsSetParams) -> Any:
    """Replace the approvals file of this host."""
    peer = call.connection.peer
    actor = {"client": peer.name, "device": peer.device_id, "connection": peer.conn_id}
    return await settled(call.services.exec_approvals.set(params.file, params.base_hash, actor))


METHODS = (request, resolve, list_pending, get_file, set_file)
