"""Accounts of channels: which the original looks at, which only this system does, and in which order (audit.md 4.9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openclaw.security.audit.channel_cases import default_account, distinct, own_cases, seed_case
from support.audit import AuditHome


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    return made


def enabled(*names: str) -> dict[str, Any]:
    return {"plugins": {"entries": {name: {"enabled": True} for name in names}}}


def of_channels(home: AuditHome, *, compat: bool = False) -> list[str]:
    return [check_id for check_id in home.ids(compat=compat) if check_id.startswith("channels.")]


def test_the_number_of_a_warning_counts_all_findings_before_it(home: AuditHome) -> None:
    home.config(
        {
            "channels": {
                "telegram": {"botToken": "1:x", "dmPolicy": "disabled", "groupPolicy": "open", "groupAllowFrom": ["1"]},
                "discord": {"token": "x", "groupPolicy": "open"},
                "slack": {"botToken": "x", "appToken": "y", "groupPolicy": "open", "dm": {"policy": "disabled"}},
            },
            **enabled("telegram", "discord", "slack"),
        }
    )
    assert of_channels(home, compat=True) == [
        "channels.telegram.dm.disabled",
        "channels.telegram.warning.2",
        "channels.discord.warning.3",
        "channels.slack.dm.disabled",
        "channels.slack.warning.5",
    ]


def test_channels_come_in_their_fixed_order(home: AuditHome) -> None:
    sections = {
        name: {"groupPolicy": "open"} for name in ("signal", "imessage", "telegram", "whatsapp", "discord", "slack")
    }
    home.config({"channels": sections})
    found = [check_id.split(".")[1] for check_id in of_channels(home) if check_id.endswith("groups.open")]
    assert found == ["telegram", "whatsapp", "discord", "slack", "signal", "imessage"]


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ({}, "default"),
        ({"b": {}, "a": {}}, "a"),
        ({"b": {}, "default": {}}, "default"),
        ({"Z": {}, "a": {}}, "Z"),
    ],
)
def test_the_seed_looks_at_one_account(accounts: dict[str, Any], expected: str) -> None:
    assert default_account(accounts) == expected


@pytest.mark.parametrize(
    ("channel", "section", "env", "store", "seen"),
    [
        ("telegram", {"botToken": "1:x"}, {}, None, True),
        ("telegram", {"botToken": " "}, {}, None, False),
        ("telegram", {"tokenFile": "/x"}, {}, None, True),
        ("telegram", {}, {"TELEGRAM_BOT_TOKEN": "1:x"}, None, True),
        ("telegram", {"accounts": {"a": {}}}, {"TELEGRAM_BOT_TOKEN": "1:x"}, None, False),
        ("telegram", {"botToken": "1:x", "accounts": {"a": {}}}, {}, None, False),
        ("telegram", {"accounts": {"a": {"botToken": "1:x"}}}, {}, None, True),
        ("discord", {"token": "x"}, {}, None, True),
        ("discord", {}, {"DISCORD_BOT_TOKEN": "x"}, None, True),
        ("slack", {"botToken": "x"}, {}, None, False),
        ("slack", {"botToken": "x", "appToken": "y"}, {}, None, True),
        ("slack", {"botToken": "x"}, {"SLACK_APP_TOKEN": "y"}, None, True),
        ("whatsapp", {}, {}, None, False),
        ("whatsapp", {}, {}, "credentials/whatsapp/default/creds.json", True),
        ("signal", {}, {}, None, False),
        ("signal", {"account": "+1"}, {}, None, True),
        ("signal", {"httpPort": 1}, {}, None, True),
        ("imessage", {"cliPath": "/x"}, {}, None, True),
        ("msteams", {"appId": "a", "appPassword": "b", "tenantId": "c"}, {}, None, True),
        ("msteams", {"appId": "a", "appPassword": "b"}, {}, None, False),
        ("googlechat", {"serviceAccountFile": "/x"}, {}, None, True),
        ("googlechat", {}, {"GOOGLE_CHAT_SERVICE_ACCOUNT_FILE": "/x"}, None, True),
        ("googlechat", {}, {}, None, False),
    ],
)
def test_a_channel_counts_as_set_up(
    home: AuditHome, channel: str, section: dict[str, Any], env: dict[str, str], store: str | None, seen: bool
) -> None:
    home.env.update(env)
    home.config({"channels": {channel: section}, **enabled(channel)})
    if store:
        home.file(store)
    assert (seed_case(home.context(), channel) is not None) is seen


ON: dict[str, Any] = {"entries": {"telegram": {"enabled": True}}}


@pytest.mark.parametrize(
    ("plugins", "seed", "ours"),
    [
        (ON, True, True),
        ({}, False, True),
        ({"entries": {"telegram": {"enabled": False}}}, False, False),
        ({**ON, "deny": ["telegram"]}, False, False),
        ({**ON, "allow": ["discord"]}, False, True),
        ({**ON, "allow": ["telegram"]}, True, True),
        ({**ON, "enabled": False}, False, False),
    ],
)
def test_the_seed_looks_at_channels_whose_plugin_is_loaded(
    home: AuditHome, plugins: dict[str, Any], seed: bool, ours: bool
) -> None:
    home.config({"channels": {"telegram": {"botToken": "1:x", "dmPolicy": "disabled"}}, "plugins": plugins})
    finding = ["channels.telegram.dm.disabled"]
    assert of_channels(home, compat=True) == (finding if seed else [])
    assert of_channels(home) == (finding if ours else [])


def test_this_system_looks_at_every_account_that_is_on(home: AuditHome) -> None:
    accounts = {"b": {"botToken": "1:x"}, "a": {"enabled": False}, "c": {"dmPolicy": "disabled"}}
    home.config({"channels": {"telegram": {"dmPolicy": "open", "allowFrom": ["*"], "accounts": accounts}}})
    cases = list(own_cases(home.context()))
    assert [(case.account, case.dm_policy) for case in cases] == [("b", "open"), ("c", "disabled")]
    titles = [item.title for item in home.found("channels.telegram.dm.open")]
    assert titles == ["Anybody may write to the bot (account b)"]


def test_a_finding_of_the_default_account_is_told_once(home: AuditHome) -> None:
    section = {"botToken": "1:x", "dmPolicy": "open", "allowFrom": ["*"]}
    home.config({"channels": {"telegram": section}, **enabled("telegram")})
    assert of_channels(home).count("channels.telegram.dm.open") == 1


def test_an_account_of_the_seed_does_not_inherit_an_open_section(home: AuditHome) -> None:
    section = {"dmPolicy": "open", "allowFrom": ["*"], "groupPolicy": "open", "accounts": {"a": {"botToken": "1:x"}}}
    home.config({"channels": {"telegram": section}, **enabled("telegram")})
    assert "channels.telegram.dm.open" not in of_channels(home, compat=True)
    assert "channels.telegram.dm.open" in of_channels(home)


@pytest.mark.parametrize(
    ("channel", "people", "count"),
    [
        ("telegram", ["telegram:1", "tg:1", "TG:1", "1", "*"], 1),
        ("telegram", ["1", "@name"], 2),
        ("discord", ["discord:1", "user:1", "<@1>", "<@!1>"], 1),
        ("slack", ["slack:U1", "user:U1"], 1),
        ("slack", ["U1", "u1"], 2),
        ("whatsapp", ["+1 (23)", "whatsapp:+123", "123"], 1),
        ("signal", ["signal:+1", "+1", "uuid:ab"], 2),
        ("imessage", ["a@b.c", "A@B.C"], 2),
    ],
)
def test_people_are_told_apart_as_the_seed_did(home: AuditHome, channel: str, people: list[str], count: int) -> None:
    nested = channel in ("discord", "slack")
    home.config({"channels": {channel: {"dm": {"allowFrom": people}} if nested else {"allowFrom": people}}})
    (case,) = own_cases(home.context())
    assert distinct(case) == count


def test_adv_G8_several_people_in_one_session_are_told_until_they_are_apart(home: AuditHome) -> None:
    channels = {"channels": {"telegram": {"botToken": "1:x", "allowFrom": ["1", "2"]}}}
    check_id = "channels.telegram.dm.scope_main_multiuser"
    home.config(channels)
    assert [item.severity for item in home.found(check_id)] == ["warn"]
    home.config({**channels, "session": {"dmScope": "per-channel-peer"}})
    assert home.found(check_id) == []


def test_adv_C1_names_in_lists_are_told(home: AuditHome) -> None:
    home.config({"channels": {"telegram": {"botToken": "1:x", "allowFrom": ["@somebody"]}}})
    assert "channels.telegram.allowFrom.not_an_id" in of_channels(home)


def test_adv_C15_group_ids_and_wildcards_in_the_elevated_list_are_told(home: AuditHome) -> None:
    home.config({"tools": {"elevated": {"allowFrom": {"telegram": ["-100123"], "discord": ["*"]}}}})
    assert [item.severity for item in home.found("tools.elevated.allowFrom.telegram.not_a_sender")] == ["warn"]
    assert [item.severity for item in home.found("tools.elevated.allowFrom.discord.wildcard")] == ["critical"]


def test_adv_F7_an_override_of_the_http_deny_list_is_told(home: AuditHome) -> None:
    home.config({"gateway": {"tools": {"allow": ["sessions_spawn"]}}})
    assert home.found("gateway.tools_invoke_http.dangerous_allow")


def test_adv_M1_a_plugin_in_a_workspace_is_listed(home: AuditHome) -> None:
    home.config()
    home.folder("workspace/.openclaw/extensions/demo")
    assert [item.severity for item in home.found("plugins.in_workspace")] == ["info"]
