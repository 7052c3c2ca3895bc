"""The admitted connections: who hears what, numbered per connection, and who is cut off (gateway.md 1.8, A20)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw.gateway.audience import event_kind, hears
from openclaw.policy.where.scopes import Scope
from openclaw.protocol.codec import UNSET
from openclaw.protocol.frames import EncodedEvent
from openclaw.protocol.peer import FrameSink, Peer

POLICY_VIOLATION = 1008


@dataclass(eq=False, slots=True)
class Connection:
    """One admitted client.

    Attributes:
        peer: who it is; set at connect, never from params.
        sink: where frames go.
        methods: names that its role and scopes allow.
        connected_ms: when it was admitted, epoch milliseconds.
        secret_digest: digest of the shared secret that opened it; None when something else did.
        presence_key: its entry in the presence list; None without one.
        seq: number of the last broadcast event.
        waiting: calls that end with this client.
        in_flight: calls that have no answer yet.
    """

    peer: Peer
    sink: FrameSink
    methods: frozenset[str] = frozenset()
    connected_ms: int = 0
    secret_digest: bytes | None = None
    presence_key: str | None = None
    seq: int = 0
    waiting: set[asyncio.Task[Any]] = field(default_factory=set)
    in_flight: int = 0

    def send(self, frame: bytes) -> None:
        """Send a frame that must arrive."""
        self.sink.send(frame)

    def event(self, event: EncodedEvent, *, drop_if_slow: bool) -> None:
        """Send a broadcast event with this connection's next number."""
        self.seq += 1
        self.sink.send(event.frame(self.seq), drop_if_slow=drop_if_slow)

    def close(self, reason: str, code: int = POLICY_VIOLATION) -> None:
        """Cut the client off and end the calls that wait for it."""
        self.sink.close(code, reason)
        self.cancel_calls()

    def cancel_calls(self) -> None:
        """End the calls that only this client waits for."""
        for task in tuple(self.waiting):
            task.cancel()


class Connections:
    """All admitted connections."""

    def __init__(self) -> None:
        self._by_id: dict[str, Connection] = {}

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._by_id.values()))

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, connection: Connection) -> None:
        """Let a connection hear broadcasts from now on."""
        self._by_id[connection.peer.conn_id] = connection

    def remove(self, connection: Connection) -> None:
        """Forget a connection and end its calls."""
        self._by_id.pop(connection.peer.conn_id, None)
        connection.cancel_calls()

    def get(self, conn_id: str) -> Connection | None:
        """Return a connection by its id."""
        return self._by_id.get(conn_id)

    def broadcast(
        self,
        name: str,
        payload: Any = UNSET,
        *,
        state_version: Mapping[str, int] | None = None,
        drop_if_slow: bool | None = None,
    ) -> None:
        """Send an event to everybody who may hear it (`audience.EVENTS`).

        Args:
            name: the event.
            payload: encoded once for all.
            state_version: `{presence, health}`, for events that carry it.
            drop_if_slow: instead of what the table says.
        """
        kind = event_kind(name)
        listeners = [one for one in self._by_id.values() if hears(kind, one.peer)]
        if not listeners:
            return
        event = EncodedEvent(name, payload, state_version=state_version)
        drop = kind.drop_if_slow if drop_if_slow is None else drop_if_slow
        for connection in listeners:
            connection.event(event, drop_if_slow=drop)

    def send_to(self, conn_ids: Collection[str], name: str, payload: Any) -> None:
        """Send an event to chosen connections, as far as they may hear it; such events have no number."""
        kind = event_kind(name)
        event = EncodedEvent(name, payload)
        for conn_id in conn_ids:
            connection = self._by_id.get(conn_id)
            if connection is not None and hears(kind, connection.peer):
                connection.sink.send(event.frame(), drop_if_slow=kind.drop_if_slow)

    def anyone_with(self, scope: Scope) -> bool:
        """Tell whether a connected operator holds a scope."""
        return any(connection.peer.has(scope) for connection in self._by_id.values())

    def close_where(self, matches: Callable[[Connection], bool], reason: str, code: int = POLICY_VIOLATION) -> int:
        """Cut off every connection that matches, and return how many."""
        doomed = [connection for connection in self if matches(connection)]
        for connection in doomed:
            self._by_id.pop(connection.peer.conn_id, None)
            connection.close(reason, code)
        return len(doomed)

    def cut_devices(self, cut: Collection[tuple[str, str | None]], reason: str) -> int:
        """Close the sockets of devices whose pairing or token was taken away; role None means every role."""

        def concerned(connection: Connection) -> bool:
            peer = connection.peer
            return any(peer.device_id == device and role in (None, peer.role.value) for device, role in cut)

        return self.close_where(concerned, reason)
