"""`openclaw help`."""

from __future__ import annotations

import click

from openclaw.cli.output import print_line


@click.command("help")
@click.argument("names", nargs=-1, metavar="[COMMAND]...")
@click.pass_context
def help_command(ctx: click.Context, names: tuple[str, ...]) -> None:
    """Show the help of a command."""
    current = ctx.find_root()
    for name in names:
        group = current.command
        found = group.get_command(current, name) if isinstance(group, click.Group) else None
        if found is None:
            current.fail(f"No such command '{name}'.")
        current = found.make_context(name, [], parent=current, resilient_parsing=True)
    print_line(current.get_help())
