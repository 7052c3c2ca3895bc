"""Secrets as a type: masked wherever they are printed, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, final

MASK: Final = "***"

_resolved: set[str] = set()
MIN_KNOWN_LENGTH: Final = 8


@final
class Secret:
    """A secret value. `str`, `repr` and formatting show a mask; `reveal()` is the only way to the text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text
        if len(text) >= MIN_KNOWN_LENGTH:
            _resolved.add(text)

    def reveal(self) -> str:
        """Return the text. Call it only where the value leaves for its own purpose."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __len__(self) -> int:
        return len(self._text)

    def __hash__(self) -> int:
        return hash(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and same_secret(self._text, other._text)

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not serialised")


def same_secret(left: object, right: object) -> bool:
    """Compare two secrets in constant time, whatever their lengths (gateway.md 2.1, advisory A6).

    Anything that is not a non-empty string is unequal to everything.
    """
    if isinstance(left, Secret):
        left = left.reveal()
    if isinstance(right, Secret):
        right = right.reveal()
    if not isinstance(left, str) or not isinstance(right, str) or not left or not right:
        return False
    return hmac.compare_digest(
        hashlib.sha256(left.encode("utf-8", "surrogatepass")).digest(),
        hashlib.sha256(right.encode("utf-8", "surrogatepass")).digest(),
    )


def known_secrets() -> frozenset[str]:
    """Return every secret text of at least 8 characters that this process has resolved, for the redactor."""
    return frozenset(_resolved)
