"""A lean WebSocket client: blocking sockets and as little Python per frame as possible, so that it is no bottleneck."""

from __future__ import annotations

import base64
import json
import os
import socket
import time
from collections.abc import Iterator
from typing import Any, Final

RECEIVE: Final = 1 << 18
SECONDS: Final = 20.0
_MASKED: Final = 0x80
_RESPONSE: Final = b'{"type":"res"'


class Link:
    """One connection, logged in.

    Attributes:
        sock: the socket, for a selector.
    """

    __slots__ = ("_buffer", "sock")

    def __init__(self, port: int, token: str) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        try:
            self._upgrade(port)
            self._login(token)
        except BaseException:
            self.sock.close()
            raise

    @classmethod
    def patient(cls, port: int, token: str, seconds: float) -> Link:
        """Connect to a gateway that is about to listen."""
        until = time.monotonic() + seconds
        while True:
            try:
                return cls(port, token)
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.005)

    def close(self) -> None:
        """Hang up."""
        self.sock.close()

    def send(self, frame: bytes) -> None:
        """Send a frame of `frame_of`."""
        self.sock.sendall(frame)

    def read(self) -> list[bytes]:
        """Return the messages that are there, after waiting for bytes; the last may still be on its way."""
        data = self.sock.recv(RECEIVE)
        if not data:
            raise ConnectionError("the gateway hung up")
        data = self._buffer + data if self._buffer else data
        found: list[bytes] = []
        at, size = 0, len(data)
        while size - at >= 2:
            length, start = data[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(data[start : start + 2]), start + 2
            elif length == 127:
                length, start = int.from_bytes(data[start : start + 8]), start + 8
            if start + length > size:
                break
            if data[at] == 0x88:
                raise ConnectionError(f"the gateway closed: {data[start + 2 : start + length].decode()}")
            found.append(data[start : start + length])
            at = start + length
        self._buffer = data[at:]
        return found

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield messages as they come."""
        while True:
            for text in self.read():
                yield json.loads(text)

    def call(self, method: str, params: dict[str, Any]) -> Any:
        """Call a method and return its payload; events that come meanwhile are dropped."""
        self.send(frame_of({"type": "req", "id": "call", "method": method, "params": params}))
        for message in self.messages():
            if message["type"] == "res" and message["id"] == "call":
                if not message["ok"]:
                    raise ConnectionError(f"{method}: {message['error']['message']}")
                return message.get("payload")
        return None

    def _upgrade(self, port: int) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.sock.sendall(request.encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = self.sock.recv(RECEIVE)
            if not part:
                raise ConnectionError("no answer to the upgrade")
            head += part
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
        self._buffer = head.partition(b"\r\n\r\n")[2]

    def _login(self, token: str) -> None:
        client = {"id": "cli", "mode": "cli", "version": "bench", "platform": "linux"}
        params = {
            "minProtocol": 3,
            "maxProtocol": 4,
            "client": client,
            "role": "operator",
            "scopes": ["operator.admin"],
            "auth": {"token": token},
        }
        self.call("connect", params)


def frame_of(value: Any) -> bytes:
    """Return a text frame; it is masked with zeros, so that making it costs nothing."""
    body = json.dumps(value, separators=(",", ":")).encode()
    size = len(body)
    if size < 126:
        head = bytes((0x81, _MASKED | size))
    elif size < 65536:
        head = bytes((0x81, _MASKED | 126)) + size.to_bytes(2)
    else:
        head = bytes((0x81, _MASKED | 127)) + size.to_bytes(8)
    return head + bytes(4) + body


def is_answer(text: bytes) -> bool:
    """Return whether a message answers a request, and well."""
    if not text.startswith(_RESPONSE):
        return False
    if b'"ok":true' not in text[-24:] and b'"ok":true' not in text:
        raise ConnectionError(text[:300].decode())
    return True
