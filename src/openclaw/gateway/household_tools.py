"""Wires the tools room: where tools run, what they share, the approvals, and the gate as the only door to them."""

from __future__ import annotations

import os

from openclaw.gateway.household_parts import HouseholdParts
from openclaw.gateway.live_settings import LiveSettings
from openclaw.state.exec_approvals import ExecApprovalsFile
from openclaw.state.ledger_port import LedgerPort
from openclaw.tools.approvals import Approvals
from openclaw.tools.catalogue import TOOLS
from openclaw.tools.contract import SessionsPort, SystemEvents, ToolServices
from openclaw.tools.exec import SHARED_NAME as EXEC_SERVICE
from openclaw.tools.exec import ExecService
from openclaw.tools.exec_settings import ExecParts, LoginPath
from openclaw.tools.gate import Gate
from openclaw.tools.places import Places
from openclaw.tools.process import SHARED_NAME as PROCESS_REGISTRY
from openclaw.tools.processes import ProcessRegistry
from openclaw.tools.sandbox.select import Sandboxes


class ToolsRoom:
    """The approvals, and a gate for the agent that brings its ports.

    Attributes:
        approvals: the requests that wait for a person.
        approvals_file: what this host allows without asking.
    """

    def __init__(self, parts: HouseholdParts, ledger: LedgerPort, settings: LiveSettings) -> None:
        self._parts = parts
        self._ledger = ledger
        self._settings = settings
        redact = parts.redactor.redact
        self.approvals = Approvals(parts.clock, ledger, redact=redact)
        self.approvals_file = ExecApprovalsFile(parts.layout.exec_approvals, parts.clock, redact=redact)
        self._exec: ExecService | None = None

    def gate(self, sessions: SessionsPort, events: SystemEvents) -> Gate:
        """Build the tools room; the agent calls this with its own ports."""
        parts = self._parts
        redact = parts.redactor.redact
        uid = os.geteuid()
        places = Places(
            sandbox=lambda: parts.live.policy.routing.sandbox,
            jails=self._settings.jail,
            bounds=self._settings.bounds,
            layout=parts.layout,
            home=parts.environment.home,
            uid=uid,
        )
        registry = ProcessRegistry(
            parts.clock,
            is_main=places.is_main,
            output_chars=parts.environment.integer("PI_BASH_MAX_OUTPUT_CHARS"),
            pending_chars=parts.environment.integer("OPENCLAW_BASH_PENDING_MAX_OUTPUT_CHARS"),
        )
        service = self._exec = ExecService(
            ExecParts(
                policy=self._settings.exec_view,
                places=places,
                sandboxes=Sandboxes.of_machine(uid=uid, runtime_dir=parts.environment.get("XDG_RUNTIME_DIR")),
                registry=registry,
                approvals=self.approvals,
                approvals_file=self.approvals_file,
                environment=parts.environment,
                clock=parts.clock,
                ledger=self._ledger,
                redact=redact,
                login_path=LoginPath(enabled=self._settings.asks_login_shell, home=parts.environment.home),
            ),
            events,
        )
        return Gate(
            TOOLS,
            policy=lambda: parts.live.policy.tools,
            places=places,
            services=ToolServices(
                sessions=sessions, events=events, shared={EXEC_SERVICE: service, PROCESS_REGISTRY: registry}
            ),
            ledger=self._ledger,
            clock=parts.clock,
            redact=redact,
            always_refused={"exec": service.never},
        )

    async def close(self) -> None:
        """End what commands still run."""
        if self._exec is not None:
            await self._exec.close()
