"""`decide` of the admission, asked about another policy or another event than it was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission
from openclaw.policy.who.facts import MessageFacts, SelfIdentity, SessionView, StoreView
from openclaw.security.verify.checks.world import Decide

OtherPolicy: TypeAlias = Callable[[AccessPolicy, str, StoreView], AccessPolicy]
"""Policy, channel and store to the policy that is asked instead."""


def _same_policy(policy: AccessPolicy, channel: str, store: StoreView) -> AccessPolicy:
    del channel, store
    return policy


def _same_facts(facts: MessageFacts) -> MessageFacts:
    return facts


def deciding(policy: OtherPolicy = _same_policy, facts: Callable[[MessageFacts], MessageFacts] = _same_facts) -> Decide:
    """Return `decide` as it would be if it took policies or events for others."""

    def faulty(
        given: AccessPolicy,
        channel: str,
        account: str | None,
        me: SelfIdentity,
        store: StoreView,
        session: SessionView,
        event: MessageFacts,
        now_ms: int,
    ) -> Admission:
        asked = policy(given, channel, store)
        return decide(asked, channel, account, me, store, session, facts(event), now_ms)

    return faulty
