from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from openclaw.agent.context import INTERRUPTED
from openclaw.agent.contract import ModelEvent, ModelRequest, ReplyTarget, Stop, TextDelta
from openclaw.policy.what.labels import Integrity, Provenance, Source
from openclaw.system.clock import SystemClock
from openclaw.system.secret import Secret
from openclaw.tools.contract import RunContext, ToolResult
from support.agents import MAIN, OWNER, FakeGate, World, chat, echo, running, turn

SAY = {"steps": [{"text": "hello there", "pieces": 3}]}
CALL = {
    "steps": [{"text": "let me see", "calls": [{"id": "c1", "name": "echo", "arguments": {"a": 1}}]}, {"text": "done"}]
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, clock=SystemClock())


@pytest.mark.asyncio
async def test_a_turn_is_written_and_told(world: World) -> None:
    async with running(world, SAY) as agent:
        result = await agent.ask("hi", run_id="r1", inbound_ids=(7,))
        assert [payload.text for payload in result.payloads] == ["hello there"]
        assert (result.status, result.stop_reason, result.provider, result.model) == ("ok", "stop", "test", "m")
        user, answer = agent.lines()
        assert user["message"]["content"] == "hi"
        assert user["inboundIds"] == [7]
        assert user["provenance"] == {
            "source": "owner",
            "channel": "webchat",
            "accountId": "default",
            "senderId": "device-1",
            "runId": "r1",
        }
        assert answer["message"]["stopReason"] == "stop"
        assert answer["provenance"] == {"source": "model", "runId": "r1"}
        assert answer["message"]["usage"]["totalTokens"] == 15
        events = agent.sink.of("r1")
        assert [event.seq for event in events] == list(range(1, len(events) + 1))
        assert events[0].data["phase"] == "start"
        assert events[-1].data["phase"] == "end"
        assert [event.data["text"] for event in events if event.stream == "assistant"] == [
            "hell",
            "hello th",
            "hello there",
        ]
        entry = agent.entry()
        assert (entry["modelProvider"], entry["model"], entry["totalTokens"]) == ("test", "m", 15)
        assert agent.finished[0][1] is result


@pytest.mark.asyncio
async def test_tools_are_called_through_the_gate_and_results_stored_with_their_label(world: World) -> None:
    async with running(world, CALL) as agent:
        result = await agent.ask("go", run_id="r1")
        assert [payload.text for payload in result.payloads] == ["let me see", "done"]
        ((run, label, name, arguments, call_id),) = agent.gate.calls
        assert (name, arguments, call_id) == ("echo", {"a": 1}, "c1")
        assert (run.session_key, run.provider, run.model, run.requester) == (MAIN, "test", "m", OWNER)
        assert label.integrity is Integrity.OWNER
        stored = agent.lines()[2]
        assert stored["message"]["role"] == "toolResult"
        assert stored["message"]["content"] == [{"type": "text", "text": '{"a": 1}'}]
        assert stored["provenance"]["source"] == "tool"
        phases = [event.data["phase"] for event in agent.sink.of("r1", "tool")]
        assert phases == ["start", "update", "result"]
        assert agent.sink.text("r1") == "let me see\n\ndone"


@pytest.mark.asyncio
async def test_the_run_label_falls_with_what_enters_its_context(world: World) -> None:
    async def web(run: RunContext, arguments: Mapping[str, Any]) -> ToolResult:
        return ToolResult(content=({"type": "text", "text": "page"},), provenance=Provenance(source=Source.WEB))

    script = {
        "steps": [{"calls": [{"name": "fetch"}]}, {"calls": [{"name": "fetch"}, {"name": "fetch"}]}, {"text": "ok"}]
    }
    async with running(world, script, FakeGate({"fetch": web})) as agent:
        await agent.ask("go")
        await agent.ask("again")
        assert [call[1].integrity for call in agent.gate.calls] == [
            Integrity.OWNER,
            Integrity.UNTRUSTED,
            Integrity.UNTRUSTED,
        ]
        answers = [line for line in agent.lines() if line["message"]["role"] == "assistant"]
        assert [answer["label"]["integrity"] for answer in answers] == ["owner", "untrusted", "untrusted", "untrusted"]


@pytest.mark.asyncio
async def test_a_reset_clears_the_label(world: World) -> None:
    async with running(world, {"steps": [{"text": "a"}]}) as agent:
        await agent.ask("hi", requester=chat("9", Source.STRANGER))
        await agent.ask("/new hello")
        (answer,) = [line for line in agent.lines() if line["message"]["role"] == "assistant"]
        assert answer["label"]["integrity"] == "owner"


