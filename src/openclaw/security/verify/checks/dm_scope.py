"""dmScope: which parts a direct chat's session key names, and when an identity link counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Final, TypeAlias

from openclaw.policy.where.key_ids import DmScope, PeerKind
from openclaw.policy.where.routing import InboundPlace, Peer, Route, RoutingPolicy, route
from openclaw.security.verify.model import Finding, expect

RouteFunction: TypeAlias = Callable[[RoutingPolicy, InboundPlace], Route]

SHIPPED: Final[RouteFunction] = route

_CHANNELS: Final = (
    *("telegram", "whatsapp", "discord", "slack", "signal", "imessage", "msteams", "googlechat", "webchat"),
    "unheard-of",
)
_LINK: Final = ("ann", ("telegram:1", "42"))
_LATER: Final = ("bea", ("1", "slack:42"))


def check(subject: RouteFunction) -> Iterator[Finding]:
    """Route a direct message of every channel under every scope and every set of links, and compare the whole key."""
    links = ((), (_LINK,), (_LINK, _LATER), (_LATER, _LINK))
    for scope, one, main_key, shared in product(DmScope, links, ("main", "home"), (False, True)):
        policy = RoutingPolicy(dm_scope=scope, identity_links=one, main_key=main_key, global_scope=shared)
        for channel, account, peer in product(_CHANNELS, (None, "default", "Work"), ("1", "42", "7")):
            place = InboundPlace(channel, account, Peer(PeerKind.DIRECT, peer))
            found = subject(policy, place)
            wanted = _key(policy, channel, account, peer)
            words = partial(_words, policy, place)
            yield expect(words, wanted, found.session_key)
            stored = "global" if shared and wanted == f"agent:main:{main_key}" else wanted
            yield expect(words, stored, found.store_key)


def _key(policy: RoutingPolicy, channel: str, account: str | None, peer: str) -> str:
    """Return the key that agent.md 1.2 gives to a direct chat."""
    if policy.dm_scope is DmScope.MAIN:
        return f"agent:main:{policy.main_key}"
    person = _person(policy.identity_links, channel, peer)
    parts = {
        DmScope.PER_PEER: f"direct:{person}",
        DmScope.PER_CHANNEL_PEER: f"{channel}:direct:{person}",
        DmScope.PER_ACCOUNT_CHANNEL_PEER: f"{channel}:{(account or 'default').lower()}:direct:{person}",
    }
    return f"agent:main:{parts[policy.dm_scope]}"


def _person(links: Sequence[tuple[str, Sequence[str]]], channel: str, peer: str) -> str:
    for name, ids in links:
        if peer in ids or f"{channel}:{peer}" in ids:
            return name
    return peer


def _words(policy: RoutingPolicy, place: InboundPlace) -> str:
    peer = "" if place.peer is None else place.peer.id
    return (
        f"{place.channel}/{place.account_id} from {peer} with dmScope {policy.dm_scope}, links "
        f"{policy.identity_links}, main key {policy.main_key}, global {policy.global_scope}"
    )
