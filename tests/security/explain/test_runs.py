"""What explain says of tools, sandbox and elevation is what gate, places and exec service do."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from openclaw.policy.what.labels import Source
from openclaw.security.explain import messages, runs
from openclaw.security.explain.messages import Message
from openclaw.security.explain.world import World
from openclaw.tools.contract import Requester, RunContext
from support.explaining import asked, world_of
from support.tools_room import Room

CONFIGS: tuple[dict[str, Any], ...] = (
    {},
    {"tools": {"deny": ["exec", "group:fs"]}},
    {"tools": {"profile": "messaging"}},
    {"tools": {"exec": {"host": "gateway", "security": "deny"}}},
    {"agents": {"defaults": {"sandbox": {"mode": "all", "workspaceAccess": "ro"}}}},
    {"agents": {"defaults": {"sandbox": {"mode": "non-main"}}}, "tools": {"sandbox": {"tools": {"allow": ["read"]}}}},
)


def main_run(world: World) -> RunContext | None:
    return runs.session_run(world, None, None)


@pytest.mark.parametrize("document", CONFIGS, ids=range(len(CONFIGS)))
@pytest.mark.parametrize("key", ["agent:main:main", "agent:main:telegram:group:-100"])
def test_the_tools_are_those_that_the_gate_offers(document: dict[str, Any], key: str, tmp_path: Path) -> None:
    world = world_of(tmp_path, document)
    answer = asked(world, partial(runs.tools, run_of=lambda w: runs.session_run(w, key, None)), search=False)
    room = Room(tmp_path, document)
    run = runs.session_run(world, key, None)
    offered = room.gate.offered(run)
    assert answer.details["offered"] == [tool.name for tool in offered.tools]
    rows = {row["tool"]: row for row in answer.details["tools"]}
    for name, decision in offered.decisions.items():
        if rows[name]["allowed"] is decision.allowed:
            assert (rows[name]["rule"], rows[name]["key"]) == (
                decision.verdict.decided_by.rule,
                decision.verdict.decided_by.key,
            )
        else:  # the exec service would refuse every call
            assert (name, rows[name]["rule"]) == ("exec", "exec.security-deny")


def test_a_session_without_a_message_is_an_operators_unless_its_key_names_a_room(tmp_path: Path) -> None:
    world = world_of(tmp_path, {"agents": {"list": [{"id": "a"}, {"id": "b"}]}})
    own = runs.session_run(world, None, None)
    assert (own.agent_id, own.session_key) == ("a", "agent:a:main")
    assert own.requester.is_owner
    other = runs.session_run(world, "main", "b")
    assert (other.agent_id, other.session_key) == ("b", "agent:b:main")
    room = runs.session_run(world, "agent:b:slack:channel:c1", None)
    assert room.requester == Requester(
        channel="slack", source=Source.STRANGER, chat_type="channel", group_id="c1", mentioned=True
    )


def test_the_child_of_a_sandboxed_session_has_at_most_what_that_one_has(tmp_path: Path) -> None:
    document = {
        "agents": {"defaults": {"sandbox": {"mode": "non-main"}}},
        "tools": {"sandbox": {"tools": {"allow": ["read", "sessions_spawn"]}}},
    }
    world = world_of(tmp_path, document)
    store = tmp_path / "agents" / "main" / "sessions" / "sessions.json"
    store.parent.mkdir(parents=True)
    child = "agent:main:subagent:x"
    store.write_text(json.dumps({child: {"spawnedBy": "agent:main:telegram:group:-1"}}))
    run = runs.session_run(world, child, None)
    assert run.parent_sandboxed
    assert run.at_most == frozenset({"read"})
    assert asked(world, partial(runs.sandbox, run_of=lambda _w: run), search=False).allowed


def test_session_values_of_exec_count(tmp_path: Path) -> None:
    world = world_of(tmp_path, {})
    store = tmp_path / "agents" / "main" / "sessions" / "sessions.json"
    store.parent.mkdir(parents=True)
    store.write_text(json.dumps({"agent:main:main": {"execHost": "gateway", "execAsk": "always"}}))
    answer = asked(world, partial(runs.execution, run_of=main_run), search=False)
    assert answer.details == {
        "host": "gateway",
        "place": "gateway",
        "approvals": True,
        "security": "allowlist",
        "ask": "always",
        "allowlist": 0,
    }


def test_elevation_in_a_group_needs_a_mention(tmp_path: Path) -> None:
    document = {
        "channels": {"telegram": {"allowFrom": ["7"], "groups": {"-1": {"requireMention": False}}}},
        "tools": {"elevated": {"allowFrom": {"telegram": ["7"]}}},
    }
    world = world_of(tmp_path, document)
    for mention in (False, True):
        run = messages.hear(world, Message("telegram", "7", chat="-1", mention=mention)).run
        answer = asked(world, partial(runs.elevated, run_of=partial(_always, run)), search=False)
        assert answer.allowed is mention


def _always(run: RunContext | None, _world: World) -> RunContext | None:
    return run


@pytest.mark.parametrize("question", [runs.sandbox, runs.tools, runs.execution, runs.elevated])
def test_nothing_runs_for_a_message_that_is_not_delivered(question: Any, tmp_path: Path) -> None:
    answer = asked(world_of(tmp_path, {}), partial(question, run_of=lambda _world: None), search=False)
    assert (answer.allowed, answer.trail[0].rule) == (False, "not-admitted")
