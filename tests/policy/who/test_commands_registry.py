"""The command table (channels.md 3.4; advisory F1)."""

from __future__ import annotations

import re

import pytest

from openclaw.policy.who.commands_registry import (
    COMMANDS,
    MAX_NATIVE,
    Authority,
    CommandSpec,
    Switch,
    index_commands,
    native_commands,
    native_name,
)
from support.answers import check_answers

NATIVE_TTS = {"discord": "voice", "telegram": "tts"}
OWNERS = {"allowlist", "config", "debug", "restart", "send", "bash"}
APPROVERS = {"approve"}


def test_adv_F1_the_declared_class_of_every_command() -> None:
    for spec in COMMANDS:
        wanted = (
            Authority.OWNER
            if spec.name in OWNERS
            else Authority.APPROVER
            if spec.name in APPROVERS
            else Authority.AUTHORISED
        )
        assert spec.authority is wanted, spec.name


def test_adv_F1_a_command_that_declares_nothing_is_for_owners() -> None:
    assert CommandSpec("plugin-thing").authority is Authority.OWNER


def test_every_command_word_for_word() -> None:
    check_answers("command-table", [(spec.name, spec) for spec in COMMANDS])


def test_names_are_unique_and_lower_case() -> None:
    names = [name for spec in COMMANDS for name in spec.names]
    assert len(set(names)) == len(names)
    assert all(name == name.lower() for name in names)


@pytest.mark.parametrize("switch", [Switch.CONFIG, Switch.DEBUG, Switch.BASH])
def test_some_commands_exist_only_when_switched_on(switch: Switch) -> None:
    assert index_commands().find(switch.value) is None
    found = index_commands([switch]).find(f"/{switch.value}")
    assert found is not None
    assert found.switch is switch


def test_restart_is_always_a_command_but_not_always_on() -> None:
    off, on = index_commands(), index_commands([Switch.RESTART])
    spec = off.find("restart")
    assert spec is not None
    assert not off.is_on(spec)
    assert on.is_on(spec)


def test_built_in_names_are_reserved() -> None:
    mine = CommandSpec("status", ("weather", "T"), authority=Authority.AUTHORISED)
    index = index_commands(extra=[mine, CommandSpec("config"), CommandSpec(" ")])
    status, weather = index.find("status"), index.find("weather")
    assert status is not None
    assert status.inline
    assert weather is mine
    assert index.find("t") is not mine
    assert index.find("config") is None
    assert "" not in index.by_name


def test_native_names_fit_chat_apps() -> None:
    extra = [CommandSpec(f"skill-{number}-with-a-name-that-is-far-too-long") for number in range(200)]
    extra += [CommandSpec(f"s{number}") for number in range(200)]
    found = native_commands(index_commands(extra=extra), "telegram")
    assert len(found) == MAX_NATIVE
    assert all(re.fullmatch(r"[a-z0-9_]{1,32}", name) for name in found)
    assert "dock_telegram" in found
    assert "compact" not in found
    assert "bash" not in native_commands(index_commands(Switch), "telegram")
    assert "restart" not in found
    assert found["dock_telegram"].name == "dock-telegram"


def test_a_reserved_native_name_is_replaced_where_the_app_has_it() -> None:
    tts = next(spec for spec in COMMANDS if spec.name == "tts")
    for channel, name in NATIVE_TTS.items():
        assert native_name(tts, channel) == name
        assert native_commands(index_commands(), channel)[name] is tts
