"""Direct messages (channels.md 1; advisories C5-C7, D1-D4, D7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openclaw.policy.what.labels import Source
from openclaw.policy.where.key_ids import normalise_account_id
from openclaw.policy.who.access_policy import ChannelAccess
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Decision, Pairing
from openclaw.policy.who.dm_pairing import TTL_MS, PairingRequest
from openclaw.policy.who.facts import NO_SESSION, ChatType, EventKind, MessageFacts, SelfIdentity, Sender, StoreView
from openclaw.policy.who.lists import Match
from support.access import (
    CHANNELS,
    ME,
    NOW,
    SENDERS,
    STRANGERS,
    account_of,
    answer,
    ask,
    channel_policy,
    direct,
    id_of,
    policy_of,
    section,
)

ANN = "+15551230001"


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("policy", "allow", "approved", "expected"),
    [
        (None, None, False, ("pair", "dm.pairing.new")),
        ("pairing", None, False, ("pair", "dm.pairing.new")),
        ("pairing", [], False, ("pair", "dm.pairing.new")),
        ("pairing", [], True, ("deliver", "dm.paired")),
        ("pairing", ["*"], False, ("deliver", "dm.allowlisted")),
        ("pairing", ["me"], False, ("deliver", "dm.allowlisted")),
        ("pairing", ["other"], False, ("pair", "dm.pairing.new")),
        ("allowlist", None, False, ("drop", "dm.not-allowlisted")),
        ("allowlist", [], False, ("drop", "dm.not-allowlisted")),
        ("allowlist", [], True, ("deliver", "dm.paired")),
        ("allowlist", ["*"], False, ("deliver", "dm.allowlisted")),
        ("allowlist", ["me"], False, ("deliver", "dm.allowlisted")),
        ("allowlist", ["other"], False, ("drop", "dm.not-allowlisted")),
        ("open", ["*"], False, ("deliver", "dm.open")),
        ("open", ["*", "me"], False, ("deliver", "dm.open")),
        ("disabled", ["*", "me"], True, ("drop", "dm.disabled")),
    ],
)
def test_adv_C7_policy_list_and_store_decide(
    channel: str, policy: str | None, allow: list[str] | None, approved: bool, expected: tuple[str, str]
) -> None:
    me, other = id_of(channel, SENDERS[channel]), id_of(channel, STRANGERS[channel])
    named = None if allow is None else [{"me": me, "other": other}.get(entry, entry) for entry in allow]
    found = ask(
        channel_policy(channel, section(channel, policy, named)),
        channel,
        direct(channel, SENDERS[channel]),
        approved=[me] if approved else [],
    )
    assert answer(found) == expected
    assert found.command_authorized is (found.decision is Decision.DELIVER)
    assert found.decided_by.key


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_wildcard_in_the_store_counts_for_nothing(channel: str) -> None:
    found = ask(
        channel_policy(channel, section(channel, "allowlist")),
        channel,
        direct(channel, SENDERS[channel]),
        approved=["*", "", "  "],
    )
    assert answer(found) == ("drop", "dm.not-allowlisted")


@pytest.mark.parametrize("channel", ["discord", "slack", "googlechat"])
def test_the_switch_of_direct_messages_shuts_everybody_out(channel: str) -> None:
    settings = {"dm": {"enabled": False, "policy": "open", "allowFrom": ["*"]}}
    found = ask(channel_policy(channel, settings), channel, MessageFacts(ChatType.DIRECT, "D1", Sender(id="1")))
    assert answer(found) == ("drop", "dm.disabled")


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_sender_without_an_id_is_never_paired_nor_admitted(channel: str) -> None:
    for settings in (section(channel), section(channel, "open", ["*"])):
        found = ask(channel_policy(channel, settings), channel, direct(channel, Sender(name="x", username="x")))
        assert answer(found) == ("drop", "dm.no-sender-id")


@pytest.mark.parametrize(
    ("waiting", "expected", "state"),
    [
        ([], ("pair", "dm.pairing.new"), Pairing.NEW),
        ([("42", 0)], ("pair", "dm.pairing.repeat"), Pairing.REPEAT),
        ([("telegram:42", 0)], ("pair", "dm.pairing.repeat"), Pairing.REPEAT),
        ([("42", TTL_MS)], ("pair", "dm.pairing.repeat"), Pairing.REPEAT),
        ([("42", TTL_MS + 1)], ("pair", "dm.pairing.new"), Pairing.NEW),
        ([("1", 0), ("2", 0), ("3", 0)], ("drop", "dm.pairing.full"), Pairing.FULL),
        ([("1", 0), ("2", 0), ("42", 0)], ("pair", "dm.pairing.repeat"), Pairing.REPEAT),
        ([("1", 0), ("2", 0), ("3", TTL_MS + 1)], ("pair", "dm.pairing.new"), Pairing.NEW),
    ],
)
def test_a_request_is_new_repeated_or_one_too_many(
    waiting: list[tuple[str, int]], expected: tuple[str, str], state: Pairing
) -> None:
    found = ask(channel_policy("telegram", {}), "telegram", direct("telegram", SENDERS["telegram"]), waiting=waiting)
    assert answer(found) == expected
    assert found.effects.pairing is state
    assert found.effects.pairing_id == "42"
    assert found.admitted_by is None


@pytest.mark.parametrize("account", ["work", "Work-Two"])
def test_a_request_of_the_same_account_is_repeated(account: str) -> None:
    policy = channel_policy("telegram", {"accounts": {account: {}}})
    stored = normalise_account_id(account)
    waiting = (PairingRequest("42", "ABCDEFGH", NOW, NOW, stored),)
    found = decide(
        policy, "telegram", account, ME, StoreView((), waiting), NO_SESSION, direct("telegram", Sender(id="42")), NOW
    )
    assert answer(found) == ("pair", "dm.pairing.repeat")


@pytest.mark.parametrize(
    ("channel", "sender"), [("slack", "*"), ("slack", "U" * 257), ("msteams", "a\x00b"), ("slack", "slack:*")]
)
def test_an_id_that_no_store_may_hold_is_not_paired(channel: str, sender: str) -> None:
    found = ask(channel_policy(channel, {}), channel, direct(channel, Sender(id=sender)))
    assert answer(found) == ("drop", "dm.no-sender-id")
    assert found.effects.pairing is None


def test_adv_D2_requests_of_another_account_do_not_count() -> None:
    policy = channel_policy("telegram", {"accounts": {"work": {}, "home": {}}})
    elsewhere = tuple(PairingRequest(who, "ABCDEFGH", NOW, NOW, "home") for who in ("42", "1", "2"))
    found = decide(
        policy, "telegram", "work", ME, StoreView((), elsewhere), NO_SESSION, direct("telegram", Sender(id="42")), NOW
    )
    assert answer(found) == ("pair", "dm.pairing.new")


@pytest.mark.parametrize(
    ("sender", "channel", "stored"),
    [
        (Sender(e164="+1 555 123 0001"), "whatsapp", ANN),
        (Sender(uuid="0A1B2C3D-1111-2222-3333-444455556666"), "signal", "uuid:0a1b2c3d-1111-2222-3333-444455556666"),
        (Sender(id="U111"), "slack", "U111"),
        (Sender(id="Ann@Example.com"), "imessage", "ann@example.com"),
        (Sender(id="AAD-1"), "msteams", "AAD-1"),
        (Sender(id="111", member_id="abcde"), "discord", "111"),
    ],
)
def test_a_request_stores_the_immutable_id(sender: Sender, channel: str, stored: str) -> None:
    found = ask(channel_policy(channel, {}), channel, direct(channel, sender))
    assert found.effects.pairing_id == stored


@pytest.mark.parametrize(
    ("age", "expected"),
    [(None, "dm.pairing.new"), (30_000, "dm.pairing.new"), (30_001, "dm.pairing.historical")],
)
def test_replayed_history_asks_for_no_pairing_on_whatsapp(age: int | None, expected: str) -> None:
    facts = direct("whatsapp", STRANGERS["whatsapp"], sent_before_connect_ms=age)
    assert ask(channel_policy("whatsapp", {}), "whatsapp", facts).decided_by.rule == expected
    other = direct("telegram", STRANGERS["telegram"], sent_before_connect_ms=age)
    assert ask(channel_policy("telegram", {}), "telegram", other).decided_by.rule == "dm.pairing.new"


@pytest.mark.parametrize("kind", [k for k in EventKind if k is not EventKind.MESSAGE])
@pytest.mark.parametrize("channel", CHANNELS)
def test_adv_C8_adv_C9_adv_C10_only_a_message_asks_for_pairing(channel: str, kind: EventKind) -> None:
    facts = direct(channel, STRANGERS[channel], kind=kind, original_waits=True)
    found = ask(channel_policy(channel, {}), channel, facts)
    assert found.decision is Decision.DROP
    assert found.effects.pairing is None


@pytest.mark.parametrize(
    ("channel", "expected"),
    [("slack", ("pair", "dm.pairing.new")), ("telegram", ("deliver", "dm.allowlisted"))],
)
def test_names_count_in_direct_messages_where_the_channel_compares_them(
    channel: str, expected: tuple[str, str]
) -> None:
    policy = channel_policy(channel, section(channel, None, ["@ann", "@mal"]))
    assert answer(ask(policy, channel, direct(channel, SENDERS[channel]))) == expected


@pytest.mark.parametrize("allowed", [True, False])
def test_in_a_direct_chat_the_accounts_own_switch_admits_bots(allowed: bool) -> None:
    policy = channel_policy("slack", section("slack", "open", ["*"]))
    scope = account_of(policy, "slack")
    place = replace(scope.places.missing, allow_bots=not allowed)
    scope = replace(scope, allow_bots=allowed, places=replace(scope.places, missing=place))
    policy = replace(policy, channels={"slack": ChannelAccess({"default": scope})})
    found = ask(policy, "slack", direct("slack", Sender(id="U5", is_bot=True)))
    assert answer(found) == (("deliver", "dm.open") if allowed else ("drop", "bot.sender"))


def test_a_bot_asks_for_no_pairing() -> None:
    policy = channel_policy("discord", {"allowBots": True})
    found = ask(policy, "discord", direct("discord", Sender(id="222", is_bot=True)))
    assert answer(found) == ("drop", "dm.not-allowlisted")


def test_a_native_command_of_a_stranger_is_refused_and_not_paired() -> None:
    facts = direct("telegram", STRANGERS["telegram"], "/status", native=True)
    assert answer(ask(channel_policy("telegram", {}), "telegram", facts)) == ("drop", "command.unauthorized")
    disabled = channel_policy("telegram", section("telegram", "disabled"))
    assert answer(ask(disabled, "telegram", facts)) == ("drop", "dm.disabled")


def test_a_native_command_of_an_approved_sender_is_delivered() -> None:
    facts = direct("telegram", SENDERS["telegram"], "/status", native=True)
    found = ask(channel_policy("telegram", {}), "telegram", facts, approved=["42"])
    assert answer(found) == ("deliver", "command.native")
    assert found.command_authorized


@pytest.mark.parametrize(
    ("allow", "sender", "approved", "source", "matched"),
    [
        (["42"], "42", (), Source.OWNER, Match.ID),
        (["42", "43"], "42", (), Source.ALLOWED, Match.ID),
        (["42", "@mal"], "77", (), Source.ALLOWED, Match.NAME),
        (["42"], "77", ("77",), Source.PAIRED, Match.STORE),
        (["*"], "77", (), Source.STRANGER, Match.WILDCARD),
        (["*"], "77", ("77",), Source.PAIRED, Match.STORE),
        (["*", "42"], "42", (), Source.ALLOWED, Match.ID),
    ],
)
def test_the_words_are_classed_by_how_the_sender_was_admitted(
    allow: list[str], sender: str, approved: tuple[str, ...], source: Source, matched: Match
) -> None:
    policy = channel_policy("telegram", {"allowFrom": allow})
    found = ask(policy, "telegram", direct("telegram", Sender(id=sender, username="mal")), approved=approved)
    assert found.decision is Decision.DELIVER
    assert (found.admitted_by, found.matched) == (source, matched)
    assert found.sender_is_owner is (source is Source.OWNER)


class TestLinkedNumber:
    """WhatsApp on the owner's own number (channels.md 2.4)."""

    own = Sender(e164=ME.e164)

    def facts(self, chat: str = "+15550000001", **more: bool) -> MessageFacts:
        return MessageFacts(ChatType.DIRECT, chat, self.own, "hello", **more)  # type: ignore[arg-type]  # flags

    @pytest.mark.parametrize("from_me", [True, False])
    def test_the_chat_with_itself_passes_policy_and_list(self, from_me: bool) -> None:
        policy = channel_policy("whatsapp", section("whatsapp", "allowlist"))
        found = ask(policy, "whatsapp", self.facts(from_me=from_me))
        assert answer(found) == ("deliver", "dm.self")
        assert (found.matched, found.admitted_by) == (Match.LINKED, Source.OWNER)
        assert found.sender_is_owner
        assert found.command_authorized

    def test_it_does_not_pass_disabled(self) -> None:
        policy = channel_policy("whatsapp", section("whatsapp", "disabled"))
        assert answer(ask(policy, "whatsapp", self.facts())) == ("drop", "dm.disabled")

    def test_a_list_that_names_others_keeps_commands_to_them(self) -> None:
        policy = channel_policy("whatsapp", section("whatsapp", None, [ANN]))
        found = ask(policy, "whatsapp", self.facts())
        assert answer(found) == ("deliver", "dm.self")
        assert (found.matched, found.admitted_by) == (Match.LINKED, Source.ALLOWED)
        assert [reason.rule for reason in found.reasons] == ["command.not-listed", "dm.self"]
        assert not found.command_authorized
        assert not found.sender_is_owner

    def test_what_the_owner_writes_to_others_is_not_for_the_bot(self) -> None:
        found = ask(channel_policy("whatsapp", {}), "whatsapp", self.facts(ANN, from_me=True))
        assert answer(found) == ("drop", "dm.from-me")

    def test_what_the_owner_writes_in_groups_is_not_for_the_bot(self) -> None:
        facts = MessageFacts(ChatType.GROUP, "1@g.us", self.own, "hello", from_me=True)
        policy = channel_policy("whatsapp", {"groupPolicy": "open"})
        assert answer(ask(policy, "whatsapp", facts)) == ("drop", "self.message")


