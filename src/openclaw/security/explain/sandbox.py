"""`openclaw sandbox explain`: one session's sandbox, tools, exec and elevation, in the JSON of exec.md 4.8."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from openclaw.policy.verdict import Outcome, Reason
from openclaw.policy.what.elevated import ElevatedFacts, Origin, elevated_gates
from openclaw.policy.what.tool_stages import Entry
from openclaw.policy.where.exec_host import ExecPlace
from openclaw.policy.where.sandbox_mode import SandboxScope
from openclaw.policy.where.session_keys import channel_of
from openclaw.security.explain.runs import route_of, rules_of_host, session_run
from openclaw.security.explain.world import World
from openclaw.system.errors import OpenClawError
from openclaw.tools.contract import RunContext
from openclaw.tools.exec import elevated_facts

DOCS: Final = "https://docs.openclaw.ai/sandbox"
_SECURE: Final = "agents.defaults.sandbox.mode"


async def explain_sandbox(world: World, session_key: str | None, agent_id: str | None) -> dict[str, Any]:
    """Return what holds for a session; without one, for the main session of the agent."""
    run = session_run(world, session_key, agent_id)
    sandboxed = world.places.is_sandboxed(run)
    route, _ = route_of(world, run)
    rules = rules_of_host(world, run, route) if route.approvals else None
    box = _sandbox(world, run, sandboxed=sandboxed)
    gates = _elevated(world, run)
    backend, problem = await _backend(world, run)
    offer = world.gate.offered(run)
    security = (
        rules.security if rules is not None else "full" if route.verdict.outcome is ExecPlace.HOST_UNCHECKED else ""
    )
    return {
        "docsUrl": DOCS,
        "agentId": run.agent_id,
        "sessionKey": run.session_key,
        "mainSessionKey": world.policy.routing.canonical(None, run.agent_id),
        "sandbox": box,
        "elevated": gates,
        "fixIt": list(_fixes(world, run, gates, problem, sandboxed=sandboxed)),
        "backend": backend,
        "backendProblem": problem,
        "effectiveHostWorkspace": str(world.places.workspace(run).active if sandboxed else run.workspace),
        "execHost": str(route.host),
        "execPlace": str(route.verdict.outcome),
        "execSecurity": str(security or route.security),
        "execAsk": str(rules.ask if rules is not None else route.ask),
        "tools": [tool.name for tool in offer.tools],
        "decisions": {
            name: {"allowed": found.allowed, "rule": found.rule, "key": found.key, "reason": found.reason}
            for name, found in offer.decisions.items()
        },
        "trail": [dict(reason.as_dict()) for reason in (*world.places.placement(run).reasons, *route.verdict.reasons)],
    }


def _sandbox(world: World, run: RunContext, *, sandboxed: bool) -> dict[str, Any]:
    settings = world.places.sandbox_settings(run)
    stage = world.policy.tools.agent(run.agent_id).sandbox
    return {
        "mode": str(settings.mode),
        "scope": str(settings.scope),
        "perSession": settings.scope is SandboxScope.SESSION,
        "workspaceAccess": str(settings.workspace_access),
        "workspaceRoot": settings.workspace_root or str(world.seen.layout.sandboxes),
        "sessionIsSandboxed": sandboxed,
        "tools": {
            "allow": [entry.text for entry in stage.allow],
            "deny": [entry.text for entry in stage.deny],
            "sources": {"allow": _source(world, stage.allow, "allow"), "deny": _source(world, stage.deny, "deny")},
        },
    }


def _source(world: World, entries: Iterable[Entry], name: str) -> dict[str, str]:
    """Return where a list comes from: `agent`, `global` or `default`, and its key."""
    key = next((entry.key for entry in entries if entry.key), None) or f"tools.sandbox.tools.{name}"
    if key.startswith("agents."):
        return {"source": "agent", "key": key}
    lists = world.config.tools.sandbox.tools
    stated = lists.allow if name == "allow" else lists.deny
    return {"source": "default" if stated is None else "global", "key": key}


def _elevated(world: World, run: RunContext) -> dict[str, Any]:
    """Return the gates as they stand for the channel of the session; who asks is known only when somebody does."""
    policy = world.policy.tools.elevated
    own = policy.agents.get(run.agent_id)
    channel = channel_of(run.session_key) or run.requester.channel
    lists = _channel_lists(world, run.agent_id, channel)
    facts = elevated_facts(run)
    verdict = elevated_gates(policy, facts)
    anybody = ElevatedFacts(run.agent_id, channel, origin=Origin.MESSAGE, mentioned=True)
    missing = [reason for reason in elevated_gates(policy, anybody).reasons if reason.rule != "elevated.allowFrom"]
    allowed = not missing or missing[0].rule == "elevated.allowed"
    open_to_some = all(lists[name] for name in lists if lists[name] is not None) and lists["global"] is not None
    found: dict[str, Any] = {
        "enabled": policy.enabled is not False and (own is None or own.enabled is not False),
        "channel": channel,
        "allowedByConfig": allowed and open_to_some,
        "alwaysAllowedByConfig": allowed
        and open_to_some
        and all("*" in (entries or ("*",)) for entries in lists.values()),
        "allowFrom": {name: list(entries) if entries is not None else None for name, entries in lists.items()},
        "failures": [],
    }
    if verdict.outcome is not Outcome.ALLOW:
        found["failures"] = [{"gate": _gate(reason), "key": reason.key} for reason in verdict.reasons]
    return found


def _channel_lists(world: World, agent_id: str, channel: str) -> dict[str, tuple[str, ...] | None]:
    policy = world.policy.tools.elevated
    own = policy.agents.get(agent_id)
    listed = next((entries for name, entries in policy.allow_from.items() if name.strip().lower() == channel), None)
    if listed is None and channel == "discord":
        listed = tuple(entry for entry in policy.discord_dm if entry.strip() != "*") or None
    mine: tuple[str, ...] | None = None
    if own is not None and own.allow_from is not None:
        mine = next((entries for name, entries in own.allow_from.items() if name.strip().lower() == channel), ())
    return {"global": listed, "agent": mine}


def _gate(reason: Reason) -> str:
    return reason.rule.removeprefix("elevated.")


async def _backend(world: World, run: RunContext) -> tuple[str | None, str | None]:
    """Return the sandbox back end that would be used, and what is wrong when none works."""
    settings = world.places.sandbox_settings(run)
    try:
        found = await world.seen.sandboxes.choose(settings.backend, world.jail(run.agent_id))
    except OpenClawError as error:
        return None, error.message
    return str(found.name), None


def _fixes(
    world: World, run: RunContext, gates: dict[str, Any], problem: str | None, *, sandboxed: bool
) -> Iterable[str]:
    """Yield what a person may want to set, most telling first."""
    settings = world.places.sandbox_settings(run)
    if not sandboxed:
        yield f"{settings.mode_key}: set it to all, so that this session's tools run in a sandbox"
    if sandboxed and problem is not None:
        yield f"agents.defaults.sandbox.backend: {problem}"
    if sandboxed:
        stage = world.policy.tools.agent(run.agent_id).sandbox
        yield f"{stage.allow_key}: what a sandboxed session may call"
        yield f"{stage.allow_key.removesuffix('allow')}deny: what it may not"
    for failure in gates["failures"]:
        if failure["key"]:
            yield f"{failure['key']}: lets somebody leave the sandbox (elevated), gate {failure['gate']}"
    if settings.mode_key != _SECURE and not sandboxed:
        yield f"{_SECURE}: for every agent that says nothing itself"
