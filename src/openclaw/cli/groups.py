"""Groups of commands as tables: a command's module is imported when it is called, never to be listed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias, TypeVar

import click

Table: TypeAlias = Mapping[str, tuple[str, str]]
"""Command name to (module:attribute, one-line help), in the order of the help."""

CallableT = TypeVar("CallableT", bound=Callable[..., Any])

SETTINGS: Final[dict[str, Any]] = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class Group(click.Group):
    """A group that answers a wrong name with the nearest one, and no name with its help."""

    other_names: Mapping[str, str] = {}
    """Further names of commands."""
    default: str | None = None
    """Command that is meant when none is named; its options may follow the group's name directly."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in when none is named; without one, show the help."""
        is_option = bool(args) and args[0].startswith("-") and args[0] not in ctx.help_option_names
        if self.default is not None and (not args or is_option):
            return super().parse_args(ctx, [self.default, *args])
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail with the nearest name."""
        names = self.list_commands(ctx)
        name = self.other_names.get(args[0], args[0])
        if name not in names:
            import difflib

            near = difflib.get_close_matches(args[0], [*names, *self.other_names], n=1)
            hint = f" Did you mean '{near[0]}'?" if near else f" See '{ctx.command_path} --help'."
            ctx.fail(f"No such command '{args[0]}'.{hint}")
        return super().resolve_command(ctx, [name, *args[1:]])


class LazyGroup(Group):
    """A group whose commands are imported when they are looked up, and listed from their table.

    Args:
        table: the commands.
        other_names: further names of commands.
        default: command that is meant when none is named.
    """

    def __init__(
        self,
        *args: Any,
        table: Table,
        other_names: Mapping[str, str] | None = None,
        default: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._table = table
        self.other_names = other_names or {}
        self.default = default

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the command's module."""
        row = self._table.get(cmd_name)
        if row is None:
            return None
        module, _, attribute = row[0].partition(":")
        found = getattr(importlib.import_module(module), attribute)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._table.items()])


def lazy_group(
    name: str, text: str, table: Table, *, examples: Sequence[str] = (), default: str | None = None
) -> LazyGroup:
    """Return a group without options of its own, so that none can be swallowed."""
    return LazyGroup(name, help=text, table=table, default=default, epilog=epilog(*examples), context_settings=SETTINGS)


def epilog(*examples: str) -> str | None:
    """Return examples as the last block of a help text, each on its line."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in examples) if examples else None


def json_option(function: CallableT) -> CallableT:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(function)


def yes_option(function: CallableT) -> CallableT:
    """Add `--yes`."""
    return click.option("--yes", is_flag=True, help="Confirm a change that widens access.")(function)
