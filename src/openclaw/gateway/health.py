"""The health of the gateway: gathered in the background, kept for a minute, told to operators (gateway.md 3.2)."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from openclaw.gateway.rpc.ports import AgentPort, ChannelsPort, HeartbeatPort, Json
from openclaw.system.clock import Clock
from openclaw.system.tasks import Supervisor

log = logging.getLogger(__name__)

KEPT_MS: Final = 60_000
PROBE_TIMEOUT_MS: Final = 10_000
RECENT: Final = 5
_ACCOUNT_FACTS: Final = ("configured", "linked", "running", "connected", "probe", "lastProbeAt", "lastError")


class Health:
    """The last health result. `version` rises with every new one.

    Args:
        agent, channels, heartbeat: where the facts come from.
        clock: the time.
    """

    def __init__(self, agent: AgentPort, channels: ChannelsPort, heartbeat: HeartbeatPort, clock: Clock) -> None:
        self._agent = agent
        self._channels = channels
        self._heartbeat = heartbeat
        self._clock = clock
        self._tasks = Supervisor("health")
        self._again = False
        self._listeners: list[Callable[[], None]] = []
        self.latest: Json = {}
        self.version = 1

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every new result."""
        self._listeners.append(listener)

    async def get(self, *, probe: bool) -> Json:
        """Return the health; one that is younger than a minute is returned as it is and renewed in the background."""
        age = self._clock.now_ms() - int(self.latest.get("ts", 0))
        if probe or not self.latest or age > KEPT_MS:
            return await self.refresh(probe=probe)
        self.refresh_soon()
        return self.latest

    def refresh_soon(self) -> None:
        """Gather anew in the background; requests that come meanwhile share the next round."""
        self._again = True
        if "refresh" not in self._tasks.running:
            self._tasks.start(self._refresh_while_wanted(), name="refresh")

    async def refresh(self, *, probe: bool) -> Json:
        """Gather now and tell the listeners."""
        started = self._clock.now_ms()
        status = await self._channels.status(probe, PROBE_TIMEOUT_MS)
        agents = self._agent.agents_list()
        heartbeats = {str(row.get("agentId")): row for row in self._heartbeat.facts()}
        rows = [await self._agent_row(row, agents, heartbeats) for row in agents.get("agents", ())]
        default = next((row for row in rows if row["isDefault"]), None)
        beat = heartbeats.get(str(agents.get("defaultId")), {})
        self.latest = {
            "ok": True,
            "ts": started,
            "durationMs": self._clock.now_ms() - started,
            "channels": _channels(status),
            "channelOrder": status.get("channelOrder", []),
            "channelLabels": status.get("channelLabels", {}),
            "heartbeatSeconds": int(beat.get("everyMs") or 0) // 1000,
            "defaultAgentId": agents.get("defaultId", "main"),
            "agents": rows,
            "sessions": {"path": "", "count": 0, "recent": []} if default is None else default["sessions"],
        }
        self.version += 1
        for listener in self._listeners:
            listener()
        return self.latest

    async def close(self) -> None:
        """Stop gathering."""
        await self._tasks.close()

    async def _refresh_while_wanted(self) -> None:
        while self._again:
            self._again = False
            try:
                await self.refresh(probe=False)
            except Exception:
                log.exception("the health could not be gathered")

    async def _agent_row(self, row: Mapping[str, Any], agents: Json, heartbeats: Mapping[str, Any]) -> Json:
        agent_id = row["id"]
        found: Json = {
            "agentId": agent_id,
            "isDefault": agent_id == agents.get("defaultId"),
            "heartbeat": {name: value for name, value in heartbeats.get(agent_id, {}).items() if name != "agentId"},
            "sessions": await self._sessions(agent_id),
        }
        if row.get("name"):
            found["name"] = row["name"]
        return found

    async def _sessions(self, agent_id: str) -> Json:
        listed = self._agent.sessions.list({"agentId": agent_id})
        answer = await listed if inspect.isawaitable(listed) else listed
        rows = answer.get("sessions", [])
        now = self._clock.now_ms()
        recent = [
            {"key": row["key"], "updatedAt": row.get("updatedAt"), "age": now - int(row.get("updatedAt") or now)}
            for row in rows[:RECENT]
        ]
        return {"path": answer.get("path", ""), "count": len(rows), "recent": recent}


def _channels(status: Mapping[str, Any]) -> Json:
    """Return the channels of a `channels.status` answer in the shorter form of `health`."""
    accounts: Mapping[str, Any] = status.get("channelAccounts", {})
    found: Json = {}
    for name, summary in status.get("channels", {}).items():
        entry = {key: summary[key] for key in _ACCOUNT_FACTS if isinstance(summary, Mapping) and key in summary}
        entry.setdefault("configured", False)
        rows = accounts.get(name) or []
        if rows:
            entry["accounts"] = {
                str(row.get("accountId")): {key: row[key] for key in _ACCOUNT_FACTS if key in row} for row in rows
            }
        found[name] = entry
    return found
