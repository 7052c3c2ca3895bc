"""Faults of the gates of a room. Most are a column of the rule table with another value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission
from openclaw.policy.who.facts import EventKind, Mentions, MessageFacts, SelfIdentity, SessionView, StoreView
from openclaw.policy.who.rule_columns import Bypass, ChannelRules, Gate, ListRole
from openclaw.security.verify.checks.world import Decide, with_account
from openclaw.security.verify.model import Twin


def with_rules(change: Callable[[ChannelRules], ChannelRules]) -> Decide:
    """Return `decide` as it would be under another rule table."""
    known: list[tuple[AccessPolicy, AccessPolicy]] = []

    def under(policy: AccessPolicy) -> AccessPolicy:
        if not known or known[-1][0] is not policy:
            known[:] = [(policy, with_account(policy, lambda one: replace(one, rules=change(one.rules))))]
        return known[-1][1]

    def faulty(
        policy: AccessPolicy,
        channel: str,
        account: str | None,
        me: SelfIdentity,
        store: StoreView,
        session: SessionView,
        facts: MessageFacts,
        now_ms: int,
    ) -> Admission:
        return decide(under(policy), channel, account, me, store, session, facts, now_ms)

    return faulty


def with_facts(change: Callable[[MessageFacts], MessageFacts]) -> Decide:
    """Return `decide` as it would be if it read an event differently."""

    def faulty(
        policy: AccessPolicy,
        channel: str,
        account: str | None,
        me: SelfIdentity,
        store: StoreView,
        session: SessionView,
        facts: MessageFacts,
        now_ms: int,
    ) -> Admission:
        return decide(policy, channel, account, me, store, session, change(facts), now_ms)

    return faulty


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
    Twin("a command passes although somebody else is spoken to", with_facts(_others_unseen)),
    Twin("/activation counts on every channel", with_rules(lambda rules: replace(rules, activation_override=True))),
    Twin(
        "the list for groups gives commands on every channel",
        with_rules(lambda rules: replace(rules, authorisers=(*rules.authorisers, ListRole.GROUP))),
    ),
    Twin("a reaction speaks like a message", with_facts(_reaction_is_a_message)),
)
