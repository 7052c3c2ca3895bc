"""`openclaw sessions`: conversations, read from their store."""

from __future__ import annotations

import time
from pathlib import Path

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import age, print_json, print_line, print_table, tokens


@click.command(epilog=epilog("openclaw sessions", "openclaw sessions --active 60 --json"))
@click.option("--store", type=click.Path(path_type=Path, dir_okay=False), help="Read this store instead.")
@click.option("--active", type=click.IntRange(1), metavar="MINUTES", help="Only those used within MINUTES.")
@json_option
@click.pass_obj
def sessions(context: CliContext, store: Path | None, active: int | None, as_json: bool) -> None:
    """List the conversations of the default agent, newest first."""
    from openclaw.cli.local import flags, read_store, session_row, store_of
    from openclaw.config.places import default_agent
    from openclaw.config.view import view_config

    layout = context.own_state()
    view = view_config(layout, context.environment)
    agent = default_agent(view.config)
    path = store.absolute() if store is not None else store_of(view.config, agent, layout, view.plain.environment)
    now = time.time_ns() // 1_000_000
    rows = [session_row(key, entry, now) for key, entry in read_store(path).items()]
    if active is not None:
        rows = [row for row in rows if row["ageMs"] is not None and row["ageMs"] <= active * 60_000]
    rows.sort(key=lambda row: row["updatedAt"] or 0, reverse=True)
    if as_json:
        print_json({"path": str(path), "count": len(rows), "activeMinutes": active, "sessions": rows})
        return
    print_line(f"Session store: {context.shown(path)}")
    print_table(
        None,
        ("Kind", "Key", "Age", "Model", "Tokens", "Flags"),
        [
            (
                row["kind"],
                row["key"],
                age(row["ageMs"]),
                row["model"] or "-",
                tokens(row["totalTokens"], row["contextTokens"]),
                flags(row),
            )
            for row in rows
        ],
        color=context.color,
        empty="No sessions yet.",
    )
