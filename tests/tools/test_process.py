"""The process tool: who sees what, what it answers, what may be typed where."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from openclaw.policy.what.labels import Effect
from openclaw.tools.contract import RunContext, ToolResult
from openclaw.tools.processes import DEFAULT_CLEANUP_MS, MAX_FINISHED, clamp_cleanup, clamp_output
from support.time import FakeClock
from support.tools_room import MAIN, Room
from support.waiting import until

pytestmark = pytest.mark.asyncio

GROUP = "agent:main:telegram:group:-1"
OTHER_DM = "agent:main:telegram:direct:7"


@pytest_asyncio.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    found = Room(tmp_path)
    yield found
    await found.close()


async def started(room: Room, command: str, run: RunContext | None = None) -> str:
    result = await room.call("exec", run, command=command, background=True)
    return str(result.details["sessionId"])


async def act(room: Room, action: str, session: str, run: RunContext | None = None, **more: Any) -> ToolResult:
    return await room.call("process", run, action=action, sessionId=session, **more)


async def ended(room: Room, session: str) -> None:
    found = room.registry.find(room.run(), session)
    assert found is not None
    await until(lambda: found.end is not None)


async def test_nothing_runs_at_first(room: Room) -> None:
    assert (await room.call("process", action="list")).plain == "No running or recent sessions."


async def test_running_and_finished_are_listed_newest_first(room: Room) -> None:
    first = await started(room, "sleep --verbose 60")
    second = await started(room, "true")
    await ended(room, second)
    rows = (await room.call("process", action="list")).details["sessions"]
    assert {row["sessionId"]: (row["status"], row["name"]) for row in rows} == {
        first: ("failed" if rows[-1]["status"] == "failed" else "running", "sleep 60"),
        second: ("completed", "true"),
    }


async def test_poll_gives_each_output_once(room: Room) -> None:
    session = await started(room, "echo one; read x; echo two; exit 3")
    found = room.registry.find(room.run(), session)
    assert found is not None
    await until(lambda: "one" in found.process.output.text())
    assert (await act(room, "poll", session)).plain == "one\n\nProcess still running."
    assert (await act(room, "poll", session)).plain == "(no new output)\n\nProcess still running."
    assert (
        await act(room, "write", session, data="go\n", eof=True)
    ).plain == f"Wrote 3 bytes to session {session} (stdin closed)."
    await ended(room, session)
    result = await act(room, "poll", session)
    assert result.plain == "two\n\nProcess exited with code 3."
    assert (result.details["status"], result.details["exitCode"]) == ("failed", 3)


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({}, "1\n2\n3\n4\n5"),
        ({"limit": 2}, "4\n5"),
        ({"offset": 1, "limit": 2}, "2\n3"),
        ({"offset": 3}, "4\n5"),
        ({"offset": 9}, "(no output yet)"),
    ],
)
async def test_log_gives_lines(room: Room, window: dict[str, Any], expected: str) -> None:
    session = await started(room, "seq 5")
    await ended(room, session)
    result = await act(room, "log", session, **window)
    assert result.plain == expected
    assert (result.details["totalLines"], result.details["totalChars"], result.details["truncated"]) == (5, 10, False)


async def test_kill_ends_a_command_and_no_event_tells_of_it(room: Room) -> None:
    session = await started(room, "sleep 60")
    result = await act(room, "kill", session)
    assert (result.plain, result.details["status"]) == (f"Killed session {session}.", "failed")
    await ended(room, session)
    assert room.events.lines == []
    assert (await act(room, "poll", session)).plain.endswith("Process ended by signal SIGKILL.")


async def test_clear_and_remove_forget(room: Room) -> None:
    running, done = await started(room, "sleep 60"), await started(room, "true")
    await ended(room, done)
    assert (await act(room, "clear", running)).details["status"] == "failed"
    assert (await act(room, "clear", done)).plain == f"Cleared session {done}."
    assert (await act(room, "remove", running)).plain == f"Removed session {running}."
    assert (await room.call("process", action="list")).plain == "No running or recent sessions."


async def test_an_unknown_session_is_a_result_not_an_error(room: Room) -> None:
    result = await act(room, "poll", "nope")
    assert (result.is_error, result.plain, result.details["status"]) == (False, "No session found for nope", "failed")


async def test_keys_reach_a_terminal(room: Room) -> None:
    script = "stty raw -echo; head -c 5 | od -An -tx1; stty sane"
    result = await room.call("exec", command=script, background=True, pty=True)
    session = str(result.details["sessionId"])
    found = room.registry.find(room.run(), session)
    assert found is not None
    assert "Sent 5 bytes" in (await act(room, "send-keys", session, literal="a", hex=["0x62"], keys=["up"])).plain
    await ended(room, session)
    assert "61 62 1b 5b 41" in found.process.output.text()


async def test_paste_and_submit(room: Room) -> None:
    session = await started(room, "head -c 14 | od -An -c -w14")
    await act(room, "paste", session, text="x")
    result = await act(room, "submit", session)
    assert result.plain == f"Submitted to session {session}."
    await ended(room, session)
    text = (await act(room, "log", session)).plain
    assert text.split() == ["033", "[", "2", "0", "0", "~", "x", "033", "[", "2", "0", "1", "~", "\\r"]


async def test_unknown_keys_are_named(room: Room) -> None:
    session = await started(room, "cat")
    result = await act(room, "send-keys", session, keys=["hyper", "enter"])
    assert result.plain == f'Sent 1 bytes to session {session}.\nUnknown key "hyper".'
    assert (await act(room, "send-keys", session)).is_error


async def test_a_program_that_does_not_read_does_not_hold_the_turn(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.tools.process.WRITE_SECONDS", 0.2)
    session = await started(room, "sleep 60")
    result = await act(room, "write", session, data="x" * 1_000_000)
    assert "does not read its input" in result.plain


# Who sees what


async def test_adv_G2_a_conversation_sees_its_own_processes_only(room: Room) -> None:
    mine = await started(room, "sleep 60", room.run(GROUP))
    for run, sees in (
        (room.run(GROUP), True),
        (room.run(MAIN), True),
        (room.run(OTHER_DM), False),
        (room.run("agent:other:main"), False),
        (room.run(GROUP, agent_id="other"), False),
    ):
        listed = (await room.call("process", run, action="list")).details["sessions"]
        assert bool(listed) == sees, run.session_key
        for action in ("poll", "log", "kill", "write", "remove"):
            if not sees:
                assert (await act(room, action, mine, run)).plain == f"No session found for {mine}"


async def test_a_parent_sees_what_its_child_started(room: Room) -> None:
    child = room.run("agent:main:subagent:1", spawned_by=GROUP)
    session = await started(room, "sleep 60", child)
    assert (await act(room, "poll", session, room.run(GROUP))).details["status"] == "running"
    assert (await act(room, "poll", session, room.run(OTHER_DM))).details["status"] == "failed"


async def test_a_foreground_command_is_nobodys_business(room: Room) -> None:
    await room.call("exec", command="true")
    assert (await room.call("process", action="list")).details["sessions"] == []


# Approval scope


@pytest.mark.parametrize(
    ("pattern", "command", "allowed"),
    [
        ("/usr/bin/cat", "cat", True),
        ("/usr/bin/bash", "bash script.sh", False),
        ("/usr/bin/env", "env bash script.sh", False),
    ],
)
@pytest.mark.parametrize("action", ["write", "send-keys", "submit", "paste"])
async def test_nothing_is_typed_into_a_shell_that_was_allowed_for_one_line(
    tmp_path: Path, pattern: str, command: str, allowed: bool, action: str
) -> None:
    room = Room(tmp_path, {"tools": {"exec": {"host": "gateway"}}})
    (room.workspace / "script.sh").write_text("cat\n")
    room.allow(pattern, "/usr/bin/bash")
    session = await started(room, command)
    more: dict[str, dict[str, Any]] = {"write": {"data": "x"}, "send-keys": {"keys": ["a"]}, "paste": {"text": "x"}}
    result = await act(room, action, session, **more.get(action, {}))
    assert (result.details["status"] != "failed") == allowed
    if not allowed:
        assert "approved for one line only" in result.plain
    await room.close()


async def test_under_full_security_a_shell_may_be_fed(tmp_path: Path) -> None:
    room = Room(tmp_path, {"tools": {"exec": {"host": "gateway", "security": "full", "ask": "off"}}})
    session = await started(room, "sh")
    assert (await act(room, "write", session, data="echo hi\n")).details["status"] == "running"
    await room.close()


# Bounds


@pytest.mark.parametrize(
    ("value", "expected"), [(None, DEFAULT_CLEANUP_MS), (1, 60_000), (10**9, 10_800_000), (90_000, 90_000)]
)
async def test_finished_processes_are_kept_within_bounds(value: int | None, expected: int) -> None:
    assert clamp_cleanup(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(None, 200_000), (1, 1_000), (10**9, 200_000)])
async def test_kept_output_has_bounds(value: int | None, expected: int) -> None:
    assert clamp_output(value) == expected


async def test_finished_processes_grow_old(tmp_path: Path) -> None:
    clock = FakeClock()
    room = Room(tmp_path, {"tools": {"exec": {"cleanupMs": 60_000}}}, clock=clock)
    session = await started(room, "true")
    await ended(room, session)
    await clock.advance(59)
    assert room.registry.find(room.run(), session) is not None
    await clock.advance(2)
    assert room.registry.find(room.run(), session) is None
    await room.close()


async def test_adv_Q3_finished_processes_are_bounded_in_number(tmp_path: Path) -> None:
    room = Room(tmp_path)
    session = await started(room, "true")
    await ended(room, session)
    template = room.registry.find(room.run(), session)
    assert template is not None
    for number in range(MAX_FINISHED + 20):
        room.registry.add(replace(template, id=f"copy-{number}", ended_ms=number))
    assert len(room.registry.visible(room.run())) <= MAX_FINISHED
    await room.close()


async def test_ids_are_readable_and_unique(room: Room) -> None:
    sessions = [await started(room, "sleep 60") for _ in range(10)]
    assert len(set(sessions)) == 10
    assert all(part.isalpha() or part.isdigit() for session in sessions for part in session.split("-"))


@pytest.mark.parametrize(
    ("action", "effects"), [("list", {Effect.READ}), ("poll", {Effect.READ}), ("kill", {Effect.EXEC_HOST})]
)
async def test_looking_is_reading(room: Room, action: str, effects: set[Effect]) -> None:
    await room.call("process", action=action, sessionId="x")
    assert room.ledger.of("tool.call")[-1].what["effects"] == sorted(effects)
