"""Names and patterns that several floors compare in the same way."""

from __future__ import annotations


def wildcard_match(pattern: str, name: str) -> bool:
    """Return whether a pattern covers a whole name. `*` stands for any run of characters, all others for themselves.

    Runs in time linear to the name for each part of the pattern: nothing an attacker writes makes it slow.
    """
    if "*" not in pattern:
        return pattern == name
    first, *middle, last = pattern.split("*")
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True
