"""The process: start checks, addresses, the lock, signals (gateway.md 2.1, 5)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from openclaw.gateway.listen import bind_addresses, bind_sockets, is_exposed, is_openclaw, port_owner
from openclaw.gateway.server import check_start
from openclaw.policy.who.gateway_policy import AuthMode, Bind, GatewayPolicy, HooksDoor, StartFacts, TailscaleMode
from openclaw.system.errors import StartRefused
from support.gateway import connect_params

GATEWAY = """
import asyncio, contextlib, sys
from dataclasses import replace
from pathlib import Path
from openclaw.gateway.server import ServePlan, run_gateway
from openclaw.policy.who.gateway_policy import GatewayPolicy
from openclaw.state.layout import StateLayout
from openclaw.system.clock import SystemClock
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError
from support.gateway import gateway_parts
from openclaw.gateway.app import build_app

root, mode = Path(sys.argv[1]), sys.argv[2]

class House:
    model = "offline/echo"
    def __init__(self):
        self.app = build_app(gateway_parts(root, SystemClock())[0])
    async def start(self):
        print("started", flush=True)
        if mode == "hang-start":
            await asyncio.get_running_loop().create_future()
    async def drain(self, seconds):
        print(f"drain {seconds:g}", flush=True)
        if mode == "busy":
            await asyncio.get_running_loop().create_future()
    async def stop(self):
        print("stop", flush=True)
    def may_restart(self):
        return mode == "restart"

async def build():
    return House()

plan = ServePlan(
    layout=StateLayout.at(root / "state"),
    environment=Environment({"HOME": str(root)}),
    clock=SystemClock(),
    policy=GatewayPolicy(run_mode="local", has_token=True),
    port=int(sys.argv[3]),
    build=build,
    console=lambda line: print(line, flush=True),
    log_file=root / "log",
    lock_wait=0.0,
    temp_root=root,
)
try:
    sys.exit(run_gateway(plan))
except OpenClawError as error:
    print(error, flush=True)
    sys.exit(1)
"""


class Process:
    """A real gateway process."""

    def __init__(self, root: Path, mode: str = "plain", port: int = 0) -> None:
        path = str(Path(__file__).resolve().parents[1])
        self.popen = subprocess.Popen(
            [sys.executable, "-c", GATEWAY, str(root), mode, str(port)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        )

    def line(self) -> str:
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().rstrip("\n")

    def address(self) -> str:
        """Read the start lines and return the address."""
        first = self.line()
        assert first.startswith("listening on ws://127.0.0.1:"), first
        assert f"(PID {self.popen.pid})" in first
        assert self.line().startswith("log file: ")
        assert self.line() == "agent model: offline/echo"
        assert self.line() == "started"
        return first.split(" ")[2]

    def end(self) -> tuple[int, list[str]]:
        out, _ = self.popen.communicate(timeout=30)
        return self.popen.returncode, out.splitlines()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


@contextlib.contextmanager
def process(root: Path, mode: str = "plain", port: int = 0) -> Iterator[Process]:
    found = Process(root, mode, port)
    try:
        yield found
    finally:
        if found.popen.poll() is None:
            found.popen.kill()
        found.popen.communicate()


async def goodbye_of(url: str, act: int, pid: int) -> tuple[int | None, list[str]]:
    """Log in, send a signal, and return the close code and the names of the events until then."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url, autoclose=False) as one:
        await one.receive()
        await one.send_str(json.dumps({"type": "req", "id": "1", "method": "connect", "params": connect_params()}))
        names: list[str] = []
        while True:
            async with asyncio.timeout(20):
                message = await one.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return message.data if message.type is aiohttp.WSMsgType.CLOSE else one.close_code, names
            frame = json.loads(message.data)
            if frame["type"] == "event":
                names.append(frame["event"])
            elif frame["id"] == "1":
                os.kill(pid, act)


@pytest.mark.parametrize(("number", "lines"), [(signal.SIGTERM, ["drain 10", "stop"]), (signal.SIGINT, ["stop"])])
def test_a_signal_ends_the_gateway_politely(root: Path, number: int, lines: list[str]) -> None:
    with process(root) as gateway:
        code, names = asyncio.run(goodbye_of(gateway.address(), number, gateway.popen.pid))
        assert code == 1012
        assert names[-1] == "shutdown"
        assert gateway.end() == (0, lines)


