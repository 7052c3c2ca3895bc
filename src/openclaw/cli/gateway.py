"""`openclaw gateway`: the table of its commands. Options belong to the commands; `gateway` alone is `gateway run`."""

from __future__ import annotations

from typing import Final

from openclaw.cli.groups import Table, lazy_group

TABLE: Final[Table] = {
    "run": ("openclaw.cli.gateway_run:run", "Run the gateway in the foreground (also without `run`)."),
    "status": ("openclaw.cli.gateway_status:status", "Show whether it runs, on which port, and whether it answers."),
    "health": ("openclaw.cli.health:health", "Ask the running gateway for its health."),
    "stop": ("openclaw.cli.gateway_stop:stop", "Stop the gateway of this state directory."),
    "install": ("openclaw.cli.service:install", "Install it as a service that starts with your session."),
    "uninstall": ("openclaw.cli.service:uninstall", "Stop the service and remove its definition."),
    "start": ("openclaw.cli.service:start", "Start the installed service."),
    "restart": ("openclaw.cli.service:restart", "Stop and start the installed service."),
    "call": ("openclaw.cli.gateway_call:call", "Call one of its methods."),
}

gateway = lazy_group(
    "gateway",
    "Run the gateway, ask how it is, or call one of its methods.",
    TABLE,
    default="run",
    examples=(
        "openclaw gateway run --port 19000",
        "openclaw gateway status --json",
        "openclaw gateway call sessions.list --params '{limit: 5}'",
    ),
)
