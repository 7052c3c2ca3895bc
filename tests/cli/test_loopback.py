"""The small client against a socket that says what we want, byte by byte."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.cli import loopback
from openclaw.cli.loopback import CallFailed, LoopbackClient
from openclaw.system.errors import OpenClawError, Refused, Unavailable
from openclaw.system.secret import Secret

CHALLENGE = {"type": "event", "event": "connect.challenge", "payload": {"nonce": "n", "ts": 1}}
HELLO = {"type": "hello-ok", "protocol": 4}


class Peer:
    """The server's side of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.file = sock.makefile("rb")
        self.heads: list[str] = []

    def upgrade(self, *, accept: str | None = None) -> None:
        lines = []
        while line := self.file.readline().decode().strip():
            lines.append(line)
        self.heads = lines
        key = next(line.partition(": ")[2] for line in lines if line.startswith("Sec-WebSocket-Key"))
        proof = base64.b64encode(hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()).decode()
        head = (
            f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept or proof}\r\n\r\n"
        )
        self.socket.sendall(head.encode())

    def send(self, value: Any, *, code: int = 1, final: bool = True) -> None:
        data = value if isinstance(value, bytes) else json.dumps(value).encode()
        length = len(data)
        if length < 126:
            size = bytes([length])
        else:
            size = b"\x7e" + struct.pack(">H", length) if length < 65536 else b"\x7f" + struct.pack(">Q", length)
        self.socket.sendall(bytes([(0x80 if final else 0) | code]) + size + data)

    def receive(self) -> tuple[int, bytes]:
        head = self.file.read(2)
        assert head[1] & 0x80, "a client masks its frames"
        length = head[1] & 0x7F
        if length == 126:
            (length,) = struct.unpack(">H", self.file.read(2))
        elif length == 127:
            (length,) = struct.unpack(">Q", self.file.read(8))
        mask = self.file.read(4)
        data = self.file.read(length)
        return head[0] & 0x0F, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))

    def request(self) -> dict[str, Any]:
        code, data = self.receive()
        assert code == 1
        found: dict[str, Any] = json.loads(data)
        return found

    def greet(self) -> dict[str, Any]:
        self.upgrade()
        self.send(CHALLENGE)
        connect = self.request()
        self.send({"type": "res", "id": connect["id"], "ok": True, "payload": HELLO})
        params: dict[str, Any] = connect["params"]
        return params


@contextlib.contextmanager
def serving(script: Callable[[Peer], None]) -> Iterator[str]:
    """Serve one connection by a script; what fails in it fails the test."""
    failures: list[BaseException] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            sock, _ = server.accept()
            with sock, contextlib.suppress(ConnectionError, BrokenPipeError):
                peer = Peer(sock)
                try:
                    script(peer)
                except (ConnectionError, BrokenPipeError):
                    raise
                except BaseException as error:  # noqa: BLE001 - told to the test's own thread
                    failures.append(error)
                finally:
                    peer.file.close()

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join(20)
            assert not failures, failures


def client(url: str, **secret: str) -> LoopbackClient:
    token = Secret(secret.get("token", "a-token-of-the-gateway"))
    return LoopbackClient(url, token=token, password=None, scopes=("operator.read",))


def test_it_logs_in_with_the_secret_the_scopes_and_no_device() -> None:
    seen: dict[str, Any] = {}

    def script(peer: Peer) -> None:
        seen.update(peer.greet())

    with serving(script) as url, client(url) as found:
        assert found.hello == HELLO
    assert (seen["role"], seen["scopes"], seen["auth"]) == (
        "operator",
        ["operator.read"],
        {"token": "a-token-of-the-gateway"},
    )
    assert (seen["minProtocol"], seen["maxProtocol"]) == (3, 4)
    assert seen["client"]["id"] == seen["client"]["mode"] == "cli"
    assert "device" not in seen


def test_the_answer_is_found_among_events_pings_and_other_answers() -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        call = peer.request()
        peer.send({"type": "event", "event": "tick"})
        peer.send(b"hi", code=9)
        assert peer.receive() == (10, b"hi")
        peer.send(b"late", code=10)
        peer.send({"type": "res", "id": "other", "ok": True, "payload": 1})
        answer = json.dumps({"type": "res", "id": call["id"], "ok": True, "payload": {"text": "x" * 70_000}}).encode()
        peer.send(answer[:10], final=False)
        peer.send(answer[10:300], code=0, final=False)
        peer.send(answer[300:], code=0)

    with serving(script) as url, client(url) as found:
        assert found.call("health", {}, seconds=10) == {"text": "x" * 70_000}


