"""`up` as the real program: what it makes, what it says, how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from openclaw.cli import up
from openclaw.cli.context import CliContext
from openclaw.cli.up import Prepared, web_chat_address
from openclaw.system.secret import Secret
from openclaw.tools.sandbox.backend import Probe
from support.cli import TOKEN, Cli, Home, Running, started
from support.process import free_port

pytestmark = pytest.mark.e2e


def modes(root: Path) -> set[tuple[bool, int]]:
    return {(path.is_dir(), path.stat().st_mode & 0o077) for path in (root, *root.rglob("*"))}


def start_text(home: Home, *arguments: str) -> tuple[subprocess.Popen[str], list[str]]:
    """Start `up` for people and read until it says what to do next."""
    process = subprocess.Popen(
        [sys.executable, "-m", "openclaw", "up", "--port", str(free_port()), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=home.environment(),
    )
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if line.startswith("Next:"):
            return process, lines
    raise AssertionError("\n".join(lines))


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, str]:
    process.send_signal(number)
    assert process.stdout is not None
    rest = process.stdout.read()
    process.stdout.close()
    return process.wait(20), rest


def test_from_nothing_to_a_web_chat_and_back(home: Home) -> None:
    process, lines = start_text(home)
    (address,) = [line for line in lines if line.startswith("Web chat: ")]
    url = urlsplit(address.removeprefix("Web chat: "))
    token = home.read_config()["gateway"]["auth"]["token"]
    assert (url.hostname, url.query, url.fragment) == ("127.0.0.1", "", f"token={token}")
    assert len(token) == 48
    assert "\n".join(lines).count(token) == 1
    assert any(line.startswith("listening on ws://127.0.0.1:") for line in lines)
    with socket.create_connection(("127.0.0.1", url.port or 0)) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert sock.recv(64).startswith(b"HTTP/1.1 200")
    code, rest = end(process, signal.SIGINT)
    assert code == 0
    assert "Traceback" not in rest
    assert "Error" not in rest


def test_json_tells_where_it_is_in_one_document_and_the_state_is_private_throughout(home: Home) -> None:
    with started(home) as running:
        assert set(running.told) == {"ok", "url", "port", "pid", "config", "created", "added", "sandbox"}
        assert running.told["created"] is True
        assert running.told["pid"] == running.process.pid
        assert running.told["config"] == str(home.config)
        assert home.read_config()["gateway"]["port"] == running.port
        assert home.program("agent", "-m", "hello").code == 0
        assert running.stop(signal.SIGTERM) == 0
    assert modes(home.state) == {(True, 0), (False, 0)}
    with started(home) as running:
        assert (running.told["created"], running.told["added"], running.told["sandbox"]) == (False, [], None)


@pytest.mark.sandbox
def test_adv_P13_a_command_of_the_model_runs_in_the_sandbox_of_a_fresh_installation(home: Home) -> None:
    (home.path / "mine").write_text("untouched")
    with started(home) as running:
        assert running.told["sandbox"] is True
        answer = home.program("agent", "-m", f"run id -u; hostname; cat {home.path}/mine; echo x > {home.path}/mine")
        assert "openclaw-sbx" in answer.out
        assert "untouched" not in answer.out
    assert (home.path / "mine").read_text() == "untouched"


def test_adv_P13_where_no_sandbox_works_commands_wait_for_a_yes(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "probe_sandbox", lambda _: Probe(usable=False, detail="no namespaces here"))
    context = CliContext.build()
    up.prepare_config(context, None)
    assert cli.home.read_config()["tools"]["exec"] == {"host": "gateway", "security": "allowlist", "ask": "on-miss"}


def test_a_real_probe_decides_what_is_written(cli: Cli) -> None:
    context = CliContext.build()
    probe = up.probe_sandbox(context)
    up.prepare_config(context, None)
    assert ("sandbox" in cli.home.read_config().get("agents", {}).get("defaults", {})) is probe.usable


def prepared() -> Prepared:
    """Do what `up` does before it starts the gateway."""
    context = CliContext.build()
    up.prepare_state(context)
    return up.prepare_config(context, None)


def test_an_existing_config_keeps_its_comments_and_gets_what_it_lacks(cli: Cli) -> None:
    cli.home.write_config("{\n  // mine\n  messages: { responsePrefix: 'x' },\n}\n")
    found = prepared()
    assert found.created is False
    assert "gateway.auth.token" in found.added
    text = cli.home.config.read_text()
    assert "// mine" in text
    assert "responsePrefix: 'x'" in text


def test_a_token_in_the_environment_is_not_doubled(home: Home) -> None:
    home.extra = {"OPENCLAW_GATEWAY_TOKEN": TOKEN}
    with started(home) as running:
        assert running.told["url"].endswith(f"#token={TOKEN}")
        assert home.program("health").code == 0
    assert TOKEN not in home.config.read_text()
    assert "auth" not in home.read_config()["gateway"]


def test_a_second_one_says_where_the_first_is(gateway: Running) -> None:
    answer = gateway.home.program("up")
    assert (answer.code, answer.out) == (1, "")
    assert f"pid {gateway.process.pid}" in answer.err
    assert "gateway stop" in answer.err
    assert gateway.told["url"] in answer.err


def test_a_port_in_use_is_one_clear_message(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answer = home.program("up", "--port", str(port))
    assert answer.code == 1
    assert f"already listening on ws://127.0.0.1:{port}" in answer.err
    assert "gateway.port" in answer.err
    assert "Traceback" not in answer.err


def test_a_state_directory_that_others_can_read_is_made_private(cli: Cli) -> None:
    cli.home.state.mkdir(mode=0o755)
    cli.home.state.chmod(0o755)
    prepared()
    assert cli.home.state.stat().st_mode & 0o777 == 0o700


def test_a_remote_config_is_not_started_here(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"mode": "remote", "remote": {"url": "wss://example.org"}}})
    answer = cli("up")
    assert answer.code == 1
    assert "gateway.mode local" in answer.err


def test_older_keys_are_moved_first(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"token": TOKEN}, "identity": {"name": "Bot"}})
    found = up.token_of(prepared().config)
    assert found is not None
    assert found.reveal() == TOKEN
    assert cli.home.read_config()["gateway"]["auth"]["token"] == TOKEN


def test_a_bad_port_is_refused(cli: Cli) -> None:
    for port in ("0", "65536", "x"):
        assert cli("up", "--port", port).code == 1
    assert not cli.home.state.exists()


@pytest.mark.parametrize(
    ("facts", "address"),
    [
        ({"tls": False, "base": "", "token": None}, "http://127.0.0.1:1/"),
        ({"tls": True, "base": "/ui", "token": Secret("a b&c#d")}, "https://127.0.0.1:1/ui/#token=a%20b%26c%23d"),
    ],
)
def test_the_token_stands_in_the_fragment_alone(facts: dict[str, object], address: str) -> None:
    assert web_chat_address(port=1, **facts) == address  # type: ignore[arg-type]  # a table of arguments


def test_the_browser_is_handed_a_private_page_and_no_token(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import webbrowser

    from openclaw.cli.browser import open_address

    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    address = f"http://127.0.0.1:1/#token={TOKEN}"
    monkeypatch.setattr(sys, "platform", "linux")
    open_address(CliContext.build(), address)
    assert opened == []
    cli.set_variable("DISPLAY", ":0")
    open_address(CliContext.build(), address)
    (shown,) = opened
    assert TOKEN not in shown
    page = cli.home.state / "cache" / "open.html"
    assert shown == page.as_uri()
    assert page.stat().st_mode & 0o777 == 0o600
    assert f"url={address}" in page.read_text()


def test_stop_ends_it_and_waits(home: Home) -> None:
    assert json.loads(home.program("gateway", "stop", "--json").out) == {"ok": True, "pid": None}
    with started(home) as running:
        answer = home.program("gateway", "stop", "--json")
        assert json.loads(answer.out) == {"ok": True, "pid": running.process.pid}
        assert running.process.wait(10) == 0
    assert home.program("gateway", "stop").out == "No gateway runs.\n"


def test_gateway_run_takes_its_options_with_and_without_the_word_run(home: Home) -> None:
    home.write_config({"gateway": {"mode": "local", "port": 1, "auth": {"token": TOKEN}}})
    for words in (("gateway", "run"), ("gateway",)):
        port = free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "openclaw", *words, "--port", str(port), "--token", "0123456789abcdef-flag"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=home.environment(),
        )
        assert process.stdout is not None
        assert f"listening on ws://127.0.0.1:{port}" in process.stdout.readline()
        assert home.program("health", "--token", "0123456789abcdef-flag").code == 0
        assert home.program("health").code == 1  # the flag wins over the config
        assert end(process, signal.SIGTERM)[0] == 0


@pytest.mark.parametrize(
    ("config", "arguments", "said"),
    [
        ({}, (), "gateway.mode"),
        ({"gateway": {"mode": "local"}}, (), "token"),
        ({"gateway": {"mode": "local"}}, ("--auth", "password"), "password"),
        ({"gateway": {"mode": "local", "auth": {"token": TOKEN}}}, ("--bind", "custom"), "customBindHost"),
        ({"gateway": {"mode": "local", "auth": {"token": TOKEN}}}, ("--port", "0"), "--port"),
        ({"gateway": {"mode": "local", "auth": {"token": TOKEN}}}, ("--bind", "x"), "--bind"),
    ],
)
def test_what_the_gateway_refuses_is_one_message_and_exit_1(
    cli: Cli, config: dict[str, object], arguments: tuple[str, ...], said: str
) -> None:
    cli.home.write_config(config)
    answer = cli("gateway", "run", *arguments)
    assert answer.code == 1
    assert said in answer.err
    assert "Traceback" not in answer.err


def test_force_takes_over_from_the_running_one(home: Home) -> None:
    with started(home) as first:
        port = free_port()
        second = subprocess.Popen(
            [sys.executable, "-m", "openclaw", "gateway", "run", "--force", "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=home.environment(),
        )
        assert second.stdout is not None
        assert f":{port}" in second.stdout.readline()
        assert first.process.wait(10) == 0
        assert end(second, signal.SIGTERM)[0] == 0


def test_the_lock_of_a_killed_gateway_is_no_obstacle(home: Home) -> None:
    with started(home) as running:
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait(10)
        assert "does not answer" in home.program("status").out
    began = time.monotonic()
    with started(home):
        assert home.program("health").code == 0
    assert time.monotonic() - began < 30
