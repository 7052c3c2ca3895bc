"""What the rest of the system knows of the ledger: record a decision or an effect (guard.md 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from openclaw.policy.what.labels import Label


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One record before it is numbered and chained.

    Attributes:
        kind: `admission`, `command`, `tool.call`, `tool.result`, `approval`, `delivery`, `config`, `pairing`, `device`,
            `contain`, `start`, `stop`, `recovered`.
        run, session, agent: whose it is, where there is one.
        actor: channel, account, sender, integrity.
        what: tool, args_sha256, summary (redacted, at most 200 characters) and the like.
        verdict: outcome, rule, key.
        label: label of the run at that moment.
        ran: backend, id, network of what was executed.
    """

    kind: str
    run: str | None = None
    session: str | None = None
    agent: str | None = None
    actor: Mapping[str, Any] = field(default_factory=dict)
    what: Mapping[str, Any] = field(default_factory=dict)
    verdict: Mapping[str, Any] = field(default_factory=dict)
    label: Label | None = None
    ran: Mapping[str, Any] | None = None


class LedgerPort(Protocol):
    """A ledger: `openclaw.state.ledger.Ledger`, or a list in tests."""

    def record(self, entry: LedgerEntry) -> None:
        """Queue an entry; returns at once and never raises."""
        ...

    @property
    def healthy(self) -> bool:
        """Return False while the disk refuses: then consequential tools are refused and reads go on."""
        ...
