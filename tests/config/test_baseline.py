from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.baseline import baseline, is_set_up, missing_parts
from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.config.paths import set_value
from openclaw.policy.diff import diff_policies
from openclaw.system.environment import Environment

TOKEN = "0" * 48


def completed(document: Any, *, sandboxed: bool = True, has_secret: bool = False) -> Any:
    for put in missing_parts(document, TOKEN, sandboxed=sandboxed, has_secret=has_secret):
        document = set_value(document, put.parts, put.value)
    return document


@pytest.mark.parametrize("sandboxed", [True, False])
def test_the_baseline_is_a_valid_config_on_loopback_with_a_token(sandboxed: bool) -> None:
    config = Config.from_document(baseline(TOKEN, sandboxed=sandboxed))
    gateway = config.gateway
    assert (gateway.mode, gateway.bind, gateway.port, gateway.auth.mode) == ("local", "loopback", 18789, "token")
    assert gateway.trusted_proxies == ()
    assert config.session.dm_scope == "per-channel-peer"


def test_adv_P13_no_config_that_we_write_runs_commands_unasked() -> None:
    for sandboxed in (True, False):
        for document in (baseline(TOKEN, sandboxed=sandboxed), completed({}, sandboxed=sandboxed)):
            policy = compile_policy(Config.from_document(document), Environment({}))
            unasked = diff_policies(policy, compile_policy(Config.from_document({}), Environment({}))).widened
            assert any("unasked" in text for text in unasked)


def test_with_a_sandbox_commands_run_inside_with_the_workspace() -> None:
    document = baseline(TOKEN, sandboxed=True)
    assert document["agents"]["defaults"]["sandbox"] == {"mode": "all", "workspaceAccess": "rw"}
    assert "exec" not in document["tools"]


def test_without_a_sandbox_commands_wait_for_a_yes() -> None:
    document = baseline(TOKEN, sandboxed=False)
    assert document["tools"]["exec"] == {"host": "gateway", "security": "allowlist", "ask": "on-miss"}
    assert "agents" not in document


def test_only_the_web_chat_may_ask_to_leave_the_sandbox() -> None:
    assert baseline(TOKEN, sandboxed=True)["tools"]["elevated"]["allowFrom"] == {"webchat": ["owner"]}


def test_a_config_that_was_never_set_up_gets_what_it_lacks_and_keeps_what_it_has() -> None:
    mine = {"channels": {"telegram": {"botToken": "x"}}, "gateway": {"port": 5}, "session": {"dmScope": "main"}}
    found = completed(mine)
    assert found["channels"] == mine["channels"]
    assert (found["gateway"]["port"], found["session"]["dmScope"]) == (5, "main")
    assert found["gateway"]["auth"] == {"mode": "token", "token": TOKEN}
    assert found["agents"]["defaults"]["sandbox"]["mode"] == "all"


@pytest.mark.parametrize(
    "stated", [{"tools": {"exec": {"ask": "always"}}}, {"agents": {"defaults": {"sandbox": {"mode": "off"}}}}]
)
@pytest.mark.parametrize("sandboxed", [True, False])
def test_a_stated_choice_of_how_commands_run_is_left_alone(stated: Any, sandboxed: bool) -> None:
    found = completed(stated, sandboxed=sandboxed)
    assert found["tools"].get("exec") == stated.get("tools", {}).get("exec")
    assert found.get("agents") == stated.get("agents")


def test_of_a_config_that_was_set_up_only_a_missing_token_is_supplied() -> None:
    mine = {"gateway": {"mode": "local"}}
    assert is_set_up(mine)
    assert completed(mine) == {"gateway": {"mode": "local", "auth": {"token": TOKEN}}}
    assert missing_parts(mine, TOKEN, sandboxed=True, has_secret=True) == []


def test_a_secret_that_is_elsewhere_is_not_doubled() -> None:
    found = completed({}, has_secret=True)
    assert "auth" not in found["gateway"]


@pytest.mark.parametrize("sandboxed", [True, False])
def test_completing_twice_adds_nothing(sandboxed: bool) -> None:
    once = completed({}, sandboxed=sandboxed)
    assert once == baseline(TOKEN, sandboxed=sandboxed)
    assert missing_parts(once, "1" * 48, sandboxed=sandboxed, has_secret=True) == []
