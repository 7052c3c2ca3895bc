"""The library's server, kept on a short lead: bounded connections, no chatter to strangers, gauged WebSockets."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from aiohttp.http import WebSocketReader

from openclaw.gateway.transport.gauge import FrameGauge
from openclaw.gateway.transport.requests import ALWAYS

log = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 2048
HEADER_SECONDS: Final = 15.0
"""Time for a request's headers, and the rest between two requests of one connection."""
DEAD_PEER_MS: Final = 90_000
"""Unacknowledged data (a tick, at least) older than this ends the connection."""
_USER_TIMEOUT: Final[int | None] = getattr(socket, "TCP_USER_TIMEOUT", None)

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class GatewayProtocol(web.RequestHandler):
    """One connection.

    Attributes:
        gauge: the frame gauge, once the connection is a WebSocket.
    """

    __slots__ = ("gauge",)

    gauge: FrameGauge | None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to serve, or hang up when there are too many connections."""
        self.gauge = None
        super().connection_made(transport)

    @property
    def early_bytes(self) -> bool:
        """Return whether bytes have arrived behind an upgrade request that is not answered yet."""
        return bool(self._message_tail)

    def set_parser(self, parser: WebSocketReader, data_received_cb: Callable[[], None] | None = None) -> None:
        """Put the gauge before the frame parser."""
        self.gauge = FrameGauge(parser)
        super().set_parser(self.gauge, data_received_cb)  # type: ignore[arg-type]  # it calls feed_data and feed_eof

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a malformed request or a defect in one line; a stranger's faults are no errors of ours."""
        del message
        if status >= 500:
            log.error("request failed", exc_info=exc)
        else:
            log.debug("malformed request: %s", type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        text = "Internal Server Error" if status >= 500 else "Bad Request"
        response = web.Response(status=status, text=text, headers={"Cache-Control": "no-store", **ALWAYS})
        response.force_close()
        return response


class GatewayServer(web.Server):
    """Makes the connections and counts them."""

    def __init__(self, handler: Handler, *, max_connections: int = MAX_CONNECTIONS) -> None:
        super().__init__(
            handler,
            keepalive_timeout=HEADER_SECONDS,
            access_log=None,
            auto_decompress=False,
            lingering_time=2.0,
        )
        self._max_connections = max_connections

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of one new connection."""
        return GatewayProtocol(self, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Count a connection; one too many is dropped."""
        super().connection_made(handler, transport)
        if len(self._connections) > self._max_connections:
            log.debug("too many connections: dropped one (limit %d)", self._max_connections)
            transport.abort()
            return
        sock = transport.get_extra_info("socket")
        if _USER_TIMEOUT is not None and sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, DEAD_PEER_MS)
