"""What answers come to in the config: the baseline where nothing was set up, elsewhere only what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.config.model import Config
from openclaw.security.onboarding.answers import Answers, GatewayAnswer, ModelAnswer, RemoteAnswer
from openclaw.security.onboarding.changes import DENIED_NODE_COMMANDS, applied, config_changes, settled, with_tilde
from openclaw.security.onboarding.providers import CHOICES, SKIP, choice_of
from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret

HOME = Path("/home/me")
TOKEN = "f" * 48


def result(
    answers: Answers, document: dict[str, Any] | None = None, *, sandboxed: bool = True, has_secret: bool = False
) -> Any:
    known = document or {}
    changes = config_changes(answers, known, home=HOME, token=TOKEN, sandboxed=sandboxed, has_secret=has_secret)
    found = applied(known, changes)
    Config.from_document(found)  # valid whatever was answered
    return found


def test_with_no_answers_a_new_config_is_the_safe_baseline() -> None:
    found = result(Answers())
    assert found["gateway"]["mode"] == "local"
    assert found["gateway"]["bind"] == "loopback"
    assert found["gateway"]["auth"] == {"mode": "token", "token": TOKEN}
    assert found["gateway"]["trustedProxies"] == []
    assert found["gateway"]["nodes"]["denyCommands"] == list(DENIED_NODE_COMMANDS)
    assert found["session"]["dmScope"] == "per-channel-peer"


def test_adv_P13_commands_run_in_a_sandbox_or_wait_for_a_yes() -> None:
    assert result(Answers())["agents"]["defaults"]["sandbox"] == {"mode": "all", "workspaceAccess": "rw"}
    ask = {"host": "gateway", "security": "allowlist", "ask": "on-miss"}
    assert result(Answers(), sandboxed=False)["tools"]["exec"] == ask
    off = result(Answers(sandbox="off"))
    assert off["agents"]["defaults"]["sandbox"]["mode"] == "off"
    assert off["tools"]["exec"] == ask


def test_what_somebody_set_up_is_not_changed_unasked() -> None:
    document = {
        "gateway": {"mode": "local", "port": 4000, "bind": "lan", "auth": {"mode": "token", "token": "mine"}},
        "tools": {"exec": {"host": "node"}},
    }
    assert result(Answers(), document, has_secret=True) == document


def test_a_secret_that_is_missing_is_supplied_and_one_that_is_there_stays() -> None:
    bare = {"gateway": {"mode": "local"}}
    assert result(Answers(), bare)["gateway"]["auth"]["token"] == TOKEN
    known = {"gateway": {"mode": "local", "auth": {"mode": "token", "token": "mine"}}}
    again = result(Answers(gateway=GatewayAnswer(auth="token")), known, has_secret=True)
    assert again["gateway"]["auth"]["token"] == "mine"
    new = result(Answers(gateway=GatewayAnswer(token=Secret("other"))), known, has_secret=True)
    assert new["gateway"]["auth"]["token"] == "other"


def test_a_password_takes_the_place_of_the_token() -> None:
    found = result(Answers(gateway=GatewayAnswer(auth="password", password=Secret("pw"))))
    assert found["gateway"]["auth"] == {"mode": "password", "password": "pw"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GatewayAnswer(tailscale="serve", bind="lan"), ("loopback", None)),
        (GatewayAnswer(tailscale="funnel", bind="lan", password=Secret("x")), ("loopback", "password")),
        (GatewayAnswer(tailscale="off", bind="lan"), ("lan", None)),
        (GatewayAnswer(bind="custom", custom_host="10.0.0.2"), ("custom", None)),
    ],
)
def test_tailscale_needs_loopback_and_the_internet_a_password(
    given: GatewayAnswer, expected: tuple[str, str | None]
) -> None:
    found = settled(given)
    assert (found.bind, found.auth) == expected


@pytest.mark.parametrize(
    "given",
    [GatewayAnswer(tailscale="funnel"), GatewayAnswer(auth="password"), GatewayAnswer(bind="custom")],
)
def test_answers_that_lack_something_are_refused(given: GatewayAnswer) -> None:
    with pytest.raises(InvalidInput):
        settled(given)


def test_a_remote_gateway_gets_its_address_and_no_baseline() -> None:
    answers = Answers(mode="remote", remote=RemoteAnswer("wss://host:1", Secret("t")))
    assert result(answers) == {"gateway": {"mode": "remote", "remote": {"url": "wss://host:1", "token": "t"}}}
    with pytest.raises(InvalidInput):
        result(Answers(mode="remote"))


def test_a_model_is_named_and_its_key_stays_out_of_the_config() -> None:
    found = result(Answers(model=ModelAnswer("openai", "gpt-5.2", Secret("canary-key"))))
    assert found["agents"]["defaults"]["model"]["primary"] == "openai/gpt-5.2"
    assert found["auth"]["profiles"] == {"openai:default": {"provider": "openai", "mode": "api_key"}}
    assert "canary" not in str(found)


def test_a_server_of_ones_own_gets_a_block() -> None:
    model = ModelAnswer("mine", "m1", base_url="http://10.0.0.1:8000/v1", api="openai-completions")
    block = result(Answers(model=model))["models"]["providers"]["mine"]
    assert block == {
        "baseUrl": "http://10.0.0.1:8000/v1",
        "api": "openai-completions",
        "models": [{"id": "m1", "name": "m1"}],
    }
    local = result(Answers(model=ModelAnswer("ollama", "llama3")))["models"]["providers"]["ollama"]
    assert local["baseUrl"].startswith("http://127.0.0.1")


def test_a_bot_starts_with_pairing_and_a_chosen_policy_stays() -> None:
    found = result(Answers(telegram=Secret("1:x")))["channels"]["telegram"]
    assert found == {"enabled": True, "botToken": "1:x", "dmPolicy": "pairing"}
    known = {"gateway": {"mode": "local"}, "channels": {"telegram": {"dmPolicy": "allowlist", "allowFrom": ["1"]}}}
    assert result(Answers(telegram=Secret("1:x")), known)["channels"]["telegram"]["dmPolicy"] == "allowlist"


def test_paths_below_the_home_are_written_with_a_tilde() -> None:
    assert with_tilde(HOME / "claw", HOME) == "~/claw"
    assert with_tilde(Path("/srv/claw"), HOME) == "/srv/claw"
    assert with_tilde(HOME, HOME) == "/home/me"


def test_every_way_to_log_in_names_its_flag_once() -> None:
    flags = [choice.flag for choice in CHOICES if choice.flag]
    assert len(flags) == len(set(flags))
    assert choice_of(SKIP) is None
    assert all(choice_of(choice.id) is choice for choice in CHOICES)


gateways = st.builds(
    GatewayAnswer,
    port=st.none() | st.integers(1, 65535),
    bind=st.sampled_from([None, "loopback", "auto", "lan", "tailnet", "custom"]),
    custom_host=st.none() | st.just("10.0.0.2"),
    auth=st.sampled_from([None, "token", "password"]),
    token=st.none() | st.just(Secret("t")),
    password=st.none() | st.just(Secret("p")),
    tailscale=st.sampled_from([None, "off", "serve", "funnel"]),
)


@settings(max_examples=150)
@given(gateways, st.booleans(), st.sampled_from([None, "all", "non-main", "off"]))
def test_whatever_is_answered_the_result_is_valid_and_has_a_secret(
    gateway: GatewayAnswer, sandboxed: bool, sandbox: Any
) -> None:
    try:
        found = result(Answers(gateway=gateway, sandbox=sandbox), sandboxed=sandboxed)
    except InvalidInput:
        return
    auth = found["gateway"]["auth"]
    assert auth.get(auth.get("mode", "token"))
    asks = found.get("tools", {}).get("exec", {}).get("security") == "allowlist"
    assert found.get("agents", {}).get("defaults", {}).get("sandbox", {}).get("mode") in ("all", "non-main") or asks
