from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.inbound import Judged, inbound_place, judge_inbound, session_key_of, space_of
from openclaw.policy.where.routing import route
from openclaw.policy.who.dm_pairing import PairingRequest
from openclaw.policy.who.facts import (
    ChatType,
    EventKind,
    GroupActivation,
    Mentions,
    MessageFacts,
    Named,
    SelfIdentity,
    Sender,
    StoreView,
)
from openclaw.system.environment import Environment
from support.access import CHANNELS, ME, NOW, OPEN_PLACES, SENDERS, direct, id_of, said, section
from support.answers import check_answers

NATIVE_SURFACES = {"telegram", "discord", "slack"}


def judge(channel: str, facts: MessageFacts, settings: dict[str, Any], **more: Any) -> Judged:
    document: Mapping[str, Any] = {"channels": {channel: settings}, **more}
    policy = compile_policy(Config.from_document(document), Environment())
    return judge_inbound(
        policy, channel, "", facts, identity=ME, store=StoreView(), activation=lambda _key: None, now_ms=NOW
    )


def open_to_all(channel: str) -> dict[str, Any]:
    return section(channel, "open", ["*"], groupPolicy="open", **OPEN_PLACES.get(channel, {}))


@pytest.mark.parametrize("channel", CHANNELS)
def test_each_message_gets_route_session_and_admission_in_one_answer(channel: str) -> None:
    found = judge(channel, direct(channel, SENDERS[channel]), open_to_all(channel))
    assert (found.route.agent_id, found.session_key) == ("main", "agent:main:main")
    assert str(found.admission.decision) == "deliver"
    room = judge(channel, said(channel), open_to_all(channel))
    assert f"agent:main:{channel}:" in room.session_key


@pytest.mark.parametrize("channel", CHANNELS)
def test_per_channel_peer_names_the_sender_in_the_key(channel: str) -> None:
    found = judge(
        channel, direct(channel, SENDERS[channel]), open_to_all(channel), session={"dmScope": "per-channel-peer"}
    )
    assert found.session_key == f"agent:main:{channel}:direct:{id_of(channel, SENDERS[channel]).lower()}"


def test_a_message_for_an_agent_that_is_not_listed_is_dropped_with_the_rule() -> None:
    found = judge(
        "telegram",
        direct("telegram", SENDERS["telegram"]),
        open_to_all("telegram"),
        agents={"list": [{"id": "main"}]},
        bindings=[{"agentId": "gone", "match": {"channel": "telegram"}}],
    )
    assert str(found.admission.decision) == "drop"
    assert str(found.admission.decided_by.key).startswith("bindings")


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("text_commands", [True, False])
def test_text_commands_end_only_where_native_ones_exist(channel: str, text_commands: bool) -> None:
    facts = direct(channel, SENDERS[channel], "/status")
    settings = open_to_all(channel)
    commands = {"text": text_commands}
    expected = text_commands or channel not in NATIVE_SURFACES
    assert judge(channel, facts, settings, commands=commands).reads_commands is expected
    native = replace(facts, native=True) if channel == "telegram" else replace(facts, kind=EventKind.NATIVE)
    assert judge(channel, native, settings, commands=commands).reads_commands is True
    assert judge(channel, replace(facts, forwarded=True), settings, commands=commands).reads_commands is False


def test_adv_C11_an_unknown_account_is_refused_and_reads_no_command() -> None:
    policy = compile_policy(Config.from_document({"channels": {}}), Environment())
    found = judge_inbound(
        policy,
        "carrier-pigeon",
        "",
        direct("telegram", SENDERS["telegram"], "/stop"),
        identity=ME,
        store=StoreView(),
        activation=lambda _key: None,
        now_ms=NOW,
    )
    assert str(found.admission.decision) == "drop"
    assert found.reads_commands is False


# What routing and admission are given


PEERS: dict[str, MessageFacts] = {
    "by id": MessageFacts(ChatType.DIRECT, "7", Sender(id="42", e164="+1", uuid="u")),
    "by number": MessageFacts(ChatType.DIRECT, "7", Sender(e164="+1", uuid="u")),
    "by service id": MessageFacts(ChatType.DIRECT, "7", Sender(uuid="u")),
    "by nothing": MessageFacts(ChatType.DIRECT, "7"),
    "group": MessageFacts(ChatType.GROUP, "-100", Sender(id="42")),
    "topic": MessageFacts(ChatType.GROUP, "-100", Sender(id="42"), topic_id="9", parent_id="x"),
    "topic with a thread id": MessageFacts(ChatType.GROUP, "-100", topic_id="9", thread_id="9"),
    "group direct message": MessageFacts(ChatType.GROUP_DM, "G1", Sender(id="42")),
    "channel": MessageFacts(ChatType.CHANNEL, "7001", guild=Named("5001", "x"), team=Named("T1")),
    "channel of a team": MessageFacts(ChatType.CHANNEL, "C1", team=Named("T1", "x"), thread_id="1.2"),
    "thread": MessageFacts(ChatType.THREAD, "7002", parent_id="7001", guild=Named(None, "x")),
    "direct chat with a thread": MessageFacts(ChatType.DIRECT, "42", Sender(id="42"), thread_id="5"),
}


def test_places_and_keys_of_messages_word_for_word() -> None:
    routing = compile_policy(Config.from_document({"session": {"dmScope": "per-peer"}}), Environment()).routing
    answers: list[tuple[object, object]] = []
    for name, facts in PEERS.items():
        place = inbound_place("slack", "work", facts)
        found = route(routing, place)
        answers.append((name, (place, space_of(facts), session_key_of(routing, facts, found))))
    check_answers("inbound-places", answers)


