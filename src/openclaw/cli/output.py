"""What commands print: one JSON document with `--json`, rich tables for people, errors without a stack trace."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from openclaw.system.errors import ConfigInvalid, OpenClawError

if TYPE_CHECKING:
    from rich.console import Console


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
    """Print rows as a table, or one line when there are none."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    listed = list(rows)
    if not listed:
        print_line(empty)
        return
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in listed:
        table.add_row(*(Text(cell) for cell in row))
    console(color=color).print(table)


def show_error(error: OpenClawError, arguments: Sequence[str]) -> int:
    """Print an error for people on stderr, or as JSON on stdout when `--json` was asked for; returns exit code 1."""
    issues = error.details.get("issues")
    if "--json" in arguments:
        shown: dict[str, Any] = {"ok": False, "error": {"type": "cli_error", "message": error.message}}
        if issues:
            shown["issues"] = [{"path": issue["path"], "message": issue["message"]} for issue in issues]
        print_json(shown)
        return 1
    if isinstance(error, ConfigInvalid) and issues:
        _show_issues(error, issues)
    else:
        print_error(f"openclaw: {error.message}")
    return 1


def _show_issues(error: ConfigInvalid, issues: Sequence[Mapping[str, Any]]) -> None:
    print_error("Config invalid")
    file = error.details.get("file")
    if file:
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
