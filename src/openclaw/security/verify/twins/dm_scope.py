"""Faults of the scope of direct messages."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from openclaw.policy.where.key_ids import DmScope
from openclaw.policy.where.routing import InboundPlace, Route, RoutingPolicy, route
from openclaw.security.verify.model import Twin


def _one_channel_ignores_it(policy: RoutingPolicy, place: InboundPlace) -> Route:
    fallen = place.channel == "msteams"
    return route(replace(policy, dm_scope=DmScope.MAIN) if fallen else policy, place)


def _links_under_main(policy: RoutingPolicy, place: InboundPlace) -> Route:
    linked = policy.dm_scope is DmScope.MAIN and policy.identity_links
    return route(replace(policy, dm_scope=DmScope.PER_PEER) if linked else policy, place)


def _last_link_wins(policy: RoutingPolicy, place: InboundPlace) -> Route:
    return route(replace(policy, identity_links=policy.identity_links[::-1]), place)


def _account_forgotten(policy: RoutingPolicy, place: InboundPlace) -> Route:
    wide = policy.dm_scope is DmScope.PER_ACCOUNT_CHANNEL_PEER
    return route(replace(policy, dm_scope=DmScope.PER_CHANNEL_PEER) if wide else policy, place)


def _global_for_all(policy: RoutingPolicy, place: InboundPlace) -> Route:
    found = route(policy, place)
    return replace(found, store_key="global") if policy.global_scope else found


TWINS: Final = (
    Twin("one channel does not look at dmScope", _one_channel_ignores_it),
    Twin("identity links count under the scope main", _links_under_main),
    Twin("the last link that names a peer wins", _last_link_wins),
    Twin("the widest scope leaves out the account", _account_forgotten),
    Twin("a global scope swallows every session", _global_for_all),
)
