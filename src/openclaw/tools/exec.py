"""The tool `exec` and the service behind it: where a command runs, and who has to agree (exec.md 1 to 3)."""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Final

from openclaw.policy.verdict import Outcome, Reason
from openclaw.policy.what.elevated import (
    ElevatedFacts,
    Origin,
    admission_of,
    effective_level,
    elevated_call,
    elevated_gates,
    origin_of,
)
from openclaw.policy.what.exec_model import Decision, ExecSettings, Security
from openclaw.policy.what.labels import Effect
from openclaw.policy.where.exec_host import ElevatedLevel, ExecDefaults, ExecPlace, ExecRoute, exec_route, parse_level
from openclaw.system.errors import InvalidInput, Refused, Unavailable
from openclaw.tools.approval_text import one_line
from openclaw.tools.contract import CallEffects, RunContext, SystemEvents, ToolContext, ToolResult, tool
from openclaw.tools.exec_approval import ApprovalFlow, Question
from openclaw.tools.exec_host import (
    BLANK,
    HostCall,
    HostJudge,
    plan_start,
    refusal_of,
    text_start,
    typing_refusal,
    used_entries,
)
from openclaw.tools.exec_params import ExecParams
from openclaw.tools.exec_run import ExecRunner, RunSpec
from openclaw.tools.exec_sandbox import SandboxExec
from openclaw.tools.exec_settings import ExecParts, ExecPolicyView

log = logging.getLogger(__name__)

SHARED_NAME: Final = "ExecService"
"""Under this name the tools find the service in `ToolServices.shared`."""
SYNCHRONOUS: Final = "Warning: background execution is disabled; running synchronously."
_NO_NODES: Final = "exec host=node is not available: this build has no nodes yet. Set tools.exec.host to gateway."
_KEYS: Final = (
    "tools.elevated.enabled, tools.elevated.allowFrom.<channel>, agents.list[].tools.elevated.enabled, "
    "agents.list[].tools.elevated.allowFrom.<channel>"
)
_SENDS: Final = re.compile(
    r"\b(curl|wget|ssh|scp|sftp|rsync|nc|ncat|netcat|socat|telnet|ftp|dig|nslookup|ping|mail|sendmail|aria2c)\b"
)
_DESTROYS: Final = re.compile(r"\b(rm|shred|dd|mkfs|truncate|wipefs|unlink|rmdir)\b")


