"""`openclaw gateway call`: one method of the gateway, with the least scope that it needs."""

from __future__ import annotations

from typing import Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import print_json, print_line
from openclaw.cli.rpc import Rpc, RpcOptions, rpc_options
from openclaw.system.errors import InvalidInput


@click.command(
    epilog=epilog(
        "openclaw gateway call health",
        "openclaw gateway call chat.history --params '{sessionKey: \"main\", limit: 3}' --json",
        'openclaw gateway call exec.approval.resolve --params \'{id: "ID", decision: "allow-once"}\'',
    )
)
@click.argument("method")
@click.option("--params", default="{}", show_default=True, help="Parameters as JSON5.")
@rpc_options()
@json_option
@click.pass_obj
def call(context: CliContext, method: str, params: str, rpc: RpcOptions, as_json: bool) -> None:
    """Call METHOD and print its answer; of two answers the last one."""
    answer = Rpc(context, rpc).call(method, _object(params))
    if not as_json:
        print_line(f"Gateway call: {method}")
    print_json(answer)


def _object(text: str) -> dict[str, Any]:
    from openclaw.config.json5 import Json5Error, loads

    try:
        found = loads(text)
    except Json5Error as error:
        raise InvalidInput(f"--params is not JSON5: {error}") from error
    if not isinstance(found, dict):
        raise InvalidInput("--params must be an object, such as {limit: 5}")
    return found
