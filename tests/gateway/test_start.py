"""From a state directory to a serving gateway, and the next one after a restart: real processes."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.configs import ConfigFolder
from support.process import free_port

TOKEN = "test-token-0123456789abcdef0123456789"
BASE: dict[str, Any] = {
    "gateway": {"mode": "local", "auth": {"mode": "token", "token": TOKEN}},
    "commands": {"restart": True},
}
PROGRAM = """
import json, os, sys
from pathlib import Path
from openclaw.config.compile.gateway import GatewayFlags
from openclaw.policy.who.gateway_policy import Bind
from openclaw.gateway.start import GatewayOptions, serve
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError

def tell(**facts):
    print(json.dumps(facts), flush=True)

options = GatewayOptions(
    flags=GatewayFlags(port=int(sys.argv[2]), bind=Bind(sys.argv[3]) if sys.argv[3] else None),
    console=lambda line: tell(line=line),
    on_listening=lambda policy: tell(port=policy.gateway.port, policy=policy.fingerprint),
)
environment = Environment(dict(os.environ))
try:
    sys.exit(serve(StateLayout.at(Path(sys.argv[1])), environment, options))
except OpenClawError as error:
    tell(refused=str(error), issues=error.details.get("issues"))
    sys.exit(1)
"""


class Gateway:
    """A state directory and the process that serves it."""

    def __init__(self, root: Path) -> None:
        self.folder = ConfigFolder(root)
        self.port = free_port()
        self.process: subprocess.Popen[str] | None = None

    def start(self, bind: str = "", **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(self.folder.root), str(self.port), bind],
            stdout=subprocess.PIPE,
            text=True,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder.root),
                "OPENCLAW_SKIP_CHANNELS": "1",
                "TMPDIR": str(self.folder.root),
                **env,
            },
        )

    def next(self, name: str) -> Any:
        """Return the next thing of this name that the process tells."""
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            told = json.loads(line)
            if name in told:
                return told[name]
        raise AssertionError(f"the process ended without telling {name}")

    def listening(self) -> str:
        """Wait until it serves; return the fingerprint of its policy."""
        policy = self.next("policy")
        while not str(self.next("line")).startswith("agent model: "):
            pass
        return str(policy)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> int:
        assert self.process is not None
        self.process.communicate(timeout=30)
        return self.process.returncode


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    found = Gateway(tmp_path)
    found.folder.write(BASE)
    yield found
    if found.process is not None:
        if found.process.poll() is None:
            found.process.kill()
        found.process.communicate()


def test_it_serves_the_config_until_it_is_told_to_stop(gateway: Gateway) -> None:
    gateway.start()
    gateway.listening()
    gateway.signal(signal.SIGTERM)
    assert gateway.end() == 0


def test_all_that_it_makes_is_private_whatever_the_umask_was(gateway: Gateway) -> None:
    before = os.umask(0)
    try:
        gateway.start()
    finally:
        os.umask(before)
    gateway.listening()
    gateway.signal(signal.SIGTERM)
    gateway.end()
    made = [path for path in gateway.folder.root.rglob("*") if path.is_file() or path.is_dir()]
    assert {path.name for path in made} >= {"ledger", "journal.sqlite", "logs", "gateway.lock"}
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


def test_a_config_whose_only_fault_is_its_age_is_migrated_and_told(gateway: Gateway) -> None:
    gateway.folder.write({**BASE, "tools": {"bash": {"timeoutSec": 5}}})
    gateway.start()
    assert str(gateway.next("line")).startswith("config: ")
    gateway.listening()
    gateway.signal(signal.SIGTERM)
    assert gateway.end() == 0
    assert json.loads(gateway.folder.main.read_text())["tools"] == {"exec": {"timeoutSec": 5}}


def test_a_config_that_is_managed_elsewhere_is_never_migrated(gateway: Gateway) -> None:
    gateway.folder.write({**BASE, "tools": {"bash": {"timeoutSec": 5}}})
    before = gateway.folder.main.read_text()
    gateway.start(OPENCLAW_NIX_MODE="1")
    assert gateway.next("refused")
    assert gateway.end() == 1
    assert gateway.folder.main.read_text() == before


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ({"mode": "token", "token": {"source": "env", "id": "NO_SUCH_TOKEN"}}, "gateway.auth.token"),
        ({"mode": "password", "password": {"source": "env", "id": "NO_SUCH_WORD"}}, "gateway.auth.password"),
    ],
)
def test_a_secret_that_leads_nowhere_stops_the_start(gateway: Gateway, auth: dict[str, Any], words: str) -> None:
    gateway.folder.write({"gateway": {"mode": "local", "auth": auth}})
    gateway.start()
    assert words in gateway.next("refused")
    assert gateway.end() == 1
    assert not (gateway.folder.root / "ledger").exists()


def test_a_restart_serves_the_config_as_it_is_then(gateway: Gateway) -> None:
    gateway.start()
    first = gateway.listening()
    changed = {**BASE, "gateway": {**BASE["gateway"], "reload": {"mode": "off"}}}
    gateway.folder.write({**changed, "tools": {"deny": ["exec"]}})
    gateway.signal(signal.SIGUSR1)
    second = gateway.listening()
    assert second != first
    gateway.signal(signal.SIGUSR1)
    assert gateway.listening() == second
    gateway.signal(signal.SIGTERM)
    assert gateway.end() == 0


@pytest.mark.parametrize(("mode", "words"), [(0o600, "port"), (0o666, "can be written by others")])
def test_a_restart_onto_a_bad_config_ends_with_the_reason(gateway: Gateway, mode: int, words: str) -> None:
    """What could not be started is not restarted either."""
    gateway.start()
    gateway.listening()
    gateway.folder.write({**BASE, "gateway": {**BASE["gateway"], "port": "x" if mode == 0o600 else 5}})
    gateway.folder.main.chmod(mode)
    gateway.signal(signal.SIGUSR1)
    assert words in gateway.next("refused")
    assert gateway.end() == 1


def test_flags_win_over_the_config(gateway: Gateway) -> None:
    gateway.folder.write({**BASE, "gateway": {**BASE["gateway"], "port": 1, "bind": "lan"}})
    gateway.start("loopback")
    assert gateway.next("port") == gateway.port
    assert str(gateway.next("line")).startswith(f"listening on ws://127.0.0.1:{gateway.port} ")
    gateway.signal(signal.SIGTERM)
    assert gateway.end() == 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_start_and_stop_are_in_the_ledger_and_a_restart_goes_on_in_the_same_chain(
    gateway: Gateway, stop: signal.Signals
) -> None:
    gateway.start()
    gateway.listening()
    gateway.signal(signal.SIGUSR1)
    gateway.listening()
    gateway.signal(stop)
    assert gateway.end() == 0
    (file,) = (gateway.folder.root / "ledger").glob("*.jsonl")
    records = [json.loads(line) for line in file.read_text().splitlines()]
    assert [record["kind"] for record in records if record["kind"] in {"start", "stop"}] == ["start", "stop"] * 2
    assert [record["seq"] for record in records] == list(range(1, len(records) + 1))
