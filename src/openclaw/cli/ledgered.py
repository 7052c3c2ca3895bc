"""The ledger for a command that changes who may do what while no gateway runs: then the command is its writer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from openclaw.system.errors import Unavailable

if TYPE_CHECKING:
    from openclaw.state.layout import StateLayout
    from openclaw.state.ledger import Ledger

LEDGER_SECONDS: Final = 3.0
"""How long a change waits for another command that writes the ledger."""


@contextlib.contextmanager
def own_ledger(layout: StateLayout) -> Iterator[Ledger]:
    """Hold the ledger for one change, and see to it that the record is on the disk.

    Raises:
        Conflict: another process writes it.
        Unavailable: the change is stored, but its record is not.
    """
    from openclaw.state.ledger import Ledger
    from openclaw.system.clock import SystemClock
    from openclaw.system.redaction import Redactor

    ledger = Ledger.open(layout.ledger, SystemClock(), redact=Redactor().redact, wait=LEDGER_SECONDS)
    try:
        yield ledger
        ledger.flush()
        if not ledger.healthy:
            raise Unavailable(
                f"the change is stored, but {layout.ledger} could not be written: it is not in the ledger",
                code="ledger-unwritable",
            )
    finally:
        ledger.close()


def myself() -> Mapping[str, Any]:
    """Return the actor of a record that a command writes."""
    return {"client": "cli", "uid": os.getuid()}
