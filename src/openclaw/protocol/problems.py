"""Faults of a message in the words that clients match on (gateway.md 1.2): one clause per fault, joined by `; `."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_CLAUSES: Final = 12
MAX_NAME: Final = 64

Path = Sequence[str | int]


def at(path: Path, text: str) -> str:
    """Return a clause about the value at a path; the root has no prefix."""
    return f"at {_pointer(path)}: {text}" if path else text


def unexpected(path: Path, name: str) -> str:
    """Return the clause for a property that does not belong there."""
    return f"at {_pointer(path) or 'root'}: unexpected property '{_shown(name)}'"


def required(path: Path, name: str) -> str:
    """Return the clause for a property that is missing."""
    return at(path, f"must have required property '{_shown(name)}'")


def join(clauses: Iterable[str]) -> str:
    """Return all clauses as one text; beyond a dozen the rest is counted."""
    found = list(dict.fromkeys(clauses))
    shown = found[:MAX_CLAUSES]
    if len(found) > len(shown):
        shown.append(f"and {len(found) - len(shown)} more")
    return "; ".join(shown)


def explain(error: ValidationError) -> str:
    """Return the faults that pydantic found. Values that were sent are not shown."""
    return join(_clause(fault) for fault in error.errors(include_url=False, include_input=False))


def _clause(fault: Mapping[str, Any]) -> str:
    path = fault["loc"]
    kind = fault["type"]
    context = fault.get("ctx") or {}
    if kind == "extra_forbidden":
        return unexpected(path[:-1], str(path[-1]))
    if kind == "missing":
        return required(path[:-1], str(path[-1]))
    words = _WORDS.get(kind)
    if words is not None:
        return at(path, words)
    formed = _FORMED.get(kind)
    if formed is not None:
        return at(path, formed(context))
    if kind == "value_error":
        return at(path, str(context.get("error", "must be valid")))
    return at(path, "must be valid")


def _pointer(path: Path) -> str:
    return "".join("/" + _shown(str(part)).replace("~", "~0").replace("/", "~1") for part in path)


def _shown(name: str) -> str:
    """Return a name that somebody sent, short and without characters that could forge a log line."""
    cut = name if len(name) <= MAX_NAME else name[:MAX_NAME] + "…"
    return "".join(char if char.isprintable() else "?" for char in cut)


_OBJECT: Final = "must be object"
_ARRAY: Final = "must be array"
_INTEGER: Final = "must be integer"
_CHOICE: Final = "must be equal to one of the allowed values"
_WORDS: Final[Mapping[str, str]] = {
    "string_type": "must be string",
    "int_type": _INTEGER,
    "int_from_float": _INTEGER,
    "int_parsing": _INTEGER,
    "float_type": "must be number",
    "finite_number": "must be number",
    "bool_type": "must be boolean",
    "list_type": _ARRAY,
    "tuple_type": _ARRAY,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "mapping_type": _OBJECT,
    "literal_error": _CHOICE,
    "enum": _CHOICE,
    "string_pattern_mismatch": "must match the pattern of this field",
    "json_invalid": "must be readable JSON",
    "recursion_loop": "must not be nested so deeply",
}
_FORMED: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "string_too_short": lambda ctx: f"must NOT have fewer than {ctx['min_length']} characters",
    "string_too_long": lambda ctx: f"must NOT have more than {ctx['max_length']} characters",
    "too_short": lambda ctx: f"must NOT have fewer than {ctx['min_length']} items",
    "too_long": lambda ctx: f"must NOT have more than {ctx['max_length']} items",
    "greater_than_equal": lambda ctx: f"must be >= {ctx['ge']}",
    "greater_than": lambda ctx: f"must be > {ctx['gt']}",
    "less_than_equal": lambda ctx: f"must be <= {ctx['le']}",
    "less_than": lambda ctx: f"must be < {ctx['lt']}",
}
