"""What is known of one event before it is judged (channels.md 0, 2.2-2.4, 3.2)."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from openclaw.policy.verdict import Reason
from openclaw.policy.what.labels import Source
from openclaw.policy.where.mention import MentionKind
from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.policy.who.admission_result import NO_EFFECTS
from openclaw.policy.who.answers import deliver
from openclaw.policy.who.case import Case, KindSteps, reads_commands
from openclaw.policy.who.command_authority import command_owner
from openclaw.policy.who.facts import (
    EMPTY_STORE,
    NO_SESSION,
    ChatType,
    EventKind,
    Mentions,
    MessageFacts,
    SelfIdentity,
    Sender,
    SessionView,
)
from openclaw.policy.who.lists import Match
from support.access import CHANNELS, ME, NOW, PLACES, SENDERS, account_of, channel_policy, direct, said

PATTERNS: dict[str, Any] = {
    "agents": {
        "list": [
            {"id": "main", "groupChat": {"mentionPatterns": ["hey main"]}},
            {"id": "work", "groupChat": {"mentionPatterns": ["hey work"]}},
        ]
    }
}


def case_of(policy: AccessPolicy, channel: str, facts: MessageFacts, session: SessionView = NO_SESSION) -> Case:
    return Case(policy, account_of(policy, channel), ME, EMPTY_STORE, session, facts, NOW)


def test_a_kind_without_a_row_goes_through_no_step_and_is_no_command() -> None:
    policy = channel_policy("telegram", {}, commands={"text": False})
    facts = said("telegram", text="/status", kind=EventKind.UNKNOWN)
    found = case_of(policy, "telegram", facts)
    assert found.steps == KindSteps()
    assert not found.is_command
    assert not reads_commands(policy, found.rules, facts)


@pytest.mark.parametrize(
    ("kind", "native", "expected"),
    [
        (EventKind.MESSAGE, False, False),
        (EventKind.MESSAGE, True, True),
        (EventKind.NATIVE, False, True),
        (EventKind.EDIT, True, False),
        (EventKind.CALLBACK, False, False),
    ],
)
def test_with_text_commands_off_only_native_ones_are_read_where_they_exist(
    kind: EventKind, native: bool, expected: bool
) -> None:
    policy = channel_policy("telegram", {}, commands={"text": False})
    facts = said("telegram", text="/status", kind=kind, native=native)
    assert reads_commands(policy, account_of(policy, "telegram").rules, facts) is expected
    elsewhere = channel_policy("signal", {}, commands={"text": False})
    assert reads_commands(elsewhere, account_of(elsewhere, "signal").rules, facts)


@pytest.mark.parametrize("kind", [EventKind.REACTION, EventKind.PIN, EventKind.MEMBER, EventKind.MIGRATE])
def test_the_text_of_an_event_that_is_no_message_is_no_command(kind: EventKind) -> None:
    found = case_of(channel_policy("telegram", {}), "telegram", said("telegram", text="/status", kind=kind))
    assert found.command is None
    assert not found.is_command


@pytest.mark.parametrize(
    ("text", "expected"), [("/status@mybot", "status"), ("/status@other", None), ("/status", "status"), ("", None)]
)
def test_a_command_for_this_bot_is_one(text: str, expected: str | None) -> None:
    found = case_of(channel_policy("telegram", {}), "telegram", said("telegram", text=text)).command
    assert (None if found is None else found.spec.name) == expected


@pytest.mark.parametrize("channel", [name for name in CHANNELS if name not in ("imessage", "signal")])
def test_a_direct_chat_is_no_place_even_when_a_map_has_its_id(channel: str) -> None:
    sender = SENDERS[channel]
    here = direct(channel, sender).chat_id
    maps: dict[str, Any] = {
        "discord": {"guilds": {"*": {}}},
        "slack": {"channels": {here: {}}},
        "msteams": {"teams": {"*": {}}},
    }
    found = case_of(
        channel_policy(channel, maps.get(channel, {"groups": {here: {}}})), channel, direct(channel, sender)
    )
    assert not found.is_room
    assert found.place is found.scope.places.missing


@pytest.mark.parametrize(
    ("session", "text", "expected"),
    [
        (SessionView(agent_id="work"), "hey work", MentionKind.PATTERN),
        (SessionView(key="agent:work:telegram:group:-100"), "hey work", MentionKind.PATTERN),
        (SessionView(key="agent:work:main", agent_id="main"), "hey work", MentionKind.NONE),
        (SessionView(key="agent:work:main", agent_id="main"), "hey main", MentionKind.PATTERN),
        (NO_SESSION, "hey main", MentionKind.PATTERN),
        (NO_SESSION, "hey work", MentionKind.NONE),
    ],
)
def test_the_agent_of_the_session_says_which_words_mention(
    session: SessionView, text: str, expected: MentionKind
) -> None:
    policy = channel_policy("telegram", {}, **PATTERNS)
    facts = said("telegram", text=text, mentions=Mentions())
    assert case_of(policy, "telegram", facts, session).mention().kind is expected


@pytest.mark.parametrize(("allow", "expected"), [([ME.e164], MentionKind.NONE), (["+15551230001"], MentionKind.NATIVE)])
def test_on_the_owners_own_number_native_mentions_are_of_the_owner(allow: list[str], expected: MentionKind) -> None:
    policy = channel_policy("whatsapp", {"allowFrom": allow, "groupPolicy": "open"})
    assert case_of(policy, "whatsapp", said("whatsapp")).mention().kind is expected


@pytest.mark.parametrize(("channel", "expected"), [("whatsapp", True), ("signal", False)])
def test_only_where_the_bot_has_its_owners_number_is_there_a_chat_with_itself(channel: str, expected: bool) -> None:
    own = Sender(e164=ME.e164)
    facts = MessageFacts(ChatType.DIRECT, ME.e164 or "", own, from_me=True)
    found = case_of(channel_policy(channel, {"allowFrom": [ME.e164]}), channel, facts)
    assert (found.self_chat, found.same_number) == (expected, expected)


@pytest.mark.parametrize(
    ("chat", "from_me", "expected"),
    [
        ("+1 555 000 0001", True, True),
        ("+1 555 000 0001", False, True),
        ("+15551230001", False, False),
        ("somewhere", False, True),
        ("somewhere", True, False),
    ],
)
def test_what_the_owner_writes_into_a_chat_that_cannot_be_read_is_not_for_the_bot(
    chat: str, from_me: bool, expected: bool
) -> None:
    facts = MessageFacts(ChatType.DIRECT, chat, Sender(e164=ME.e164), from_me=from_me)
    assert case_of(channel_policy("whatsapp", {}), "whatsapp", facts).same_number is expected


@pytest.mark.parametrize("number", [None, "", "no number"])
def test_a_bot_without_a_number_has_no_chat_with_itself(number: str | None) -> None:
    policy = channel_policy("whatsapp", {"allowFrom": ["*"]})
    scope = account_of(policy, "whatsapp")
    scope = replace(scope, dm_list=replace(scope.dm_list, ids=frozenset({""})))
    for sender in (Sender(), SENDERS["whatsapp"]):
        facts = direct("whatsapp", sender)
        found = Case(policy, scope, SelfIdentity(e164=number), EMPTY_STORE, NO_SESSION, facts, NOW)
        assert found.own_number == ""
        assert not found.self_chat
        assert not found.same_number


@pytest.mark.parametrize(
    ("allow", "sender", "expected"),
    [
        (None, ME.e164, True),
        (["*"], ME.e164, True),
        (None, "+15551230001", False),
        (["*"], "+15551230001", False),
        (["+15551230001"], "+15551230001", True),
        (["+15551230001"], ME.e164, False),
        (None, None, False),
    ],
)
def test_owners_commands_of_a_group_are_for_the_listed_people_or_the_own_number(
    allow: list[str] | None, sender: str | None, expected: bool
) -> None:
    settings = {"groupPolicy": "open", **({} if allow is None else {"allowFrom": allow})}
    facts = said("whatsapp", Sender(e164=sender))
    assert command_owner(case_of(channel_policy("whatsapp", settings), "whatsapp", facts)) is expected


def test_a_reason_names_the_entry_of_the_place_and_keeps_its_words() -> None:
    listed = case_of(channel_policy("telegram", {"groups": {"-100": {}}}), "telegram", said("telegram"))
    general = listed.reason("mention.required")
    assert general.detail
    assert listed.reason_here("mention.required", "requireMention") == Reason(
        "mention.required", "channels.telegram.groups.-100.requireMention", general.detail
    )
    unlisted = case_of(channel_policy("telegram", {}), "telegram", said("telegram"))
    assert unlisted.reason_here("mention.required", "requireMention") == unlisted.reason("mention.required")


def test_a_code_without_a_reason_of_its_own_is_named_all_the_same() -> None:
    found = case_of(channel_policy("telegram", {}), "telegram", said("telegram"))
    found.scope = replace(found.scope, reasons=MappingProxyType({}))
    assert found.reason("made-up") == Reason("made-up")


def test_a_sender_without_an_id_commands_nothing_whatever_a_step_says() -> None:
    for sender, expected in ((Sender(), False), (SENDERS["telegram"], True)):
        facts = MessageFacts(sender=sender, **PLACES["telegram"])
        case = case_of(channel_policy("telegram", {"groupPolicy": "open"}), "telegram", facts)
        found = deliver(case, Reason("x"), True, Source.ALLOWED, Match.ID, NO_EFFECTS)
        assert found.command_authorized is expected
