from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import ValidationError

from openclaw.config.base import SecretRef, blank
from openclaw.config.model import Config
from openclaw.config.registry import SECTIONS, section_type
from openclaw.config.sections.gateway import Gateway, GatewayAuth
from openclaw.system.secret import Secret

SECTIONS_OF_CONFIG = (
    *("gateway", "session", "messages", "commands", "approvals", "agents", "bindings", "broadcast", "tools", "models"),
    *("auth", "hooks", "cron", "browser", "skills", "plugins", "logging", "diagnostics", "discovery", "canvas_host"),
    *("web", "ui", "update", "talk", "audio", "media", "node_host", "memory", "env", "wizard", "meta", "security"),
)


def test_an_absent_section_is_its_empty_instance() -> None:
    config = Config.from_document({})
    assert len(SECTIONS_OF_CONFIG) == len(SECTIONS)
    for name in SECTIONS_OF_CONFIG:
        section = getattr(config, name)
        assert section == () if name == "bindings" else section.model_fields_set == set()
    assert config.gateway.auth.token is None
    assert config.tools.exec.apply_patch.enabled is None
    assert not config.has("gateway")


def test_a_written_block_is_told_from_an_absent_one() -> None:
    config = Config.from_document({"agents": {"list": [{"id": "a", "heartbeat": {}}, {"id": "b"}]}, "gateway": {}})
    entries = config.agents.entries
    assert entries is not None
    assert [entry.heartbeat is None for entry in entries] == [False, True]
    assert config.has("gateway")


def test_a_config_is_immutable() -> None:
    config = Config.from_document({"gateway": {"port": 1}, "tools": {"allow": ["a"]}})
    with pytest.raises(ValidationError):
        config.gateway.port = 2  # type: ignore[misc]  # the point of the test
    with pytest.raises(TypeError):
        config.document["gateway"] = {}  # type: ignore[index]  # the point of the test
    assert config.tools.allow == ("a",)


def test_secrets_are_masked_wherever_a_config_is_printed() -> None:
    config = Config.from_document({"gateway": {"auth": {"token": "hunter2hunter2"}}, "env": {"A": "hunter2hunter2"}})
    assert config.gateway.auth.token == Secret("hunter2hunter2")
    assert "hunter2" not in f"{config} {config.gateway} {config.env} {config.gateway.auth!r}"


def test_a_reference_is_kept_as_a_reference() -> None:
    config = Config.from_document({"gateway": {"auth": {"token": {"source": "env", "id": "X", "provider": "default"}}}})
    assert config.gateway.auth.token == SecretRef("env", id="X")


def test_variables_of_the_env_block_prefer_vars() -> None:
    config = Config.from_document({"env": {"A": "1", "B": "2", "vars": {"A": "3"}, "shellEnv": {"enabled": True}}})
    assert {name: secret.reveal() for name, secret in config.env.variables.items() if isinstance(secret, Secret)} == {
        "A": "3",
        "B": "2",
    }
    assert config.env.shell_env.enabled is True


def test_ids_written_as_numbers_are_text_in_typed_sections_and_stay_numbers_in_the_document() -> None:
    document = {"channels": {"telegram": {"allowFrom": [42, "@ada"]}}, "commands": {"ownerAllowFrom": [1.0]}}
    config = Config.from_document(document)
    telegram = config.channels.get("telegram")
    assert telegram is not None
    assert telegram.allow_from == ("42", "@ada")
    assert config.commands.owner_allow_from == ("1",)
    assert config.document["channels"]["telegram"]["allowFrom"] == [42, "@ada"]


