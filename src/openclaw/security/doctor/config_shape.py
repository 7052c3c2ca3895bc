"""What of an authored config can be mended without a guess: older keys, older value shapes, unknown keys.

Values that are wrong in any other way are a person's business; they are told, never changed (config.md 5.1 row 7).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.config.issues import Issue, Parts, closest, dotted
from openclaw.config.load import Loaded, evaluate
from openclaw.config.migrate import migration_changes
from openclaw.config.plain import evaluate_plain
from openclaw.config.text_edit import Change, Drop, Put, apply_changes
from openclaw.config.walk import ROOT, Spot, keys_of, step
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput

_UNKNOWN: Final = "unknown key"
_ACK_SCOPES: Final[Mapping[str, tuple[bool, str]]] = {
    "all": (True, "always"),
    "direct": (True, "never"),
    "group-all": (False, "always"),
    "group-mentions": (False, "mentions"),
}
"""`messages.ackReactionScope` to `direct` and `group` of WhatsApp's own setting."""


@dataclass(frozen=True, slots=True)
class MendPlan:
    """What would be changed, and what would still be wrong.

    Attributes:
        changes: in the authored text.
        legacy, values, unknown: what that comes to, for people.
        left: faults that remain.
    """

    changes: tuple[Change, ...] = ()
    legacy: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    left: tuple[Issue, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Return a line per change."""
        return (*self.legacy, *self.values, *self.unknown)


def mend_plan(loaded: Loaded, layout: StateLayout, environment: Environment) -> MendPlan:
    """Return how a config could be mended. Nothing is written, and nothing but the config is read."""
    source = loaded.source
    if not source.exists or not isinstance(source.parsed, dict) or not source.raw:
        return MendPlan(left=loaded.issues)
    moves, notes = migration_changes(source.parsed)
    values, value_notes = _older_values(source.parsed)
    changes: list[Change] = [*moves, *values]
    text = _edited(source.raw, changes)
    if text is None:
        return MendPlan(left=loaded.issues)
    after = evaluate(text.encode(), layout, environment) if changes else loaded
    plain = evaluate_plain(text.encode(), layout, environment)
    reported = {issue.parts for issue in after.issues if _UNKNOWN in issue.message}
    surplus = [parts for parts in unknown_keys(plain.authored) if parts[:-1] in reported]
    drops: list[Change] = [Drop(parts) for parts in surplus]
    final = _edited(text, drops)
    left = after.issues
    if drops and final is not None:
        left = tuple(one for one in evaluate(final.encode(), layout, environment).issues if one.parts not in reported)
    return MendPlan(
        changes=(*changes, *drops),
        legacy=tuple(f"move {note}" for note in notes),
        values=value_notes,
        unknown=tuple(f"remove {dotted(parts)}{_meant(parts)}" for parts in surplus),
        left=left,
    )


def _edited(text: str, changes: list[Change]) -> str | None:
    if not changes:
        return text
    try:
        return apply_changes(text, changes).text
    except InvalidInput:
        return None


def _meant(parts: Parts) -> str:
    spot: Spot | None = ROOT
    for part in parts[:-1]:
        spot = step(spot, part) if spot is not None else None
    near = closest(str(parts[-1]), keys_of(spot)) if spot is not None else None
    return f' (was "{near}" meant?)' if near else ""


def unknown_keys(authored: Any) -> Iterator[Parts]:
    """Yield the path of every key that the schema does not know, in the order of the document."""
    if isinstance(authored, dict):
        yield from _unknown(authored, ROOT, ())


def _unknown(value: Any, spot: Spot, at: Parts) -> Iterator[Parts]:
    if spot.type is None or (spot.sensitive is not None and spot.sensitive.kind == "secret"):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            below = step(spot, key)
            if below is None:
                yield (*at, key)
            else:
                yield from _unknown(item, below, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            below = step(spot, index)
            if below is not None:
                yield from _unknown(item, below, (*at, index))


def _older_values(parsed: Mapping[str, Any]) -> tuple[list[Change], tuple[str, ...]]:
    """Return changes for values whose shape is out of date.

    `messages.ackReaction` was WhatsApp's too, before it had a setting of its own.
    """
    messages, channels = parsed.get("messages"), parsed.get("channels")
    whatsapp = channels.get("whatsapp") if isinstance(channels, Mapping) else None
    reaction = messages.get("ackReaction") if isinstance(messages, Mapping) else None
    if not isinstance(whatsapp, Mapping) or "ackReaction" in whatsapp:
        return [], ()
    if not isinstance(messages, Mapping) or not isinstance(reaction, str) or not reaction.strip():
        return [], ()
    direct, group = _ACK_SCOPES.get(str(messages.get("ackReactionScope")), _ACK_SCOPES["group-mentions"])
    value = {"emoji": reaction.strip(), "direct": direct, "group": group}
    note = "copy messages.ackReaction to channels.whatsapp.ackReaction, which is its place now"
    return [Put(("channels", "whatsapp", "ackReaction"), value)], (note,)