def test_a_paired_sender_may_chat_but_not_command_once_whatsapp_names_an_owner() -> None:
    facts = direct("whatsapp", STRANGERS["whatsapp"], "/status")
    for allow, authorised in (([ANN], False), ([], True)):
        policy = channel_policy("whatsapp", section("whatsapp", None, allow))
        found = ask(policy, "whatsapp", facts, approved=["+15559990009"])
        assert answer(found) == ("deliver", "dm.paired")
        assert found.command_authorized is authorised


@pytest.mark.parametrize(
    ("scopes", "source", "owner"),
    [
        ((), Source.OPERATOR, False),
        (("operator.write",), Source.OPERATOR, False),
        (("operator.admin",), Source.OWNER, True),
    ],
)
def test_web_chat_is_the_operators(scopes: tuple[str, ...], source: Source, owner: bool) -> None:
    policy = policy_of({"commands": {"ownerAllowFrom": [ANN]}})
    facts = MessageFacts(ChatType.DIRECT, "c", Sender(id="client-1"), "/status", operator_scopes=scopes)
    found = ask(policy, "webchat", facts)
    assert answer(found) == ("deliver", "dm.operator")
    assert (found.admitted_by, found.sender_is_owner, found.command_authorized) == (source, owner, True)


def test_web_chat_has_no_groups_and_no_nameless_clients() -> None:
    policy = policy_of({})
    group = MessageFacts(ChatType.GROUP, "c", Sender(id="client-1"), operator_scopes=("operator.admin",))
    assert answer(ask(policy, "webchat", group)) == ("drop", "chat.unknown-type")
    nameless = MessageFacts(ChatType.DIRECT, "c", operator_scopes=("operator.admin",))
    assert answer(ask(policy, "webchat", nameless)) == ("drop", "dm.no-sender-id")


