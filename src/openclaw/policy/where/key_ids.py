"""Identifiers that session keys are made of, and what may not enter a key (agent.md 1.1, 1.2)."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import Final

from openclaw.policy.verdict import Reason

DEFAULT_AGENT: Final = "main"
DEFAULT_ACCOUNT: Final = "default"
DEFAULT_MAIN_KEY: Final = "main"
GLOBAL_KEY: Final = "global"
UNKNOWN: Final = "unknown"
MARKERS: Final = (":thread:", ":topic:")
"""What stands before a thread's or forum topic's id in a key."""

_ID_LENGTH: Final = 64
_PLAIN_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_OUTSIDE_ID: Final = re.compile(r"[^a-z0-9_-]+")


def trimmed(text: str | None) -> str:
    """Return a text without outer blanks; "" for None."""
    return (text or "").strip()


def folded(text: str | None) -> str:
    """Return a text without outer blanks and in lower case, as most words of a config are compared; "" for None."""
    return (text or "").strip().lower()


class PeerKind(StrEnum):
    """What a conversation is; `dm` of older configs is read as `direct`."""

    DIRECT = "direct"
    GROUP = "group"
    CHANNEL = "channel"

    @classmethod
    def read(cls, text: str | None) -> PeerKind | None:
        """Return the kind that a text names, or None."""
        return _KINDS.get(folded(text))


_KINDS: Final = {"direct": PeerKind.DIRECT, "dm": PeerKind.DIRECT, "group": PeerKind.GROUP, "channel": PeerKind.CHANNEL}


class DmScope(StrEnum):
    """Which direct messages share a session (`session.dmScope`)."""

    MAIN = "main"
    PER_PEER = "per-peer"
    PER_CHANNEL_PEER = "per-channel-peer"
    PER_ACCOUNT_CHANNEL_PEER = "per-account-channel-peer"


def _normalise_id(text: str | None, fallback: str) -> str:
    lowered = folded(text)
    if _PLAIN_ID.fullmatch(lowered):
        return lowered
    cleaned = _OUTSIDE_ID.sub("-", lowered).strip("-")[:_ID_LENGTH]
    return cleaned or fallback


def normalise_agent_id(text: str | None) -> str:
    """Return the agent id that a text names: lower-case, `[a-z0-9_-]`, at most 64, `main` when nothing is left."""
    return _normalise_id(text, DEFAULT_AGENT)


def normalise_account_id(text: str | None) -> str:
    """Return the account part of a key; `default` when nothing is left. Bindings compare the raw value instead."""
    return _normalise_id(text, DEFAULT_ACCOUNT)


def normalise_main_key(text: str | None) -> str:
    """Return the main key that a text names; `main` when blank."""
    return folded(text) or DEFAULT_MAIN_KEY


def id_fault(text: str | None, what: str, *, kind: PeerKind | None = None) -> Reason | None:
    """Return why a peer, chat or thread id may not enter a key, or None (agent.md 1.2, injectivity).

    Refused are control and format characters, outer blanks (they would be trimmed away), the thread markers (only
    intake adds those), and room ids that begin like a direct chat's part of a key.

    Args:
        text: the raw id, before intake adds a suffix. A blank one has no fault here.
        what: its name in the message, such as `peer id`.
        kind: kind of the conversation, where the id is a chat's.
    """
    if not text:
        return None
    lowered = text.lower()
    if text != text.strip():
        return Reason("key.outer-blank", detail=f"The {what} begins or ends with a blank.")
    if any(unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for char in text):
        return Reason("key.control-character", detail=f"The {what} holds a control character.")
    if any(marker in f":{lowered}:" for marker in MARKERS):
        return Reason("key.thread-marker", detail=f"The {what} holds a thread or topic marker of its own.")
    if kind in {PeerKind.GROUP, PeerKind.CHANNEL} and lowered.startswith(("direct:", "dm:")):
        return Reason("key.direct-marker", detail=f"The {what} begins like the key of a direct chat.")
    return None
