"""`openclaw uninstall`: takes service, state and workspaces away, after showing exactly what goes (config.md 4.2)."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import print_error, print_json, print_line, visible
from openclaw.system.errors import InvalidInput, OpenClawError, Refused

if TYPE_CHECKING:
    from openclaw.security.onboarding.uninstall import Plan
    from openclaw.security.service.model import ServiceManager, ServiceState

ROWS: Final = (
    ("service", "The service of this machine"),
    ("state", "State: config, credentials, conversations, ledger"),
    ("workspace", "The agents' workspaces"),
)
STOP_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.05


@click.command(
    epilog=epilog(
        "openclaw uninstall --all --dry-run",
        "openclaw uninstall",
        "openclaw uninstall --service --state --yes --non-interactive --backup",
    )
)
@click.option("--service", is_flag=True, help="The service definition; the service is stopped first.")
@click.option("--state", is_flag=True, help="Config, credentials, conversations, ledger: the state directory.")
@click.option("--workspace", is_flag=True, help="The workspaces of all agents.")
@click.option("--app", is_flag=True, help="A desktop app; this version installs none.")
@click.option("--all", "everything", is_flag=True, help="All of these.")
@click.option("--backup", is_flag=True, help="Make a backup first; on a terminal it is asked.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--non-interactive", is_flag=True, help="Ask nothing; needs --yes and what is to go.")
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@json_option
@click.pass_obj
def uninstall(
    context: CliContext, /, yes: bool, non_interactive: bool, dry_run: bool, as_json: bool, backup: bool, **chosen: bool
) -> None:
    """Take openclaw away: the service, the state, the workspaces. It does not come back: make a backup first.

    What openclaw did not write stays and is named. The program itself is removed the way it was installed.
    """
    context.own_state()
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not (non_interactive or as_json or yes)
    work = _Work.planned(context, _parts(chosen, asks=asks))
    if not as_json:
        work.show(dry_run=dry_run)
    saved = None
    if work.anything and not dry_run:
        work.refuse_running()
        if asks:
            backup = backup or (work.loses_data and _wants_backup())
        if not yes and not (asks and _is_sure()):
            raise Refused("nothing was removed; repeat with --yes to do it")
        saved = work.save() if backup and work.loses_data else None
        work.carry_out()
    if as_json:
        print_json(work.as_json(dry_run=dry_run, saved=saved))
    elif work.anything and not dry_run:
        if saved is not None:
            print_line(f"A backup is in {context.shown(saved)}; it holds every secret, keep it private.")
        print_line("Removed. The program itself goes the way it came, such as: pip uninstall openclaw")


def _parts(chosen: dict[str, bool], *, asks: bool) -> frozenset[str]:
    from openclaw.security.onboarding.uninstall import PARTS

    named = frozenset(PARTS if chosen["everything"] else (name for name in PARTS if chosen[name]))
    if named or not asks:
        if not named:
            raise InvalidInput("say what is to go: --service, --state, --workspace or --all")
        return named
    from openclaw.cli.questions import many

    ticked = frozenset(many("What is to go? (space ticks one)", ROWS))
    if not ticked:
        raise Refused("nothing was chosen, nothing was removed")
    return ticked


def _wants_backup() -> bool:
    from openclaw.cli.questions import confirm

    return confirm("Make a backup first?", default=True)


def _is_sure() -> bool:
    from openclaw.cli.questions import confirm

    return confirm("Remove all that is listed? It does not come back.", default=False)


@dataclass(slots=True)
class _Work:
    """One uninstall: what it removes, and doing it."""

    context: CliContext
    parts: frozenset[str]
    plan: Plan
    manager: ServiceManager | None
    service: ServiceState | None

    @classmethod
    def planned(cls, context: CliContext, parts: frozenset[str]) -> _Work:
        """Work out what goes; refuses before anything is touched."""
        from openclaw.security.onboarding.uninstall import uninstall_plan

        plan = uninstall_plan(parts, context.layout, context.environment)
        manager = _manager(context) if "service" in parts else None
        return cls(context, parts, plan, manager, manager.status() if manager is not None else None)

    @property
    def anything(self) -> bool:
        """Return whether there is something to remove."""
        return bool(self.plan.paths or self.plan.folders) or self._has_service

    @property
    def loses_data(self) -> bool:
        """Return whether what goes can be backed up."""
        return bool(self.plan.paths) and self.context.layout.root.is_dir()

    @property
    def _has_service(self) -> bool:
        return self.service is not None and self.service.installed

    def show(self, *, dry_run: bool) -> None:
        """Print exactly what goes, and what stays."""
        verb = "would remove" if dry_run else "remove"
        if self.service is not None and self.service.installed:
            print_line(f"{verb}  {self.context.shown(self.service.file)} (the service {visible(self.service.label)})")
        for path in self.plan.paths:
            print_line(f"{verb}  {visible(self.context.shown(path))}{_size(path)}")
        for path in self.plan.folders:
            print_line(f"{verb}  {visible(self.context.shown(path))} (empty then)")
        for path in self.plan.kept:
            print_line(f"keep    {visible(self.context.shown(path))}")
        if "app" in self.parts:
            print_line("This version installs no desktop app; there is none to remove.")
        if not self.anything:
            print_line("There is nothing to remove.")

    def refuse_running(self) -> None:
        """Refuse while a gateway runs here, unless it is the service, which is stopped first."""
        from openclaw.security.running import refuse_running
        from openclaw.state.gateway_lock import gateway_owner

        owner = gateway_owner(self.context.layout)
        if owner is None or not self.plan.paths:
            return
        if self.service is None or not self.service.running or self.service.pid != owner.pid:
            refuse_running(self.context.layout)

    def save(self) -> Path:
        """Make a backup outside of what goes."""
        from openclaw.cli.backup import default_target
        from openclaw.security.backup.create import create_backup
        from openclaw.system.clock import SystemClock

        target = default_target(self.context)
        return create_backup(self.context.layout, self.context.environment, SystemClock(), target).path

    def carry_out(self) -> None:
        """Stop and remove the service, then the files."""
        from openclaw.security.onboarding.uninstall import remove
        from openclaw.security.running import refuse_running
        from openclaw.state.gateway_lock import gateway_owner

        if self.manager is not None and self._has_service:
            self.manager.uninstall()
        if not self.plan.paths and not self.plan.folders:
            return
        until = time.monotonic() + STOP_SECONDS
        while gateway_owner(self.context.layout) is not None and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        refuse_running(self.context.layout)
        remove(self.plan)

    def as_json(self, *, dry_run: bool, saved: Path | None) -> dict[str, object]:
        """Return the document for scripts."""
        service = self.service
        return {
            "ok": True,
            "dryRun": dry_run,
            "parts": sorted(self.parts),
            "service": str(service.file) if service is not None and service.installed else None,
            "removed": [str(path) for path in (*self.plan.paths, *self.plan.folders)],
            "kept": [str(path) for path in self.plan.kept],
            "backup": None if saved is None else str(saved),
        }


def _manager(context: CliContext) -> ServiceManager | None:
    from openclaw.security.service.manager import gateway_service

    try:
        return gateway_service(context.layout, context.environment)
    except OpenClawError as error:
        print_error(f"warning: the service was not looked at: {error.message}")
        return None


def _size(path: Path) -> str:
    """Return how many files lie below a folder, for the list."""
    if path.is_symlink() or not path.is_dir():
        return ""
    from openclaw.security.state_tree import scan

    tree = scan(path)
    count = sum(node.kind != "directory" for node in tree.nodes.values())
    more = " or more" if tree.truncated or tree.unreadable else ""
    return f" ({count}{more} {'file' if count == 1 else 'files'})"
