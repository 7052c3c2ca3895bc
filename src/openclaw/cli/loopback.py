"""Calls to the gateway of this machine, with the standard library alone, so that small commands stay small.

`openclaw.protocol.client` does everything: devices, TLS, events, other machines. Loading it and its HTTP library takes
longer than the commands that ask one question. This speaks the same wire (gateway.md 1.1 to 1.7) over loopback, logs in
with the shared secret and no device, and waits for the answer. It opens a connection to loopback addresses only.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from openclaw.system.errors import OpenClawError, Refused, Unavailable
from openclaw.system.secret import Secret
from openclaw.version import VERSION

OLDEST: Final = 3
NEWEST: Final = 4
"""Protocols that this speaks: what is asked and answered is the same in both."""
MAX_FRAME: Final = 26_214_400
CONNECT_SECONDS: Final = 10.0
_ACCEPT_SUFFIX: Final = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_REFUSED_AT_LOGIN: Final = 1008


class CallFailed(OpenClawError):
    """The gateway answered a call with an error.

    Attributes:
        payload: what it sent beside the error, if anything.
    """

    default_code = "UNAVAILABLE"

    def __init__(self, error: Mapping[str, Any], payload: Any = None) -> None:
        details = error.get("details")
        super().__init__(
            str(error.get("message") or "the gateway refused without saying why"),
            code=str(error.get("code") or self.default_code),
            details=details if isinstance(details, dict) else {},
        )
        self.payload = payload


class LoopbackClient:
    """One logged-in connection; use it with `with`.

    Args:
        url: `ws://` address on loopback.
        token, password: the shared secret.
        scopes: the least that the calls need.

    Raises:
        Refused: the gateway does not let us in.
        Unavailable: nobody answers there, or it is no gateway.
    """

    def __init__(self, url: str, *, token: Secret | None, password: Secret | None, scopes: tuple[str, ...]) -> None:
        self._url = url
        self._deadline = time.monotonic() + CONNECT_SECONDS
        parts = urlsplit(url)
        self._socket = self._open(parts.hostname or "", parts.port or 80)
        self._buffer = b""
        self._count = 0
        try:
            self._upgrade(parts.netloc)
            self.hello = self._log_in(token, password, scopes)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> LoopbackClient:
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(OSError, OpenClawError):
            self._send(_CLOSE, struct.pack(">H", 1000))
        self._socket.close()

    def call(self, method: str, params: Mapping[str, Any] | None, *, seconds: float) -> Any:
        """Call a method and return its payload; of two answers the last one.

        Raises:
            CallFailed: the gateway says no.
            Unavailable: no answer in time, or the connection is gone.
        """
        return list(self.answers(method, params, seconds=seconds))[-1]

    def answers(self, method: str, params: Mapping[str, Any] | None, *, seconds: float) -> Iterator[Any]:
        """Call a method and yield its payloads: one, or an early `accepted` and the final one."""
        self._deadline = time.monotonic() + seconds
        self._count += 1
        request_id = str(self._count)
        frame = {"type": "req", "id": request_id, "method": method}
        self._send(_TEXT, _encode(frame if params is None else {**frame, "params": params}))
        while True:
            answer = self._next_of_type("res")
            if answer.get("id") != request_id:
                continue
            payload = answer.get("payload")
            if answer.get("ok") is not True:
                raise CallFailed(answer.get("error") or {}, payload)
            yield payload
            if not (isinstance(payload, dict) and payload.get("status") == "accepted"):
                return

    # Logging in

    def _open(self, host: str, port: int) -> socket.socket:
        try:
            return socket.create_connection((host, port), timeout=CONNECT_SECONDS)
        except TimeoutError:
            raise self._unavailable("it does not answer") from None
        except OSError as error:
            raise self._unavailable((error.strerror or str(error)).lower()) from None

    def _upgrade(self, netloc: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        request = (
            f"GET / HTTP/1.1\r\nHost: {netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
        )
        self._write(request.encode())
        head = self._until(b"\r\n\r\n", 64 * 1024).decode("latin-1")
        wanted = base64.b64encode(hashlib.sha1(f"{key}{_ACCEPT_SUFFIX}".encode(), usedforsecurity=False).digest())
        accepted = [line.partition(":")[2].strip() for line in head.split("\r\n") if line.lower().startswith(_HEADER)]
        if not head.startswith("HTTP/1.1 101 ") or accepted != [wanted.decode()]:
            raise Unavailable(f"{self._url} is not an OpenClaw gateway", code="not-a-gateway")

    def _log_in(self, token: Secret | None, password: Secret | None, scopes: tuple[str, ...]) -> dict[str, Any]:
        if self._next_of_type("event").get("event") != "connect.challenge":
            raise Unavailable(f"{self._url} is not an OpenClaw gateway: it sent no challenge", code="not-a-gateway")
        secret = {"token": token, "password": password}
        params = {
            "minProtocol": OLDEST,
            "maxProtocol": NEWEST,
            "client": {"id": "cli", "mode": "cli", "version": VERSION, "platform": sys.platform},
            "role": "operator",
            "scopes": list(scopes),
            "auth": {name: value.reveal() for name, value in secret.items() if value is not None},
        }
        try:
            hello = self.call("connect", params, seconds=CONNECT_SECONDS)
        except CallFailed as error:
            raise Refused(error.message, code=error.code, details=error.details) from None
        return hello if isinstance(hello, dict) else {}

    # Frames

    def _next_of_type(self, kind: str) -> dict[str, Any]:
        while True:
            try:
                found = json.loads(self._message())
            except (ValueError, RecursionError):
                raise Unavailable(f"{self._url} is not an OpenClaw gateway", code="not-a-gateway") from None
            if isinstance(found, dict) and found.get("type") == kind:
                return found

    def _message(self) -> bytes:
        """Return the next whole message; pings are answered on the way."""
        whole = b""
        while True:
            head = self._read(2)
            final, code, length = head[0] & 0x80, head[0] & 0x0F, head[1] & 0x7F
            if length >= 126:
                (length,) = struct.unpack(">H" if length == 126 else ">Q", self._read(2 if length == 126 else 8))
            if length + len(whole) > MAX_FRAME:
                raise self._unavailable("it sent more than is allowed")
            data = self._read(length)
            if code == _PING:
                self._send(_PONG, data)
            elif code == _CLOSE:
                self._closed(data)
            elif code != _PONG:
                whole += data
                if final:
                    return whole

    def _closed(self, data: bytes) -> None:
        code = struct.unpack(">H", data[:2])[0] if len(data) >= 2 else 1005
        reason = data[2:].decode("utf-8", "replace")
        raise self._ended(f" ({code}: {reason})" if reason else f" ({code})")

    def _send(self, code: int, data: bytes) -> None:
        length = len(data)
        size = (
            struct.pack(">B", 0x80 | length)
            if length < 126
            else struct.pack(">BH", 0x80 | 126, length)
            if length < 65536
            else struct.pack(">BQ", 0x80 | 127, length)
        )
        mask = os.urandom(4)
        number = int.from_bytes(data, "big") ^ int.from_bytes((mask * (length // 4 + 1))[:length], "big")
        self._write(bytes((0x80 | code,)) + size + mask + number.to_bytes(length, "big"))

    # Bytes

    def _until(self, end: bytes, limit: int) -> bytes:
        while end not in self._buffer:
            self._fill()
            if len(self._buffer) > limit:
                raise Unavailable(f"{self._url} is not an OpenClaw gateway", code="not-a-gateway")
        head, _, self._buffer = self._buffer.partition(end)
        return head

    def _read(self, count: int) -> bytes:
        pieces, have = [self._buffer], len(self._buffer)
        while have < count:
            self._buffer = b""
            self._fill()
            pieces.append(self._buffer)
            have += len(self._buffer)
        data = b"".join(pieces)
        self._buffer = data[count:]
        return data[:count]

    def _fill(self) -> None:
        self._wait()
        try:
            piece = self._socket.recv(1 << 18)
        except TimeoutError:
            raise self._unavailable("it did not answer in time") from None
        except OSError:
            piece = b""
        if not piece:
            raise self._ended()
        self._buffer += piece

    def _write(self, data: bytes) -> None:
        self._wait()
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise self._unavailable("it did not take the question in time") from None
        except OSError:
            raise self._ended() from None

    def _wait(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._unavailable("it did not answer in time")
        self._socket.settimeout(left)

    def _ended(self, why: str = "") -> Unavailable:
        return Unavailable(f"the connection to {self._url} ended{why}", code="gateway-disconnected")

    def _unavailable(self, why: str) -> Unavailable:
        return Unavailable(
            f"cannot reach the gateway at {urlsplit(self._url).netloc}: {why}", code="gateway-unreachable"
        )


_HEADER: Final = "sec-websocket-accept:"


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
