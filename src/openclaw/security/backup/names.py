"""Names inside an archive: which there may be, and what of a state directory is left out. Pure."""

from __future__ import annotations

import fnmatch
import re
import unicodedata
from typing import Final

MANIFEST: Final = "manifest.json"
STATE: Final = "state"
CONFIG: Final = "config"
WORKSPACES: Final = "workspaces"
AREAS: Final = (STATE, CONFIG, WORKSPACES)
MAX_DEPTH: Final = 80
MAX_NAME: Final = 255
BEFORE: Final = ".before-restore-"
STAGING: Final = ".restore-"

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\\]")

LEFT_OUT: Final = {
    "logs": "logs",
    "cache": "can be made again",
    "sandboxes": "work of sandboxes",
    "browser": "browser profiles",
    "memory": "search index, can be made again",
    "journal": "messages in flight, which a restore would send twice",
}
"""Folders right below the state that are no part of a backup, and why."""
_TRANSIENT: Final = ("*.lock", "*.flock", "*.tmp", "*.sock", "gateway.lock", "restart-sentinel.json")
KEPT_ON_RESTORE: Final = ("journal", "ledger", "logs")
"""Folders that a restore leaves as they are: what is in flight, and the record of what was decided."""


def left_out(path: str) -> str | None:
    """Return why a name below the state is no part of a backup; None when it is one."""
    first, _, rest = path.partition("/")
    if first in LEFT_OUT:
        return LEFT_OUT[first]
    if not rest and first.startswith((BEFORE, STAGING)):
        return "left by an earlier restore"
    name = path.rpartition("/")[2]
    return "in use only while the gateway runs" if any(fnmatch.fnmatchcase(name, one) for one in _TRANSIENT) else None


def fault_of(name: str) -> str | None:
    """Return why a name may not stand in an archive, or None (advisory K12)."""
    parts = name.removesuffix("/").split("/")
    if name == MANIFEST:
        return None
    if _CONTROL.search(name):
        return "it holds a control character or a backslash"
    if any(part in {"", ".", ".."} for part in parts):
        return "it is absolute, or leaves its folder"
    if parts[0] not in AREAS:
        return f"it is in none of {', '.join(AREAS)}"
    if len(parts) > MAX_DEPTH or any(len(part.encode("utf-8", "replace")) > MAX_NAME for part in parts):
        return "it is too deep or too long"
    return None


def folded(name: str) -> str:
    """Return a name as a file system that regards neither case nor composition sees it."""
    return unicodedata.normalize("NFC", name.removesuffix("/")).casefold()
