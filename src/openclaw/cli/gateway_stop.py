"""`openclaw gateway stop`: ends the gateway that holds this state directory."""

from __future__ import annotations

import time
from typing import Final

import click

from openclaw.cli.context import CliContext
from openclaw.cli.gateway_run import stop_running
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import print_json, print_line
from openclaw.system.errors import Unavailable

WAIT_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.05


@click.command(epilog=epilog("openclaw gateway stop"))
@json_option
@click.pass_obj
def stop(context: CliContext, as_json: bool) -> None:
    """Stop the gateway of this state directory; running turns may end first."""
    from openclaw.state.gateway_lock import gateway_owner

    pid = stop_running(context)
    deadline = time.monotonic() + WAIT_SECONDS
    while pid is not None and gateway_owner(context.layout) is not None:
        if time.monotonic() > deadline:
            raise Unavailable(f"the gateway (pid {pid}) did not stop within {WAIT_SECONDS:g} seconds")
        time.sleep(POLL_SECONDS)
    if as_json:
        print_json({"ok": True, "pid": pid})
    else:
        print_line("No gateway runs." if pid is None else f"Stopped the gateway (pid {pid}).")
