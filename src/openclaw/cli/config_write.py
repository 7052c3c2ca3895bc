"""`config set`, `config unset`, `config patch`: edits of the authored text."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from openclaw.cli.config_change import Outcome, tell, write
from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, json_option, yes_option
from openclaw.system.errors import ConfigInvalid, InvalidInput, NotFound

if TYPE_CHECKING:
    from openclaw.config.edit import ConfigEditor, Written
    from openclaw.config.issues import Parts
    from openclaw.config.load import Loaded


@click.command(
    "set",
    epilog=epilog(
        "openclaw config set channels.telegram.dmPolicy allowlist",
        "openclaw config set channels.telegram.allowFrom '[\"7\"]' --yes",
        "openclaw config set channels.telegram.botToken               asks for it, so that it is in no shell history",
        "openclaw config set gateway.auth.token < token.txt",
    ),
)
@click.argument("path")
@click.argument("value", required=False)
@yes_option
@json_option
@click.pass_obj
def set_value(context: CliContext, path: str, value: str | None, yes: bool, as_json: bool) -> None:
    """Set the value at PATH. VALUE is JSON5, or plain text when it is none.

    Without VALUE it is asked for, or read from stdin. With --json it must be JSON5. The whole config is checked before
    anything is written.
    """
    from openclaw.config.paths import parse_path

    parts = parse_path(path)
    given = value if value is not None else _asked(path)
    outcome = _set(context, parts, given, yes=yes, strict=as_json)
    tell(context, outcome, f"Updated {path}.", as_json=as_json)


def _asked(path: str) -> str:
    if sys.stdin.isatty():
        return str(click.prompt(f"Value of {path}", hide_input=True, err=True))
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


def _set(context: CliContext, parts: Parts, given: str, *, yes: bool, strict: bool) -> Outcome:
    """Set the parsed value; where text is wanted and a number came out, the text itself."""
    from openclaw.config.edit import Put
    from openclaw.config.issues import dotted
    from openclaw.config.json5 import Json5Error, loads
    from openclaw.config.redact import restore_value

    try:
        value = loads(given)
    except Json5Error as error:
        if strict:
            raise InvalidInput(f"the value is not JSON5: {error}; without --json it is taken as text") from error
        value = given

    def put(wanted: Any) -> Outcome:
        def change(editor: ConfigEditor, before: Loaded) -> Written:
            return editor.change([Put(parts, restore_value(wanted, before.source.parsed, parts))])

        return write(context, change, yes=yes)

    try:
        return put(value)
    except ConfigInvalid as error:
        faults = [issue["path"] for issue in error.details.get("issues", ())]
        if strict or isinstance(value, str | dict | list) or faults != [dotted(parts)]:
            raise
        return put(given)


@click.command(epilog=epilog("openclaw config unset channels.telegram.proxy"))
@click.argument("path")
@yes_option
@json_option
@click.pass_obj
def unset(context: CliContext, path: str, yes: bool, as_json: bool) -> None:
    """Remove the value at PATH, so that its default applies; also an entry of a list (agents.list[1])."""
    from openclaw.config.edit import Drop
    from openclaw.config.paths import get_value, parse_path

    parts = parse_path(path)

    def change(editor: ConfigEditor, before: Loaded) -> Written:
        known = dict(before.config.document) if before.config is not None else before.source.parsed
        if not get_value(known, parts)[0]:
            raise NotFound(f"Config path not found: {path}")
        return editor.change([Drop(parts)])

    outcome = write(context, change, yes=yes)
    tell(context, outcome, f"Removed {path}.", as_json=as_json)


@click.command(
    epilog=epilog(
        "openclaw config patch --file change.json5",
        "echo '{channels: {telegram: {proxy: null}}}' | openclaw config patch --json",
    )
)
@click.option("--file", "file", type=click.Path(path_type=Path, dir_okay=False), help="Read the patch from this file.")
@click.option("--base-hash", help="Refuse when the config is no longer the one with this hash.")
@yes_option
@json_option
@click.pass_obj
def patch(context: CliContext, file: Path | None, base_hash: str | None, yes: bool, as_json: bool) -> None:
    """Merge a JSON5 document from a file or stdin: objects key by key, null deletes, anything else replaces."""
    from openclaw.config.json5 import loads, read_bytes
    from openclaw.config.model import invalid
    from openclaw.config.redact import restore_value

    try:
        content = file.read_bytes() if file is not None else sys.stdin.buffer.read()
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {(error.strerror or str(error)).lower()}") from error
    document = loads(read_bytes(content))

    def change(editor: ConfigEditor, before: Loaded) -> Written:
        if before.config is None:
            raise invalid(before.issues, context.layout.config)
        restored = restore_value(document, before.source.parsed)
        return editor.patch(restored, before.config, base_hash=base_hash)

    outcome = write(context, change, yes=yes)
    tell(context, outcome, f"Patched {context.shown(context.layout.config)}.", as_json=as_json)
