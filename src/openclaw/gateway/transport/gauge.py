"""Measures WebSocket frames as they arrive, so that the largest message may depend on the phase of a connection.

It stands between the socket and the library's frame parser: it reads frame headers only, and lets nothing of a message
through that has grown beyond the limit of the moment (gateway.md 1.3, advisory Q1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from openclaw.protocol.connect import MAX_PAYLOAD_BEFORE_CONNECT

TOO_BIG: Final = 1009
PROTOCOL_ERROR: Final = 1002

_CONTINUED: Final = 0
_FIRST_CONTROL: Final = 8


class FrameReader(Protocol):
    """The part of the library's parser that the server's protocol calls."""

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Take bytes from the socket."""
        ...

    def feed_eof(self) -> None:
        """Learn that the socket has ended."""
        ...


class FrameGauge:
    """A parser in front of the parser.

    Attributes:
        limit: bytes that one message may have now, all its fragments together.
        on_violation: called once with a close code (1002 or 1009); everything that arrives later is dropped.
    """

    __slots__ = ("_head", "_message", "_reader", "_skip", "_stopped", "limit", "on_violation")

    def __init__(self, reader: FrameReader, limit: int = MAX_PAYLOAD_BEFORE_CONNECT) -> None:
        self._reader = reader
        self._head = b""
        self._skip = 0
        self._message = 0
        self._stopped = False
        self.limit = limit
        self.on_violation: Callable[[int], None] | None = None

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Measure and pass on what arrived."""
        if self._stopped:
            return False, b""
        code = self._measure(bytes(data))
        if code:
            self._stopped = True
            if self.on_violation is not None:
                self.on_violation(code)
            return False, b""
        return self._reader.feed_data(data)

    def feed_eof(self) -> None:
        """Pass on the end of the socket."""
        self._reader.feed_eof()

    def _measure(self, data: bytes) -> int:
        """Walk over the frame headers in `data`; return a close code when a message must not go on."""
        if self._skip:
            if self._skip >= len(data):
                self._skip -= len(data)
                return 0
            at, self._skip = self._skip, 0
        else:
            at = 0
        if self._head:
            data, self._head = self._head + data[at:], b""
            at = 0
        size = len(data)
        while at < size:
            second = data[at + 1] if size - at > 1 else 0x80
            if not second & 0x80:
                return PROTOCOL_ERROR  # a client masks its frames (RFC 6455, 5.1)
            length = second & 0x7F
            header = 6 if length < 126 else 8 if length == 126 else 14
            if size - at < header:
                self._head = data[at:]
                return 0
            if length == 126:
                length = int.from_bytes(data[at + 2 : at + 4])
            elif length == 127:
                length = int.from_bytes(data[at + 2 : at + 10])
            if not self._fits(data[at], length):
                return TOO_BIG
            at += header + length
        self._skip = at - size
        return 0

    def _fits(self, first: int, length: int) -> bool:
        opcode = first & 0x0F
        if opcode >= _FIRST_CONTROL:
            return length < 126
        self._message = length if opcode != _CONTINUED else self._message + length
        if self._message > self.limit:
            return False
        if first & 0x80:
            self._message = 0
        return True
