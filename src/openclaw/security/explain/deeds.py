"""Would this command run, would this URL or path be opened, may this connection call that method."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from openclaw.policy.verdict import Outcome, Reason
from openclaw.policy.what.exec_decide import decide
from openclaw.policy.what.exec_model import Decision, ExecRequest
from openclaw.policy.what.paths import Access, FileRoots, judge_path
from openclaw.policy.what.urls import UrlVerdict, judge_addresses, judge_url
from openclaw.policy.where.exec_host import ExecPlace, ExecRoute
from openclaw.policy.where.scopes import authorize, operation
from openclaw.security.explain.answer import Answer
from openclaw.security.explain.runs import RunOf, route_of, rules_of_host
from openclaw.security.explain.world import World
from openclaw.system.errors import NotFound, OpenClawError, Refused, Unavailable
from openclaw.system.executables import HostWorld
from openclaw.system.files import GuardedFiles
from openclaw.tools.contract import RunContext
from openclaw.tools.exec_host import HostJudge, rules_of
from openclaw.tools.exec_params import ExecParams
from openclaw.tools.sandbox.workspace import file_roots

_EXEC_KEYS: Final = (
    "tools.exec.security",
    "tools.exec.ask",
    "tools.exec.host",
    "tools.exec.safeBins",
    "agents.defaults.sandbox.mode",
    "exec-approvals.json",
)


async def command(world: World, run_of: RunOf, line: str, *, elevated: bool | None = None) -> Answer:
    """Answer whether a command line would run, ask or be refused, and where.

    Args:
        world: the world.
        run_of: the run that would give it.
        line: the line.
        elevated: the `elevated` parameter of the call.
    """
    question = f"Would this run: {line}"
    run = run_of(world)
    if run is None:
        return _refused("command", question, Reason("not-admitted", None, "The message is not delivered."))
    row = world.gate.offered(run).decisions["exec"]
    if not row.allowed:
        reason = row.verdict.decided_by
        return _refused(
            "command", question, reason, related=(*_EXEC_KEYS, "tools.deny", "tools.allow"), tokens=("exec",)
        )
    route, failed = route_of(world, run, asked=elevated)
    if failed:
        who = run.requester
        ids = tuple(text for text in (who.sender_id, who.sender_e164) if text)
        return Answer("command", question, "refused", False, failed, related=("tools.elevated.enabled",), tokens=ids)
    match route.verdict.outcome:
        case ExecPlace.SANDBOX:
            return await _in_sandbox(world, run, question, route)
        case ExecPlace.REFUSED | ExecPlace.NODE:
            reason = route.verdict.decided_by
            if route.verdict.outcome is ExecPlace.NODE:
                reason = Reason("exec.no-nodes", reason.key, "Commands on nodes do not exist in this build yet.")
            return _refused("command", question, reason, related=_EXEC_KEYS)
        case ExecPlace.HOST_UNCHECKED:
            details = {"place": "this machine", "approvals": False}
            return Answer("command", question, "runs", True, route.verdict.reasons, details, related=_EXEC_KEYS)
        case _:
            return await _on_host(world, run, question, line, route)


def _refused(
    kind: str, question: str, reason: Reason, *, related: tuple[str, ...] = (), tokens: tuple[str, ...] = ()
) -> Answer:
    return Answer(kind, question, "refused", allowed=False, trail=(reason,), related=related, tokens=tokens)


async def _in_sandbox(world: World, run: RunContext, question: str, route: ExecRoute) -> Answer:
    settings = world.places.sandbox_settings(run)
    try:
        backend = await world.seen.sandboxes.choose(settings.backend, world.jail(run.agent_id))
    except OpenClawError as error:
        reason = Reason("sandbox.unavailable", "agents.defaults.sandbox.backend", error.message)
        return _refused("command", question, reason, related=("agents.defaults.sandbox.docker.network", *_EXEC_KEYS))
    details = {"place": "sandbox", "backend": str(backend.name), "approvals": False}
    trail, related = route.verdict.reasons, ("tools.deny",)
    return Answer("command", question, "runs", True, trail, details, related=related, tokens=("exec",))


async def _on_host(world: World, run: RunContext, question: str, line: str, route: ExecRoute) -> Answer:
    """Judge a line as the exec tool does on this machine: same directory, same PATH, same rules."""
    found = rules_of_host(world, run, route)
    view = world.exec_parts.policy(run.agent_id)
    try:
        call = await HostJudge(world.exec_parts).prepare(run, ExecParams(command=line), view, route, ())
    except Unavailable as error:
        return _refused("command", question, Reason("workspace-missing", "agents.defaults.workspace", error.message))
    request = ExecRequest(command=line, cwd=call.cwd, path=call.path)
    host = HostWorld(str(world.seen.environment.home))
    decision = await asyncio.to_thread(decide, request, rules_of(view, found), host)
    return Answer(
        kind="command",
        question=question,
        outcome={Outcome.ALLOW: "runs", Outcome.ASK: "asks a person", Outcome.DENY: "refused"}[decision.decision],
        allowed=decision.decision is Outcome.ALLOW,
        asks=decision.decision is Outcome.ASK,
        trail=(*route.verdict.reasons, *_segments(decision), decision.reason),
        details={
            "place": "this machine",
            "approvals": True,
            "decision": str(decision.decision),
            "security": str(found.security),
            "ask": str(found.ask),
            "cwd": call.cwd,
            "programs": [segment.path or segment.words[0].text for segment in decision.segments if segment.words],
        },
        related=_EXEC_KEYS,
        tokens=tuple(
            dict.fromkeys(
                path for segment in decision.segments if not segment.satisfied for _, path in segment.commands
            )
        ),
    )


def _segments(decision: Decision) -> Iterable[Reason]:
    for segment in decision.segments:
        words = " ".join(word.text for word in segment.words)
        yield Reason(f"segment.{segment.why}", None, f"{words[:200]}{f' ({segment.path})' if segment.path else ''}")


async def url(world: World, text: str, *, browser: bool = False) -> Answer:
    """Answer whether a URL that somebody named would be fetched: its text, and the addresses of its host as of now."""
    policy = world.policy.exec.browser if browser else world.policy.exec.fetch
    verdict = judge_url(text, policy)
    host, addresses = "", []
    trail = verdict.reasons
    if verdict.target is not None:
        host = verdict.target.host
        if verdict.target.needs_lookup:
            addresses = list(await world.seen.resolver.lookup(host, verdict.target.port))
            verdict = judge_addresses(verdict.target, addresses, policy)
            trail = (*trail, *verdict.reasons)
    return Answer(
        kind="url",
        question=f"Would {text} be fetched?",
        outcome="fetched" if verdict.outcome is Outcome.ALLOW else "refused",
        allowed=verdict.outcome is Outcome.ALLOW,
        trail=trail,
        details=_url_details(verdict, host, addresses),
        related=tuple(
            f"{policy.key}.{name}"
            for name in ("allowedHostnames", "hostnameAllowlist", "dangerouslyAllowPrivateNetwork")
        ),
        tokens=(host or _host_of(text),) if host or _host_of(text) else (),
    )


def _url_details(verdict: UrlVerdict, host: str, addresses: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"host": host, "addresses": addresses}
    if verdict.target is not None:
        found["url"] = verdict.target.url
    return found


def _host_of(text: str) -> str:
    """Return the host of a URL that was refused by its text, as a list of hosts would hold it."""
    authority = text.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2]
    name = authority.partition("]")[0].removeprefix("[") if authority.startswith("[") else authority.partition(":")[0]
    return name.lower()


async def path(world: World, run_of: RunOf, text: str, *, write: bool = False) -> Answer:
    """Answer whether the file tools of a run would open a path; what is really there counts, nothing is changed."""
    access = Access.WRITE if write else Access.READ
    question = f"Would {text} be opened to {access}?"
    run = run_of(world)
    if run is None:
        return _refused("path", question, Reason("not-admitted", None, "The message is not delivered."))
    tool = "write" if write else "read"
    decision = world.gate.offered(run).decisions[tool]
    related = ("tools.fs.workspaceOnly", "agents.defaults.sandbox.workspaceAccess", "agents.defaults.sandbox.mode")
    if not decision.allowed:
        reason = decision.verdict.decided_by
        return _refused("path", question, reason, related=("tools.deny", "tools.allow", *related), tokens=(tool,))
    roots = _roots(world, run)
    outcome, reason, note = await asyncio.to_thread(_look, roots, text, access)
    return Answer(
        kind="path",
        question=question,
        outcome="opened" if outcome is Outcome.ALLOW else "refused",
        allowed=outcome is Outcome.ALLOW,
        trail=(*world.places.placement(run).reasons, reason),
        details={
            "root": roots.cwd if roots.bounded else "/",
            "bounded": roots.bounded,
            **({"note": note} if note else {}),
        },
        related=related,
    )


def _roots(world: World, run: RunContext) -> FileRoots:
    """Return the bounds of a run's file tools, as `Places.files` makes them, without making a workspace."""
    bounds, home = world.bounds(run.agent_id), world.seen.environment.home
    if world.places.is_sandboxed(run):
        return file_roots(world.places.workspace(run), home=home, state=bounds.state)
    return FileRoots(cwd=str(run.workspace), home=str(home), bounded=bounds.workspace_only, state=bounds.state)


