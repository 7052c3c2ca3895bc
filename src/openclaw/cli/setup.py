"""`openclaw setup` and `openclaw reset`: the two ends of an installation (config.md 5.2, 5.3)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import print_json, print_line
from openclaw.system.errors import InvalidInput, Refused

if TYPE_CHECKING:
    from openclaw.security.onboarding.reset import Scope

SCOPES = ("config", "config+creds+sessions", "full")


@click.command(epilog=epilog("openclaw setup", "openclaw setup --workspace ~/claw"))
@click.option("--workspace", type=click.Path(path_type=Path, file_okay=False), help="The agent's directory.")
@json_option
@click.pass_obj
def setup(context: CliContext, workspace: Path | None, as_json: bool) -> None:
    """Name the workspace in the config, and make it and the sessions directory. For the rest: openclaw onboard."""
    from openclaw.agent.workspace import create_missing
    from openclaw.config.edit import ConfigEditor, Put
    from openclaw.config.load import load_config
    from openclaw.config.places import agent_workspace, default_agent
    from openclaw.security.onboarding.changes import with_tilde
    from openclaw.state.files import private_dir

    layout = context.own_state()
    document = dict(load_config(layout, context.environment).document)
    agent = default_agent(document)
    known = agent_workspace(document, agent, layout, context.environment)
    place = workspace.absolute() if workspace is not None else known
    stated = with_tilde(place, context.environment.home)
    written = ConfigEditor(layout, context.environment).change([Put(("agents", "defaults", "workspace"), stated)])
    private_dir(layout.sessions_dir(agent))
    private_dir(place)
    created = () if written.config.agents.defaults.skip_bootstrap is True else create_missing(place)
    if as_json:
        print_json({"ok": True, "workspace": str(place), "created": list(created), "config": str(layout.config)})
        return
    print_line(f"The agent works in {context.shown(place)}" + (f" ({', '.join(created)})." if created else "."))
    print_line(f"Next: {context.command} onboard")


@click.command(
    epilog=epilog(
        "openclaw reset --dry-run --scope full",
        "openclaw reset --scope config",
        "openclaw reset --scope config+creds+sessions --yes --non-interactive",
    )
)
@click.option("--scope", type=click.Choice(SCOPES), help="What is removed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing; needs --scope and --yes.")
@click.option("--dry-run", is_flag=True, help="Only list what would be removed.")
@json_option
@click.pass_obj
def reset(
    context: CliContext, scope: str | None, yes: bool, non_interactive: bool, dry_run: bool, as_json: bool
) -> None:
    """Remove the config; or credentials and sessions too; or everything. It does not come back: make a backup first."""
    from openclaw.cli.questions import confirm
    from openclaw.security.onboarding.reset import reset as remove
    from openclaw.security.onboarding.reset import reset_targets

    context.own_state()
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not (non_interactive or as_json)
    wanted = scope or (_asked() if asks else None)
    if wanted is None:
        raise InvalidInput("say what is to be removed: --scope config, config+creds+sessions or full")
    chosen = cast("Scope", wanted)
    targets = reset_targets(chosen, context.layout, context.environment)
    if not as_json:
        for path in targets:
            print_line(f"{'would remove' if dry_run else 'remove'}  {context.shown(path)}")
    if targets and not dry_run:
        if not yes and not (asks and confirm("Remove it? It does not come back.", default=False)):
            raise Refused("nothing was removed; repeat with --yes to do it")
        remove(chosen, context.layout, context.environment)
    if as_json:
        print_json({"ok": True, "dryRun": dry_run, "scope": wanted, "removed": [str(path) for path in targets]})
    elif not targets:
        print_line("There is nothing to remove.")
    elif not dry_run:
        print_line(f"Removed. Next: {context.command} onboard")


def _asked() -> str:
    from openclaw.cli.questions import select

    rows = [
        ("config", "The config"),
        ("config+creds+sessions", "Config, credentials and sessions"),
        ("full", "Everything: the state directory and the workspaces"),
    ]
    return select("What is to be removed?", rows, "config")
