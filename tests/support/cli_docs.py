"""What `docs/cli.md` must say of each command: its heading and its options, made from the command itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from openclaw.cli.root import root

DOC = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
GATEWAY_OPTIONS = ("--url", "--token", "--password", "--timeout")
ALSO = "Also the [gateway options](#gateway-options)."
HEAD = ("| option | |", "| --- | --- |")


@dataclass(frozen=True)
class Section:
    """The part of the page about one command: the lines that must be there, in this order."""

    heading: str
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((self.heading, "", "(what it does, what --json prints)", "", *self.lines))


def commands() -> Iterator[tuple[click.Command, click.Context]]:
    """Yield every command that is no group, with its context, in the order of the help."""
    yield from _below(root, click.Context(root, info_name="openclaw"))


def _below(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    if not isinstance(command, click.Group):
        yield command, context
        return
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _below(found, click.Context(found, info_name=name, parent=context))


def expected(command: click.Command, context: click.Context) -> Section:
    """Return the section of a command."""
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    heading = "### `" + " ".join((context.command_path, *pieces)) + "`"
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    names = {name for one in options for name in one.opts}
    asks_gateway = set(GATEWAY_OPTIONS) <= names
    rows = [_row(one) for one in options if not (asks_gateway and one.opts[0] in GATEWAY_OPTIONS)]
    table = (*HEAD, *rows) if rows else ()
    gap = ("",) if rows and asks_gateway else ()
    return Section(heading, (*table, *gap, *((ALSO,) if asks_gateway else ())))


def _row(option: click.Option) -> str:
    metavar = option.metavar or (
        "" if option.is_flag else "|".join(option.type.choices) if isinstance(option.type, click.Choice) else "VALUE"
    )
    names = ", ".join(f"`{name}`" for name in option.opts[:-1])
    last = f"`{option.opts[-1]}{f' {metavar}' if metavar else ''}`".replace("|", "\\|")
    default = f" Default: {option.default}." if option.show_default and option.default not in (None, "") else ""
    return f"| {f'{names}, ' if names else ''}{last} | {option.help}{default} |"


def documented() -> dict[str, tuple[str, ...]]:
    """Return the lines below each heading of the page that names a command."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in DOC.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            current = found.setdefault(line, [])
        else:
            current.append(line)
    return {heading: tuple(lines) for heading, lines in found.items() if heading.startswith("### `openclaw ")}


def stated(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Return those lines of a section that state options."""
    return tuple(line for line in lines if line.startswith("|") or line == ALSO)


def mentioned(text: str) -> set[str]:
    """Return every long option that a text names."""
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
