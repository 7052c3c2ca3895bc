"""Every kind of event, and what cannot be told (channels.md 0; advisories C8-C11, F10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from openclaw.policy.what.labels import Source
from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.facts import ChatType, EventKind, Mentions, MessageFacts
from support.access import (
    CHANNELS,
    GUILD,
    OPEN_PLACES,
    SENDERS,
    SPOKEN,
    STRANGERS,
    answer,
    ask,
    channel_policy,
    id_of,
    judged,
    said,
)

ANN, MAL = "+15551230001", "+15559990009"


class TestEventKinds:
    """Every event passes the same gates (advisories C8-C10)."""

    @pytest.mark.parametrize("channel", CHANNELS)
    @pytest.mark.parametrize("kind", list(EventKind))
    def test_adv_C8_a_stranger_reaches_nothing_with_any_event(self, channel: str, kind: EventKind) -> None:
        me = id_of(channel, SENDERS[channel])
        lists = {"dm": {"allowFrom": [me]}} if channel in OPEN_PLACES else {"groupAllowFrom": [me]}
        places = {"discord": {"guilds": {"5001": {"users": [me]}}}, "slack": {"channels": {"C1": {"users": [me]}}}}
        policy = channel_policy(channel, {**places.get(channel, {}), **lists})
        facts = said(channel, STRANGERS[channel], kind=kind, original_waits=True, reply_to_self=True)
        found = ask(policy, channel, facts)
        if kind is EventKind.MIGRATE and channel == "telegram":
            assert (found.decision, found.admitted_by) == (Decision.DELIVER, Source.SYSTEM)
        else:
            assert found.decision is Decision.DROP

    @pytest.mark.parametrize("kind", [EventKind.REACTION, EventKind.PIN, EventKind.MEMBER])
    @pytest.mark.parametrize(
        ("on_own", "expected"), [(True, ("deliver", "mention.reply")), (False, ("drop", "mention.required"))]
    )
    def test_adv_C9_events_pass_the_mention_gate_only_on_a_message_of_the_bot(
        self, kind: EventKind, on_own: bool, expected: tuple[str, str]
    ) -> None:
        facts = said("telegram", kind=kind, mentions=Mentions(), reply_to_self=on_own, text="@mybot claw /status")
        found = ask(channel_policy("telegram", {"allowFrom": ["42"]}), "telegram", facts)
        assert answer(found) == expected
        assert not found.command_authorized
        assert not found.sender_is_owner

    def test_an_edit_is_judged_anew_while_its_original_waits(self) -> None:
        policy = channel_policy("telegram", {"allowFrom": ["42"]})
        late = said("telegram", kind=EventKind.EDIT)
        assert answer(ask(policy, "telegram", late)) == ("drop", "event.edit")
        waiting = replace(late, original_waits=True)
        assert answer(ask(policy, "telegram", waiting)) == ("deliver", "group.mentioned")
        command = said("telegram", STRANGERS["telegram"], "/stop", kind=EventKind.EDIT, original_waits=True)
        opened = channel_policy("telegram", {"groupPolicy": "open"})
        assert answer(ask(opened, "telegram", command)) == ("drop", "command.unauthorized")

    def test_a_button_speaks_to_the_bot_and_its_presser_is_the_sender(self) -> None:
        policy = channel_policy("telegram", {"allowFrom": ["42"]})
        press = said("telegram", kind=EventKind.CALLBACK, mentions=Mentions())
        assert answer(ask(policy, "telegram", press)) == ("deliver", "group.mentioned")
        assert answer(ask(policy, "telegram", replace(press, sender=STRANGERS["telegram"])))[0] == "drop"

    @pytest.mark.parametrize(
        ("settings", "expected"),
        [
            ({"groups": {"-100": {}}}, ("deliver", "group.migrated")),
            ({"groups": {"-200": {}}}, ("drop", "group.not-listed")),
            ({"groups": {"-100": {"enabled": False}}}, ("drop", "group.disabled")),
            ({"groupPolicy": "disabled"}, ("drop", "group.policy-disabled")),
        ],
    )
    def test_a_migration_asks_the_place_alone(self, settings: dict[str, Any], expected: tuple[str, str]) -> None:
        facts = MessageFacts(ChatType.GROUP, "-100", kind=EventKind.MIGRATE)
        assert judged("telegram", settings, facts) == expected

    def test_a_kind_without_a_rule_is_dropped(self) -> None:
        for channel in CHANNELS:
            facts = said(channel, kind=EventKind.UNKNOWN)
            assert judged(channel, {"groupPolicy": "open"}, facts) == ("drop", "event.unsupported")


class TestDoubt:
    """What cannot be told drops (advisory C11)."""

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_adv_C11_an_unknown_kind_of_chat(self, channel: str) -> None:
        facts = replace(said(channel), chat_type=ChatType.UNKNOWN)
        assert judged(channel, {"groupPolicy": "open"}, facts) == ("drop", "chat.unknown-type")

    @pytest.mark.parametrize(
        ("channel", "facts"),
        [
            ("whatsapp", MessageFacts(ChatType.DIRECT, "1203@g.us", SENDERS["whatsapp"])),
            ("telegram", MessageFacts(ChatType.DIRECT, "-100", SENDERS["telegram"])),
            ("telegram", MessageFacts(ChatType.CHANNEL, "-100", SENDERS["telegram"])),
            ("discord", MessageFacts(ChatType.DIRECT, "6001", SENDERS["discord"], guild=GUILD)),
            ("discord", MessageFacts(ChatType.GROUP_DM, "6001", SENDERS["discord"], guild=GUILD)),
            ("slack", MessageFacts(ChatType.DIRECT, "C1", SENDERS["slack"])),
            ("slack", MessageFacts(ChatType.CHANNEL, "D1", SENDERS["slack"])),
            ("signal", MessageFacts(ChatType.THREAD, "x", SENDERS["signal"])),
        ],
    )
    def test_adv_C11_a_chat_that_contradicts_its_kind(self, channel: str, facts: MessageFacts) -> None:
        me = id_of(channel, SENDERS[channel])
        settings = {"dm": {"allowFrom": [me]}} if channel in OPEN_PLACES else {"allowFrom": [me]}
        assert judged(channel, settings, facts) == ("drop", "chat.unknown-type")

    @pytest.mark.parametrize("channel", CHANNELS)
    def test_adv_C11_a_failed_look_up(self, channel: str) -> None:
        facts = said(channel, lookup_failed=True)
        assert judged(channel, {"groupPolicy": "open"}, facts) == ("drop", "lookup.failed")

    def test_status_chats_are_nobodys(self) -> None:
        for chat in ("status@broadcast", "1@broadcast", "x@newsletter"):
            facts = MessageFacts(ChatType.GROUP, chat, SENDERS["whatsapp"], mentions=SPOKEN)
            assert judged("whatsapp", {"groupPolicy": "open"}, facts) == ("drop", "chat.ignored")

    def test_an_unknown_channel_admits_nobody(self) -> None:
        found = ask(channel_policy("telegram", {}), "carrier-pigeon", said("telegram"))
        assert answer(found) == ("drop", "channel.unknown")

    def test_an_unknown_account_admits_nobody(self) -> None:
        policy = channel_policy("telegram", {"groupPolicy": "open", "accounts": {"work": {}}})
        assert answer(ask(policy, "telegram", said("telegram"), account="spare")) == ("drop", "account.unknown")
        assert answer(ask(policy, "telegram", said("telegram"), account="WORK"))[0] == "deliver"

    @pytest.mark.parametrize(
        "settings",
        [
            {"enabled": False, "groupPolicy": "open", "accounts": {"work": {}}},
            {"groupPolicy": "open", "accounts": {"work": {"enabled": False}}},
        ],
    )
    def test_adv_F10_a_switched_off_account_admits_nobody(self, settings: dict[str, Any]) -> None:
        found = judged("telegram", settings, said("telegram"), account="work")
        assert found == ("drop", "account.disabled")
