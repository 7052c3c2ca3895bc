"""`openclaw gateway run`: the gateway in the foreground. What it runs is built in the gateway room."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog

if TYPE_CHECKING:
    from openclaw.config.compile.gateway import GatewayFlags

PORTS: Final = click.IntRange(1, 65535)


@click.command(
    epilog=epilog(
        "openclaw gateway run",
        "openclaw gateway --port 19000 --verbose",
        "OPENCLAW_GATEWAY_PASSWORD=... openclaw gateway run --auth password",
    )
)
@click.option("--port", type=PORTS, help="Port; wins over OPENCLAW_GATEWAY_PORT and gateway.port.")
@click.option("--bind", type=click.Choice(["loopback", "auto", "lan", "tailnet", "custom"]), help="Where to listen.")
@click.option("--auth", type=click.Choice(["token", "password"]), help="What opens the gateway.")
@click.option("--token", help="Its token. Others on this machine can see it here; better in the config.")
@click.option("--password", help="Its password; the same holds.")
@click.option("--allow-unconfigured", is_flag=True, help="Start although gateway.mode is not local.")
@click.option("--force", is_flag=True, help="Stop the gateway that has this state directory first.")
@click.option("--verbose", is_flag=True, help="Debug messages on the console.")
@click.pass_obj
def run(context: CliContext, /, allow_unconfigured: bool, force: bool, verbose: bool, **flags: Any) -> int:
    """Run the gateway until it is stopped: Ctrl-C stops it at once, SIGTERM lets running turns end first."""
    start_quickly()
    from openclaw.gateway.start import GatewayOptions, serve

    if force:
        stop_running(context)
    options = GatewayOptions(
        flags=gateway_flags(**flags),
        allow_unconfigured=allow_unconfigured,
        verbose=verbose,
        command=context.command,
    )
    return until_interrupted(lambda: serve(context.own_state(), context.environment, options))


def until_interrupted(work: Callable[[], int]) -> int:
    """Run the gateway; Ctrl-C before it minds its signals, or after, ends it as quietly as in between."""
    try:
        return work()
    except KeyboardInterrupt:
        return 0


def start_quickly() -> None:
    """Put garbage collection off until the gateway listens: start-up makes many objects, and nearly all stay."""
    gc.disable()


def gateway_flags(
    *,
    port: int | None = None,
    bind: str | None = None,
    auth: str | None = None,
    token: str | None = None,
    password: str | None = None,
) -> GatewayFlags:
    """Return the flags as the gateway room takes them."""
    from openclaw.config.compile.gateway import GatewayFlags
    from openclaw.policy.who.gateway_policy import AuthMode, Bind
    from openclaw.system.secret import Secret

    return GatewayFlags(
        auth=None if auth is None else AuthMode(auth),
        bind=None if bind is None else Bind(bind),
        port=port,
        token=None if token is None else Secret(token),
        password=None if password is None else Secret(password),
    )


def stop_running(context: CliContext) -> int | None:
    """Tell the gateway that holds this state directory to stop; returns its process id, None when there is none."""
    from openclaw.state.gateway_lock import gateway_owner

    owner = gateway_owner(context.own_state())
    if owner is None or owner.pid is None:
        return None
    try:
        os.kill(owner.pid, signal.SIGTERM)
    except ProcessLookupError:
        return None
    return owner.pid
