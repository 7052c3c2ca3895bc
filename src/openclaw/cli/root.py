"""The command tree and the mapping of errors to exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

import click

from openclaw.cli.commands import ALIASES, COMMANDS, root_help
from openclaw.cli.groups import SETTINGS, LazyGroup
from openclaw.version import VERSION

INTERRUPTED: Final = 130
"""What shells expect of a program that Ctrl-C ended."""


class Root(LazyGroup):
    """The root: its help is made without loading a command."""

    def get_help(self, ctx: click.Context) -> str:
        """Return the text that the console script also prints on its own."""
        return root_help().rstrip("\n")


@click.group(cls=Root, table=COMMANDS, other_names=ALIASES, context_settings=SETTINGS)
@click.option("--dev", is_flag=True)
@click.option("--profile", metavar="NAME")
@click.option("--no-color", is_flag=True)
@click.version_option(VERSION, "-V", "--version", message="%(version)s")
@click.pass_context
def root(ctx: click.Context, dev: bool, profile: str | None, no_color: bool) -> None:
    """Apply the options that stand before the command; the help text is in `openclaw.cli.commands`."""
    from openclaw.cli.context import CliContext

    ctx.obj = CliContext.build(dev=dev, profile=profile, no_color=no_color)


def run(arguments: Sequence[str]) -> int:
    """Run the tree and map errors to exit codes (config.md 4.1).

    0 ok, 1 any failure, 2 bad profile arguments; 130 stopped by Ctrl-C, for instance at a question.
    """
    from openclaw.system.errors import OpenClawError

    try:
        outcome = root.main(args=list(arguments), prog_name="openclaw", standalone_mode=False)
    except click.ClickException as error:
        from openclaw.cli.output import show_usage_error

        return show_usage_error(error, arguments)
    except click.Abort:
        sys.stderr.write("stopped\n")
        return INTERRUPTED
    except OpenClawError as error:
        from openclaw.cli.output import show_error

        return show_error(error, arguments)
    except Exception as error:  # noqa: BLE001 - the last boundary: people see one line, whatever happened
        from openclaw.cli.output import show_defect

        return show_defect(error, arguments)
    return outcome if isinstance(outcome, int) else 0
