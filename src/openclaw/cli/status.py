"""`openclaw status`: everything at a glance; also while the gateway is down or the config has faults."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.health import channel_state
from openclaw.cli.output import age, print_json, print_line, print_table, tokens
from openclaw.cli.rpc import Rpc, RpcOptions
from openclaw.cli.target import document_of
from openclaw.config.plain import Plain, read_plain
from openclaw.system.errors import OpenClawError
from openclaw.version import VERSION

if TYPE_CHECKING:
    from openclaw.cli.local import LocalAgent

RECENT: Final = 10


@click.command(epilog=epilog("openclaw status", "openclaw status --deep", "openclaw status --json"))
@click.option("--deep", is_flag=True, help="Also ask the channels anew, show the health and audit the security.")
@click.option("--all", "everything", is_flag=True, help="Also show the agents with their stores.")
@click.option(
    "--timeout", type=click.IntRange(1), default=10_000, show_default=True, help="Milliseconds to wait for the gateway."
)
@json_option
@click.pass_obj
def status(context: CliContext, deep: bool, everything: bool, timeout: int, as_json: bool) -> None:
    """Show gateway, channels, sessions and agents. Exit code 0 also when the gateway is down."""
    from openclaw.cli.local import local_agents

    plain = read_plain(context.layout, context.environment)
    agents = local_agents(document_of(plain), context.layout, plain.environment)
    asked = _ask(context, RpcOptions(timeout_ms=timeout), deep=deep)
    found = _facts(plain, agents, asked)
    if deep:
        found["securityAudit"] = _audit(context)
    if as_json:
        print_json(found)
    else:
        _say(context, found, asked)
        if everything:
            _say_agents(context, found["agents"])


def _ask(context: CliContext, options: RpcOptions, *, deep: bool) -> dict[str, Any]:
    """Ask the gateway; what went wrong stands under `error`."""
    asked: dict[str, Any] = {"url": None, "source": None, "reachable": False, "error": None}
    started = time.monotonic()
    try:
        rpc = Rpc(context, options)
        asked |= {"url": rpc.target.url, "source": rpc.target.source}
        with rpc.session(("health", "status")) as session:
            asked |= {"reachable": True, "latency": round((time.monotonic() - started) * 1000), "hello": session.hello}
            asked["status"] = session.call("status")
            asked["health"] = session.call("health", {"probe": True} if deep else {})
            asked["deep"] = deep
    except OpenClawError as error:
        asked["error"] = error.message
    return asked


def _audit(context: CliContext) -> dict[str, Any] | None:
    """Run the audit; None while the config has faults. It loads much, so only a deep look pays for it."""
    from openclaw.security.audit.gather import gather
    from openclaw.security.audit.run import audit

    try:
        report = audit(gather(context.layout, context.environment, deep=False), now_ms=time.time_ns() // 1_000_000)
    except OpenClawError:
        return None
    return report.as_dict()


def _facts(plain: Plain, agents: Sequence[LocalAgent], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer for scripts (config.md 4.2); parts that this build lacks are null."""
    from openclaw.cli.local import sessions_at_hand

    told: Mapping[str, Any] = asked.get("status") or {}
    now = time.time_ns() // 1_000_000
    rows = sessions_at_hand(list(agents), now)
    default = next(agent.id for agent in agents if agent.is_default)
    found: dict[str, Any] = {
        "heartbeat": told.get("heartbeat") or {"defaultAgentId": default, "agents": []},
        "channelSummary": told.get("channelSummary", []),
        "queuedSystemEvents": told.get("queuedSystemEvents", []),
        "sessions": told.get("sessions") or _sessions(agents, rows),
        "os": {
            "platform": sys.platform,
            "arch": platform.machine(),
            "release": platform.release(),
            "label": f"{platform.system()} {platform.release()}",
        },
        "update": None,
        "updateChannel": None,
        "updateChannelSource": None,
        "memory": None,
        "memoryPlugin": None,
        "gateway": _gateway(plain, asked),
        "gatewayService": {"label": "openclaw-gateway", "installed": False},
        "nodeService": None,
        "agents": _agents(agents, rows, now),
        "securityAudit": told.get("securityAudit"),
    }
    return found | ({"health": asked["health"], "lastHeartbeat": None} if asked.get("deep") else {})


def _gateway(plain: Plain, asked: Mapping[str, Any]) -> dict[str, Any]:
    gateway = document_of(plain).get("gateway")
    mode = gateway.get("mode") if isinstance(gateway, Mapping) else None
    server = (asked.get("hello") or {}).get("server")
    return {
        "mode": mode or "local",
        "url": asked["url"],
        "urlSource": asked["source"],
        "misconfigured": plain.document is None or asked["url"] is None,
        "reachable": asked["reachable"],
        "connectLatencyMs": asked.get("latency"),
        "self": server,
        "error": asked["error"],
    }


