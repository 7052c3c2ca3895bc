"""The single door to tools: the only caller of a tool's function (architecture rule 3).

Model turns, `/tools/invoke`, cron, hooks and nodes all come through here. The policy is asked when tools are offered
and again at every call, and every call leaves a record before and after it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.what.group_rooms import RoomFacts, ToolSender
from openclaw.policy.what.labels import Effect, Label
from openclaw.policy.what.tool_chain import ToolRun, ToolsPolicy
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool, normalise_tool
from openclaw.policy.what.tool_policy import EffectiveTools, ToolDecider, ToolDecision
from openclaw.state.ledger_port import LedgerPort
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError, Unavailable
from openclaw.tools.arguments import MALFORMED_CODE, validated
from openclaw.tools.call_record import CallRecord, error_result
from openclaw.tools.contract import (
    CallEffects,
    Params,
    Progress,
    RunContext,
    Tool,
    ToolContext,
    ToolResult,
    ToolServices,
)
from openclaw.tools.places import Places
from openclaw.tools.results import finished

log = logging.getLogger(__name__)

PROGRESS_INTERVAL: Final = 0.1
HARMLESS: Final = frozenset({Effect.READ})
"""What goes on while the ledger cannot be written."""


class Judge(Protocol):
    """Decides about a call from its label, effects and destinations (guard.md 3). ASK counts as no until answered."""

    def __call__(self, label: Label, effects: frozenset[Effect], destinations: tuple[str, ...], /) -> Verdict[Outcome]:
        """Return the verdict; pure and quick."""
        ...


def allow_all(label: Label, effects: frozenset[Effect], destinations: tuple[str, ...], /) -> Verdict[Outcome]:  # noqa: ARG001
    """Judge nothing: for the time without a provenance gate."""
    return Verdict(Outcome.ALLOW, (Reason("provenance.off"),))


AlwaysRefused = Callable[[RunContext], Reason | None]
"""Says of a tool why the policy would refuse every call of a run; such a tool is not offered."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a run may use.

    Attributes:
        tools: what the model is shown.
        decisions: the decision on every tool of the catalogue, by name.
        warnings: unknown entries of allow lists.
    """

    tools: tuple[Tool, ...]
    decisions: Mapping[str, ToolDecision]
    warnings: tuple[Reason, ...]


class Gate:
    """Offers tools and calls them.

    Args:
        tools: the catalogue, in order.
        policy: the tool policy of the moment.
        places: where a run works.
        services: what tools are given.
        ledger: takes a record before and after each call.
        clock: for durations and the pace of progress reports.
        redact: masks secrets in texts for the ledger.
        judge: the provenance gate.
        always_refused: by tool name.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        *,
        policy: Callable[[], ToolsPolicy],
        places: Places,
        services: ToolServices,
        ledger: LedgerPort,
        clock: Clock,
        redact: Callable[[str], str],
        judge: Judge = allow_all,
        always_refused: Mapping[str, AlwaysRefused] | None = None,
    ) -> None:
        self._tools = {normalise_tool(tool.name): tool for tool in tools}
        self._catalogue = Catalogue.of(CatalogueTool(tool.name, owner_only=tool.owner_only) for tool in tools)
        self._policy = policy
        self._places = places
        self._services = services
        self._ledger = ledger
        self._clock = clock
        self._redact = redact
        self._judge = judge
        self._always_refused = always_refused or {}
        self._decider: tuple[ToolsPolicy, ToolDecider] | None = None

    def offered(self, run: RunContext) -> Offer:
        """Return the tools that a run is shown: what the policy would refuse in every case is not among them."""
        effective = self._effective(run)
        shown = tuple(
            tool for name, tool in self._tools.items() if effective.of(name).allowed and self._never(name, run) is None
        )
        return Offer(tools=shown, decisions=effective.decisions, warnings=effective.warnings)

    async def call(
        self,
        run: RunContext,
        label: Label,
        name: str,
        arguments: Any,
        call_id: str,
        progress: Progress | None = None,
    ) -> ToolResult:
        """Call a tool for a run. Refusals and faults come back as error results; only cancellation is raised.

        Args:
            run: the turn, as of now.
            label: label of the run before this call.
            name: the name that the model gave.
            arguments: what the model gave.
            call_id: id of the call in the transcript.
            progress: takes partial results, at most ten per second.
        """
        wanted = normalise_tool(str(name))
        record = CallRecord(self._ledger, self._redact, run, label, wanted, arguments, call_id)
        decision = self._decisions().decide(self._tool_run(run), wanted)
        if not decision.allowed:
            reason = decision.verdict.decided_by
            return record.refused(Reason(reason.rule, reason.key, decision.refusal(run.session_key)))
        tool = self._tools[wanted]
        try:
            params = validated(tool, arguments, size=len(record.text))
            context = await self._context(run, label, call_id, progress, wanted)
            effects = _effects(tool, context, params)
            refusal = self._judged(label, effects)
        except OpenClawError as error:
            if error.code == MALFORMED_CODE:
                log.warning("model %s/%s: %s", run.provider, run.model, error)
            return record.failed(error)
        except Exception:
            log.exception("tool %s failed before it ran (call %s)", tool.name, call_id)
            return record.failed(_defect(tool))
        if refusal is not None:
            return record.refused(refusal)
        return await self._run(record, tool, context, params, effects)

    # -- the steps ----------------------------------------------------------------------------------------------

    def _effective(self, run: RunContext) -> EffectiveTools:
        return self._decisions().effective(self._tool_run(run))

    def _decisions(self) -> ToolDecider:
        policy = self._policy()
        if self._decider is None or self._decider[0] is not policy:
            self._decider = (policy, ToolDecider(policy, self._catalogue))
        return self._decider[1]

    def _tool_run(self, run: RunContext) -> ToolRun:
        who = run.requester
        return ToolRun(
            agent_id=run.agent_id,
            session_key=run.session_key,
            sandboxed=self._places.is_sandboxed(run),
            provider=run.provider,
            model=run.model,
            sender=ToolSender(
                id=who.sender_id,
                e164=who.sender_e164,
                username=who.sender_username,
                name=who.sender_name,
                is_owner=who.is_owner,
            ),
            room=RoomFacts(
                channel=who.channel,
                account_id=who.account,
                group_id=who.group_id,
                group_channel=who.group_channel,
                group_space=who.group_space,
            ),
            spawned_by=run.spawned_by,
            image_model=run.image_model,
            may_message=run.may_message,
            over_http=run.over_http,
            at_most=run.at_most,
        )

    def _never(self, name: str, run: RunContext) -> Reason | None:
        rule = self._always_refused.get(name)
        return rule(run) if rule is not None else None

    async def _context(
        self, run: RunContext, label: Label, call_id: str, progress: Progress | None, name: str
    ) -> ToolContext:
        return ToolContext(
            run=run,
            call_id=call_id,
            label=label,
            sandboxed=self._places.is_sandboxed(run),
            files=await self._places.files(run),
            services=self._services,
            progress=_paced(progress, self._clock),
            allowed=frozenset(self._effective(run).allowed),
            still_allowed=lambda: self._decisions().decide(self._tool_run(run), name).allowed,
        )

    def _judged(self, label: Label, effects: CallEffects) -> Reason | None:
        if not self._ledger.healthy and not effects.effects <= HARMLESS:
            return Reason(
                "ledger.unavailable",
                None,
                "The ledger cannot be written now, so only reading goes on; free disk space or see openclaw doctor.",
            )
        verdict = self._judge(label, effects.effects, effects.destinations)
        return None if verdict.outcome is Outcome.ALLOW else verdict.decided_by

    async def _run(
        self, record: CallRecord, tool: Tool, context: ToolContext, params: Params, effects: CallEffects
    ) -> ToolResult:
        """Run the tool's function between two records."""
        record.allowed(effects)
        started = self._clock.monotonic()
        try:
            result = await tool.run(context, params)
        except asyncio.CancelledError:
            record.aborted()
            raise
        except OpenClawError as error:
            result = error_result(error)
        except Exception:
            log.exception("tool %s failed (call %s)", tool.name, context.call_id)
            result = error_result(_defect(tool))
        done = finished(result, tool, context.run)
        record.done(done, round((self._clock.monotonic() - started) * 1000))
        return done


def _defect(tool: Tool) -> Unavailable:
    return Unavailable(f"The tool {tool.name} failed inside; the log of openclaw has the details.", code="defect")


def _effects(tool: Tool, context: ToolContext, params: Params) -> CallEffects:
    """Return what this call can do; a tool cannot narrow itself to more than it declares."""
    if tool.narrow is None:
        return CallEffects(tool.effects)
    found = tool.narrow(context, params)
    return CallEffects(found.effects & tool.effects or tool.effects, found.destinations)


def _paced(progress: Progress | None, clock: Clock) -> Progress:
    """Return a progress function that passes on at most ten reports per second."""
    last = float("-inf")

    def report(partial: Mapping[str, Any]) -> None:
        nonlocal last
        now = clock.monotonic()
        if progress is not None and now - last >= PROGRESS_INTERVAL:
            last = now
            progress(partial)

    return report
