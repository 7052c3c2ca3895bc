"""Lists of people (channels.md 1.4; advisories C1-C5, C7)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.who.facts import ChatType, MessageFacts, Sender, StoreView
from openclaw.policy.who.identity import IdentityStyle, dash_slug, phone, sender_id, slack_slug
from openclaw.policy.who.lists import AllowList, ListState, Match, SenderKeys, approved, compile_list, match
from openclaw.policy.who.rule_table import RULES, rules_for
from support.access import CHANNELS, SENDERS, STRANGERS, id_of

UUID = "0a1b2c3d-1111-2222-3333-444455556666"


def style_of(channel: str) -> IdentityStyle:
    return rules_for(channel).identity


def found(channel: str, entry: str, sender: Sender, *, chat: str = "7", names: bool = True) -> Match:
    style = style_of(channel)
    facts = MessageFacts(ChatType.GROUP, chat, sender)
    return match(compile_list(style, [entry]), SenderKeys(style, facts), names=names)


@pytest.mark.parametrize(
    ("channel", "entry", "sender", "expected"),
    [
        ("whatsapp", "(1) 555-123-0001", Sender(e164="+15551230001"), Match.ID),
        ("whatsapp", "WhatsApp:+1 555 123 0001", Sender(e164="+15551230001"), Match.ID),
        ("whatsapp", "\u202a+1\u00a0555\u20111230001\u202c", Sender(e164="+15551230001"), Match.ID),
        ("whatsapp", "15551230001@s.whatsapp.net", Sender(e164="+15551230001"), Match.ID),
        ("telegram", "42", Sender(id="42"), Match.ID),
        ("telegram", "TG:42", Sender(id="42"), Match.ID),
        ("telegram", "telegram: 42", Sender(id="42"), Match.ID),
        ("telegram", "@Alice", Sender(id="1", username="alice"), Match.NAME),
        ("telegram", "alice", Sender(id="1", username="@ALICE"), Match.NAME),
        ("discord", "<@!111>", Sender(id="111"), Match.ID),
        ("discord", "<@111>", Sender(id="111"), Match.ID),
        ("discord", "Discord:111", Sender(id="111"), Match.ID),
        ("discord", "user:111", Sender(id="111"), Match.ID),
        ("discord", "Ann Lee", Sender(id="1", username="ann_lee"), Match.NAME),
        ("discord", "ann#1234", Sender(id="1", tag="Ann#1234"), Match.NAME),
        ("discord", "pk:abcde", Sender(id="1", member_id="abcde"), Match.ID),
        ("discord", "111", Sender(id="111", member_id="abcde"), Match.NONE),
        ("slack", "u111", Sender(id="U111"), Match.ID),
        ("slack", "slack:U111", Sender(id="U111"), Match.ID),
        ("slack", "@ann", Sender(id="U1", username="Ann"), Match.NAME),
        ("slack", "ann-lee", Sender(id="U1", name="Ann Lee"), Match.NAME),
        ("slack", "ann@example.com", Sender(id="U1", name="ann@example.com"), Match.NONE),
        ("signal", "+1 (555) 123-0001", Sender(e164="+15551230001"), Match.ID),
        ("signal", f"uuid:{UUID}", Sender(uuid=UUID.upper()), Match.ID),
        ("signal", UUID.replace("-", ""), Sender(uuid=UUID), Match.ID),
        ("signal", f"signal:uuid:{UUID}", Sender(uuid=UUID), Match.ID),
        ("signal", UUID, Sender(e164="+15551230001", uuid=UUID), Match.NONE),
        ("imessage", "Alice@Example.com", Sender(id="alice@example.COM"), Match.ID),
        ("imessage", "sms:+1 555 123 0001", Sender(id="+15551230001"), Match.ID),
        ("imessage", "chat_id:7", Sender(id="+1"), Match.CHAT),
        ("imessage", "iMessage:chat_id:7", Sender(id="+1"), Match.CHAT),
        ("imessage", "chat_id:8", Sender(id="+1"), Match.NONE),
        ("imessage", "7", Sender(id="+1"), Match.NONE),
        ("bluebubbles", "bluebubbles:+15551230001", Sender(id="+15551230001"), Match.ID),
        ("msteams", UUID.upper(), Sender(id=UUID), Match.ID),
        ("msteams", "ann lee", Sender(id="x1", name="Ann Lee"), Match.NAME),
        ("msteams", "ann@corp.example", Sender(id="x1", name="ann@corp.example"), Match.NONE),
        ("somewhere", "someone", Sender(id="someone"), Match.ID),
        ("somewhere", "Someone", Sender(id="someone"), Match.NONE),
        ("somewhere", "somewhere:someone", Sender(id="someone"), Match.ID),
    ],
)
def test_an_entry_admits_whom_it_names(channel: str, entry: str, sender: Sender, expected: Match) -> None:
    assert found(channel, entry, sender) is expected


def test_names_do_not_count_in_direct_messages_where_the_channel_resolves_them_at_start() -> None:
    assert found("slack", "ann", Sender(id="U9", username="ann"), names=False) is Match.NONE


@pytest.mark.parametrize("channel", CHANNELS)
def test_adv_C1_a_name_equal_to_a_listed_id_admits_nobody(channel: str) -> None:
    listed = id_of(channel, SENDERS[channel])
    mine = id_of(channel, STRANGERS[channel])
    e164 = mine if channel in ("whatsapp", "signal") else None
    impostor = Sender(id=mine, e164=e164, username=listed, name=listed, tag=listed)
    assert found(channel, listed, SENDERS[channel]) is Match.ID
    assert found(channel, listed, impostor) is Match.NONE


@pytest.mark.parametrize("channel", CHANNELS)
def test_adv_C2_a_room_id_in_a_list_of_people_admits_nobody(channel: str) -> None:
    for room in ("-1001234", "120363000000000001@g.us", "C111", "19:x@thread.v2", "grpA=="):
        assert found(channel, room, STRANGERS[channel], chat=room) is Match.NONE


@pytest.mark.parametrize("channel", ["imessage", "somewhere"])
def test_adv_C3_an_address_matches_as_a_whole(channel: str) -> None:
    assert found(channel, "a@good.example", Sender(id="a@good.example")) is Match.ID
    assert found(channel, "a@good.example", Sender(id="a@evil.example")) is Match.NONE
    assert found(channel, "a", Sender(id="a@evil.example")) is Match.NONE


@pytest.mark.parametrize(
    ("channel", "entry", "name"),
    [
        ("discord", "alic", "alicе"),
        ("discord", "kate", "\u212aate"),
        ("telegram", "kate", "\u212aate"),
        ("slack", "ann", "änn"),
        ("discord", "___", "???"),
        ("slack", "...", "---"),
        ("discord", "ä", "ö"),
    ],
)
def test_adv_C4_two_different_names_stay_two(channel: str, entry: str, name: str) -> None:
    assert found(channel, entry, Sender(id="U9" if channel == "slack" else "9", username=name)) is Match.NONE


@pytest.mark.parametrize("nobody", ["", "   ", None, "anonymous", "555-123-0001x", "*"])
@pytest.mark.parametrize("channel", ["whatsapp", "signal"])
def test_adv_C5_a_sender_without_a_number_is_on_no_list(channel: str, nobody: str | None) -> None:
    for entry in ("", " ", "*", "anonymous", "555", "+", "15551230001"):
        assert found(channel, entry, Sender(e164=nobody)) is Match.NONE


def test_adv_C5_numbers_compare_as_a_whole() -> None:
    assert found("whatsapp", "5551230001", Sender(e164="+15551230001")) is Match.NONE
    assert found("whatsapp", "+1555123000", Sender(e164="+15551230001")) is Match.NONE


@pytest.mark.parametrize("channel", [*CHANNELS, "somewhere"])
def test_adv_C5_a_sender_without_an_id_is_not_even_covered_by_a_wildcard(channel: str) -> None:
    assert found(channel, "*", Sender(name="x", username="x")) is Match.NONE
    assert found(channel, "*", Sender(id="*", e164="*", name="*")) is Match.NONE


@pytest.mark.parametrize(
    ("entries", "state", "configured"),
    [
        (None, ListState.ABSENT, False),
        ([], ListState.EMPTY, False),
        (["", "  "], ListState.EMPTY, False),
        (["*"], ListState.WILDCARD, True),
        ([" * "], ListState.WILDCARD, True),
        (["42"], ListState.NAMED, True),
        (["42", "*"], ListState.WILDCARD, True),
    ],
)
def test_adv_C7_four_states_stay_apart(entries: list[str] | None, state: ListState, configured: bool) -> None:
    compiled = compile_list(style_of("telegram"), entries)
    assert compiled.state is state
    assert compiled.configured is configured


def test_an_entry_that_admits_nobody_still_makes_a_list() -> None:
    compiled = compile_list(style_of("whatsapp"), ["not a number"])
    assert compiled.configured
    assert compiled.inert == ("not a number",)
    assert compiled.sole_id == ""


@pytest.mark.parametrize(
    ("entries", "sole"),
    [
        (["42"], "42"),
        (["42", "tg:42", " 42 "], "42"),
        (["42", "43"], ""),
        (["42", "*"], ""),
        (["42", "@ann"], ""),
        (["@ann"], ""),
        (["*"], ""),
        ([], ""),
        (["-100123"], ""),
    ],
)
def test_one_concrete_person_is_recognised(entries: list[str], sole: str) -> None:
    assert compile_list(style_of("telegram"), entries).sole_id == sole


@pytest.mark.parametrize(
    ("channel", "stored", "sender", "expected"),
    [
        ("telegram", ["TG:42"], Sender(id="42"), True),
        ("telegram", ["*"], Sender(id="42"), False),
        ("telegram", ["ann", "@ann"], Sender(id="42", username="ann"), False),
        ("telegram", ["", " "], Sender(), False),
        ("whatsapp", ["+15551230001"], Sender(e164="+15551230001"), True),
        ("signal", [f"uuid:{UUID}"], Sender(uuid=UUID), True),
        ("slack", ["U111"], Sender(id="U111"), True),
        ("imessage", ["Ann@Example.com"], Sender(id="ann@example.com"), True),
        ("msteams", ["user:AAD-1"], Sender(id="aad-1"), True),
        ("discord", ["user:111"], Sender(id="111"), True),
        ("somewhere", ["*"], Sender(id="*"), False),
    ],
)
def test_the_store_approves_ids_only(channel: str, stored: list[str], sender: Sender, expected: bool) -> None:
    style = style_of(channel)
    keys = SenderKeys(style, MessageFacts(ChatType.DIRECT, "1", sender))
    assert approved(channel, style, StoreView(tuple(stored)), keys) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("+15551230001", "+15551230001"), ("1.555.123", "+1555123"), ("1+5", ""), ("+-+", ""), ("tel 5", ""), ("٥٥٥", "")],
)
def test_a_phone_number_is_digits_and_one_plus(text: str, expected: str) -> None:
    assert phone(text) == expected


def test_slugs() -> None:
    assert dash_slug("  #Friends Of  Claw! ") == "friends-of-claw"
    assert slack_slug(" Ann  Lee.") == "ann-lee"


names = st.text(min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(entry=names, name=names, channel=st.sampled_from(["telegram", "discord", "slack", "msteams"]))
def test_adv_C4_a_match_by_name_is_the_name_or_its_plain_slug(entry: str, name: str, channel: str) -> None:
    kind = found(channel, entry, Sender(id="U1" if channel == "slack" else "1", username=name, name=name, tag=name))
    if kind is Match.NAME and (not name.isascii() or not entry.isascii()):
        assert entry.strip().removeprefix("@").strip() == name.strip().removeprefix("@").strip()


@settings(max_examples=300, deadline=None)
@given(
    channel=st.sampled_from([*RULES, "somewhere"]),
    entries=st.lists(st.text(max_size=20), max_size=5),
    sender=st.builds(
        Sender,
        id=st.none() | st.text(max_size=20),
        username=st.none() | st.text(max_size=20),
        name=st.none() | st.text(max_size=20),
        tag=st.none() | st.text(max_size=20),
        e164=st.none() | st.text(max_size=20),
        uuid=st.none() | st.text(max_size=20),
        member_id=st.none() | st.text(max_size=20),
    ),
)
def test_no_entry_and_no_sender_raises(channel: str, entries: list[str], sender: Sender) -> None:
    style = style_of(channel)
    keys = SenderKeys(style, MessageFacts(ChatType.GROUP, "7", sender))
    compiled = compile_list(style, entries)
    if not sender_id(style, sender):
        assert match(compiled, keys) is Match.NONE
    assert match(AllowList(), keys) is Match.NONE
    assert match(compile_list(style, []), keys) is Match.NONE


@settings(max_examples=200, deadline=None)
@given(channel=st.sampled_from(CHANNELS), text=st.text("abyzUWZ0159", min_size=1, max_size=12))
def test_a_canonical_id_as_an_entry_admits_its_bearer(channel: str, text: str) -> None:
    style = style_of(channel)
    given_id = f"+{text}" if channel in ("whatsapp", "signal") else text
    sender = Sender(e164=given_id) if channel in ("whatsapp", "signal") else Sender(id=given_id)
    who = sender_id(style, sender)
    keys = SenderKeys(style, MessageFacts(ChatType.GROUP, "7", sender))
    assert match(compile_list(style, [who]), keys) is (Match.ID if who else Match.NONE)
