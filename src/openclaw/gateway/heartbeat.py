"""What is known of heartbeats: the last one, and whether they are switched on. Whoever runs them reports here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from openclaw.gateway.connections import Connections

Facts = Callable[[], Sequence[Mapping[str, Any]]]


class Heartbeats:
    """Implements the heartbeat port of the methods.

    Args:
        connections: who hears of heartbeats.
        facts: `{agentId, enabled, every, everyMs, ...}` per agent, from the config.
    """

    def __init__(self, connections: Connections, facts: Facts) -> None:
        self._connections = connections
        self._facts = facts
        self._last: dict[str, Any] | None = None
        self.enabled = True

    def last(self) -> dict[str, Any] | None:
        """Return the payload of the last heartbeat event."""
        return self._last

    def set_enabled(self, enabled: bool, /) -> None:
        """Switch heartbeats on or off until the next start."""
        self.enabled = enabled

    def facts(self) -> Sequence[Mapping[str, Any]]:
        """Return the heartbeat settings of each agent."""
        return [{**row, "enabled": bool(row.get("enabled")) and self.enabled} for row in self._facts()]

    def record(self, payload: Mapping[str, Any]) -> None:
        """Keep and broadcast what a heartbeat did."""
        self._last = dict(payload)
        self._connections.broadcast("heartbeat", self._last)
