"""A ledger that is a list."""

from __future__ import annotations

from openclaw.state.ledger_port import LedgerEntry


class ListLedger:
    """Keeps its entries; `healthy` is set by the test."""

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []
        self.healthy = True

    def record(self, entry: LedgerEntry) -> None:
        self.entries.append(entry)

    def of(self, kind: str) -> list[LedgerEntry]:
        """Return the entries of one kind."""
        return [entry for entry in self.entries if entry.kind == kind]
