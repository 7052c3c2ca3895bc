"""Ids and names of people: channels.md 1.4, advisories C1-C5."""

from __future__ import annotations

import pytest

from openclaw.policy.who.facts import ChatType, MessageFacts, Sender
from openclaw.policy.who.identity import (
    EntryReading,
    dash_slug,
    phone,
    read_entry,
    sender_chats,
    sender_id,
    slack_slug,
)
from openclaw.policy.who.lists import Match, SenderKeys, compile_list, match
from openclaw.policy.who.rule_table import rules_for

TELEGRAM, SIGNAL, IMESSAGE = (rules_for(name).identity for name in ("telegram", "signal", "imessage"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+1 (555) 909-8765", "+15559098765"),
        ("(+49) 30/123.456-789", "+4930123456789"),
        ("\u202a+1 555\u202c", "+1555"),
        (" \u2066(+1", "+1"),
        ("0049", "+0049"),
        ("+1+2", ""),
        ("-+1", ""),
        ("1+", ""),
        ("+", ""),
        ("()", ""),
        ("1a", ""),
        ("X1", ""),
        ("1\u0661", ""),
        ("1\u00b2", ""),
    ],
)
def test_adv_C3_a_phone_number_is_its_digits_and_nothing_else_is_one(text: str, expected: str) -> None:
    assert phone(text) == expected


@pytest.mark.parametrize(
    ("text", "dashed", "slack"),
    [
        ("Friends of Claw", "friends-of-claw", "friends-of-claw"),
        ("#General", "general", "#general"),
        (" # x -- y ", "x-y", "#-x-y"),
        ("-a-", "a", "a"),
        (".a.b-.", "a-b", "a.b"),
        ("XAX", "xax", "xax"),
        ("X#a", "x-a", "x#a"),
        ("a#", "a", "a#"),
        ("Ann@X.org+1_2", "ann-x-org-1-2", "ann@x.org+1_2"),
        ("a\u00fcb", "a-b", "a-b"),
        ("a\t\nb", "a-b", "a-b"),
        ("\u65e5\u672c", "", ""),
        ("", "", ""),
    ],
)
def test_slugs_of_names(text: str, dashed: str, slack: str) -> None:
    assert (dash_slug(text), slack_slug(text)) == (dashed, slack)


def test_adv_C3_a_service_id_of_signal_is_never_read_as_a_phone_number() -> None:
    assert sender_id(SIGNAL, Sender(uuid="15551230001")) == "uuid:15551230001"
    listed = compile_list(SIGNAL, ["+15551230001"])
    forged = SenderKeys(SIGNAL, MessageFacts(ChatType.DIRECT, sender=Sender(uuid="15551230001")))
    assert match(listed, forged) is Match.NONE


def test_a_chat_is_named_by_each_of_its_three_ids() -> None:
    facts = MessageFacts(ChatType.GROUP, " 7 ", chat_guid="g", chat_identifier=None)
    assert sender_chats(IMESSAGE, facts) == ("chat_id:7", "chat_guid:g")
    assert sender_chats(IMESSAGE, MessageFacts(ChatType.GROUP, chat_identifier="i")) == ("chat_identifier:i",)
    assert sender_chats(TELEGRAM, facts) == ()


def test_an_entry_of_a_list_has_an_end() -> None:
    assert read_entry(TELEGRAM, "1" * 512) == EntryReading(id="1" * 512)
    assert read_entry(TELEGRAM, "1" * 513) == EntryReading()
    assert read_entry(TELEGRAM, "tg:" * 4 + "7") == EntryReading(id="7")
    assert read_entry(TELEGRAM, "tg:" * 5 + "7") == EntryReading(name="tg:7")


def test_a_list_that_no_config_path_names_has_none() -> None:
    assert (compile_list(TELEGRAM, None).key, compile_list(TELEGRAM, ["42"]).key) == ("", "")
