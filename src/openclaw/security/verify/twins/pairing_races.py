"""Stores that forget their lock, and stores that believe what they read before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from openclaw.policy.who.dm_pairing import PairingRequest, UpsertVerdict, approve, upsert
from openclaw.security.verify.checks.pairing_races import SHIPPED, PairingRaces
from openclaw.security.verify.graft import graft
from openclaw.security.verify.model import Twin
from openclaw.state.layout import StateLayout
from openclaw.state.pairing import PairingStore
from openclaw.system.clock import Clock


class _Unlocked(PairingStore):
    """Checks first and writes later, without holding anything between."""

    def request(
        self, channel: str, account: str | None, sender: str, meta: Iterable[tuple[str, object]] = ()
    ) -> UpsertVerdict:
        before = self._requests(channel, channel)
        verdict = upsert(
            before,
            channel=channel,
            account=account,
            sender=sender,
            meta=meta,
            candidates=self._codes(),
            now_ms=self._clock.now_ms(),
        )
        if verdict.requests != before:
            self._write_requests(self._pairing_path(channel), verdict.requests)
        return verdict


class _UnlockedApproval(PairingStore):
    """Looks a code up without holding the store while it is used."""

    def approve(self, channel: str, code: str, account: str | None = None) -> PairingRequest | None:
        before = self._requests(channel, channel)
        verdict = approve(before, code=code, now_ms=self._clock.now_ms(), account=account)
        if verdict.request is None:
            return None
        self._write_requests(self._pairing_path(channel), verdict.requests)
        self.add(channel, verdict.request.account, verdict.request.id)
        return verdict.request


class _Stale(PairingStore):
    """Believes what it read once."""

    def _document(self, path: Path, *, strict: bool) -> Mapping[str, Any]:
        if path not in self._kept:
            self._kept[path] = super()._document(path, strict=strict)
        return self._kept[path]

    def __init__(self, layout: StateLayout, clock: Clock, *, draw: Callable[[], str]) -> None:
        super().__init__(layout, clock, draw=draw)
        self._kept: dict[Path, Mapping[str, Any]] = {}


def _with(kind: Callable[..., PairingStore]) -> PairingRaces:
    return replace(SHIPPED, store=lambda layout, clock, draw: kind(layout, clock, draw=draw))


TWINS: Final = (
    Twin("asking checks and then writes without a lock", _with(_Unlocked)),
    Twin("a code is looked up without a lock", _with(_UnlockedApproval)),
    Twin("a process decides on what it read before", _with(_Stale)),
    Twin("a fourth may wait in some order", replace(SHIPPED, upsert=graft(upsert, MAX_PENDING=4))),
)
