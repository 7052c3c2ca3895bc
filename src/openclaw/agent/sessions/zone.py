"""The host's time zone as data, for the daily reset (agent.md 1.4)."""

from __future__ import annotations

import time
from typing import Final

from openclaw.policy.where.freshness import ZoneOffsets

_BACK: Final = 4 * 86_400
_AHEAD: Final = 2 * 86_400
_STEP: Final = 900
"""Zones change at full quarters of an hour."""


class HostZone:
    """Looks the offsets up once an hour."""

    def __init__(self) -> None:
        self._hour = -1
        self._offsets = ZoneOffsets()

    def at(self, now_ms: int) -> ZoneOffsets:
        """Return the host's offsets around a moment, epoch milliseconds."""
        now = now_ms // 1000
        if now // 3600 != self._hour:
            self._hour = now // 3600
            self._offsets = _around(now)
        return self._offsets


def _around(now: int) -> ZoneOffsets:
    start = (now - _BACK) // _STEP * _STEP
    first = current = time.localtime(start).tm_gmtoff
    changes: list[tuple[int, int]] = []
    for instant in range(start, now + _AHEAD, _STEP):
        offset = time.localtime(instant).tm_gmtoff
        if offset != current:
            changes.append((instant, offset))
            current = offset
    return ZoneOffsets(first=first, changes=tuple(changes))
