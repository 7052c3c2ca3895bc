"""`openclaw secrets`: finding secrets that lie in plain text, and moving them (config.md 1.11, 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import Group, epilog, json_option
from openclaw.cli.output import print_json, print_line, print_table

if TYPE_CHECKING:
    from openclaw.security.secret_scan.model import PlainSecret
    from openclaw.security.secret_scan.moves import Move, Target

_KINDS = {
    "config": "secret in the config",
    "config-unmarked": "looks like a secret",
    "config-url": "address with a secret",
    "config-backup": "backup of the config",
    "env-file": "variable",
    "auth-profile": "model credential",
    "credential-file": "file made for secrets",
    "transcript": "written in a conversation",
    "log": "written in a log",
}


@click.group(cls=Group)
def secrets() -> None:
    """Find secrets that lie in plain text, and move them out of the config. Values are never printed."""


@secrets.command(
    epilog=epilog(
        "openclaw secrets audit",
        "openclaw secrets audit --fix              move them to <state>/.env and leave ${NAME} behind",
        "openclaw secrets audit --fix --to file    move them to <state>/secrets.json",
        "openclaw secrets audit --json",
    )
)
@click.option("--fix", is_flag=True, help="Move what the config holds in plain text.")
@click.option("--to", "target", type=click.Choice(["env", "file", "keyring"]), default="env", help="Where to.")
@json_option
@click.pass_obj
def audit(context: CliContext, fix: bool, target: str, as_json: bool) -> None:
    """List the places of the state directory where a secret stands in plain text.

    Looked at are the config and its backups, .env, credentials, transcripts, jobs and logs; not workspaces, sandboxes,
    media and plugins.
    """
    from openclaw.config.plain import read_plain
    from openclaw.security.secret_scan.moves import Mover, plan_moves
    from openclaw.security.secret_scan.scan import find_secrets

    layout = context.own_state()
    found = find_secrets(layout, context.environment)
    moves = plan_moves(found, read_plain(layout, context.environment), cast("Target", target))
    if fix and not as_json:
        _show_moves(context, moves, "To move")
    moved = Mover(layout, context.environment).apply(moves) if fix else ()
    if fix:
        found = find_secrets(layout, context.environment)
    if as_json:
        print_json({"findings": [one.as_json() for one in found], "moved": [one.as_json() for one in moved]})
        return
    if fix:
        print_line("Moved.\n" if moved else "Nothing to move.\n")
    _show(context, found)
    if moves and not fix:
        print_line()
        _show_moves(context, moves, "Can be moved")
        print_line(f"\nMove them with: {context.command} secrets audit --fix" + (f" --to {target}" * (target != "env")))


def _show(context: CliContext, found: list[PlainSecret]) -> None:
    from openclaw.security.secret_scan.model import AT_HOME

    open_ones = [one for one in found if one.kind not in AT_HOME]
    at_home = [one for one in found if one.kind in AT_HOME]
    _table(context, "Secrets in plain text", open_ones, "none.")
    if at_home:
        print_line()
        _table(context, "Where secrets belong (private files; keep them out of copies)", at_home, "none.")
    if any(one.kind.value in ("transcript", "log") for one in open_ones):
        print_line("\nWhat stands in a conversation or log cannot be moved: replace such a key at its provider, then")
        print_line("delete the conversation with /reset, or the file.")


def _table(context: CliContext, title: str, found: list[PlainSecret], empty: str) -> None:
    rows = [(context.shown(one.file), one.path or "-", _KINDS[one.kind.value]) for one in found]
    print_table(title, ("File", "Where", "What"), rows, color=context.color, empty=empty)


def _show_moves(context: CliContext, moves: list[Move], title: str) -> None:
    rows = [(context.shown(move.secret.file), move.secret.path, move.place) for move in moves]
    if rows:
        print_table(title, ("File", "Where", "Goes to"), rows, color=context.color)
