"""Model, tools, model: until an answer needs no tool, or a limit is reached (agent.md 3.1, advisory Q5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from openclaw.agent.context import prepared
from openclaw.agent.contract import Failure, ModelRef, ModelRequest, RunStatus, ToolSchema
from openclaw.agent.draft import Draft
from openclaw.agent.models.catalog import supported_thinking, thinking_level
from openclaw.agent.models.failover import Failover, Started
from openclaw.agent.models.registry import Candidate, Wish
from openclaw.agent.run_facts import text
from openclaw.agent.settings import AgentSettings
from openclaw.agent.turn_record import append_answer, run_label
from openclaw.agent.turn_state import TurnParts, TurnState
from openclaw.policy.what.labels import Label
from openclaw.tools.contract import Tool

MAX_REQUESTS: Final = 60
MAX_OVERFLOWS: Final = 3
_OVERFLOW_MARGIN: Final = 4_000


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """How the loop ended."""

    status: RunStatus
    stop_reason: str
    error: str | None = None


class ModelLoop:
    """Runs the loop of a turn."""

    def __init__(self, parts: TurnParts) -> None:
        self._parts = parts
        self._failover = Failover(parts.registry, parts.clock)
        self._schemas: dict[str, tuple[Tool, ToolSchema]] = {}

    async def run(self, turn: TurnState, agent: AgentSettings) -> LoopEnd:
        """Ask and act until the model is done.

        Raises:
            OpenClawError: no model can be asked, or the transcript cannot be written.
        """
        candidates = self._candidates(turn, agent)
        overflows = 0
        for _ in range(MAX_REQUESTS):
            failure = await self._ask(turn, agent, candidates, overflows)
            if failure is not None and failure.kind == "overflow" and overflows < MAX_OVERFLOWS:
                overflows += 1
                continue
            if failure is not None:
                append_answer(self._parts, turn, "error", failure.message)
                return LoopEnd("error", "error", failure.message)
            stop, candidate = turn.draft.stop, turn.candidate
            assert stop is not None
            assert candidate is not None
            label = run_label(turn)
            calls = turn.draft.calls if stop.reason == "toolUse" else []
            append_answer(self._parts, turn, stop.reason if calls or stop.reason == "length" else "stop")
            turn.keep_text()
            if not calls:
                return LoopEnd("ok", stop.reason)
            await self._use_tools(turn, candidate, label, calls)
            candidates = [candidate, *(item for item in candidates if item is not candidate)]
            if turn.steps.hopeless:
                return LoopEnd("error", "error", "The run was ended: it kept making calls that are refused.")
        line = f"The run made {MAX_REQUESTS} model requests without coming to an end and was stopped."
        return LoopEnd("error", "error", line)

    def _candidates(self, turn: TurnState, agent: AgentSettings) -> Sequence[Candidate]:
        entry, request = turn.facts.entry, turn.request
        if request.model is not None:
            self._parts.registry.choose(request.model)
        override, provider = text(entry, "modelOverride"), text(entry, "providerOverride")
        wish = Wish(
            model=request.model,
            session_model=f"{provider}/{override}" if provider and override else override,
            profile=text(entry, "authProfileOverride"),
            profile_by_user=entry.get("authProfileOverrideSource") == "user",
        )
        return self._parts.registry.plan(agent, wish)

    async def _ask(
        self, turn: TurnState, agent: AgentSettings, candidates: Sequence[Candidate], overflows: int
    ) -> Failure | None:
        """Send one request; the draft holds the answer. Returns the failure, if that is how it ended."""

        def build(ref: ModelRef) -> ModelRequest:
            return self._request(turn, ref, overflows)

        async with aclosing(self._failover.stream(agent, candidates, build)) as events:
            async for event in events:
                if isinstance(event, Started):
                    turn.draft, turn.candidate, turn.key = Draft(), event.candidate, event.key
                elif isinstance(event, Failure):
                    return event
                else:
                    turn.draft.take(event)
                    turn.tell()
        turn.tally.add(turn.draft.usage)
        return None

    def _request(self, turn: TurnState, ref: ModelRef, overflows: int) -> ModelRequest:
        policy = self._parts.policy()
        run = turn.facts.run_context(ref, policy, self._parts.gate)
        tools = self._parts.gate.offered(run).tools
        turn.thinking = self._thinking(turn, ref)
        budget = max(1_000, ref.context_window // 2**overflows - _OVERFLOW_MARGIN) if overflows else None
        return ModelRequest(
            ref=ref,
            system=turn.facts.prompt(run, ref, policy, tools, turn.thinking),
            messages=prepared(turn.context.messages, ref, budget=budget),
            tools=[self._schema(tool) for tool in tools],
            thinking=turn.thinking,
            session_key=turn.request.session_key,
        )

    def _schema(self, tool: Tool) -> ToolSchema:
        """Return a tool as models see it, built once per tool."""
        known = self._schemas.get(tool.name)
        if known is None or known[0] is not tool:
            known = self._schemas[tool.name] = (tool, ToolSchema(tool.name, tool.description, tool.schema()))
        return known[1]

    def _thinking(self, turn: TurnState, ref: ModelRef) -> str:
        asked = turn.request.thinking or text(turn.facts.entry, "thinkingLevel") or turn.facts.agent.thinking
        level = thinking_level(asked) if asked else None
        wanted = level or ("low" if ref.reasoning else "off")
        return supported_thinking(wanted, ref.provider, ref.model, reasoning=ref.reasoning)

    async def _use_tools(
        self, turn: TurnState, candidate: Candidate, label: Label, calls: Sequence[Mapping[str, Any]]
    ) -> None:
        run = turn.facts.run_context(candidate.ref, self._parts.policy(), self._parts.gate)
        before = len(turn.steps.made)
        turn.draft = Draft()
        await turn.steps.run(run, label, calls)
        for made in turn.steps.made[before:]:
            turn.show_call(made)
