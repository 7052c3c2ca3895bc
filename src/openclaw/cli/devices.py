"""`openclaw devices`: who may connect to the gateway (gateway.md 3.11). Tokens are never shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import age, print_json, print_line, print_table
from openclaw.cli.rpc import Rpc, RpcOptions, rpc_options
from openclaw.policy.where.scopes import Scope


@click.group(cls=Group)
def devices() -> None:
    """List, approve and revoke the devices that may connect to the gateway: browsers, apps, nodes, other machines."""


@devices.command("list", epilog=epilog("openclaw devices list", "openclaw devices list --json"))
@rpc_options()
@json_option
@click.pass_obj
def list_devices(context: CliContext, rpc: RpcOptions, as_json: bool) -> None:
    """Show waiting requests and paired devices."""
    found = Rpc(context, rpc).call("device.pair.list")
    if as_json:
        print_json(found)
        return
    import time

    now = time.time_ns() // 1_000_000
    pending = [
        (
            str(row.get("requestId")),
            _name(row),
            str(row.get("role") or ""),
            _words(row.get("scopes")),
            age(now - int(row.get("ts") or now)),
            str(row.get("remoteIp") or ""),
        )
        for row in found.get("pending", ())
    ]
    if pending:
        columns = ("Request", "Device", "Role", "Scopes", "Age", "IP")
        print_table("Waiting", columns, pending, color=context.color)
        print_line()
    paired = [
        (_name(row), _words(row.get("roles")), _words(row.get("scopes")), _tokens(row), str(row.get("remoteIp") or ""))
        for row in found.get("paired", ())
    ]
    print_table(
        "Paired", ("Device", "Roles", "Scopes", "Tokens", "IP"), paired, color=context.color, empty="no device yet."
    )


def _name(row: Mapping[str, Any]) -> str:
    """Return how people tell a device: its name, and the beginning of its id."""
    device = str(row.get("deviceId") or "")[:12]
    name = row.get("displayName") or row.get("clientId")
    return f"{name} ({device})" if name else device


def _words(values: Any) -> str:
    return " ".join(str(value).removeprefix("operator.") for value in values or ())


def _tokens(row: Mapping[str, Any]) -> str:
    tokens = row.get("tokens") or ()
    return " ".join(f"{one.get('role')}{' (revoked)' if one.get('revokedAtMs') else ''}" for one in tokens)


@devices.command(epilog=epilog("openclaw devices approve 5f0c2a8e-..."))
@click.argument("request_id")
@rpc_options()
@json_option
@click.pass_obj
def approve(context: CliContext, request_id: str, rpc: RpcOptions, as_json: bool) -> None:
    """Admit the device that made a waiting request."""
    answer = _change(context, rpc, "device.pair.approve", {"requestId": request_id})
    _done(answer, f"Approved {_name(answer.get('device') or {})}.", as_json=as_json)


@devices.command(epilog=epilog("openclaw devices reject 5f0c2a8e-..."))
@click.argument("request_id")
@rpc_options()
@json_option
@click.pass_obj
def reject(context: CliContext, request_id: str, rpc: RpcOptions, as_json: bool) -> None:
    """Drop a waiting request."""
    answer = _change(context, rpc, "device.pair.reject", {"requestId": request_id})
    _done(answer, f"Rejected {str(answer.get('deviceId') or request_id)[:12]}.", as_json=as_json)


@devices.command(epilog=epilog("openclaw devices remove DEVICE_ID"))
@click.argument("device_id")
@rpc_options()
@json_option
@click.pass_obj
def remove(context: CliContext, device_id: str, rpc: RpcOptions, as_json: bool) -> None:
    """Forget a device. It is cut off at once and must pair again."""
    answer = _change(context, rpc, "device.pair.remove", {"deviceId": device_id})
    _done(answer, f"Removed {device_id[:12]}.", as_json=as_json)


@devices.command(epilog=epilog("openclaw devices rotate --device DEVICE_ID --role operator --scope operator.read"))
@click.option("--device", required=True, help="Id of the device.")
@click.option("--role", required=True, type=click.Choice(["operator", "node"]), help="Role whose token is meant.")
@click.option("--scope", "scopes", multiple=True, help="Scope of the new token; repeat it. Default: the old ones.")
@rpc_options()
@json_option
@click.pass_obj
def rotate(
    context: CliContext, device: str, role: str, scopes: tuple[str, ...], rpc: RpcOptions, as_json: bool
) -> None:
    """Replace a device's token. The device is cut off and is given the new one when it pairs or connects again."""
    params: dict[str, Any] = {"deviceId": device, "role": role}
    answer = _change(context, rpc, "device.token.rotate", params | ({"scopes": list(scopes)} if scopes else {}))
    shown = {name: value for name, value in answer.items() if name != "token"}
    _done(shown, f"Rotated the {role} token of {device[:12]}.", as_json=as_json)


@devices.command(epilog=epilog("openclaw devices revoke --device DEVICE_ID --role operator"))
@click.option("--device", required=True, help="Id of the device.")
@click.option("--role", required=True, type=click.Choice(["operator", "node"]), help="Role to take away.")
@rpc_options()
@json_option
@click.pass_obj
def revoke(context: CliContext, device: str, role: str, rpc: RpcOptions, as_json: bool) -> None:
    """Take a role away from a device. It is cut off at once."""
    answer = _change(context, rpc, "device.token.revoke", {"deviceId": device, "role": role})
    _done(answer, f"Revoked the {role} role of {device[:12]}.", as_json=as_json)


def _change(context: CliContext, options: RpcOptions, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    """Call a method with admin rights: nobody can grant more than he holds."""
    with Rpc(context, options).session((method,), scopes=(Scope.ADMIN,)) as session:
        answer = session.call(method, params)
    return answer if isinstance(answer, dict) else {}


def _done(answer: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        print_line(text)