@pytest.mark.asyncio
async def test_joined_origins_are_kept_as_a_list(world: World) -> None:
    origins = (Provenance(Source.OWNER), Provenance(Source.STRANGER, sender_id="5"))
    async with running(world, SAY) as agent:
        await agent.ask("hi", provenance=origins)
        assert [item["source"] for item in agent.lines()[0]["provenance"]] == ["owner", "stranger"]
        assert agent.lines()[1]["label"]["integrity"] == "untrusted"


@pytest.mark.asyncio
async def test_silence_is_no_answer_and_is_never_shown(world: World) -> None:
    async with running(world, {"steps": [{"text": "NO_REPLY", "pieces": 4}]}) as agent:
        result = await agent.ask("hi", run_id="r1")
        assert result.payloads == ()
        assert result.status == "ok"
        assert agent.sink.of("r1", "assistant") == []


@pytest.mark.asyncio
async def test_a_failure_is_one_clear_line_for_the_owner_and_no_detail_for_others(world: World) -> None:
    script = {"steps": [{"fail": {"kind": "auth", "message": "test refused the credential at http://10.0.0.5."}}] * 2}
    async with running(world, script) as agent:
        owner = await agent.ask("hi", run_id="r1")
        assert (owner.status, owner.error) == ("error", "test refused the credential at http://10.0.0.5.")
        other = await agent.ask("hi", requester=chat("9"))
        assert other.error is not None
        assert "10.0.0.5" not in other.error
        assert agent.sink.of("r1")[-1].data["phase"] == "error"
        assert agent.messages()[1]["stopReason"] == "error"


@pytest.mark.asyncio
async def test_a_model_without_key_is_an_error_that_names_what_to_set(world: World) -> None:
    world.document = {"agents": {"defaults": {"model": {"primary": "openai/gpt-5.2"}}}}
    world.reload()
    async with running(world) as agent:
        result = await agent.ask("hi")
        assert result.status == "error"
        assert "OPENAI_API_KEY" in (result.error or "")
        assert [message["role"] for message in agent.messages()] == ["user"]


@pytest.mark.asyncio
async def test_a_newcomer_is_answered_offline_and_finds_a_workspace(world: World) -> None:
    async with running(world) as agent:
        result = await agent.ask("hello")
        assert "offline model" in result.payloads[0].text
        assert (world.root / ".openclaw" / "workspace" / "AGENTS.md").exists()


class Hanging:
    """Says something, then hangs until it is stopped."""

    def __init__(self) -> None:
        self.speaking = asyncio.Event()
        self.closed = asyncio.Event()

    async def stream(self, request: ModelRequest, credential: Secret | None) -> AsyncIterator[ModelEvent]:
        try:
            yield TextDelta("half an ans")
            self.speaking.set()
            await asyncio.Event().wait()
            yield Stop("stop")
        finally:
            self.closed.set()


@pytest.mark.asyncio
async def test_a_stopped_run_keeps_what_was_said(world: World) -> None:
    model = Hanging()
    async with running(world, model) as agent:
        run = agent.runtime.submit(turn("hi", run_id="r1"))
        await asyncio.wait_for(model.speaking.wait(), 5)
        assert agent.runtime.abort("main", stop_reason="rpc") == ("r1",)
        result = await asyncio.wait_for(run.result(), 5)
        assert model.closed.is_set()
        assert (result.status, result.stop_reason) == ("aborted", "rpc")
        assert result.payloads == ()
        assert agent.sink.text("r1") == "half an ans"
        assert agent.messages()[-1]["stopReason"] == "aborted"
        assert agent.entry()["abortedLastRun"] is True
        end = agent.sink.of("r1")[-1].data
        assert (end["aborted"], end["stopReason"]) == (True, "rpc")
    async with running(world, SAY) as agent:
        await agent.ask("go on")
        assert "abortedLastRun" not in agent.entry()


@pytest.mark.asyncio
async def test_a_run_has_a_time_limit(world: World) -> None:
    model = Hanging()
    async with running(world, model) as agent:
        result = await agent.ask("hi", timeout_seconds=0.2)
        assert (result.status, result.stop_reason) == ("timeout", "timeout")
        assert "agents.defaults.timeoutSeconds" in (result.error or "")
        assert agent.messages()[-1]["stopReason"] == "aborted"