def test_an_interrupt_after_the_first_signal_waits_for_nothing(root: Path) -> None:
    with process(root, "busy") as gateway:
        gateway.address()
        gateway.popen.send_signal(signal.SIGTERM)
        assert gateway.line() == "drain 10"
        with pytest.raises(subprocess.TimeoutExpired):
            gateway.popen.wait(0.7)  # another key press, not the same one
        gateway.popen.send_signal(signal.SIGINT)
        code, lines = gateway.end()
        assert code == 130
        assert lines[-1].startswith("stopped at once")


def test_one_key_press_that_comes_twice_is_one(root: Path) -> None:
    with process(root) as gateway:
        gateway.address()
        for _ in range(3):
            gateway.popen.send_signal(signal.SIGTERM)
            gateway.popen.send_signal(signal.SIGINT)
        code, lines = gateway.end()
        assert code == 0
        assert lines[-1] == "stop"


def test_a_start_that_hangs_can_be_ended(root: Path) -> None:
    with process(root, "hang-start") as gateway:
        gateway.address()
        gateway.popen.send_signal(signal.SIGINT)
        assert gateway.end() == (0, ["stop"])


def test_usr1_restarts_in_the_process_on_the_same_port_when_allowed(root: Path) -> None:
    with process(root, "restart") as gateway:
        first = gateway.address()
        gateway.popen.send_signal(signal.SIGUSR1)
        assert gateway.line() == "drain 30"
        assert gateway.line() == "stop"
        assert gateway.address() == first
        gateway.popen.send_signal(signal.SIGINT)
        assert gateway.end()[0] == 0


def test_usr1_is_ignored_otherwise(root: Path) -> None:
    with process(root) as gateway:
        gateway.address()
        gateway.popen.send_signal(signal.SIGUSR1)
        gateway.popen.send_signal(signal.SIGTERM)
        assert gateway.end() == (0, ["drain 10", "stop"])


def test_a_second_gateway_of_the_same_state_is_refused_with_the_pid(root: Path) -> None:
    with process(root) as first:
        first.address()
        with process(root) as second:
            code, lines = second.end()
            assert code == 1
            assert f"gateway already running (pid {first.popen.pid})" in lines[0]
        first.popen.kill()
        first.popen.wait()
        with process(root) as third:
            third.address()


def test_a_taken_port_names_its_owner(root: Path) -> None:
    with process(root) as first:
        port = int(first.address().rsplit(":", 1)[1])
        (root / "other").mkdir()
        with process(root / "other", port=port) as second:
            code, lines = second.end()
            assert code == 1
            assert f" is already listening on ws://127.0.0.1:{port} (" in lines[0]
            assert f"pid {first.popen.pid}" in lines[0]


@pytest.mark.parametrize(
    ("name", "command", "found"),
    [
        ("python", ["/usr/bin/python3", "/home/ann/.venv/bin/openclaw", "gateway", "run"], True),
        ("python3.11", ["python3", "-X", "dev", "-m", "openclaw", "up"], True),
        ("node", ["node", "/usr/lib/node_modules/openclaw/dist/index.js", "gateway"], True),
        ("node", ["node", "openclaw.mjs", "gateway"], True),
        ("openclaw-gateway", ["openclaw-gateway"], True),
        ("nginx", ["nginx: master process", "/usr/sbin/nginx"], False),
        ("python", ["python", "-m", "http.server", "--directory", "/home/ann/.openclaw"], False),
        ("python", ["python", "serve.py", "a", "b", "c", "d", "openclaw"], False),
        ("kworker", [], False),
    ],
)
def test_a_gateway_is_known_by_its_command_line(name: str, command: list[str], found: bool) -> None:
    assert is_openclaw(name, command) is found


# Addresses


