"""Faults of a config: where, what, and what would be right. A message never holds a value of the document."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from pydantic import ValidationError

Part: TypeAlias = str | int
Parts: TypeAlias = tuple[Part, ...]

_QUOTED: Final = re.compile(r"'([^']*)'")


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault or warning.

    Attributes:
        path: dotted path, indexes as plain numbers; "" is the whole file.
        message: one sentence.
        line: where the value stands in the main file, from 1, when it stands there.
        column: where, from 1.
        allowed: the values that would be right, for closed sets.
        nearest: the known key or value that was probably meant.
        parts: the path as keys and indexes.
    """

    path: str
    message: str
    line: int | None = None
    column: int | None = None
    allowed: tuple[str, ...] = ()
    nearest: str | None = None
    parts: Parts = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form, without what is absent."""
        found: dict[str, Any] = {"path": self.path, "message": self.message}
        if self.line is not None:
            found |= {"line": self.line, "column": self.column}
        if self.allowed:
            found["allowed"] = list(self.allowed)
        if self.nearest:
            found["nearest"] = self.nearest
        return found


def dotted(parts: Iterable[Part]) -> str:
    """Return the dotted form of a path."""
    return ".".join(str(part) for part in parts)


def fault(parts: Sequence[Part], message: str, *, allowed: Sequence[str] = (), nearest: str | None = None) -> Issue:
    """Return the issue at a path."""
    return Issue(dotted(parts), message, allowed=tuple(allowed), nearest=nearest, parts=tuple(parts))


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that looks most like `word`, or None when none is near."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.7)
    return by_lower[found[0]] if found else None


def from_validation(
    error: ValidationError, prefix: Parts, value: Any, keys: Mapping[Parts, tuple[str, ...]]
) -> list[Issue]:
    """Return the faults that pydantic found in `value`, which stands at `prefix`.

    An unknown key is reported at the object that holds it, a value that fits no member of a union at that value, once
    (config.md 1.6).

    Args:
        error: what pydantic raised.
        prefix: path of `value`.
        value: the plain value that was validated.
        keys: filled by the caller lazily: the known keys of a container, by its path.
    """
    issues: dict[tuple[str, str], Issue] = {}
    for item in error.errors(include_url=False, include_input=False, include_context=True):
        issue = _from_item(item, prefix, value, keys)
        place = (issue.path, issue.message if item["type"] == "extra_forbidden" else "")
        issues[place] = _joined(issues[place], issue) if place in issues else issue
    return list(issues.values())


def _joined(first: Issue, second: Issue) -> Issue:
    """Join what two members of a union say about the same value."""
    if first.message == second.message or first.message.endswith(second.message):
        return first
    return replace(
        first,
        message=f"{first.message}, or {second.message}",
        allowed=(*first.allowed, *(word for word in second.allowed if word not in first.allowed)),
    )


def _from_item(item: Any, prefix: Parts, value: Any, keys: Mapping[Parts, tuple[str, ...]]) -> Issue:
    kind, location, context = item["type"], item["loc"], item.get("ctx", {})
    if kind in {"extra_forbidden", "missing"}:
        holder, whole = _within(value, location[:-1])
        where = (*prefix, *holder)
        if not whole:
            return fault(where, "has an unknown shape")
        key = str(location[-1])
        if kind == "missing":
            return fault((*where, key), "is required")
        near = closest(key, keys.get(where, ()))
        hint = f'; did you mean "{near}"?' if near else ""
        return fault(where, f'unknown key "{key}"{hint}', nearest=near)
    parts, _ = _within(value, location)
    allowed = tuple(_QUOTED.findall(str(context.get("expected", "")))) if kind == "literal_error" else ()
    at = _at(value, parts)
    near = closest(at, allowed) if isinstance(at, str) else None
    return fault((*prefix, *parts), _sentence(kind, context, allowed, at), allowed=allowed, nearest=near)


def _within(value: Any, location: Sequence[Part]) -> tuple[Parts, bool]:
    """Return the part of a pydantic location that leads into the value, and whether that was all of it.

    What does not lead into it are names of union members and marks such as `[key]`.
    """
    parts: list[Part] = []
    for step in location:
        in_object = isinstance(value, dict) and isinstance(step, str) and step in value
        in_list = isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)
        if not in_object and not in_list:
            return tuple(parts), False
        value = value[step]
        parts.append(step)
    return tuple(parts), True


def _at(value: Any, parts: Parts) -> Any:
    for step in parts:
        value = value[step]
    return value


_TYPES: Final = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "finite_number": "must be a finite number",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "mapping_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "string_unicode": "is not valid Unicode text",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "must be above {}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be below {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "string_pattern_mismatch": ("pattern", "must match {}"),
}


def _sentence(kind: str, context: Mapping[str, Any], allowed: Sequence[str], value: Any) -> str:
    if value is None:
        return "is null; remove the key to leave it unset"
    if kind == "literal_error":
        return f"must be {'one of ' if len(allowed) > 1 else ''}{', '.join(allowed)}"
    if kind == "secret_ref":
        return str(context["why"])
    if kind == "string_too_short":
        return "must not be empty"
    if kind in _BOUNDS:
        name, form = _BOUNDS[kind]
        bound = context.get(name)
        return form.format(int(bound) if isinstance(bound, float) and bound.is_integer() else bound)
    return _TYPES.get(kind, "has a wrong value")
