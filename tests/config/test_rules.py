from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.rules import is_safe_program
from support.configs import faults

FLAT = ["whatsapp", "telegram", "signal", "imessage", "bluebubbles", "msteams"]
NESTED = ["discord", "slack", "googlechat"]


@pytest.mark.parametrize("channel", FLAT)
def test_open_direct_messages_need_a_star_in_the_list_of_the_same_object(channel: str) -> None:
    path = f"channels.{channel}.allowFrom"
    assert list(faults({"channels": {channel: {"dmPolicy": "open"}}})) == [path]
    assert list(faults({"channels": {channel: {"dmPolicy": "open", "allowFrom": ["a"]}}})) == [path]
    assert faults({"channels": {channel: {"dmPolicy": "open", "allowFrom": ["a", " * "]}}}) == {}
    assert faults({"channels": {channel: {"dmPolicy": "pairing"}}}) == {}


@pytest.mark.parametrize("channel", [name for name in FLAT if name != "msteams"])
def test_an_open_account_needs_its_own_star(channel: str) -> None:
    document = {"channels": {channel: {"allowFrom": ["*"], "accounts": {"a": {"dmPolicy": "open"}}}}}
    assert list(faults(document)) == [f"channels.{channel}.accounts.a.allowFrom"]


@pytest.mark.parametrize("channel", NESTED)
def test_channels_with_a_dm_block_have_the_rule_inside_it(channel: str) -> None:
    document = {"channels": {channel: {"dm": {"policy": "open"}, "accounts": {"a": {"dm": {"policy": "open"}}}}}}
    assert list(faults(document)) == [
        f"channels.{channel}.dm.allowFrom",
        f"channels.{channel}.accounts.a.dm.allowFrom",
    ]


@pytest.mark.parametrize(
    ("section", "paths"),
    [
        ({"webhookUrl": "https://x"}, ["webhookSecret"]),
        ({"webhookUrl": "https://x", "webhookSecret": "  "}, ["webhookSecret"]),
        ({"webhookUrl": "https://x", "webhookSecret": "s"}, []),
        ({"webhookUrl": "https://x", "webhookSecret": {"source": "env", "id": "X"}}, []),
        ({"accounts": {"a": {"webhookUrl": "https://x"}}}, ["accounts.a.webhookSecret"]),
        ({"webhookSecret": "s", "accounts": {"a": {"webhookUrl": "https://x"}}}, []),
        ({"accounts": {"a": {"webhookUrl": "https://x", "enabled": False}}}, []),
        ({"webhookUrl": " "}, []),
    ],
)
def test_adv_E1_a_telegram_webhook_needs_a_secret(section: Any, paths: list[str]) -> None:
    assert list(faults({"channels": {"telegram": section}})) == [f"channels.telegram.{path}" for path in paths]


@pytest.mark.parametrize(
    ("section", "paths"),
    [
        ({"mode": "http"}, ["signingSecret"]),
        ({"mode": "http", "signingSecret": ""}, ["signingSecret"]),
        ({"mode": "http", "signingSecret": "s"}, []),
        ({"mode": "http", "signingSecret": "s", "accounts": {"a": {}}}, []),
        ({"mode": "http", "accounts": {"a": {}}}, ["signingSecret", "accounts.a.signingSecret"]),
        ({"mode": "http", "accounts": {"a": {"mode": "socket"}}}, ["signingSecret"]),
        ({"accounts": {"a": {"mode": "http"}}}, ["accounts.a.signingSecret"]),
        ({"accounts": {"a": {"mode": "http", "enabled": False}}}, []),
    ],
)
def test_adv_E1_slack_over_http_needs_a_signing_secret(section: Any, paths: list[str]) -> None:
    assert list(faults({"channels": {"slack": section}})) == [f"channels.slack.{path}" for path in paths]


