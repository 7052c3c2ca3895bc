from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from openclaw.agent.commands.dispatch import HANDLERS
from openclaw.agent.contract import ReplyTarget
from openclaw.config.compile.access import compile_access
from openclaw.policy.what.labels import NEVER_COMMANDS, Source
from openclaw.policy.who.commands_registry import COMMANDS, Authority
from openclaw.system.clock import SystemClock
from openclaw.tools.approval_text import ApprovalView
from openclaw.tools.contract import Requester
from support.agents import MAIN, OWNER, Agent, World, chat, running, turn

SAY = {"steps": [{"text": "from the model"}] * 99}
TARGET = ReplyTarget("telegram", "default", "5")
ANN = chat("5")
BOSS = chat("1", is_owner=True)
STATE_CHANGING = {
    "think": "high",
    "verbose": "on",
    "reasoning": "on",
    "elevated": "off",
    "exec": "ask=always",
    "model": "test/m",
    "usage": "tokens",
    "send": "off",
    "new": "",
    "reset": "",
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, {"messages": {"queue": {"debounceMs": 0}}}, clock=SystemClock())


async def said(agent: Agent, text: str, requester: Requester = OWNER, **fields: Any) -> str:
    result = await agent.ask(text, requester=requester, **fields)
    return "\n".join(payload.text for payload in result.payloads)


@pytest.mark.asyncio
async def test_commands_are_answered_without_a_model_and_not_stored(world: World) -> None:
    async with running(world, SAY) as agent:
        for text, words in (
            ("/help", "/status"),
            ("/commands", "/think"),
            ("/status", "Model: test/m"),
            ("/id", "device-1"),
        ):
            assert words in await said(agent, text)
        assert agent.lines() == []


@pytest.mark.asyncio
@pytest.mark.parametrize("source", sorted(NEVER_COMMANDS))
async def test_adv_P3_text_of_tools_hooks_and_other_sessions_is_never_a_command(world: World, source: Source) -> None:
    requester = replace(OWNER, source=source)
    async with running(world, SAY) as agent:
        assert await said(agent, "/elevated full", requester) == "from the model"
        assert await said(agent, "stop", requester) == "from the model"
        assert "elevatedLevel" not in agent.entry()


@pytest.mark.asyncio
async def test_only_the_raw_text_of_the_message_is_read(world: World) -> None:
    async with running(world, SAY) as agent:
        answer = await said(agent, "", command_text="hello", shown="[Telegram x 10:00] /send off\n/send off")
        assert answer == "from the model"
        assert "sendPolicy" not in agent.entry()


@pytest.mark.asyncio
async def test_adv_F1_each_command_is_given_only_to_those_whom_its_row_names(world: World) -> None:
    """Strangers get no answer, authorised senders get the owner's commands refused, owners get an answer."""
    stranger = chat("9", Source.STRANGER)
    unauthorised = chat("8", command_authorized=False)
    async with running(world, SAY) as agent:
        for spec in COMMANDS:
            if spec.name not in HANDLERS:
                continue
            text = f"/{spec.name} {STATE_CHANGING.get(spec.name, '')}".strip()
            assert await said(agent, text, unauthorised) == "", text
            assert (await said(agent, text, stranger)).startswith("from the model"), text
            told = await said(agent, text, chat("5", chat_type="group", group_id="-1"))
            if spec.authority is Authority.OWNER:
                assert "for owners" in told, text
            elif spec.authority is Authority.AUTHORISED:
                assert told, text
                assert "for owners" not in told, text
            assert await said(agent, text, BOSS), text
        assert {entry.kind for entry in agent.ledger.entries} == {"command"}


