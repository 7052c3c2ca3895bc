"""What a run tells while it goes on: numbered events to every sink (gateway.md 1.8)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from openclaw.agent.contract import AgentEvent, EventSink, Stream
from openclaw.system.clock import Clock

log = logging.getLogger(__name__)


class Bus:
    """Hands events to sinks; a sink that fails does not harm the run or the other sinks."""

    def __init__(self) -> None:
        self._sinks: list[EventSink] = []

    def subscribe(self, sink: EventSink) -> None:
        """Tell `sink` of every event from now on."""
        self._sinks.append(sink)

    def emit(self, event: AgentEvent) -> None:
        """Hand an event to all sinks."""
        for sink in self._sinks:
            try:
                sink.emit(event)
            except Exception:
                log.exception("an event of run %s was not taken", event.run_id)


class Emitter:
    """Numbers the events of one run, from 1."""

    def __init__(self, bus: Bus, clock: Clock, run_id: str, session_key: str) -> None:
        self._bus = bus
        self._clock = clock
        self._run_id = run_id
        self._session_key = session_key
        self._seq = 0

    def emit(self, stream: Stream, data: Mapping[str, Any]) -> None:
        """Send one event."""
        self._seq += 1
        self._bus.emit(AgentEvent(self._run_id, self._session_key, self._seq, stream, self._clock.now_ms(), data))
