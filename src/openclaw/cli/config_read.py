"""`config get`, `config validate`, `config schema`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option
from openclaw.cli.output import print_json, print_line, show_issues
from openclaw.system.errors import InvalidInput, NotFound, OpenClawError, Refused

if TYPE_CHECKING:
    from openclaw.config.issues import Issue, Parts
    from openclaw.config.load import Loaded


@click.command(
    epilog=epilog(
        "openclaw config get gateway.port",
        "openclaw config get agents.list[0].workspace",
        'openclaw config get channels.telegram.groups["-100123"] --json',
    )
)
@click.argument("path", required=False)
@click.option("--reveal", is_flag=True, help="Show one secret in clear; on a terminal only.")
@json_option
@click.pass_obj
def get(context: CliContext, path: str | None, reveal: bool, as_json: bool) -> None:
    """Print the value at PATH, or the whole config.

    Text is printed as it is, anything else as JSON. Secrets are masked; a reference such as ${TOKEN} is shown.
    """
    from openclaw.config.paths import get_value, parse_path
    from openclaw.config.view import view_config

    view = view_config(context.own_state(), context.environment)
    parts = parse_path(path) if path is not None else ()
    found, value = get_value(view.config, parts)
    if not found:
        raise NotFound(f"Config path not found: {path}", details={"notes": _hint(parts)})
    if reveal:
        value = _revealed(get_value(view.plain.document, parts)[1])
    if as_json:
        print_json(value)
    else:
        print_line(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


def _revealed(value: Any) -> Any:
    if isinstance(value, dict | list):
        raise InvalidInput("--reveal shows one value; name the path of a single secret")
    if not sys.stdout.isatty():
        raise Refused("--reveal works on a terminal only, so that no secret ends up in a file or a log")
    return value


def _hint(parts: Parts) -> tuple[str, ...]:
    """Say whether the key is merely unset, or which known key was probably meant."""
    from openclaw.config.issues import closest, dotted
    from openclaw.config.walk import keys_of, spot_at

    if spot_at(parts) is not None:
        return ("The key is known but not set; its default applies.",)
    for depth in range(len(parts) - 1, -1, -1):
        spot = spot_at(parts[:depth])
        if spot is not None:
            near = closest(str(parts[depth]), keys_of(spot))
            return (f"Did you mean {dotted((*parts[:depth], near, *parts[depth + 1 :]))}?",) if near else ()
    return ()


@click.command(epilog=epilog("openclaw config validate", "openclaw config validate --file new.json --json"))
@click.option("--file", "file", type=click.Path(path_type=Path), help="Check this file instead of the live one.")
@json_option
@click.pass_obj
def validate(context: CliContext, file: Path | None, as_json: bool) -> int:
    """Check the config: every stage up to the first that fails, and secrets held by variables and files.

    Exit code 0 when it is valid, 1 when not. A missing file is valid. No secret command is run.
    """
    from openclaw.config.load import read_config

    layout = context.layout if file is None else replace(context.layout, config=file.absolute())
    loaded = read_config(layout, context.environment)
    issues = [*loaded.issues, *_unresolved(loaded)]
    if as_json:
        warnings = [{"path": one.path, "message": one.message} for one in loaded.warnings]
        print_json({"valid": not issues, "issues": [one.as_dict() for one in issues], "warnings": warnings})
    else:
        _say(context.shown(layout.config), issues, loaded)
    return 1 if issues else 0


def _say(file: str, issues: list[Issue], loaded: Loaded) -> None:
    if issues:
        show_issues(file, [issue.as_dict() for issue in issues])
    else:
        print_line(f"{file}: valid" + ("" if loaded.source.exists else " (there is no file; defaults apply)"))
    for warning in loaded.warnings:
        print_line(f"  warning: {warning.path or '<root>'}: {warning.message}")


def _unresolved(loaded: Loaded) -> list[Issue]:
    """Return a fault for each reference to a variable or file that leads nowhere; programs are not run."""
    from openclaw.config.base import read_ref
    from openclaw.config.issues import dotted, fault
    from openclaw.config.secrets import SecretResolver

    if loaded.config is None:
        return []
    resolver = SecretResolver(loaded.config.environment)
    issues = []
    for parts, written in _references(loaded.config.document, ()):
        path = dotted(parts)
        try:
            resolver.resolve(read_ref(written), path)
        except OpenClawError as error:
            issues.append(fault(parts, error.message.removeprefix(f"{path}: ")))
    return issues


def _references(value: Any, at: Parts) -> Iterator[tuple[Parts, Mapping[str, Any]]]:
    """Yield the reference objects to variables and files that stand at secret leaves."""
    from openclaw.config.walk import spot_at

    if isinstance(value, Mapping):
        if value.get("source") in {"env", "file"}:
            spot = spot_at(at)
            if spot is not None and spot.sensitive is not None and spot.sensitive.kind == "secret":
                yield at, value
                return
        for key, item in value.items():
            yield from _references(item, (*at, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _references(item, (*at, index))


@click.command(epilog=epilog("openclaw config schema > openclaw.schema.json"))
@click.option("--json", "as_json", is_flag=True, help="The same: the output is always one JSON document.")
def schema(as_json: bool) -> None:  # noqa: ARG001 - accepted for scripts
    """Print the JSON Schema (draft-07) of the config file, for editors and checks."""
    from openclaw.config.schema import root_schema

    print_json(root_schema({}, {}))
