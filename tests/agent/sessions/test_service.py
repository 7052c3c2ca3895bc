from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from openclaw.agent.contract import ReplyTarget
from openclaw.agent.sessions import rows
from openclaw.system.clock import SystemClock
from openclaw.system.errors import InvalidInput, NotFound, Unavailable
from support.agents import MAIN, OWNER, Agent, World, chat, running, turn

SAY = {"steps": [{"text": "an answer"}] * 50}
PEER = "agent:main:telegram:direct:5"
GROUP = "agent:main:telegram:group:-100"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, clock=SystemClock())


async def call(agent: Agent, name: str, *arguments: Any) -> Any:
    found = getattr(agent.runtime.sessions, name)(*arguments)
    return await found if inspect.isawaitable(found) else found


def stored(path: str) -> Any:
    return json.loads(Path(path).read_text())


async def three(agent: Agent) -> None:
    await agent.ask("hello main")
    await agent.ask("hello from ann", key=PEER, requester=chat("5"), target=ReplyTarget("telegram", "default", "5"))
    group = ReplyTarget("telegram", "default", "-100", chat_type="group")
    who = chat("5", chat_type="group", group_id="-100", group_channel="Friends")
    await agent.ask("hello from the group", key=GROUP, requester=who, target=group)


@pytest.mark.asyncio
async def test_sessions_are_listed_newest_first_with_their_facts(world: World) -> None:
    async with running(world, SAY) as agent:
        await three(agent)
        answer = await call(agent, "list", {})
        assert [row["key"] for row in answer["sessions"]] == [GROUP, PEER, MAIN]
        assert [row["kind"] for row in answer["sessions"]] == ["group", "direct", "direct"]
        assert answer["count"] == 3
        assert answer["defaults"] == {"modelProvider": "test", "model": "m", "contextTokens": 200_000}
        assert answer["path"].endswith("agents/main/sessions/sessions.json")
        group = answer["sessions"][0]
        assert (group["displayName"], group["lastTo"], group["totalTokens"]) == ("Friends", "-100", 15)
        assert group["contextTokens"] == 200_000
        assert group["systemSent"] is True
        assert group["abortedLastRun"] is False


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("budget", "own", "theirs"),
    [(None, 4_000, 1_000_000), (50_000, 50_000, 50_000)],
)
async def test_what_fits_is_the_window_of_the_model_in_use_unless_the_config_sets_a_budget(
    world: World, budget: int | None, own: int, theirs: int
) -> None:
    small = {"id": "m", "name": "m", "contextWindow": 4_000}
    world.document["models"] = {"providers": {"test": {"baseUrl": "http://127.0.0.1:1/v1", "models": [small]}}}
    if budget is not None:
        world.document["agents"] = {"defaults": {"contextTokens": budget, "model": {"primary": "test/m"}}}
    world.reload()
    async with running(world, SAY) as agent:
        await agent.ask("hello")
        await agent.runtime.store.ready(PEER)
        other = {"modelOverride": "gemini-3-pro-preview", "providerOverride": "google"}
        (await agent.runtime.store.ready(PEER)).merge(PEER, other)
        answer = await call(agent, "list", {})
        assert answer["defaults"]["contextTokens"] == own
        assert {row["key"]: row["contextTokens"] for row in answer["sessions"]} == {MAIN: own, PEER: theirs}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("params", "keys"),
    [
        ({"limit": 1}, [GROUP]),
        ({"search": "friends"}, [GROUP]),
        ({"search": "direct:5"}, [PEER]),
        ({"agentId": "other"}, []),
        ({"label": "x"}, []),
        ({"activeMinutes": 5}, [GROUP, PEER, MAIN]),
    ],
)
async def test_the_list_is_filtered(world: World, params: dict[str, Any], keys: list[str]) -> None:
    async with running(world, SAY) as agent:
        await three(agent)
        answer = await call(agent, "list", params)
        assert [row["key"] for row in answer["sessions"]] == keys
        assert answer["count"] == len(keys)


@pytest.mark.asyncio
async def test_a_list_is_answered_at_once_when_nothing_changed_on_the_disk(world: World) -> None:
    async with running(world, SAY) as agent:
        await three(agent)
        await call(agent, "list", {})
        assert isinstance(agent.runtime.sessions.list({}), dict)
        await agent.ask("again")
        answer = await call(agent, "list", {})
        assert answer["sessions"][0]["key"] == MAIN


@pytest.mark.asyncio
async def test_titles_and_last_messages_come_when_asked_for(world: World) -> None:
    async with running(world, SAY) as agent:
        await three(agent)
        answer = await call(agent, "list", {"includeDerivedTitles": True, "includeLastMessage": True})
        by_key = {row["key"]: row for row in answer["sessions"]}
        assert by_key[PEER]["derivedTitle"] == "hello from ann"
        assert by_key[PEER]["lastMessagePreview"] == "an answer"


