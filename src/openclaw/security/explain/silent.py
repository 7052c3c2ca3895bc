"""Ports of the rooms above the tools, for questions: nothing is recorded, no session is read, nobody is told."""

from __future__ import annotations

from typing import Any

from openclaw.state.ledger_port import LedgerEntry
from openclaw.tools.contract import RunContext


class NoLedger:
    """Implements `LedgerPort`: a question leaves no record."""

    healthy = True

    def record(self, entry: LedgerEntry) -> None:
        """Forget it."""


class Silent:
    """Implements `SessionsPort` and `SystemEvents` over nothing."""

    def notify(self, session_key: str, text: str, *, context_key: str | None = None, wake: bool = False) -> None:
        """Tell nobody."""

    def rows(self, run: RunContext, *, limit: int | None, active_minutes: int | None) -> list[dict[str, Any]]:  # noqa: ARG002
        """Return no session."""
        return []

    def history(self, run: RunContext, session: str, *, limit: int | None, include_tools: bool) -> dict[str, Any]:  # noqa: ARG002
        """Return no history."""
        return {"sessionKey": session, "messages": []}

    def status(self, run: RunContext, session: str | None) -> dict[str, Any]:  # noqa: ARG002
        """Return an empty card."""
        return {}

    def set_model(self, run: RunContext, session: str | None, model: str) -> None:
        """Change nothing."""
