"""Changing values inside a JSON5 text while its comments, order and style stay (config.md 1.7).

Every result is read again and compared with the intended value. A text that cannot be changed so is written anew as
plain JSON, and the answer says that its comments are gone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from openclaw.config.issues import Part, Parts
from openclaw.config.json5 import Json5Error, loads
from openclaw.config.json5_spans import Member, Span, spans
from openclaw.config.paths import check_keys, check_parts, index_of, set_value, unset_value

_IDENTIFIER: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_GAP: Final = re.compile(r"(?:[\s\ufeff]+|//[^\n\r\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
_REST_OF_LINE: Final = re.compile(r"[ \t]*(?:/\*[^\n]*?\*/[ \t]*)*(?://[^\n\r]*)?")
_INDENT: Final = re.compile(r"[ \t]*")


@dataclass(frozen=True, slots=True)
class Put:
    """Write a value at a path."""

    parts: Parts
    value: Any


@dataclass(frozen=True, slots=True)
class Drop:
    """Take away what stands at a path."""

    parts: Parts


Change: TypeAlias = Put | Drop


@dataclass(frozen=True, slots=True)
class Edited:
    """A changed text.

    Attributes:
        text: the new text.
        value: its value.
        rewritten: it was written anew, so that comments are gone.
    """

    text: str
    value: Any
    rewritten: bool = False


def render(value: Any) -> str:
    """Return a whole document as strict JSON, two spaces per level, with a final newline."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def apply_changes(text: str, changes: Sequence[Change]) -> Edited:
    """Return the text with the changes made one after the other.

    Raises:
        InvalidInput: a path cannot be followed, or holds a reserved name.
        Json5Error: the text is not valid to begin with.
    """
    value: Any = loads(text)
    for change in changes:
        check_parts(change.parts)
        if isinstance(change, Put):
            check_keys(change.value)
            value = set_value(value, change.parts, change.value)
        else:
            value = unset_value(value, change.parts)
    try:
        edited = text
        for change in changes:
            edited = _put(edited, change) if isinstance(change, Put) else _drop(edited, change.parts)
        if _same(loads(edited), value):
            return Edited(edited, value)
    except Json5Error:
        pass
    return Edited(render(value), value, rewritten=True)


def _same(left: Any, right: Any) -> bool:
    """Compare two values with their types, so that true is not 1."""
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _put(text: str, change: Put) -> str:
    value: Any = loads(text)
    span = spans(text)
    for depth, step in enumerate(change.parts):
        part = index_of(step, value)
        below = span.at(part)
        if below is None:
            return _insert(text, span, part, _nested(change.parts[depth + 1 :], change.value))
        span, value = below, value[part]
        if value is None:
            return _replace(text, span, _nested(change.parts[depth + 1 :], change.value))
    return text if _same(value, change.value) else _replace(text, span, change.value)


def _replace(text: str, span: Span, value: Any) -> str:
    return text[: span.start] + _json(value, _line_indent(text, span.start)) + text[span.end :]


def _nested(parts: Parts, value: Any) -> Any:
    return set_value(None, parts, value)


def _json(value: Any, indent: str) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False).replace("\n", "\n" + indent)


def _line_indent(text: str, offset: int) -> str:
    start = text.rfind("\n", 0, offset) + 1
    found = _INDENT.match(text, start)
    return found.group(0) if found else ""


def _key(text: str, holder: Span, key: str) -> str:
    """Return a key in the style of its neighbours: bare where they are bare."""
    members = list((holder.members or {}).values())
    bare = members and text[members[0].key_start] not in "\"'"
    return key if bare and _IDENTIFIER.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _entries(holder: Span) -> list[tuple[int, int]]:
    """Return where the entries of an object or list begin and end, in the order of the text."""
    if holder.items is not None:
        return [(item.start, item.end) for item in holder.items]
    found = []
    for member in (holder.members or {}).values():
        found.append((member.key_start, member.value.end))
        found += [(old.start, old.end) for old in member.shadowed]
    return sorted(found)


def _insert(text: str, holder: Span, part: Part, value: Any) -> str:
    entries = _entries(holder)
    base = _line_indent(text, holder.start)
    close = holder.end - 1
    if not entries:
        indent = base + "  "
        entry = _entry(text, holder, part, value, indent)
        inside = text[holder.start + 1 : close].rstrip()
        return text[: holder.start + 1] + f"{inside}\n{indent}{entry}\n{base}" + text[close:]
    start, end = entries[-1]
    comma = _GAP.match(text, end)
    after = comma.end() if comma else end
    trailing = text[after : after + 1] == ","
    own_line = "\n" in text[holder.start : entries[0][0]]
    if not own_line:
        entry = _entry(text, holder, part, value, base)
        spot = after + 1 if trailing else end
        return text[:spot] + (f" {entry}," if trailing else f", {entry}") + text[spot:]
    indent = _line_indent(text, start)
    entry = _entry(text, holder, part, value, indent)
    if trailing:
        rest = _REST_OF_LINE.match(text, after + 1)
        spot = rest.end() if rest else after + 1
        return text[:spot] + f"\n{indent}{entry}," + text[spot:]
    rest = _REST_OF_LINE.match(text, end)
    spot = min(rest.end() if rest else end, close)
    return text[:end] + "," + text[end:spot] + f"\n{indent}{entry}" + text[spot:]


def _entry(text: str, holder: Span, part: Part, value: Any, indent: str) -> str:
    rendered = _json(value, indent)
    return rendered if isinstance(part, int) else f"{_key(text, holder, part)}: {rendered}"


def _drop(text: str, parts: Parts) -> str:
    """Cut an entry out; of several equal keys all, because the earlier ones would come to life."""
    while True:
        value: Any = loads(text)
        span: Span | None = spans(text)
        for step in parts[:-1]:
            part = index_of(step, value)
            span = span.at(part) if span else None
            if span is None:
                return text
            value = value[part]
        last = index_of(parts[-1], value)
        if span is None or span.at(last) is None:
            return text
        text = _cut(text, span, last)
        if isinstance(last, int):
            return text


def _bounds(holder: Span, part: Part) -> tuple[int, int]:
    if isinstance(part, int):
        item = (holder.items or [])[part]
        return item.start, item.end
    member: Member = (holder.members or {})[part]
    return member.key_start, member.value.end


def _cut(text: str, holder: Span, part: Part) -> str:
    """Take an entry out of the text with one comma, and with its lines when it stands on lines of its own."""
    start, end = _bounds(holder, part)
    gap = _GAP.match(text, end)
    after = gap.end() if gap else end
    if text[after : after + 1] == ",":
        end = after + 1
    else:
        before = max((stop for _, stop in _entries(holder) if stop <= start), default=None)
        if before is not None:  # the last entry: the comma before it would be left over
            gap = _GAP.match(text, before)
            at = gap.end() if gap else before
            kept = text[at + 1 : start]
            left = text[:at] + (kept if kept.strip() or "\n" in kept else "")
            text, start, end = left + text[start:], len(left), len(left) + end - start
    line_start = text.rfind("\n", 0, start) + 1
    rest = _REST_OF_LINE.match(text, end)
    line_end = rest.end() if rest else end
    alone = not text[line_start:start].strip() and text[line_end : line_end + 1] in {"\n", "\r", ""}
    if alone and line_start > 0:
        return text[: line_start - 1] + text[line_end:]
    tail = text[end:]
    return text[:start] + (tail.removeprefix(" ") if text[start - 1] in " {[" else tail)
