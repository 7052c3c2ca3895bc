"""The silent token: when an answer is none, and what of a stream is held back meanwhile (agent.md 3.6). Pure."""

from __future__ import annotations

import re
from typing import Final

TOKEN: Final = "NO_REPLY"  # noqa: S105 - a word of the prompt
_SHOWN: Final = 64
_STARTS: Final = re.compile(rf"\s*{TOKEN}(?:\W|$)")
_ENDS: Final = re.compile(rf"\b{TOKEN}\b\W{{0,16}}$")


def is_silent(text: str) -> bool:
    """Return whether an answer says nothing: it starts or ends with the token, or is blank."""
    return not text.strip() or _STARTS.match(text) is not None or _ENDS.search(text[-_SHOWN:]) is not None


def may_become_silent(text: str) -> bool:
    """Return whether the beginning of a stream could still turn out to be the token; it is not shown until then."""
    said = text.lstrip()
    return TOKEN.startswith(said) or _STARTS.match(said) is not None
