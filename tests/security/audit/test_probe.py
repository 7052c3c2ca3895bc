"""Asking the running gateway: what it answers, why it does not, and that nothing is left behind (audit.md 5)."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from openclaw.security.audit.probe import probe_gateway
from support.audit import AuditHome
from support.gateway import TOKEN, TestGateway, running_gateway
from support.process import free_port
from support.served import served


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    return made


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestGateway]:
    with served(lambda: running_gateway(tmp_path_factory.mktemp("gateway"))) as running:
        yield running


def settings(port: int, token: str | None = TOKEN, **gateway: object) -> dict[str, object]:
    return {"gateway": {"port": port, "auth": {"token": token}, **gateway}}


def test_a_gateway_that_runs_answers(home: AuditHome, gateway: TestGateway) -> None:
    home.config(settings(gateway.port))
    probe = probe_gateway(home.reading(), ())
    assert probe.as_dict() == {
        "attempted": True,
        "url": f"ws://127.0.0.1:{gateway.port}",
        "ok": True,
        "error": None,
        "close": None,
    }


def test_asking_leaves_nothing_on_the_disk(home: AuditHome, gateway: TestGateway) -> None:
    home.config(settings(gateway.port))
    before = sorted(home.home.rglob("*"))
    probe_gateway(home.reading(), ())
    assert sorted(home.home.rglob("*")) == before


def test_the_finding_is_absent_when_it_answers(home: AuditHome, gateway: TestGateway) -> None:
    home.config(settings(gateway.port))
    report = home.report(deep=True)
    assert report.probe is not None
    assert report.probe.ok
    assert [item for item in report.findings if item.check_id == "gateway.probe_failed"] == []


def test_a_wrong_token_is_told_without_the_token(home: AuditHome, gateway: TestGateway) -> None:
    home.config(settings(gateway.port, "not-the-token-of-this-gateway-0123"))
    probe = probe_gateway(home.reading(), ())
    assert not probe.ok
    assert probe.close is not None
    assert probe.close[0] == 1008
    assert "not-the-token" not in json.dumps(probe.as_dict())
    assert [item.severity for item in home.found("gateway.probe_failed", deep=True)] == ["warn"]


def test_no_gateway_is_a_finding_of_the_seed(home: AuditHome) -> None:
    port = free_port()
    home.config(settings(port))
    (found,) = home.found("gateway.probe_failed", deep=True, compat=True)
    assert found.detail == f"ws://127.0.0.1:{port}: connect failed: connect ECONNREFUSED 127.0.0.1:{port}"


def test_the_port_of_the_lock_goes_before_the_configured_one(home: AuditHome, gateway: TestGateway) -> None:
    home.config(settings(free_port()))
    home.layout.gateway_lock.write_text(json.dumps({"pid": os.getpid(), "port": gateway.port}))
    assert probe_gateway(home.reading(), ()).ok


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"pid": "x", "port": 1}', '{"pid": 1, "port": 99999999}', "[" * 99999]
)
def test_a_broken_lock_does_not_count(home: AuditHome, gateway: TestGateway, text: str) -> None:
    home.config(settings(gateway.port))
    home.layout.gateway_lock.write_text(text)
    assert probe_gateway(home.reading(), ()).ok


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Listen, take connections, and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_gateway_that_says_nothing_is_not_waited_for(home: AuditHome) -> None:
    with silent_server() as port:
        home.config(settings(port))
        start = time.monotonic()
        probe = probe_gateway(home.reading(), (), limit_ms=300)
        assert (probe.ok, probe.error) == (False, "timeout")
        assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"\0" * 5000, b"SSH-2.0-x\r\n"]
)
def test_something_else_on_the_port_is_no_crash(home: AuditHome, answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        home.config(settings(server.getsockname()[1]))
        probe = probe_gateway(home.reading(), (), limit_ms=2000)
        thread.join(10)
    assert not probe.ok
    assert probe.error


def test_adv_A21_a_secret_is_not_sent_over_plain_ws_to_another_machine(home: AuditHome) -> None:
    home.config(
        {"gateway": {"mode": "remote", "remote": {"url": "ws://192.0.2.1:18789", "token": "x" * 30}, "auth": None}}
    )
    start = time.monotonic()
    probe = probe_gateway(home.reading(), (), limit_ms=2000)
    assert not probe.ok
    assert "ws://192.0.2.1" in probe.url
    assert probe.close is None
    assert time.monotonic() - start < 1.5, "refused before connecting"
    assert "gateway.remote_plaintext_url" in home.ids()


def test_a_secret_that_cannot_be_resolved_is_told(home: AuditHome) -> None:
    home.config({"gateway": {"auth": {"token": {"source": "file", "path": "/nowhere/at/all"}}}})
    probe = probe_gateway(home.reading(), ())
    assert not probe.ok
    assert "gateway.auth.token" in (probe.error or "")
