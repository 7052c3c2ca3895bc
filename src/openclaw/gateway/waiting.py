"""Sockets that have not logged in: counted per client and in all, so that strangers cannot use up the gateway.

Pure bookkeeping; the transport opens and closes (gateway.md 1.3, advisory Q1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from openclaw.system.clock import Clock

PER_CLIENT: Final = 32
IN_ALL: Final = 512
SILENT_SECONDS: Final = 0.25


@dataclass(eq=False, slots=True)
class Waiting:
    """One socket that waits.

    Attributes:
        client: key of its client.
        since: monotonic seconds of its last sign of life.
        close: closes it.
    """

    client: str
    since: float
    close: Callable[[], None]


class WaitingRoom:
    """At most 32 waiting sockets per client and 512 in all."""

    def __init__(self, clock: Clock, *, per_client: int = PER_CLIENT, in_all: int = IN_ALL) -> None:
        self._clock = clock
        self._per_client = per_client
        self._in_all = in_all
        self._rooms: dict[str, list[Waiting]] = {}
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def enter(self, client: str, close: Callable[[], None]) -> Waiting | None:
        """Let a socket wait, or return None when there is no room: the answer is then HTTP 429.

        When the client is at its limit, its oldest socket that has been silent for 250 ms is closed to make room.
        """
        room = self._rooms.get(client, [])
        now = self._clock.monotonic()
        if len(room) >= self._per_client:
            silent = next((one for one in room if now - one.since >= SILENT_SECONDS), None)
            if silent is None:
                return None
            self.leave(silent)
            silent.close()
        if self._count >= self._in_all:
            return None
        waiting = Waiting(client, now, close)
        self._rooms.setdefault(client, []).append(waiting)
        self._count += 1
        return waiting

    def heard(self, waiting: Waiting) -> None:
        """Note that a socket has sent something: it is no longer the first to go."""
        waiting.since = self._clock.monotonic()

    def leave(self, waiting: Waiting) -> None:
        """Forget a socket: it has logged in or is gone. Twice is harmless."""
        room = self._rooms.get(waiting.client)
        if room is None or waiting not in room:
            return
        room.remove(waiting)
        self._count -= 1
        if not room:
            del self._rooms[waiting.client]
