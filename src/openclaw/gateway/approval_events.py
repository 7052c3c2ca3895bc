"""Tells operators with `operator.approvals` of waiting requests and decisions (gateway.md 1.8)."""

from __future__ import annotations

from openclaw.gateway.connections import Connections
from openclaw.gateway.rpc.approvals import requested_event
from openclaw.tools.approvals import Pending, Resolution


class ApprovalEvents:
    """An observer of the approvals."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    def requested(self, pending: Pending) -> None:
        """Broadcast a new request."""
        self._connections.broadcast("exec.approval.requested", requested_event(pending))

    def resolved(self, pending: Pending, resolution: Resolution) -> None:
        """Broadcast a decision; a request that nobody decided in time ends by its `expiresAtMs`."""
        if resolution.decision is None:
            return
        payload = {
            "id": pending.id,
            "decision": resolution.decision,
            "resolvedBy": resolution.resolved_by,
            "ts": resolution.ts,
        }
        self._connections.broadcast("exec.approval.resolved", payload)