@pytest.mark.parametrize(
    ("channel", "me", "sender"),
    [
        ("telegram", ME, Sender(id="900")),
        ("discord", ME, Sender(id="900", is_bot=True)),
        ("slack", SelfIdentity(id="UBOT", other_ids=("B7",)), Sender(id="ubot")),
        ("slack", SelfIdentity(id="UBOT", other_ids=("B7",)), Sender(id="B7", is_bot=True)),
        ("signal", ME, Sender(e164="+1 555 000 0001")),
    ],
)
def test_the_bot_does_not_hear_itself(channel: str, me: SelfIdentity, sender: Sender) -> None:
    policy = channel_policy(channel, section(channel, "open", ["*"]))
    assert answer(ask(policy, channel, direct(channel, sender), me=me)) == ("drop", "self.message")


@pytest.mark.parametrize(
    "facts",
    [
        direct("imessage", SENDERS["imessage"], sync=True),
        direct("imessage", SENDERS["imessage"], echo=True),
        direct("imessage", SENDERS["imessage"], from_me=True),
    ],
)
def test_copies_and_echoes_are_not_messages(facts: MessageFacts) -> None:
    policy = channel_policy("imessage", section("imessage", "open", ["*"]))
    assert answer(ask(policy, "imessage", facts)) == ("drop", "self.message")
