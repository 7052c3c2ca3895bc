"""How agent ids are compared (agent.md 1.1)."""

from __future__ import annotations

import re
from typing import Final

_PLAIN: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.IGNORECASE | re.ASCII)
_FOREIGN: Final = re.compile(r"[^a-z0-9_-]+")


def normal_agent_id(text: str) -> str:
    """Return an agent id in the form that is compared: lower case, other characters as one hyphen, at most 64 long."""
    trimmed = text.strip()
    if _PLAIN.fullmatch(trimmed):
        return trimmed.lower()
    return _FOREIGN.sub("-", trimmed.lower()).strip("-")[:64] or "main"
