from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.issues import Issue, dotted
from openclaw.config.model import Config
from openclaw.config.validate import check_schema
from openclaw.system.errors import ConfigInvalid
from support.configs import faults


def issues(document: Any) -> list[Issue]:
    return list(check_schema(document).issues)


@pytest.mark.parametrize("document", [None, [], "x", 5, True])
def test_the_root_must_be_an_object(document: Any) -> None:
    assert [issue.path for issue in issues(document)] == [""]


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"nonsense": 1}, ""),
        ({"bridge": {}}, ""),
        ({"sandbox": {}}, ""),
        ({"gateway": {"nonsense": 1}}, "gateway"),
        ({"gateway": {"auth": {"nonsense": 1}}}, "gateway.auth"),
        ({"agents": {"list": [{"id": "a"}, {"id": "b", "identity": {"x": 1}}]}}, "agents.list.1.identity"),
        ({"channels": {"telegram": {"groups": {"-1": {"x": 1}}}}}, "channels.telegram.groups.-1"),
        ({"channels": {"msteams": {"accounts": {}}}}, "channels.msteams"),
        ({"channels": {"whatsapp": {"accounts": {"a": {"actions": {}}}}}}, "channels.whatsapp.accounts.a"),
        ({"channels": {"whatsapp": {"authDir": "x"}}}, "channels.whatsapp"),
        ({"tools": {"exec": {"approvalRunningNoticeMs": 1}}}, "tools.exec"),
        ({"tools": {"web": {"fetch": {"readability": True}}}}, "tools.web.fetch"),
        ({"session": {"heartbeatIdleMinutes": 5}}, "session"),
        ({"agents": {"list": [{"id": "a", "tools": {"web": {}}}]}}, "agents.list.0.tools"),
    ],
)
def test_an_unknown_key_is_reported_at_the_object_that_holds_it(document: Any, path: str) -> None:
    assert [issue.path for issue in issues(document)] == [path]


@pytest.mark.parametrize(
    "document",
    [
        {"env": {"ANY_NAME": "text"}},
        {"broadcast": {"123@g.us": ["a"], "strategy": "parallel"}},
        {"gateway": {"tls": {"nonsense": 1}}},
        {"hooks": {"mappings": [{"match": {"nonsense": 1}}]}},
        {"agents": {"defaults": {"models": {"a/b": {"params": {"x": None, "y": [1]}}}}}},
        {"skills": {"entries": {"x": {"config": {"any": {"thing": 1}}}}}},
        {"agents": {"list": [{"id": "a", "tools": {"exec": {"approvalRunningNoticeMs": 0}}}]}},
        {"channels": {"unknownchat": {"any": "thing"}}},
        {"channels": {"telegram": {"capabilities": ["x"]}}},
        {"channels": {"telegram": {"capabilities": {"inlineButtons": "dm"}}}},
        {"channels": {"googlechat": {"serviceAccount": {"type": "service_account", "private_key": "k"}}}},
        {"models": {"providers": {"p": {"baseUrl": "http://x", "models": []}}}},
        {"agents": {"defaults": {"securityRules": "off"}}},
        {"agents": {"defaults": {"securityRules": ["no secrets"]}}},
        {"tools": {"web": {"fetch": {"ssrfPolicy": {"allowPrivateNetwork": True}}}}},
    ],
)
def test_open_places_take_what_they_should(document: Any) -> None:
    assert faults(document) == {}


