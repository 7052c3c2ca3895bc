"""A valid config with a canary in every field that the schema marks as a secret, found through the schema itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from openclaw.config.base import Block
from openclaw.config.registry import CHANNELS, SECTIONS, channel_model, section_type
from openclaw.config.walk import fields, mark_of, members

Path = tuple[str | int, ...]
ANY_KEY = "k"
VARIABLE = "K_NAME"


def secret_paths() -> list[tuple[Path, str]]:
    """Return every path whose leaf is marked, with its kind; one step `k` for any key and 0 for any index."""
    found = [path for key in SECTIONS for path in _paths(section_type(key), (key,))]
    return [*found, *(path for name in CHANNELS for path in _paths(channel_model(name), ("channels", name)))]


def _paths(annotation: Any, at: Path) -> Iterator[tuple[Path, str]]:
    for member in members(annotation):
        if isinstance(member, type) and issubclass(member, Block):
            if member.extra_values is not None and mark_of(member.extra_values):
                yield (*at, VARIABLE), "secret"
            for key, field in fields(member):
                yield from _field(field, (*at, key))
        elif get_origin(member) is tuple:
            yield from _marked(get_args(member)[0], (*at, 0))
        elif get_origin(member) is not None and len(get_args(member)) == 2:
            yield from _marked(get_args(member)[1], (*at, ANY_KEY))


def _field(field: FieldInfo, at: Path) -> Iterator[tuple[Path, str]]:
    mark = mark_of(field.annotation, field.metadata)
    if mark is not None:
        yield at, mark.kind
    else:
        yield from _paths(field.annotation, at)


def _marked(annotation: Any, at: Path) -> Iterator[tuple[Path, str]]:
    mark = mark_of(annotation)
    if mark is not None:
        yield at, mark.kind
    else:
        yield from _paths(annotation, at)


NEEDED: Mapping[str, Any] = {
    "gateway": {"remote": {"url": "wss://elsewhere.example"}},
    "browser": {"profiles": {ANY_KEY: {"color": "#112233"}}},
    "models": {"providers": {ANY_KEY: {"models": [{"id": "m", "name": "m"}]}}},
    "agents": {"defaults": {"cliBackends": {ANY_KEY: {"command": "/usr/bin/true"}}}, "list": [{"id": "main"}]},
    "hooks": {"internal": {"entries": {ANY_KEY: {}}}},
}
"""What must stand beside secrets for the config to be valid."""


def canary(path: str) -> str:
    """Return the canary of a place: a text that stands nowhere else, and is not known by its form."""
    return f"canary{hashlib.sha256(path.encode()).hexdigest()[:26]}"


def every_secret() -> tuple[dict[str, Any], dict[str, str]]:
    """Return a config that holds them all, and the canaries by path; a URL holds one as password, one in its query."""
    document: Any = {}
    planted: dict[str, str] = {}
    for path, kind in secret_paths():
        name = ".".join(map(str, path))
        secret = planted[name] = canary(name)
        if kind == "url":
            query = planted[f"{name}?"] = canary(f"{name}?")
            scheme = "wss" if name == "gateway.remote.url" else "http"
            value = f"{scheme}://user:{secret}@127.0.0.1:9/v1?key={query}"
        else:
            value = secret
        document = _merged(document, _nested(path, value))
    return _merged(document, NEEDED), planted


def _nested(path: Path, value: Any) -> Any:
    for step in reversed(path):
        value = [value] if step == 0 else {step: value}
    return value


def _merged(one: Any, other: Any) -> Any:
    """Return both trees as one; where both state a leaf, the first stays."""
    if isinstance(one, dict) and isinstance(other, Mapping):
        added = {key: value for key, value in other.items() if key not in one}
        return {key: _merged(value, other[key]) if key in other else value for key, value in one.items()} | added
    if isinstance(one, list) and isinstance(other, list) and one and other:
        return [_merged(one[0], other[0])]
    return one
