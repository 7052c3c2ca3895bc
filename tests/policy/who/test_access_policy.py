"""Which account and whose mention patterns are meant (channels.md 0, 1.6, 2.3)."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from openclaw.policy.patterns import NO_PATTERNS, PatternSet, compile_patterns
from openclaw.policy.who.access_policy import AccessPolicy
from support.access import channel_policy

WORK, HOME, OTHERS = (compile_patterns([word]) for word in ("work", "home", "others"))
NAMED = AccessPolicy(mention_patterns=MappingProxyType({"work": WORK, "home": HOME, "": OTHERS}), default_agent="home")


@pytest.mark.parametrize(
    ("channel", "account", "expected"),
    [
        ("telegram", "work", "work"),
        (" Telegram ", " Work ", "work"),
        ("telegram", "second", "second"),
        ("telegram", None, "second"),
        ("telegram", "", "second"),
        ("telegram", " ", "second"),
        ("telegram", "default", "default"),
        ("telegram", "unknown", None),
        ("made-up", "work", None),
    ],
)
def test_an_account_is_found_by_its_id_and_a_blank_one_is_the_channels_own(
    channel: str, account: str | None, expected: str | None
) -> None:
    policy = channel_policy("telegram", {"accounts": {"Work": {}, "second": {}}})
    found = policy.account(channel, account)
    assert (None if found is None else found.account) == expected


@pytest.mark.parametrize(
    ("agent", "key", "expected"),
    [
        ("work", "agent:home:main", WORK),
        ("Work", "", WORK),
        ("", "agent:work:main", WORK),
        ("", "agent:Work:telegram:group:-100", WORK),
        ("", "agent:work", HOME),
        ("", "agent", HOME),
        ("", "x:work:main", HOME),
        ("", "global", HOME),
        ("", "", HOME),
        ("x", "agent:work:main", OTHERS),
        ("", "agent:x:main", OTHERS),
    ],
)
def test_the_patterns_are_those_of_the_routed_agent_then_of_the_key_then_of_the_default_agent(
    agent: str, key: str, expected: PatternSet
) -> None:
    assert NAMED.patterns_for(agent, key) is expected


def test_without_a_session_key_the_default_agents_patterns_count() -> None:
    assert NAMED.patterns_for("") is HOME


def test_a_policy_without_patterns_has_none_for_anybody() -> None:
    assert AccessPolicy().patterns_for("work", "agent:work:main") is NO_PATTERNS
