"""A real gateway process on an ephemeral port, with its own state directory."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

TOKEN = "test-token-0123456789abcdef0123456789"
START_SECONDS = 30


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def base_config(port: int, **sections: Any) -> dict[str, Any]:
    """Return a config that runs on loopback with a token; `sections` are merged at the top."""
    config: dict[str, Any] = {
        "gateway": {"mode": "local", "port": port, "bind": "loopback", "auth": {"mode": "token", "token": TOKEN}},
        "agents": {"defaults": {"sandbox": {"mode": "all", "workspaceAccess": "rw", "backend": "bwrap"}}},
    }
    return {**config, **sections}


class GatewayProcess:
    """One state directory and, while it runs, the process on it."""

    def __init__(self, root: Path, config: Mapping[str, Any]) -> None:
        self.root = root
        self.home = root / "home"
        self.state = self.home / ".openclaw"
        self.config = dict(config)
        self.process: asyncio.subprocess.Process | None = None
        self.output: list[str] = []
        self._reader: asyncio.Task[None] | None = None
        self.state.mkdir(parents=True, mode=0o700, exist_ok=True)
        self.write_config()

    @property
    def port(self) -> int:
        return int(self.config["gateway"]["port"])

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    def write_config(self) -> None:
        path = self.state / "openclaw.json"
        path.write_text(json.dumps(self.config))
        path.chmod(0o600)

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        kept = {
            name: os.environ[name] for name in ("PATH", "LANG", "TERM", "COVERAGE_PROCESS_START") if name in os.environ
        }
        return {**kept, "HOME": str(self.home), **(extra or {})}

    async def start(self, *arguments: str, extra: Mapping[str, str] | None = None) -> None:
        """Start and wait until it listens."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "openclaw",
            "gateway",
            "run",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self.environment(extra),
            cwd=self.root,
        )
        listening = asyncio.get_running_loop().create_future()
        self._reader = asyncio.create_task(self._read(listening))
        await asyncio.wait_for(listening, START_SECONDS)

    async def _read(self, listening: asyncio.Future[None]) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        async for raw in self.process.stdout:
            line = raw.decode(errors="replace").rstrip()
            self.output.append(line)
            if "listening on" in line and not listening.done():
                listening.set_result(None)
        if not listening.done():
            listening.set_exception(AssertionError("the gateway ended:\n" + "\n".join(self.output[-40:])))

    async def kill(self) -> None:
        """SIGKILL: no goodbye."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """SIGTERM, and return the exit code."""
        return await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(number)
        code = await asyncio.wait_for(process.wait(), 20)
        if self._reader is not None:
            await self._reader
        return code

    async def run_cli(self, *arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
        """Run one command against this state; returns exit code, stdout, stderr."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "openclaw",
            *arguments,
            stdin=asyncio.subprocess.PIPE if stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment(),
            cwd=self.root,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode() if stdin is not None else None), 60)
        return process.returncode or 0, out.decode(), err.decode()

    def ledger(self) -> list[dict[str, Any]]:
        """Return all ledger records."""
        return [
            json.loads(line)
            for path in sorted((self.state / "ledger").glob("*.jsonl"))
            for line in path.read_text().splitlines()
        ]

    def transcripts(self, agent: str = "main") -> list[list[dict[str, Any]]]:
        """Return the lines of every transcript of an agent."""
        folder = self.state / "agents" / agent / "sessions"
        return [[json.loads(line) for line in path.read_text().splitlines()] for path in sorted(folder.glob("*.jsonl"))]


@asynccontextmanager
async def gateway_process(root: Path, **sections: Any) -> AsyncIterator[GatewayProcess]:
    """Run a gateway with `sections` in its config, and end it."""
    process = GatewayProcess(root, base_config(free_port(), **sections))
    try:
        await process.start()
        yield process
    finally:
        await process.stop()
