from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.inbound import Judged, judge_inbound
from openclaw.policy.who.facts import EventKind, MessageFacts, StoreView
from openclaw.system.environment import Environment
from support.access import CHANNELS, ME, NOW, OPEN_PLACES, SENDERS, direct, id_of, said, section

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
