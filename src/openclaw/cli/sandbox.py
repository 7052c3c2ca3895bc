"""`openclaw sandbox`: where a session's tools run, and why (exec.md 4.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import print_json, print_line
from openclaw.cli.text import block


@click.group(cls=Group)
def sandbox() -> None:
    """Explain sandboxes."""


@sandbox.command(
    epilog=epilog(
        "openclaw sandbox explain",
        "openclaw sandbox explain --session agent:main:telegram:group:-100",
        "openclaw sandbox explain --agent ops --json",
    )
)
@click.option("--session", metavar="KEY", help="The session; the agent's main session when left out.")
@click.option("--agent", metavar="ID", help="The agent; the default one when left out.")
@json_option
@click.pass_obj
def explain(context: CliContext, session: str | None, agent: str | None, as_json: bool) -> None:
    """Say whether a session is sandboxed, with which tools, where its commands run and who may leave the sandbox."""
    from openclaw.security.explain.sandbox import explain_sandbox
    from openclaw.security.explain.world import World

    world = World.of_disk(context.own_state(), context.environment)
    found = asyncio.run(explain_sandbox(world, session, agent))
    if as_json:
        print_json(found)
    else:
        _tell(context, found)


def _tell(context: CliContext, found: Mapping[str, Any]) -> None:
    box, gates = found["sandbox"], found["elevated"]
    inside = "in a sandbox" if box["sessionIsSandboxed"] else "on this machine, without a sandbox"
    rows = (
        ("Session", found["sessionKey"]),
        ("Agent", found["agentId"]),
        ("Tools run", inside),
        ("Mode", f"{box['mode']}, scope {box['scope']}, workspace {box['workspaceAccess']}"),
        ("Back end", found["backend"] or f"none: {found['backendProblem']}"),
        ("Workspace", context.shown(found["effectiveHostWorkspace"])),
        ("Commands", f"{found['execPlace']}, security {found['execSecurity']}, ask {found['execAsk']}"),
        ("Elevated", _elevated(gates)),
        ("Tools", ", ".join(found["tools"]) or "none"),
    )
    for name, value in rows:
        print_line(block(f"{name + ':':<12}", str(value)))
    if box["sessionIsSandboxed"]:
        for name in ("allow", "deny"):
            source = box["tools"]["sources"][name]
            listed = ", ".join(box["tools"][name]) or "nothing"
            print_line(block(f"{name.capitalize() + ':':<12}", f"{listed} ({source['source']}: {source['key']})"))
    for reason in found["trail"]:
        detail = f": {reason['detail']}" if reason.get("detail") else ""
        key = f" [{reason['key']}]" if reason.get("key") else ""
        print_line(block("  because ", f"{reason['rule']}{key}{detail}"))
    for text in found["fixIt"]:
        print_line(block("  change  ", text))


def _elevated(gates: Mapping[str, Any]) -> str:
    if not gates["failures"]:
        return f"allowed on {gates['channel']}"
    failed = ", ".join(f"{failure['gate']}" for failure in gates["failures"])
    return f"not allowed on {gates['channel']} ({failed})"
