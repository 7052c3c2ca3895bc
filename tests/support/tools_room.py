"""The tools room wired from a config document, over real files, processes and jails."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from openclaw.config.compile.exec import compile_exec
from openclaw.config.compile.routing import compile_routing, compile_sandbox
from openclaw.config.compile.tools import compile_tools
from openclaw.config.model import Config
from openclaw.policy.what.exec_model import ExecSettings
from openclaw.policy.what.labels import CLEAN, Label, Source
from openclaw.policy.what.paths import StateParts
from openclaw.state.exec_approvals import ExecApprovalsFile
from openclaw.state.files import write_json
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock, SystemClock
from openclaw.system.environment import Environment
from openclaw.system.errors import Refused
from openclaw.tools import exec as exec_module
from openclaw.tools import process as process_module
from openclaw.tools.approvals import Approvals
from openclaw.tools.catalogue import TOOLS
from openclaw.tools.contract import Requester, RunContext, Tool, ToolResult, ToolServices
from openclaw.tools.exec import ExecService
from openclaw.tools.exec_settings import ExecParts, ExecPolicyView, LoginPath
from openclaw.tools.gate import Gate, Judge, allow_all
from openclaw.tools.places import FileBounds, Places
from openclaw.tools.processes import ProcessRegistry
from openclaw.tools.sandbox.backend import Backend
from openclaw.tools.sandbox.select import Sandboxes
from openclaw.tools.sandbox.settings import jail_settings
from support.ledgers import ListLedger

MAIN = "agent:main:main"
OWNER = Requester(channel="webchat", source=Source.OPERATOR, is_owner=True, sender_id="op")


class Sessions:
    """A session port over fixed rows."""

    def __init__(self) -> None:
        self.stored: list[dict[str, Any]] = []
        self.messages: dict[str, list[Any]] = {}
        self.models: dict[str | None, str] = {}

    def rows(self, run: RunContext, *, limit: int | None, active_minutes: int | None) -> list[dict[str, Any]]:
        return self.stored[:limit]

    def history(self, run: RunContext, session: str, *, limit: int | None, include_tools: bool) -> dict[str, Any]:
        if session not in self.messages:
            raise Refused("That session is not visible here.", code="forbidden")
        found = self.messages[session]
        return {"sessionKey": session, "messages": found[-limit:] if limit else found}

    def status(self, run: RunContext, session: str | None) -> dict[str, Any]:
        return {"text": f"session {session or run.session_key}", "model": self.models.get(session)}

    def set_model(self, run: RunContext, session: str | None, model: str) -> None:
        self.models[session] = model


@dataclass
class Events:
    """An event port that keeps what it is told."""

    lines: list[tuple[str, str, str | None, bool]] = field(default_factory=list)

    def notify(self, session_key: str, text: str, *, context_key: str | None = None, wake: bool = False) -> None:
        self.lines.append((session_key, text, context_key, wake))

    @property
    def texts(self) -> list[str]:
        """Return the texts alone."""
        return [line[1] for line in self.lines]


class Room:
    """Everything between a config and a tool result."""

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any] | None = None,
        *,
        tools: Sequence[Tool] = TOOLS,
        clock: Clock | None = None,
        judge: Judge = allow_all,
        env: Mapping[str, str] | None = None,
        backends: Sequence[Backend] | None = None,
    ) -> None:
        self.backends = backends
        self.notice_ms: int | None = None
        folder.chmod(0o700)
        self.home = folder
        self.layout = StateLayout.at(folder / ".openclaw")
        self.layout.root.mkdir(mode=0o700, exist_ok=True)
        self.workspace = self.layout.root / "workspace"
        self.workspace.mkdir(exist_ok=True)
        self.clock = clock or SystemClock()
        self.ledger = ListLedger()
        self.events = Events()
        self.sessions = Sessions()
        self.configure(config or {})
        self.places = Places(
            sandbox=lambda: self.sandbox_policy,
            jails=lambda agent: jail_settings(self.config.agents.defaults.sandbox.docker, None, shared=False),
            bounds=lambda agent: FileBounds(
                state=StateParts.at(str(self.layout.root), files=[str(self.layout.config)]),
                workspace_only=self.config.tools.fs.workspace_only is True,
                workspaces=(str(self.workspace),),
            ),
            layout=self.layout,
            home=self.home,
            uid=os.geteuid(),
        )
        self.registry = ProcessRegistry(self.clock, is_main=self.places.is_main)
        self.approvals = Approvals(self.clock, self.ledger, redact=str)
        self.approvals_file = ExecApprovalsFile(self.layout.exec_approvals, self.clock, redact=str)
        self.environment = Environment({"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8", **(env or {})})
        self.exec = ExecService(self.exec_parts(), self.events)
        self.services = ToolServices(sessions=self.sessions, events=self.events, shared=self.shared())
        self.gate = Gate(
            tools,
            policy=lambda: self.tools_policy,
            places=self.places,
            services=self.services,
            ledger=self.ledger,
            clock=self.clock,
            redact=lambda text: text.replace("hunter2", "***"),
            judge=judge,
            always_refused={"exec": self.exec.never},
        )
        self._calls = 0

    def shared(self) -> dict[str, Any]:
        """Return the shared objects of the tools."""
        return {exec_module.SHARED_NAME: self.exec, process_module.SHARED_NAME: self.registry}

    def exec_parts(self) -> ExecParts:
        """Return what exec works with."""
        return ExecParts(
            policy=self._exec_policy,
            places=self.places,
            sandboxes=Sandboxes.of_machine(uid=os.geteuid()) if self.backends is None else Sandboxes(self.backends),
            registry=self.registry,
            approvals=self.approvals,
            approvals_file=self.approvals_file,
            environment=self.environment,
            clock=self.clock,
            ledger=self.ledger,
            redact=str,
            login_path=LoginPath(enabled=False, home=self.home),
            shell=lambda: "/bin/bash",
        )

    def _exec_policy(self, agent_id: str) -> ExecPolicyView:
        return ExecPolicyView(
            configured=compile_routing(self.config).exec_for(agent_id),
            elevated=self.tools_policy.elevated,
            settings=self._exec_settings(agent_id),
        )

    def _exec_settings(self, agent_id: str) -> ExecSettings:
        found = compile_exec(self.config).for_agent(agent_id)
        return found if self.notice_ms is None else replace(found, running_notice_ms=self.notice_ms)

    def allow(self, *patterns: str, **knobs: Any) -> None:
        """Write the approvals file: an allowlist of the main agent, and knobs of its section."""
        section = {"allowlist": [{"pattern": pattern} for pattern in patterns], **knobs}
        write_json(self.layout.exec_approvals, {"version": 1, "agents": {"main": section}})

    async def close(self) -> None:
        """End everything that runs."""
        await self.exec.close()

    def configure(self, document: Mapping[str, Any]) -> None:
        """Take another config, as a reload would."""
        self.config = Config.from_document(dict(document))
        self.tools_policy = compile_tools(self.config)
        self.sandbox_policy = compile_sandbox(self.config)

    def run(self, session_key: str = MAIN, **facts: Any) -> RunContext:
        """Return a run of the main agent's owner, with some facts changed."""
        base = RunContext(
            run_id="run-1",
            agent_id=session_key.split(":")[1] if ":" in session_key else "main",
            session_key=session_key,
            session_id="s-1",
            requester=OWNER,
            provider="anthropic",
            model="claude",
            workspace=self.workspace,
        )
        return replace(base, **facts)

    async def call(
        self, name: str, run: RunContext | None = None, *, label: Label = CLEAN, **arguments: Any
    ) -> ToolResult:
        """Call a tool through the gate."""
        self._calls += 1
        return await self.gate.call(run or self.run(), label, name, arguments, f"call-{self._calls}")
