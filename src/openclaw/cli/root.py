"""The command tree: names and one-line helps as data; a command's module is imported when it is called."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from typing import Final

import click

from openclaw.version import VERSION

COMMANDS: Final[dict[str, tuple[str, str]]] = {
    "up": ("openclaw.cli.up:up", "Start openclaw: make state and config if there are none, then run the gateway."),
    "gateway": ("openclaw.cli.gateway:gateway", "Run the gateway, ask how it is, or call one of its methods."),
    "status": ("openclaw.cli.status:status", "Show gateway, channels, sessions and security at a glance."),
    "health": ("openclaw.cli.health:health", "Ask the running gateway for its health."),
    "agent": ("openclaw.cli.agent:agent", "Run one turn of the agent."),
    "sessions": ("openclaw.cli.sessions:sessions", "List conversations."),
    "pairing": ("openclaw.cli.pairing:pairing", "List and approve people who asked to talk to the bot."),
    "devices": ("openclaw.cli.devices:devices", "List, approve and revoke paired devices."),
    "approvals": ("openclaw.cli.approvals:approvals", "Show and edit which commands may run without asking."),
    "config": ("openclaw.cli.config:config", "Read, change and check the configuration."),
    "logs": ("openclaw.cli.logs:logs", "Show or follow the gateway's log."),
    "policy": ("openclaw.cli.policy:policy", "Test the policy against case files."),
}
"""Name to (module:attribute, help), in the order of `--help`."""

ALIASES: Final = {"exec-approvals": "approvals"}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are looked up, and listed from the table."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        row = COMMANDS.get(ALIASES.get(cmd_name, cmd_name))
        if row is None:
            return None
        module, _, attribute = row[0].partition(":")
        found = getattr(importlib.import_module(module), attribute)
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail with the nearest name."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            import difflib

            near = difflib.get_close_matches(name, [*COMMANDS, *ALIASES], n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{name}'.{hint}")
        return super().resolve_command(ctx, args)


EXAMPLES: Final = """
\b
Examples:
  openclaw up                                 start, with the web chat's address
  openclaw pairing approve telegram CODE      let somebody talk to the bot
  openclaw agent -m "run ls"                  one turn from the terminal
  openclaw config set agents.defaults.model.primary openai/gpt-5.2
"""


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EXAMPLES,
)
@click.option("--dev", is_flag=True, help="Use the profile 'dev' and port 19001.")
@click.option("--profile", metavar="NAME", help="Use a state directory of its own: ~/.openclaw-NAME.")
@click.option("--no-color", is_flag=True, help="Print without colours.")
@click.version_option(VERSION, "-V", "--version", message="%(version)s")
@click.pass_context
def root(ctx: click.Context, dev: bool, profile: str | None, no_color: bool) -> None:
    """A gateway between your chat apps and an AI agent with real tools, that keeps you in control."""
    from openclaw.cli.context import CliContext

    ctx.obj = CliContext.build(dev=dev, profile=profile, no_color=no_color)


def run(arguments: Sequence[str]) -> int:
    """Run the tree and map errors to exit codes: 0 ok, 1 any failure, 2 bad profile arguments (config.md 4.1)."""
    from openclaw.system.errors import OpenClawError

    try:
        outcome = root.main(args=list(arguments), prog_name="openclaw", standalone_mode=False)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show(sys.stderr)
        return 1
    except click.Abort:
        sys.stderr.write("stopped\n")
        return 1
    except OpenClawError as error:
        from openclaw.cli.output import show_error

        return show_error(error, arguments)
    except BrokenPipeError:
        return 0
    return outcome if isinstance(outcome, int) else 0