def judged(channel: str, facts: MessageFacts, settings: dict[str, Any], *, account: str = "", **given: Any) -> Judged:
    """Return the answer when a part of what is known differs from `judge`; `more` is the rest of the config."""
    document: Mapping[str, Any] = {"channels": {channel: settings}, **given.pop("more", {})}
    known = {"identity": ME, "store": StoreView(), "activation": lambda _key: None, "now_ms": NOW, **given}
    policy = compile_policy(Config.from_document(document), Environment())
    return judge_inbound(policy, channel, account, facts, **known)


def test_the_mention_patterns_of_the_routed_agent_count() -> None:
    agents = [
        {"id": "main", "default": True, "groupChat": {"mentionPatterns": ["main"]}},
        {"id": "work", "groupChat": {"mentionPatterns": ["colleague"]}},
    ]
    more = {"agents": {"list": agents}, "bindings": [{"agentId": "work", "match": {"channel": "telegram"}}]}
    for text, decision in (("colleague, hello", "deliver"), ("main, hello", "buffer")):
        facts = said("telegram", text=text, mentions=Mentions())
        found = judged("telegram", facts, open_to_all("telegram"), more=more)
        assert (found.route.agent_id, str(found.admission.decision)) == ("work", decision)


def test_the_patterns_are_the_routed_agents_where_the_key_names_no_agent() -> None:
    more = {
        "session": {"scope": "global"},
        "agents": {
            "list": [
                {"id": "main", "default": True, "groupChat": {"mentionPatterns": ["main"]}},
                {"id": "work", "groupChat": {"mentionPatterns": ["colleague"]}},
            ]
        },
        "bindings": [{"agentId": "work", "match": {"channel": "imessage", "accountId": "office"}}],
    }
    entry: dict[str, Any] = {"groupPolicy": "open", "groups": {"7": {}}}
    settings = {"accounts": {"office": entry, "home": entry}}
    for account, text, agent in (("office", "colleague, hello", "work"), ("home", "main, hello", "main")):
        facts = direct("imessage", SENDERS["imessage"], text)
        found = judged("imessage", facts, settings, account=account, more=more)
        assert (found.route.agent_id, found.session_key) == (agent, "global")
        assert found.admission.decided_by.rule == "mention.pattern"


def test_a_stored_activation_is_looked_up_under_the_key_of_the_session() -> None:
    asked_for: list[str] = []

    def activation(key: str) -> GroupActivation | None:
        asked_for.append(key)
        return GroupActivation.ALWAYS

    found = judged("telegram", said("telegram", mentions=Mentions()), open_to_all("telegram"), activation=activation)
    assert found.admission.decided_by.rule == "mention.activation-always"
    assert asked_for == [found.session_key] == ["agent:main:telegram:group:-100"]


def test_a_thread_of_a_room_keeps_its_history_under_its_own_key() -> None:
    facts = said("slack", mentions=Mentions(), thread_id="1.2")
    found = judged("slack", facts, open_to_all("slack"))
    assert found.session_key == "agent:main:slack:channel:c1:thread:1.2"
    assert found.admission.effects.history_key == found.session_key


def test_own_messages_approvals_waiting_requests_and_the_account_are_seen() -> None:
    facts = direct("telegram", SENDERS["telegram"])
    closed = {"accounts": {"work": {"dmPolicy": "pairing"}, "home": {"dmPolicy": "disabled"}}}
    old = PairingRequest("42", "ABCDEFGH", NOW - 3_600_001, NOW, account="work")
    live = PairingRequest("42", "ABCDEFGH", NOW - 3_600_000, NOW, account="work")
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({}, "dm.pairing.new"),
        ({"account": "home"}, "dm.disabled"),
        ({"account": "gone"}, "account.unknown"),
        ({"identity": SelfIdentity(id="42")}, "self.message"),
        ({"store": StoreView(("42",))}, "dm.paired"),
        ({"store": StoreView(requests=(old,))}, "dm.pairing.new"),
        ({"store": StoreView(requests=(live,))}, "dm.pairing.repeat"),
        ({"store": StoreView(requests=(live,)), "now_ms": NOW + 1}, "dm.pairing.new"),
    )
    for given, rule in cases:
        found = judged("telegram", facts, closed, **{"account": "work", **given})
        assert found.admission.decided_by.rule == rule, given


def test_a_refused_route_keeps_the_reasons_of_an_admission_and_stops_only_deliveries() -> None:
    more = {
        "agents": {"list": [{"id": "main"}]},
        "bindings": [{"agentId": "gone", "match": {"channel": "telegram"}}],
    }
    facts = said("telegram")
    dropped = judged("telegram", facts, open_to_all("telegram"), more=more)
    admitted = judged("telegram", facts, open_to_all("telegram"))
    assert dropped.route.refused
    assert dropped.admission.reasons == (*admitted.admission.reasons, *dropped.route.refused)
    buffered = judged("telegram", said("telegram", mentions=Mentions()), open_to_all("telegram"), more=more)
    assert str(buffered.admission.decision) == "buffer"
    disabled = judged("telegram", facts, {"groupPolicy": "disabled"}, more=more)
    assert [reason.rule for reason in disabled.admission.reasons] == ["group.policy-disabled"]


def test_an_account_that_exists_reads_commands_and_another_does_not() -> None:
    settings: dict[str, Any] = {"accounts": {"work": {}}}
    facts = direct("telegram", SENDERS["telegram"], "/stop")
    assert judged("telegram", facts, settings, account="work").reads_commands is True
    assert judged("telegram", facts, settings, account="gone").reads_commands is False
