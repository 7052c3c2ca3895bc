"""The WebSocket client of the CLI, the node host and the audit's probe (gateway.md 1.3-1.7, 2.7).

Importing it costs little: the HTTP library is loaded at the first connection.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from openclaw.protocol.client_login import (
    OLDEST,
    ClientParts,
    Introduction,
    connect_params,
    credentials,
    login_advice,
    rpc_error,
)
from openclaw.protocol.client_target import LOCAL, Target, check_transport
from openclaw.protocol.codec import encode
from openclaw.protocol.errors import RpcError
from openclaw.protocol.frames import EventFrame, ResponseFrame, read_server_frame
from openclaw.system.errors import Refused, Unavailable
from openclaw.system.tasks import Supervisor

if TYPE_CHECKING:
    from aiohttp import ClientSession, ClientWebSocketResponse

__all__ = ["ClientParts", "GatewayClient", "Introduction"]

MAX_FRAME: Final = 26_214_400
CONNECT_SECONDS: Final = 15.0
CALL_SECONDS: Final = 30.0
KEPT_EVENTS: Final = 1000
TICK_TIMEOUT: Final = 4000
DONE: Final = 1000


class GatewayClient:
    """A connection to a gateway. Use `async with await GatewayClient.connect(...)`.

    Attributes:
        hello: the payload of `hello-ok`.
        close_code, close_reason: how the connection ended; None while it lasts.
    """

    def __init__(self, session: ClientSession, socket: ClientWebSocketResponse, target: Target) -> None:
        self._session = session
        self._socket = socket
        self._target = target
        self._tasks = Supervisor("gateway-client")
        self._waiting: dict[str, asyncio.Queue[ResponseFrame | None]] = {}
        self._events: deque[EventFrame] = deque(maxlen=KEPT_EVENTS)
        self._news = asyncio.Event()
        self._count = 0
        self._silence: float | None = None
        self._watch: asyncio.Timeout | None = None
        self.hello: dict[str, Any] = {}
        self.close_code: int | None = None
        self.close_reason = ""

    @classmethod
    async def connect(
        cls, target: Target, introduction: Introduction, parts: ClientParts, *, seconds: float = CONNECT_SECONDS
    ) -> GatewayClient:
        """Open a connection and log in.

        Args:
            target: which gateway, with which secret.
            introduction: who we say we are.
            parts: key, tokens, time.
            seconds: for all of it.

        Raises:
            Refused: clear text to another machine; or the gateway refuses: `code` is the wire's code and `details` hold
                what it said (`details["code"]`, `details["requestId"]` of a pairing request).
            Unavailable: it cannot be reached, or does not answer in time.
        """
        check_transport(target, parts.environment, parts.own_addresses)
        try:
            async with asyncio.timeout(seconds):
                client = await cls._open(target)
                try:
                    await client.introduce(introduction, parts)
                except BaseException:
                    await client.close()
                    raise
        except TimeoutError:
            raise Unavailable(f"the gateway at {target.url} did not answer within {seconds:g} seconds") from None
        return client

    @classmethod
    async def _open(cls, target: Target) -> GatewayClient:
        import aiohttp

        trust: Any = True if target.fingerprint is None else aiohttp.Fingerprint(bytes.fromhex(target.fingerprint))
        watch = aiohttp.TraceConfig()
        watch.on_request_redirect.append(_no_redirect)
        session = aiohttp.ClientSession(trust_env=False, trace_configs=[watch])
        try:
            socket = await session.ws_connect(target.url, max_msg_size=MAX_FRAME, compress=0, ssl=trust)
        except BaseException as error:
            await session.close()
            if isinstance(error, aiohttp.ServerFingerprintMismatch):
                raise Refused(
                    f"the certificate of {target.url} is not the pinned one; check gateway.remote.tlsFingerprint",
                    code="tls-fingerprint",
                ) from None
            if isinstance(error, aiohttp.ClientError | OSError):
                raise Unavailable(_unreachable(target, error), code="gateway-unreachable") from None
            raise
        return cls(session, socket, target)

    async def __aenter__(self) -> GatewayClient:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    @property
    def protocol(self) -> int:
        """Return the negotiated protocol."""
        return int(self.hello.get("protocol", OLDEST))

    async def call(self, method: str, params: Mapping[str, Any] | None = None, *, seconds: float = CALL_SECONDS) -> Any:
        """Call a method and return its payload; of two answers the last one.

        Raises:
            RpcError: the gateway says no.
            Unavailable: no answer in time, or the connection is gone.
        """
        payload: Any = None
        async with aclosing(self.answers(method, params, seconds=seconds)) as frames:
            async for frame in frames:
                payload = frame.payload
        return payload

    async def answers(
        self, method: str, params: Mapping[str, Any] | None = None, *, seconds: float = CALL_SECONDS
    ) -> AsyncGenerator[ResponseFrame, None]:
        """Call a method and yield its answers: one, or with `agent` an early `accepted` and the final one.

        Raises:
            RpcError: the gateway says no.
            Unavailable: no answer in time, or the connection is gone.
        """
        self._count += 1
        request_id = f"{self._count}:{uuid.uuid4()}"
        queue = self._waiting[request_id] = asyncio.Queue()
        try:
            frame = {"type": "req", "id": request_id, "method": method}
            await self._send(encode(frame if params is None else {**frame, "params": params}))
            while True:
                answer = await self._answer(queue, method, seconds)
                if not answer.ok:
                    raise rpc_error(answer)
                yield answer
                if not (isinstance(answer.payload, dict) and answer.payload.get("status") == "accepted"):
                    return
        finally:
            del self._waiting[request_id]

    async def events(self) -> AsyncIterator[EventFrame]:
        """Yield events as they come, until the connection ends; the last 1000 wait for a slow reader."""
        while True:
            while self._events:
                yield self._events.popleft()
            if self.close_code is not None:
                return
            self._news.clear()
            await self._news.wait()

    async def close(self, code: int = DONE, reason: str = "") -> None:
        """End the connection."""
        if self.close_code is None:
            self._ended(code, reason)
        await self._socket.close(code=code, message=reason.encode())
        await self._tasks.close()
        await self._session.close()

    async def _answer(self, queue: asyncio.Queue[ResponseFrame | None], method: str, seconds: float) -> ResponseFrame:
        if self.close_code is not None:
            raise self._gone()
        try:
            async with asyncio.timeout(seconds):
                frame = await queue.get()
        except TimeoutError:
            raise Unavailable(f"{method}: the gateway did not answer within {seconds:g} seconds") from None
        if frame is None:
            raise self._gone()
        return frame

    async def _send(self, frame: bytes) -> None:
        try:
            await self._socket.send_str(frame.decode())
        except (ConnectionError, RuntimeError):
            raise self._gone() from None

    def _gone(self) -> Unavailable:
        why = f" ({self.close_code}: {self.close_reason})" if self.close_reason else f" ({self.close_code})"
        return Unavailable(f"the connection to {self._target.url} ended{why}", code="gateway-disconnected")

    # Logging in

    async def introduce(self, introduction: Introduction, parts: ClientParts) -> None:
        """Answer the challenge and log in; `connect` does it."""
        first = await self._next()
        if (
            not isinstance(first, EventFrame)
            or first.event != "connect.challenge"
            or not isinstance(first.payload, dict)
        ):
            raise Unavailable(
                f"{self._target.url} is not an OpenClaw gateway: it sent no challenge", code="not-a-gateway"
            )
        auth, signed = await asyncio.to_thread(credentials, self._target, introduction, parts)
        params = connect_params(introduction, parts, first.payload, auth, signed)
        self._tasks.start(self._read(), name="reader")
        try:
            hello = await self.call("connect", params)
        except RpcError as error:
            if parts.tokens is not None and error.details.get("code") == "AUTH_DEVICE_TOKEN_MISMATCH":
                await asyncio.to_thread(parts.tokens.delete, introduction.role)
            raise Refused(login_advice(error), code=error.code, details=error.details) from None
        self.hello = hello if isinstance(hello, dict) else {}
        interval = self.hello.get("policy", {}).get("tickIntervalMs")
        if isinstance(interval, int) and interval > 0:
            self._expect_ticks(2 * interval / 1000)
        given = self.hello.get("auth")
        if parts.tokens is not None and isinstance(given, dict) and isinstance(given.get("deviceToken"), str):
            scopes = tuple(given.get("scopes") or ())
            await asyncio.to_thread(parts.tokens.put, str(given.get("role")), given["deviceToken"], scopes)

    def _expect_ticks(self, seconds: float) -> None:
        """End the connection when nothing comes for that long; the reader waits already, without a limit."""
        self._silence = seconds
        if self._watch is not None and self.close_code is None:
            with suppress(RuntimeError):
                self._watch.reschedule(asyncio.get_running_loop().time() + seconds)

    # Reading

    async def _read(self) -> None:
        try:
            while True:
                frame = await self._next()
                if isinstance(frame, ResponseFrame):
                    queue = self._waiting.get(frame.id)
                    if queue is not None:
                        queue.put_nowait(frame)
                elif frame is not None:
                    self._events.append(frame)
                    self._news.set()
        except Unavailable:
            return

    async def _next(self) -> ResponseFrame | EventFrame | None:
        """Return the next frame; None for one that is neither response nor event.

        Raises:
            Unavailable: the connection has ended.
        """
        from aiohttp import WSMsgType

        try:
            async with asyncio.timeout(self._silence) as self._watch:
                message = await self._socket.receive()
        except TimeoutError:
            self._ended(TICK_TIMEOUT, "tick timeout")
            await self._socket.close(code=TICK_TIMEOUT, message=b"tick timeout")
            raise self._gone() from None
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            return read_server_frame(message.data)
        reason = message.extra if message.type is WSMsgType.CLOSE and isinstance(message.extra, str) else ""
        self._ended(self._socket.close_code or 1006, reason)
        raise self._gone()

    def _ended(self, code: int, reason: str) -> None:
        if self.close_code is None:
            self.close_code, self.close_reason = code, reason
        for queue in self._waiting.values():
            queue.put_nowait(None)
        self._news.set()


async def _no_redirect(*_: object) -> None:
    raise Unavailable("the gateway's address answers with a redirect, which is not followed", code="not-a-gateway")


def _unreachable(target: Target, error: BaseException) -> str:
    cause = getattr(error, "os_error", None) or error
    why = getattr(cause, "strerror", None) or type(error).__name__
    hint = "; start it with: openclaw gateway run" if target.source == LOCAL else f" ({target.source})"
    return f"cannot reach the gateway at {urlsplit(target.url).netloc}: {str(why).lower()}{hint}"