@pytest.mark.parametrize(
    ("document", "path", "message"),
    [
        ({"gateway": {"port": "18789"}}, "gateway.port", "must be a whole number"),
        ({"gateway": {"port": True}}, "gateway.port", "must be a whole number"),
        ({"gateway": {"port": 1.5}}, "gateway.port", "must be a whole number"),
        ({"gateway": {"port": 0}}, "gateway.port", "must be at least 1"),
        ({"gateway": {"port": 65536}}, "gateway.port", "must be at most 65535"),
        ({"web": {"reconnect": {"factor": float("inf")}}}, "web.reconnect.factor", "must be a finite number"),
        ({"web": {"reconnect": {"jitter": 1.5}}}, "web.reconnect.jitter", "must be at most 1"),
        ({"web": {"enabled": 1}}, "web.enabled", "must be true or false"),
        ({"web": {"enabled": "true"}}, "web.enabled", "must be true or false"),
        ({"web": []}, "web", "must be an object"),
        ({"bindings": {}}, "bindings", "must be a list"),
        ({"bindings": [{"agentId": "a"}]}, "bindings.0.match", "is required"),
        ({"agents": {"list": [{}]}}, "agents.list.0.id", "is required"),
        ({"agents": {"list": [{"id": "a", "model": {"primary": 5}}]}}, "agents.list.0.model", "must be text"),
        ({"agents": {"list": [{"id": "a", "model": 5}]}}, "agents.list.0.model", "must be text, or must be an object"),
        ({"channels": {"whatsapp": {"allowFrom": [15550001]}}}, "channels.whatsapp.allowFrom.0", "must be text"),
        ({"channels": {"telegram": {"allowFrom": [True]}}}, "channels.telegram.allowFrom.0", "must be text"),
        ({"ui": {"assistant": {"name": "x" * 51}}}, "ui.assistant.name", "at most 50"),
        ({"ui": {"seamColor": "red"}}, "ui.seamColor", "must match"),
        ({"models": {"providers": {"p": {"baseUrl": "", "models": []}}}}, "models.providers.p.baseUrl", "not be empty"),
        ({"logging": {"redactSensitive": "on"}}, "logging.redactSensitive", "must be one of off, tools"),
        ({"channels": {"foochat": 5}}, "channels.foochat", "must be an object"),
        ({"env": {"X": 5}}, "env.X", "must be text"),
        ({"broadcast": {"x": "agent"}}, "broadcast.x", "must be a list"),
        (
            {"browser": {"profiles": {"Bad Name": {"cdpPort": 1, "color": "000000"}}}},
            "browser.profiles.Bad Name",
            "match",
        ),
    ],
)
def test_a_wrong_value_is_reported_where_it_stands(document: Any, path: str, message: str) -> None:
    found = issues(document)
    assert [issue.path for issue in found] == [path]
    assert message in found[0].message


def test_whole_floats_are_whole_numbers_in_a_document_too() -> None:
    assert Config.from_document({"gateway": {"port": 18789.0}}).gateway.port == 18789


def test_all_faults_of_the_stage_are_reported() -> None:
    document = {
        "gateway": {"bind": "wan", "port": -1, "x": 1},
        "logging": {"level": "verbose"},
        "channels": {"telegram": {"dmPolicy": "public", "accounts": {"a": {"streamMode": 5}}}},
        "nonsense": 1,
    }
    assert {issue.path for issue in issues(document)} == {
        "",
        "gateway",
        "gateway.bind",
        "gateway.port",
        "logging.level",
        "channels.telegram.dmPolicy",
        "channels.telegram.accounts.a.streamMode",
    }


def test_a_likely_meaning_is_named() -> None:
    (unknown,) = issues({"gateway": {"prot": 1}})
    assert unknown.nearest == "port"
    assert 'did you mean "port"' in unknown.message
    (value,) = issues({"gateway": {"bind": "loopbak"}})
    assert (value.nearest, value.allowed) == ("loopback", ("auto", "lan", "loopback", "custom", "tailnet"))
    (root,) = issues({"chanels": {}})
    assert root.nearest == "channels"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"tools": {"provenance": {"mode": "ask"}}}, "this build lacks the provenance gate"),
        ({"agents": {"list": [{"id": "a", "tools": {"provenance": {}}}]}}, "this build lacks the provenance gate"),
        ({"budgets": {}}, "this build lacks budgets"),
        ({"mcp": {"servers": {}}}, "this build lacks MCP"),
        ({"agents": {"entries": {}}}, "use agents.list"),
        ({"tools": {"exec": {"mode": "ask"}}}, "use tools.exec.security"),
        ({"gateway": {"nodes": {"commands": {}}}}, "use gateway.nodes.allowCommands"),
    ],
)
def test_planned_and_renamed_keys_are_refused_with_the_reason(document: Any, message: str) -> None:
    (issue,) = issues(document)
    assert message in issue.message


