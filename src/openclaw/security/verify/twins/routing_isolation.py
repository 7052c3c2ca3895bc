"""Faults of routing and of the keys of sessions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from openclaw.policy.where import routing
from openclaw.policy.where.key_builders import direct_key, linked_peer, room_key
from openclaw.policy.where.key_ids import PeerKind
from openclaw.policy.where.routing import InboundPlace, Route, RoutingPolicy, route
from openclaw.security.verify.checks.routing_isolation import RouteFunction
from openclaw.security.verify.graft import graft
from openclaw.security.verify.model import Twin

_session_key = routing._session_key  # noqa: SLF001 - a twin replaces what the shipped function calls


def _keyed(**replaced: object) -> RouteFunction:
    """Return `route` with other key builders."""
    return graft(route, _session_key=graft(_session_key, **replaced))


def _kindless(agent_id: str | None, kind: PeerKind, channel: str, room_id: str | None) -> str:
    del kind
    return room_key(agent_id, PeerKind.GROUP, channel, room_id)


def _room_as_person(agent_id: str | None, kind: PeerKind, channel: str, room_id: str | None) -> str:
    key = room_key(agent_id, kind, channel, room_id)
    return key.replace(":group:", ":direct:", 1) if kind is PeerKind.GROUP else key


def _bare_peer(links: Iterable[tuple[str, Iterable[str]]], channel: str, peer_id: str) -> str:
    return linked_peer(links, channel, peer_id) or peer_id.strip().lower()


def _without_prefix(links: Iterable[tuple[str, Iterable[str]]], channel: str, peer_id: str) -> str:
    del links, channel
    return peer_id.strip().lower().rpartition(":")[2]


def _linked_anywhere(links: Iterable[tuple[str, Iterable[str]]], channel: str, peer_id: str) -> str | None:
    bare = [(name, [one.rpartition(":")[2] for one in ids]) for name, ids in links]
    return linked_peer(bare, channel, peer_id)


def _no_account(agent_id: str | None, scope: Any, **parts: Any) -> str:
    return direct_key(agent_id, scope, **{**parts, "account_id": None})


def _nothing_refused(policy: RoutingPolicy, place: InboundPlace) -> Route:
    return graft(route, _refusals=lambda *_: [])(policy, place)


_peer_part = direct_key.__globals__["_peer_part"]

TWINS: Final = (
    Twin("a channel and a group with one id are one room", _keyed(room_key=_kindless)),
    Twin("a group is keyed like a person", _keyed(room_key=_room_as_person)),
    Twin(
        "who is called like a linked name is that person", _keyed(direct_key=graft(direct_key, _peer_part=_bare_peer))
    ),
    Twin(
        "what stands before a colon in an id is dropped",
        _keyed(direct_key=graft(direct_key, _peer_part=_without_prefix)),
    ),
    Twin(
        "a link of one channel counts on every channel",
        _keyed(direct_key=graft(direct_key, _peer_part=graft(_peer_part, linked_peer=_linked_anywhere))),
    ),
    Twin("the account is left out of the key", _keyed(direct_key=_no_account)),
    Twin("ids that could forge a key are taken", _nothing_refused),
)
