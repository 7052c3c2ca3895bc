"""The immutable Policy: a config, compiled. Every decision takes one snapshot from start to end."""

from __future__ import annotations

from dataclasses import dataclass

from openclaw.policy.what.exec_model import ExecPolicy
from openclaw.policy.what.tool_chain import ToolsPolicy
from openclaw.policy.where.routing import RoutingPolicy
from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.policy.who.gateway_policy import GatewayPolicy


@dataclass(frozen=True, slots=True)
class Policy:
    """All that the deciders ask, by floor.

    Attributes:
        fingerprint: SHA-256 of the config that it was compiled from; the ledger notes it with each record.
        gateway: who may open a connection.
        access: who may talk, channel by channel, and give commands.
        routing: where a message goes; sessions, sandbox modes, send rules.
        tools: what an agent may call, for whom.
        exec: what commands may run, and how.
    """

    fingerprint: str
    gateway: GatewayPolicy
    access: AccessPolicy
    routing: RoutingPolicy
    tools: ToolsPolicy
    exec: ExecPolicy
