from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.where.key_ids import PeerKind
from openclaw.policy.where.send_policy import SendFacts, SendPolicy, SendRule, may_send

ALLOW, DENY = Outcome.ALLOW, Outcome.DENY
GROUP = "agent:main:telegram:group:-1"


def rule(action: Outcome, **match: object) -> SendRule:
    return SendRule(action, **match)  # type: ignore[arg-type]  # test shorthand


@pytest.mark.parametrize(
    ("rules", "facts", "outcome", "reason"),
    [
        ((), SendFacts(GROUP), ALLOW, "send.default"),
        ((rule(DENY),), SendFacts(GROUP), DENY, "send.rule-deny"),
        ((rule(ALLOW), rule(DENY)), SendFacts(GROUP), DENY, "send.rule-deny"),
        ((rule(DENY, channel=" Telegram "),), SendFacts(GROUP), DENY, "send.rule-deny"),
        ((rule(DENY, channel="telegram"),), SendFacts("agent:main:main", channel="telegram"), DENY, "send.rule-deny"),
        ((rule(DENY, channel="slack"),), SendFacts(GROUP), ALLOW, "send.default"),
        ((rule(DENY, chat_type=PeerKind.GROUP),), SendFacts(GROUP), DENY, "send.rule-deny"),
        ((rule(DENY, chat_type=PeerKind.DIRECT),), SendFacts(GROUP), ALLOW, "send.default"),
        ((rule(DENY, key_prefix="cron:"),), SendFacts("agent:main:cron:j"), DENY, "send.rule-deny"),
        ((rule(DENY, key_prefix="Agent:main:"),), SendFacts(GROUP), DENY, "send.rule-deny"),
        ((rule(DENY, key_prefix="group:"),), SendFacts(GROUP), ALLOW, "send.default"),
        ((rule(DENY, key_prefix="cron:", channel="x"),), SendFacts("agent:main:cron:j"), ALLOW, "send.default"),
        ((rule(DENY),), SendFacts(GROUP, override=" Allow "), ALLOW, "send.override-allow"),
        ((), SendFacts(GROUP, override="deny"), DENY, "send.override-deny"),
        ((), SendFacts(GROUP, override="maybe"), ALLOW, "send.default"),
    ],
)
def test_override_then_deny_then_allow_then_default(
    rules: tuple[SendRule, ...], facts: SendFacts, outcome: Outcome, reason: str
) -> None:
    verdict = may_send(SendPolicy(rules=rules), facts)
    assert (verdict.outcome, verdict.decided_by.rule) == (outcome, reason)


def test_a_default_of_deny_needs_a_matching_allow() -> None:
    policy = SendPolicy(default=DENY, rules=(rule(ALLOW, channel="telegram"),))
    assert may_send(policy, SendFacts(GROUP)).outcome is ALLOW
    assert may_send(policy, SendFacts("agent:main:main")).outcome is DENY


@given(st.text(max_size=12), st.none() | st.text(max_size=8), st.none() | st.text(max_size=8))
@settings(max_examples=100, deadline=None)
def test_adding_a_deny_never_lets_more_out(key: str, channel: str | None, prefix: str | None) -> None:
    rules = (rule(ALLOW, channel=channel), rule(DENY, key_prefix="cron:"))
    facts = SendFacts(key, channel=channel)
    before = may_send(SendPolicy(rules=rules), facts).outcome
    after = may_send(SendPolicy(rules=(*rules, rule(DENY, channel=channel, key_prefix=prefix))), facts).outcome
    assert after is DENY or before is after