def _sessions(agents: Sequence[LocalAgent], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sessions as the disk has them, in the shape of the gateway's answer."""
    return {
        "paths": sorted({str(agent.store) for agent in agents}),
        "count": len(rows),
        "defaults": {"model": None, "contextTokens": None},
        "recent": [_told(row) for row in rows[:RECENT]],
        "byAgent": [
            {
                "agentId": agent.id,
                "path": str(agent.store),
                "count": sum(row["agentId"] == agent.id for row in rows),
                "recent": [_told(row) for row in rows if row["agentId"] == agent.id][:RECENT],
            }
            for agent in agents
        ],
    }


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of the disk in the words of the gateway."""
    return {("age" if name == "ageMs" else name): value for name, value in row.items()}


def _agents(agents: Sequence[LocalAgent], rows: Sequence[Mapping[str, Any]], now: int) -> dict[str, Any]:
    from openclaw.cli.local import BOOTSTRAP

    listed = []
    for agent in agents:
        own = [row for row in rows if row["agentId"] == agent.id]
        last = own[0]["updatedAt"] if own else None
        listed.append(
            {
                "id": agent.id,
                "name": agent.name,
                "workspaceDir": str(agent.workspace),
                "bootstrapPending": (agent.workspace / BOOTSTRAP).exists(),
                "sessionsPath": str(agent.store),
                "sessionsCount": len(own),
                "lastUpdatedAt": last,
                "lastActiveAgeMs": None if last is None else now - int(last),
            }
        )
    return {
        "defaultId": next(agent.id for agent in agents if agent.is_default),
        "agents": listed,
        "totalSessions": len(rows),
        "bootstrapPendingCount": sum(row["bootstrapPending"] for row in listed),
    }


def _say(context: CliContext, found: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    gateway, agents, sessions = found["gateway"], found["agents"], found["sessions"]
    overview = _overview(context, gateway, agents, sessions, found["securityAudit"])
    print_table(f"openclaw {VERSION}", ("Item", "Value"), overview, color=context.color)
    if gateway["error"]:
        print_line(f"\n{gateway['error']}")
    health = asked.get("health") or {}
    labels: Mapping[str, str] = health.get("channelLabels", {})
    channels = [
        (labels.get(name, name), "yes" if facts.get("configured") else "no", *channel_state(facts))
        for name, facts in health.get("channels", {}).items()
    ]
    print_line()
    print_table("Channels", ("Channel", "Enabled", "State", "Detail"), channels, color=context.color)
    rows = [
        (row["key"], row["kind"], age(row.get("age")), row.get("model") or "-", _used(row))
        for row in sessions["recent"]
    ]
    print_line()
    print_table("Sessions", ("Key", "Kind", "Age", "Model", "Tokens"), rows, color=context.color)


def _say_agents(context: CliContext, agents: Mapping[str, Any]) -> None:
    rows = [
        (
            row["id"] + (" (default)" if row["id"] == agents["defaultId"] else ""),
            "pending" if row["bootstrapPending"] else "done",
            str(row["sessionsCount"]),
            age(row["lastActiveAgeMs"]),
            context.shown(row["sessionsPath"]),
        )
        for row in agents["agents"]
    ]
    print_line()
    print_table("Agents", ("Agent", "Bootstrap", "Sessions", "Active", "Store"), rows, color=context.color)


def _used(row: Mapping[str, Any]) -> str:
    return tokens(row.get("totalTokens"), row.get("contextTokens"))


def _overview(
    context: CliContext,
    gateway: Mapping[str, Any],
    agents: Mapping[str, Any],
    sessions: Mapping[str, Any],
    audit: Mapping[str, Any] | None,
) -> list[tuple[str, str]]:
    config = context.shown(context.layout.config)
    state = "has faults, see: openclaw config validate" if gateway["misconfigured"] else ""
    reach = f"answers in {gateway['connectLatencyMs']} ms" if gateway["reachable"] else "does not answer"
    url = str(gateway["url"] or "-")
    dashboard = url.replace("ws", "http", 1) + "/" if gateway["reachable"] else "-"
    pending = agents["bootstrapPendingCount"]
    told = [] if audit is None else [("Security", _counts(audit["summary"]))]
    return [
        ("Gateway", f"{url} ({gateway['urlSource'] or 'unknown'}), {reach}"),
        ("Dashboard", dashboard),
        ("Config", f"{config} {state}".rstrip()),
        ("State", context.shown(context.layout.root)),
        ("Agents", f"{len(agents['agents'])}" + (f", {pending} waiting for a first conversation" if pending else "")),
        ("Sessions", f"{sessions['count']}"),
        ("Model", str(sessions["defaults"].get("model") or "-")),
        *told,
        ("OS", f"{platform.system()} {platform.release()} ({platform.machine()}), Python {platform.python_version()}"),
    ]


def _counts(summary: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{summary.get(name, 0)} {name}" for name in ("critical", "warn", "info"))
    return f"{counts}; see: openclaw security audit"
