"""What must speak to the bot, and what passes without (channels.md 2.3)."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.policy.what.labels import Source
from openclaw.policy.who.facts import GroupActivation, Mentions
from openclaw.policy.who.lists import Match
from support.access import (
    CHANNELS,
    OPEN_PLACES,
    SENDERS,
    STRANGERS,
    answer,
    ask,
    channel_policy,
    judged,
    said,
)

ANN, MAL = "+15551230001", "+15559990009"

LISTED = {"groupAllowFrom": ["42"]}


class TestMentionGate:
    """Who must be mentioned, and what passes without (channels.md 2.3)."""

    @pytest.mark.parametrize(
        ("activation", "required", "expected"),
        [
            (None, True, "mention.required"),
            (GroupActivation.ALWAYS, True, "mention.activation-always"),
            (GroupActivation.MENTION, False, "mention.required"),
            (None, False, "mention.not-required"),
        ],
    )
    def test_the_session_comes_first(self, activation: GroupActivation | None, required: bool, expected: str) -> None:
        settings = {**LISTED, "groups": {"-100": {"requireMention": required}}}
        quiet = said("telegram", mentions=Mentions())
        assert judged("telegram", settings, quiet, activation=activation)[1] == expected

    def test_the_session_counts_on_whatsapp_and_telegram_only(self) -> None:
        facts = said("discord", mentions=Mentions())
        settings: dict[str, Any] = {"guilds": {"5001": {}}}
        assert judged("discord", settings, facts, activation=GroupActivation.ALWAYS)[1] == "mention.required"

    @pytest.mark.parametrize(
        ("settings", "common", "expected"),
        [
            ({}, {}, "buffer"),
            ({"historyLimit": 0}, {}, "drop"),
            ({"historyLimit": 1}, {}, "buffer"),
            ({}, {"messages": {"groupChat": {"historyLimit": 3}}}, "buffer"),
        ],
    )
    def test_without_a_pending_history_the_message_is_dropped(
        self, settings: dict[str, Any], common: dict[str, Any], expected: str
    ) -> None:
        policy = channel_policy("telegram", {**LISTED, **settings}, **common)
        found = ask(policy, "telegram", said("telegram", mentions=Mentions()))
        assert answer(found) == (expected, "mention.required")

    @pytest.mark.parametrize(
        ("channel", "settings"),
        [
            ("whatsapp", {"allowFrom": [ANN]}),
            ("telegram", {"allowFrom": ["42"]}),
            ("discord", {"guilds": {"5001": {}}, "dm": {"allowFrom": ["111"]}}),
            ("slack", {"channels": {"C1": {}}, "dm": {"allowFrom": ["U111"]}}),
        ],
    )
    def test_a_command_of_an_authorised_sender_passes_unless_anybody_is_mentioned(
        self, channel: str, settings: dict[str, Any]
    ) -> None:
        policy = channel_policy(channel, settings)
        found = ask(policy, channel, said(channel, text="/status", mentions=Mentions()))
        assert answer(found) == ("deliver", "mention.command-bypass")
        assert found.effects.mention
        others = said(channel, text="/status", mentions=Mentions(others=True))
        assert answer(ask(policy, channel, others)) == ("buffer", "mention.required")
        passed_on = said(channel, text="/status", mentions=Mentions(), forwarded=True)
        assert answer(ask(policy, channel, passed_on)) == ("buffer", "mention.required")

    def test_teams_has_no_bypass(self) -> None:
        settings = {"groupAllowFrom": [SENDERS["msteams"].id]}
        facts = said("msteams", text="/status", mentions=Mentions())
        assert judged("msteams", settings, facts) == ("buffer", "mention.required")

    def test_on_whatsapp_only_owners_bypass(self) -> None:
        policy = channel_policy("whatsapp", {"allowFrom": [ANN], "groupAllowFrom": [ANN, MAL]})
        facts = said("whatsapp", STRANGERS["whatsapp"], "/status", mentions=Mentions())
        assert answer(ask(policy, "whatsapp", facts)) == ("buffer", "mention.required")

    @pytest.mark.parametrize(
        ("sender", "expected"),
        [("whatsapp-owner", ("deliver", "group.mentioned")), ("member", ("buffer", "activation.owner-only"))],
    )
    def test_only_an_owner_changes_the_activation_on_whatsapp(self, sender: str, expected: tuple[str, str]) -> None:
        settings = {"allowFrom": [ANN], "groupAllowFrom": [ANN, MAL]}
        who = SENDERS["whatsapp"] if sender == "whatsapp-owner" else STRANGERS["whatsapp"]
        assert judged("whatsapp", settings, said("whatsapp", who, "/activation always")) == expected

    def test_text_commands_can_be_switched_off_where_native_ones_exist(self) -> None:
        quiet = Mentions()
        for channel, settings, rule in (
            ("telegram", {"allowFrom": ["42"]}, "mention.required"),
            ("whatsapp", {"allowFrom": [ANN]}, "mention.command-bypass"),
        ):
            policy = channel_policy(channel, settings, commands={"text": False})
            assert ask(policy, channel, said(channel, text="/status", mentions=quiet)).decided_by.rule == rule

    def test_signal_has_no_mention_gate(self) -> None:
        settings = {"groupAllowFrom": [ANN]}
        assert judged("signal", settings, said("signal", mentions=Mentions())) == ("deliver", "mention.undetectable")

    def test_the_words_are_classed_by_the_lists_of_the_place(self) -> None:
        policy = channel_policy("telegram", {"groupPolicy": "open", "allowFrom": ["42", "43"]})
        mine = ask(policy, "telegram", said("telegram"))
        assert (mine.admitted_by, mine.matched) == (Source.ALLOWED, Match.ID)
        theirs = ask(policy, "telegram", said("telegram", STRANGERS["telegram"]))
        assert (theirs.admitted_by, theirs.matched) == (Source.STRANGER, Match.NONE)
        star = channel_policy("telegram", {"groupAllowFrom": ["*"]})
        assert ask(star, "telegram", said("telegram")).admitted_by is Source.STRANGER


@pytest.mark.parametrize("channel", [c for c in CHANNELS if c != "whatsapp"])
def test_an_unauthorised_command_in_a_group_is_dropped_even_when_mentioned(channel: str) -> None:
    settings = {"groupPolicy": "open", **OPEN_PLACES.get(channel, {})}
    found = judged(channel, settings, said(channel, STRANGERS[channel], "/status"))
    assert found == ("drop", "command.unauthorized")


def test_on_whatsapp_it_is_just_text() -> None:
    found = ask(
        channel_policy("whatsapp", {"groupPolicy": "open"}), "whatsapp", said("whatsapp", STRANGERS["whatsapp"], "/new")
    )
    assert answer(found) == ("deliver", "group.mentioned")
    assert not found.command_authorized
