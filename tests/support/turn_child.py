"""Runs one turn in a process of its own, for tests that kill it: prints every event and the result as JSON lines.

Usage: python turn_child.py ROOT SCRIPT HANG...

HANG names where the process waits to be killed: `tool` inside a tool call; scripts can hang in the model by themselves.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openclaw.agent.contract import AgentEvent
from openclaw.system.clock import SystemClock
from openclaw.tools.contract import RunContext, ToolResult
from support.agents import FakeGate, World, running, turn


class Printer:
    """Prints events."""

    def emit(self, event: AgentEvent) -> None:
        say({"stream": event.stream, **{key: event.data[key] for key in ("phase", "text") if key in event.data}})


def say(value: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


async def main(root: Path, script: Path, hang: frozenset[str]) -> None:
    async def echo(run: RunContext, arguments: Mapping[str, Any]) -> ToolResult:
        if "tool" in hang:
            say({"stream": "test", "phase": "in-tool"})
            await asyncio.Event().wait()
        return ToolResult.text("echoed")

    provider = {"baseUrl": script.as_uri(), "models": []}
    document = {
        "agents": {"defaults": {"model": {"primary": "scripted/m"}, "skipBootstrap": True}},
        "models": {"providers": {"scripted": provider}},
    }
    world = World(root, document, clock=SystemClock())
    async with running(world, gate=FakeGate({"echo": echo})) as agent:
        agent.runtime.subscribe(Printer())
        result = await agent.runtime.submit(turn("hello", run_id="run", inbound_ids=(7,))).result()
        texts = [payload.text for payload in result.payloads]
        say({"stream": "result", "status": result.status, "texts": texts, "error": result.error})


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), frozenset(sys.argv[3:])))
