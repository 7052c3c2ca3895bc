"""A write of the config that widens access is told, and needs consent, by every way in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.compile import compile_policy
from openclaw.config.live import LiveConfig
from openclaw.config.load import read_config
from openclaw.config.model import Config
from openclaw.gateway.live_config import ConfigService
from openclaw.security.explain.uncompiled import opened
from openclaw.security.explain.widening import judge_change, judge_configs
from openclaw.system.clock import SystemClock
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput
from support.configs import ConfigFolder

NO_VARIABLES = Environment({})


def config(document: dict[str, Any]) -> Config:
    return Config.from_document(document, NO_VARIABLES)


def test_no_config_counts_as_an_empty_one() -> None:
    after = config({"gateway": {"bind": "lan", "auth": {"token": "x" * 40}}})
    found = judge_configs(None, after, NO_VARIABLES)
    assert found == judge_configs(config({}), after, NO_VARIABLES)
    assert found.widened == ("the gateway now listens beyond this machine's loopback address (gateway.bind lan)",)


def test_policies_alone_can_be_compared() -> None:
    before, after = (compile_policy(config({"tools": {"deny": denied}}), NO_VARIABLES) for denied in (["exec"], []))
    assert judge_change(before, before).is_empty
    assert any("use exec" in text for text in judge_change(before, after).widened)


def test_a_channel_that_the_environment_starts_counts_without_a_section() -> None:
    variables = Environment({"TELEGRAM_BOT_TOKEN": "1:x"})
    before = Config.from_document({"channels": {"telegram": {}}}, variables)
    after = Config.from_document({}, variables)
    assert any("telegram" in text for text in judge_configs(before, after, variables).widened)
    assert not any("telegram" in text for text in judge_configs(before, after, NO_VARIABLES).widened)


UNCOMPILED: tuple[tuple[dict[str, Any], dict[str, Any], str], ...] = (
    ({}, {"hooks": {"allowRequestSessionKey": True}}, "hooks.allowRequestSessionKey is turned on"),
    (
        {},
        {"gateway": {"http": {"endpoints": {"chatCompletions": {"enabled": True}}}}},
        "gateway.http.endpoints.chatCompletions.enabled is turned on",
    ),
    ({"browser": {"evaluateEnabled": False}}, {}, "browser.evaluateEnabled is turned on again"),
    (
        {},
        {"agents": {"defaults": {"sandbox": {"docker": {"readOnlyRoot": False}}}}},
        "agents.defaults.sandbox.docker.readOnlyRoot is turned off",
    ),
    (
        {"agents": {"list": [{"id": "a"}]}},
        {"agents": {"list": [{"id": "a", "sandbox": {"docker": {"binds": ["/a:/b"]}}}]}},
        "agents.list.0.sandbox.docker.binds adds /a:/b",
    ),
    ({"plugins": {"allow": ["a"]}}, {"plugins": {}}, "plugins.allow limits nothing any more"),
    ({"plugins": {"allow": ["a"]}}, {"plugins": {"allow": ["a", "b"]}}, "plugins.allow adds b"),
    ({"plugins": {"deny": ["a"]}}, {"plugins": {"deny": []}}, "plugins.deny no longer holds a"),
    (
        {},
        {"agents": {"defaults": {"sandbox": {"docker": {"network": "bridge"}}}}},
        "agents.defaults.sandbox.docker.network is set",
    ),
    ({}, {"hooks": {"mappings": [{"messageTemplate": "secret"}]}}, "hooks.mappings adds an entry"),
    ({"channels": {"slack": {"configWrites": False}}}, {}, "channels.slack.configWrites is turned on again"),
    ({"skills": {"allowBundled": []}}, {"skills": {}}, "skills.allowBundled limits nothing any more"),
)
TOLD_BOTH_WAYS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"channels": {"signal": {"accounts": {"a": {"cliPath": "%"}}}}}, "channels.signal.accounts.a.cliPath"),
    ({"agents": {"defaults": {"cliBackends": {"x": {"command": "%"}}}}}, "agents.defaults.cliBackends.x"),
    ({"logging": {"ledger": {"anchor": {"command": ["%"]}}}}, "logging.ledger.anchor"),
    ({"agents": {"list": [{"id": "a", "workspace": "%"}]}}, "agents.list.0.workspace"),
    ({"gateway": {"controlUi": {"root": "%"}}}, "gateway.controlUi.root"),
    ({"models": {"providers": {"openai": {"baseUrl": "%"}}}}, "models.providers.openai.baseUrl"),
    ({"channels": {"telegram": {"proxy": "%"}}}, "channels.telegram.proxy"),
    ({"channels": {"imessage": {"remoteHost": "%"}}}, "channels.imessage.remoteHost"),
    ({"browser": {"profiles": {"p": {"cdpUrl": "%"}}}}, "browser.profiles.p.cdpUrl"),
    ({"skills": {"entries": {"s": {"env": {"K": "%"}}}}}, "skills.entries.s.env.K"),
)


def with_text(value: Any, text: str) -> Any:
    return json.loads(json.dumps(value).replace("%", text))


@pytest.mark.parametrize(("document", "key"), TOLD_BOTH_WAYS, ids=[row[1] for row in TOLD_BOTH_WAYS])
def test_programs_folders_and_addresses_are_told_whenever_they_are_others(document: dict[str, Any], key: str) -> None:
    one, other = with_text(document, "one"), with_text(document, "other")
    assert opened({}, one) == (f"{key} is set",)
    assert opened(one, other) == (f"{key} is set to something else",)
    assert opened(one, one) == opened(one, {}) == ()


def test_a_server_of_ones_own_is_told_once_it_moves() -> None:
    one, other = ({"models": {"providers": {"mine": {"baseUrl": url}}}} for url in ("http://a", "http://b"))
    assert opened({}, one) == opened(one, one) == opened(one, {}) == ()
    assert opened(one, other) == ("models.providers.mine.baseUrl is set to something else",)


def test_a_program_that_prints_a_secret_is_told_wherever_it_stands_without_its_words() -> None:
    def reads(*command: str) -> dict[str, Any]:
        ref = {"source": "exec", "command": list(command)}
        return {"channels": {"telegram": {"accounts": {"a": {"botToken": ref}}}}, "list": [{"apiKey": ref}]}

    said = (
        "channels.telegram.accounts.a.botToken is what a program prints, which the gateway starts",
        "list.0.apiKey is what a program prints, which the gateway starts",
    )
    assert opened({}, reads("pass", "x")) == said
    assert opened(reads("pass", "x"), reads("pass", "y")) == said
    assert opened(reads("pass", "x"), reads("pass", "x")) == ()
    assert opened(reads("pass", "x"), {}) == ()


@pytest.mark.parametrize(("before", "after", "said"), UNCOMPILED, ids=[row[2] for row in UNCOMPILED])
def test_keys_without_a_policy_are_told_in_one_direction(
    before: dict[str, Any], after: dict[str, Any], said: str
) -> None:
    assert opened(before, after) == (said,)
    assert opened(after, before) == ()
    assert opened(after, after) == ()


@pytest.mark.parametrize("network", [None, "none"])
def test_the_network_that_is_none_anyway_is_no_change(network: str | None) -> None:
    assert opened({}, {"agents": {"defaults": {"sandbox": {"docker": {"network": network}}}}}) == ()


# The gateway's own writes


def service(folder: ConfigFolder) -> ConfigService:
    loaded = read_config(folder.layout, folder.environment)
    assert loaded.config is not None
    live = LiveConfig(loaded.config, folder.layout, folder.environment, compile=compile_policy)
    return ConfigService(
        live, folder.layout, folder.environment, SystemClock(), redact=str, restart=lambda _seconds: False
    )


OPEN = {"channels": {"telegram": {"dmPolicy": "open", "allowFrom": ["*"]}}}
CLOSED = {"channels": {"telegram": {"dmPolicy": "allowlist", "allowFrom": ["7"]}}}


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["set", "patch", "apply"])
async def test_a_write_through_the_gateway_that_widens_needs_confirm_widen(tmp_path: Path, kind: str) -> None:
    folder = ConfigFolder(tmp_path)
    folder.write(CLOSED)
    before = folder.main.read_bytes()
    methods = service(folder)
    params: dict[str, Any] = {
        "raw": json.dumps(OPEN),
        "baseHash": read_config(folder.layout, folder.environment).source.hash,
    }
    with pytest.raises(InvalidInput) as refused:
        await methods.write(kind, params)
    assert refused.value.message == "config change widens access; repeat with confirmWiden"
    assert any(
        "telegram strangers in direct messages can now reach agent main" in text
        for text in refused.value.details["widens"]
    )
    assert folder.main.read_bytes() == before
    for unsure in (False, "true", 1):
        with pytest.raises(InvalidInput):
            await methods.write(kind, {**params, "confirmWiden": unsure})
    assert (await methods.write(kind, {**params, "confirmWiden": True}))["ok"] is True
    assert json.loads(folder.main.read_text())["channels"]["telegram"]["dmPolicy"] == "open"


@pytest.mark.asyncio
async def test_a_write_that_narrows_asks_nobody(tmp_path: Path) -> None:
    folder = ConfigFolder(tmp_path)
    folder.write(OPEN)
    known = read_config(folder.layout, folder.environment).source.hash
    shut = {"channels": {"telegram": {"dmPolicy": "disabled", "allowFrom": ["*"]}}}
    answer = await service(folder).write("set", {"raw": json.dumps(shut), "baseHash": known})
    assert answer["ok"] is True


LOOSER: tuple[dict[str, Any], ...] = (
    {"agents": {"defaults": {"sandbox": {"mode": "off"}}}},
    {"tools": {"exec": {"security": "full", "ask": "off"}}},
    {"tools": {"exec": {"host": None}}},
    {"tools": {"deny": None}},
    {"tools": {"elevated": {"allowFrom": {"telegram": ["9"]}}}},
    {"channels": {"telegram": {"allowFrom": ["7", "9"]}}},
    {"commands": {"ownerAllowFrom": ["telegram:9"]}},
    {"gateway": {"controlUi": {"dangerouslyDisableDeviceAuth": True}}},
    {"plugins": {"entries": {"x": {"enabled": True}}}},
)


@pytest.mark.asyncio
@pytest.mark.parametrize("patch", LOOSER, ids=[json.dumps(one) for one in LOOSER])
async def test_adv_F3_a_patch_that_loosens_security_is_refused_until_somebody_confirms(
    tmp_path: Path, patch: dict[str, Any]
) -> None:
    folder = ConfigFolder(tmp_path)
    folder.write(
        {
            "agents": {"defaults": {"sandbox": {"mode": "all"}}},
            "tools": {"exec": {"host": "gateway"}, "deny": ["read"]},
            "channels": {"telegram": {"botToken": "1:x", "allowFrom": ["7"]}},
        }
    )
    before = folder.main.read_bytes()
    known = read_config(folder.layout, folder.environment).source.hash
    with pytest.raises(InvalidInput) as refused:
        await service(folder).write("patch", {"raw": json.dumps(patch), "baseHash": known})
    assert refused.value.details.get("widens") or "issues" in refused.value.details
    assert folder.main.read_bytes() == before
