"""The rooms that decide, built over a config as the gateway builds them, for questions instead of messages.

Nothing here writes, connects or creates: files are read, and a sandbox back end may be probed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from openclaw.agent.settings import Settings
from openclaw.channels.admit import Judged, Surroundings, judge
from openclaw.channels.contract import InboundMessage
from openclaw.channels.turns import Admitted, requester_of
from openclaw.config.compile import compile_policy
from openclaw.config.load import load_config
from openclaw.config.model import Config
from openclaw.policy.domain.people import ME
from openclaw.policy.what.paths import StateParts
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.policy.where.sandbox_mode import Placement, SandboxScope, sandbox_status
from openclaw.policy.where.session_keys import agent_of
from openclaw.policy.who.facts import GroupActivation, SelfIdentity, StoreView
from openclaw.security.explain.silent import NoLedger, Silent
from openclaw.state.exec_approvals import ExecApprovalsFile
from openclaw.state.exec_approvals_doc import HostRules
from openclaw.state.files import read_json
from openclaw.state.layout import StateLayout
from openclaw.state.pairing import PairingStore
from openclaw.system.clock import Clock, SystemClock
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError
from openclaw.system.http import Resolver, SystemResolver
from openclaw.tools.approvals import Approvals
from openclaw.tools.catalogue import TOOLS
from openclaw.tools.contract import Requester, RunContext, ToolServices
from openclaw.tools.exec import ExecService
from openclaw.tools.exec_settings import ExecParts, LoginPath, exec_view
from openclaw.tools.gate import Gate
from openclaw.tools.places import FileBounds, Places
from openclaw.tools.processes import ProcessRegistry
from openclaw.tools.sandbox.select import Sandboxes
from openclaw.tools.sandbox.settings import JailSettings, jail_settings

Entries = Callable[[str], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What the machine holds beside the config, as it was when the questions began.

    Attributes:
        layout: the state directory.
        environment: the process environment.
        clock: the time.
        store: the pairing store of a channel and account.
        approvals: what the approvals file of this host says.
        sandboxes: the back ends of this machine.
        resolver: looks host names up.
        identity: who the bot is on a channel account; a running gateway alone knows the real one.
    """

    layout: StateLayout
    environment: Environment
    clock: Clock
    store: Callable[[str, str], StoreView]
    approvals: HostRules
    sandboxes: Sandboxes
    resolver: Resolver = field(default_factory=SystemResolver)
    identity: Callable[[str, str], SelfIdentity] = lambda _channel, _account: ME

    @classmethod
    def of_disk(cls, layout: StateLayout, environment: Environment, clock: Clock | None = None) -> Seen:
        """Read the stores of a state directory."""
        time = clock or SystemClock()
        file = ExecApprovalsFile(layout.exec_approvals, time, redact=str)
        return cls(
            layout=layout,
            environment=environment,
            clock=time,
            store=PairingStore(layout, time).view,
            approvals=file.rules(),
            sandboxes=Sandboxes.of_machine(uid=os.geteuid(), runtime_dir=environment.get("XDG_RUNTIME_DIR")),
        )