def test_a_message_never_holds_a_value_of_the_document() -> None:
    document = {
        "gateway": {"auth": {"mode": "hunter2-a", "token": ["hunter2-b"], "password": {"source": "hunter2-c"}}},
        "logging": {"level": "hunter2-d", "redactPatterns": "hunter2-e"},
        "ui": {"seamColor": "hunter2-f"},
        "channels": {"telegram": {"webhookUrl": 5, "customCommands": [{"command": "hunter2 g", "description": "x"}]}},
    }
    assert all("hunter2" not in message for message in faults(document).values())


@pytest.mark.parametrize("key", ["__proto__", "constructor", "prototype"])
def test_adv_F4_reserved_keys_are_faults_at_any_depth(key: str) -> None:
    places: tuple[Any, ...] = (
        {key: {}},
        {"env": {key: "x"}},
        {"plugins": {"entries": {"x": {"config": {"a": [{key: 1}]}}}}},
    )
    for document in places:
        assert any("reserved" in issue.message for issue in issues(document))


@pytest.mark.parametrize("channel", ["telegram", "discord", "slack", "signal", "imessage", "googlechat", "whatsapp"])
@pytest.mark.parametrize("account", ["../x", "a/b", "", "a b", "x" * 65, "ä"])
def test_adv_K17_an_account_id_is_a_file_name(channel: str, account: str) -> None:
    (issue,) = issues({"channels": {channel: {"accounts": {account: {}}}}})
    assert issue.path == dotted(("channels", channel, "accounts", account))


def test_adv_C7_absent_null_empty_and_star_are_four_states() -> None:
    def allow_from(section: dict[str, Any]) -> Any:
        telegram = Config.from_document({"channels": {"telegram": section}}).channels.get("telegram")
        assert telegram is not None
        return telegram.allow_from

    assert allow_from({}) is None
    assert allow_from({"allowFrom": []}) == ()
    assert allow_from({"allowFrom": ["*"]}) == ("*",)
    with pytest.raises(ConfigInvalid, match="is null"):
        allow_from({"allowFrom": None})


@pytest.mark.parametrize(
    "document",
    [
        {"gateway": None},
        {"gateway": {"port": None}},
        {"channels": {"telegram": None}},
        {"channels": {"telegram": {"dmPolicy": None}}},
        {"channels": {"telegram": {"botToken": None}}},
        {"agents": {"list": [None]}},
        {"tools": {"allow": [None]}},
    ],
)
def test_null_is_a_fault_everywhere(document: Any) -> None:
    assert len(issues(document)) == 1


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({}, 'needs "source"'),
        ({"source": "vault", "id": "x"}, 'needs "source"'),
        ({"source": "env"}, 'needs "id"'),
        ({"source": "env", "id": " "}, "non-blank"),
        ({"source": "env", "id": "X", "path": "/x"}, 'no key "path"'),
        ({"source": "file"}, 'needs "path"'),
        ({"source": "exec"}, 'needs "command"'),
        ({"source": "exec", "command": []}, 'needs "command"'),
        ({"source": "exec", "command": ["relative"]}, "absolute path"),
        ({"source": "exec", "command": ["/bin/x"], "timeoutMs": 30001}, "1 to 30000"),
        ({"source": "exec", "command": ["/bin/x"], "timeoutMs": True}, "1 to 30000"),
        ({"source": "keyring"}, 'needs "id"'),
    ],
)
def test_a_malformed_secret_reference_is_a_fault_at_its_leaf(reference: dict[str, Any], message: str) -> None:
    (issue,) = issues({"gateway": {"auth": {"token": reference}}})
    assert issue.path == "gateway.auth.token"
    assert message in issue.message


@pytest.mark.parametrize(
    "reference",
    [
        {"source": "env", "id": "X"},
        {"source": "env", "id": "X", "provider": "default"},
        {"source": "file", "path": "~/x", "pointer": "/a"},
        {"source": "exec", "command": ["/bin/echo", "x"], "timeoutMs": 1},
        {"source": "keyring", "id": "x", "service": "s"},
    ],
)
def test_every_secret_leaf_takes_a_reference(reference: dict[str, Any]) -> None:
    document = {
        "gateway": {"auth": {"token": reference}},
        "channels": {"telegram": {"accounts": {"a": {"botToken": reference}}}},
        "models": {"providers": {"p": {"baseUrl": "x", "models": [], "headers": {"X": reference}}}},
        "env": {"NAME": reference},
    }
    assert faults(document) == {}
