"""`config edit`: your editor on a private copy, which replaces the file once it is valid."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from openclaw.cli.config_change import Outcome, tell, write
from openclaw.cli.context import CliContext
from openclaw.cli.groups import epilog, yes_option
from openclaw.cli.output import print_line, show_error
from openclaw.system.errors import InvalidInput

if TYPE_CHECKING:
    from openclaw.config.edit import ConfigEditor, Written
    from openclaw.config.load import Loaded
    from openclaw.config.source import Source


@click.command(epilog=epilog("EDITOR=nano openclaw config edit"))
@yes_option
@click.pass_obj
def edit(context: CliContext, yes: bool) -> None:
    """Open the config in $VISUAL or $EDITOR, on a private copy; it replaces the file once it is valid."""
    from openclaw.config.load import read_config

    source = read_config(context.own_state(), context.environment).source
    with tempfile.TemporaryDirectory(prefix="openclaw-edit-") as folder:
        copy = Path(folder) / context.layout.config.name
        copy.touch(mode=0o600)
        copy.write_text(source.raw or "{\n}\n", encoding="utf-8")
        outcome = _edited(context, copy, source, yes=yes)
    if outcome is None:
        print_line("Nothing was changed.")
    else:
        tell(context, outcome, f"Updated {context.shown(context.layout.config)}.", as_json=False)


def _edited(context: CliContext, copy: Path, source: Source, *, yes: bool) -> Outcome | None:
    """Run the editor until the copy is valid, or the person gives up; None when nothing was changed."""
    while True:
        _run_editor(context, copy)
        try:
            text = copy.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InvalidInput("the edited text is not UTF-8; nothing is written") from None
        if text == (source.raw or "{\n}\n"):
            return None
        _show_difference(source.raw, text)
        try:
            return _replace(context, text, source, yes=yes)
        except InvalidInput as error:
            if not sys.stdin.isatty():
                raise
            show_error(error, ())
            if not click.confirm("Edit it again?", default=True, err=True):
                return None


def _replace(context: CliContext, text: str, source: Source, *, yes: bool) -> Outcome:
    def change(editor: ConfigEditor, _: Loaded) -> Written:
        return editor.replace(text, base_hash=source.revision_hash or None)

    return write(context, change, yes=yes)


def _run_editor(context: CliContext, copy: Path) -> None:
    chosen = context.environment.values.get("VISUAL", "").strip() or context.environment.get("EDITOR") or "vi"
    try:
        code = subprocess.run([*shlex.split(chosen), str(copy)], check=False).returncode
    except (OSError, ValueError):
        raise InvalidInput(f"the editor {chosen!r} does not start; set VISUAL or EDITOR to one") from None
    if code != 0:
        raise InvalidInput(f"the editor ended with status {code}; nothing is written")


def _show_difference(before: str, after: str) -> None:
    """Print which lines of the values changed, with secrets masked."""
    import difflib

    from openclaw.config.json5 import Json5Error, loads
    from openclaw.config.redact import redact_value
    from openclaw.config.text_edit import render

    try:
        old, new = (render(redact_value(loads(text or "{}"))).splitlines() for text in (before, after))
    except Json5Error:
        return  # the write that follows says what is wrong
    for line in difflib.unified_diff(old, new, "before", "after", lineterm="", n=1):
        print_line(line)