@pytest.mark.parametrize(
    ("policy", "own", "addresses"),
    [
        (GatewayPolicy(), [], ("127.0.0.1", "::1")),
        (GatewayPolicy(bind=Bind.AUTO), [], ("127.0.0.1", "::1")),
        (GatewayPolicy(bind=Bind.LAN), [], ("0.0.0.0",)),
        (GatewayPolicy(bind=Bind.CUSTOM, custom_host="192.0.2.7"), [], ("192.0.2.7",)),
        (GatewayPolicy(bind=Bind.TAILNET), ["10.0.0.1", "100.100.1.2", "100.101.1.2"], ("100.100.1.2",)),
        (GatewayPolicy(bind=Bind.TAILNET), ["10.0.0.1", "fe80::1", "100.63.0.1"], ("127.0.0.1", "::1")),
    ],
)
def test_each_bind_mode_has_its_addresses(policy: GatewayPolicy, own: list[str], addresses: tuple[str, ...]) -> None:
    assert bind_addresses(policy, lambda: own) == addresses


def test_an_address_that_is_not_ours_ends_the_start_and_nothing_wider_is_tried() -> None:
    with pytest.raises(StartRefused, match=r"gateway\.bind custom: cannot listen on 192\.0\.2\.7 port") as refused:
        bind_sockets(("192.0.2.7",), 0, mode="custom")
    assert refused.value.details == {"mode": "custom", "address": "192.0.2.7", "port": 0}


def test_the_second_loopback_shares_the_port_or_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    found = bind_sockets(("127.0.0.1", "::1"), 0, mode="loopback")
    try:
        assert found.url == f"ws://127.0.0.1:{found.port}"
        assert all(sock.getsockname()[1] == found.port for sock in found.sockets)
        assert len(found.sockets) == 2 or "not listening on ::1" in caplog.text
    finally:
        for sock in found.sockets:
            sock.close()


def test_a_busy_port_is_told_with_its_owner() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        assert f"pid {os.getpid()}" in str(port_owner(port))
        with pytest.raises(
            StartRefused, match=rf"already listening on ws://127\.0\.0\.1:{port} \(.*pid {os.getpid()}\)"
        ):
            bind_sockets(("127.0.0.1",), port, mode="loopback")
    assert port_owner(port) is None


@pytest.mark.parametrize(
    ("addresses", "exposed"), [(("127.0.0.1", "::1"), False), (("0.0.0.0",), True), (("127.0.0.1", "10.0.0.1"), True)]
)
def test_exposed_is_anything_beyond_loopback(addresses: tuple[str, ...], exposed: bool) -> None:
    assert is_exposed(addresses) is exposed


@pytest.mark.parametrize(
    ("policy", "facts", "code"),
    [
        (GatewayPolicy(has_token=True), StartFacts(), "start-mode"),
        (GatewayPolicy(run_mode="local"), StartFacts(), "start-no-token"),
        (GatewayPolicy(run_mode="local", auth_mode=AuthMode.PASSWORD), StartFacts(), "start-no-password"),
        (GatewayPolicy(run_mode="local", bind=Bind.CUSTOM, has_token=True), StartFacts(), "start-no-custom-host"),
        (
            GatewayPolicy(run_mode="local", has_token=True, tailscale=TailscaleMode.FUNNEL),
            StartFacts(),
            "start-funnel-without-password",
        ),
        (
            GatewayPolicy(run_mode="local", has_token=True, hooks=HooksDoor(enabled=True)),
            StartFacts(),
            "start-hooks-no-token",
        ),
        (
            GatewayPolicy(run_mode="local", has_token=True),
            StartFacts(unresolved=("gateway.auth.token",)),
            "start-secret-unresolved",
        ),
    ],
)
def test_a_gateway_that_cannot_tell_its_callers_apart_does_not_start(
    policy: GatewayPolicy, facts: StartFacts, code: str
) -> None:
    with pytest.raises(StartRefused) as refused:
        check_start(policy, facts)
    assert refused.value.code == code
    assert refused.value.message


def test_a_sound_gateway_starts() -> None:
    check_start(GatewayPolicy(run_mode="local", has_token=True), StartFacts(addresses=("127.0.0.1",)))
    check_start(GatewayPolicy(has_token=True), StartFacts(allow_unconfigured=True))
