"""Keys of the pending history (channels.md 2.6)."""

from __future__ import annotations

import pytest

from openclaw.policy.where.history_key import history_key
from openclaw.policy.who.facts import NO_SESSION, ChatType, MessageFacts, SessionView
from openclaw.policy.who.rule_table import rules_for


@pytest.mark.parametrize(
    ("channel", "facts", "expected"),
    [
        ("whatsapp", MessageFacts(ChatType.GROUP, "1@g.us"), "whatsapp:work:group:1@g.us"),
        ("telegram", MessageFacts(ChatType.GROUP, "-100"), "-100"),
        ("telegram", MessageFacts(ChatType.GROUP, "-100", topic_id="9"), "-100:topic:9"),
        ("discord", MessageFacts(ChatType.THREAD, "8001", parent_id="7001"), "8001"),
        ("slack", MessageFacts(ChatType.CHANNEL, "C1"), "C1"),
        ("slack", MessageFacts(ChatType.CHANNEL, "C1", thread_id="1.2"), "C1:thread:1.2"),
        ("signal", MessageFacts(ChatType.GROUP, "grpA=="), "grpA=="),
        ("imessage", MessageFacts(ChatType.GROUP, "7"), "7"),
        ("bluebubbles", MessageFacts(ChatType.GROUP, "iMessage;+;chat1"), "iMessage;+;chat1"),
        ("msteams", MessageFacts(ChatType.CHANNEL, "19:x@thread.tacv2;messageid=1"), "19:x@thread.tacv2"),
    ],
)
def test_each_conversation_has_its_own_key(channel: str, facts: MessageFacts, expected: str) -> None:
    assert history_key(rules_for(channel), "work", facts, NO_SESSION) == expected


def test_a_slack_thread_uses_its_session_unless_the_scope_is_the_channel() -> None:
    facts = MessageFacts(ChatType.CHANNEL, "C1", thread_id="1.2")
    session = SessionView(key="agent:main:slack:channel:c1:thread:1.2")
    assert history_key(rules_for("slack"), "work", facts, session) == session.key
    assert history_key(rules_for("slack"), "work", facts, session, by_thread=False) == "C1"
