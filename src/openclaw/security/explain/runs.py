"""What a run of a session may do: sandbox, tools, where its commands go, elevation. Asked of the rooms themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from openclaw.policy.verdict import Outcome, Reason
from openclaw.policy.what.elevated import effective_level, elevated_call, elevated_gates
from openclaw.policy.what.labels import Source
from openclaw.policy.what.tool_names import normalise_tool
from openclaw.policy.where.exec_host import ElevatedLevel, ExecDefaults, ExecPlace, ExecRoute, exec_route, parse_level
from openclaw.policy.where.key_ids import PeerKind, normalise_agent_id
from openclaw.policy.where.sandbox_mode import Placement
from openclaw.policy.where.session_keys import agent_of, channel_of, group_of
from openclaw.security.explain.answer import Answer
from openclaw.security.explain.world import World
from openclaw.state.exec_approvals_doc import EffectiveRules, effective, elevated_full
from openclaw.tools.contract import Requester, RunContext
from openclaw.tools.exec import elevated_facts

RunOf = Callable[[World], RunContext | None]
"""The run that a question is about; None when nothing is admitted."""

_PLACES: Final = {
    ExecPlace.SANDBOX: "in the sandbox",
    ExecPlace.HOST_UNCHECKED: "on this machine, without approvals",
    ExecPlace.GATEWAY: "on this machine, by the exec approvals",
    ExecPlace.NODE: "on a node, by its exec approvals",
    ExecPlace.REFUSED: "nowhere",
}


def session_run(world: World, session_key: str | None, agent_id: str | None) -> RunContext:
    """Return a run of a session without a message: of a room, anybody's; else an operator's of this gateway."""
    agent = normalise_agent_id(agent_id) if agent_id else None
    key = world.policy.routing.canonical(session_key, agent)
    owner = agent_of(key) if key.startswith("agent:") else agent or world.default_agent
    room, channel = group_of(key), channel_of(key)
    if channel is None:
        requester = Requester(
            channel="webchat", source=Source.OWNER, sender_id="operator", is_owner=True, command_authorized=True
        )
    else:
        requester = Requester(
            channel=channel,
            source=Source.STRANGER,
            chat_type="direct" if room is None else "channel" if room.kind is PeerKind.CHANNEL else "group",
            group_id=room.id if room is not None else None,
            mentioned=True,
        )
    return world.run(key, owner, requester)


def _nobody(kind: str, question: str) -> Answer:
    reason = Reason("not-admitted", None, "The message is not delivered, so nothing runs.")
    return Answer(kind, question, "nothing runs", allowed=False, trail=(reason,))


async def sandbox(world: World, run_of: RunOf) -> Answer:
    """Answer whether the tools of a run work in a sandbox; `allowed` means that they do."""
    question = "Do the tools of this session run in a sandbox?"
    run = run_of(world)
    if run is None:
        return _nobody("sandbox", question)
    found, settings = world.places.placement(run), world.policy.routing.sandbox.settings(run.agent_id)
    inside = found.outcome is Placement.SANDBOX
    return Answer(
        kind="sandbox",
        question=question,
        outcome="in a sandbox" if inside else "on this machine",
        allowed=inside,
        trail=found.reasons,
        details={
            "mode": str(settings.mode),
            "scope": str(settings.scope),
            "workspaceAccess": str(settings.workspace_access),
            "hostWorkspace": str(world.places.workspace(run).active) if inside else str(run.workspace),
        },
        related=("agents.defaults.sandbox.mode",),
    )


async def tools(world: World, run_of: RunOf) -> Answer:
    """Answer which tools a run is shown."""
    question = "Which tools would it have?"
    run = run_of(world)
    if run is None:
        return _nobody("tools", question)
    offer = world.gate.offered(run)
    names = tuple(tool.name for tool in offer.tools)
    rows: list[dict[str, Any]] = [_tool_row(world, run, name) for name in offer.decisions]
    refused = tuple(
        Reason(f"{row['tool']}:{row['rule']}", row["key"], row["reason"]) for row in rows if not row["allowed"]
    )
    return Answer(
        kind="tools",
        question=question,
        outcome=", ".join(names) or "none",
        allowed=bool(names),
        trail=refused or (Reason("tools.all", None, "No rule takes a tool away."),),
        details={"offered": list(names), "tools": rows, "warnings": [w.detail for w in offer.warnings]},
    )


async def tool(world: World, run_of: RunOf, name: str) -> Answer:
    """Answer whether a run may call one tool."""
    wanted = normalise_tool(name)
    question = f"May it call {wanted}?"
    run = run_of(world)
    if run is None:
        return _nobody("tool", question)
    row = _tool_row(world, run, wanted)
    return Answer(
        kind="tool",
        question=question,
        outcome="offered" if row["allowed"] else "refused",
        allowed=row["allowed"],
        trail=(Reason(row["rule"], row["key"], row["reason"]),),
        details=row,
        related=("tools.deny", "tools.allow", *_exec_keys(wanted)),
        tokens=(wanted,),
    )


def _exec_keys(name: str) -> tuple[str, ...]:
    return ("tools.exec.security", "tools.exec.host") if name == "exec" else ()


def _tool_row(world: World, run: RunContext, name: str) -> dict[str, Any]:
    """Return the decision on one tool, by the gate's own reasons."""
    offer = world.gate.offered(run)
    decision = offer.decisions.get(name)
    if decision is None:
        reason = Reason("tools.registration:not-registered:unknown", None, f"{name} is no tool of this build.")
        return {"tool": name, "allowed": False, "rule": reason.rule, "key": None, "reason": reason.detail}
    reason = decision.verdict.decided_by
    shown = any(one.name == name for one in offer.tools)
    never = world.service.never(run) if decision.allowed and not shown and name == "exec" else None
    reason = never or reason
    return {"tool": name, "allowed": shown, "rule": reason.rule, "key": reason.key, "reason": reason.detail}


