"""health, status, presence, heartbeats, system events, logs (gateway.md 3.2)."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from openclaw.gateway.log_tail import read_tail
from openclaw.gateway.rpc.contract import Call, OpenParams, Params, Text, rpc
from openclaw.policy.where.scopes import Scope
from openclaw.protocol.errors import invalid_request

MAX_EVENT_TEXT: Final = 4000
MAX_FACT: Final = 256
RECENT: Final = 10
_LEVELS: Final = ("thinkingLevel", "verboseLevel", "reasoningLevel", "elevatedLevel")
_ROW: Final = (
    "key",
    "kind",
    "sessionId",
    "updatedAt",
    *_LEVELS,
    "systemSent",
    "abortedLastRun",
    "inputTokens",
    "outputTokens",
    "totalTokens",
    "model",
    "contextTokens",
)


class HealthParams(OpenParams):
    """`health`: `probe` asks the channels anew."""

    probe: bool | None = None


@rpc("health", HealthParams)
async def health(call: Call, params: HealthParams) -> Any:
    """Return the health of the gateway."""
    return await call.services.health.get(probe=bool(params.probe))


@rpc("status")
async def status(call: Call, _params: Params) -> Any:
    """Return heartbeats, channels and sessions at a glance."""
    services = call.services
    agents = services.agent.agents_list()
    listed = services.agent.sessions.list({})
    answer = await listed if inspect.isawaitable(listed) else listed
    rows = [_status_row(row, services.clock.now_ms()) for row in answer.get("sessions", ())]
    by_agent = [
        _agent_sessions(row["id"], answer, [one for one in rows if one["agentId"] == row["id"]])
        for row in agents.get("agents", ())
    ]
    latest = services.health.latest or await services.health.get(probe=False)
    beats = ("agentId", "enabled", "every", "everyMs")
    return {
        "heartbeat": {
            "defaultAgentId": agents.get("defaultId", "main"),
            "agents": [{name: row.get(name) for name in beats} for row in services.heartbeat.facts()],
        },
        "channelSummary": _channel_summary(latest),
        "queuedSystemEvents": [],
        "sessions": {
            "paths": sorted({str(answer.get("path", ""))} - {""}),
            "count": len(rows),
            "defaults": {name: answer.get("defaults", {}).get(name) for name in ("model", "contextTokens")},
            "recent": rows[:RECENT],
            "byAgent": by_agent,
        },
        "securityAudit": None if (counts := services.audit.summary()) is None else {"summary": counts},
    }


def _agent_sessions(agent_id: str, answer: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"agentId": agent_id, "path": answer.get("path", ""), "count": len(rows), "recent": rows[:RECENT]}


def _status_row(row: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    found = {name: row[name] for name in _ROW if row.get(name) is not None}
    key = str(row.get("key", ""))
    total, context = int(row.get("totalTokens") or 0), int(row.get("contextTokens") or 0)
    flags = [f"{name.removesuffix('Level')}:{row[name]}" for name in _LEVELS if row.get(name)]
    flags += [word for name, word in (("systemSent", "system"), ("abortedLastRun", "aborted")) if row.get(name)]
    return {
        **found,
        "agentId": key.split(":")[1] if key.startswith("agent:") and key.count(":") > 1 else "main",
        "age": now_ms - int(row.get("updatedAt") or now_ms),
        "remainingTokens": max(0, context - total) if context else None,
        "percentUsed": min(999, round(total * 100 / context)) if context else None,
        "flags": flags,
    }


def _channel_summary(latest: Mapping[str, Any]) -> list[str]:
    labels: Mapping[str, str] = latest.get("channelLabels", {})
    lines = []
    for name, facts in latest.get("channels", {}).items():
        state = "linked" if facts.get("linked") else "configured" if facts.get("configured") else "not configured"
        lines.append(f"{labels.get(name, name)}: {state}")
    return lines


@rpc("system-presence")
def system_presence(call: Call, _params: Params) -> Any:
    """Return who is there, newest first; a bare list."""
    return call.services.presence.entries()


Fact = Annotated[str, Field(max_length=MAX_FACT)]


class SystemEventParams(OpenParams):
    """`system-event`: a line, and what the sender knows of its machine."""

    text: Annotated[str, Field(max_length=MAX_EVENT_TEXT)]
    device_id: Fact | None = None
    instance_id: Fact | None = None
    host: Fact | None = None
    ip: Fact | None = None
    mode: Fact | None = None
    version: Fact | None = None
    platform: Fact | None = None
    device_family: Fact | None = None
    model_identifier: Fact | None = None
    last_input_seconds: int | float | None = None
    reason: Fact | None = None
    roles: Annotated[list[Fact], Field(max_length=32)] | None = None
    scopes: Annotated[list[Fact], Field(max_length=32)] | None = None
    tags: Annotated[list[Fact], Field(max_length=32)] | None = None


@rpc("system-event", SystemEventParams)
def system_event(call: Call, params: SystemEventParams) -> Any:
    """Update presence from a line, and tell the main session what is new in it."""
    text = params.text.strip()
    if not text:
        raise invalid_request("text required")
    services = call.services
    beacon = services.presence.beacon(text, params.model_dump(by_alias=True, exclude_none=True, exclude={"text"}))
    if beacon.line:
        main = services.agent.sessions.defaults()["mainSessionKey"]
        services.events.notify(main, beacon.line, context_key=beacon.context_key)
    return {"ok": True}


@rpc("last-heartbeat")
def last_heartbeat(call: Call, _params: Params) -> Any:
    """Return the last heartbeat, or null."""
    return call.services.heartbeat.last()


class SetHeartbeatsParams(Params):
    """`set-heartbeats`."""

    enabled: bool


@rpc("set-heartbeats", SetHeartbeatsParams)
def set_heartbeats(call: Call, params: SetHeartbeatsParams) -> Any:
    """Switch heartbeats on or off until the next start."""
    call.services.heartbeat.set_enabled(params.enabled)
    return {"ok": True, "enabled": params.enabled}


class WakeParams(Params):
    """`wake`."""

    mode: Literal["now", "next-heartbeat"]
    text: Annotated[Text, Field(max_length=MAX_EVENT_TEXT)]


@rpc("wake", WakeParams)
def wake(call: Call, params: WakeParams) -> Any:
    """Queue a line for the main session; `now` wakes it."""
    services = call.services
    main = services.agent.sessions.defaults()["mainSessionKey"]
    services.events.notify(main, params.text, wake=params.mode == "now")
    return {"ok": True}


class LogsTailParams(Params):
    """`logs.tail` (config.md 6.6)."""

    cursor: Annotated[int, Field(ge=0)] | None = None
    limit: Annotated[int, Field(ge=1, le=5000)] = 500
    max_bytes: Annotated[int, Field(ge=1, le=1_000_000)] = 250_000


@rpc("logs.tail", LogsTailParams)
async def logs_tail(call: Call, params: LogsTailParams) -> Any:
    """Return the end of the log, redacted; without admin the path is the bare file name."""
    services = call.services
    path = services.log_file()
    if path is None:
        raise invalid_request("the gateway writes no log file; set logging.file")
    found = await asyncio.to_thread(
        read_tail,
        path,
        cursor=params.cursor,
        limit=params.limit,
        max_bytes=params.max_bytes,
        redact=services.redact,
    )
    answer = found.as_json()
    if not call.connection.peer.has(Scope.ADMIN):
        answer["file"] = path.name
    return answer


METHODS = (
    health,
    status,
    system_presence,
    system_event,
    last_heartbeat,
    set_heartbeats,
    wake,
    logs_tail,
)
