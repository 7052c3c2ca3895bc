"""The policy diff: what widens is listed, what narrows is not asked about, and nothing else is said."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.diff import PolicyDiff, diff_policies
from openclaw.policy.snapshot import Policy
from openclaw.system.environment import Environment


def policy_of(document: Mapping[str, Any]) -> Policy:
    return compile_policy(Config.from_document(document), Environment({}))


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> PolicyDiff:
    return diff_policies(policy_of(before), policy_of(after))


def telegram(**keys: Any) -> dict[str, Any]:
    return {"channels": {"telegram": {"botToken": "1:x", "allowFrom": ["7"], **keys}}}


BOXED = {"agents": {"defaults": {"sandbox": {"mode": "all"}}}}


# Nothing changes


DOCUMENTS: tuple[dict[str, Any], ...] = (
    {},
    telegram(groups={"-100": {"requireMention": False}, "*": {}}),
    {"channels": {"discord": {"token": "x", "guilds": {"5": {"channels": {"general": {"users": ["1"]}}}}}}},
    {
        "agents": {"list": [{"id": "main"}, {"id": "ops", "tools": {"byProvider": {"openai": {"deny": ["exec"]}}}}]},
        "gateway": {"auth": {"mode": "trusted-proxy", "trustedProxy": {"userHeader": "x-user"}}},
        "tools": {"exec": {"safeBinProfiles": {"jq": {"maxPositional": 1, "deniedFlags": ["-f"]}}}},
        "hooks": {"enabled": True, "token": "x" * 32},
    },
)


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_equal_policies_differ_in_nothing(document: dict[str, Any]) -> None:
    assert difference(document, document).is_empty


# What is listed, and in which words


def test_strangers_who_get_into_a_group_are_named_with_agent_and_tools() -> None:
    found = difference(
        telegram(groups={"-100": {}}), telegram(groups={"-100": {"requireMention": False}}, groupPolicy="open")
    )
    assert found.widened == (
        "telegram owner 7 in group -100 can now trigger agent main without a mention",
        "telegram paired senders and strangers in group -100 can now reach agent main with exec, process, write, edit "
        "and 19 more tools; also any command on this machine, unasked, outside the sandbox",
    )
    assert not found.narrows


def test_a_listed_person_is_named_and_the_rest_is_not() -> None:
    found = difference(telegram() | BOXED, telegram(allowFrom=["7", "8"]) | BOXED)
    access = [text for text in found.widened if "reach" in text]
    assert [text.split(" can now ")[0] for text in access] == [
        "telegram listed sender 8 in direct messages",
        "telegram listed sender 8 in groups",  # whose list is that of direct messages
    ]


def test_many_people_whom_all_lists_treat_alike_are_told_as_one() -> None:
    crowd = [str(number) for number in range(100, 400)]
    found = difference(telegram() | BOXED, telegram(allowFrom=["7", *crowd]) | BOXED)
    assert any(text.startswith("telegram 300 listed senders (100, 101, 102 and 297 more)") for text in found.widened)


def test_groups_with_equal_settings_are_told_as_one() -> None:
    groups: dict[str, Any] = {f"-{number}": {} for number in range(100, 160)}
    found = difference(telegram() | BOXED, telegram(groups=groups) | BOXED)
    reached = [text for text in found.widened if "reach" in text]
    assert reached == []  # without a map every group is admitted already; with one only these are
    assert any("other groups" in text for text in found.narrowed)
    closed = difference(telegram(groupPolicy="disabled", groups=groups) | BOXED, telegram(groups=groups) | BOXED)
    assert any("groups -100, -101, -102 and 57 more" in text for text in closed.widened)


def test_a_change_for_all_who_reach_an_agent_is_told_of_everybody() -> None:
    before = {"tools": {"exec": {"host": "gateway"}}}
    found = difference(
        telegram() | before, telegram() | {"tools": {"exec": {"host": "gateway", "security": "full", "ask": "off"}}}
    )
    assert found.widened == ("everybody who reaches agent main can now run any command on this machine, unasked",)


WIDENING: tuple[tuple[str, dict[str, Any], dict[str, Any], str], ...] = (
    ("pairing", telegram(dmPolicy="allowlist"), telegram(), "strangers in direct messages can now ask to be let in"),
    (
        "topic",
        telegram(groups={"-1": {}}),
        telegram(groups={"-1": {"topics": {"5": {"requireMention": False}}}}),
        "topic",
    ),
    (
        "bots",
        {"channels": {"discord": {"token": "x", "groupPolicy": "open"}}},
        {"channels": {"discord": {"token": "x", "groupPolicy": "open", "allowBots": True}}},
        "discord bots",
    ),
    (
        "owner",
        telegram(allowFrom=["7", "8"]),
        telegram(allowFrom=["7", "8"]) | {"commands": {"ownerAllowFrom": ["8"]}},
        "can now act as an owner",
    ),
    ("elevated", telegram(), telegram() | {"tools": {"elevated": {"allowFrom": {"telegram": ["7"]}}}}, "elevated"),
    (
        "webchat elevated",
        {},
        {"tools": {"elevated": {"allowFrom": {"webchat": ["device-1"]}}}},
        "operator device-1 can now leave the sandbox",
    ),
    ("sandbox", BOXED, {}, "run on this machine, without a sandbox"),
    (
        "workspace",
        BOXED,
        {"agents": {"defaults": {"sandbox": {"mode": "all", "workspaceAccess": "rw"}}}},
        "have it read and write files of its workspace",
    ),
    ("files", {"tools": {"fs": {"workspaceOnly": True}}}, {}, "any file of this machine"),
    ("tool", {"tools": {"deny": ["exec"]}}, {}, "use exec"),
    ("http tool", {}, {"gateway": {"tools": {"allow": ["exec"]}}}, "POST /tools/invoke can now use exec"),
    (
        "provider tool",
        {"tools": {"byProvider": {"openai": {"deny": ["exec"]}}}},
        {},
        "use exec with openai",
    ),
    ("bind", {}, {"gateway": {"bind": "lan", "auth": {"token": "x" * 40}}}, "listens beyond this machine"),
    ("proxies", {}, {"gateway": {"trustedProxies": ["10.0.0.1"]}}, "forwarding headers of 10.0.0.1"),
    ("secret", {"gateway": {"auth": {"token": "x" * 40}}}, {}, "a shared secret no longer protects"),
    ("funnel", {}, {"gateway": {"tailscale": {"mode": "funnel"}}}, "the whole internet"),
    ("origin", {}, {"gateway": {"controlUi": {"allowedOrigins": ["https://a.example"]}}}, "https://a.example"),
    ("device", {}, {"gateway": {"controlUi": {"dangerouslyDisableDeviceAuth": True}}}, "device is now ignored"),
    ("attempts", {}, {"gateway": {"auth": {"rateLimit": {"maxAttempts": 500}}}}, "500 wrong secrets"),
    ("lockout", {}, {"gateway": {"auth": {"rateLimit": {"lockoutMs": 5}}}}, "no longer lasts 300000 ms"),
    ("node", {}, {"gateway": {"nodes": {"allowCommands": ["camera.snap"]}}}, "camera.snap may now be asked"),
    ("deny node", {"gateway": {"nodes": {"denyCommands": ["system.run"]}}}, {}, "system.run may now be asked"),
    ("hooks", {}, {"hooks": {"enabled": True, "token": "x" * 32}}, "webhooks are now served at /hooks"),
    ("bash", {}, {"commands": {"bash": True}}, "owners may now give /bash"),
    ("scope", {"session": {"dmScope": "per-peer"}}, {}, "direct chats of different people now share one session"),
    (
        "link",
        {"session": {"dmScope": "per-peer"}},
        {"session": {"dmScope": "per-peer", "identityLinks": {"ann": ["telegram:7"]}}},
        "telegram:7 and ann (session.identityLinks) now share a direct session",
    ),
    ("safe bin", {}, {"tools": {"exec": {"safeBins": ["jq", "cut"]}}}, "jq now runs for agent main unasked"),
    ("inline", {}, {"tools": {"exec": {"strictInlineEval": False}}}, "no longer run script files only"),
    ("private", {}, {"tools": {"web": {"fetch": {"ssrfPolicy": {"allowedHostnames": ["nas"]}}}}}, "reach nas"),
    (
        "url list",
        {"tools": {"web": {"fetch": {"ssrfPolicy": {"hostnameAllowlist": ["a.example"]}}}}},
        {},
        "fetches may now reach any public host",
    ),
    ("masking", {}, {"logging": {"redactSensitive": "off"}}, "secrets are no longer masked"),
    (
        "agents talk",
        {"agents": {"list": [{"id": "a"}, {"id": "b"}]}},
        {"agents": {"list": [{"id": "a"}, {"id": "b"}]}, "tools": {"agentToAgent": {"enabled": True}}},
        "have agent a talk to agent b",
    ),
    (
        "mention pattern",
        telegram(),
        telegram() | {"messages": {"groupChat": {"mentionPatterns": ["hey {who}?"]}}},
        "text that matches hey {who}? now counts as a mention of agent main",
    ),
)


@pytest.mark.parametrize(("before", "after", "said"), [row[1:] for row in WIDENING], ids=[row[0] for row in WIDENING])
def test_what_widens_is_listed_and_its_reverse_is_not(before: dict[str, Any], after: dict[str, Any], said: str) -> None:
    assert any(said in text for text in difference(before, after).widened)
    assert not any(said in text for text in difference(after, before).widened)


def test_an_approval_chat_lets_authorised_senders_approve() -> None:
    people = telegram(allowFrom=["7", "8"], groups={"-1": {}})
    forwarding = {"enabled": True, "mode": "targets", "targets": [{"channel": "telegram", "to": "-1"}]}
    found = difference(people, people | {"approvals": {"exec": forwarding}})
    assert found.widened == ("telegram 2 listed senders (7, 8) in group -1 can now approve commands of agent main",)


def test_patterns_are_not_told_where_no_room_waits_for_a_mention() -> None:
    patterns = {"messages": {"groupChat": {"mentionPatterns": ["hey"]}}}
    assert difference({}, patterns).is_empty


def test_a_disabled_or_absent_channel_admits_nobody() -> None:
    off = telegram(enabled=False)
    assert difference({}, off).is_empty
    assert any("owner 7" in text for text in difference(off, telegram()).widened)


def test_a_channel_that_a_token_in_the_environment_starts_is_compared_without_a_section() -> None:
    before, after = policy_of(telegram()), policy_of({})
    assert not any("telegram" in text for text in diff_policies(before, after).widened)
    found = diff_policies(before, after, sectionless=frozenset({"telegram"}))
    assert any("strangers in groups can now reach" in text for text in found.widened)


def test_an_account_that_no_listed_account_leaves_running_is_nobodys_way_in() -> None:
    single = telegram(groupPolicy="open")
    listed = {"channels": {"telegram": {"groupPolicy": "open", "accounts": {"work": {"botToken": "2:y"}}}}}
    found = difference(single, listed)
    assert any(text.startswith("telegram account work strangers") for text in found.widened)
    assert any(text.startswith("telegram strangers") for text in found.narrowed)


def test_an_agent_more_gives_operators_nothing_new_unless_it_may_do_more() -> None:
    boxed = {"agents": {"defaults": {"sandbox": {"mode": "all"}}}}
    alike = {"agents": {**boxed["agents"], "list": [{"id": "main"}, {"id": "ops"}]}}
    assert difference(boxed, alike).is_empty
    assert difference({}, {"agents": {"list": [{"id": "a"}]}}).is_empty
    loose = {"agents": {**boxed["agents"], "list": [{"id": "main"}, {"id": "ops", "sandbox": {"mode": "off"}}]}}
    found = difference(boxed, loose)
    assert any("all sessions of agent ops now run on this machine" in text for text in found.widened)
    assert "everybody who reaches agent ops can now run any command on this machine, unasked" in found.widened
    assert not any("can now reach" in text for text in found.widened)


def test_an_agent_whom_a_binding_gives_to_people_in_chats_is_told_as_reached() -> None:
    people = telegram(groups={"-100": {}})
    bound = people | {
        "agents": {"list": [{"id": "main"}, {"id": "ops"}]},
        "bindings": [{"agentId": "ops", "match": {"channel": "telegram", "peer": {"kind": "group", "id": "-100"}}}],
    }
    found = difference(people, bound)
    assert [text.split(" with ")[0] for text in found.widened] == [
        "telegram owner 7 in group -100 can now reach agent ops"
    ]
    assert found.narrowed == ("telegram owner 7 in group -100 can no longer reach agent main",)


def test_text_of_the_config_cannot_steer_a_terminal() -> None:
    found = difference({}, {"gateway": {"trustedProxies": ["10.0.0.1\x1b[2J"]}})
    assert all(text.isprintable() for text in found.widened)
