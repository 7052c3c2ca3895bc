"""`openclaw logs`: the end of the gateway's log, through the gateway and redacted by it (config.md 6.6)."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog
from openclaw.cli.output import print_error, print_line, visible
from openclaw.cli.rpc import Rpc, RpcOptions, Session, rpc_options
from openclaw.policy.where.scopes import Scope
from openclaw.system.errors import OpenClawError

METHOD = "logs.tail"


@click.command(epilog=epilog("openclaw logs", "openclaw logs --follow", "openclaw logs --limit 50 --json"))
@click.option("--follow", "-f", is_flag=True, help="Go on as lines come; Ctrl-C ends it.")
@click.option("--limit", type=click.IntRange(1, 5000), default=200, show_default=True, help="Most lines at once.")
@click.option(
    "--max-bytes", type=click.IntRange(1, 1_000_000), default=250_000, show_default=True, help="Most bytes at once."
)
@click.option(
    "--interval", type=click.IntRange(50), default=1000, show_default=True, help="Milliseconds between looks."
)
@click.option("--plain", is_flag=True, help="One plain line each, with the whole time.")
@rpc_options(30_000)
@click.option("--json", "as_json", is_flag=True, help="One JSON object per line.")
@click.pass_obj
def logs(
    context: CliContext,
    follow: bool,
    limit: int,
    max_bytes: int,
    interval: int,
    plain: bool,
    rpc: RpcOptions,
    as_json: bool,
) -> int:
    """Show the gateway's log."""
    writer = _Json() if as_json else _Text(plain=plain)
    try:
        with Rpc(context, rpc).session((METHOD,), scopes=(Scope.ADMIN,)) as session:  # who is told the path
            for found in _slices(session, limit, max_bytes, interval if follow else None):
                writer.show(found)
    except KeyboardInterrupt:
        return 0
    except OpenClawError as error:
        if not as_json:
            raise
        writer.put({"type": "error", "message": error.message})
        return 1
    return 0


def _slices(session: Session, limit: int, max_bytes: int, interval: int | None) -> Iterator[Mapping[str, Any]]:
    """Yield pieces of the log: one, or with an interval one after the other."""
    cursor: int | None = None
    while True:
        params = {"limit": limit, "maxBytes": max_bytes}
        found: Mapping[str, Any] = session.call(METHOD, params if cursor is None else {**params, "cursor": cursor})
        yield found
        if interval is None:
            return
        cursor = found["cursor"]
        time.sleep(interval / 1000)


class _Json:
    """Writes one JSON object per line."""

    def __init__(self) -> None:
        self._file: str | None = None

    def put(self, value: Mapping[str, Any]) -> None:
        click.echo(json.dumps(value, ensure_ascii=False))

    def show(self, found: Mapping[str, Any]) -> None:
        if self._file != found["file"]:
            if self._file is not None:
                self.put({"type": "notice", "message": "Log rotated."})
            self._file = found["file"]
            self.put({"type": "meta", "file": found["file"], "cursor": found["cursor"], "size": found["size"]})
        if found["truncated"]:
            self.put({"type": "notice", "message": "Log tail truncated (increase --max-bytes)."})
        for raw in found["lines"]:
            record = read_line(raw)
            self.put({"type": "raw", "raw": raw} if record is None else {"type": "log", **record, "raw": raw})


class _Text:
    """Writes lines for people."""

    def __init__(self, *, plain: bool) -> None:
        self._plain = plain
        self._file: str | None = None

    def put(self, value: Mapping[str, Any]) -> None:
        print_error(str(value.get("message", "")))

    def show(self, found: Mapping[str, Any]) -> None:
        if self._file != found["file"]:
            self._file = found["file"]
            print_line(f"Log file: {found['file']}")
        if found["truncated"]:
            print_line("Log tail truncated (increase --max-bytes).")
        for raw in found["lines"]:
            record = read_line(raw)
            print_line(visible(raw) if record is None else self._line(record))
        sys.stdout.flush()

    def _line(self, record: Mapping[str, Any]) -> str:
        when = str(record["time"] or "")
        shown = when if self._plain else when[11:19]
        place = record.get("subsystem") or record.get("module") or "-"
        return visible(f"{shown} {record['level']} {place} {record['message']}")


def read_line(raw: str) -> dict[str, Any] | None:
    """Return time, level, subsystem or module, and message of a log line; None when it is none (config.md 6.2)."""
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    meta = found.get("_meta") if isinstance(found, dict) else None
    if not isinstance(meta, dict):
        return None
    place = _place(meta.get("name"))
    parts = [found[key] for key in sorted((key for key in found if key.isdigit()), key=int)]
    if parts and place and _place(parts[0]) == place:
        parts = parts[1:]
    text: Callable[[Any], str] = lambda part: part if isinstance(part, str) else json.dumps(part, ensure_ascii=False)  # noqa: E731
    return {
        "time": found.get("time") or meta.get("date"),
        "level": str(meta.get("logLevelName") or "info").lower(),
        **place,
        "message": " ".join(text(part) for part in parts),
    }


def _place(name: Any) -> dict[str, str]:
    """Return what a logger is called: a subsystem or a module."""
    try:
        found = json.loads(name) if isinstance(name, str) else None
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: found[key] for key in ("subsystem", "module") if isinstance(found.get(key), str)}
