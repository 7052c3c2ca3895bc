"""What runs tell their clients: `agent` events as they come, `chat` events with the whole text so far (1.8)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from openclaw.agent.contract import AgentEvent
from openclaw.gateway.connections import Connections
from openclaw.system.clock import Clock

log = logging.getLogger(__name__)

DELTA_SECONDS: Final = 0.15
MAX_RUNS: Final = 1024
TOOL_EVENTS: Final = "tool-events"
ALL_TOOL_EVENTS: Final = "tool-events-full"
"""Our own capability: the connection hears of its runs' tools in full, whatever the session's verbose level is."""
_ONLY_FULL: Final = frozenset({"result", "partialResult"})
_STOP_REASONS: Final = {"stop-command": "stop"}

Verbosity = Literal["off", "on", "full"]


@dataclass(slots=True)
class _Run:
    """What is remembered of a run while it goes on."""

    session_key: str = ""
    conn_id: str | None = None
    full: bool = False
    seq: int = 0
    text: str = ""
    text_ms: int = 0
    sent_at: float = -1.0
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)


class ChatEvents:
    """The gateway's sink of agent events. Runs are forgotten when they end; at most 1024 are remembered.

    Args:
        connections: who listens.
        clock: the time.
        verbosity: the verbose level of a session: decides what is told of its tools.
    """

    def __init__(self, connections: Connections, clock: Clock, verbosity: Callable[[str], str]) -> None:
        self._connections = connections
        self._clock = clock
        self._verbosity = verbosity
        self._runs: dict[str, _Run] = {}

    def started_by(self, run_id: str, conn_id: str) -> None:
        """Note which connection started a run: it alone may hear of the run's tools, when it asked for that."""
        connection = self._connections.get(conn_id)
        if connection is None or TOOL_EVENTS not in connection.peer.caps:
            return
        run = self._run(run_id)
        run.conn_id = conn_id
        run.full = ALL_TOOL_EVENTS in connection.peer.caps

    def emit(self, event: AgentEvent) -> None:
        """Take an event; never blocks and never raises."""
        try:
            self._take(event)
        except Exception:
            log.exception("an event of run %s was lost", event.run_id)

    def final(self, run_id: str, session_key: str, text: str, *, seq: int = 0) -> None:
        """Tell of an answer that no model wrote: a command's reply or an injected message."""
        self._forget(run_id)
        self._chat(run_id, session_key, seq, "final", self._final_message(text, self._clock.now_ms()))

    def close(self) -> None:
        """Stop the timers."""
        for run_id in list(self._runs):
            self._forget(run_id)

    def _take(self, event: AgentEvent) -> None:
        run = self._run(event.run_id)
        run.session_key = event.session_key
        if 0 < run.seq < event.seq - 1:
            gap = {"reason": "seq gap", "expected": run.seq + 1, "received": event.seq}
            self._connections.broadcast("agent", _agent_payload(event, "error", gap))
        run.seq = max(run.seq, event.seq)
        if event.stream == "tool":
            self._tool(run, event)
            return
        self._connections.broadcast("agent", _agent_payload(event, event.stream, event.data))
        if event.stream == "assistant":
            self._assistant(event.run_id, run, event)
        elif event.stream == "lifecycle" and event.data.get("phase") in ("end", "error"):
            self._ended(event.run_id, run, event)

    def _tool(self, run: _Run, event: AgentEvent) -> None:
        level = "full" if run.full else self._verbosity(event.session_key)
        if run.conn_id is None or level not in ("on", "full"):
            return
        data = event.data
        if level != "full":
            data = {name: value for name, value in data.items() if name not in _ONLY_FULL}
        self._connections.send_to([run.conn_id], "agent", _agent_payload(event, "tool", data))

    def _assistant(self, run_id: str, run: _Run, event: AgentEvent) -> None:
        text = event.data.get("text")
        if not isinstance(text, str):
            return
        run.text, run.text_ms = text, event.ts
        wait = run.sent_at + DELTA_SECONDS - self._clock.monotonic()
        if run.sent_at < 0 or wait <= 0:
            self._delta(run_id, run)
        elif run.timer is None:
            run.timer = asyncio.get_running_loop().call_later(wait, self._delta, run_id, run)

    def _delta(self, run_id: str, run: _Run) -> None:
        if run.timer is not None:
            run.timer.cancel()
            run.timer = None
        run.sent_at = self._clock.monotonic()
        self._chat(run_id, run.session_key, run.seq, "delta", {"message": _message(run.text, run.text_ms)})

    def _ended(self, run_id: str, run: _Run, event: AgentEvent) -> None:
        self._forget(run_id)
        data = event.data
        extra: dict[str, Any] = {}
        reason = data.get("stopReason")
        failed = data.get("phase") == "error"
        if failed:
            extra["errorMessage"] = str(data.get("error") or "the run failed")
        if data.get("aborted") or reason == "timeout":
            state = "aborted"
            extra["stopReason"] = _STOP_REASONS.get(str(reason), str(reason or "rpc"))
            extra |= self._final_message(run.text, event.ts)
        elif failed:
            state = "error"
        else:
            state = "final"
            extra = self._final_message(run.text, event.ts)
            if isinstance(reason, str):
                extra["stopReason"] = reason
        if isinstance(data.get("usage"), Mapping) and data["usage"]:
            extra["usage"] = data["usage"]
        self._chat(run_id, run.session_key, event.seq, state, extra)

    def _final_message(self, text: str, ts: int) -> dict[str, Any]:
        return {"message": _message(text, ts)} if text else {}

    def _chat(self, run_id: str, session_key: str, seq: int, state: str, extra: Mapping[str, Any]) -> None:
        payload = {"runId": run_id, "sessionKey": session_key, "seq": seq, "state": state, **extra}
        self._connections.broadcast("chat", payload, drop_if_slow=state == "delta")

    def _run(self, run_id: str) -> _Run:
        run = self._runs.get(run_id)
        if run is None:
            run = self._runs[run_id] = _Run()
            if len(self._runs) > MAX_RUNS:
                self._forget(next(iter(self._runs)))
        return run

    def _forget(self, run_id: str) -> None:
        run = self._runs.pop(run_id, None)
        if run is not None and run.timer is not None:
            run.timer.cancel()


def _agent_payload(event: AgentEvent, stream: str, data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "runId": event.run_id,
        "seq": event.seq,
        "stream": stream,
        "ts": event.ts,
        "data": data,
        "sessionKey": event.session_key,
    }


def _message(text: str, ts: int) -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}], "timestamp": ts}
