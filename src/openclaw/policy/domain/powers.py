"""What a run of one session may do: its place, its tools, its commands, its files, as far as the policy alone says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from openclaw.policy.snapshot import Policy
from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.what.elevated import ElevatedFacts, elevated_gates
from openclaw.policy.what.exec_model import Ask, Security
from openclaw.policy.what.tool_chain import ToolRun
from openclaw.policy.what.tool_names import CORE_TOOLS, SESSION_TOOLS, Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import ToolDecider
from openclaw.policy.where.exec_host import (
    ElevatedLevel,
    ExecPlace,
    ExecRoute,
    exec_route,
)
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.policy.where.sandbox_mode import Placement, WorkspaceAccess, sandbox_status
from openclaw.policy.where.visibility import Caller, SessionVisibility, agent_to_agent, may_spawn, reach

CORE_CATALOGUE: Final = Catalogue.of(
    CatalogueTool(name, plugin_id=None, owner_only=name == "whatsapp_login") for name in CORE_TOOLS
)
"""Every tool that the product itself has, for callers that know no plugins."""


_READABLE: Final = frozenset({WorkspaceAccess.RO, WorkspaceAccess.RW})
_WRITABLE: Final = frozenset({WorkspaceAccess.RW})


class Power(StrEnum):
    """One kind of thing that somebody may have or do."""

    REACH = "reach"
    UNPROMPTED = "unprompted"
    OVERHEARD = "overheard"
    PAIR = "pair"
    OWNER = "owner"
    COMMANDS = "commands"
    NATIVE = "native-commands"
    APPROVE = "approve"
    REPLIES = "replies"
    HOST = "host"
    TOOL = "tool"
    EXEC = "exec"
    ELEVATED = "elevated"
    READ = "read"
    WRITE = "write"
    SEES = "sees"
    TALKS = "talks"
    SPAWNS = "spawns"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One thing that somebody may have or do.

    Attributes:
        power: what kind of thing.
        agent: the agent that it is about; "" where none is.
        name: which one, where there are several: a tool, a step of a ladder.
    """

    power: Power
    agent: str = ""
    name: str = ""


ANY_COMMAND: Final = "any"
LISTED_COMMANDS: Final = "listed"
ASKED_COMMANDS: Final = "asked"
IN_SANDBOX: Final = "sandbox"
ON_NODE: Final = "node "


@dataclass(frozen=True, slots=True)
class Powers:
    """What a run may do.

    Attributes:
        agent: the agent.
        session_key: the session.
        placement: where its tools run.
        tools: names that it may call.
        by_model: the same while a model of a `byProvider` key is in use, by that key.
        exec: where its commands go; None without the tool.
        elevated: whether it may leave the sandbox.
        grants: all of it, as what can be compared.
    """

    agent: str
    session_key: str
    placement: Verdict[Placement]
    tools: frozenset[str]
    by_model: tuple[tuple[str, frozenset[str]], ...] = ()
    exec: ExecRoute | None = None
    elevated: Verdict[Outcome] = field(default_factory=lambda: Verdict(Outcome.DENY))
    grants: frozenset[Grant] = frozenset()

    @property
    def sandboxed(self) -> bool:
        """Return whether its tools run in a sandbox."""
        return self.placement.outcome is Placement.SANDBOX


