"""One form of a request path: decoded once to a fixed point; what could mean two things is refused (advisory E12)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

MAX_TARGET: Final = 8192
MAX_QUERY_FIELDS: Final = 64
_ESCAPE: Final = re.compile(r"%[0-9A-Fa-f]{2}")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Target:
    """What a request line asks for.

    Attributes:
        path: decoded path; the router and every guard see this one.
        query: the first value of each name.
        raw_query: the query as it was sent, without `?`.
    """

    path: str
    query: dict[str, str]
    raw_query: str


def read_target(raw: str) -> Target | None:
    """Read a request target in origin form; None when it is not one or its path is ambiguous.

    Refused are: absolute and authority forms, broken or repeated escapes, escaped separators, dot segments, empty
    segments, backslashes, control characters and text that is not UTF-8.
    """
    if len(raw) > MAX_TARGET or not raw.startswith("/") or "#" in raw:
        return None
    path, _, raw_query = raw.partition("?")
    decoded = _decode(path)
    if decoded is None or not _is_plain(decoded):
        return None
    try:
        pairs = parse_qsl(raw_query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS, errors="replace")
    except ValueError:
        return None
    query: dict[str, str] = {}
    for name, value in pairs:
        query.setdefault(name, value)
    return Target(decoded, query, raw_query)


def _decode(path: str) -> str | None:
    if _BAD_ESCAPE.search(path) or not path.isascii():
        return None
    escaped = path.lower()
    if any(code in escaped for code in ("%2f", "%5c", "%00", "%25")):
        return None  # separators in disguise, and a second layer of escapes
    try:
        return unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_plain(path: str) -> bool:
    if "\\" in path or not path.isprintable() or _ESCAPE.search(path):
        return False
    segments = path.split("/")[1:]
    if any(segment in (".", "..") for segment in segments):
        return False
    return "" not in segments[:-1]
