"""`openclaw ledger`: walks the chain of recorded decisions (guard.md 4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import print_error, print_json, print_line
from openclaw.system.errors import InvalidInput


@click.group(cls=Group)
def ledger() -> None:
    """Check the record of decisions and effects for tampering."""


@ledger.command(epilog=epilog("openclaw ledger verify", "openclaw ledger verify --anchor noted-elsewhere.json --json"))
@click.option(
    "--anchor",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A HEAD file that was copied elsewhere earlier: finds a roll-back of both ledger and HEAD.",
)
@json_option
@click.pass_obj
def verify(context: CliContext, anchor: Path | None, as_json: bool) -> int:
    """Walk the chain. Exit code 0 when every record holds, 1 when one was edited, dropped, moved or cut off."""
    from openclaw.state.ledger_verify import verify_ledger

    found = verify_ledger(context.own_state().ledger, anchor=_anchor(anchor))
    if as_json:
        print_json({"ok": found.ok, "records": found.records, "fault": found.fault, "where": found.where})
    elif found.ok:
        print_line(f"The ledger holds: {found.records} records, none edited, dropped or moved.")
    else:
        print_error(
            f"The ledger does not hold: {found.fault} at {found.where}; the {found.records} before it are sound."
        )
    return 0 if found.ok else 1


def _anchor(path: Path | None) -> dict[str, Any] | None:
    from openclaw.state.files import read_json

    if path is None:
        return None
    found = read_json(path)
    if not isinstance(found, dict) or not isinstance(found.get("seq"), int) or not isinstance(found.get("line"), str):
        raise InvalidInput(f"{path} is no anchor: it must be a copy of the ledger's HEAD, with seq and line")
    return found
