"""The tool calls of one model answer: made in order through the gate, told as events, stored with their label.

All calls of one answer are judged under the label from before any of them ran (guard.md 1).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from openclaw.agent.events import Emitter
from openclaw.policy.what.labels import Label
from openclaw.state.transcripts import Transcript
from openclaw.system.clock import Clock
from openclaw.tools.contract import Progress, RunContext, Tool, ToolResult

MAX_CALLS: Final = 200
WARN_DENIALS: Final = 3
END_DENIALS: Final = 5
_STOP_TRYING: Final = "This exact call was refused several times. Stop trying it and tell the user what is missing."


class Offered(Protocol):
    """What a gate offers."""

    @property
    def tools(self) -> Sequence[Tool]:
        """Return the tools that the model is shown."""
        ...


class GatePort(Protocol):
    """The gate, as a turn uses it: `openclaw.tools.gate.Gate`, or a double in tests."""

    def offered(self, run: RunContext) -> Offered:
        """Return the tools that a run may use."""
        ...

    async def call(
        self,
        run: RunContext,
        label: Label,
        name: str,
        arguments: Any,
        call_id: str,
        progress: Progress | None = None,
    ) -> ToolResult:
        """Call a tool; refusals and faults are results, only cancellation is raised."""
        ...


@dataclass(frozen=True, slots=True)
class Made:
    """One call with its result."""

    name: str
    arguments: Mapping[str, Any]
    result: ToolResult


@dataclass(slots=True)
class ToolSteps:
    """Makes the calls of one run and counts them.

    Attributes:
        gate: the door.
        transcript: where results go.
        emitter: where events go.
        clock: for timestamps.
        made: all calls so far.
        hopeless: the same call was refused too often; the run has to end.
    """

    gate: GatePort
    transcript: Transcript
    emitter: Emitter
    clock: Clock
    made: list[Made] = field(default_factory=list)
    hopeless: bool = False
    _denied: Counter[str] = field(default_factory=Counter)

    async def run(self, run: RunContext, label: Label, calls: Sequence[Mapping[str, Any]]) -> None:
        """Make the calls in order and append a result for each.

        Args:
            run: the turn, with the model that asked.
            label: label of the run before any of the calls.
            calls: tool call blocks of the answer.
        """
        for call in calls:
            name, call_id, arguments = str(call["name"]), str(call["id"]), call.get("arguments") or {}
            self._tell("start", name, call_id, {"args": dict(arguments)})
            result = await self._call(run, label, name, call_id, arguments)
            self.made.append(Made(name, arguments, result))
            self._append(name, call_id, self._counted(name, arguments, result))
            shown = {"content": list(result.content), "details": dict(result.details)}
            self._tell("result", name, call_id, {"result": shown, "isError": result.is_error})

    async def _call(
        self, run: RunContext, label: Label, name: str, call_id: str, arguments: Mapping[str, Any]
    ) -> ToolResult:
        if len(self.made) >= MAX_CALLS:
            self.hopeless = True
            return ToolResult.text(f"The run made {MAX_CALLS} tool calls; no more are made.", is_error=True)
        return await self.gate.call(
            run,
            label,
            name,
            arguments,
            call_id,
            lambda partial: self._tell("update", name, call_id, {"partialResult": dict(partial)}),
        )

    def _counted(self, name: str, arguments: Mapping[str, Any], result: ToolResult) -> ToolResult:
        """Return the result, with a word to the model when the same call was refused again and again (guard.md 3)."""
        if result.details.get("status") != "refused":
            return result
        key = f"{name} {json.dumps(arguments, sort_keys=True, default=repr)}"
        self._denied[key] += 1
        self.hopeless = self.hopeless or self._denied[key] >= END_DENIALS
        if self._denied[key] < WARN_DENIALS:
            return result
        return ToolResult(
            content=(*result.content, {"type": "text", "text": _STOP_TRYING}),
            details=result.details,
            is_error=True,
            provenance=result.provenance,
            label=result.label,
        )

    def _append(self, name: str, call_id: str, result: ToolResult) -> None:
        message: dict[str, Any] = {
            "role": "toolResult",
            "toolCallId": call_id,
            "toolName": name,
            "content": list(result.content),
            "isError": result.is_error,
            "timestamp": self.clock.now_ms(),
        }
        if result.details:
            message["details"] = dict(result.details)
        fields: dict[str, Any] = {"message": message, "provenance": result.provenance.as_json()}
        if result.label is not None:
            fields["label"] = result.label.as_dict()
        self.transcript.append("message", fields)

    def _tell(self, phase: str, name: str, call_id: str, data: Mapping[str, Any]) -> None:
        self.emitter.emit("tool", {"phase": phase, "name": name, "toolCallId": call_id, **data})
