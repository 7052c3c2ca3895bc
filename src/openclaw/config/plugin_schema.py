"""Checking plugin settings against the JSON Schema in the plugin's manifest: the part of JSON Schema that settings use.

A keyword that is not understood is passed over: the plugin checks its own settings again when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import re2

MAX_DEPTH: Final = 32
_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


def first_fault(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Return what is wrong with `value` first, or None; values are not repeated in the answer."""
    return next(_faults(value, schema, schema, "config", 0), None)


def _faults(value: Any, schema: Any, root: Mapping[str, Any], at: str, depth: int) -> Iterator[str]:
    if schema is False:
        yield f"{at} is not allowed"
    if not isinstance(schema, Mapping):
        return
    if depth > MAX_DEPTH:
        yield f"{at} is nested too deeply"
        return
    if isinstance(schema.get("$ref"), str):
        yield from _faults(value, _resolve(schema["$ref"], root), root, at, depth + 1)
    if not _has_type(value, schema.get("type")):
        yield f"{at} must be of type {_words(schema['type'])}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at} has a wrong value"
    if isinstance(schema.get("enum"), list) and value not in schema["enum"]:
        yield f"{at} must be one of {', '.join(map(str, schema['enum']))}"
    yield from _combined(value, schema, root, at, depth)
    if isinstance(value, dict):
        yield from _object(value, schema, root, at, depth)
    elif isinstance(value, list):
        yield from _array(value, schema, root, at, depth)
    elif isinstance(value, str):
        yield from _string(value, schema, at)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number(value, schema, at)


def _resolve(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
        found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return found if isinstance(found, (Mapping, bool)) else {}


def _has_type(value: Any, wanted: Any) -> bool:
    names = wanted if isinstance(wanted, list) else [wanted]
    known = [_TYPES[name] for name in names if isinstance(name, str) and name in _TYPES]
    return not known or any(matches(value) for matches in known)


def _words(wanted: Any) -> str:
    return " or ".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)


def _combined(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], at: str, depth: int) -> Iterator[str]:
    for part in _list(schema.get("allOf")):
        yield from _faults(value, part, root, at, depth + 1)
    fits = {
        key: sum(next(_faults(value, part, root, at, depth + 1), None) is None for part in _list(schema.get(key)))
        for key in ("anyOf", "oneOf")
    }
    if (_list(schema.get("anyOf")) and not fits["anyOf"]) or (_list(schema.get("oneOf")) and fits["oneOf"] != 1):
        yield f"{at} fits none of its allowed forms"


def _object(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str, depth: int
) -> Iterator[str]:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    for name in _list(schema.get("required")):
        if name not in value:
            yield f"{at}.{name} is required"
    for name, item in value.items():
        if name in properties:
            yield from _faults(item, properties[name], root, f"{at}.{name}", depth + 1)
        elif schema.get("additionalProperties") is False and not schema.get("patternProperties"):
            yield f'{at} has no key "{name}"'
        else:
            yield from _faults(item, schema.get("additionalProperties", True), root, f"{at}.{name}", depth + 1)


def _array(value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str, depth: int) -> Iterator[str]:
    yield from _bound(len(value), schema, at, "minItems", "maxItems", "entries")
    for index, item in enumerate(value):
        yield from _faults(item, schema.get("items", True), root, f"{at}.{index}", depth + 1)


def _string(value: str, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _bound(len(value), schema, at, "minLength", "maxLength", "characters")
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        try:
            fits = re2.search(pattern, value) is not None
        except re2.error:
            return
        if not fits:
            yield f"{at} must match {pattern}"


def _number(value: float, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    yield from _bound(value, schema, at, "minimum", "maximum", "")
    if isinstance(low := schema.get("exclusiveMinimum"), (int, float)) and not value > low:
        yield f"{at} must be above {low}"
    if isinstance(high := schema.get("exclusiveMaximum"), (int, float)) and not value < high:
        yield f"{at} must be below {high}"


def _bound(size: float, schema: Mapping[str, Any], at: str, low_key: str, high_key: str, what: str) -> Iterator[str]:
    low, high = schema.get(low_key), schema.get(high_key)
    if isinstance(low, (int, float)) and size < low:
        yield f"{at} must be at least {low} {what}".rstrip()
    if isinstance(high, (int, float)) and size > high:
        yield f"{at} must be at most {high} {what}".rstrip()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
