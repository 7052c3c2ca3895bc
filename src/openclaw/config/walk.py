"""Following a path through the types of the schema: what is expected at a key, and how its leaf is marked."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from openclaw.config.base import Block, OpenBlock, Sensitive
from openclaw.config.registry import CHANNELS, SECTIONS, channel_model, section_type


@dataclass(frozen=True, slots=True)
class Spot:
    """What the schema says of one place.

    Attributes:
        type: the annotation, or None where the schema describes nothing (plugin settings, free maps).
        sensitive: how the leaf is marked, if it is.
    """

    type: Any
    sensitive: Sensitive | None = None

    @property
    def block(self) -> type[Block] | None:
        """The closed object that may stand here, if one may."""
        return next((member for member in members(self.type) if _is_block(member)), None)


UNDESCRIBED = Spot(None)
ROOT = Spot("root")
CHANNELS_SPOT = Spot("channels")


def step(spot: Spot, part: str | int) -> Spot | None:
    """Return what stands below `spot` at a key or index; None when the schema knows no such key there."""
    if spot.type is None:
        return UNDESCRIBED
    if spot is ROOT:
        if part == "channels":
            return CHANNELS_SPOT
        return Spot(section_type(part)) if isinstance(part, str) and part in SECTIONS else None
    if spot is CHANNELS_SPOT:
        model = channel_model(str(part))
        return UNDESCRIBED if model is None else Spot(model)
    for member in members(spot.type):
        found = _below(member, part)
        if found is not None:
            return found
    return None


def spot_at(parts: Sequence[str | int]) -> Spot | None:
    """Return what the schema says of a path, or None when it knows no such key."""
    spot: Spot | None = ROOT
    for part in parts:
        if spot is None:
            return None
        spot = step(spot, part)
    return spot


def keys_of(spot: Spot) -> tuple[str, ...]:
    """Return the keys that may stand in the object at `spot`, as far as they are named."""
    if spot is ROOT:
        return (*SECTIONS, "channels")
    if spot is CHANNELS_SPOT:
        return ("defaults", *CHANNELS)
    model = spot.block
    return () if model is None else tuple(alias for alias, _ in fields(model))


def fields(model: type[Block]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the keys of a closed object with their fields, in the order of the file."""
    for name, field in model.model_fields.items():
        yield field.alias or name, field


def _below(member: Any, part: str | int) -> Spot | None:
    if _is_block(member):
        for alias, field in fields(member):
            if alias == part:
                return Spot(field.annotation, mark_of(field.annotation, field.metadata))
        return _extra(member)
    origin = get_origin(member)
    if origin is tuple and isinstance(part, int):
        return _spot(get_args(member)[0])
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(part, str):
        value = get_args(member)[1]
        return UNDESCRIBED if value is Any else _spot(value)
    return None


def _extra(model: type[Block]) -> Spot | None:
    if model.extra_values is not None:
        return _spot(model.extra_values)
    return UNDESCRIBED if issubclass(model, OpenBlock) else None


def _spot(annotation: Any) -> Spot:
    return Spot(annotation, _mark_in(annotation))


def mark_of(annotation: Any, metadata: Sequence[Any] = ()) -> Sensitive | None:
    """Return how a leaf is marked: by its field or by its type."""
    return _mark(metadata) or _mark_in(annotation)


def _mark_in(annotation: Any) -> Sensitive | None:
    """Return the mark of an annotation or of the one member of a union that has one."""
    if get_origin(annotation) is Annotated:
        return _mark(get_args(annotation)[1:]) or _mark_in(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return next((found for member in get_args(annotation) if (found := _mark_in(member))), None)
    return None


def _mark(metadata: Sequence[Any]) -> Sensitive | None:
    return next((item for item in metadata if isinstance(item, Sensitive)), None)


def members(annotation: Any) -> Iterator[Any]:
    """Yield the members of a union, without Annotated around them; any other type is its own only member."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from members(get_args(annotation)[0])
    elif origin in {Union, types.UnionType}:
        for member in get_args(annotation):
            yield from members(member)
    else:
        yield annotation


def _is_block(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, Block)