class PowerDesk:
    """Asks one policy about runs; what the kernel may remember is remembered.

    Args:
        policy: the snapshot.
        catalogue: the tools that exist.
        models: `byProvider` keys under which a run is looked at besides any other model.
        agents: agents that others may be asked to talk to or to start.
    """

    def __init__(self, policy: Policy, catalogue: Catalogue, models: Iterable[str], agents: Iterable[str]) -> None:
        self._policy = policy
        self._decider = ToolDecider(policy.tools, catalogue)
        self._models = tuple(models)
        self._agents = tuple(agents)

    def powers(self, run: ToolRun, who: ElevatedFacts) -> Powers:
        """Return what a run may do.

        Args:
            run: the run; whether it is sandboxed is worked out here.
            who: who stands behind it.
        """
        policy, agent = self._policy, normalise_agent_id(run.agent_id)
        placement = sandbox_status(policy.routing.sandbox, agent, run.session_key)
        sandboxed = placement.outcome is Placement.SANDBOX
        tools = self.tools(run)
        found = Powers(
            agent=agent,
            session_key=run.session_key,
            placement=placement,
            tools=tools,
            by_model=tuple((key, self.tools(_with_model(run, key))) for key in self._models),
            exec=exec_route(configured=policy.routing.exec_for(agent), sandboxed=sandboxed)
            if "exec" in tools
            else None,
            elevated=elevated_gates(policy.tools.elevated, who),
        )
        return replace(found, grants=frozenset(self._grants(found)))

    def tools(self, run: ToolRun) -> frozenset[str]:
        """Return the names of the tools that a run may call; whether it is sandboxed is worked out here."""
        placement = sandbox_status(self._policy.routing.sandbox, run.agent_id, run.session_key).outcome
        placed = replace(run, sandboxed=placement is Placement.SANDBOX)
        return frozenset(self._decider.effective(placed).offered)

    def _grants(self, powers: Powers) -> Iterator[Grant]:
        agent = powers.agent
        if not powers.sandboxed:
            yield Grant(Power.HOST, agent)
        yield from (Grant(Power.TOOL, agent, name) for name in powers.tools)
        yield from (Grant(Power.TOOL, agent, f"{name} with {key}") for key, names in powers.by_model for name in names)
        if powers.exec is not None:
            yield from (Grant(Power.EXEC, agent, name) for name in commands_of(powers.exec))
            yield from self._elevated(powers)
        yield from (Grant(Power.READ, agent, step) for step in self._files(powers, {"read"}, _READABLE))
        yield from (Grant(Power.WRITE, agent, step) for step in self._files(powers, {"write", "edit"}, _WRITABLE))
        yield from self._sessions(powers)

    def _elevated(self, powers: Powers) -> Iterator[Grant]:
        if powers.elevated.outcome is not Outcome.ALLOW:
            return
        yield Grant(Power.ELEVATED, powers.agent)
        level = self._policy.tools.elevated.default_level
        if level in (ElevatedLevel.ASK, ElevatedLevel.FULL):
            yield Grant(Power.ELEVATED, powers.agent, "by default")
        if level is ElevatedLevel.FULL:
            yield Grant(Power.ELEVATED, powers.agent, "unasked by default")

    def _files(self, powers: Powers, names: set[str], enough: frozenset[WorkspaceAccess]) -> Iterator[str]:
        """Yield how far files are reached: the agent's workspace, the whole machine."""
        has_tool = not names.isdisjoint(powers.tools)
        if powers.sandboxed:
            access = self._policy.routing.sandbox.settings(powers.agent).workspace_access
            if access in enough and (has_tool or "exec" in powers.tools):
                yield "workspace"
        elif has_tool:
            yield "workspace"
            if not self._policy.exec.for_agent(powers.agent).workspace_only:
                yield "machine"

    def _sessions(self, powers: Powers) -> Iterator[Grant]:
        if powers.tools.isdisjoint(SESSION_TOOLS):
            return
        routing = self._policy.routing
        own = routing.sandbox.settings(powers.agent).tools_visibility
        caller = Caller(powers.session_key, agent_id=powers.agent)
        order = tuple(SessionVisibility)
        seen = reach(routing.visibility, caller)
        if powers.sandboxed and own.value == "spawned":
            seen = min(seen, SessionVisibility.TREE, key=order.index)
        for step in order[1 : order.index(seen) + 1]:
            yield Grant(Power.SEES, powers.agent, step)
        for other in self._agents:
            if other == powers.agent:
                continue
            if agent_to_agent(routing.visibility, powers.agent, other).outcome is Outcome.ALLOW:
                yield Grant(Power.TALKS, powers.agent, other)
            spawns = "sessions_spawn" in powers.tools
            if spawns and may_spawn(routing.visibility, caller, other).outcome is Outcome.ALLOW:
                yield Grant(Power.SPAWNS, powers.agent, other)


def _with_model(run: ToolRun, key: str) -> ToolRun:
    provider, _, model = key.partition("/")
    return replace(run, provider=provider, model=model or None)


def commands_of(route: ExecRoute) -> frozenset[str]:
    """Return which commands a place lets run: in a sandbox, any with a person's consent, listed ones, any at all.

    Whoever may run any command on the machine itself could run it in a sandbox as well.
    """
    place = route.verdict.outcome
    if place is ExecPlace.SANDBOX:
        return frozenset({IN_SANDBOX})
    if place is ExecPlace.REFUSED:
        return frozenset()
    steps = _steps(place, route.security, route.ask)
    return frozenset(f"{ON_NODE}{step}" for step in steps) if place is ExecPlace.NODE else frozenset(steps)


def _steps(place: ExecPlace, security: Security, ask: Ask) -> tuple[str, ...]:
    everything = (IN_SANDBOX, ASKED_COMMANDS, LISTED_COMMANDS, ANY_COMMAND)
    if place is ExecPlace.HOST_UNCHECKED:
        return everything
    if security is Security.DENY:
        return ()
    if ask is Ask.ALWAYS:
        return (ASKED_COMMANDS,)
    if security is Security.FULL:
        return everything
    return (LISTED_COMMANDS,) if ask is Ask.OFF else (ASKED_COMMANDS, LISTED_COMMANDS)
