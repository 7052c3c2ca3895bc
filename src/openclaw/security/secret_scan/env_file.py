"""Adding variables to `<state>/.env`: what is there stays as it is, and what is added reads back as it was."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from openclaw.config import dotenv
from openclaw.config.env_block import refused
from openclaw.config.read_file import OddFile, read_regular, why
from openclaw.state.files import write_private
from openclaw.system.errors import InvalidInput, Refused

_BARE: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:+=@%,-")


def read_env(path: Path) -> str:
    """Return the text of a `.env` that may be added to; empty when there is none.

    Raises:
        Refused: it is a link, not ours, or open to others: whatever stands in it does not count now, and would then.
    """
    try:
        content, found = read_regular(path, dotenv.MAX_BYTES)
    except FileNotFoundError:
        return ""
    except (OSError, OddFile) as error:
        raise Refused(f"{path} cannot be added to: {why(error)}", code="env-file-odd") from error
    if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise Refused(
            f"{path} is not read, as others own it or may open it; look at it, then run: openclaw doctor --fix",
            code="env-file-open",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{path} is not UTF-8 text", code="env-file-odd") from None


def with_variables(text: str, added: Mapping[str, str]) -> str:
    """Return the text of a `.env` with variables added at its end.

    Raises:
        InvalidInput: a name may not be set by a file, is there already, or a value has no form that reads back.
    """
    known = dotenv.parse(text)
    lines = []
    for name, value in added.items():
        if problem := refused(name):
            raise InvalidInput(f"{name} {problem}")
        if name in known:
            raise InvalidInput(f"{name} stands in .env already")
        lines.append(_line(name, value))
    head = text if not text or text.endswith("\n") else f"{text}\n"
    result = head + "".join(f"{line}\n" for line in lines)
    if dotenv.parse(result) != {**known, **added}:
        raise InvalidInput(".env ends inside a quoted value; mend it first")
    return result


def _line(name: str, value: str) -> str:
    for form in _forms(value):
        line = f"{name}={form}"
        if dotenv.parse(line) == {name: value} and "\r" not in value:
            return line
    raise InvalidInput(f"the value for {name} cannot be written to .env; use: openclaw secrets audit --fix --to file")


def _forms(value: str) -> Iterator[str]:
    """Yield ways to write a value, the plainest first."""
    if value and set(value) <= _BARE:
        yield value
    for quote in ("'", "`"):
        if quote not in value:
            yield f"{quote}{value}{quote}"
    if "\\" not in value:
        escaped = value.replace('"', '\\"').replace("\n", "\\n")
        yield f'"{escaped}"'


def add_variables(path: Path, added: Mapping[str, str]) -> str:
    """Write variables to a `.env` and return its text as it was before.

    Raises:
        Refused, InvalidInput: as `read_env` and `with_variables` say.
        Unavailable: the disk refuses; the file is as it was.
    """
    before = read_env(path)
    write_private(path, with_variables(before, added))
    return before
