"""Every change that explain shows really turns the answer round, when it is made by the command that it names."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openclaw.config.edit import ConfigEditor, Drop, Put
from openclaw.config.json5 import Json5Error, loads
from openclaw.config.paths import parse_path
from openclaw.security.explain import deeds, messages, runs
from openclaw.security.explain.answer import Answer
from openclaw.security.explain.flips import Ask
from openclaw.security.explain.messages import Message
from openclaw.security.explain.world import World
from openclaw.tools.contract import RunContext
from support.explaining import asked, world_of

TELEGRAM = {
    "channels": {"telegram": {"botToken": "1:x", "dmPolicy": "allowlist", "allowFrom": ["7"], "groups": {"-1": {}}}}
}
BOXED = {"agents": {"defaults": {"sandbox": {"mode": "all"}}}}
HOST = {"tools": {"exec": {"host": "gateway"}}}


def message(sender: str = "7", **more: Any) -> Message:
    return Message("telegram", sender, **more)


def run_of(world: World) -> RunContext | None:
    return runs.session_run(world, None, None)


def told(world: World) -> RunContext | None:
    return messages.hear(world, message()).run


def admission(asked_of: Message) -> Ask:
    return partial(messages.admission, message=asked_of)


QUESTIONS: tuple[tuple[str, dict[str, Any], Ask, str], ...] = (
    ("stranger in private", TELEGRAM, admission(message("9")), 'channels.telegram.allowFrom: add "9"'),
    ("listed in private", TELEGRAM, admission(message()), 'channels.telegram.allowFrom: remove "7"'),
    (
        "no mention",
        TELEGRAM,
        admission(message(chat="-1")),
        "channels.telegram.groups.-1.requireMention: set it to false",
    ),
    (
        "stranger in a group",
        TELEGRAM,
        admission(message("9", chat="-1", mention=True)),
        'channels.telegram.groupAllowFrom: add "9"',
    ),
    (
        "group that is not listed",
        TELEGRAM,
        admission(message(chat="-2", mention=True)),
        'channels.telegram.groups: add an entry "-2"',
    ),
    (
        "channel that is off",
        {"channels": {"telegram": {"enabled": False, "allowFrom": ["7"]}}},
        admission(message()),
        "channels.telegram.enabled: ",
    ),
    (
        "room of a server",
        {
            "channels": {
                "discord": {"token": "x", "dm": {"allowFrom": ["1"]}, "guilds": {"5": {"channels": {"70": {}}}}}
            }
        },
        admission(Message("discord", "1", guild="5", chat="71", mention=True)),
        "channels.discord.guilds.5.channels: ",
    ),
    (
        "person of a server",
        {"channels": {"discord": {"token": "x", "guilds": {"5": {"users": ["1"], "requireMention": False}}}}},
        admission(Message("discord", "2", guild="5", chat="71")),
        'channels.discord.guilds.5.users: add "2"',
    ),
    (
        "owners only",
        TELEGRAM | {"commands": {"ownerAllowFrom": ["telegram:8"]}},
        partial(messages.commands, message=message()),
        'commands.ownerAllowFrom: add "telegram:7"',
    ),
    (
        "denied tool",
        {"tools": {"deny": ["exec"]}},
        partial(runs.tool, run_of=run_of, name="exec"),
        'tools.deny: remove "exec"',
    ),
    ("offered tool", {}, partial(runs.tool, run_of=run_of, name="write"), 'tools.deny: add "write"'),
    (
        "tool that is not allowed",
        {"tools": {"allow": ["read"]}},
        partial(runs.tool, run_of=run_of, name="exec"),
        'tools.allow: add "exec"',
    ),
    (
        "tool beyond the profile",
        {"tools": {"profile": "minimal"}},
        partial(runs.tool, run_of=run_of, name="read"),
        'tools.alsoAllow: add "read"',
    ),
    (
        "exec that is switched off",
        {"tools": {"exec": {"host": "gateway", "security": "deny"}}},
        partial(runs.tool, run_of=run_of, name="exec"),
        "tools.exec.",
    ),
    ("unsandboxed", {}, partial(runs.sandbox, run_of=run_of), 'agents.defaults.sandbox.mode: set it to "all"'),
    (
        "an agent's own mode",
        {"agents": {"list": [{"id": "main", "sandbox": {"mode": "off"}}]}},
        partial(runs.sandbox, run_of=run_of),
        'agents.list[0].sandbox.mode: set it to "all"',
    ),
    (
        "not elevated",
        TELEGRAM | BOXED,
        partial(runs.elevated, run_of=told),
        'tools.elevated.allowFrom.telegram: add "7"',
    ),
    (
        "elevated",
        TELEGRAM | {"tools": {"elevated": {"allowFrom": {"telegram": ["7"]}}}},
        partial(runs.elevated, run_of=told),
        "tools.elevated.",
    ),
    (
        "command that asks",
        HOST,
        partial(deeds.command, run_of=run_of, line="ls -la"),
        "exec-approvals.json allowlist: add ",
    ),
    ("command without approvals", {}, partial(deeds.command, run_of=run_of, line="ls"), "tools.exec.host: "),
    (
        "elevated command without a gate",
        TELEGRAM | BOXED,
        partial(deeds.command, run_of=told, line="ls", elevated=True),
        'tools.elevated.allowFrom.telegram: add "7"',
    ),
    (
        "private address",
        {},
        partial(deeds.url, text="http://10.0.0.5/"),
        'tools.web.fetch.ssrfPolicy.allowedHostnames: add "10.0.0.5"',
    ),
    (
        "host beyond the list",
        {"tools": {"web": {"fetch": {"ssrfPolicy": {"hostnameAllowlist": ["a.example"]}}}}},
        partial(deeds.url, text="http://1.1.1.1/"),
        'tools.web.fetch.ssrfPolicy.hostnameAllowlist: add "1.1.1.1"',
    ),
    (
        "path outside",
        {"tools": {"fs": {"workspaceOnly": True}}},
        partial(deeds.path, run_of=run_of, text="/etc/hostname"),
        "tools.fs.workspaceOnly: ",
    ),
    (
        "open path",
        {},
        partial(deeds.path, run_of=run_of, text="/etc/hostname"),
        "tools.fs.workspaceOnly: set it to true",
    ),
)


@pytest.mark.parametrize(
    ("document", "ask", "expected"), [row[1:] for row in QUESTIONS], ids=[row[0] for row in QUESTIONS]
)
def test_the_change_that_is_shown_turns_the_answer_round(
    document: dict[str, Any], ask: Ask, expected: str, tmp_path: Path
) -> None:
    world = world_of(tmp_path, document)
    answer = asked(world, ask)
    assert answer.flip is not None
    assert f"{answer.flip.key}: {answer.flip.change}".startswith(expected)
    again = asked(changed(world, answer), ask, search=False)
    assert answer.turned_by(again)
    assert again.outcome == answer.flip.outcome


def changed(world: World, answer: Answer) -> World:
    """Make the change by the words of its command, on the real files."""
    assert answer.flip is not None
    layout, environment = world.seen.layout, world.seen.environment
    for command in answer.flip.command.split(" && "):
        words = shlex.split(command)
        match words[1:]:
            case ["config", "set", path, value]:
                editor = ConfigEditor(layout, environment)
                editor.change([Put(parse_path(path), _value(value))])
            case ["config", "unset", path]:
                ConfigEditor(layout, environment).change([Drop(parse_path(path))])
            case ["approvals", "allowlist", "add", pattern]:
                rows = [{"pattern": pattern}]
                layout.exec_approvals.write_text(json.dumps({"version": 1, "agents": {"*": {"allowlist": rows}}}))
                layout.exec_approvals.chmod(0o600)
            case other:
                raise AssertionError(other)
    return World.of_disk(layout, environment)


def _value(text: str) -> Any:
    try:
        return loads(text)
    except Json5Error:
        return text


NEVER: tuple[tuple[str, Callable[[World], Any]], ...] = (
    ("scope", partial(deeds.scope, method="config.set", scopes=["operator.read"])),
    ("metadata", partial(deeds.url, text="http://169.254.169.254/")),
    ("no such tool", partial(runs.tool, run_of=run_of, name="teleport")),
    ("own state", partial(deeds.path, run_of=run_of, text="~/../openclaw.json")),
)


@pytest.mark.parametrize("ask", [row[1] for row in NEVER], ids=[row[0] for row in NEVER])
def test_what_no_key_changes_is_said_so(ask: Ask, tmp_path: Path) -> None:
    answer = asked(world_of(tmp_path, {}), ask)
    assert not answer.allowed
    assert answer.flip is None
    assert answer.as_dict()["note"] == "nothing in the config changes this"


def test_the_smallest_change_is_shown_with_what_else_it_admits(tmp_path: Path) -> None:
    answer = asked(world_of(tmp_path, TELEGRAM | BOXED), admission(message("9", chat="-1", mention=True)))
    assert answer.flip is not None
    assert answer.flip.command == 'openclaw config set channels.telegram.groupAllowFrom \'["7", "9"]\''
    assert len(answer.flip.widens) == 1
    assert "strangers" not in answer.flip.widens[0]


def test_a_question_without_a_search_shows_no_change(tmp_path: Path) -> None:
    answer = asked(world_of(tmp_path, TELEGRAM), admission(message("9")), search=False)
    assert "flip" not in answer.as_dict()


def test_a_paired_sender_is_turned_away_by_the_store(tmp_path: Path) -> None:
    world = world_of(tmp_path, {"channels": {"telegram": {"botToken": "1:x"}}})
    store = tmp_path / "credentials" / "telegram-allowFrom.json"
    store.parent.mkdir(mode=0o700)
    store.write_text(json.dumps({"version": 1, "allowFrom": ["9"]}))
    answer = asked(world, admission(message("9")))
    assert answer.trail[-1].rule == "dm.paired"
    assert answer.flip is not None