def test_an_early_answer_is_followed_by_the_final_one() -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        call = peer.request()
        assert call["params"] == {"message": "m" * 70_000}
        peer.send({"type": "res", "id": call["id"], "ok": True, "payload": {"status": "accepted"}})
        peer.send({"type": "res", "id": call["id"], "ok": True, "payload": {"status": "ok"}})

    with serving(script) as url, client(url) as found:
        answers = list(found.answers("agent", {"message": "m" * 70_000}, seconds=10))
    assert [answer["status"] for answer in answers] == ["accepted", "ok"]


def test_an_error_keeps_code_details_and_payload() -> None:
    def script(peer: Peer) -> None:
        peer.greet()
        error = {"code": "INVALID_REQUEST", "message": "no", "details": {"a": 1}}
        peer.send(
            {"type": "res", "id": peer.request()["id"], "ok": False, "error": error, "payload": {"status": "error"}}
        )

    with serving(script) as url, client(url) as found, pytest.raises(CallFailed) as raised:
        found.call("x", None, seconds=10)
    assert (raised.value.code, raised.value.message, raised.value.details) == ("INVALID_REQUEST", "no", {"a": 1})
    assert raised.value.payload == {"status": "error"}


def test_a_refused_login_says_why_and_never_the_secret() -> None:
    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.send(CHALLENGE)
        error = {"code": "INVALID_REQUEST", "message": "unauthorized: gateway token mismatch"}
        peer.send({"type": "res", "id": peer.request()["id"], "ok": False, "error": error})

    with serving(script) as url, pytest.raises(Refused, match="token mismatch") as raised:
        client(url)
    assert "a-token-of-the-gateway" not in repr(raised.value)


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (lambda peer: peer.socket.sendall(b"HTTP/1.1 200 OK\r\n\r\n"), "not-a-gateway"),
        (lambda peer: peer.socket.sendall(b"220 mail ready\r\n" * 9000), "not-a-gateway"),
        (lambda peer: peer.upgrade(accept="x"), "not-a-gateway"),
        (lambda peer: (peer.upgrade(), peer.send({"type": "event", "event": "hello"})), "not-a-gateway"),
        (lambda peer: (peer.upgrade(), peer.send(struct.pack(">H", 1013) + b"busy", code=8)), "gateway-disconnected"),
        (lambda peer: (peer.upgrade(), peer.send(b"", code=8)), "gateway-disconnected"),
        (lambda peer: peer.upgrade(), "gateway-disconnected"),
        (lambda _: None, "gateway-disconnected"),
        (
            lambda peer: (peer.upgrade(), peer.socket.sendall(b"\x81\x7f" + struct.pack(">Q", 2**40))),
            "gateway-unreachable",
        ),
    ],
)
def test_what_is_no_gateway_or_goes_away_is_one_typed_error(script: Callable[[Peer], None], code: str) -> None:
    with serving(script) as url, pytest.raises(Unavailable) as raised:
        client(url)
    assert raised.value.code == code


def test_nobody_there_is_told_with_the_reason() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unavailable, match=f"127.0.0.1:{port}: connection refused"):
        client(f"ws://127.0.0.1:{port}")


def test_silence_ends_at_the_time_that_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def script(peer: Peer) -> None:
        peer.greet()
        peer.request()
        over.wait(10)

    with serving(script) as url, client(url) as found:
        with pytest.raises(Unavailable, match="did not answer in time"):
            found.call("x", None, seconds=0.05)
        over.set()
    monkeypatch.setattr(loopback, "CONNECT_SECONDS", 0.05)
    over.clear()

    def silent(_: Peer) -> None:
        over.wait(10)

    with serving(silent) as url:
        with pytest.raises(Unavailable, match="did not answer in time"):
            client(url)
        over.set()


@given(st.binary(max_size=400))
@settings(max_examples=40, deadline=None)
def test_whatever_a_server_sends_is_a_typed_error(noise: bytes) -> None:
    def script(peer: Peer) -> None:
        peer.upgrade()
        peer.socket.sendall(noise)

    with serving(script) as url, pytest.raises(OpenClawError):
        client(url)
