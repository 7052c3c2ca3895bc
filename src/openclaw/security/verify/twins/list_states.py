"""Faults by which one state of a list is taken for another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.what.elevated import ElevatedFacts, ElevatedPolicy, elevated_gates
from openclaw.policy.what.tool_policy import ToolDecider
from openclaw.policy.what.tool_stages import StageAnswer, ToolStage
from openclaw.policy.who.access_policy import AccessPolicy, AccountAccess
from openclaw.policy.who.facts import MessageFacts, StoreView
from openclaw.policy.who.lists import AllowList, ListState
from openclaw.security.verify.checks.list_states import SHIPPED, ListRules, compiled
from openclaw.security.verify.checks.world import with_account
from openclaw.security.verify.model import Twin
from openclaw.security.verify.twins.deciding import deciding


def _null_is_absent(document: Mapping[str, Any]) -> AccessPolicy:
    return compiled(_without_nulls(document))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(inner) for key, inner in value.items() if inner is not None}
    return value


def _compiling(change: Any) -> ListRules:
    return replace(SHIPPED, compile=lambda document: with_account(compiled(document), change))


def _open(allow: AllowList) -> AllowList:
    return replace(allow, wildcard=True) if allow.state is ListState.EMPTY else allow


def _empty_is_everybody(one: AccountAccess) -> AccountAccess:
    return replace(one, dm_list=_open(one.dm_list), group_list=_open(one.group_list))


def _empty_falls_back(one: AccountAccess) -> AccountAccess:
    return replace(one, group_list=one.group_list if one.group_list.configured else one.dm_list)


def _absent_does_not_fall_back(one: AccountAccess) -> AccountAccess:
    same = one.group_list is one.dm_list
    return replace(one, group_list=AllowList()) if same else one


def _wildcard_in_store(policy: AccessPolicy, channel: str, store: StoreView) -> AccessPolicy:
    del channel
    if "*" not in store.allow_from:
        return policy
    return with_account(policy, lambda one: replace(one, dm_list=replace(one.dm_list, wildcard=True)))


def _nobody_is_somebody(facts: MessageFacts) -> MessageFacts:
    sender = facts.sender
    if sender.id or sender.e164 or sender.uuid:
        return facts
    return replace(facts, sender=replace(sender, id="987654", e164="+19876543210"))


def _empty_elevates(policy: ElevatedPolicy, facts: ElevatedFacts) -> Verdict[Outcome]:
    lists = {channel: listed or ("*",) for channel, listed in policy.allow_from.items()}
    return elevated_gates(replace(policy, allow_from=MappingProxyType(lists)), facts)


def _unknown_only_is_no_list(stage: ToolStage) -> bool:
    return bool(stage.allow) and all(entry.text == "raed" for entry in stage.allow)


class _UnknownEntriesOpen(ToolDecider):
    """Takes an allow list of unknown names for none."""

    def _table(self, stage: ToolStage) -> Mapping[str, StageAnswer]:
        return super()._table(replace(stage, allow=()) if _unknown_only_is_no_list(stage) else stage)


TWINS: Final = (
    Twin("null reads as absent", replace(SHIPPED, compile=_null_is_absent)),
    Twin("an empty list is everybody", _compiling(_empty_is_everybody)),
    Twin("an empty list for groups falls back", _compiling(_empty_falls_back)),
    Twin("an absent list for groups does not fall back", _compiling(_absent_does_not_fall_back)),
    Twin("a wildcard in the pairing store counts", replace(SHIPPED, decide=deciding(_wildcard_in_store))),
    Twin("a wildcard admits senders without an id", replace(SHIPPED, decide=deciding(facts=_nobody_is_somebody))),
    Twin("an empty list elevates", replace(SHIPPED, elevated_gates=_empty_elevates)),
    Twin("an allow list of unknown names lets everything pass", replace(SHIPPED, decider=_UnknownEntriesOpen)),
)
