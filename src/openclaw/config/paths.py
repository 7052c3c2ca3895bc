"""Dotted paths that people and programs name (`agents.list[0].id`), and plain values below them (advisory F4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from openclaw.config.issues import Part, Parts
from openclaw.system.errors import InvalidInput

_STEP: Final = re.compile(r"""\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\]|((?:[^.\[\]\\]|\\.)+)""")
_DUNDER: Final = re.compile(r"__.*__")
MAX_STEPS: Final = 64
RESERVED: Final = frozenset({"__proto__", "constructor", "prototype"})
"""Keys that JavaScript readers of the same file would stumble over (advisory F4)."""


def parse_path(text: str) -> Parts:
    r"""Return the steps of a path.

    Steps are separated by dots; `[n]` is an index, `["a.b"]` a key with dots, `\.` a dot inside a key. A step of digits
    alone is an index where a list stands (`agents.list.0.id`).

    Raises:
        InvalidInput: it is empty or malformed, or holds a reserved name.
    """
    parts: list[Part] = []
    at = 0
    while at < len(text):
        if parts and text[at] == ".":
            at += 1
        elif parts and text[at] != "[":
            raise InvalidInput(f'the path "{text}" is malformed at character {at + 1}')
        found = _STEP.match(text, at)
        if found is None:
            raise InvalidInput(f'the path "{text}" is malformed at character {at + 1}')
        index, double, single, plain = found.groups()
        key = re.sub(r"\\(.)", r"\1", next((part for part in (double, single, plain) if part is not None), ""))
        parts.append(int(index) if index is not None else key)
        at = found.end()
    if not parts or len(parts) > MAX_STEPS:
        raise InvalidInput("a path is needed, such as gateway.port")
    check_parts(parts)
    return tuple(parts)


def check_parts(parts: Sequence[Part]) -> None:
    """Refuse reserved names in a path.

    Raises:
        InvalidInput: a step is `__proto__`, `constructor`, `prototype` or another name in double underscores.
    """
    for part in parts:
        if isinstance(part, str) and (part in RESERVED or _DUNDER.fullmatch(part)):
            raise InvalidInput(f'"{part}" is a reserved name and cannot be part of a config path')


def check_keys(value: Any, at: Parts = ()) -> None:
    """Refuse reserved names anywhere inside a value that is to be written.

    Raises:
        InvalidInput: as `check_parts`.
    """
    if isinstance(value, dict):
        for key, item in value.items():
            check_parts((key,))
            check_keys(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            check_keys(item, (*at, index))


def index_of(part: Part, holder: Any) -> Part:
    """Return a step as it applies to its holder: digits are an index in a list, an index is a key in an object."""
    if isinstance(holder, list) and isinstance(part, str) and part.isascii() and part.isdigit():
        return int(part)
    if isinstance(holder, dict) and isinstance(part, int):
        return str(part)
    return part


def get_value(document: Any, parts: Parts) -> tuple[bool, Any]:
    """Return whether there is a value at a path, and the value."""
    for step in parts:
        part = index_of(step, document)
        in_object = isinstance(document, dict) and part in document
        in_list = isinstance(document, list) and isinstance(part, int) and part < len(document)
        if not in_object and not in_list:
            return False, None
        document = document[part]
    return True, document


def set_value(document: Any, parts: Parts, value: Any) -> Any:
    """Return the document with the value at a path; missing objects are made, a list grows by its next index only.

    Raises:
        InvalidInput: something on the way is neither an object nor a list, or an index is beyond the end.
    """
    if not parts:
        return value
    if document is None:
        document = [] if parts[0] == 0 and isinstance(parts[0], int) else {}
    part = index_of(parts[0], document)
    if isinstance(document, dict) and isinstance(part, str):
        return {**document, part: set_value(document.get(part), parts[1:], value)}
    if isinstance(document, list) and isinstance(part, int) and part <= len(document):
        below = set_value(document[part] if part < len(document) else None, parts[1:], value)
        return [*document[:part], below, *document[part + 1 :]]
    raise InvalidInput(f'"{parts[0]}" cannot be set: what it belongs to is no object or list, or the index is too high')


def unset_value(document: Any, parts: Parts) -> Any:
    """Return the document without the value at a path; without change when there is none."""
    part = index_of(parts[0], document)
    if isinstance(document, dict) and part in document:
        if len(parts) == 1:
            return {key: item for key, item in document.items() if key != part}
        return {**document, part: unset_value(document[part], parts[1:])}
    if isinstance(document, list) and isinstance(part, int) and part < len(document):
        if len(parts) == 1:
            return [*document[:part], *document[part + 1 :]]
        return [*document[:part], unset_value(document[part], parts[1:]), *document[part + 1 :]]
    return document