def test_channels_are_told_by_their_sections() -> None:
    config = Config.from_document(
        {
            "channels": {
                "defaults": {"groupPolicy": "open"},
                "telegram": {"accounts": {"Alerts": {"enabled": False}, "b": {}}},
                "foochat": {"x": 1},
                "signal": {"enabled": False},
            }
        }
    )
    channels = config.channels
    assert channels.configured == ("telegram", "foochat", "signal")
    assert channels.defaults.group_policy == "open"
    assert channels.get("foochat") is None
    assert channels.raw("foochat") == {"x": 1}
    assert channels.get("slack") is None
    assert channels.accounts("telegram") == ("Alerts", "b")
    assert channels.accounts("signal") == ()
    assert [channels.enabled("telegram", name) for name in ("Alerts", "b")] == [False, True]
    assert [channels.enabled(name) for name in ("telegram", "signal", "slack")] == [True, False, False]
    assert Config.from_document({}).channels.defaults.group_policy is None


def test_an_account_inherits_key_by_key_and_replaces_lists_and_maps() -> None:
    config = Config.from_document(
        {
            "channels": {
                "telegram": {
                    "dmPolicy": "disabled",
                    "allowFrom": ["1"],
                    "groups": {"-1": {}},
                    "actions": {"sticker": True, "reactions": True},
                    "accounts": {"a": {"allowFrom": [], "groups": {"-2": {}}, "actions": {"reactions": False}}},
                },
                "discord": {"dm": {"policy": "disabled", "groupEnabled": True}, "accounts": {"a": {"dm": {}}}},
            }
        }
    )
    account = config.channels.account("telegram", "A")
    base = config.channels.get("telegram")
    assert account is not None
    assert base is not None
    assert base.accounts is not None
    assert (account.dm_policy, account.allow_from) == ("disabled", ())  # type: ignore[attr-defined]  # a telegram account
    assert list(account.groups) == ["-2"]  # type: ignore[attr-defined]  # a telegram account
    assert account.actions.sticker is True  # type: ignore[attr-defined]  # a telegram account
    assert account.actions.reactions is False  # type: ignore[attr-defined]  # a telegram account
    discord = config.channels.account("discord", "a")
    assert discord is not None
    assert discord.dm.policy == "disabled"  # type: ignore[attr-defined]  # a discord account
    assert config.channels.account("telegram", "unlisted") is base
    assert config.channels.account("slack") is None


def test_only_the_modules_of_written_sections_are_imported() -> None:
    program = (
        "import sys; from openclaw.config.model import Config; "
        "Config.from_document({'gateway': {}, 'channels': {'telegram': {}}}); "
        "rooms = ('openclaw.config.sections.', 'openclaw.config.channels.'); "
        "print(*sorted(m for m in sys.modules if m.startswith(rooms)))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == [
        "openclaw.config.channels.common",
        "openclaw.config.channels.telegram",
        "openclaw.config.sections.gateway",
    ]


def test_the_validator_of_a_block_is_built_only_when_a_document_has_the_block() -> None:
    program = (
        "from openclaw.config.model import Config; from openclaw.config.sections import gateway; "
        "c = Config.from_document({'gateway': {'auth': {}}}); c.gateway.http.endpoints.responses.files.pdf; "
        "print(gateway.GatewayAuth.__pydantic_complete__, gateway.PdfLimits.__pydantic_complete__)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["True", "False"]


def test_validators_may_be_built_by_two_threads_at_once() -> None:
    program = (
        "import threading; from openclaw.config.model import Config; "
        "d = {'agents': {'list': [{'id': 'a', 'sandbox': {'docker': {}}}]}, 'tools': {'exec': {}}}; errors = []\n"
        "def run():\n"
        "    try:\n        Config.from_document(d)\n"
        "    except BaseException as error:\n        errors.append(error)\n"
        "ts = [threading.Thread(target=run) for _ in range(4)]\n"
        "[t.start() for t in ts]; [t.join() for t in ts]; print(errors)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_empty_instances_are_shared() -> None:
    assert blank(Gateway) is blank(Gateway)
    assert blank(Gateway).auth is blank(GatewayAuth)
    assert section_type("gateway") is Gateway
