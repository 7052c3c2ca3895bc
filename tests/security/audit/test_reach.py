"""What a stranger reaches is asked of the compiled policy, not of key patterns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openclaw.security.audit.reach import agents_behind, doors, strangers_reach
from support.audit import AuditHome

OPEN: dict[str, Any] = {"dmPolicy": "open", "allowFrom": ["*"]}
ROOM: dict[str, Any] = {"groupPolicy": "open"}
RUNTIME = "security.exposure.open_groups_with_runtime_or_fs"


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    return made


def telegram(section: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"channels": {"telegram": {"botToken": "1:x", **section}}, **more}


@pytest.mark.parametrize(
    ("section", "keys"),
    [
        ({}, []),
        (OPEN, ["channels.telegram.dmPolicy"]),
        (ROOM, ["channels.telegram.groupPolicy"]),
        ({**OPEN, **ROOM}, ["channels.telegram.dmPolicy", "channels.telegram.groupPolicy"]),
        ({"dmPolicy": "pairing", "allowFrom": ["*"]}, []),
        ({**OPEN, "enabled": False}, []),
        ({"groups": {"-1": {"groupPolicy": "open"}}}, ["channels.telegram.groups.-1.groupPolicy"]),
        ({"accounts": {"a": {"botToken": "2:x", **OPEN}}}, ["channels.telegram.accounts.a.dmPolicy"]),
        ({"accounts": {"a": {"botToken": "2:x"}, "b": {"botToken": "3:x", "enabled": False, **ROOM}}}, []),
    ],
)
def test_doors_are_the_open_policies_in_force(home: AuditHome, section: dict[str, Any], keys: list[str]) -> None:
    home.config(telegram(section))
    assert [door.key for door in doors(home.context().policy)] == keys


AGENTS = {"list": [{"id": "main", "default": True}, {"id": "guest"}, {"id": "shut"}]}


@pytest.mark.parametrize(
    ("bindings", "agents"),
    [
        ([], ("main",)),
        ([{"agentId": "guest", "match": {"channel": "telegram"}}], ("guest",)),
        ([{"agentId": "guest", "match": {"channel": "discord"}}], ("main",)),
        (
            [
                {"agentId": "shut", "match": {"channel": "telegram", "peer": {"kind": "direct", "id": "7"}}},
                {"agentId": "guest", "match": {"channel": "telegram", "peer": {"kind": "group", "id": "-1"}}},
            ],
            ("guest", "main"),
        ),
    ],
)
def test_bindings_say_which_agents_lie_behind_a_door(
    home: AuditHome, bindings: list[dict[str, Any]], agents: tuple[str, ...]
) -> None:
    home.config(telegram(ROOM, agents=AGENTS, bindings=bindings))
    policy = home.context().policy
    (door,) = doors(policy)
    assert sorted(agents_behind(policy, door)) == sorted(agents)


def severity(home: AuditHome) -> str:
    found = home.found(RUNTIME)
    return found[0].severity.value if found else ""


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, "critical"),
        ({"agents": {"defaults": {"sandbox": {"mode": "all"}}}}, ""),
        ({"agents": {"defaults": {"sandbox": {"mode": "non-main"}}}, "session": {"dmScope": "main"}}, "critical"),
        ({"agents": {"defaults": {"sandbox": {"mode": "non-main"}}}, "session": {"dmScope": "per-peer"}}, ""),
        ({"tools": {"deny": ["group:runtime"]}}, "warn"),
        ({"tools": {"deny": ["group:runtime", "group:fs"]}}, ""),
        ({"tools": {"deny": ["group:runtime"], "fs": {"workspaceOnly": True}}}, ""),
        ({"tools": {"profile": "messaging"}}, ""),
        ({"tools": {"profile": "minimal", "alsoAllow": ["exec"]}}, "critical"),
        ({"agents": {"list": [{"id": "main", "tools": {"deny": ["exec", "process", "group:fs"]}}]}}, ""),
    ],
)
def test_what_lies_behind_an_open_door_decides(home: AuditHome, more: dict[str, Any], expected: str) -> None:
    home.config(telegram(OPEN, **more))
    assert severity(home) == expected


def test_the_detail_names_door_agent_and_tools(home: AuditHome) -> None:
    home.config(telegram(ROOM, tools={"allow": ["exec", "read"]}))
    assert home.found(RUNTIME)[0].detail == "- channels.telegram.groupPolicy → agent main: exec, read"


def test_without_doors_nobody_reaches_anything(home: AuditHome) -> None:
    home.config(telegram({}))
    assert strangers_reach(home.context().policy) == ()
