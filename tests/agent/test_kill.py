"""Killing the process at any point of a turn loses nothing and repeats nothing (architecture rule 5)."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openclaw.agent.context import INTERRUPTED

TESTS = Path(__file__).resolve().parents[1]
CHILD = TESTS / "support" / "turn_child.py"
CALL = {"text": "let me see", "calls": [{"id": "c1", "name": "echo", "arguments": {}}], "pieces": 4}
STEPS = [CALL, {"text": "done", "pieces": 4}]

Until = Callable[[dict[str, Any]], bool]


def script(root: Path, steps: list[dict[str, Any]]) -> Path:
    path = root / "script.json"
    path.write_text(json.dumps({"steps": steps}))
    return path


async def child(root: Path, path: Path, until: Until | None, *hang: str, after: float = 0.0) -> list[dict[str, Any]]:
    """Run the turn; kill it once `until` is true of a line (or after a moment), and return what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "HOME": str(root)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(CHILD),
        str(root),
        str(path),
        *hang,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None
    lines: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        async for raw in process.stdout:
            lines.append(json.loads(raw))
            if until is not None and until(lines[-1]):
                await asyncio.sleep(after)
                process.send_signal(signal.SIGKILL)
                break
        await process.stdout.read()
        await process.wait()
    return lines


def messages(root: Path) -> list[dict[str, Any]]:
    (path,) = (root / "agents/main/sessions").glob("*.jsonl")
    rows = [json.loads(raw) for raw in path.read_bytes().split(b"\n") if raw]
    assert rows[0]["type"] == "session"
    return [row["message"] for row in rows[1:]]


def said(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else str(content[0].get("text", ""))


POINTS: dict[str, tuple[list[dict[str, Any]], Until, tuple[str, ...]]] = {
    "before the model answers": (
        [{**CALL, "hang": "before"}],
        lambda line: line.get("phase") == "start" and line["stream"] == "lifecycle",
        (),
    ),
    "while the model speaks": ([{**CALL, "hang": "after"}], lambda line: line["stream"] == "assistant", ()),
    "inside a tool": (STEPS, lambda line: line.get("phase") == "in-tool", ("tool",)),
    "after the tool": (
        [CALL, {"text": "done", "hang": "before"}],
        lambda line: line["stream"] == "tool" and line.get("phase") == "result",
        (),
    ),
    "after the answer": (STEPS, lambda line: line["stream"] == "result", ()),
}


@pytest.mark.asyncio
@pytest.mark.parametrize("point", POINTS)
async def test_a_killed_turn_goes_on_where_it_was(tmp_path: Path, point: str) -> None:
    steps, until, hang = POINTS[point]
    await child(tmp_path, script(tmp_path, steps), until, *hang)
    lines = await child(tmp_path, script(tmp_path, STEPS), None)
    assert lines[-1] == {"stream": "result", "status": "ok", "texts": ["let me see", "done"], "error": None}
    found = messages(tmp_path)
    assert [message["role"] for message in found] == ["user", "assistant", "toolResult", "assistant"]
    assert [said(message) for message in found if message["role"] != "toolResult"] == ["hello", "let me see", "done"]
    assert said(found[2]) == (INTERRUPTED if point == "inside a tool" else "echoed")


@pytest.mark.asyncio
async def test_any_number_of_kills_at_any_moment(tmp_path: Path) -> None:
    """Kills at moments that the timer chooses; the transcript is whole after each."""
    pick = random.Random(7)
    path = script(tmp_path, STEPS)
    for _ in range(5):
        await child(tmp_path, path, lambda line: line.get("phase") == "start", after=pick.uniform(0, 0.03))
    lines = await child(tmp_path, path, None)
    assert lines[-1]["status"] == "ok"
    found = messages(tmp_path)
    assert [message["role"] for message in found].count("user") == 1
    assert said(found[-1]) == "done"