class ExecService:
    """Everything that happens to an exec call between the gate and a process.

    Args:
        parts: what it works with.
        events: takes the lines for a session's next prompt.
    """

    def __init__(self, parts: ExecParts, events: SystemEvents) -> None:
        self._parts = parts
        self.runner: Final = ExecRunner(parts.registry, parts.clock, events)
        self._judge = HostJudge(parts)
        self._sandbox = SandboxExec(parts, self.runner)
        self._flow = ApprovalFlow(parts, self._judge, self.runner, events)

    async def run(self, ctx: ToolContext, params: ExecParams) -> ToolResult:
        """Run a command where the policy says, or raise why not."""
        if not params.command.strip():
            raise InvalidInput(BLANK, code="invalid-command")
        view = self._parts.policy(ctx.run.agent_id)
        route = self._route(ctx.run, params, view, sandboxed=ctx.sandboxed)
        spec = self._spec(ctx, params, view.settings, route)
        match route.verdict.outcome:
            case ExecPlace.SANDBOX:
                return await self._sandbox.run(ctx, params, view.settings, spec)
            case ExecPlace.HOST_UNCHECKED | ExecPlace.GATEWAY:
                call = await self._judge.prepare(ctx.run, params, view, route, spec.warnings)
                return await self._on_host(ctx, call, spec)
            case ExecPlace.NODE:
                raise Unavailable(_NO_NODES, code="no-nodes", details={"key": route.verdict.decided_by.key})
            case _:
                reason = route.verdict.decided_by
                raise Refused(reason.detail, code="exec-refused", details={"rule": reason.rule, "key": reason.key})

    def never(self, run: RunContext) -> Reason | None:
        """Return why every exec call of a run would be refused, or None; such a tool is not offered."""
        view = self._parts.policy(run.agent_id)
        if elevated_gates(view.elevated, elevated_facts(run)).outcome is Outcome.ALLOW:
            return None
        route = exec_route(
            configured=view.configured, session=_overrides(run), sandboxed=self._parts.places.is_sandboxed(run)
        )
        place = route.verdict.outcome
        if place is ExecPlace.NODE:
            return Reason("exec.no-nodes", "tools.exec.host", _NO_NODES)
        if place is ExecPlace.GATEWAY and self._judge.effective(run, route).security is Security.DENY:
            return Reason("exec.security-deny", "tools.exec.security", "exec is switched off on this host.")
        return None

    def effects(self, ctx: ToolContext, params: ExecParams) -> CallEffects:
        """Return what a call does: run in a jail without network, or on this host, with what the line is known for."""
        view = self._parts.policy(ctx.run.agent_id)
        route = self._route(ctx.run, params, view, sandboxed=ctx.sandboxed)
        if route.verdict.outcome is ExecPlace.SANDBOX:
            return CallEffects(frozenset({Effect.EXEC_SANDBOX}))
        effects = {Effect.EXEC_HOST}
        if _SENDS.search(params.command):
            effects.add(Effect.EGRESS)
        if _DESTROYS.search(params.command):
            effects.add(Effect.DESTROY)
        return CallEffects(frozenset(effects))

    async def close(self) -> None:
        """End everything: requests are denied, every process group is killed."""
        await self._parts.approvals.close()
        await self.runner.close()

    # -- inside -------------------------------------------------------------------------------------------------

    def _route(self, run: RunContext, params: ExecParams, view: ExecPolicyView, *, sandboxed: bool) -> ExecRoute:
        level = effective_level(view.elevated, session=parse_level(run.elevated_level))
        found = elevated_call(view.elevated, elevated_facts(run), level=level, asked=params.elevated)
        if found.verdict.outcome is not Outcome.ALLOW:
            raise _not_elevated(run, list(found.verdict.reasons), sandboxed=sandboxed)
        return exec_route(
            configured=view.configured,
            session=_overrides(run),
            requested=ExecDefaults.read(params.host, params.security, params.ask, params.node),
            sandboxed=sandboxed,
            elevated=found.level,
        )

    def _spec(self, ctx: ToolContext, params: ExecParams, settings: ExecSettings, route: ExecRoute) -> RunSpec:
        yield_seconds: float | None = self._parts.yield_ms(settings, params.yield_ms) / 1000
        warnings: tuple[str, ...] = ()
        if params.background:
            yield_seconds = 0
        if "process" not in ctx.allowed:
            yield_seconds = None
            if params.background or params.yield_ms is not None:
                warnings = (SYNCHRONOUS,)
        limit = settings.timeout_sec if params.timeout is None else params.timeout
        inside = route.verdict.outcome is ExecPlace.SANDBOX
        return RunSpec(
            command=params.command,
            cwd="",
            place="sandbox" if inside else "gateway",
            timeout=limit if limit > 0 else None,
            yield_seconds=yield_seconds,
            notify=settings.notify_on_exit,
            keep_ms=self._parts.keep_ms(settings),
            warnings=warnings,
            ran={"backend": "host", "network": "host"},
        )

    async def _on_host(self, ctx: ToolContext, call: HostCall, spec: RunSpec) -> ToolResult:
        if call.route.elevated is not ElevatedLevel.OFF:
            log.info("exec: elevated command %s", self._parts.redact(one_line(call.command))[:500])
        if not call.route.approvals:
            return await self._run_text(ctx, call, spec, typing=None)
        rules = self._judge.effective(call.run, call.route)
        decision = await self._judge.judge(call, rules)
        match decision.decision:
            case Outcome.DENY:
                raise refusal_of(decision, rules.fault)
            case Outcome.ASK:
                asked = spec.at(call.cwd)
                return await self._flow.ask(Question(call, rules, decision, asked, ctx.still_allowed))
            case _:
                return await self._run_allowed(ctx, call, spec, decision, rules.security)

    async def _run_allowed(
        self, ctx: ToolContext, call: HostCall, spec: RunSpec, decision: Decision, security: Security
    ) -> ToolResult:
        typing = typing_refusal(decision, security)
        if decision.plan is None:
            return await self._run_text(ctx, call, spec, typing=typing)
        await asyncio.to_thread(self._parts.approvals_file.record_use, used_entries(decision), command=call.command)
        final = spec.at(call.cwd, typing=typing, warnings=call.warnings)
        return await self.runner.run(ctx.run, final, plan_start(self._parts, call, decision.plan), ctx.progress)

    async def _run_text(self, ctx: ToolContext, call: HostCall, spec: RunSpec, *, typing: str | None) -> ToolResult:
        final = spec.at(call.cwd, typing=typing, warnings=call.warnings)
        return await self.runner.run(ctx.run, final, text_start(self._parts, call, call.cwd), ctx.progress)


def elevated_facts(run: RunContext) -> ElevatedFacts:
    """Return who asks for elevation, from the record of the run."""
    who = run.requester
    origin = origin_of(who.source, run.session_key) if run.spawned_by is None else Origin.SUBAGENT
    return ElevatedFacts(
        agent_id=run.agent_id,
        channel=who.channel,
        sender_id=who.sender_id,
        sender_e164=who.sender_e164,
        names=tuple(name for name in (who.sender_name, who.sender_username) if name),
        chat_id=who.group_id,
        is_group=who.chat_type != "direct",
        mentioned=who.mentioned,
        admission=admission_of(who.source),
        origin=origin,
    )


def _overrides(run: RunContext) -> ExecDefaults:
    given = run.exec_overrides
    return ExecDefaults.read(given.get("host"), given.get("security"), given.get("ask"), given.get("node"))


def _not_elevated(run: RunContext, reasons: list[Reason], *, sandboxed: bool) -> Refused:
    gates = ", ".join(f"{reason.rule.removeprefix('elevated.')} ({reason.key or reason.detail})" for reason in reasons)
    place = "sandboxed" if sandboxed else "direct"
    return Refused(
        f"elevated is not available for this call (runtime={place}). Failing gates: {gates}. "
        f"Context: provider={run.requester.channel} session={run.session_key}. Keys: {_KEYS}.",
        code="elevated-refused",
        details={"gates": [dict(reason.as_dict()) for reason in reasons]},
    )


def _service(ctx: ToolContext) -> ExecService:
    service = ctx.services.shared[SHARED_NAME]
    assert isinstance(service, ExecService)
    return service


@tool(
    "exec",
    ExecParams,
    effects={Effect.EXEC_SANDBOX, Effect.EXEC_HOST, Effect.EGRESS, Effect.DESTROY},
    summary="Run a shell command",
    narrow=lambda ctx, params: _service(ctx).effects(ctx, params),
)
async def exec_tool(ctx: ToolContext, params: ExecParams) -> ToolResult:
    """Run a shell command in the sandbox or on the configured host.

    A command that takes long goes on in the background; follow it with the process tool. Some commands need a person's
    approval: then the answer comes later, as a message.
    """
    return await _service(ctx).run(ctx, params)
