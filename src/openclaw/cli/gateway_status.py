"""`openclaw gateway status`: whether the gateway runs, who holds its port, and whether it answers. Always exits 0."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import print_json, print_line
from openclaw.cli.rpc import Rpc, RpcOptions, rpc_options
from openclaw.cli.target import document_of, gateway_port, local_host
from openclaw.system.errors import OpenClawError


@click.command(epilog=epilog("openclaw gateway status", "openclaw gateway status --no-probe --json"))
@rpc_options()
@click.option("--no-probe", is_flag=True, help="Do not ask the gateway.")
@json_option
@click.pass_obj
def status(context: CliContext, rpc: RpcOptions, no_probe: bool, as_json: bool) -> None:
    """Show whether the gateway runs, on which port, and whether it answers. Works with a config that has faults."""
    found = _facts(context)
    if not no_probe:
        found["rpc"] = _probe(context, rpc)
    if as_json:
        print_json(found)
    else:
        _say(context, found)


def _facts(context: CliContext) -> dict[str, Any]:
    from openclaw.config.load import read_config
    from openclaw.config.plain import read_plain

    plain = read_plain(context.layout, context.environment)
    document = document_of(plain)
    loaded = read_config(context.layout, context.environment)
    gateway = document.get("gateway")
    bind = gateway.get("bind", "loopback") if isinstance(gateway, Mapping) else "loopback"
    port, source = gateway_port(document, plain.environment, context.layout)
    host = local_host(document)
    valid = loaded.config is not None
    config: dict[str, Any] = {"path": str(context.layout.config), "exists": plain.source.exists, "valid": valid}
    if not valid:
        config["issues"] = [{"path": issue.path, "message": issue.message} for issue in loaded.issues]
    return {
        "service": _service(context),
        "config": {"cli": config},
        "gateway": {
            "bindMode": bind,
            "bindHost": host,
            "port": port,
            "portSource": source,
            "probeUrl": f"{_scheme(gateway)}://{host}:{port}",
            "probeNote": None,
        },
        "port": _port(port),
        "extraServices": [],
    }


def _scheme(gateway: object) -> str:
    tls = gateway.get("tls") if isinstance(gateway, Mapping) else None
    return "wss" if isinstance(tls, Mapping) and tls.get("enabled") is True else "ws"


def _service(context: CliContext) -> dict[str, Any]:
    """Return what is known of the installed service, or else of the process."""
    from openclaw.security.service.manager import gateway_service
    from openclaw.state.gateway_lock import gateway_owner

    manager = gateway_service(context.layout, context.environment)
    state = manager.status()
    if state.installed:
        return state.as_json(manager.spec)
    owner = gateway_owner(context.layout)
    running = owner is not None
    detail = f"pid {owner.pid}, port {owner.port}" if owner is not None else "no process holds the state directory"
    return {
        "label": "openclaw-gateway",
        "loaded": False,
        "loadedText": "installed",
        "notLoadedText": "not installed",
        "command": None,
        "runtime": {"status": "running" if running else "stopped", "detail": detail},
        "configAudit": {"ok": True, "issues": []},
    }


def _port(port: int) -> dict[str, Any]:
    from openclaw.gateway.listen import port_owner

    owner = port_owner(port)
    listeners = [] if owner is None else [{"pid": owner.pid, "command": owner.name}]
    status = "busy" if owner or not _is_free(port) else "free"
    return {"port": port, "status": status, "listeners": listeners, "hints": []}


def _is_free(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _probe(context: CliContext, options: RpcOptions) -> dict[str, Any]:
    url = options.url
    try:
        rpc = Rpc(context, options)
        url = rpc.target.url
        with rpc.session(("health",)):
            return {"ok": True, "url": url}
    except OpenClawError as error:
        return {"ok": False, "url": url, "error": error.message}


def _say(context: CliContext, found: Mapping[str, Any]) -> None:
    config, gateway, port = found["config"]["cli"], found["gateway"], found["port"]
    runtime = found["service"]["runtime"]
    print_line(f"Gateway: {runtime['status']} ({runtime['detail']})")
    state = "valid" if config["valid"] else f"invalid, see: {context.command} config validate"
    print_line(f"Config: {context.shown(config['path'])} ({state if config['exists'] else 'missing; defaults apply'})")
    print_line(f"Address: {gateway['probeUrl']} (bind {gateway['bindMode']}, port from {gateway['portSource']})")
    held = ", ".join(f"{one['command']}, pid {one['pid']}" for one in port["listeners"])
    print_line(f"Port {port['port']}: {port['status']}" + (f" ({held})" if held else ""))
    if "rpc" in found:
        print_line("Answers: yes" if found["rpc"]["ok"] else f"Answers: no. {found['rpc']['error']}")
        if not found["rpc"]["ok"] and runtime["status"] == "stopped":
            print_line(f"Start it with: {context.command} up")
