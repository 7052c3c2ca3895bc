"""The command line in a home of its own: in this process for speed, or as the real program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from openclaw.cli.root import run
from support.process import free_port

KEPT = ("PATH", "LANG", "COVERAGE_PROCESS_START")
START_SECONDS = 40
TOKEN = "test-token-0123456789abcdef0123456789"


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout; anything beside it fails."""
        return json.loads(self.out)


@dataclass
class Home:
    """A home directory with a state directory."""

    path: Path
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        return self.path / ".openclaw"

    @property
    def config(self) -> Path:
        return self.state / "openclaw.json"

    def write_config(self, value: Mapping[str, Any] | str) -> None:
        self.state.mkdir(mode=0o700, exist_ok=True)
        self.config.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        self.config.chmod(0o600)

    def read_config(self) -> Any:
        return json.loads(self.config.read_text(encoding="utf-8"))

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        return {**kept, "HOME": str(self.path), **self.extra}

    def program(self, *arguments: str, stdin: str = "", timeout: float = 60) -> Answer:
        """Run the real program."""
        done = subprocess.run(
            [sys.executable, "-m", "openclaw", *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment(),
            cwd=self.path,
            timeout=timeout,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)


class Cli:
    """Runs commands in this process."""

    def __init__(self, home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self._capsys = capsys
        self._monkeypatch = monkeypatch
        for name in list(os.environ):
            if name not in KEPT and not name.startswith(("PYTEST", "HYPOTHESIS")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(home.path))
        monkeypatch.chdir(home.path)

    def __call__(self, *arguments: str, stdin: str = "") -> Answer:
        import io

        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        self._capsys.readouterr()
        code = run(arguments)
        out, err = self._capsys.readouterr()
        return Answer(code, out, err)

    def set_variable(self, name: str, value: str) -> None:
        self._monkeypatch.setenv(name, value)


@dataclass
class Running:
    """A gateway that `up` started."""

    home: Home
    process: subprocess.Popen[str]
    told: Any

    @property
    def port(self) -> int:
        return int(self.told["port"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(20)
        finally:
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()


@contextmanager
def started(home: Home, *arguments: str) -> Iterator[Running]:
    """Run `up --json` until the block ends."""
    log = (home.path / "up.log").open("w", encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "openclaw", "up", "--json", "--port", str(free_port()), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=home.environment(),
        cwd=home.path,
    )
    running = Running(home, process, None)
    try:
        running.told = _first_document(process, home)
        yield running
    finally:
        running.stop()
        log.close()


def _first_document(process: subprocess.Popen[str], home: Home) -> Any:
    """Read the one JSON document that tells where the gateway is."""
    assert process.stdout is not None
    deadline, text = time.monotonic() + START_SECONDS, ""
    while time.monotonic() < deadline:
        line = process.stdout.readline()
        text += line
        if line.rstrip("\n") == "}":
            return json.loads(text)
        if not line:
            break
    raise AssertionError(f"up told nothing: {text}\n{(home.path / 'up.log').read_text()}")
