"""Reading plain config values the way the seed's program did, so that its conditions hold exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

_BLANKS: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029"
    "\u202f\u205f\u3000\ufeff"
)
"""What the seed's `trim` takes away."""
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")
_NOTHING: Final[Mapping[str, Any]] = {}


def at(value: Any, *path: str) -> Any:
    """Return the value at a path of keys, or None."""
    for key in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value when it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else _NOTHING


def listed(value: Any) -> list[Any]:
    """Return the value when it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def trim(value: Any) -> str:
    """Return a text without blanks at its ends; anything that is no text is empty."""
    return value.strip(_BLANKS) if isinstance(value, str) else ""


def entries(value: Any) -> list[str]:
    """Return the entries of a list of people: as text, trimmed, blank ones dropped."""
    return [text for item in listed(value) if (text := trim(_text(item)))]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def length(text: str) -> int:
    """Return the length as the seed counts it: a character beyond the first plane is two."""
    return len(text) + sum(char > "\uffff" for char in text)


def items(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the members of an object in the seed's order: keys that are whole numbers first, by size."""
    members = mapping(value)
    numbers = sorted((key for key in members if _INDEX.fullmatch(key)), key=int)
    yield from ((key, members[key]) for key in numbers)
    yield from ((key, item) for key, item in members.items() if not _INDEX.fullmatch(key))


def some(names: list[str], limit: int = 5) -> str:
    """Return names for people: the first few, and how many more there are."""
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
