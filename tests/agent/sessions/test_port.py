from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from openclaw.agent.sessions.port import SessionsForTools
from openclaw.agent.sessions.stores import Sessions
from openclaw.system.errors import InvalidInput, NotFound
from openclaw.tools.contract import RunContext, SessionsPort
from support.agents import MAIN, OWNER, World, chat

PEER_A, PEER_B = "agent:main:telegram:direct:5", "agent:main:telegram:direct:6"
CHILD = "agent:main:subagent:0000"
SIBLING = "agent:main:subagent:1111"
OTHER = "agent:work:main"
ENTRIES = {
    MAIN: {"sessionId": "id-main"},
    PEER_A: {"sessionId": "id-a"},
    PEER_B: {"sessionId": "id-b"},
    CHILD: {"sessionId": "id-child", "spawnedBy": PEER_A},
    SIBLING: {"sessionId": "id-sibling", "spawnedBy": PEER_A},
    OTHER: {"sessionId": "id-work"},
}


@asynccontextmanager
async def port(tmp_path: Path, **document: Any) -> AsyncIterator[SessionsForTools]:
    by_agent: dict[str, dict[str, Any]] = {}
    for number, (key, entry) in enumerate(ENTRIES.items()):
        by_agent.setdefault(key.split(":")[1], {})[key] = {**entry, "updatedAt": 1_790_000_000_000 - number}
    for agent, entries in by_agent.items():
        folder = tmp_path / "agents" / agent / "sessions"
        folder.mkdir(parents=True)
        (folder / "sessions.json").write_text(json.dumps(entries))
    agents = document.pop("agents", {})
    world = World(
        tmp_path, {"agents": {"list": [{"id": "main", "default": True}, {"id": "work"}], **agents}, **document}
    )
    store = Sessions(world.settings, world.policy, world.clock, world.tasks)
    await store.refresh_all()
    async with world.registry() as registry:
        found: SessionsPort = SessionsForTools(world.settings, world.policy, store, registry, world.clock)
        assert isinstance(found, SessionsForTools)
        yield found
        await store.close()


def run(key: str, **fields: Any) -> RunContext:
    return RunContext(
        run_id="r",
        agent_id=key.split(":")[1],
        session_key=key,
        session_id=str(ENTRIES[key]["sessionId"]),
        requester=fields.pop("requester", chat("5")),
        provider=None,
        model=None,
        workspace=Path("/w"),
        **fields,
    )


def keys(rows: list[dict[str, Any]]) -> list[str]:
    return [row["key"] for row in rows]


@pytest.mark.asyncio
async def test_the_main_session_sees_its_agent_and_a_peer_sees_its_own_tree(tmp_path: Path) -> None:
    async with port(tmp_path) as found:
        assert keys(found.rows(run(MAIN), limit=None, active_minutes=None)) == [MAIN, PEER_A, PEER_B, CHILD, SIBLING]
        assert keys(found.rows(run(PEER_A), limit=None, active_minutes=None)) == [PEER_A, CHILD, SIBLING]
        assert keys(found.rows(run(PEER_B), limit=1, active_minutes=None)) == [PEER_B]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "target", [PEER_A, "id-a", SIBLING, "id-sibling", MAIN, "main", "id-main", OTHER, "id-work", "nowhere"]
)
async def test_adv_G2_a_sub_agent_finds_neither_parent_nor_sibling_nor_others(tmp_path: Path, target: str) -> None:
    async with port(tmp_path) as found:
        caller = run(CHILD, spawned_by=PEER_A)
        for ask in (
            lambda: found.history(caller, target, limit=None, include_tools=False),
            lambda: found.status(caller, target),
            lambda: found.set_model(caller, target, "offline/demo"),
        ):
            with pytest.raises(NotFound, match="No session found"):
                ask()


@pytest.mark.asyncio
async def test_adv_G2_a_sandboxed_session_sees_only_what_it_started(tmp_path: Path) -> None:
    async with port(tmp_path, agents={"defaults": {"sandbox": {"mode": "all"}}}) as found:
        assert keys(found.rows(run(MAIN), limit=None, active_minutes=None)) == [MAIN]
        assert keys(found.rows(run(PEER_A), limit=None, active_minutes=None)) == [PEER_A, CHILD, SIBLING]


@pytest.mark.asyncio
async def test_other_agents_are_seen_only_where_both_are_named(tmp_path: Path) -> None:
    tools = {"sessions": {"visibility": "all"}, "agentToAgent": {"enabled": True, "allow": ["main", "work"]}}
    async with port(tmp_path, tools=tools) as found:
        assert OTHER in keys(found.rows(run(MAIN), limit=None, active_minutes=None))


@pytest.mark.asyncio
async def test_history_leaves_tools_out_unless_asked_for(tmp_path: Path) -> None:
    lines = [
        {"type": "session", "version": 3, "id": "id-a"},
        {"type": "message", "id": "1", "parentId": None, "message": {"role": "user", "content": "[T 10:00] hi"}},
        {
            "type": "message",
            "id": "2",
            "parentId": "1",
            "message": {"role": "assistant", "content": [{"type": "toolCall", "id": "c", "name": "x"}]},
        },
        {
            "type": "message",
            "id": "3",
            "parentId": "2",
            "message": {"role": "toolResult", "toolCallId": "c", "content": []},
        },
        {
            "type": "message",
            "id": "4",
            "parentId": "3",
            "message": {"role": "assistant", "content": [{"type": "text", "text": "yes"}]},
        },
    ]
    async with port(tmp_path) as found:
        path = tmp_path / "agents/main/sessions/id-a.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        short = found.history(run(MAIN), "id-a", limit=None, include_tools=False)
        assert [message["role"] for message in short["messages"]] == ["user", "assistant"]
        assert short["messages"][0]["content"] == "hi"
        whole = found.history(run(MAIN), PEER_A, limit=2, include_tools=True)
        assert [message["role"] for message in whole["messages"]] == ["toolResult", "assistant"]
        assert whole["truncated"] is True


@pytest.mark.asyncio
async def test_a_session_looks_after_itself(tmp_path: Path) -> None:
    async with port(tmp_path) as found:
        caller = run(PEER_A)
        found.set_model(caller, None, "offline/demo")
        card = found.status(caller, None)
        assert card["model"] == "offline/demo"
        assert "offline/demo" in card["text"]
        assert "transcriptPath" not in card
        assert "transcriptPath" in found.status(run(PEER_A, requester=OWNER), None)
        found.set_model(caller, PEER_A, "default")
        with pytest.raises(InvalidInput, match="nowhere"):
            found.set_model(caller, None, "nowhere/x")
