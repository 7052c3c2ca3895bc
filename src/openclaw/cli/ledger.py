"""`openclaw ledger`: walks the chain of recorded decisions (guard.md 4)."""

from __future__ import annotations

from pathlib import Path

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import print_error, print_json, print_line


@click.group(cls=Group)
def ledger() -> None:
    """Check the record of decisions and effects for tampering."""


@ledger.command(epilog=epilog("openclaw ledger verify", "openclaw ledger verify --anchor noted-elsewhere.json --json"))
@click.option(
    "--anchor",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Heads that were noted elsewhere earlier; they find a roll-back of both ledger and HEAD.",
)
@json_option
@click.pass_obj
def verify(context: CliContext, anchor: Path | None, as_json: bool) -> int:
    """Walk the chain. Exit code 0 when every record holds, 1 when one was edited, dropped, moved or cut off.

    The file of logging.ledger.anchor is compared too, when the config names one and it is there.
    """
    from openclaw.state.ledger_verify import read_anchors, verify_ledger

    layout = context.own_state()
    own = _stated(context)
    files = [*([anchor] if anchor is not None else []), *([own] if own is not None and own.is_file() else [])]
    anchors = [one for file in files for one in read_anchors(file)]
    found = verify_ledger(layout.ledger, anchors=anchors)
    if as_json:
        facts = {"ok": found.ok, "records": found.records, "fault": found.fault, "where": found.where}
        print_json({**facts, **({"anchors": len(anchors)} if anchors else {})})
    elif found.ok:
        compared = f" It fits {len(anchors)} noted heads." if anchors else ""
        print_line(f"The ledger holds: {found.records} records, none edited, dropped or moved.{compared}")
    else:
        print_error(
            f"The ledger does not hold: {found.fault} at {found.where}; the {found.records} before it are sound."
        )
    return 0 if found.ok else 1


def _stated(context: CliContext) -> Path | None:
    """Return the file of `logging.ledger.anchor`; None when there is none or the config cannot be read."""
    from openclaw.config.paths import get_value
    from openclaw.config.plain import read_plain

    document = read_plain(context.layout, context.environment).document or {}
    _, text = get_value(document, ("logging", "ledger", "anchor", "file"))
    return context.environment.expand(text) if isinstance(text, str) and text else None