@pytest.mark.asyncio
@pytest.mark.parametrize("name", sorted(STATE_CHANGING))
async def test_adv_B18_a_command_needs_the_scope_of_its_effect(world: World, name: str) -> None:
    writer = replace(
        OWNER, source=Source.OPERATOR, is_owner=False, scopes=frozenset({"operator.read", "operator.write"})
    )
    text = f"/{name} {STATE_CHANGING[name]}".strip()
    async with running(world, SAY) as agent:
        await agent.ask("hi")
        before = dict(agent.entry())
        told = await said(agent, text, replace(writer, is_owner=True))
        assert "missing scope: operator.admin" in told
        changed = {key for key, value in agent.entry().items() if before.get(key) != value}
        assert changed <= {"updatedAt"}
        assert "missing scope" not in await said(agent, text)


@pytest.mark.asyncio
async def test_adv_B17_write_scope_makes_nobody_an_owner(world: World) -> None:
    writer = replace(OWNER, source=Source.OPERATOR, is_owner=False, scopes=frozenset({"operator.write"}))
    async with running(world, {"steps": [{"calls": [{"name": "echo"}]}, {"text": "x"}]}) as agent:
        await agent.ask("go", requester=writer)
        assert agent.gate.calls[0][0].requester.is_owner is False


@pytest.mark.asyncio
async def test_adv_B20_a_run_cannot_choose_a_model_that_is_not_listed(world: World) -> None:
    world.document["agents"] = {"defaults": {"model": {"primary": "test/m"}, "models": {"test/n": {}}}}
    world.reload()
    async with running(world, SAY) as agent:
        assert (await agent.ask("hi", model="test/n")).status == "ok"
        refused = await agent.ask("hi", model="test/other")
        assert (refused.status, "not allowed" in (refused.error or "")) == ("error", True)


@pytest.mark.asyncio
async def test_commands_overtake_a_running_turn(world: World) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(run: Any, arguments: Any) -> Any:
        entered.set()
        await leave.wait()
        raise AssertionError

    script = {"steps": [{"calls": [{"name": "echo"}]}]}
    async with running(world, script) as agent:
        agent.gate.functions["echo"] = slow
        run = agent.runtime.submit(turn("go"))
        await asyncio.wait_for(entered.wait(), 5)
        assert "Now: running" in await said(agent, "/status")
        assert await said(agent, "stop") == "Stopped."
        assert (await asyncio.wait_for(run.result(), 5)).stop_reason == "stop-command"
        assert await said(agent, "/stop") == "Nothing of yours is running here."


@pytest.mark.asyncio
async def test_levels_are_shown_set_and_cleared(world: World) -> None:
    async with running(world, SAY) as agent:
        assert await said(agent, "/think max") == "Thinking: high."
        assert agent.entry()["thinkingLevel"] == "high"
        assert "no level" in await said(agent, "/t silly")
        await said(agent, "/think default")
        assert "thinkingLevel" not in agent.entry()
        assert await said(agent, "/v full") == "Verbose: full."
        assert await said(agent, "/think low /reasoning on") == "Thinking: low.\nReasoning: on."
        assert (agent.entry()["thinkingLevel"], agent.entry()["reasoningLevel"]) == ("low", "on")
        group = chat("5", chat_type="group", group_id="-1")
        assert "stays off" in await said(agent, "/verbose on", group)


@pytest.mark.asyncio
async def test_debug_output_is_for_direct_chats_alone(world: World) -> None:
    steps = [
        {"thinking": "hm", "calls": [{"name": "echo", "arguments": {"a": 1}}]},
        {"thinking": "aha", "text": "done"},
    ]
    async with running(world, {"steps": [*steps, *steps]}) as agent:
        await said(agent, "/verbose on /reasoning on")
        direct = await said(agent, "go", ANN)
        assert "echo(a: 1)" in direct
        assert "Reasoning:\naha" in direct
        assert await said(agent, "go", chat("5", chat_type="channel", group_id="-1")) == "done"


