"""`openclaw backup`: making, checking and putting back an archive of everything (config.md 4.2)."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import print_error, print_json, print_line, visible
from openclaw.cli.text import block
from openclaw.system.errors import Refused

if TYPE_CHECKING:
    from openclaw.security.backup.manifest import Manifest
    from openclaw.security.backup.restore import Plan

_PATH = click.Path(path_type=Path, dir_okay=False)
_SHOWN = 5


@click.group(cls=Group)
def backup() -> None:
    """Make, check and put back an archive of state, config and workspaces.

    An archive holds every secret of this assistant. It is readable by you alone; keep it so.
    """


@backup.command(
    epilog=epilog("openclaw backup create", "openclaw backup create --out /media/disk/claw.zip --no-workspaces")
)
@click.option("--out", type=_PATH, help="The new file. Default: ~/openclaw-backups/openclaw-<profile>-<time>.zip")
@click.option("--no-workspaces", is_flag=True, help="Leave the agents' workspaces out.")
@json_option
@click.pass_obj
def create(context: CliContext, out: Path | None, no_workspaces: bool, as_json: bool) -> None:
    """Make an archive, also while the gateway runs.

    Left out are logs, caches, messages in flight, sandboxes, browser profiles and the search index; links are not
    followed.
    """
    from openclaw.security.backup.create import create_backup
    from openclaw.system.clock import SystemClock

    layout = context.own_state()
    target = (out or default_target(context)).absolute()
    made = create_backup(layout, context.environment, SystemClock(), target, workspaces=not no_workspaces)
    links = [path for path, why in made.manifest.skipped if why == "a link"]
    if as_json:
        skipped = [{"path": path, "why": why} for path, why in made.manifest.skipped]
        print_json({"ok": True, "path": str(made.path), "size": made.size, **_facts(made.manifest), "skipped": skipped})
        return
    print_line(f"Made {context.shown(made.path)} ({_size(made.size)}, {_files(made.manifest)}).")
    print_line("It holds every secret of this assistant; only you may open it. Keep it so.")
    if links:
        more = f" and {len(links) - _SHOWN} more" if len(links) > _SHOWN else ""
        print_line(f"Links are not part of it: {', '.join(map(visible, links[:_SHOWN]))}{more}.")
    print_line(f"Check it with: {context.command} backup verify {context.shown(made.path)}")


def default_target(context: CliContext) -> Path:
    """Return where a backup goes when nothing else is said."""
    profile = context.environment.get("OPENCLAW_PROFILE") or "default"
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return context.environment.home / "openclaw-backups" / f"openclaw-{profile}-{stamp}.zip"


@backup.command(epilog=epilog("openclaw backup verify ~/openclaw-backups/openclaw-default-20261124-090000.zip"))
@click.argument("file", type=_PATH)
@json_option
@click.pass_obj
def verify(context: CliContext, file: Path, as_json: bool) -> None:
    """Read an archive to its end and compare every file with the manifest. Exit code 1 when it does not hold."""
    from openclaw.security.backup.archive import verify_backup

    manifest, warnings = verify_backup(file)
    if as_json:
        print_json({"ok": True, "path": str(file.absolute()), **_facts(manifest), "warnings": list(warnings)})
        return
    print_line(f"{context.shown(file.absolute())} holds: {_files(manifest)}, each as its manifest says.")
    print_line(f"Made {manifest.created_at} by openclaw {manifest.version}.")
    for text in warnings:
        print_error(f"warning: {text}")


@backup.command(
    epilog=epilog(
        "openclaw backup restore claw.zip --dry-run",
        "openclaw backup restore claw.zip",
        "openclaw --profile copy backup restore claw.zip --no-workspaces --yes",
    )
)
@click.argument("file", type=_PATH)
@click.option("--no-workspaces", is_flag=True, help="Leave the agents' workspaces as they are.")
@click.option("--dry-run", is_flag=True, help="Check the archive and say what would happen.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def restore(context: CliContext, file: Path, no_workspaces: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Put an archive back. The gateway must not run.

    What is there now is kept aside, also the config. Messages in flight, logs and the ledger stay as they are.
    """
    from openclaw.security.backup.restore import Restore
    from openclaw.system.clock import SystemClock

    work = Restore(file, context.layout, context.environment, SystemClock(), workspaces=not no_workspaces)
    with work:
        plan = work.prepare(unpack=not dry_run)
        if not as_json:
            _show(context, plan)
        if dry_run:
            if as_json:
                print_json({"ok": True, "dryRun": True, **_plan_json(plan)})
            return
        if not yes and not _said_yes():
            raise Refused("nothing was restored; repeat with --yes to do it")
        done = work.apply(plan)
    if as_json:
        print_json({"ok": True, "before": None if done.before is None else str(done.before), **_plan_json(plan)})
        return
    print_line(f"Restored {done.files} files.")
    if done.before is not None:
        print_line(f"What was there is kept in {context.shown(done.before)}; delete it when all is well.")
    print_line(f"Next: {context.command} doctor")


def _said_yes() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty() and click.confirm("Restore it?", default=False, err=True)


def _show(context: CliContext, plan: Plan) -> None:
    print_line(f"Backup of {plan.manifest.created_at} (openclaw {plan.manifest.version}): {_files(plan.manifest)}.")
    state = context.shown(plan.state)
    print_line(f"  state      {state}" + (" (what is there now is kept aside)" if plan.replaces else ""))
    if plan.config is not None:
        print_line(f"  config     {context.shown(plan.config)} (the one there now becomes its .bak)")
    for one in plan.workspaces:
        place = context.shown(one.place)
        print_line(f"  workspace  {place}" + (f": left out, {one.refused}" if one.refused else f" (agent {one.agent})"))
    if plan.faults:
        print_line(f"  The config in it is not valid ({plan.faults} faults); run doctor afterwards.")
    if plan.widens:
        print_line("  The config in it admits more than the present one:")
        for text in plan.widens:
            print_line(block("    - ", text))
    for text in plan.warnings:
        print_error(f"warning: {text}")


def _plan_json(plan: Plan) -> dict[str, object]:
    return {
        "state": str(plan.state),
        "config": None if plan.config is None else str(plan.config),
        "workspaces": [{"agent": one.agent, "path": str(one.place), "refused": one.refused} for one in plan.workspaces],
        "widens": list(plan.widens),
        "warnings": list(plan.warnings),
        **_facts(plan.manifest),
    }


def _facts(manifest: Manifest) -> dict[str, object]:
    return {
        "createdAt": manifest.created_at,
        "version": manifest.version,
        "files": len(manifest.files),
        "bytes": manifest.size,
    }


def _files(manifest: Manifest) -> str:
    return f"{len(manifest.files)} files, {_size(manifest.size)}"


def _size(number: int) -> str:
    for unit, size in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return f"{number} bytes"
