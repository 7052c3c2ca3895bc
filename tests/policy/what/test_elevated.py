from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.elevated import (
    Admission,
    AgentElevated,
    ElevatedFacts,
    ElevatedPolicy,
    Origin,
    admission_of,
    effective_level,
    elevated_call,
    elevated_gates,
    origin_of,
)
from openclaw.policy.what.labels import Source
from openclaw.policy.where.exec_host import ElevatedLevel

OFF, ASK, FULL = ElevatedLevel
GROUP = "-100200"


def policy(*entries: str, agent: AgentElevated | None = None, **facts: Any) -> ElevatedPolicy:
    return ElevatedPolicy(
        allow_from=MappingProxyType({"telegram": entries}),
        agents=MappingProxyType({"main": agent} if agent else {}),
        **facts,
    )


def facts(**given: Any) -> ElevatedFacts:
    return ElevatedFacts(
        **{"agent_id": "main", "channel": "telegram", "sender_id": "42", "admission": Admission.LISTED, **given}
    )


def failed(rules: ElevatedPolicy, asker: ElevatedFacts) -> list[tuple[str, str | None]]:
    verdict = elevated_gates(rules, asker)
    if verdict.outcome is Outcome.ALLOW:
        return []
    return [(reason.rule, reason.key) for reason in verdict.reasons]


@pytest.mark.parametrize(
    ("entry", "asker", "passes"),
    [
        ("42", {}, True),
        (" 42 ", {}, True),
        ("telegram:42", {}, True),
        ("user:42", {}, True),
        ("telegram:user:42", {}, True),
        ("42", {"sender_id": "telegram:42"}, True),
        ("slack:42", {}, False),
        ("4", {}, False),
        ("+1555", {"sender_e164": "+1555"}, True),
        ("555", {"sender_e164": "+1555"}, False),
        ("ABC", {"sender_id": "abc"}, True),
        ("alice", {"names": ("alice",)}, False),
        ("name:Alice", {"names": ("@alice",)}, True),
        ("name:alice", {"names": ("alice",), "admission": Admission.OPEN}, False),
        ("name:", {"names": ("",)}, False),
        ("*", {"admission": Admission.PAIRED}, True),
        ("*", {"admission": Admission.LISTED}, True),
        ("*", {"admission": Admission.OPEN}, False),
        ("*", {"admission": Admission.NONE}, False),
        ("owner", {"admission": Admission.OWNER}, True),
        ("Owner", {"admission": Admission.OWNER, "sender_id": "7"}, True),
        ("owner", {"admission": Admission.LISTED}, False),
        ("owner", {"admission": Admission.PAIRED, "sender_id": "owner"}, False),
        ("telegram:owner", {"admission": Admission.LISTED, "sender_id": "owner"}, True),
        ("owner", {"admission": Admission.OWNER, "sender_id": None}, False),
        ("", {"sender_id": ""}, False),
        ("*", {"sender_id": None}, False),
        ("anonymous", {"sender_id": "anonymous"}, False),
        ("", {"sender_id": None}, False),
    ],
)
def test_the_list_is_matched_by_id_and_number(entry: str, asker: dict[str, Any], passes: bool) -> None:
    assert failed(policy(entry), facts(**asker)) == (
        [] if passes else [("elevated.allowFrom", "tools.elevated.allowFrom.telegram")]
    )


def test_adv_C15_a_groups_id_gives_its_members_nothing() -> None:
    member = facts(chat_id=GROUP, is_group=True, mentioned=True)
    assert failed(policy(GROUP), member)
    anonymous = facts(chat_id=GROUP, sender_id=GROUP, is_group=True, mentioned=True)
    assert failed(policy(GROUP), anonymous)
    assert failed(policy("*"), anonymous)


def test_adv_C15_a_star_in_a_chat_allowlist_is_not_elevation() -> None:
    rules = ElevatedPolicy(discord_dm=("*",))
    assert failed(rules, facts(channel="discord"))
    assert not failed(ElevatedPolicy(discord_dm=("*", "42")), facts(channel="discord"))


def test_the_discord_fallback_serves_the_global_gate_only() -> None:
    own = AgentElevated(allow_from=MappingProxyType({}), key="agents.list.0.tools.elevated")
    rules = ElevatedPolicy(discord_dm=("42",), agents=MappingProxyType({"main": own}))
    assert failed(rules, facts(channel="discord")) == [
        ("elevated.allowFrom", "agents.list.0.tools.elevated.allowFrom.discord")
    ]
    emptied = ElevatedPolicy(discord_dm=("42",), allow_from=MappingProxyType({"discord": ()}))
    assert failed(emptied, facts(channel="discord"))


@pytest.mark.parametrize(
    ("own", "passes"),
    [
        (AgentElevated(), True),
        (AgentElevated(allow_from=MappingProxyType({"Telegram": ("42",)})), True),
        (AgentElevated(allow_from=MappingProxyType({"telegram": ("7",)})), False),
        (AgentElevated(allow_from=MappingProxyType({})), False),
        (AgentElevated(enabled=False), False),
        (AgentElevated(enabled=True), True),
    ],
)
def test_an_agent_can_only_add_gates(own: AgentElevated, passes: bool) -> None:
    assert (failed(policy("42", agent=own), facts()) == []) is passes
    assert failed(policy("7", agent=own), facts())