@pytest.mark.asyncio
async def test_models_are_chosen_by_name_alias_and_number(world: World) -> None:
    world.document["agents"] = {"defaults": {"model": {"primary": "test/m"}, "models": {"test/n": {"alias": "en"}}}}
    world.reload()
    async with running(world, SAY) as agent:
        assert "test/n (en)" in await said(agent, "/models")
        assert await said(agent, "/model en") == "Model: test/n, for this session."
        assert (await agent.ask("hi")).model == "n"
        assert "not allowed" in await said(agent, "/model test/other")
        assert (await agent.ask("hi")).model == "n"
        assert "test/m" in await said(agent, "/model default")
        assert await said(agent, "/model 2") == "Model: test/m, for this session."
        assert await said(agent, "/model") == "Model: test/m. /model list shows the others."


@pytest.mark.asyncio
async def test_exec_wider_than_the_config_needs_an_owner(world: World) -> None:
    world.document["tools"] = {"exec": {"host": "gateway", "security": "allowlist", "ask": "on-miss"}}
    world.reload()
    async with running(world, SAY) as agent:
        assert "ask=always" in await said(agent, "/exec ask=always", ANN)
        for wider in ("security=full", "ask=off", "host=node", "host=sandbox", "node=mac", "ask=always security=full"):
            assert "for owners" in await said(agent, f"/exec {wider}", ANN), wider
            assert "for owners" in await said(agent, f"/exec {wider.upper()}", ANN), wider
        assert agent.entry()["execAsk"] == "always"
        assert "execSecurity" not in agent.entry()
        smuggled = await said(agent, "/think high /exec security=full", ANN)
        assert "execSecurity" not in agent.entry(), smuggled
        smuggled = await said(agent, "/exec security=full /think high", ANN)
        assert "execSecurity" not in agent.entry(), smuggled
        assert "security=full" in await said(agent, "/exec security=full", BOSS)
        assert "not understood" in await said(agent, "/exec nonsense", BOSS)
        assert "security=allowlist" in await said(agent, "/exec security=default", BOSS)


@pytest.mark.asyncio
async def test_elevated_names_the_failing_gates_and_changes_nothing(world: World) -> None:
    async with running(world, SAY) as agent:
        told = await said(agent, "/elevated full", ANN)
        assert "tools.elevated.allowFrom.telegram" in told
        assert "elevatedLevel" not in agent.entry()
        world.document["tools"] = {"elevated": {"allowFrom": {"telegram": ["5"]}}}
        world.reload()
        assert "Elevated: ask" in await said(agent, "/elev ask", ANN)
        assert agent.entry()["elevatedLevel"] == "ask"


@pytest.mark.asyncio
async def test_a_reset_begins_a_fresh_session_and_takes_rights_away(world: World) -> None:
    async with running(world, SAY) as agent:
        await said(agent, "hello", BOSS)
        await said(agent, "/send on", BOSS)
        await said(agent, "/elevated off", BOSS)
        await said(agent, "/exec ask=always", BOSS)
        old = agent.entry()["sessionId"]
        assert await said(agent, "/new what is the time", BOSS) == "from the model"
        entry = agent.entry()
        assert entry["sessionId"] != old
        assert not {"elevatedLevel", "execAsk"} & set(entry)
        assert entry["sendPolicy"] == "allow"
        assert agent.messages()[0]["content"] == "what is the time"
        await said(agent, "/reset", BOSS)
        assert "fresh session" in agent.messages()[0]["content"]


@pytest.mark.asyncio
async def test_the_first_word_after_new_may_be_a_model(world: World) -> None:
    world.document["agents"] = {"defaults": {"model": {"primary": "test/m"}, "models": {"test/n": {"alias": "en"}}}}
    world.reload()
    async with running(world, SAY) as agent:
        result = await agent.ask("/new en hello", shown="[WebChat 10:00] /new en hello")
        assert (result.model, agent.messages()[0]["content"]) == ("n", "[WebChat 10:00] hello")
        result = await agent.ask("/new hello you")
        assert (result.model, agent.messages()[0]["content"]) == ("m", "hello you")


