"""What a change of the config lets in, or lets do, that the old one did not (config.md 1.8, 4.2).

Over plain documents, by a table of keys. It serves as a question to a person (`--yes`, `confirmWiden`), not as a
decision: what a config admits is decided by the compiled policy alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from openclaw.config.issues import Parts, dotted
from openclaw.config.paths import get_value
from openclaw.config.widening_table import ANY, GROWING, LADDERS, LIMITING, PLACES, SHRINKING, Ladder, Pattern

_DANGER: Final = "dangerously"


def widens(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the new document opens that the old one kept shut, as sentences without secrets, by path.

    Args:
        before: effective values as they are.
        after: effective values as they would be.
    """
    found: dict[str, None] = {}
    for text in (
        *_raised(before, after),
        *_grown(before, after),
        *_lifted(before, after),
        *_dangers(before, after, ()),
        *_unguarded(before, after),
    ):
        found[text] = None
    return tuple(sorted(found))


def _raised(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for ladder in LADDERS:
        for parts in _places(ladder.key, before, after):
            old, new = _step(ladder, before, parts), _step(ladder, after, parts)
            if old in ladder.steps and new in ladder.steps and ladder.steps.index(new) > ladder.steps.index(old):
                yield f"{dotted(parts)}: {_word(old)} becomes {_word(new)}"


def _step(ladder: Ladder, document: Mapping[str, Any], parts: Parts) -> object:
    """Return the value that counts at a place: its own, else the general one, else the default."""
    found, value = get_value(document, parts)
    if found or ladder.default is not None:
        return value if found else ladder.default
    general = _general(parts)
    same = next(row for row in LADDERS if _fits(row.key, general))
    return _step(same, document, general)


def _general(parts: Parts) -> Parts:
    """Return the place that an account, a group or an agent takes its value from."""
    if parts[0] == "agents":
        rest = parts[3:]
        return ("agents", "defaults", *rest) if rest[0] == "sandbox" else rest
    return (*parts[:2], *parts[4:])


def _fits(pattern: Pattern, parts: Parts) -> bool:
    return len(pattern) == len(parts) and all(want in (ANY, have) for want, have in zip(pattern, parts, strict=True))


def _grown(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for pattern in (*GROWING, *LIMITING):
        for parts in _places(pattern, before, after):
            added = [entry for entry in _list(after, parts) if entry not in _list(before, parts)]
            limited = pattern not in LIMITING or get_value(before, parts)[0]
            yield from (f"{dotted(parts)}: adds {_word(entry)}" for entry in added if limited)
    for pattern in PLACES:
        for parts in _places(pattern, before, after):
            old, new = get_value(before, parts)[1], get_value(after, parts)[1]
            known = old if isinstance(old, Mapping) else {}
            rooms = [key for key in new if key not in known] if isinstance(new, Mapping) else []
            yield from (f"{dotted(parts)}: adds {_word(key)}" for key in rooms)


def _lifted(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for pattern in SHRINKING:
        for parts in _places(pattern, before, after):
            gone = [entry for entry in _list(before, parts) if entry not in _list(after, parts)]
            yield from (f"{dotted(parts)}: no longer holds {_word(entry)}" for entry in gone)
    for pattern in LIMITING:
        for parts in _places(pattern, before, after):
            if get_value(before, parts)[0] and not get_value(after, parts)[0]:
                yield f"{dotted(parts)}: the limit goes away"


def _dangers(before: Any, after: Any, at: Parts) -> Iterator[str]:
    """Find every switch named `dangerously…` that is turned on, wherever it stands."""
    if isinstance(after, Mapping):
        for key, value in after.items():
            old = before.get(key) if isinstance(before, Mapping) else None
            if str(key).startswith(_DANGER) and value and not old:
                yield f"{dotted((*at, key))}: turned on"
            yield from _dangers(old, value, (*at, key))
    elif isinstance(after, Sequence) and not isinstance(after, str):
        for index, value in enumerate(after):
            old = before[index] if isinstance(before, Sequence) and index < len(before) else None
            yield from _dangers(old, value, (*at, index))


def _unguarded(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """Find the one combination in which commands run on this machine unasked (exec.md 1.2 item 4)."""
    if _runs_unasked(after) and not _runs_unasked(before):
        yield "tools.exec.host: commands would run on this machine with neither sandbox nor approval"


def _runs_unasked(document: Mapping[str, Any]) -> bool:
    host = get_value(document, ("tools", "exec", "host"))[1]
    mode = get_value(document, ("agents", "defaults", "sandbox", "mode"))[1]
    return host in (None, "sandbox") and mode in (None, "off")


def _places(pattern: Pattern, *documents: Mapping[str, Any]) -> list[Parts]:
    """Return every place of a pattern that one of the documents has at least the holders of."""
    found: dict[Parts, None] = {}
    for document in documents:
        for parts in _match(pattern, document, ()):
            found[parts] = None
    return list(found)


def _match(pattern: Pattern, value: Any, at: Parts) -> Iterator[Parts]:
    if not pattern:
        yield at
    elif pattern[0] != ANY:
        below = value.get(pattern[0]) if isinstance(value, Mapping) else None
        if below is not None or ANY not in pattern[1:]:
            yield from _match(pattern[1:], below, (*at, pattern[0]))
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _match(pattern[1:], item, (*at, key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(value):
            yield from _match(pattern[1:], item, (*at, index))


def _list(document: Mapping[str, Any], parts: Parts) -> Sequence[Any]:
    found, value = get_value(document, parts)
    return value if found and isinstance(value, list | tuple) else ()


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
