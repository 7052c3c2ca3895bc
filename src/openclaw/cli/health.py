"""`openclaw health`, also as `openclaw gateway health`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import age, print_json, print_line, print_table
from openclaw.cli.rpc import Rpc, RpcOptions, rpc_options


@click.command(epilog=epilog("openclaw health", "openclaw health --verbose --json"))
@rpc_options()
@click.option("--verbose", is_flag=True, help="Ask the channels anew instead of showing what is known.")
@json_option
@click.pass_obj
def health(context: CliContext, rpc: RpcOptions, verbose: bool, as_json: bool) -> None:
    """Ask the running gateway for its health. Exit code 1 when it does not answer."""
    found = Rpc(context, rpc).call("health", {"probe": True} if verbose else {})
    if as_json:
        print_json(found)
        return
    print_line(f"Gateway: {'ok' if found.get('ok') else 'not ok'} ({found.get('durationMs', 0)} ms)")
    labels: Mapping[str, str] = found.get("channelLabels", {})
    rows = [(labels.get(name, name), *channel_state(facts)) for name, facts in found.get("channels", {}).items()]
    print_table("Channels", ("Channel", "State", "Detail"), rows, color=context.color)
    agents = [
        (
            row["agentId"] + (" (default)" if row.get("isDefault") else ""),
            str(row.get("sessions", {}).get("count", 0)),
            _last(row.get("sessions", {})),
        )
        for row in found.get("agents", ())
    ]
    print_table("Agents", ("Agent", "Sessions", "Active"), agents, color=context.color)


def channel_state(facts: Mapping[str, Any]) -> tuple[str, str]:
    """Return in one word how a channel is, and what is wrong with it."""
    probe = facts.get("probe")
    broken = facts.get("lastError") or (probe.get("error") if isinstance(probe, Mapping) else None)
    if facts.get("running") and not broken:
        return "running", ""
    if not facts.get("configured"):
        return "not configured", ""
    return ("down" if broken else "stopped"), str(broken or "")


def _last(sessions: Mapping[str, Any]) -> str:
    recent = sessions.get("recent") or ()
    return age(recent[0].get("age")) if recent else "-"
