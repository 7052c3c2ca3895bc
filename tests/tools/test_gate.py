"""The single door: what is offered, what is refused, what is recorded, and what a broken tool can do."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.what.labels import CLEAN, Confidentiality, Effect, Integrity, Label, Provenance, Source
from openclaw.system.errors import Refused
from openclaw.tools.catalogue import TOOLS
from openclaw.tools.contract import CallEffects, Params, Requester, ToolContext, ToolResult, tool
from openclaw.tools.gate import Gate
from openclaw.tools.results import MAX_TEXT_CHARS
from support.time import FakeClock
from support.tools_room import MAIN, Room

pytestmark = pytest.mark.asyncio

RAN: list[str] = []


class EchoParams(Params):
    """Parameters of a test tool."""

    some_text: str
    number: int = 1


@tool("read", EchoParams, effects={Effect.READ}, summary="echo", aliases={"text": "someText"})
async def echo(ctx: ToolContext, params: EchoParams) -> ToolResult:
    """Echo."""
    RAN.append(params.some_text)
    if params.some_text == "crash":
        raise ZeroDivisionError("inside: hunter2")
    if params.some_text == "refuse":
        raise Refused("No.", code="test-no", details={"why": "test"})
    if params.some_text == "wait":
        await asyncio.Event().wait()
    if params.some_text == "progress":
        for number in range(50):
            ctx.progress({"n": number})
    return ToolResult(
        content=({"type": "text", "text": params.some_text * params.number},),
        details={"allowed": sorted(ctx.allowed)},
        provenance=Provenance(source=Source.OWNER, tool="forged", run_id="forged"),
        label=Label(Integrity.OWNER, Confidentiality.PUBLIC),
    )


def _narrow(ctx: ToolContext, params: EchoParams) -> CallEffects:
    return CallEffects(frozenset({Effect.WRITE, Effect.EGRESS}), (params.some_text,))


@tool("write", EchoParams, effects={Effect.WRITE, Effect.DESTROY}, summary="change", narrow=_narrow)
async def change(ctx: ToolContext, params: EchoParams) -> ToolResult:
    """Change."""
    RAN.append(params.some_text)
    return ToolResult.text("changed")


@tool("edit", EchoParams, effects=set(), summary="undeclared")
async def undeclared(ctx: ToolContext, params: EchoParams) -> ToolResult:
    """Do anything."""
    RAN.append(params.some_text)
    return ToolResult.text("done")


TEST_TOOLS = (echo, change, undeclared)


@pytest.fixture(autouse=True)
def nothing_ran() -> None:
    RAN.clear()


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path, tools=TEST_TOOLS)


def names(gate: Gate, room: Room, **facts: Any) -> set[str]:
    return {found.name for found in gate.offered(room.run(**facts)).tools}


async def test_what_the_policy_refuses_is_not_offered(room: Room) -> None:
    assert names(room.gate, room) == {"read", "write", "edit"}
    room.configure({"tools": {"deny": ["write"]}})
    assert names(room.gate, room) == {"read", "edit"}
    decision = room.gate.offered(room.run()).decisions["write"]
    assert (decision.rule, decision.key) == ("deny:write", "tools.deny")


async def test_a_tool_that_would_always_be_refused_is_not_offered(tmp_path: Path) -> None:
    room = Room(tmp_path, tools=TEST_TOOLS)
    gate = Gate(
        TEST_TOOLS,
        policy=lambda: room.tools_policy,
        places=room.places,
        services=room.services,
        ledger=room.ledger,
        clock=room.clock,
        redact=str,
        always_refused={"edit": lambda run: Reason("x") if run.agent_id == "main" else None},
    )
    assert names(gate, room) == {"read", "write"}


async def test_the_policy_is_asked_again_at_the_call(room: Room) -> None:
    assert names(room.gate, room) >= {"read"}
    room.configure({"tools": {"deny": ["read"]}})
    result = await room.call("read", someText="x")
    assert result.is_error
    assert RAN == []
    assert result.details["rule"] == "tools.global:deny:read"
    assert "tools.deny" in result.plain
    assert "openclaw explain tool read" in result.plain


@pytest.mark.parametrize("name", ["nope", "READ2", "", " ", "write\x1b[2K", "*", "group:fs"])
async def test_an_unknown_name_runs_nothing_and_says_so(room: Room, name: str) -> None:
    result = await room.call(name, someText="x")
    assert result.is_error
    assert RAN == []
    assert "not-registered" in result.details["rule"]
    assert "\x1b" not in result.plain
    assert [entry.verdict["outcome"] for entry in room.ledger.entries] == ["deny"]


async def test_names_are_read_as_in_the_policy(room: Room) -> None:
    assert (await room.call(" READ ", someText="x")).plain == "x"


async def test_a_sandbox_refusal_names_the_list_and_the_command_that_explains(tmp_path: Path) -> None:
    config = {
        "agents": {"defaults": {"sandbox": {"mode": "all"}}},
        "tools": {"sandbox": {"tools": {"deny": ["read"]}}},
    }
    room = Room(tmp_path, config, tools=TEST_TOOLS)
    result = await room.call("read", someText="x")
    assert f"openclaw sandbox explain --session {MAIN}" in result.plain
    assert "tools.sandbox.tools.deny" in result.plain


async def test_write_and_edit_are_not_offered_over_a_read_only_workspace(tmp_path: Path) -> None:
    config = {"agents": {"defaults": {"sandbox": {"mode": "all", "workspaceAccess": "ro"}}}}
    room = Room(tmp_path, config, tools=TEST_TOOLS)
    assert names(room.gate, room) == {"read"}


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({}, "someText: field required"),
        ({"someText": 5}, "someText: input should be a valid string"),
        ({"someText": "x", "extra": 1}, "extra: extra inputs are not permitted"),
        ({"someText": "x", "text": "y"}, "someText is given twice"),
        ({"someText": "x", "number": "many"}, "number: input should be a valid integer"),
        ([], "takes an object"),
        (None, "takes an object"),
        ("someText", "takes an object"),
    ],
)
async def test_parameters_are_closed_and_faults_are_one_text(room: Room, arguments: Any, part: str) -> None:
    result = await room.gate.call(room.run(), CLEAN, "read", arguments, "c")
    assert result.is_error
    assert part in result.plain
    assert RAN == []
    if isinstance(arguments, dict) and "given twice" not in part:
        assert "Known parameters: someText, number." in result.plain


async def test_aliases_stand_for_parameters(room: Room) -> None:
    assert (await room.call("read", text="hello")).plain == "hello"


async def test_an_oversized_call_is_refused(room: Room) -> None:
    result = await room.call("read", someText="x" * 4_000_001)
    assert "too long" in result.plain
    assert RAN == []


async def test_every_call_has_a_record_before_and_after(room: Room) -> None:
    arguments: dict[str, Any] = {"someText": "my hunter2 secret", "number": 2}
    await room.call("read", **arguments)
    before, after = room.ledger.entries
    canonical = json.dumps(arguments, sort_keys=True, separators=(",", ":"))
    assert (before.kind, after.kind) == ("tool.call", "tool.result")
    assert before.what["args_sha256"] == hashlib.sha256(canonical.encode()).hexdigest() == after.what["args_sha256"]
    assert before.what["summary"] == canonical.replace("hunter2", "***")
    assert before.verdict["outcome"] == "allow"
    assert after.verdict["outcome"] == "ok"
    assert before.actor == {"channel": "webchat", "account": "default", "sender": "op", "integrity": "owner"}
    assert (before.run, before.session, before.agent) == ("run-1", MAIN, "main")


async def test_a_long_summary_is_cut(room: Room) -> None:
    await room.call("read", someText="x" * 5000)
    assert len(room.ledger.entries[0].what["summary"]) == 200


async def test_without_a_ledger_only_reading_goes_on(room: Room) -> None:
    room.ledger.healthy = False
    assert (await room.call("read", someText="x")).plain == "x"
    for name in ("write", "edit"):
        result = await room.call(name, someText="y")
        assert result.is_error
        assert result.details["rule"] == "ledger.unavailable"
    assert RAN == ["x"]


async def test_adv_P6_effects_come_from_the_registered_tool(tmp_path: Path) -> None:
    seen: list[tuple[Label, frozenset[Effect], tuple[str, ...]]] = []

    def judge(label: Label, effects: frozenset[Effect], destinations: tuple[str, ...], /) -> Verdict[Outcome]:
        seen.append((label, effects, destinations))
        return Verdict(Outcome.ALLOW, (Reason("ok"),))

    room = Room(tmp_path, tools=TEST_TOOLS, judge=judge)
    tainted = Label(Integrity.UNTRUSTED)
    await room.call("read", label=tainted, someText="x")
    await room.call("write", someText="there")
    await room.call("edit", someText="x")
    assert seen[0] == (tainted, frozenset({Effect.READ}), ())
    assert seen[1] == (CLEAN, frozenset({Effect.WRITE}), ("there",))
    assert seen[2][1] == frozenset(Effect)


@pytest.mark.parametrize("outcome", [Outcome.DENY, Outcome.ASK])
async def test_adv_P12_what_the_judge_does_not_allow_is_not_run(tmp_path: Path, outcome: Outcome) -> None:
    def judge(label: Label, effects: frozenset[Effect], destinations: tuple[str, ...], /) -> Verdict[Outcome]:
        return Verdict(outcome, (Reason("provenance.untrusted", "tools.provenance.mode"),))

    room = Room(tmp_path, tools=TEST_TOOLS, judge=judge)
    result = await room.call("write", someText="x")
    assert result.is_error
    assert result.details == {"status": "refused", "rule": "provenance.untrusted", "key": "tools.provenance.mode"}
    assert RAN == []
    assert room.ledger.entries[-1].verdict["outcome"] == "deny"


async def test_adv_P5_label_and_origin_of_a_result_are_set_by_the_gate(room: Room) -> None:
    result = await room.call("read", someText="x")
    assert result.provenance == Provenance(source=Source.TOOL, run_id="run-1", tool="read")
    assert result.label == Label(Integrity.LOCAL, Confidentiality.PRIVATE)


async def test_a_crash_inside_a_tool_is_an_error_result_and_a_logged_traceback(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    result = await room.call("read", someText="crash")
    assert result.is_error
    assert "ZeroDivisionError" not in result.plain
    assert "hunter2" not in result.plain
    assert "ZeroDivisionError" in caplog.text
    assert room.ledger.entries[-1].verdict["outcome"] == "error"


async def test_a_typed_error_reaches_the_model(room: Room) -> None:
    result = await room.call("read", someText="refuse")
    assert (result.is_error, result.plain) == (True, "No.")
    assert result.details == {"why": "test", "code": "test-no"}


async def test_an_aborted_turn_is_recorded_and_raised(room: Room) -> None:
    call = asyncio.ensure_future(room.call("read", someText="wait"))
    async with asyncio.timeout(5):
        while not RAN:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert room.ledger.entries[-1].verdict["outcome"] == "aborted"


async def test_a_result_is_bounded_and_says_so(room: Room) -> None:
    result = await room.call("read", someText="0123456789", number=50_000)
    assert len(result.plain) < MAX_TEXT_CHARS + 100
    assert result.plain.startswith("0123456789")
    assert result.plain.endswith("[100000 more characters were cut off.]")


async def test_progress_is_passed_on_at_most_ten_times_a_second(tmp_path: Path) -> None:
    room = Room(tmp_path, tools=TEST_TOOLS, clock=FakeClock())
    seen: list[Mapping[str, Any]] = []
    await room.gate.call(room.run(), CLEAN, "read", {"someText": "progress"}, "c", seen.append)
    assert seen == [{"n": 0}]


async def test_a_tool_is_told_what_else_the_run_may_call(room: Room) -> None:
    room.configure({"tools": {"deny": ["edit"]}})
    assert (await room.call("read", someText="x")).details["allowed"] == ["read", "write"]


async def test_sub_agents_and_strangers_get_what_the_chain_leaves(tmp_path: Path) -> None:
    room = Room(tmp_path)
    assert {found.name for found in room.gate.offered(room.run()).tools} == {found.name for found in TOOLS}
    child = room.run("agent:main:subagent:1")
    offered = {found.name for found in room.gate.offered(child).tools}
    assert offered.isdisjoint({"sessions_list", "sessions_history", "session_status"})
    stranger = Requester(channel="telegram", source=Source.STRANGER)
    bounded = room.run(requester=stranger, at_most=frozenset({"read"}))
    assert {found.name for found in room.gate.offered(bounded).tools} == {"read"}


async def test_http_callers_do_not_get_the_tools_that_act(tmp_path: Path) -> None:
    room = Room(tmp_path)
    offered = {found.name for found in room.gate.offered(room.run(over_http=True)).tools}
    assert offered.isdisjoint({"write", "edit", "exec", "process"})
    assert (await room.call("write", room.run(over_http=True), path="x", content="y")).is_error


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


async def test_no_arguments_bring_the_gate_down(room: Room) -> None:
    loop_results: list[ToolResult] = []
    cases: list[tuple[str, Any]] = []

    @settings(max_examples=150)
    @given(st.text(max_size=12) | st.sampled_from(["read", "write"]), JSON)
    def collect(name: str, arguments: Any) -> None:
        cases.append((name, arguments))

    collect()
    for name, arguments in cases:
        loop_results.append(await room.gate.call(room.run(), CLEAN, name, arguments, "c"))
    assert all(isinstance(found, ToolResult) for found in loop_results)


async def test_schemas_are_closed_objects_with_described_fields() -> None:
    for found in TOOLS:
        schema = found.schema()
        assert schema["type"] == "object"
        assert schema["additionalProperties"] is False
        assert all(field.get("description") for field in schema["properties"].values())
        assert found.description