class World:
    """One config, and the rooms over it. `edited` gives the same world under another config.

    Args:
        config: a valid config.
        seen: the rest of the machine.
        files: the files of the config; None takes those that it was read from.
    """

    def __init__(self, config: Config, seen: Seen, files: tuple[Path, ...] | None = None) -> None:
        self.config: Final = config
        self.seen: Final = seen
        self._files: Final = config.source.files if files is None else files
        self.policy: Final = compile_policy(config, config.environment)
        self._settings: Final = Settings(lambda: config, seen.layout)

    @classmethod
    def of_disk(cls, layout: StateLayout, environment: Environment) -> World:
        """Read config and stores of a state directory.

        Raises:
            ConfigInvalid: the config has faults.
        """
        return cls(load_config(layout, environment), Seen.of_disk(layout, environment))

    def edited(self, document: Mapping[str, Any]) -> World:
        """Return the world under another config document.

        Raises:
            ConfigInvalid: the document has faults.
        """
        return World(Config.from_document(document, self.config.environment), self.seen, self._files)

    def under(self, seen: Seen) -> World:
        """Return the same config over another machine."""
        return World(self.config, seen, self._files)

    # Messages and runs

    def judge(self, message: InboundMessage) -> Judged:
        """Return what the kernel says of a message, by the function that intake asks."""
        around = Surroundings(identity=self.seen.identity, store=self.seen.store, activation=self._activation)
        return judge(self.policy, message, around, self.seen.clock.now_ms())

    def run_of(self, message: InboundMessage, judged: Judged) -> RunContext:
        """Return the run that an admitted message starts."""
        return self.run(judged.session_key, judged.route.agent_id, requester_of(Admitted((0,), message, judged)))

    def run(self, session_key: str, agent_id: str, requester: Requester) -> RunContext:
        """Return a run of a session, with what the session itself remembers."""
        agent, entry = self._settings.agent(agent_id), self.entry(session_key)
        parent = _text(entry, "spawnedBy")
        named = {"host": "execHost", "security": "execSecurity", "ask": "execAsk", "node": "execNode"}
        run = RunContext(
            run_id="explain",
            agent_id=normalise_agent_id(agent_id),
            session_key=session_key,
            session_id="explain",
            requester=requester,
            provider=None,
            model=None,
            workspace=agent.workspace,
            spawned_by=parent,
            elevated_level=_text(entry, "elevatedLevel") or agent.elevated,
            exec_overrides={key: text for key, field in named.items() if (text := _text(entry, field)) is not None},
        )
        return run if parent is None else self._bounded(run, parent)

    def _bounded(self, run: RunContext, parent: str) -> RunContext:
        """Return the run of a spawned session within what its parent has (advisory G3)."""
        above = self.run(parent, agent_of(parent), run.requester)
        own = sandbox_status(self.policy.routing.sandbox, above.agent_id, parent).outcome is Placement.SANDBOX
        offered = frozenset(tool.name for tool in self.gate.offered(above).tools)
        return replace(run, parent_sandboxed=own or above.parent_sandboxed, at_most=offered)

    def entry(self, session_key: str) -> Mapping[str, Any]:
        """Return what the session store remembers of a session; empty where there is nothing readable."""
        try:
            found = read_json(self._settings.agent(agent_of(session_key)).store)
        except OpenClawError:
            return {}
        entry = found.get(session_key) if isinstance(found, dict) else None
        return entry if isinstance(entry, dict) else {}

    def _activation(self, session_key: str) -> GroupActivation | None:
        found = _text(self.entry(session_key), "groupActivation")
        return GroupActivation(found) if found in {"always", "mention"} else None

    # The rooms

    @cached_property
    def places(self) -> Places:
        """Return where runs work."""
        return Places(
            sandbox=lambda: self.policy.routing.sandbox,
            jails=self.jail,
            bounds=self.bounds,
            layout=self.seen.layout,
            home=self.seen.environment.home,
            uid=os.geteuid(),
        )

    @cached_property
    def exec_parts(self) -> ExecParts:
        """Return what commands are judged with."""
        seen, ledger = self.seen, NoLedger()
        shell = (self.config.document.get("env") or {}).get("shellEnv") or {}
        return ExecParts(
            policy=lambda agent_id: exec_view(self.policy, agent_id),
            places=self.places,
            sandboxes=seen.sandboxes,
            registry=ProcessRegistry(seen.clock, is_main=self.places.is_main),
            approvals=Approvals(seen.clock, ledger),
            approvals_file=ExecApprovalsFile(seen.layout.exec_approvals, seen.clock, redact=str),
            environment=seen.environment,
            clock=seen.clock,
            ledger=ledger,
            redact=str,
            login_path=LoginPath(enabled=shell.get("enabled") is True, home=seen.environment.home),
        )

    @cached_property
    def service(self) -> ExecService:
        """Return what stands behind the exec tool."""
        return ExecService(self.exec_parts, Silent())

    @cached_property
    def gate(self) -> Gate:
        """Return the door to the tools of this build."""
        silent = Silent()
        return Gate(
            TOOLS,
            policy=lambda: self.policy.tools,
            places=self.places,
            services=ToolServices(sessions=silent, events=silent),
            ledger=NoLedger(),
            clock=self.seen.clock,
            redact=str,
            always_refused={"exec": self.service.never},
        )

    def jail(self, agent_id: str) -> JailSettings:
        """Return what a jail of an agent holds."""
        wanted = normalise_agent_id(agent_id)
        entry = next((one for one in self.config.agents.entries or () if normalise_agent_id(one.id) == wanted), None)
        own = entry.sandbox.docker if entry is not None and entry.sandbox is not None else None
        shared = self.policy.routing.sandbox.settings(agent_id).scope is SandboxScope.SHARED
        return jail_settings(self.config.agents.defaults.sandbox.docker, own, shared=shared)

    def bounds(self, agent_id: str) -> FileBounds:
        """Return what bounds the file tools of an agent."""
        workspaces = tuple(str(self._settings.agent(name).workspace) for name in self._settings.agent_ids)
        files = tuple(str(path) for path in self._files)
        return FileBounds(
            state=StateParts.at(str(self.seen.layout.root), workspaces=workspaces, files=files),
            workspace_only=self.policy.exec.for_agent(normalise_agent_id(agent_id)).workspace_only,
            workspaces=workspaces,
        )

    @property
    def default_agent(self) -> str:
        """Return the id of the default agent."""
        return self._settings.default_agent


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    return value if isinstance(value, str) and value.strip() else None
