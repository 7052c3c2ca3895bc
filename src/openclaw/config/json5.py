"""JSON5 text to plain values. The only importer of the JSON5 library.

Errors name line and column, which are counted here, and never hold text of the document: the library's own exception
carries half of it.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

import pyjson5

from openclaw.system.errors import InvalidInput

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_DEPTH: Final = 64
_OFFSET: Final = re.compile(r"near (\d+)")
_UNCLOSED: Final = re.compile(r"Unclosed b'(\w+)'")
_LINE_END: Final = re.compile("\r\n|[\n\r\u2028\u2029]")
_PLAIN_NAMES: Final = {"NumericLiteral": "number", "string": "text", "object": "object", "array": "list"}


class Json5Error(InvalidInput):
    """The text is not JSON5, or too large or too deep.

    Attributes:
        line: where, from 1; None when no place is to blame.
        column: where, from 1.
    """

    default_code = "json5"

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


def loads(text: str) -> Any:
    """Return the value of a JSON5 text; of two equal keys the later counts, whole numbers are always int.

    Raises:
        Json5Error: naming line and column, never content.
    """
    if len(text) > MAX_BYTES:
        raise Json5Error(f"larger than {MAX_BYTES // (1024 * 1024)} MB")
    try:
        value = pyjson5.decode(text, MAX_DEPTH)
    except pyjson5.Json5DecoderException as error:
        raise _converted(error, text) from None
    except RecursionError:
        raise Json5Error(f"nested deeper than {MAX_DEPTH} levels") from None
    return plain_numbers(value)


def read_bytes(content: bytes) -> str:
    """Return the text of a config file.

    Raises:
        Json5Error: it is too large or not UTF-8.
    """
    if len(content) > MAX_BYTES:
        raise Json5Error(f"larger than {MAX_BYTES // (1024 * 1024)} MB")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        sound = content[: error.start].decode("utf-8-sig", "replace")
        line, column = place(sound, len(sound))
        raise Json5Error("not UTF-8 text", line=line, column=column) from None


def place(text: str, offset: int) -> tuple[int, int]:
    """Return line and column, both from 1, of an offset into a text."""
    line, start = 1, 0
    for match in _LINE_END.finditer(text, 0, max(offset, 0)):
        line, start = line + 1, match.end()
    return line, offset - start + 1


def plain_numbers(value: Any) -> Any:
    """Return `value` with each whole float as int, as JavaScript knows only one kind of number (5. is 5)."""
    if isinstance(value, float):
        whole = math.isfinite(value) and value.is_integer() and abs(value) < 2**63
        return int(value) if whole else value
    if isinstance(value, dict):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_numbers(item) for item in value]
    return value


def _converted(error: pyjson5.Json5DecoderException, text: str) -> Json5Error:
    said = str(error.args[0]) if error.args else ""
    found = _OFFSET.search(said)
    line, column = place(text, int(found.group(1)) - 1) if found else (None, None)
    if isinstance(error, pyjson5.Json5NestingTooDeep):
        return Json5Error(f"nested deeper than {MAX_DEPTH} levels", line=line, column=column)
    if isinstance(error, pyjson5.Json5ExtraData):
        end = int(found.group(1)) if found else 0
        line, column = place(text, end + len(text[end:]) - len(text[end:].lstrip()))
        return Json5Error("something follows the end of the value", line=line, column=column)
    if not text.strip("\ufeff \t\r\n"):
        return Json5Error("the file is empty; an empty config is {}")
    unclosed = _UNCLOSED.search(said)
    if unclosed:
        kind = _PLAIN_NAMES.get(unclosed.group(1), "value")
        return Json5Error(f"the {kind} that begins here is not closed", line=line, column=column)
    if "comma" in said and said.startswith("Stray"):
        return Json5Error("a comma too many", line=line, column=column)
    if "b'comma'" in said:
        return Json5Error("a comma or a closing bracket is missing", line=line, column=column)
    return Json5Error("not valid JSON5", line=line, column=column)