def _look(roots: FileRoots, text: str, access: Access) -> tuple[Outcome, Reason, str]:
    """Judge the text, then walk to the file; return outcome, deciding rule, and what could not be looked at."""
    judged = judge_path(text, access, roots)
    files = GuardedFiles(roots)
    try:
        if access is Access.WRITE:
            files.check_write(text)
        else:
            files.stat(text)
    except Refused as error:
        why = str(error.details.get("why", "refused"))
        key = error.details.get("key")
        known = judged.decided_by if judged.outcome is not Outcome.ALLOW else None
        return Outcome.DENY, known or Reason(why, key if isinstance(key, str) else None, error.message), ""
    except NotFound:
        return judged.outcome, judged.decided_by, "there is no such file now"
    except Unavailable as error:
        return judged.outcome, judged.decided_by, error.message
    return Outcome.ALLOW, judged.decided_by, ""


async def scope(world: World, method: str, scopes: Iterable[str], *, role: str = "operator") -> Answer:
    """Answer whether a connection with these scopes may call a method. No key of the config changes this."""
    del world
    held = tuple(scopes)
    verdict = authorize(method, role, held)
    return Answer(
        kind="scope",
        question=f"May a client with role {role} and scopes {', '.join(held) or 'none'} call {method}?",
        outcome="yes" if verdict.outcome is Outcome.ALLOW else verdict.message or "no",
        allowed=verdict.outcome is Outcome.ALLOW,
        trail=verdict.reasons,
        details={"needs": str(operation(method).scope), "role": str(operation(method).role)},
    )