def test_every_failed_gate_is_named_with_its_key() -> None:
    own = AgentElevated(enabled=False, allow_from=MappingProxyType({}), key="agents.list.2.tools.elevated")
    rules = policy(agent=own, enabled=False)
    asker = facts(origin=Origin.CRON, is_group=True)
    assert failed(rules, asker) == [
        ("elevated.origin", None),
        ("elevated.enabled", "tools.elevated.enabled"),
        ("elevated.enabled", "agents.list.2.tools.elevated.enabled"),
        ("elevated.allowFrom", "tools.elevated.allowFrom.telegram"),
        ("elevated.allowFrom", "agents.list.2.tools.elevated.allowFrom.telegram"),
        ("elevated.mention", None),
    ]


@pytest.mark.parametrize("channel", [None, "", " "])
def test_an_unknown_channel_never_elevates(channel: str | None) -> None:
    assert failed(policy("*"), facts(channel=channel)) == [("elevated.provider", "tools.elevated.allowFrom")]


@pytest.mark.parametrize("origin", [origin for origin in Origin if origin is not Origin.MESSAGE])
def test_only_a_message_elevates(origin: Origin) -> None:
    assert failed(policy("42"), facts(origin=origin)) == [("elevated.origin", None)]


def test_adv_C7_absent_and_empty_lists_mean_nobody() -> None:
    assert failed(ElevatedPolicy(), facts())
    assert failed(policy(), facts())


@pytest.mark.parametrize(
    ("inline", "session", "default", "expected"),
    [
        (None, None, None, OFF),
        (None, None, FULL, FULL),
        (None, ASK, FULL, ASK),
        (OFF, FULL, FULL, OFF),
        (FULL, OFF, None, FULL),
    ],
)
def test_message_over_session_over_default(
    inline: ElevatedLevel | None, session: ElevatedLevel | None, default: ElevatedLevel | None, expected: ElevatedLevel
) -> None:
    assert effective_level(ElevatedPolicy(default_level=default), inline=inline, session=session) is expected


@pytest.mark.parametrize(
    ("level", "asked", "listed", "applies", "outcome"),
    [
        (OFF, None, True, OFF, Outcome.ALLOW),
        (OFF, True, True, ASK, Outcome.ALLOW),
        (ASK, True, True, ASK, Outcome.ALLOW),
        (FULL, True, True, FULL, Outcome.ALLOW),
        (FULL, None, True, FULL, Outcome.ALLOW),
        (FULL, False, True, OFF, Outcome.ALLOW),
        (FULL, None, False, OFF, Outcome.ALLOW),
        (OFF, True, False, OFF, Outcome.DENY),
        (FULL, True, False, OFF, Outcome.DENY),
    ],
)
def test_what_applies_to_one_call(
    level: ElevatedLevel, asked: bool | None, listed: bool, applies: ElevatedLevel, outcome: Outcome
) -> None:
    found = elevated_call(policy("42" if listed else "7"), facts(), level=level, asked=asked)
    assert (found.level, found.verdict.outcome) == (applies, outcome)


@pytest.mark.parametrize(
    ("source", "key", "admission", "origin"),
    [
        (Source.OWNER, "agent:main:main", Admission.OWNER, Origin.MESSAGE),
        (Source.ALLOWED, "agent:main:main", Admission.LISTED, Origin.MESSAGE),
        (Source.PAIRED, "agent:main:main", Admission.PAIRED, Origin.MESSAGE),
        (Source.OPERATOR, "agent:main:main", Admission.PAIRED, Origin.MESSAGE),
        (Source.STRANGER, "agent:main:main", Admission.OPEN, Origin.MESSAGE),
        (Source.CRON, "agent:main:main", Admission.NONE, Origin.CRON),
        (Source.HOOK, "agent:main:main", Admission.NONE, Origin.HOOK),
        (Source.SESSION, "agent:main:main", Admission.NONE, Origin.SESSION),
        (Source.SYSTEM, "agent:main:main", Admission.NONE, Origin.HEARTBEAT),
        (Source.WEB, "agent:main:main", Admission.NONE, Origin.HEARTBEAT),
        (Source.OWNER, "agent:main:subagent:1", Admission.OWNER, Origin.SUBAGENT),
        (Source.OWNER, "agent:main:cron:1", Admission.OWNER, Origin.CRON),
        (Source.OWNER, "agent:main:hook:1", Admission.OWNER, Origin.HOOK),
        (Source.OWNER, "agent:main:node-1", Admission.OWNER, Origin.NODE),
    ],
)
def test_admission_and_origin_follow_source_and_session(
    source: Source, key: str, admission: Admission, origin: Origin
) -> None:
    assert (admission_of(source), origin_of(source, key)) == (admission, origin)


words = st.text(max_size=10)


@given(st.lists(words, max_size=3), words, st.none() | words, st.lists(words, max_size=2), words)
@settings(max_examples=200, deadline=None)
def test_a_stranger_under_an_open_policy_elevates_only_by_his_own_id(
    entries: list[str], channel: str, sender: str | None, names: list[str], chat: str
) -> None:
    rules = ElevatedPolicy(allow_from=MappingProxyType({channel: (*entries, "*", *(f"name:{name}" for name in names))}))
    stranger = ElevatedFacts("main", channel, sender, None, tuple(names), chat, admission=Admission.OPEN)
    if not failed(rules, stranger):
        assert sender
        assert any(
            sender.strip().lower() in entry.lower() or entry.strip().lower() in sender.lower() for entry in entries
        )
