"""Routing isolation: two conversations share a session only where the config says that they are one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Final, TypeAlias

from openclaw.policy.where.key_ids import DmScope, PeerKind
from openclaw.policy.where.routing import Binding, InboundPlace, Peer, Route, RoutingPolicy, route
from openclaw.security.verify.model import Finding, hold

RouteFunction: TypeAlias = Callable[[RoutingPolicy, InboundPlace], Route]
"""The form of `openclaw.policy.where.routing.route`."""

SHIPPED: Final[RouteFunction] = route

_CHANNELS: Final = ("telegram", "slack", "signal")
_ACCOUNTS: Final = ("default", "work", "group")
_IDS: Final = (
    "1",
    "2",
    "12",
    "ann",
    "id:ann",
    "id:id:ann",
    "direct",
    "direct:1",
    "group:1",
    "1:thread:2",
    "1:topic:2",
    "telegram:1",
    "slack:1",
    "work:direct:1",
    "default",
    "main",
    "unknown",
    "Ann",
    "é",
)
_LINKS: Final = (
    (),
    (("ann", ("telegram:1", "slack:2")),),
    (("ann", ("telegram:1",)), ("2", ("slack:1", "signal:12"))),
)
_AGENTS: Final = ("main", "work")
_BINDINGS: Final = (
    (),
    (Binding("work", "telegram", peer=Peer(PeerKind.DIRECT, "1")),),
    (Binding("work", "slack", account_id="*"), Binding("main", "slack", peer=Peer(PeerKind.GROUP, "1"))),
    (Binding("gone", "signal", account_id="*"),),
)

_Person: TypeAlias = tuple[str, ...]


def check(subject: RouteFunction) -> Iterator[Finding]:
    """Route every conversation of the domain, and compare every two that come out with the same key."""
    places = tuple(_places())
    for scope, links, bindings in product(DmScope, _LINKS, _BINDINGS):
        policy = RoutingPolicy(agents=_AGENTS, bindings=bindings, dm_scope=scope, identity_links=links)
        first: dict[str, tuple[InboundPlace, _Person]] = {}
        for place in places:
            found = subject(policy, place)
            words = partial(_words, policy, place)
            yield hold(words, expected="an agent of the list", holds=found.agent_id in _AGENTS, got=found.agent_id)
            if found.refused:
                continue
            who = _conversation(policy, place, found.agent_id)
            other, theirs = first.setdefault(found.store_key, (place, who))
            words = partial(_two_words, policy, other, place)
            yield hold(words, expected="two sessions", holds=who == theirs, got=f"both in {found.store_key}")


def _places() -> Iterator[InboundPlace]:
    for channel, account, kind, one in product(_CHANNELS, _ACCOUNTS, PeerKind, _IDS):
        yield InboundPlace(channel, account, Peer(kind, one))
    for channel, topic in product(_CHANNELS, ("1", "2", "2:thread:3")):
        yield InboundPlace(channel, "default", Peer(PeerKind.GROUP, f"1:topic:{topic}"), Peer(PeerKind.GROUP, "1"))


def _conversation(policy: RoutingPolicy, place: InboundPlace, agent: str) -> _Person:
    """Return what makes a conversation itself under a policy, by agent.md 1.2: equal exactly where one is meant."""
    peer = place.peer or Peer(PeerKind.DIRECT, "")
    account, one = place.account_id or "default", peer.id.lower()
    if peer.kind is not PeerKind.DIRECT:
        return (agent, "room", place.channel, peer.kind, one)
    if policy.dm_scope is DmScope.MAIN:
        return (agent, "main")
    person = _linked(policy.identity_links, place.channel, one) or f"={one}"
    named: dict[DmScope, tuple[str, ...]] = {
        DmScope.PER_PEER: (),
        DmScope.PER_CHANNEL_PEER: (place.channel,),
        DmScope.PER_ACCOUNT_CHANNEL_PEER: (place.channel, account),
    }
    return (agent, "direct", *named[policy.dm_scope], person)


def _linked(links: Sequence[tuple[str, Sequence[str]]], channel: str, one: str) -> str:
    return next((f"linked {name}" for name, ids in links if one in ids or f"{channel}:{one}" in ids), "")


def _words(policy: RoutingPolicy, place: InboundPlace) -> str:
    return f"{_place(place)} with dmScope {policy.dm_scope}, links {policy.identity_links}, bindings {policy.bindings}"


def _two_words(policy: RoutingPolicy, one: InboundPlace, other: InboundPlace) -> str:
    return f"{_place(one)} and {_words(policy, other)}"


def _place(place: InboundPlace) -> str:
    peer = place.peer or Peer(PeerKind.DIRECT, "")
    return f"{place.channel}/{place.account_id} {peer.kind} {peer.id!r}"
