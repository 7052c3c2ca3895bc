"""`openclaw service`: the gateway as a service of the user (systemd, launchd)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import print_json, print_line

if TYPE_CHECKING:
    from openclaw.security.service.model import ServiceManager


@click.group(cls=Group)
def service() -> None:
    """Install the gateway as a service that starts with your session and after a crash.

    Secrets never enter the service definition: they stay in the config or in <state>/.env.
    """


def manager_of(context: CliContext, port: int | None = None) -> ServiceManager:
    """Return the service of the state directory."""
    from openclaw.security.service.manager import gateway_service

    return gateway_service(context.own_state(), context.environment, port=port)


@service.command(epilog=epilog("openclaw service install", "openclaw --profile work service install --port 19000"))
@click.option("--port", type=click.IntRange(1, 65535), help="Port; the config decides otherwise.")
@click.option("--force", is_flag=True, help="Replace a definition that was changed by hand; it is kept as .bak.")
@click.option("--print", "only_print", is_flag=True, help="Print the definition and install nothing.")
@json_option
@click.pass_obj
def install(context: CliContext, port: int | None, force: bool, only_print: bool, as_json: bool) -> None:
    """Write the service definition, enable and start it."""
    manager = manager_of(context, port)
    if only_print:
        print_line(manager.render().rstrip("\n"))
        return
    state = manager.install(force=force)
    if as_json:
        print_json({"ok": True, "service": state.as_json(manager.spec), "file": str(state.file)})
        return
    print_line(f"Installed {context.shown(state.file)}; the service is {state.detail}.")
    print_line(f"Next: {context.command} service status")


@service.command(epilog=epilog("openclaw service status --json"))
@json_option
@click.pass_obj
def status(context: CliContext, as_json: bool) -> None:
    """Show whether the service is installed and runs."""
    manager = manager_of(context)
    state = manager.status()
    if as_json:
        print_json({"service": state.as_json(manager.spec), "file": str(state.file)})
        return
    if not state.installed:
        print_line(f"Not installed. Install it with: {context.command} service install")
        return
    print_line(f"{state.label}: {state.detail}" + (f", pid {state.pid}" if state.pid else ""))
    print_line(f"Definition: {context.shown(state.file)} ({state.definition.value})")
    if state.definition.value in ("outdated", "edited"):
        print_line(f"To renew it: {context.command} service install --force")


def _deed(name: str, past: str, text: str) -> click.Command:
    @service.command(name, help=text, epilog=epilog(f"openclaw service {name}"))
    @json_option
    @click.pass_obj
    def command(context: CliContext, as_json: bool) -> None:
        manager = manager_of(context)
        getattr(manager, name)()
        if as_json:
            print_json({"ok": True, "service": manager.status().as_json(manager.spec)})
        else:
            print_line(f"The service was {past}.")

    return command


start = _deed("start", "started", "Start the service.")
stop = _deed("stop", "stopped", "Stop the service; it starts again with your next session.")
restart = _deed("restart", "restarted", "Stop and start the service.")


@service.command(epilog=epilog("openclaw service uninstall"))
@json_option
@click.pass_obj
def uninstall(context: CliContext, as_json: bool) -> None:
    """Stop the service and remove its definition; config and state stay."""
    removed = manager_of(context).uninstall()
    if as_json:
        print_json({"ok": True, "removed": removed})
    else:
        print_line("Removed the service." if removed else "It was not installed.")
