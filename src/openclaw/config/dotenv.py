"""`<state>/.env`: the only file of variables that is read, and only while it is private (advisory I4)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from openclaw.config.issues import Issue, fault
from openclaw.config.read_file import OddFile, read_regular, why

NAME: Final = ".env"
MAX_BYTES: Final = 256 * 1024
_LINE: Final = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*
    (?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`|([^#\r\n]*))[ \t]*(?:\#[^\r\n]*)?$""",
    re.MULTILINE | re.VERBOSE | re.DOTALL,
)


def parse(text: str) -> dict[str, str]:
    """Return the variables of a dotenv text: quotes taken off, line ends written out inside double quotes."""
    found: dict[str, str] = {}
    for match in _LINE.finditer(text.replace("\r\n", "\n")):
        name, single, double, backtick, bare = match.groups()
        if double is not None:
            found[name] = double.replace("\\n", "\n").replace("\\r", "\r").replace('\\"', '"')
        else:
            found[name] = single or backtick or (bare or "").strip()
    return found


def read_state_env(state: Path) -> tuple[Mapping[str, str], list[Issue]]:
    """Return the variables of `<state>/.env` and why they were not read, if they were not.

    A file that others own or may read is left out with a warning, not followed through a link.
    """
    path = state / NAME
    try:
        content, found = read_regular(path, MAX_BYTES)
    except FileNotFoundError:
        return {}, []
    except (OSError, OddFile) as error:
        return {}, [fault((), f"{path} is not read: {why(error)}")]
    if found.st_uid != os.geteuid():
        return {}, [fault((), f"{path} is not read: it belongs to somebody else")]
    if found.st_mode & 0o077:
        return {}, [fault((), f"{path} is not read: others may open it; run: chmod 600 {path}")]
    try:
        return parse(content.decode("utf-8-sig")), []
    except UnicodeDecodeError:
        return {}, [fault((), f"{path} is not read: not UTF-8 text")]
