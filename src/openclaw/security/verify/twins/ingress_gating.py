"""Faults of the gates of a room. Most are a column of the rule table with another value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.policy.who.facts import EventKind, Mentions, MessageFacts, StoreView
from openclaw.policy.who.rule_columns import Bypass, ChannelRules, Gate, ListRole
from openclaw.security.verify.checks.world import Decide, with_account
from openclaw.security.verify.model import Twin
from openclaw.security.verify.twins.deciding import deciding


def with_rules(change: Callable[[ChannelRules], ChannelRules]) -> Decide:
    """Return `decide` as it would be under another rule table."""
    known: list[tuple[AccessPolicy, AccessPolicy]] = []

    def under(policy: AccessPolicy, channel: str, store: StoreView) -> AccessPolicy:
        del channel, store
        if not known or known[-1][0] is not policy:
            known[:] = [(policy, with_account(policy, lambda one: replace(one, rules=change(one.rules))))]
        return known[-1][1]

    return deciding(under)


def _without(gate: Gate) -> Decide:
    return with_rules(lambda rules: replace(rules, gates=tuple(one for one in rules.gates if one is not gate)))


def _others_unseen(facts: MessageFacts) -> MessageFacts:
    return replace(facts, mentions=Mentions(me=facts.mentions.me))


def _reaction_is_a_message(facts: MessageFacts) -> MessageFacts:
    return replace(facts, kind=EventKind.MESSAGE) if facts.kind is EventKind.REACTION else facts


TWINS: Final = (
    Twin("a mention is never required", _without(Gate.MENTION)),
    Twin("commands are not looked at", _without(Gate.COMMAND)),
    Twin("the sender is not looked at", _without(Gate.SENDER)),
    Twin(
        "a command passes the mention gate on every channel",
        with_rules(lambda rules: replace(rules, bypass=Bypass.AUTHORISED)),
    ),
    Twin("a command passes although somebody else is spoken to", deciding(facts=_others_unseen)),
    Twin("/activation counts on every channel", with_rules(lambda rules: replace(rules, activation_override=True))),
    Twin(
        "the list for groups gives commands on every channel",
        with_rules(lambda rules: replace(rules, authorisers=(*rules.authorisers, ListRole.GROUP))),
    ),
    Twin("a reaction speaks like a message", deciding(facts=_reaction_is_a_message)),
)
