"""Every method that exists, in order. Nothing registers itself."""

from __future__ import annotations

from typing import Final

from openclaw.gateway.rpc import agent, approvals, chat, config, devices, nodes, security, sessions, system
from openclaw.gateway.rpc.contract import Method

METHODS: Final[tuple[Method, ...]] = (
    *system.METHODS,
    *config.METHODS,
    *sessions.METHODS,
    *chat.METHODS,
    *agent.METHODS,
    *devices.METHODS,
    *approvals.METHODS,
    *nodes.METHODS,
    *security.METHODS,
)
