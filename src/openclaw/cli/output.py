"""What commands print: one JSON document with `--json`, tables for people, errors without a stack trace.

Tables are drawn by rich on a terminal. Elsewhere they are plain columns, so that nothing is cut at some width and the
library is not even loaded.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from openclaw.system.errors import OpenClawError

if TYPE_CHECKING:
    import click
    from rich.console import Console

PROFILE_EXIT: Final = 2


def print_json(value: Any) -> None:
    """Print one JSON document with two-space indent."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_line(text: str = "") -> None:
    """Print one line."""
    sys.stdout.write(text + "\n")


def print_error(text: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write(text + "\n")


def console(*, color: bool) -> Console:
    """Return a rich console; without colours it prints plain text."""
    from rich.console import Console

    return Console(no_color=not color, force_terminal=color or None, highlight=False, soft_wrap=False)


def print_table(
    title: str | None, columns: Sequence[str], rows: Iterable[Sequence[str]], *, color: bool, empty: str = "None."
) -> None:
    """Print rows as a table, or one line when there are none. Control characters in cells are made visible."""
    listed = [[visible(cell) for cell in row] for row in rows]
    if not listed:
        print_line(f"{title}: {empty.lower()}" if title else empty)
    elif sys.stdout.isatty() or color:
        _draw(title, columns, listed, color=color)
    else:
        widths = [max(len(cell) for cell in column) for column in zip(columns, *listed, strict=True)]
        if title:
            print_line(title)
        for line in (columns, *listed):
            print_line("  ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)).rstrip())


def _draw(title: str | None, columns: Sequence[str], rows: Sequence[Sequence[str]], *, color: bool) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console(color=color).print(table)


def visible(text: str) -> str:
    """Return text from elsewhere in a form that cannot steer a terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def show_error(error: OpenClawError, arguments: Sequence[str]) -> int:
    """Print an error for people on stderr, or as JSON on stdout when `--json` was asked for; returns exit code 1."""
    issues = error.details.get("issues")
    listed = [issue for issue in issues if isinstance(issue, Mapping)] if isinstance(issues, Sequence) else []
    if wants_json(arguments):
        extra = {"issues": [{"path": one["path"], "message": one["message"]} for one in listed]} if listed else {}
        print_json(error_json(error.message) | extra)
    elif listed and "file" in error.details:
        show_issues(error.details["file"], listed)
    else:
        print_error(f"openclaw: {error.message}")
        for note in error.details.get("notes", ()):
            print_error(f"  {note}")
    return 1


def show_usage_error(error: click.ClickException, arguments: Sequence[str]) -> int:
    """Print what is wrong with the command line; returns 2 for a bad `--profile`, else 1."""
    if wants_json(arguments):
        print_json(error_json(error.format_message()))
    else:
        error.show(sys.stderr)
    named = getattr(error, "option_name", None)
    return PROFILE_EXIT if named == "profile" or named == "--profile" else 1


def show_defect(error: Exception, arguments: Sequence[str]) -> int:
    """Print one line about an error that nobody foresaw; returns 1. Its trace is shown in Python's development mode.

    The text of such an error may hold anything, so only its kind and place are told.
    """
    if sys.flags.dev_mode:
        raise error
    if isinstance(error, OSError) and error.strerror:
        name = f"{error.filename}: " if error.filename else ""
        from openclaw.state.files import why

        return show_error(OpenClawError(f"{name}{why(error)}"), arguments)
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    place = next(
        (f"{Path(one.filename).name}:{one.lineno}" for one in reversed(frames) if "openclaw" in one.filename), "?"
    )
    message = (
        f"this is a defect, please report it: {type(error).__name__} at {place} (trace: python -X dev -m openclaw)"
    )
    return show_error(OpenClawError(message), arguments)


def wants_json(arguments: Sequence[str]) -> bool:
    """Tell whether the command line asks for JSON."""
    return "--json" in arguments


def error_json(message: str) -> dict[str, Any]:
    """Return the JSON form of a failure (config.md 1.6)."""
    return {"ok": False, "error": {"type": "cli_error", "message": message}}


def show_issues(file: object, issues: Iterable[Mapping[str, Any]]) -> None:
    """Print the faults of a config on stderr (config.md 1.6)."""
    print_error("Config invalid")
    print_error(f"File: {file}")
    print_error("Problem:")
    for issue in issues:
        line = issue.get("line")
        where = f" (line {line}, column {issue.get('column')})" if line else ""
        print_error(f"  - {issue['path'] or '<root>'}{where}: {issue['message']}")
    print_error("Check it again with: openclaw config validate")


def age(ms: int | None) -> str:
    """Return a duration in milliseconds as people say it: `5m ago`."""
    if ms is None:
        return "-"
    seconds = max(ms, 0) // 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return "just now" if seconds < 10 else f"{seconds}s ago"


def tokens(used: int | None, context: int | None) -> str:
    """Return token counts as people say them: `12k/200k (6%)`."""
    if not context:
        return "-" if used is None else _short(used)
    return f"{_short(used or 0)}/{_short(context)} ({min(999, round((used or 0) * 100 / context))}%)"


def _short(number: int) -> str:
    return f"{number / 1000:.0f}k" if number >= 1000 else str(number)
