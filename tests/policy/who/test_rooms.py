"""Who is answered in groups (channels.md 2.1; advisories C5-C7, D1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.facts import Mentions, Sender
from support.access import (
    CHANNELS,
    OPEN_PLACES,
    SENDERS,
    STRANGERS,
    answer,
    ask,
    channel_policy,
    id_of,
    judged,
    policy_of,
    said,
)

ANN, MAL = "+15551230001", "+15559990009"


@pytest.mark.parametrize("channel", ["whatsapp", "telegram", "signal", "imessage", "msteams"])
@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        ({}, "group.allowlist-empty"),
        ({"allowFrom": []}, "group.allowlist-empty"),
        ({"groupAllowFrom": []}, "group.allowlist-empty"),
        ({"groupAllowFrom": [], "allowFrom": ["me"]}, "group.allowlist-empty"),
        ({"groupAllowFrom": ["other"]}, "group.sender-not-allowed"),
        ({"groupAllowFrom": ["other"], "allowFrom": ["me"]}, "group.sender-not-allowed"),
        ({"groupAllowFrom": ["me"]}, None),
        ({"groupAllowFrom": ["*"]}, None),
        ({"allowFrom": ["me"]}, None),
        ({"allowFrom": ["*"]}, None),
    ],
)
def test_adv_C7_only_listed_senders_are_answered(
    channel: str, lists: dict[str, list[str]], expected: str | None
) -> None:
    names = {"me": id_of(channel, SENDERS[channel]), "other": id_of(channel, STRANGERS[channel])}
    settings = {key: [names.get(entry, entry) for entry in entries] for key, entries in lists.items()}
    found = ask(channel_policy(channel, settings), channel, said(channel))
    if expected is None:
        assert found.decision is Decision.DELIVER
    else:
        assert answer(found) == ("drop", expected)


@pytest.mark.parametrize("channel", CHANNELS)
def test_adv_D1_an_approval_for_direct_messages_opens_no_group(channel: str) -> None:
    """Same answer with and without the approval, for words and for commands, under every policy."""
    me = id_of(channel, SENDERS[channel])
    other = id_of(channel, STRANGERS[channel])
    places = OPEN_PLACES.get(channel, {})
    for group_policy in ("allowlist", "open"):
        for lists in ({}, {"groupAllowFrom": [other]}):
            settings = {"groupPolicy": group_policy, **places, **({} if channel in OPEN_PLACES else lists)}
            policy = channel_policy(channel, settings)
            for text in ("hello", "/status"):
                facts = said(channel, text=text)
                assert ask(policy, channel, facts, approved=[me]) == ask(policy, channel, facts)
                assert not ask(policy, channel, facts, approved=[me]).command_authorized


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_disabled_group_policy_answers_nobody(channel: str) -> None:
    me = id_of(channel, SENDERS[channel])
    lists = {"dm": {"allowFrom": [me]}} if channel in OPEN_PLACES else {"groupAllowFrom": [me], "allowFrom": [me]}
    settings = {"groupPolicy": "disabled", **OPEN_PLACES.get(channel, {}), **lists}
    for facts in (said(channel), said(channel, text="/status"), said(channel, text="/status", native=True)):
        assert judged(channel, settings, facts) == ("drop", "group.policy-disabled")


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("whatsapp", "group.mentioned"),
        ("telegram", "group.mentioned"),
        ("imessage", "mention.undetectable"),
        ("discord", "group.mentioned"),
        ("slack", "group.mentioned"),
        ("signal", "group.allowlist-empty"),
        ("msteams", "group.allowlist-empty"),
    ],
)
def test_a_channel_without_a_section_has_another_group_policy(channel: str, expected: str) -> None:
    assert judged(channel, None, said(channel))[1] == expected
    policy = channel_policy(channel, None)
    assert not ask(policy, channel, said(channel)).command_authorized
    common = channel_policy("defaults", {"groupPolicy": "disabled"})
    assert answer(ask(common, channel, said(channel))) == ("drop", "group.policy-disabled")


def test_the_common_group_policy_does_not_reach_a_configured_channel() -> None:
    policy = policy_of({"channels": {"defaults": {"groupPolicy": "open"}, "telegram": {"botToken": "1:x"}}})
    assert answer(ask(policy, "telegram", said("telegram"))) == ("drop", "group.allowlist-empty")


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_group_without_an_id_is_dropped(channel: str) -> None:
    facts = replace(said(channel), chat_id=" ")
    assert judged(channel, {"groupPolicy": "open"}, facts) == ("drop", "group.no-chat-id")


@pytest.mark.parametrize("channel", ["whatsapp", "telegram", "signal", "imessage", "msteams"])
def test_adv_C5_a_sender_without_an_id_is_not_on_a_list_with_a_wildcard(channel: str) -> None:
    nameless = said(channel, Sender(name="x"))
    assert judged(channel, {"groupAllowFrom": ["*"]}, nameless) == ("drop", "group.no-sender-id")


def test_every_answer_names_the_key_that_would_change_it() -> None:
    policy = channel_policy("telegram", {"accounts": {"work": {"groupAllowFrom": ["77"]}}, "groups": {"-200": {}}})
    found = ask(policy, "telegram", said("telegram"), account="work")
    assert found.decided_by.key == "channels.telegram.accounts.work.groupAllowFrom"
    found = ask(policy, "telegram", said("telegram", STRANGERS["telegram"]), account="work")
    assert found.decided_by.key == "channels.telegram.groups"
    required = channel_policy("telegram", {"allowFrom": ["42"], "groups": {"-100": {}}})
    found = ask(required, "telegram", said("telegram", mentions=Mentions()))
    assert found.decided_by.key == "channels.telegram.groups.-100.requireMention"
