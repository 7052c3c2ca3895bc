"""`openclaw completion`, `openclaw help`."""

from __future__ import annotations

import click

from openclaw.cli.groups import epilog
from openclaw.cli.output import print_line


@click.command(
    epilog=epilog(
        'eval "$(openclaw completion bash)"', "openclaw completion fish > ~/.config/fish/completions/openclaw.fish"
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes openclaw's commands and options in SHELL."""
    from click.shell_completion import get_completion_class

    from openclaw.cli.root import root

    found = get_completion_class(shell)
    if found is not None:
        print_line(found(root, {}, "openclaw", "_OPENCLAW_COMPLETE").source().rstrip())