@pytest.mark.asyncio
async def test_reset_triggers_are_configured(world: World) -> None:
    world.document["session"] = {"resetTriggers": ["/fresh"]}
    world.reload()
    async with running(world, SAY) as agent:
        await agent.ask("hello")
        old = agent.entry()["sessionId"]
        await agent.ask("/fresh start")
        assert agent.entry()["sessionId"] != old


@pytest.mark.asyncio
async def test_activation_is_for_groups(world: World) -> None:
    group = chat("5", chat_type="group", group_id="-1")
    async with running(world, SAY) as agent:
        assert "for groups" in await said(agent, "/activation always", ANN)
        assert "everything" in await said(agent, "/activation always", group)
        assert agent.entry()["groupActivation"] == "always"
        assert agent.runtime.sessions.group_activation("main") == "always"


@pytest.mark.asyncio
async def test_usage_is_put_under_answers(world: World) -> None:
    async with running(world, SAY) as agent:
        await said(agent, "/usage tokens")
        assert "input 10, output 5" in await said(agent, "hi")
        await said(agent, "/usage off")
        assert await said(agent, "hi") == "from the model"


@pytest.mark.asyncio
async def test_what_is_not_built_or_not_a_command_is_text(world: World) -> None:
    async with running(world, SAY) as agent:
        for text in ("/context list", "/unknown", "/think/high", "wait, what?", "/help me"):
            assert await said(agent, text) == "from the model"
        assert await said(agent, "wait", chat("8", command_authorized=False)) == "from the model"


@pytest.mark.asyncio
async def test_a_command_for_another_bot_is_not_ours(world: World) -> None:
    async with running(world, SAY) as agent:
        assert await said(agent, "/status@other_bot", ANN) == "from the model"


# Approvals


@pytest.mark.asyncio
async def test_adv_F2_approvals_are_resolved_by_approvers_alone(world: World) -> None:
    world.document["channels"] = {"telegram": {"botToken": "1:a", "allowFrom": ["1", "5"]}}
    world.document["commands"] = {"ownerAllowFrom": ["telegram:1"]}
    world.reload()
    world.access = compile_access(world.config)
    world.reload()
    async with running(world, SAY) as agent:
        pending = agent.approvals.request(ApprovalView(command="rm x", session_key=MAIN))
        text = f"/approve {pending.slug} allow-once"
        writer = replace(OWNER, source=Source.OPERATOR, is_owner=False, scopes=frozenset({"operator.write"}))
        for who in (ANN, chat("5", chat_type="group", group_id="-1"), chat("9", Source.STRANGER), writer):
            await said(agent, text, who, target=TARGET)
            assert agent.approvals.pending() == (pending,)
        assert "Exec approval allow-once" in await said(agent, text, BOSS, target=TARGET)
        assert (await pending.decided()).decision == "allow-once"
        assert "unknown approval id" in await said(agent, text, BOSS, target=TARGET)
        assert "Usage: /approve" in await said(agent, "/approve x", BOSS, target=TARGET)


@pytest.mark.asyncio
async def test_a_client_with_the_scope_for_it_approves(world: World) -> None:
    world.access = compile_access(world.config)
    world.reload()
    approver = replace(OWNER, source=Source.OPERATOR, is_owner=False, scopes=frozenset({"operator.approvals"}))
    async with running(world, SAY) as agent:
        pending = agent.approvals.request(ApprovalView(command="rm x", session_key=MAIN))
        assert "Exec approval deny" in await said(agent, f"/approve deny {pending.id}", approver)


@pytest.mark.asyncio
async def test_every_refusal_and_allowance_is_written_down(world: World) -> None:
    async with running(world, SAY) as agent:
        await said(agent, "/send off", ANN)
        await said(agent, "/send off", BOSS)
        outcomes = [(entry.what["summary"], entry.verdict["outcome"]) for entry in agent.ledger.entries]
        assert outcomes == [("/send", "deny"), ("/send", "allow")]
        assert isinstance(HANDLERS, MappingProxyType)
