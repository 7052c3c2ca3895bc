"""Child processes: what they cost, and a real gateway on a state directory of its own."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

ROOT: Final = Path(__file__).resolve().parent.parent
OPENCLAW: Final = (sys.executable, "-m", "openclaw")
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0
MB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process cost: CPU seconds and wall seconds."""

    cpu: float
    wall: float

    @classmethod
    def median(cls, costs: Sequence[Cost]) -> Cost:
        """Return the medians, each by itself."""
        return cls(statistics.median(cost.cpu for cost in costs), statistics.median(cost.wall for cost in costs))


def environment(home: Path) -> dict[str, str]:
    """Return the environment of a child: a home of its own, and nothing that belongs to whoever runs the bench."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    return {**kept, "HOME": str(home), "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests")))}


def run(arguments: Sequence[str], home: Path) -> tuple[Cost, int]:
    """Run a program to its end; return its cost and exit code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    ended = subprocess.run(
        arguments,
        env=environment(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )
    wall = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(cpu, wall), ended.returncode


@contextlib.contextmanager
def helper(module: str, *arguments: str, home: Path) -> Iterator[str]:
    """Run a module of this folder in the background; yields the first line that it prints."""
    process = subprocess.Popen(
        (sys.executable, "-m", module, *arguments),
        env=environment(home),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


class Gateway:
    """A gateway process and its state directory.

    Attributes:
        port: where it listens.
        token: its secret.
        home: its home directory.
    """

    def __init__(self, home: Path, **sections: Any) -> None:
        self.home = home
        self.port = _free_port()
        self.token = secrets.token_hex(24)
        self.process: psutil.Popen | None = None
        state = home / ".openclaw"
        state.mkdir(parents=True, mode=0o700)
        access = {"mode": "token", "token": self.token}
        config = {"gateway": {"mode": "local", "port": self.port, "bind": "loopback", "auth": access}, **sections}
        file = state / "openclaw.json"
        file.write_text(json.dumps(config))
        file.chmod(0o600)

    def spawn(self) -> None:
        """Start the process; it does not listen yet."""
        self.process = psutil.Popen(
            (*OPENCLAW, "gateway", "run"),
            env=environment(self.home),
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def tree(self) -> list[psutil.Process]:
        """Return the process and its descendants."""
        assert self.process is not None
        return [self.process, *self.process.children(recursive=True)]

    def cpu(self) -> float:
        """Return the CPU seconds of the tree so far."""
        times = [found.cpu_times() for found in self.tree()]
        return sum(each.user + each.system for each in times)

    def memory(self) -> tuple[float, float]:
        """Return the resident and the proportional size of the tree in MB."""
        found = [each.memory_full_info() for each in self.tree()]
        return sum(each.rss for each in found) / MB, sum(getattr(each, "pss", each.uss) for each in found) / MB

    def stop(self) -> None:
        """End it as an operator would, and harder when it does not listen."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except psutil.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


@contextlib.contextmanager
def gateway(home: Path, **sections: Any) -> Iterator[Gateway]:
    """Run a gateway with `sections` in its config, from the moment it accepts a client."""
    from bench.wire import Link

    found = Gateway(home, **sections)
    found.spawn()
    try:
        Link.patient(found.port, found.token, START_SECONDS).close()
        yield found
    finally:
        found.stop()


def model_sections(base_url: str) -> Mapping[str, Any]:
    """Return config sections whose only model is an OpenAI-compatible one at `base_url`."""
    provider = {
        "baseUrl": base_url,
        "api": "openai-completions",
        "apiKey": "bench",
        "models": [{"id": "instant", "name": "instant"}],
    }
    return {
        "models": {"providers": {"bench": provider}},
        "agents": {"defaults": {"model": {"primary": "bench/instant"}}},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
