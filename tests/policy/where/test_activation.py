"""`/activation` (channels.md 2.3)."""

from __future__ import annotations

import pytest

from openclaw.policy.where.activation import activation_override, requires_mention
from openclaw.policy.who.facts import GroupActivation, SessionView
from openclaw.policy.who.rule_table import RULES


@pytest.mark.parametrize("channel", sorted(RULES))
def test_only_whatsapp_and_telegram_know_the_override(channel: str) -> None:
    found = activation_override(RULES[channel], SessionView(group_activation=GroupActivation.ALWAYS))
    assert (found is not None) is (channel in ("whatsapp", "telegram"))


@pytest.mark.parametrize(
    ("configured", "override", "expected"),
    [
        (True, None, True),
        (False, None, False),
        (True, GroupActivation.ALWAYS, False),
        (False, GroupActivation.MENTION, True),
    ],
)
def test_the_override_comes_first(configured: bool, override: GroupActivation | None, expected: bool) -> None:
    assert requires_mention(configured, override) is expected
