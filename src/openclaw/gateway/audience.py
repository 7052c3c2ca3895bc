"""Who hears which event: one table (gateway.md 1.8). An event that is not in it is heard by admins only.

Nodes hear almost nothing. What a method shows only to readers, its event tells only readers: heartbeats and cron carry
pieces of conversations, so they need `operator.read` like `last-heartbeat` and `cron.list`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

from openclaw.policy.where.scopes import Role, Scope
from openclaw.protocol.peer import Peer


class Audience(Enum):
    """Who may hear an event."""

    EVERYBODY = "everybody"
    OPERATORS = "operators"
    READERS = "readers"
    PAIRING = "pairing"
    APPROVALS = "approvals"
    ADMINS = "admins"
    NODES = "nodes"


@dataclass(frozen=True, slots=True)
class EventKind:
    """One event.

    Attributes:
        name: name on the wire.
        audience: who may hear it.
        drop_if_slow: skipped for a client that does not read; other events end its connection.
    """

    name: str
    audience: Audience
    drop_if_slow: bool = True


EVENTS: Final = (
    EventKind("tick", Audience.EVERYBODY),
    EventKind("shutdown", Audience.EVERYBODY, drop_if_slow=False),
    EventKind("voicewake.changed", Audience.EVERYBODY),
    EventKind("health", Audience.OPERATORS, drop_if_slow=False),
    EventKind("presence", Audience.OPERATORS),
    EventKind("talk.mode", Audience.OPERATORS),
    EventKind("agent", Audience.READERS, drop_if_slow=False),
    EventKind("chat", Audience.READERS, drop_if_slow=False),
    EventKind("heartbeat", Audience.READERS),
    EventKind("cron", Audience.READERS),
    EventKind("device.pair.requested", Audience.PAIRING),
    EventKind("device.pair.resolved", Audience.PAIRING),
    EventKind("node.pair.requested", Audience.PAIRING),
    EventKind("node.pair.resolved", Audience.PAIRING),
    EventKind("exec.approval.requested", Audience.APPROVALS),
    EventKind("exec.approval.resolved", Audience.APPROVALS),
    EventKind("node.invoke.request", Audience.NODES, drop_if_slow=False),
)

_BY_NAME: Final[Mapping[str, EventKind]] = MappingProxyType({kind.name: kind for kind in EVENTS})
_SCOPES: Final[Mapping[Audience, Scope]] = MappingProxyType(
    {
        Audience.READERS: Scope.READ,
        Audience.PAIRING: Scope.PAIRING,
        Audience.APPROVALS: Scope.APPROVALS,
        Audience.ADMINS: Scope.ADMIN,
    }
)


def event_kind(name: str) -> EventKind:
    """Return what is known of an event."""
    return _BY_NAME.get(name) or EventKind(name, Audience.ADMINS)


def hears(kind: EventKind, peer: Peer) -> bool:
    """Tell whether a connection may hear an event."""
    if kind.audience is Audience.EVERYBODY:
        return True
    if kind.audience is Audience.NODES:
        return peer.role is Role.NODE
    if peer.role is not Role.OPERATOR:
        return False
    scope = _SCOPES.get(kind.audience)
    return scope is None or peer.has(scope)
