"""Allowlist patterns of exec, matched against the normalised path of a program (exec.md 2.4 step 7, advisories H11)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from openclaw.policy.what.exec_model import AllowEntry, Word

_MAX_STARS: Final = 16
"""A pattern with more wildcards is void: matching would cost too much."""
_PIECES: Final = re.compile(r"\*\*+|\*|\?|[^*?]+")


def find_entry(entries: Sequence[AllowEntry], path: str, arguments: Sequence[Word], home: str) -> AllowEntry | None:
    """Return the first entry that covers a program with its arguments, or None.

    Args:
        entries: the allowlist in order.
        path: normalised absolute invocation path, not the target of a link.
        arguments: the words after the command.
        home: what a leading `~/` of a pattern stands for.
    """
    lowered = path.lower()
    for entry in entries:
        if not entry.void and _covers(entry.pattern, home, lowered) and _fits(entry.args, arguments):
            return entry
    return None


def _covers(pattern: str, home: str, lowered_path: str) -> bool:
    compiled = _compiled(pattern, home)
    if isinstance(compiled, str):
        return compiled == lowered_path
    return compiled is not None and compiled.fullmatch(lowered_path) is not None


def _fits(args: tuple[str, ...] | None, arguments: Sequence[Word]) -> bool:
    if args is None:
        return True
    return len(args) == len(arguments) and all(
        not word.dynamic and word.text == text for text, word in zip(args, arguments, strict=True)
    )


@lru_cache(maxsize=4096)
def _compiled(pattern: str, home: str) -> re.Pattern[str] | str | None:
    """Return a lower-case path for a pattern without wildcards, a regex for one with them, None for a void one."""
    text = pattern.strip()
    if "/" not in text and not text.startswith("~"):
        return None
    prefix = ""
    if text.startswith("~/"):
        prefix, text = home.rstrip("/"), text[1:]
    if "*" not in text and "?" not in text:
        return (prefix + text).lower()
    if text.count("*") > _MAX_STARS:
        return None
    body = "".join(_piece(piece) for piece in _PIECES.findall(text.lower()))
    return re.compile(re.escape(prefix.lower()) + body, re.DOTALL)


def _piece(piece: str) -> str:
    if piece.startswith("**"):
        return ".*"
    if piece == "*":
        return "[^/]*"
    return "[^/]" if piece == "?" else re.escape(piece)
