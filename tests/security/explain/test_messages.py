"""Explain answers for a message what the runtime's own functions answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.dm_pairing import PairingRequest
from openclaw.policy.who.facts import SelfIdentity, StoreView
from openclaw.security.explain import messages
from openclaw.security.explain.messages import Message
from openclaw.security.explain.world import Seen, World
from openclaw.security.policy_cases.access import admit, message_facts
from openclaw.security.policy_cases.configs import case_config
from openclaw.state.exec_approvals_doc import HostRules
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.tools.sandbox.select import Sandboxes
from support.explaining import asked, world_of
from support.shared import shared_cases
from support.time import FakeClock

CASES = shared_cases("access", "cases.json")
NOW_MS = 1_700_000_000_000


class CaseWorld(World):
    """The world of a case: stores and session as the case states them."""

    case: Mapping[str, Any] = {}

    def entry(self, session_key: str) -> Mapping[str, Any]:
        return {"groupActivation": (self.case.get("session") or {}).get("groupActivation")}


def world_of_case(case: Mapping[str, Any], folder: Path) -> World:
    stored, me = case.get("store", {}), case.get("self", {})
    known = {name: str(me[name]) for name in ("id", "username", "e164") if me.get(name) is not None}
    identity = SelfIdentity(known.get("id"), known.get("username"), known.get("e164"))

    def store(_channel: str, account: str) -> StoreView:
        requests = tuple(
            PairingRequest(
                str(row["id"]),
                str(row.get("code", "")),
                at := NOW_MS - int(row.get("ageMinutes", 0) * 60_000),
                at,
                account.lower(),
            )
            for row in stored.get("pending", ())
        )
        return StoreView(tuple(str(entry) for entry in stored.get("allowFrom", ())), requests)

    seen = Seen(
        layout=StateLayout.at(folder),
        environment=Environment({"HOME": str(folder)}),
        clock=FakeClock(now_ms=NOW_MS),
        store=store,
        approvals=HostRules(),
        sandboxes=Sandboxes(()),
        identity=lambda _channel, _account: identity,
    )
    world = CaseWorld(case_config(case, None), seen)
    world.case = case
    return world


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_explain_and_admission_agree_on_every_access_case(case: dict[str, Any], tmp_path: Path) -> None:
    message = Message(case["channel"], account=case.get("account"), facts=message_facts(case["message"]))
    world = world_of_case(case, tmp_path)
    answer = asked(world, partial(messages.admission, message=message), search=False)
    runtime = admit(case)
    assert answer.details["decision"] == str(runtime.decision)
    assert answer.allowed is (runtime.decision is Decision.DELIVER)
    assert answer.details["commandAuthorized"] is runtime.command_authorized
    assert answer.trail == runtime.reasons
    obeyed = asked(world, partial(messages.commands, message=message), search=False)
    assert obeyed.allowed is runtime.command_authorized


DOCUMENT = {
    "agents": {"list": [{"id": "main", "default": True}, {"id": "ops"}]},
    "bindings": [{"agentId": "ops", "match": {"channel": "telegram", "peer": {"kind": "group", "id": "-100"}}}],
    "session": {"dmScope": "per-channel-peer"},
    "channels": {"telegram": {"allowFrom": ["7"], "groups": {"-100": {"requireMention": False}}}},
}


def test_the_session_names_the_binding_that_decides(tmp_path: Path) -> None:
    world = world_of(tmp_path, DOCUMENT)
    room = asked(world, partial(messages.session, message=Message("telegram", "7", chat="-100")))
    assert (room.outcome, room.details["agent"]) == ("agent:ops:telegram:group:-100", "ops")
    assert (room.trail[0].rule, room.trail[0].key) == ("route.binding.peer", "bindings.0")
    direct = asked(world, partial(messages.session, message=Message("telegram", "7")))
    assert direct.outcome == "agent:main:telegram:direct:7"
    assert [reason.key for reason in direct.trail] == ["bindings", "session.dmScope"]


def test_what_is_stored_of_a_session_counts(tmp_path: Path) -> None:
    waits = {"channels": {"telegram": {"allowFrom": ["7"], "groups": {"-100": {}}}}}
    world = world_of(tmp_path, waits)
    message = Message("telegram", "7", chat="-100")
    ask = partial(messages.admission, message=message)
    assert asked(world, ask, search=False).outcome == "kept as context for the next mention"
    store = tmp_path / "agents" / "main" / "sessions" / "sessions.json"
    store.parent.mkdir(parents=True)
    store.write_text(json.dumps({"agent:main:telegram:group:-100": {"groupActivation": "always"}}))
    assert asked(world, ask, search=False).outcome == "delivered"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (Message("telegram", "7"), "a message from 7 on telegram in a direct chat"),
        (
            Message("telegram", "7", chat="-1", mention=True),
            "a message from 7 on telegram in group -1, mentioning the bot",
        ),
        (Message("slack", "U1", chat="C1"), "a message from U1 on slack in channel C1, without a mention"),
        (Message("slack", "U1", chat="G1"), "a message from U1 on slack in group G1, without a mention"),
        (
            Message("discord", "1", account="work", guild="5", chat="7"),
            "a message from 1 on discord account work in channel 7, without a mention",
        ),
        (Message("msteams", "x", team="t", chat="c"), "a message from x on msteams in channel c, without a mention"),
        (
            Message("telegram", chat="-1", group=True),
            "a message from a sender without an id on telegram in group -1, without a mention",
        ),
    ],
)
def test_a_message_is_told_in_words_and_has_the_kind_of_its_channel(
    message: Message, told: str, tmp_path: Path
) -> None:
    world = world_of(tmp_path, {})
    assert message.told(message.inbound(world)) == told


def test_an_unknown_channel_and_account_are_answered_with_the_key(tmp_path: Path) -> None:
    world = world_of(tmp_path, {"channels": {"telegram": {}}})
    nowhere = asked(world, partial(messages.admission, message=Message("nochannel", "7")))
    assert (nowhere.trail[-1].rule, nowhere.flip) == ("channel.unknown", None)
    account = asked(world, partial(messages.admission, message=Message("telegram", "7", account="work")), search=False)
    assert (account.trail[-1].rule, account.trail[-1].key) == ("account.unknown", "channels.telegram.accounts")