def test_runs_of_cron_jobs_and_reserved_keys_are_left_out() -> None:
    entry = {"sessionId": "s", "updatedAt": 1}
    assert not rows.matches("agent:main:cron:job:run:1", entry, {}, 0)
    assert rows.matches("agent:main:cron:job", entry, {}, 0)
    assert not rows.matches("global", entry, {}, 0)
    assert rows.matches("global", entry, {"includeGlobal": True}, 0)
    assert not rows.matches("unknown", entry, {}, 0)


@pytest.mark.asyncio
async def test_previews_are_short_lines(world: World) -> None:
    async with running(world, SAY) as agent:
        await agent.ask("x" * 500)
        answer = await call(agent, "preview", {"keys": ["main", "nowhere"], "maxChars": 30})
        one, two = answer["previews"]
        assert one["status"] == "ok"
        assert [item["role"] for item in one["items"]] == ["user", "assistant"]
        assert len(one["items"][0]["text"]) == 30
        assert two == {"key": "nowhere", "status": "missing", "items": []}


@pytest.mark.asyncio
async def test_a_session_is_found_by_exactly_one_of_key_id_and_label(world: World) -> None:
    async with running(world, SAY) as agent:
        await three(agent)
        await call(agent, "patch", {"key": PEER, "label": "Ann"})
        session_id = agent.entry(PEER)["sessionId"]
        for params in ({"key": PEER}, {"sessionId": session_id}, {"label": "Ann"}):
            assert await call(agent, "resolve", params) == {"ok": True, "key": PEER}
        with pytest.raises(NotFound, match="No session found"):
            await call(agent, "resolve", {"label": "Bob"})
        with pytest.raises(InvalidInput, match="exactly one"):
            await call(agent, "resolve", {"label": "Ann", "key": PEER})


@pytest.mark.asyncio
async def test_a_patch_sets_and_clears_and_says_which_model_follows(world: World) -> None:
    async with running(world, SAY) as agent:
        patch = {"key": "main", "thinkingLevel": "high", "execAsk": "always", "sendPolicy": "deny", "model": "test/n"}
        answer = await call(agent, "patch", patch)
        assert answer["key"] == MAIN
        assert answer["resolved"] == {"modelProvider": "test", "model": "n"}
        assert answer["entry"]["thinkingLevel"] == "high"
        assert stored(answer["path"])[MAIN]["sendPolicy"] == "deny"
        assert agent.runtime.sessions.send_override("main") == "deny"
        cleared = await call(agent, "patch", {"key": "main", "sendPolicy": None, "model": None})
        assert "sendPolicy" not in cleared["entry"]
        assert cleared["resolved"]["model"] == "m"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("patch", "words"),
    [
        ({"execHost": "mars"}, "execHost"),
        ({"thinkingLevel": "very"}, "thinkingLevel"),
        ({"label": "x" * 65}, "label"),
        ({"label": "  "}, "label"),
        ({"spawnedBy": MAIN}, "spawnedBy"),
        ({"spawnedBy": None}, "spawnedBy"),
        ({"sessionFile": "/etc/passwd"}, "sessionFile"),
        ({"sessionId": "../x"}, "sessionId"),
        ({"model": "nowhere/x"}, "nowhere"),
    ],
)
async def test_adv_G1_a_patch_takes_only_what_it_knows(world: World, patch: dict[str, Any], words: str) -> None:
    async with running(world, SAY) as agent:
        with pytest.raises(InvalidInput, match=words):
            await call(agent, "patch", {"key": "main", **patch})


@pytest.mark.asyncio
async def test_labels_are_unique(world: World) -> None:
    async with running(world, SAY) as agent:
        await call(agent, "patch", {"key": "main", "label": "mine"})
        await call(agent, "patch", {"key": "main", "label": "mine"})
        with pytest.raises(InvalidInput, match="label already in use: mine"):
            await call(agent, "patch", {"key": PEER, "label": "mine"})


@pytest.mark.asyncio
async def test_a_reset_keeps_levels_and_label_and_takes_elevation(world: World) -> None:
    async with running(world, SAY) as agent:
        await three(agent)
        await call(agent, "patch", {"key": PEER, "label": "Ann", "thinkingLevel": "high", "elevatedLevel": "full"})
        old = agent.entry(PEER)["sessionId"]
        answer = await call(agent, "reset", {"key": PEER})
        entry = answer["entry"]
        assert entry["sessionId"] != old
        assert (entry["label"], entry["thinkingLevel"], entry["lastTo"]) == ("Ann", "high", "5")
        assert not {"elevatedLevel", "totalTokens"} & set(entry)


