"""What sessions, commands, sandboxes, programs and fetches are allowed by settings, word for word."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.policy.diff.setting_facts import agent_facts, pattern_facts, setting_facts
from support.answers import check_answers
from support.diffs import difference, policy_of

FETCH: dict[str, Any] = {
    "dangerouslyAllowPrivateNetwork": True,
    "allowedHostnames": ["nas", "box"],
    "hostnameAllowlist": ["a.example", "*.b.example"],
}
EXEC: dict[str, Any] = {
    "safeBins": ["jq", "cut"],
    "safeBinTrustedDirs": ["/opt/bin"],
    "safeBinProfiles": {"jq": {"maxPositional": 1, "deniedFlags": ["-f"]}},
    "envAllow": ["FOO"],
    "envInherit": ["BAR"],
    "pathPrepend": ["/opt/b", "/opt/a"],
    "strictInlineEval": False,
    "applyPatch": {"workspaceOnly": False},
    "node": "phone",
}
SLACK: dict[str, Any] = {"botToken": "x", "appToken": "y", "thread": {"historyScope": "channel"}}


def sandbox(**keys: Any) -> dict[str, Any]:
    return {"agents": {"defaults": {"sandbox": keys}}}


NOT_TO_B: tuple[str, dict[str, Any]] = ("deny", {"keyPrefix": "b"})


def sends(default: str, *rules: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    listed = [{"action": action, "match": match} for action, match in rules]
    return {"session": {"sendPolicy": {"default": default, "rules": listed}}}


DOCUMENTS: tuple[dict[str, Any], ...] = (
    *({"session": {"dmScope": scope, "identityLinks": {"ann": ["telegram:7", "slack:U1"]}}} for scope in (
        "main", "per-peer", "per-channel-peer", "per-account-channel-peer")),
    {"session": {"scope": "global"}},
    sends("deny", ("allow", {"keyPrefix": " Agent:A:"}), ("allow", {"channel": "telegram"}), NOT_TO_B),
    sends("allow", ("allow", {"keyPrefix": "a", "channel": "Slack", "chatType": "group"}), NOT_TO_B),
    {"commands": {"text": False}},
    {"commands": {"bash": True, "config": True, "debug": True, "restart": True}},
    {"channels": {"slack": SLACK}},
    {"channels": {"slack": {**SLACK, "enabled": False}}},
    {"channels": {"slack": {**SLACK, "accounts": {"work": {"botToken": "z", "appToken": "w"}}}}},
    sandbox(mode="all", scope="session"),
    sandbox(mode="all", scope="agent", sessionToolsVisibility="all"),
    sandbox(mode="non-main", scope="shared", workspaceRoot="/srv/boxes"),
    sandbox(mode="off", scope="shared", workspaceRoot="/srv/boxes", sessionToolsVisibility="all"),
    {"tools": {"exec": EXEC}},
    {"tools": {"web": {"fetch": {"ssrfPolicy": FETCH}}}},
    {"browser": {"ssrfPolicy": FETCH}},
    {"logging": {"redactSensitive": "off", "redactPatterns": ["a+", "b+"]}},
)  # fmt: skip


def test_what_each_setting_lets_in() -> None:
    answers: list[tuple[object, object]] = []
    usual = {fact.key: fact for fact in (*setting_facts(policy_of({})), *agent_facts(policy_of({}), "main", "ops"))}
    answers += [("an empty config", fact) for fact in usual.values()]
    for document in DOCUMENTS:
        policy = policy_of(document)
        found = {fact.key: fact for fact in (*setting_facts(policy), *agent_facts(policy, "main", "ops"))}
        answers += [(document, fact) for fact in found.values() if usual.get(fact.key) != fact]
        answers += [((document, "without"), key) for key in usual if key not in found]
    check_answers("diff-setting-facts", answers)


def test_an_agent_may_have_a_node_of_its_own() -> None:
    policy = policy_of({"agents": {"list": [{"id": "main"}, {"id": "ops", "tools": {"exec": {"node": "phone"}}}]}})
    nodes = [
        [fact.what for fact in agent_facts(policy, agent, "x") if "node" in fact.said] for agent in ("main", "ops")
    ]
    assert nodes == [[""], ["phone"]]


def test_texts_that_count_as_a_mention() -> None:
    spoken = {"messages": {"groupChat": {"mentionPatterns": ["hey", "ho+"]}}}
    own = {"agents": {"list": [{"id": "main"}, {"id": "ops", "groupChat": {"mentionPatterns": ["ops"]}}]}}
    answers: list[tuple[object, object]] = []
    for document in ({}, spoken, own, spoken | own):
        answers += [(document, fact) for fact in pattern_facts(policy_of(document), ("main", "ops"))]
    check_answers("diff-pattern-facts", answers)


def exec_of(**keys: Any) -> dict[str, Any]:
    return {"tools": {"exec": keys}}


def linked(scope: str, *ids: str) -> dict[str, Any]:
    return {"session": {"dmScope": scope, "identityLinks": {"ann": list(ids)}}}


TO_AND_FRO: tuple[tuple[str, dict[str, Any], dict[str, Any], bool, bool], ...] = (
    ("a session for all holds the linked ones", linked("main", "telegram:7"), linked("per-peer", "telegram:7"), False,
     True),
    ("a session per person", {"session": {"dmScope": "per-channel-peer"}}, {"session": {"dmScope": "per-peer"}}, True,
     False),
    ("a link more", linked("per-peer", "telegram:7"), linked("per-peer", "telegram:7", "slack:U1"), True, False),
    ("commands as text", {"commands": {"text": False}}, {}, True, False),
    ("another node", exec_of(node="a"), exec_of(node="b"), True, True),
    ("any node", exec_of(node="a"), {}, True, False),
    ("a profile", exec_of(safeBinProfiles={"x": {}}), exec_of(safeBinProfiles={"x": {"maxPositional": 2}}), True, True),
    ("a host of all", {"browser": {"ssrfPolicy": {"hostnameAllowlist": ["a.example"]}}}, {}, True, False),
    ("replies to a session", sends("deny"), sends("deny", ("allow", {"keyPrefix": "agent:main:hook:"})), True, False),
    ("replies to any session", sends("deny", ("allow", {"keyPrefix": "a"})), sends("allow"), True, False),
    ("no replies to a session", {}, sends("allow", ("deny", {"keyPrefix": "agent:main:hook:"})), False, True),
    ("rules of other channels", sends("deny", ("allow", {"keyPrefix": "a", "channel": "slack"})),
     sends("deny", ("allow", {"keyPrefix": "a", "channel": "signal"})), True, True),
    ("threads", {"channels": {"slack": {**SLACK, "thread": {}}}}, {"channels": {"slack": SLACK}}, True, False),
    ("no masking", {}, {"logging": {"redactSensitive": "off"}}, True, False),
    ("a pattern less", {"logging": {"redactPatterns": ["a+", "b+"]}}, {"logging": {"redactPatterns": ["a+"]}}, True,
     False),
    ("a smaller sandbox", sandbox(mode="all", scope="shared"), sandbox(mode="all", scope="session"), False, True),
    ("a sandbox", sandbox(mode="off"), sandbox(mode="all", scope="shared", sessionToolsVisibility="all"), False, True),
)  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "widens", "narrows"), [row[1:] for row in TO_AND_FRO], ids=[row[0] for row in TO_AND_FRO]
)
def test_only_what_lets_more_in_is_wider(
    before: dict[str, Any], after: dict[str, Any], widens: bool, narrows: bool
) -> None:
    there, back = difference(before, after), difference(after, before)
    assert (bool(there.widens), bool(there.narrows)) == (widens, narrows), there
    assert (bool(back.widens), bool(back.narrows)) == (narrows, widens), back
