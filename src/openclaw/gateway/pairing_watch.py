"""Who was let in or shut out by a file of the pairing store, as records of the ledger (channels.md 1.3, guard.md 4).

`openclaw pairing approve` and people with an editor change these files while the gateway runs and has the ledger.
Admission sees such a change at the next message; here it is noted within seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from openclaw.state.files import read_json
from openclaw.state.ledger_port import LedgerPort
from openclaw.state.pairing_change import change_of
from openclaw.state.stamps import Stamp, stamp_of
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError

log = logging.getLogger(__name__)

SECONDS: Final = 5.0
ENDING: Final = "-allowFrom.json"
_NOBODY: Final[frozenset[str]] = frozenset()


class PairingWatch:
    """Compares the files with what they held before.

    Args:
        folder: the directory of the credentials.
        ledger: is given a record of each change.
        clock: for the pauses.
    """

    def __init__(self, folder: Path, ledger: LedgerPort, clock: Clock) -> None:
        self._folder = folder
        self._ledger = ledger
        self._clock = clock
        self._stamps: dict[str, Stamp] = {}
        self._known: dict[str, frozenset[str]] = {}
        self._read()

    async def run(self) -> None:
        """Look every few seconds."""
        while True:
            await self._clock.sleep(SECONDS)
            await self.look()

    async def look(self) -> None:
        """Record what changed since the last look."""
        before = dict(self._known)
        await asyncio.to_thread(self._read)
        for name in sorted({*before, *self._known}):
            had, has = before.get(name, _NOBODY), self._known.get(name, _NOBODY)
            entry = change_of(name, had, has, {"client": "file"})
            if entry is not None:
                self._ledger.record(entry)

    def _read(self) -> None:
        """Read the files that changed; one that cannot be read keeps what it was known to hold."""
        stamps = {path.name: stamp_of(path) for path in self._folder.glob(f"*{ENDING}")}
        found: dict[str, frozenset[str]] = {}
        for name, stamp in stamps.items():
            known = self._known.get(name, _NOBODY)
            found[name] = known if self._stamps.get(name) == stamp else self._entries(name, known)
        self._stamps = {name: stamp for name, stamp in stamps.items() if stamp is not None}
        self._known = found

    def _entries(self, name: str, known: frozenset[str]) -> frozenset[str]:
        try:
            value = read_json(self._folder / name)
        except OpenClawError as error:
            log.warning("%s", error.message)
            return known
        entries = value.get("allowFrom") if isinstance(value, Mapping) else None
        return frozenset(str(entry) for entry in entries) if isinstance(entries, list) else _NOBODY