def route_of(world: World, run: RunContext, *, asked: bool | None = None) -> tuple[ExecRoute, tuple[Reason, ...]]:
    """Return where an exec call of a run goes, and the gates of elevation where it was asked for in vain.

    Args:
        world: the world.
        run: the run.
        asked: the `elevated` parameter of the call.
    """
    view = world.exec_parts.policy(run.agent_id)
    level = effective_level(view.elevated, session=parse_level(run.elevated_level))
    call = elevated_call(view.elevated, elevated_facts(run), level=level, asked=asked)
    given = run.exec_overrides
    route = exec_route(
        configured=view.configured,
        session=ExecDefaults.read(given.get("host"), given.get("security"), given.get("ask"), given.get("node")),
        sandboxed=world.places.is_sandboxed(run),
        elevated=call.level,
    )
    failed = () if call.verdict.outcome is Outcome.ALLOW else call.verdict.reasons
    return route, failed


def rules_of_host(world: World, run: RunContext, route: ExecRoute) -> EffectiveRules:
    """Return what config and approvals file say together, as `HostJudge.effective` joins them."""
    join = elevated_full if route.elevated is ElevatedLevel.FULL else effective
    return join(world.seen.approvals, run.agent_id, security=route.security, ask=route.ask)


async def execution(world: World, run_of: RunOf) -> Answer:
    """Answer where the commands of a run go; `allowed` means that they reach this machine or a node."""
    question = "Where do its commands run?"
    run = run_of(world)
    if run is None:
        return _nobody("exec", question)
    route, _ = route_of(world, run)
    found = world.exec_parts
    rules = None
    if route.approvals:
        from openclaw.tools.exec_host import HostJudge

        rules = HostJudge(found).effective(run, route)
    details: dict[str, Any] = {
        "host": str(route.host),
        "place": str(route.verdict.outcome),
        "approvals": route.approvals,
    }
    if rules is not None:
        details |= {"security": str(rules.security), "ask": str(rules.ask), "allowlist": len(rules.allowlist)}
    return Answer(
        kind="exec",
        question=question,
        outcome=_PLACES[route.verdict.outcome],
        allowed=route.verdict.outcome not in (ExecPlace.SANDBOX, ExecPlace.REFUSED),
        trail=route.verdict.reasons,
        details=details,
        related=("tools.exec.host", "agents.defaults.sandbox.mode"),
    )


async def elevated(world: World, run_of: RunOf) -> Answer:
    """Answer whether the sender of a run may leave the sandbox."""
    question = "May the sender leave the sandbox (elevated)?"
    run = run_of(world)
    if run is None:
        return _nobody("elevated", question)
    facts = elevated_facts(run)
    found = elevated_gates(world.policy.tools.elevated, facts)
    ids = tuple(text for text in (facts.sender_id, facts.sender_e164) if text)
    return Answer(
        kind="elevated",
        question=question,
        outcome="yes" if found.outcome is Outcome.ALLOW else "no",
        allowed=found.outcome is Outcome.ALLOW,
        trail=found.reasons,
        related=("tools.elevated.enabled",),
        tokens=ids,
    )
