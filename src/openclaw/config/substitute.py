"""`${VAR}` in text values (config.md 1.4)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from openclaw.config.issues import Issue, Part, Parts, fault
from openclaw.system.environment import Environment

_REFERENCE: Final = re.compile(r"\$(\$?)\{([A-Z_][A-Z0-9_]*)\}")


def has_reference(text: str) -> bool:
    """Tell whether a text refers to a variable; an escaped reference does not."""
    return any(not found.group(1) for found in _REFERENCE.finditer(text))


def referenced(text: str) -> tuple[str, ...]:
    """Return the names that a text refers to."""
    return tuple(found.group(2) for found in _REFERENCE.finditer(text) if not found.group(1))


def all_references(value: Any) -> Iterator[str]:
    """Yield every name that the texts of a document refer to."""
    if isinstance(value, str):
        yield from referenced(value)
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from all_references(item)


def substitute(value: Any, environment: Environment) -> tuple[Any, list[Issue]]:
    """Return `value` with every reference replaced, and a fault for each variable that is unset or empty.

    `$${NAME}` becomes a literal `${NAME}`; what a variable holds is not read again.
    """
    issues: list[Issue] = []
    return _substitute(value, (), environment, issues), issues


def _substitute(value: Any, at: Parts, environment: Environment, issues: list[Issue]) -> Any:
    if isinstance(value, dict):
        return {key: _substitute(item, (*at, key), environment, issues) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, (*at, index), environment, issues) for index, item in enumerate(value)]
    if not isinstance(value, str) or "$" not in value:
        return value

    def replaced(found: re.Match[str]) -> str:
        escaped, name = found.groups()
        if escaped:
            return found.group(0)[1:]
        text = environment.get(name)
        if text is None:
            issues.append(fault((), f"{bracketed(at)} refers to {name}, which is unset or empty; set that variable"))
            return ""
        return text

    return _REFERENCE.sub(replaced, value)


def bracketed(parts: tuple[Part, ...]) -> str:
    """Return a path as people write it: `a.b[2].c`."""
    text = ""
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