@pytest.mark.asyncio
async def test_adv_Q5_a_run_that_never_comes_to_an_end_is_ended(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.agent.model_loop.MAX_REQUESTS", 5)
    script = {"steps": [{"calls": [{"name": "echo", "arguments": {"n": n}}]} for n in range(50)]}
    async with running(world, script) as agent:
        result = await agent.ask("loop")
        assert result.status == "error"
        assert "5 model requests" in (result.error or "")
        assert len(agent.gate.calls) == 5


@pytest.mark.asyncio
async def test_adv_Q5_a_provider_that_always_overflows_stops_at_the_cap(world: World) -> None:
    script = {"steps": [{"fail": {"kind": "overflow", "message": "too long"}}]}
    async with running(world, script) as agent:
        result = await agent.ask("hi")
        assert (result.status, result.error) == ("error", "too long")


@pytest.mark.asyncio
async def test_adv_Q6_an_oversized_prompt_is_refused(world: World) -> None:
    async with running(world, SAY) as agent:
        result = await agent.ask("x" * 2_000_000)
        assert result.status == "error"
        assert "longer than" in (result.error or "")
        assert agent.messages() == []


@pytest.mark.asyncio
async def test_the_agent_is_that_of_the_session(world: World) -> None:
    world.document["agents"] = {"list": [{"id": "main"}, {"id": "work"}]}
    async with running(world, SAY) as agent:
        await agent.ask("hi", key="agent:work:main", agent_id="main")
        assert (world.root / "agents/work/sessions/sessions.json").exists()
        assert "agent:work:main" not in agent.runtime.store.store("main").entries


@pytest.mark.asyncio
async def test_the_same_refused_call_ends_the_run(world: World) -> None:
    script = {"steps": [{"calls": [{"name": "secret", "arguments": {"x": 1}}]} for _ in range(20)]}
    async with running(world, script) as agent:
        result = await agent.ask("go")
        assert result.status == "error"
        assert len(agent.gate.calls) == 5
        texts = [message["content"][-1]["text"] for message in agent.messages() if message["role"] == "toolResult"]
        assert "Stop trying" not in texts[1]
        assert "Stop trying" in texts[2]


@pytest.mark.asyncio
async def test_what_the_policy_hides_is_not_offered_and_refused_on_call(world: World) -> None:
    gate = FakeGate()
    gate.hidden.add("echo")
    model_script = {"steps": [{"calls": [{"name": "echo"}]}, {"text": "ok"}]}
    async with running(world, model_script, gate) as agent:
        result = await agent.ask("go")
        assert result.status == "ok"
        assert agent.messages()[2]["isError"] is True


@pytest.mark.asyncio
async def test_images_travel_with_the_message(world: World) -> None:
    async with running(world, SAY) as agent:
        await agent.ask("look", images=({"type": "image", "data": "AAAA", "mimeType": "image/png"},))
        content = agent.messages()[0]["content"]
        assert [block["type"] for block in content] == ["text", "image"]


@pytest.mark.asyncio
async def test_the_session_remembers_where_it_was_spoken_to(world: World) -> None:
    target = ReplyTarget("telegram", "default", "5", thread_id="9")
    async with running(world, SAY) as agent:
        await agent.ask("hi", target=target, requester=chat("5"))
        entry = agent.entry()
        assert (entry["lastChannel"], entry["lastTo"], entry["lastThreadId"]) == ("telegram", "5", "9")
        assert entry["deliveryContext"] == {"channel": "telegram", "to": "5", "accountId": "default", "threadId": "9"}


@pytest.mark.asyncio
async def test_adv_G3_a_spawned_session_gets_at_most_its_parents_tools_and_its_sandbox(world: World) -> None:
    world.document["agents"] = {"defaults": {"sandbox": {"mode": "non-main"}}}
    child, parent = "agent:main:subagent:1", "agent:main:telegram:direct:5"

    class Gate(FakeGate):
        def allows(self, run: RunContext, name: str) -> bool:
            return super().allows(run, name) and not (run.session_key == parent and name == "secret")

    gate = Gate({"echo": echo, "secret": echo})
    async with running(world, {"steps": [{"calls": [{"name": "secret"}]}, {"text": "x"}]}, gate) as agent:
        store = await agent.runtime.store.ready(child)
        store.merge(child, {"spawnedBy": parent})
        await agent.ask("go", key=child)
        ((run, *_),) = gate.calls
        assert run.at_most == frozenset({"echo"})
        assert run.parent_sandboxed is True
        assert agent.messages(child)[2]["isError"] is True


@pytest.mark.asyncio
async def test_details_of_the_machine_are_not_told_where_others_read(world: World) -> None:
    script = {"steps": [{"fail": {"kind": "auth", "message": "refused at http://10.0.0.5."}}] * 3}
    async with running(world, script) as agent:
        group = chat("1", chat_type="group", group_id="-1", is_owner=True)
        assert "10.0.0.5" not in ((await agent.ask("hi", requester=group)).error or "")
        agent.runtime.notify(MAIN, "event", wake=True)
        async with asyncio.timeout(5):
            while len(agent.finished) < 2:  # noqa: ASYNC110 - the callback is the event
                await asyncio.sleep(0.005)
        assert "10.0.0.5" not in (agent.finished[1][1].error or "")


# Running again after a crash


@pytest.mark.asyncio
async def test_a_finished_turn_is_not_asked_again(world: World) -> None:
    async with running(world, SAY) as agent:
        await agent.ask("hi", inbound_ids=(7,))
    async with running(world, {"steps": [{"text": "never"}, {"text": "never"}]}) as agent:
        result = await agent.ask("hi", run_id="again", inbound_ids=(7,))
        assert [payload.text for payload in result.payloads] == ["hello there"]
        assert [message["role"] for message in agent.messages()] == ["user", "assistant"]
        assert agent.sink.text("again") == "hello there"


@pytest.mark.asyncio
async def test_a_turn_that_was_cut_before_its_answer_goes_on(world: World) -> None:
    hanging = Hanging()
    async with running(world, hanging) as agent:
        agent.runtime.submit(turn("hi", inbound_ids=(7,)))
        await asyncio.wait_for(hanging.speaking.wait(), 5)
    async with running(world, SAY) as agent:
        result = await agent.ask("hi", inbound_ids=(7,))
        assert [payload.text for payload in result.payloads] == ["hello there"]
        assert [message["role"] for message in agent.messages()] == ["user", "assistant"]


@pytest.mark.asyncio
async def test_a_call_that_was_cut_gets_an_error_result_and_the_turn_goes_on(world: World) -> None:
    entered = asyncio.Event()

    async def hang(run: RunContext, arguments: Mapping[str, Any]) -> ToolResult:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with running(world, CALL, FakeGate({"echo": hang})) as agent:
        agent.runtime.submit(turn("go", inbound_ids=(7,)))
        await asyncio.wait_for(entered.wait(), 5)
    async with running(world, CALL) as agent:
        result = await agent.ask("go", inbound_ids=(7,))
        assert [payload.text for payload in result.payloads] == ["let me see", "done"]
        roles = [message["role"] for message in agent.messages()]
        assert roles == ["user", "assistant", "toolResult", "assistant"]
        assert agent.messages()[2]["content"][0]["text"] == INTERRUPTED
        assert agent.gate.calls == []


@pytest.mark.asyncio
async def test_a_reset_that_was_cut_is_not_made_twice(world: World) -> None:
    hanging = Hanging()
    async with running(world, hanging) as agent:
        agent.runtime.submit(turn("/new hello", inbound_ids=(7,)))
        await asyncio.wait_for(hanging.speaking.wait(), 5)
        first = agent.entry()["sessionId"]
    async with running(world, SAY) as agent:
        await agent.ask("/new hello", inbound_ids=(7,))
        assert agent.entry()["sessionId"] == first
        assert agent.messages()[0]["content"] == "hello"


@pytest.mark.asyncio
async def test_the_end_of_the_process_leaves_a_turn_open(world: World) -> None:
    hanging = Hanging()
    async with running(world, hanging) as agent:
        run = agent.runtime.submit(turn("hi", inbound_ids=(7,)))
        await asyncio.wait_for(hanging.speaking.wait(), 5)
        await agent.runtime.drain(0)
        late = agent.runtime.submit(turn("late", inbound_ids=(8,)))
    for cut in (run, late):
        assert (await cut.result()).stop_reason == "shutdown"
    assert agent.finished == []


@pytest.mark.asyncio
async def test_a_full_disk_fails_this_turn_with_a_clear_line(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(world, {"steps": [{"text": "a"}, {"text": "b"}]}) as agent:
        await agent.ask("hi")
        before = json.dumps(agent.lines())
        with monkeypatch.context() as patched:
            patched.setattr("openclaw.state.files._write_once", lambda descriptor, record: 0)
            result = await agent.ask("more")
            assert result.status == "error"
            assert "no space left" in (result.error or "")
            stranger = await agent.ask("more", requester=chat("9"))
            assert str(world.root) not in (stranger.error or "")
        assert json.dumps(agent.lines()) == before
        assert (await agent.ask("again")).status == "ok"
