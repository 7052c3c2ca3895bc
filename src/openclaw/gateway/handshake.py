"""The first words on a socket: challenge, exactly one `connect`, and what is refused before that (1.3, 1.6)."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass
from typing import Final, Protocol

from openclaw.gateway.config_port import DoorConfig
from openclaw.gateway.login import Admission, Login, LoginRefused
from openclaw.gateway.login_facts import Attempt
from openclaw.policy.who.connect_refusals import POLICY_VIOLATION, Refusal
from openclaw.protocol.connect import (
    BAD_FIRST_FRAME,
    HANDSHAKE_FIRST,
    PROTOCOL_MISMATCH_CLOSE,
    ConnectParams,
    challenge,
    negotiate,
)
from openclaw.protocol.errors import RpcError, invalid_request, to_rpc
from openclaw.protocol.frames import BadFrame, EncodedEvent, RequestFrame, failure, read_request
from openclaw.protocol.peer import FrameSink, HttpRequest
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError

log = logging.getLogger(__name__)

DONE: Final = 1000
CONNECT: Final = "connect"


class FrameSocket(FrameSink, Protocol):
    """A WebSocket, as the gateway uses it."""

    async def receive(self) -> bytes | None:
        """Return the next message; None once the socket has ended."""
        ...

    def raise_limit(self, size: int) -> None:
        """Allow messages of up to `size` bytes from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A connect that was decided in the client's favour, not yet answered."""

    request_id: str
    admission: Admission


class Handshake:
    """Brings one socket from its opening to a decision.

    Args:
        login: decides.
        config: gives the snapshot that a decision uses.
        clock: the time.
        timeout: seconds that a client has for its `connect`.
    """

    def __init__(self, login: Login, config: DoorConfig, clock: Clock, timeout: float) -> None:
        self._login = login
        self._config = config
        self._clock = clock
        self._timeout = timeout

    async def run(self, request: HttpRequest, socket: FrameSocket) -> Entry | None:
        """Return who may come in; None when the socket was refused or went away."""
        nonce = str(uuid.uuid4())
        socket.send(EncodedEvent("connect.challenge", challenge(nonce, self._clock.now_ms())).frame())
        data = await self._first(socket)
        if data is None:
            return None
        frame = read_request(data)
        if isinstance(frame, BadFrame):
            if frame.is_json:
                socket.close(POLICY_VIOLATION, BAD_FIRST_FRAME)
            else:
                socket.close(DONE, "")
            return None
        try:
            return Entry(frame.id, await self._connect(frame, request, nonce))
        except LoginRefused as refused:
            refuse(socket, frame.id, refused.error, refused.close_code)
        except OpenClawError as error:
            log.warning("a connect failed: %s", error)
            refuse(socket, frame.id, to_rpc(error))
        return None

    async def _first(self, socket: FrameSocket) -> bytes | None:
        try:
            async with asyncio.timeout(self._timeout):
                return await socket.receive()
        except TimeoutError:
            socket.close(DONE, "")
            return None

    async def _connect(self, frame: RequestFrame, request: HttpRequest, nonce: str) -> Admission:
        if frame.method != CONNECT:
            raise LoginRefused(invalid_request(HANDSHAKE_FIRST))
        params = ConnectParams.read(frame.arguments())
        try:
            protocol = negotiate(params.min_protocol, params.max_protocol)
        except RpcError as error:
            raise LoginRefused(error, PROTOCOL_MISMATCH_CLOSE) from None
        attempt = Attempt(
            params=params,
            protocol=protocol,
            request=request,
            nonce=nonce,
            conn_id=str(uuid.uuid4()),
            policy=self._config.policy(),
            secret=self._config.secret(),
        )
        return await self._login.admit(attempt)


def refuse(socket: FrameSink, request_id: str, error: RpcError, close_code: int = POLICY_VIOLATION) -> None:
    """Answer with the error, then close with its message (1.3)."""
    socket.send(failure(request_id, error))
    socket.close(close_code, Refusal(error.code, error.message).close_reason)
