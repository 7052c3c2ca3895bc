"""A write of the config by a command: shown before it counts, confirmed when it widens access (config.md 4.2)."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from openclaw.cli.context import CliContext
from openclaw.cli.output import print_error, print_json, print_line
from openclaw.system.errors import Refused

if TYPE_CHECKING:
    from openclaw.config.edit import ConfigEditor, Written
    from openclaw.config.load import Loaded

_WIDENS: Final = "widens-access"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a write came to.

    Attributes:
        written: the files and the config as it is now.
        changed: dotted paths whose effective value differs.
        widens: what the new config lets in that the old one did not.
        restart: the gateway must be restarted for it.
    """

    written: Written
    changed: tuple[str, ...]
    widens: tuple[str, ...]
    restart: bool

    def as_json(self, path: Path) -> dict[str, Any]:
        """Return the answer for scripts (config.md 4.2)."""
        return {
            "ok": True,
            "path": str(path),
            "changed": list(self.changed),
            "widens": list(self.widens),
            "restart": self.restart,
        }


def write(context: CliContext, change: Callable[[ConfigEditor, Loaded], Written], *, yes: bool) -> Outcome:
    """Make a change; ask first when its result widens access.

    Args:
        context: the frame of the command.
        change: makes it with an editor, and is given the config as it is.
        yes: do not ask.

    Raises:
        Refused: it widens access, and nobody said yes; nothing is written.
    """
    from openclaw.config.edit import ConfigEditor
    from openclaw.config.load import read_config
    from openclaw.security.explain.widening import judge_configs

    layout = context.own_state()
    before = read_config(layout, context.environment)
    found: tuple[str, ...] = ()

    def approve(after: Loaded) -> None:
        nonlocal found
        assert after.config is not None
        found = judge_configs(before.config, after.config, context.environment).widened
        if found and not yes:
            raise Refused(
                "config change widens access: " + "; ".join(found) + ". Repeat with --yes; nothing is written",
                code=_WIDENS,
                details={"widens": found},
            )

    try:
        written = change(ConfigEditor(layout, context.environment, approve=approve), before)
    except Refused as error:
        if error.code != _WIDENS or not _said_yes(found):
            raise
        written = change(ConfigEditor(layout, context.environment), before)
    changed, restart = _effect(before, written)
    return Outcome(written, changed, found, restart)


def _said_yes(widened: tuple[str, ...]) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print_error("This change widens access:")
    for text in widened:
        print_error(f"  - {text}")
    return click.confirm("Write it?", default=False, err=True)


def _effect(before: Loaded, written: Written) -> tuple[tuple[str, ...], bool]:
    from openclaw.config.issues import dotted
    from openclaw.config.reload_plan import changed_paths, plan_reload

    old = dict(before.config.document) if before.config is not None else {}
    differing = changed_paths(old, dict(written.config.document))
    changed = frozenset(parts for parts in differing if parts[0] != "meta")
    mode = written.config.gateway.reload.mode or "hybrid"
    plan = plan_reload(changed, mode)
    needs = plan.restart or bool(plan.ignored) or (mode == "off" and bool(changed))
    return tuple(sorted(dotted(parts) for parts in changed)), needs


def tell(context: CliContext, outcome: Outcome, said: str, *, as_json: bool) -> None:
    """Print what a write came to: `said`, and whether it counts at once."""
    if as_json:
        print_json(outcome.as_json(context.layout.config))
        return
    if not outcome.changed:
        print_line(f"{said} It was so already.")
    elif outcome.restart:
        print_line(f"{said} Restart the gateway to apply.")
    else:
        print_line(f"{said} A running gateway applies it by itself.")
    for path in outcome.written.rewritten:
        print_error(f"note: the comments of {context.shown(path)} could not be kept")
