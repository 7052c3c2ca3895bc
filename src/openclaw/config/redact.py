"""Masking of secrets in config views, driven by the schema, and putting them back on a write (config.md 1.8).

A leaf is secret when the schema marks it, or when it is text under a key that the schema does not describe and whose
name says so. Numbers, booleans and the names of token counts, files and paths are never touched. A `${VAR}` reference
and a reference object are no secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from openclaw.config.base import Sensitive
from openclaw.config.issues import Parts, dotted
from openclaw.config.json5 import Json5Error, loads
from openclaw.config.json5_spans import Span, spans
from openclaw.config.model import Source
from openclaw.config.paths import get_value
from openclaw.config.walk import ROOT, UNDESCRIBED, Spot, step
from openclaw.system.environment import Environment, is_secret_name
from openclaw.system.errors import InvalidInput

SENTINEL: Final = "__OPENCLAW_REDACTED__"
MAX_RAW: Final = 2 * 1024 * 1024
_SECRET_WORDS: Final = re.compile(r"token|password|secret|api.?key", re.IGNORECASE)
_HARMLESS_ENDINGS: Final = re.compile(r"(tokens|file|path)$", re.IGNORECASE)
_ONLY_REFERENCES: Final = re.compile(r"(\$\{[A-Z_][A-Z0-9_]*\})+")
_COMMENT: Final = re.compile(r"//[^\n\r\u2028\u2029]*|/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_REF_SOURCES: Final = frozenset({"env", "file", "exec", "keyring"})
_MIN_KNOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Redacted:
    """The views of a config that may be shown.

    Attributes:
        config: effective values; None when the config is invalid.
        parsed: authored values.
        raw: authored text; None when it cannot be masked (not JSON5, or too large).
    """

    config: Any
    parsed: Any
    raw: str | None


def redacted(
    source: Source,
    document: Mapping[str, Any] | None,
    environment: Environment,
    *,
    redact_text: Callable[[str], str] | None = None,
) -> Redacted:
    """Return the views of a config with its secrets masked.

    Args:
        source: the file as read.
        document: effective values of a valid config.
        environment: the config's environment; values of secret variables that the config refers to are masked wherever
            they ended up.
        redact_text: masks patterns in the comments of `raw`.
    """
    known = _known_values(source, environment)
    shown = None if document is None else redact_value(dict(document), known=known)
    return Redacted(shown, redact_value(source.parsed), _raw(source, redact_text))


def redact_value(value: Any, *, known: Iterable[str] = ()) -> Any:
    """Return a config document with its secrets masked.

    Args:
        value: effective or authored document.
        known: further texts that are masked wherever they stand.
    """
    return _masked(value, ROOT, "", tuple(sorted(known, key=len, reverse=True)))


def _known_values(source: Source, environment: Environment) -> set[str]:
    values = (environment.get(name) for name in source.references if is_secret_name(name))
    return {value for value in values if value and len(value) >= _MIN_KNOWN}


def _below(spot: Spot, part: str | int) -> Spot:
    return step(spot, part) or UNDESCRIBED


def _masked(value: Any, spot: Spot, key: str, known: tuple[str, ...]) -> Any:
    if _is_marked(spot):
        return _mask_secret(value)
    if isinstance(value, dict):
        if spot.type is None and _says_secret(key):
            return _mask_secret(value)
        return {name: _masked(item, _below(spot, name), name, known) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, _below(spot, index), key, known) for index, item in enumerate(value)]
    return _mask_text(value, spot, key, known) if isinstance(value, str) else value


def _mask_text(value: str, spot: Spot, key: str, known: tuple[str, ...]) -> str:
    if spot.type is None and _says_secret(key):
        return _mask_leaf(value)
    if spot.sensitive == Sensitive("url"):
        value = redact_url(value)
    for secret in known:
        value = value.replace(secret, SENTINEL)
    return value


def _says_secret(key: str) -> bool:
    return _SECRET_WORDS.search(key) is not None and _HARMLESS_ENDINGS.search(key) is None


def _mask_leaf(value: str) -> str:
    return value if not value or _ONLY_REFERENCES.fullmatch(value) else SENTINEL


def _mask_secret(value: Any) -> Any:
    """Mask every text of a secret leaf; a reference object stays as it is."""
    if isinstance(value, str):
        return _mask_leaf(value)
    if isinstance(value, dict):
        if value.get("source") in _REF_SOURCES:
            return value
        return {name: _mask_secret(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_mask_secret(item) for item in value]
    return value


def redact_url(text: str) -> str:
    """Return a URL with its user information and query values masked."""
    try:
        url = urlsplit(text)
    except ValueError:
        return SENTINEL
    if "@" not in url.netloc and not url.query:
        return text
    if _ONLY_REFERENCES.fullmatch(text):
        return text
    host = url.netloc.rpartition("@")[2]
    netloc = f"{SENTINEL}@{host}" if "@" in url.netloc else host
    query = "&".join(_mask_pair(pair) for pair in url.query.split("&")) if url.query else ""
    return SplitResult(url.scheme, netloc, url.path, query, url.fragment).geturl()


def _mask_pair(pair: str) -> str:
    name, mark, value = pair.partition("=")
    return f"{name}={SENTINEL}" if mark and value else name if mark else SENTINEL


def _raw(source: Source, redact_text: Callable[[str], str] | None) -> str | None:
    if not source.exists or not source.raw:
        return "" if not source.exists else None
    if len(source.raw) > MAX_RAW:
        return None
    try:
        root = spans(source.raw)
    except Json5Error:
        return None
    cuts = sorted(_raw_cuts(source.raw, root, ROOT, ""))
    text, at = [], 0
    for start, end, masked in cuts:
        text += [_comments(source.raw[at:start], redact_text), json.dumps(masked, ensure_ascii=False)]
        at = end
    return "".join([*text, _comments(source.raw[at:], redact_text)])


def _comments(text: str, redact_text: Callable[[str], str] | None) -> str:
    """Mask patterns in the comments of a piece of text that begins and ends outside of strings."""
    if redact_text is None:
        return text

    def masked(found: re.Match[str]) -> str:
        comment = found.group(0)
        return redact_text(comment) if comment.startswith("/") else comment

    return _COMMENT.sub(masked, text)


def _raw_cuts(raw: str, span: Span, spot: Spot, key: str) -> Iterator[tuple[int, int, Any]]:
    """Yield the places of the text whose value is masked, with what stands there instead."""
    named = spot.type is None and _says_secret(key)
    if span.members is not None and not _is_marked(spot) and not named:
        for name, member in span.members.items():
            for value in (*member.shadowed, member.value):
                yield from _raw_cuts(raw, value, _below(spot, name), name)
    elif span.items is not None and not _is_marked(spot):
        for index, item in enumerate(span.items):
            yield from _raw_cuts(raw, item, _below(spot, index), key)
    else:
        value = loads(raw[span.start : span.end])
        masked = _masked(value, spot, key, ())
        if masked != value:
            yield span.start, span.end, masked


def _is_marked(spot: Spot) -> bool:
    return spot.sensitive is not None and spot.sensitive.kind == "secret"


def restore_text(text: str, stored: Any) -> str:
    """Return an incoming JSON5 text with each masked value replaced by the authored one at the same path.

    Raises:
        InvalidInput: a masked value stands where nothing, or something else, is stored.
        Json5Error: the text is not JSON5.
    """
    if SENTINEL not in text:
        return text
    loads(text)
    pieces, at = [], 0
    for start, end, parts in sorted(_sentinels(text, spans(text), ())):
        value = _stored(loads(text[start:end]), parts, stored)
        pieces += [text[at:start], json.dumps(value, ensure_ascii=False)]
        at = end
    return "".join([*pieces, text[at:]])


def restore_value(value: Any, stored: Any, at: Parts = ()) -> Any:
    """Return an incoming value with each masked text replaced by the authored one at the same path.

    Raises:
        InvalidInput: as `restore_text`.
    """
    if isinstance(value, dict):
        return {key: restore_value(item, stored, (*at, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [restore_value(item, stored, (*at, index)) for index, item in enumerate(value)]
    return _stored(value, at, stored) if isinstance(value, str) and SENTINEL in value else value


def _sentinels(text: str, span: Span, at: Parts) -> Iterator[tuple[int, int, Parts]]:
    if span.members is not None:
        for name, member in span.members.items():
            yield from _sentinels(text, member.value, (*at, name))
    elif span.items is not None:
        for index, item in enumerate(span.items):
            yield from _sentinels(text, item, (*at, index))
    elif SENTINEL in text[span.start : span.end]:
        yield span.start, span.end, at


def _stored(masked: str, parts: Parts, stored: Any) -> Any:
    """Return the authored value that a masked text stands for."""
    found, value = get_value(stored, parts)
    whole = masked == SENTINEL
    if found and isinstance(value, str) and (whole or redact_url(value) == masked):
        return value
    raise InvalidInput(
        f"{dotted(parts)} is masked ({SENTINEL}), but no such value is stored; write the value itself",
        code="config-masked-value",
    )
