"""Faults by which a rule for one person reaches another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from openclaw.policy.what.tool_chain import ToolRun
from openclaw.policy.what.tool_policy import EffectiveTools, ToolDecider
from openclaw.policy.who.access_policy import AccessPolicy, AccountAccess
from openclaw.policy.who.facts import StoreView
from openclaw.policy.who.groups import PlaceMap, PlaceNode
from openclaw.policy.who.lists import AllowList
from openclaw.policy.who.rule_columns import GroupPolicy
from openclaw.security.verify.checks.monotonicity import SHIPPED
from openclaw.security.verify.checks.world import PEOPLE, Decide, with_account
from openclaw.security.verify.model import Twin
from openclaw.security.verify.twins.deciding import deciding


def _under(change: Callable[[AccountAccess], AccountAccess]) -> Decide:
    """Return `decide` as it would be on accounts that were compiled differently."""

    def under(policy: AccessPolicy, channel: str, store: StoreView) -> AccessPolicy:
        del store
        return with_account(replace(policy, channels=MappingProxyType({channel: policy.channels[channel]})), change)

    return deciding(under)


def _lists(change: Callable[[AllowList, AccountAccess], AllowList]) -> Callable[[AccountAccess], AccountAccess]:
    return lambda one: replace(one, dm_list=change(one.dm_list, one), group_list=change(one.group_list, one))


def _by_beginning(allow: AllowList, one: AccountAccess) -> AllowList:
    bea = PEOPLE[one.rules.channel].bea
    begun = {bea, bea.lower()} if any(bea.lower().startswith(known.lower()) for known in allow.ids) else set()
    return replace(allow, ids=allow.ids | begun)


def _named_is_open(allow: AllowList, one: AccountAccess) -> AllowList:
    del one
    return replace(allow, wildcard=allow.wildcard or allow.size > 1)


def _an_owner_makes_owners(one: AccountAccess) -> AccountAccess:
    owner = one.owner
    return replace(one, owner=replace(owner, ids=owner.ids | one.dm_list.ids)) if owner.restricts else one


def _a_second_room_opens(one: AccountAccess) -> AccountAccess:
    return replace(one, places=_opened(one.places)) if _rooms(one.places) > 1 else one


def _rooms(places: PlaceMap) -> int:
    return sum(1 if node.inner is None else _rooms(node.inner) for node in places.nodes.values())


def _opened(places: PlaceMap) -> PlaceMap:
    nodes = {
        key: PlaceNode(
            replace(node.place, policy=GroupPolicy.OPEN), None if node.inner is None else _opened(node.inner)
        )
        for key, node in places.nodes.items()
    }
    return replace(places, nodes=MappingProxyType(nodes))


class _RuleOfAnother(ToolDecider):
    """Looks tools up by the beginning of a sender's id."""

    def effective(self, run: ToolRun) -> EffectiveTools:
        return super().effective(replace(run, sender=replace(run.sender, id=(run.sender.id or "")[:2])))


TWINS: Final = (
    Twin("an entry admits every id that begins like it", replace(SHIPPED, decide=_under(_lists(_by_beginning)))),
    Twin("a list of several people admits everybody", replace(SHIPPED, decide=_under(_lists(_named_is_open)))),
    Twin("once an owner is named, all listed people own", replace(SHIPPED, decide=_under(_an_owner_makes_owners))),
    Twin("a second room opens the first", replace(SHIPPED, decide=_under(_a_second_room_opens))),
    Twin("a sender has the tools of one whose id begins alike", replace(SHIPPED, decider=_RuleOfAnother)),
)