@pytest.mark.parametrize(
    ("command", "description", "fault"),
    [
        ("/Status", "x", None),
        (" backup_2 ", "x", None),
        ("bad-name", "x", "command"),
        ("", "x", "command"),
        ("x" * 33, "x", "command"),
        ("ok", "  ", "description"),
        ("bad name", " ", "command"),
    ],
)
def test_menu_entries_have_a_name_and_a_text(command: str, description: str, fault: str | None) -> None:
    entry = {"command": command, "description": description}
    for base, document in (
        ("channels.telegram", {"customCommands": [entry]}),
        ("channels.telegram.accounts.a", {"accounts": {"a": {"customCommands": [entry]}}}),
    ):
        expected = [] if fault is None else [f"{base}.customCommands.0.{fault}"]
        assert list(faults({"channels": {"telegram": document}})) == expected


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"tools": {"allow": ["a"], "alsoAllow": ["b"]}}, "tools"),
        ({"tools": {"byProvider": {"x": {"allow": ["a"], "alsoAllow": ["b"]}}}}, "tools.byProvider.x"),
        ({"tools": {"sandbox": {"tools": {"allow": ["a"], "alsoAllow": ["b"]}}}}, "tools.sandbox.tools"),
        ({"agents": {"list": [{"id": "a", "tools": {"allow": ["a"], "alsoAllow": ["b"]}}]}}, "agents.list.0.tools"),
        (
            {"channels": {"telegram": {"groups": {"*": {"tools": {"allow": ["a"], "alsoAllow": ["b"]}}}}}},
            "channels.telegram.groups.*.tools",
        ),
        (
            {
                "channels": {
                    "slack": {"channels": {"c": {"toolsBySender": {"u": {"allow": ["a"], "alsoAllow": ["b"]}}}}}
                }
            },
            "channels.slack.channels.c.toolsBySender.u",
        ),
        ({"tools": {"allow": [], "alsoAllow": ["b"]}}, None),
        ({"tools": {"allow": ["a"], "alsoAllow": []}}, None),
    ],
)
def test_allow_and_also_allow_do_not_stand_together(document: Any, path: str | None) -> None:
    assert list(faults(document)) == ([] if path is None else [path])


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("signal-cli", True),
        ("/usr/bin/signal-cli", True),
        ("./tools/imsg", True),
        ("~/bin/imsg", True),
        ("C:\\tools\\x.exe", True),
        ("a b", False),
        ("-flag", False),
        ("", False),
        ("  ", False),
        ("x;y", False),
        ("x|y", False),
        ("$(id)", False),
        ("`id`", False),
        ("x>y", False),
        ("'x'", False),
        ("/bin/x\ny", False),
        ("/bin/x\0", False),
    ],
)
def test_a_program_is_a_path_or_a_bare_name(text: str, safe: bool) -> None:
    assert is_safe_program(text) is safe
    for channel in ("signal", "imessage"):
        expected = [] if safe else [f"channels.{channel}.cliPath"]
        assert list(faults({"channels": {channel: {"cliPath": text}}})) == expected
    expected = [] if safe else ["audio.transcription.command.0"]
    assert list(faults({"audio": {"transcription": {"command": [text, "anything; goes"]}}})) == expected


@pytest.mark.parametrize(
    ("heartbeat", "key"),
    [
        ({"every": "30m"}, None),
        ({"every": "1.5h"}, None),
        ({"every": "0"}, None),
        ({"every": "15"}, None),
        ({"every": "soon"}, "every"),
        ({"every": "-5m"}, "every"),
        ({"every": ""}, "every"),
        ({"activeHours": {"start": "08:00", "end": "24:00"}}, None),
        ({"activeHours": {"start": "24:00"}}, "activeHours.start"),
        ({"activeHours": {"end": "24:01"}}, "activeHours.end"),
        ({"activeHours": {"start": "8:00"}}, "activeHours.start"),
        ({"activeHours": {"end": "23:60"}}, "activeHours.end"),
    ],
)
def test_heartbeat_times_are_read(heartbeat: Any, key: str | None) -> None:
    for base, document in (
        ("agents.defaults.heartbeat", {"defaults": {"heartbeat": heartbeat}}),
        ("agents.list.0.heartbeat", {"list": [{"id": "a", "heartbeat": heartbeat}]}),
    ):
        assert list(faults({"agents": document})) == ([] if key is None else [f"{base}.{key}"])


def test_a_browser_profile_needs_an_address() -> None:
    assert list(faults({"browser": {"profiles": {"x": {"color": "#00ff00"}}}})) == ["browser.profiles.x"]
    assert faults({"browser": {"profiles": {"x": {"color": "00ff00", "cdpUrl": "http://h"}}}}) == {}


def test_broadcast_names_agents_that_are_listed() -> None:
    listed = {"agents": {"list": [{"id": "a"}]}}
    assert list(faults({**listed, "broadcast": {"g": ["a", "b"]}})) == ["broadcast.g.1"]
    assert faults({"broadcast": {"g": ["a", "b"]}}) == {}
    assert list(faults({**listed, "broadcast": {"g": ["b"]}, "gateway": {"port": 0}})) == ["gateway.port"]


def test_agent_ids_are_unique_after_normalising() -> None:
    document = {"agents": {"list": [{"id": "Main"}, {"id": "x"}, {"id": " main "}, {"id": "ma in"}, {"id": "ma-in"}]}}
    assert list(faults(document)) == ["agents.list.2.id", "agents.list.4.id"]


@pytest.mark.parametrize(
    ("gateway", "path"),
    [
        ({"auth": {"mode": "trusted-proxy"}}, "gateway.auth.trustedProxy.userHeader"),
        ({"auth": {"mode": "trusted-proxy", "trustedProxy": {}}}, "gateway.auth.trustedProxy.userHeader"),
        ({"auth": {"mode": "trusted-proxy", "trustedProxy": {"userHeader": "x-user"}}}, None),
        ({"customBindHost": "host.example"}, "gateway.customBindHost"),
        ({"customBindHost": "192.0.2.1"}, None),
        ({"customBindHost": "2001:db8::1"}, None),
        ({"bind": "custom"}, None),
    ],
)
def test_gateway_keys_that_depend_on_each_other(gateway: Any, path: str | None) -> None:
    assert list(faults({"gateway": gateway})) == ([] if path is None else [path])


def test_a_rule_waits_until_its_object_is_in_order() -> None:
    document = {"channels": {"telegram": {"dmPolicy": "open", "streamMode": "x"}, "signal": {"dmPolicy": "open"}}}
    assert set(faults(document)) == {"channels.telegram.streamMode", "channels.signal.allowFrom"}
