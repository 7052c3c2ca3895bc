"""What the methods work with: the ports of other rooms and the gateway's own parts, built once by `gateway/app.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from openclaw.gateway.chat_events import ChatEvents
from openclaw.gateway.connections import Connections
from openclaw.gateway.health import Health
from openclaw.gateway.idempotency import Remembered
from openclaw.gateway.presence import Presence
from openclaw.gateway.rpc.ports import (
    AgentPort,
    AuditPort,
    ChannelsPort,
    ChatIngress,
    ConfigPort,
    ExecApprovalsPort,
    HeartbeatPort,
)
from openclaw.policy.where.routing import RoutingPolicy
from openclaw.state.devices import DeviceStore
from openclaw.state.ledger_port import LedgerPort
from openclaw.system.clock import Clock
from openclaw.tools.approvals import Approvals
from openclaw.tools.contract import SystemEvents


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a method may use.

    Attributes:
        agent, chat, channels, config, exec_approvals, heartbeat, events, audit: ports of other rooms.
        approvals: waiting exec approvals.
        devices: paired devices and waiting requests.
        connections, presence, health, chat_events, remembered: the gateway's own parts.
        ledger: takes a record of what changed who may connect.
        routing: agents and session keys as the config has them now.
        log_file: where the log is written now; None while it goes to the console only.
        redact: masks secrets in a text.
        clock: the time.
    """

    agent: AgentPort
    chat: ChatIngress
    channels: ChannelsPort
    config: ConfigPort
    exec_approvals: ExecApprovalsPort
    heartbeat: HeartbeatPort
    events: SystemEvents
    audit: AuditPort
    approvals: Approvals
    devices: DeviceStore
    connections: Connections
    presence: Presence
    health: Health
    chat_events: ChatEvents
    remembered: Remembered
    ledger: LedgerPort
    routing: Callable[[], RoutingPolicy]
    log_file: Callable[[], Path | None]
    redact: Callable[[str], str]
    clock: Clock

    def state_version(self) -> dict[str, int]:
        """Return `{presence, health}`, which events and `hello-ok` carry."""
        return {"presence": self.presence.version, "health": self.health.version}
