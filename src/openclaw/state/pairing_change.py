"""What a change of a pairing store's allow file is, as a record for the ledger (guard.md 4). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

from openclaw.state.ledger_port import LedgerEntry

MAX_IDS: Final = 50


def change_of(file: str, before: Set[str], after: Set[str], actor: Mapping[str, Any]) -> LedgerEntry | None:
    """Return the record of a changed allow file, or None when it holds the same ids.

    Args:
        file: name of the file, which tells channel and account.
        before: ids that it held.
        after: ids that it holds.
        actor: who changed it, as far as that is known.
    """
    added, removed = sorted(after - before), sorted(before - after)
    if not added and not removed:
        return None
    said = [*(f"+{one}" for one in added), *(f"-{one}" for one in removed)]
    return LedgerEntry(
        kind="pairing",
        actor=actor,
        what={
            "file": file,
            "added": added[:MAX_IDS],
            "removed": removed[:MAX_IDS],
            "count": len(said),
            "summary": f"{file}: {' '.join(said[:MAX_IDS])}",
        },
        verdict={"outcome": "changed", "rule": "pairing.file"},
    )
