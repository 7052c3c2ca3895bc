"""The schema stage: a plain document against the models of the sections that it has (config.md 1.6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from openclaw.config.base import Block
from openclaw.config.issues import Issue, Parts, closest, dotted, fault, from_validation
from openclaw.config.paths import RESERVED
from openclaw.config.registry import NOT_BUILT, RETIRED, SECTIONS, channel_model, section_type
from openclaw.config.walk import ROOT, keys_of, spot_at


@dataclass(frozen=True, slots=True)
class Checked:
    """What the schema stage found.

    Attributes:
        sections: the typed sections without faults, by key.
        channels: the typed channel sections without faults, by channel id.
        issues: the faults.
    """

    sections: Mapping[str, Any] = field(default_factory=dict)
    channels: Mapping[str, Block] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


class _KnownKeys(Mapping[Parts, tuple[str, ...]]):
    """The known keys of a place, looked up only when a fault needs them."""

    def __getitem__(self, parts: Parts) -> tuple[str, ...]:
        spot = spot_at(parts)
        if spot is None:
            raise KeyError(parts)
        return keys_of(spot)

    def __iter__(self) -> Iterator[Parts]:
        return iter(())

    def __len__(self) -> int:
        return 0


def check_schema(document: Any) -> Checked:
    """Validate a document; only the modules of the sections that it has are imported."""
    if not isinstance(document, dict):
        return Checked(issues=(fault((), "the config must be an object"),))
    sections: dict[str, Any] = {}
    channels: dict[str, Block] = {}
    issues: list[Issue] = list(_reserved(document, ()))
    for key, value in document.items():
        if key == "channels":
            issues += _check_channels(value, channels)
        elif key in SECTIONS:
            _check(_adapter(key), (key,), value, sections, key, issues)
        elif key not in RESERVED:
            near = closest(key, keys_of(ROOT))
            hint = f'; did you mean "{near}"?' if near else ""
            issues.append(fault((), f'unknown key "{key}"{hint}', nearest=near))
    return Checked(sections, channels, tuple(_explained(issue) for issue in issues))


@cache
def _adapter(key: str) -> Any:
    """Return the validator of a section: its model, or an adapter for the list of bindings."""
    found = section_type(key)
    return found if isinstance(found, type) else TypeAdapter(found)


def _check(validator: Any, at: Parts, value: Any, into: dict[str, Any], key: str, issues: list[Issue]) -> None:
    validate = validator.validate_python if isinstance(validator, TypeAdapter) else validator.model_validate
    try:
        into[key] = validate(value)
    except ValidationError as error:
        issues += from_validation(error, at, value, _KnownKeys())


def _check_channels(value: Any, channels: dict[str, Block]) -> list[Issue]:
    if not isinstance(value, dict):
        return [fault(("channels",), "must be an object")]
    issues: list[Issue] = []
    for channel, settings in value.items():
        model = channel_model(channel)
        if model is not None:
            _check(model, ("channels", channel), settings, channels, channel, issues)
        elif not isinstance(settings, dict):
            issues.append(fault(("channels", channel), "must be an object"))
    return issues


def _reserved(value: Any, at: Parts) -> Iterator[Issue]:
    """Yield a fault for each reserved key, wherever it stands."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key in RESERVED:
                yield fault(at, f'the key "{key}" is reserved')
            yield from _reserved(item, (*at, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _reserved(item, (*at, index))


def _explained(issue: Issue) -> Issue:
    """Say of an unknown key that it is planned or has another name here, when that is so."""
    if not issue.message.startswith('unknown key "'):
        return issue
    key = issue.message.split('"')[1]
    generic = dotted("*" if isinstance(part, int) else part for part in (*issue.parts, key))
    if generic in NOT_BUILT:
        return fault(issue.parts, f'"{key}": this build lacks {NOT_BUILT[generic]}; remove the key')
    if generic in RETIRED:
        return fault(issue.parts, f'"{key}" is a name of other versions; use {RETIRED[generic]}')
    return issue
