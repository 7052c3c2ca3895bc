"""A small world for tests of the agent room: a config, a state directory, settings and a model registry."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from openclaw.agent.contract import AgentEvent, ModelClient, TurnRequest, TurnResult
from openclaw.agent.models.registry import ModelRegistry
from openclaw.agent.models.scripted import ScriptedModel
from openclaw.agent.runtime import AgentRuntime, RuntimeParts
from openclaw.agent.settings import Settings
from openclaw.config.compile.routing import compile_routing
from openclaw.config.compile.tools import compile_tools
from openclaw.config.model import Config
from openclaw.policy.what.labels import Label, Source
from openclaw.policy.what.tool_chain import ToolsPolicy
from openclaw.policy.where.routing import RoutingPolicy
from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.state.layout import StateLayout
from openclaw.state.ledger_port import LedgerEntry
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.tasks import Supervisor
from openclaw.tools.approvals import Approvals
from openclaw.tools.contract import Params, Progress, Requester, RunContext, Tool, ToolResult
from support.time import FakeClock

MAIN = "agent:main:main"


@dataclass
class World:
    """What a test of this room needs.

    Attributes:
        root: the state directory.
        document: the config; change it and call `reload`.
        env: environment variables.
        clock: the clock.
        access: who may give commands.
    """

    root: Path
    document: dict[str, Any] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    clock: Clock = field(default_factory=FakeClock)
    access: AccessPolicy = field(default_factory=AccessPolicy)
    tasks: Supervisor = field(default_factory=lambda: Supervisor("test"))

    def __post_init__(self) -> None:
        self.reload()
        self.layout = StateLayout.at(self.root)
        self.settings = Settings(lambda: self.config, self.layout)

    def reload(self) -> None:
        """Read the document again."""
        environment = Environment({"HOME": str(self.root), **self.env})
        self.config = Config.from_document(self.document, environment)
        self.view = View(compile_routing(self.config), self.access, compile_tools(self.config))

    def policy(self) -> View:
        """Return the current policy."""
        return self.view

    def write_profiles(self, profiles: Mapping[str, Any], agent: str = "main", **more: Any) -> Path:
        """Write the auth profiles of an agent."""
        path = self.layout.agent_dir(agent) / "auth-profiles.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"version": 1, "profiles": dict(profiles), **more}))
        return path

    @asynccontextmanager
    async def registry(self, **clients: ModelClient) -> AsyncIterator[ModelRegistry]:
        """Return a model registry that is closed at the end."""
        registry = ModelRegistry(self.settings, self.clock, self.tasks, clients=clients)
        try:
            yield registry
        finally:
            await registry.close()
            await self.tasks.join()


@dataclass(frozen=True)
class View:
    """The parts of the policy that this room asks."""

    routing: RoutingPolicy
    access: AccessPolicy
    tools: ToolsPolicy


class NoParams(Params):
    """Parameters of a tool that takes anything."""

    model_config = ConfigDict(extra="allow")


Function = Callable[[RunContext, Mapping[str, Any]], Awaitable[ToolResult]]


async def echo(run: RunContext, arguments: Mapping[str, Any]) -> ToolResult:
    """Return the arguments."""
    return ToolResult.text(json.dumps(dict(arguments), sort_keys=True))


@dataclass
class FakeGate:
    """A gate whose tools are functions; it records what it was asked.

    Attributes:
        functions: by tool name.
        hidden: names that are refused and not offered, by session key prefix.
        calls: run, label, name, arguments, call id.
    """

    functions: dict[str, Function] = field(default_factory=lambda: {"echo": echo})
    hidden: set[str] = field(default_factory=set)
    calls: list[tuple[RunContext, Label, str, Any, str]] = field(default_factory=list)

    def offered(self, run: RunContext) -> Offer:
        return Offer(tuple(_tool(name) for name in self.functions if self.allows(run, name)))

    def allows(self, run: RunContext, name: str) -> bool:
        return name not in self.hidden and (run.at_most is None or name in run.at_most)

    async def call(
        self,
        run: RunContext,
        label: Label,
        name: str,
        arguments: Any,
        call_id: str,
        progress: Progress | None = None,
    ) -> ToolResult:
        self.calls.append((run, label, name, arguments, call_id))
        if name not in self.functions or not self.allows(run, name):
            details = {"status": "refused", "rule": "not-in-allow", "key": "tools.allow"}
            return ToolResult.text(f"{name} is not available", details=details, is_error=True)
        if progress is not None:
            progress({"tail": "working"})
        return await self.functions[name](run, arguments)


@dataclass(frozen=True)
class Offer:
    tools: tuple[Tool, ...]


async def _never(context: Any, params: Any) -> ToolResult:
    raise AssertionError("the fake gate calls its own functions")


def _tool(name: str) -> Tool:
    return Tool(name, f"Does {name}.", f"The tool {name}.", NoParams, frozenset(), _never)


class Ledger:
    """Keeps records in a list."""

    healthy = True

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []

    def record(self, entry: LedgerEntry) -> None:
        self.entries.append(entry)


@dataclass
class Sink:
    """Keeps events."""

    events: list[AgentEvent] = field(default_factory=list)

    def emit(self, event: AgentEvent) -> None:
        self.events.append(event)

    def of(self, run_id: str, stream: str = "") -> list[AgentEvent]:
        """Return the events of a run."""
        return [event for event in self.events if event.run_id == run_id and stream in {"", event.stream}]

    def text(self, run_id: str) -> str:
        """Return the last whole text of a run."""
        found = self.of(run_id, "assistant")
        return str(found[-1].data["text"]) if found else ""


@dataclass
class Agent:
    """A running agent with everything that a test looks at."""

    world: World
    runtime: AgentRuntime
    gate: FakeGate
    ledger: Ledger
    sink: Sink
    finished: list[tuple[TurnRequest, TurnResult]]
    approvals: Approvals

    async def ask(self, text: str, **fields: Any) -> TurnResult:
        """Run a turn and return its result."""
        return await asyncio.wait_for(self.runtime.submit(turn(text, **fields)).result(), 10)

    def entry(self, key: str = MAIN) -> Mapping[str, Any]:
        """Return a session entry."""
        return self.runtime.store.entry(key) or {}

    def lines(self, key: str = MAIN) -> list[dict[str, Any]]:
        """Return the lines of a transcript file, without its header."""
        if not self.entry(key):
            return []
        path = self.runtime.store.path(key, self.entry(key))
        if not path.exists():
            return []
        return [json.loads(raw) for raw in path.read_bytes().split(b"\n") if raw][1:]

    def messages(self, key: str = MAIN) -> list[dict[str, Any]]:
        """Return the messages of a transcript file."""
        return [line["message"] for line in self.lines(key) if line["type"] == "message"]


OWNER = Requester(
    channel="webchat",
    source=Source.OWNER,
    sender_id="device-1",
    is_owner=True,
    command_authorized=True,
    scopes=frozenset({"operator.admin"}),
)
_numbers = itertools.count(1)


def chat(sender: str, source: Source = Source.ALLOWED, **fields: Any) -> Requester:
    """Return somebody who writes on Telegram."""
    authorised = fields.pop("command_authorized", source != Source.STRANGER)
    return Requester(channel="telegram", source=source, sender_id=sender, command_authorized=authorised, **fields)


def turn(text: str, *, key: str = MAIN, requester: Requester = OWNER, **fields: Any) -> TurnRequest:
    """Return a turn."""
    return TurnRequest(
        run_id=fields.pop("run_id", f"run-{next(_numbers)}"),
        session_key=key,
        agent_id=fields.pop("agent_id", "main"),
        text=fields.pop("shown", text),
        command_text=fields.pop("command_text", text),
        requester=requester,
        provenance=fields.pop("provenance", (requester.provenance(),)),
        **fields,
    )


@asynccontextmanager
async def running(
    world: World, model: ModelClient | Mapping[str, Any] | None = None, gate: FakeGate | None = None
) -> AsyncIterator[Agent]:
    """Run an agent whose model is a client, a script, or what the config says."""
    clients: dict[str, ModelClient] = {}
    if model is not None:
        clients["test"] = ScriptedModel(model) if isinstance(model, Mapping) else model
        world.document.setdefault("agents", {}).setdefault("defaults", {}).setdefault("model", {"primary": "test/m"})
        world.reload()
    ledger, sink, found = Ledger(), Sink(), gate or FakeGate()
    approvals = Approvals(world.clock, ledger, redact=str)
    parts = RuntimeParts(
        settings=world.settings,
        policy=world.policy,
        gate=lambda _sessions, _events: found,
        ledger=ledger,
        clock=world.clock,
        approvals=approvals,
    )
    registry = ModelRegistry(world.settings, world.clock, world.tasks, clients=clients)
    runtime = AgentRuntime(parts, registry=registry)
    finished: list[tuple[TurnRequest, TurnResult]] = []
    runtime.on_finished(lambda request, result: finished.append((request, result)))
    runtime.subscribe(sink)
    agent = Agent(world, runtime, found, ledger, sink, finished, approvals)
    try:
        yield agent
    finally:
        await runtime.close()
        await approvals.close()
