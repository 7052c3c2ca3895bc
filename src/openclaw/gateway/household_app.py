"""Wires the gateway's own part: what its methods and endpoints are given of the other rooms."""

from __future__ import annotations

from pathlib import Path

from openclaw.agent.runtime import AgentRuntime
from openclaw.gateway.app import HANDSHAKE_SECONDS, GatewayApp, GatewayParts, build_app
from openclaw.gateway.audit_watch import GatewayAudit
from openclaw.gateway.household_channels import ChannelsRoom
from openclaw.gateway.household_parts import HouseholdParts
from openclaw.gateway.household_ports import ApprovalsFilePort, ChannelStatus
from openclaw.gateway.household_tools import ToolsRoom
from openclaw.gateway.live_config import ConfigService, LiveDoor
from openclaw.state.ledger_port import LedgerPort
from openclaw.system.environment import Environment
from openclaw.version import VERSION


def household_app(
    parts: HouseholdParts,
    *,
    ledger: LedgerPort,
    tools: ToolsRoom,
    runtime: AgentRuntime,
    channels: ChannelsRoom,
    audit: GatewayAudit,
) -> GatewayApp:
    """Return the gateway over the other rooms."""
    return build_app(
        GatewayParts(
            config=LiveDoor(parts.live, parts.environment, parts.flags),
            routing=lambda: parts.live.policy.routing,
            layout=parts.layout,
            clock=parts.clock,
            version=VERSION,
            agent=runtime,
            chat=channels.webchat,
            channels=ChannelStatus(channels.manager),
            approvals=tools.approvals,
            exec_approvals=ApprovalsFilePort(tools.approvals_file, ledger),
            config_methods=ConfigService(
                parts.live,
                parts.layout,
                parts.environment,
                parts.clock,
                redact=parts.redactor.redact,
                restart=parts.restart,
            ),
            events=runtime,
            audit=audit,
            ledger=ledger,
            log_file=lambda: parts.logs.path if parts.logs is not None else None,
            redact=parts.redactor.redact,
            verbosity=channels.runner.verbosity,
            failing=lambda: () if ledger.healthy else ("ledger",),
            ui_root=_page_folder(parts),
            handshake_seconds=_handshake_seconds(parts.environment),
        )
    )


def _page_folder(parts: HouseholdParts) -> Path | None:
    """Return the folder that stands in for the bundled page, as the config has it at the start."""
    page = parts.live.config.gateway.control_ui
    return parts.environment.expand(page.root) if page.root else None


def _handshake_seconds(environment: Environment) -> float:
    """Return the time for a connect, between one second and a minute."""
    wanted = environment.integer("OPENCLAW_HANDSHAKE_TIMEOUT_MS")
    return HANDSHAKE_SECONDS if wanted is None else min(max(wanted / 1000, 1.0), 60.0)