@pytest.mark.asyncio
async def test_a_deleted_session_leaves_its_transcript_renamed(world: World) -> None:
    async with running(world, SAY) as agent:
        await three(agent)
        path = agent.runtime.store.path(PEER, agent.entry(PEER))
        answer = await call(agent, "delete", {"key": PEER})
        assert answer["deleted"] is True
        assert not path.exists()
        assert Path(answer["archived"][0]).name.startswith(f"{path.name}.deleted.")
        assert agent.entry(PEER) == {}
        again = await call(agent, "delete", {"key": PEER})
        assert (again["deleted"], again["archived"]) == (False, [])
        with pytest.raises(InvalidInput, match="Cannot delete the main session"):
            await call(agent, "delete", {"key": "main"})


@pytest.mark.asyncio
async def test_an_active_session_is_not_deleted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.agent.sessions.service.DELETE_WAIT_SECONDS", 0.05)
    entered = asyncio.Event()

    async def hang(run: Any, arguments: Mapping[str, Any]) -> Any:
        entered.set()
        await asyncio.Event().wait()

    async with running(world, {"steps": [{"calls": [{"name": "echo"}]}]}) as agent:
        agent.gate.functions["echo"] = hang
        agent.runtime.submit(turn("go", key=PEER))
        await asyncio.wait_for(entered.wait(), 5)
        with pytest.raises(Unavailable, match="still active"):
            await call(agent, "delete", {"key": PEER})


@pytest.mark.asyncio
async def test_history_is_oldest_first_without_our_envelope(world: World) -> None:
    shown = "[Telegram Ann id:5 Tue 2026-11-24 05:55 UTC] hello\nthere\n[from: Ann id:5]\n[message_id: 3]"
    async with running(world, SAY) as agent:
        await agent.ask("hello there", shown=shown)
        await agent.ask("second")
        answer = await call(agent, "history", "main", 200)
        assert answer["sessionKey"] == MAIN
        assert answer["sessionId"] == agent.entry()["sessionId"]
        assert [message["role"] for message in answer["messages"]] == ["user", "assistant"] * 2
        assert answer["messages"][0]["content"] == "hello\nthere"
        assert (await call(agent, "history", "main", 1))["messages"][0]["role"] == "assistant"
        assert (await call(agent, "history", "nowhere", 10))["messages"] == []


@pytest.mark.asyncio
async def test_history_is_cut_at_its_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.agent.sessions.service.MAX_HISTORY_BYTES", 5000)
    async with running(world, SAY) as agent:
        for number in range(6):
            await agent.ask(f"{number} " + "x" * 1500)
        answer = await call(agent, "history", "main", 200)
        assert answer["messages"][-1]["role"] == "assistant"
        assert len(json.dumps(answer["messages"])) < 6000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[Sun 2026-11-22 20:49 UTC] hi", "hi"),
        ("[note] hi", "[note] hi"),
        ("plain", "plain"),
        (
            "[Chat messages since]\nx\n\n[Current message - respond to this]\n[T 10:00] hi\n[from: A]",
            "hi",
        ),
    ],
)
def test_envelopes_are_taken_off(text: str, expected: str) -> None:
    assert rows.without_envelope(text) == expected


@pytest.mark.asyncio
async def test_an_injected_message_is_no_models(world: World) -> None:
    async with running(world, SAY) as agent:
        with pytest.raises(NotFound, match="session not found"):
            await call(agent, "inject", "main", "hello", None)
        await agent.ask("hi")
        line_id = await call(agent, "inject", "main", "hello", " note ")
        line = agent.lines()[-1]
        assert line["id"] == line_id
        assert line["message"]["content"] == [{"type": "text", "text": "[note]\n\nhello"}]
        assert (line["message"]["provider"], line["message"]["model"]) == ("openclaw", "gateway-injected")
        assert (await agent.ask("go on")).status == "ok"


@pytest.mark.asyncio
async def test_keys_and_defaults(world: World) -> None:
    async with running(world, SAY) as agent:
        service = agent.runtime.sessions
        assert service.canonical("Main") == MAIN
        assert service.canonical("telegram:dm:5") == PEER
        assert service.defaults() == {
            "defaultAgentId": "main",
            "mainKey": "main",
            "mainSessionKey": MAIN,
            "scope": "per-sender",
        }
        assert service.verbose_level(MAIN) == "off"
        assert agent.runtime.agents_list() == {
            "defaultId": "main",
            "mainKey": "main",
            "scope": "per-sender",
            "agents": [{"id": "main"}],
        }
        assert [row["id"] for row in agent.runtime.models_list()] == ["m", "demo"]


@pytest.mark.asyncio
async def test_one_session_for_all_when_the_scope_is_global(world: World) -> None:
    world.document["session"] = {"scope": "global"}
    world.reload()
    async with running(world, SAY) as agent:
        await agent.ask("hi", requester=OWNER)
        assert agent.runtime.store.entry("global") is not None
        answer = await call(agent, "list", {"includeGlobal": True})
        assert [row["kind"] for row in answer["sessions"]] == ["global"]
