"""What speaks to the bot (channels.md 2.3)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.patterns import NO_PATTERNS, PatternSet, compile_patterns
from openclaw.policy.where.mention import MentionKind, detect, mention_patterns, names_bot
from openclaw.policy.who.facts import ChatType, Mentions, MessageFacts, SelfIdentity
from openclaw.policy.who.rule_table import RULES, rules_for
from support.access import ME

CLAW = compile_patterns([r"@?claw\b"])


def kind(
    channel: str,
    text: str = "hello",
    *,
    me: bool = False,
    others: bool = False,
    reply: bool = False,
    patterns: PatternSet = CLAW,
    self_chat: bool = False,
) -> MentionKind:
    facts = MessageFacts(ChatType.GROUP, "g", text=text, mentions=Mentions(me, others), reply_to_self=reply)
    return detect(rules_for(channel), patterns, ME, facts, self_chat=self_chat).kind


@pytest.mark.parametrize(
    ("channel", "native", "reply", "pattern", "pattern_with_others"),
    [
        ("whatsapp", True, True, True, False),
        ("telegram", True, True, True, True),
        ("discord", True, True, True, True),
        ("slack", True, True, True, True),
        ("signal", False, False, True, True),
        ("imessage", False, False, True, True),
        ("msteams", True, True, False, False),
        ("somewhere", True, True, True, True),
    ],
)
def test_the_rows_of_the_table(
    channel: str, native: bool, reply: bool, pattern: bool, pattern_with_others: bool
) -> None:
    assert (kind(channel, me=True) is MentionKind.NATIVE) is native
    assert (kind(channel, reply=True) is MentionKind.REPLY) is reply
    assert (kind(channel, "hey Claw") is MentionKind.PATTERN) is pattern
    assert (kind(channel, "hey Claw", others=True) is MentionKind.PATTERN) is pattern_with_others
    assert kind(channel, "clawed") is MentionKind.NONE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call +1 (555) 000-0001", MentionKind.NUMBER),
        ("15550000001", MentionKind.NUMBER),
        ("1555000000", MentionKind.NONE),
        ("hello", MentionKind.NONE),
    ],
)
def test_the_own_number_in_the_text_speaks_to_the_bot_on_whatsapp_alone(text: str, expected: MentionKind) -> None:
    assert kind("whatsapp", text) is expected
    assert kind("telegram", text) is MentionKind.NONE


def test_how_the_own_number_is_written_makes_no_difference() -> None:
    facts = MessageFacts(ChatType.GROUP, "g", text="15550000001")
    for number, expected in (
        ("+1 (555) 000-0001", MentionKind.NUMBER),
        ("+", MentionKind.NONE),
        (None, MentionKind.NONE),
    ):
        assert detect(rules_for("whatsapp"), NO_PATTERNS, SelfIdentity(e164=number), facts).kind is expected


def test_on_the_owners_own_number_native_mentions_are_of_the_owner() -> None:
    assert kind("whatsapp", me=True, self_chat=True) is MentionKind.NONE
    assert kind("whatsapp", "claw?", others=True, self_chat=True) is MentionKind.PATTERN
    assert kind("whatsapp", reply=True, self_chat=True) is MentionKind.REPLY


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@mybot hi", True),
        ("hi @MyBot!", True),
        ("@mybots", False),
        ("@mybot_x @mybot", True),
        ("mybot", False),
        ("x@mybot", True),
        ("@", False),
    ],
)
def test_the_username_in_the_text_is_bounded(text: str, expected: bool) -> None:
    assert names_bot(text, "mybot") is expected
    assert (kind("telegram", text) is MentionKind.NATIVE) is expected


def test_a_bot_without_a_name_is_not_named() -> None:
    assert not names_bot("@ hello", "")
    assert not names_bot("@", "@")


@pytest.mark.parametrize("invisible", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u202e", "\u00ad"])
def test_invisible_characters_hide_nothing(invisible: str) -> None:
    assert kind("imessage", f"hey cl{invisible}aw") is MentionKind.PATTERN


@pytest.mark.parametrize(
    ("channel", "me", "patterns", "detectable"),
    [
        ("whatsapp", SelfIdentity(), NO_PATTERNS, True),
        ("msteams", SelfIdentity(), NO_PATTERNS, True),
        ("telegram", SelfIdentity(id="900"), NO_PATTERNS, False),
        ("telegram", SelfIdentity(username="mybot"), NO_PATTERNS, True),
        ("telegram", SelfIdentity(), CLAW, True),
        ("discord", SelfIdentity(), NO_PATTERNS, False),
        ("discord", SelfIdentity(id="900"), NO_PATTERNS, True),
        ("slack", SelfIdentity(id="U9"), NO_PATTERNS, True),
        ("imessage", SelfIdentity(id="me@x.example"), NO_PATTERNS, False),
        ("imessage", SelfIdentity(), CLAW, True),
        ("signal", SelfIdentity(e164="+1555"), NO_PATTERNS, False),
    ],
)
def test_what_it_takes_to_notice_a_mention(
    channel: str, me: SelfIdentity, patterns: PatternSet, detectable: bool
) -> None:
    facts = MessageFacts(ChatType.GROUP, "g", text="hello")
    assert detect(rules_for(channel), patterns, me, facts).detectable is detectable


def test_a_native_mention_of_anybody_is_told() -> None:
    facts = MessageFacts(ChatType.GROUP, "g", mentions=Mentions(others=True))
    assert detect(rules_for("telegram"), NO_PATTERNS, ME, facts).anybody
    assert not detect(rules_for("imessage"), NO_PATTERNS, ME, facts).anybody


@pytest.mark.parametrize(
    ("agent", "common", "name", "emoji", "text", "found"),
    [
        (["bob"], ["ann"], "Claw", None, "hey bob", True),
        (["bob"], ["ann"], "Claw", None, "hey ann", False),
        ([], ["ann"], "Claw", None, "hey ann claw", False),
        (None, ["ann"], "Claw", None, "hey ann", True),
        (None, ["ann"], "Claw", None, "hey claw", False),
        (None, [], "Claw", None, "hey claw", False),
        (None, None, "Claw", None, "hey @claw", True),
        (None, None, "Claw", None, "clawed", False),
        (None, None, "Big Claw", None, "hi big   claw!", True),
        (None, None, "C++", None, "hi c++", True),
        (None, None, "Émile", None, "hi émile", True),
        (None, None, None, "🦞", "hi 🦞", True),
        (None, None, "a.b", None, "axb", False),
        (None, None, " ", " ", "anything", False),
        (["\bclaw\b"], None, None, None, "a claw", True),
        (["\bclaw\b"], None, None, None, "clawed", False),
        (["(?=x)", "claw"], None, None, None, "claw", True),
    ],
)
def test_whose_patterns_count(
    agent: list[str] | None, common: list[str] | None, name: str | None, emoji: str | None, text: str, found: bool
) -> None:
    patterns = mention_patterns(agent, common, name, emoji)
    assert (kind("imessage", text, patterns=patterns) is MentionKind.PATTERN) is found


def test_an_unreadable_pattern_leaves_a_warning() -> None:
    assert [warning.source for warning in mention_patterns(["(?=x)"], None, None, None).warnings] == ["(?=x)"]


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(RULES)), st.text(max_size=80), st.none() | st.text(max_size=12), st.booleans())
def test_no_text_raises(channel: str, text: str, name: str | None, self_chat: bool) -> None:
    facts = MessageFacts(ChatType.GROUP, "g", text=text)
    me = SelfIdentity(id=name, username=name, e164=name)
    detect(rules_for(channel), mention_patterns(None, None, name, name), me, facts, self_chat=self_chat)
