"""One WebSocket on the library: whole frames out, whole messages in, and a close that cannot hang.

Frames are written to the socket's transport in one piece, so that sending needs no task and the backlog is known
(gateway.md 1.3). Nothing here knows the protocol that is spoken.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from typing import Final, Literal

from aiohttp import WSMsgType, web

from openclaw.gateway.transport.gauge import PROTOCOL_ERROR, FrameGauge
from openclaw.policy.who.connect_refusals import POLICY_VIOLATION
from openclaw.protocol.connect import MAX_BUFFERED_BYTES, MAX_PAYLOAD

log = logging.getLogger(__name__)

LINGER_SECONDS: Final = 2.0
"""How long a closing socket may take to answer or to read what it is still owed."""
MAX_REASON: Final = 123
NO_CODE: Final = 1005
_SPLIT: Final = 64 * 1024
_TEXT: Final = 0x81
_CLOSE: Final = 0x88
_two_bytes: Final = struct.Struct("!BBH").pack
_eight_bytes: Final = struct.Struct("!BBQ").pack
_close_code: Final = struct.Struct("!H").pack

_Frames = web.WebSocketResponse[Literal[False]]


class Socket:
    """A frame sink and source over one upgraded request.

    Attributes:
        close_code: the code that ended it, ours or the peer's; 1005 when none was given, 1006 when it just broke.
        close_reason: the text beside it.
        closed_by_us: whether the server closed it.
        max_backlog: bytes that the peer may leave untaken.
    """

    __slots__ = (
        "_gauge",
        "_loop",
        "_response",
        "_transport",
        "close_code",
        "close_reason",
        "closed_by_us",
        "max_backlog",
    )

    def __init__(self, response: _Frames, transport: asyncio.Transport, gauge: FrameGauge) -> None:
        self._response = response
        self._transport = transport
        self._gauge = gauge
        self._loop = asyncio.get_running_loop()
        self.close_code: int | None = None
        self.close_reason = ""
        self.closed_by_us = False
        self.max_backlog = MAX_BUFFERED_BYTES
        gauge.on_violation = self._violated

    @property
    def backlog(self) -> int:
        """Return how many bytes the peer has not taken yet."""
        return self._transport.get_write_buffer_size()

    @property
    def open(self) -> bool:
        """Return whether sending still makes sense."""
        return self.close_code is None and not self._transport.is_closing()

    def send(self, frame: bytes, *, drop_if_slow: bool = False) -> None:
        """Send one text message; nothing happens once the socket closes.

        When the peer has not taken what it was sent before, the message is dropped or the socket closed (1.3).
        """
        if not self.open:
            return
        if self.backlog > self.max_backlog:
            if not drop_if_slow:
                self.close(POLICY_VIOLATION, "slow consumer")
            return
        size = len(frame)
        if size < 126:
            header = bytes((_TEXT, size))
        elif size < 65536:
            header = _two_bytes(_TEXT, 126, size)
        else:
            header = _eight_bytes(_TEXT, 127, size)
        if size > _SPLIT:
            self._transport.write(header)
            self._transport.write(frame)
        else:
            self._transport.write(header + frame)

    def raise_limit(self, size: int) -> None:
        """Allow messages of up to `size` bytes from now on."""
        self._gauge.limit = min(size, MAX_PAYLOAD)

    def close(self, code: int, reason: str = "") -> None:
        """Start to close: what was sent goes out first, then the peer has two seconds. Twice is harmless."""
        if self.close_code is not None:
            return
        self.close_code, self.close_reason, self.closed_by_us = code, reason, True
        if self._transport.is_closing():
            return
        text = reason.encode()[:MAX_REASON].decode("utf-8", "ignore").encode()
        self._transport.write(bytes((_CLOSE, 2 + len(text))) + _close_code(code) + text)
        self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    async def receive(self) -> bytes | None:
        """Return the next message, text or binary; None once the socket has ended."""
        while True:
            message = await self._response.receive()
            if message.type is WSMsgType.TEXT or message.type is WSMsgType.BINARY:
                if self.close_code is None:
                    data: bytes = message.data
                    return data
                continue
            if message.type is WSMsgType.CLOSE:
                self._peer_closed(message.data, message.extra)
            elif self.close_code is None:
                self.close_code = 1006
            self._end()
            return None

    def _end(self) -> None:
        if not self._transport.is_closing():
            self._transport.close()
            self._loop.call_later(LINGER_SECONDS, self._transport.abort)

    def _peer_closed(self, code: int | None, reason: str | None) -> None:
        if self.close_code is not None:
            return
        self.close_code, self.close_reason = code or NO_CODE, reason or ""
        if not self._transport.is_closing():
            answer = _close_code(code) if code and code != NO_CODE else b""
            self._transport.write(bytes((_CLOSE, len(answer))) + answer)

    def _violated(self, code: int) -> None:
        self.close(code, "frame too large" if code != PROTOCOL_ERROR else "protocol error")


def new_response() -> _Frames:
    """Return the library's half of a socket: no compression, pings answered at once, bytes undecoded."""
    response: _Frames = web.WebSocketResponse(
        autoclose=False,
        autoping=True,
        compress=False,
        max_msg_size=MAX_PAYLOAD,
        decode_text=False,
    )
    return response
