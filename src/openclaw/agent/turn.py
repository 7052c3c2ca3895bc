"""One turn: the user's line into the transcript, the model and its tool calls until it is done, the answer out.

What is done is in the transcript before anybody hears of it, so a turn that a crash has cut is run again with the same
request and goes on from there (agent.md 3.1).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from openclaw.agent.contract import Payload, RunStatus, TurnRequest, TurnResult
from openclaw.agent.events import Emitter
from openclaw.agent.model_loop import LoopEnd, ModelLoop
from openclaw.agent.resume import Resumed, find
from openclaw.agent.run_facts import INTERNAL, TurnFacts, route_fields, shows_memory, text
from openclaw.agent.settings import AgentSettings
from openclaw.agent.silence import is_silent
from openclaw.agent.tool_step import ToolSteps
from openclaw.agent.turn_record import append_user, keep_counters, keep_partial, take_up
from openclaw.agent.turn_state import SHUTDOWN, Stopping, TurnParts, TurnState, error_line
from openclaw.agent.workspace import Bootstrap, create_missing
from openclaw.policy.where.session_keys import is_subagent
from openclaw.state.files import private_dir
from openclaw.state.sessions import Entry
from openclaw.state.transcripts import Transcript
from openclaw.system.errors import InvalidInput, OpenClawError

log = logging.getLogger(__name__)

MAX_TEXT_CHARS: Final = 1_000_000
DEFECT: Final = "Something went wrong inside; the log of openclaw has the details."


class Turns:
    """Runs turns."""

    def __init__(self, parts: TurnParts) -> None:
        self._parts = parts
        self._loop = ModelLoop(parts)
        self._bootstrap = Bootstrap()

    async def run(self, request: TurnRequest, emitter: Emitter, stopping: Stopping) -> TurnResult:
        """Run a turn to its end. Raises only CancelledError, when nobody stopped it on purpose."""
        started = self._parts.clock.now_ms()
        emitter.emit("lifecycle", {"phase": "start", "startedAt": started})
        try:
            result = await self._run(request, emitter, stopping, started)
        except OpenClawError as error:
            log.warning("turn %s failed: %s", request.run_id, error)
            result = self._result(request, "error", started, error=error_line(request.requester, error))
        except Exception:
            log.exception("turn %s failed", request.run_id)
            result = self._result(request, "error", started, error=DEFECT)
        emitter.emit("lifecycle", _end_data(result))
        return result

    async def _run(self, request: TurnRequest, emitter: Emitter, stopping: Stopping, started: int) -> TurnResult:
        if len(request.text) > MAX_TEXT_CHARS:
            raise InvalidInput(f"The message is longer than {MAX_TEXT_CHARS} characters.", code="message-too-long")
        sessions = self._parts.sessions
        agent = self._parts.settings.agent(request.agent_id)
        channel = request.target.channel if request.target else request.requester.channel
        inbound = request.requester.channel != INTERNAL
        opened = await sessions.open(request.session_key, inbound=inbound, channel=channel)
        entry = sessions.store_of(request.session_key).merge(request.session_key, route_fields(request))
        if opened.fresh or not agent.workspace.is_dir():
            await asyncio.to_thread(private_dir if agent.skip_bootstrap else create_missing, agent.workspace)
        async with sessions.transcript(request.session_key, entry) as transcript:
            resumed = find(transcript.branch(), request.inbound_ids)
            stopping.rows = resumed.inbound_ids if resumed is not None else ()
            if resumed is not None and resumed.answered:
                return self._answered(request, resumed, entry, emitter, started)
            turn = self._state(request, agent, entry, transcript, emitter)
            if resumed is None:
                append_user(self._parts, turn)
            else:
                take_up(self._parts, turn, resumed)
            end = await self._bounded(turn, agent, stopping)
            return self._finished(turn, end, started)

    def _answered(
        self, request: TurnRequest, resumed: Resumed, entry: Entry, emitter: Emitter, started: int
    ) -> TurnResult:
        """Return the answer that an earlier process had finished; the model is not asked again."""
        texts = [found for found in resumed.texts if not is_silent(found)]
        if texts:
            whole = "\n\n".join(texts)
            emitter.emit("assistant", {"text": whole, "delta": whole})
        payloads = tuple(Payload(found) for found in texts)
        session = str(entry["sessionId"])
        return self._result(request, "ok", started, payloads=payloads, stop_reason="stop", session_id=session)

    def _state(
        self, request: TurnRequest, agent: AgentSettings, entry: Entry, transcript: Transcript, emitter: Emitter
    ) -> TurnState:
        files = self._bootstrap.files(
            agent.workspace,
            subagent=is_subagent(request.session_key),
            memory=shows_memory(request),
            limit=agent.bootstrap_chars,
        )
        facts = TurnFacts(
            request=request,
            agent=agent,
            entry=entry,
            files=files,
            aborted=entry.get("abortedLastRun") is True,
            image_model=self._parts.registry.has_image_model,
        )
        steps = ToolSteps(self._parts.gate, transcript, emitter, self._parts.clock)
        return TurnState(request, facts, transcript, emitter, steps, self._parts.redact)

    async def _bounded(self, turn: TurnState, agent: AgentSettings, stopping: Stopping) -> LoopEnd:
        """Run the loop within its time; a stop or time-out keeps what was said so far."""
        limit = turn.request.timeout_seconds or agent.timeout_seconds
        try:
            async with asyncio.timeout(limit):
                return await self._loop.run(turn, agent)
        except TimeoutError:
            keep_partial(self._parts, turn)
            line = f"The run took longer than {limit:g} seconds and was stopped (agents.defaults.timeoutSeconds)."
            return LoopEnd("timeout", "timeout", line)
        except asyncio.CancelledError:
            if stopping.reason is None or stopping.reason == SHUTDOWN:
                raise
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            keep_partial(self._parts, turn)
            return LoopEnd("aborted", stopping.reason)

    def _finished(self, turn: TurnState, end: LoopEnd, started: int) -> TurnResult:
        keep_counters(self._parts, turn, ok=end.status == "ok", aborted=end.status == "aborted")
        ref = turn.ref
        told = error_line(turn.request.requester, end.error) if end.error and end.status == "error" else end.error
        if told and turn.payloads:
            turn.payloads.append(Payload(told))
        elif turn.payloads:
            turn.payloads[-1] = self._with_usage(turn, turn.payloads[-1])
        return self._result(
            turn.request,
            end.status,
            started,
            payloads=() if end.status == "aborted" else tuple(turn.payloads),
            error=told,
            stop_reason=end.stop_reason,
            provider=ref.provider if ref else None,
            model=ref.model if ref else None,
            usage=turn.tally.totals(),
            session_id=str(turn.facts.entry["sessionId"]),
        )

    def _with_usage(self, turn: TurnState, last: Payload) -> Payload:
        """Return the last part of the answer, with the token counts where `/usage` asks for them."""
        level = text(self._parts.sessions.entry(turn.request.session_key) or {}, "responseUsage")
        if level is None or level == "off":
            return last
        line = turn.tally.line(str(turn.ref) if level == "full" else "")
        return replace(last, text=f"{last.text}\n\n{line}")

    def _result(self, request: TurnRequest, status: RunStatus, started: int, **fields: Any) -> TurnResult:
        payloads = fields.pop("payloads", ())
        return TurnResult(request.run_id, status, payloads, started, self._parts.clock.now_ms(), **fields)


def _end_data(result: TurnResult) -> Mapping[str, Any]:
    data: dict[str, Any] = {"phase": "end", "endedAt": result.ended_ms, "usage": dict(result.usage)}
    if result.status in {"error", "timeout"}:
        data |= {"phase": "error", "error": result.error or "The run failed."}
    if result.status == "aborted":
        data["aborted"] = True
    if result.stop_reason:
        data["stopReason"] = result.stop_reason
    return data
