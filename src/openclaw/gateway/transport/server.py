"""One port for HTTP and WebSocket: takes requests apart, checks their form, and hands them to the application."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol

from aiohttp import web

from openclaw.gateway.http.paths import read_target
from openclaw.gateway.transport.protocol import GatewayProtocol, GatewayServer
from openclaw.gateway.transport.requests import Request, plain_answer, write_answer
from openclaw.gateway.transport.sockets import Socket, new_response
from openclaw.policy.who.client_address import AddressPolicy, HttpFacts, resolve_client
from openclaw.protocol.peer import HttpResponse

log = logging.getLogger(__name__)

Accept = Callable[[], Awaitable[Socket | None]]
"""Performs the upgrade; None when the client went away meanwhile."""

STOP_SECONDS: Final = 1.0
GOODBYE_SECONDS: Final = 1.0
BACKLOG: Final = 512


class Application(Protocol):
    """What answers; implemented by `gateway/door.py` and by webhook hosts."""

    async def http(self, request: Request) -> HttpResponse:
        """Answer one request."""
        ...

    async def websocket(self, request: Request, accept: Accept) -> HttpResponse | None:
        """Serve one WebSocket from `accept()` to its end, or return why it is refused."""
        ...


class Transport:
    """The listening side."""

    def __init__(self, application: Application, address_policy: Callable[[], AddressPolicy]) -> None:
        self._application = application
        self._address_policy = address_policy
        self._web: GatewayServer | None = None
        self._servers: list[asyncio.Server] = []
        self._open = 0
        self._none_open = asyncio.Event()
        self._none_open.set()

    async def listen(self, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None = None) -> None:
        """Serve on bound sockets, until `close`."""
        self._web = GatewayServer(self._handle)
        loop = asyncio.get_running_loop()
        for sock in sockets:
            self._servers.append(await loop.create_server(self._web, sock=sock, backlog=BACKLOG, ssl=tls))

    def stop_listening(self) -> None:
        """Take no more connections; those that are open go on."""
        for server in self._servers:
            server.close()

    async def close(self) -> None:
        """Stop listening and end every connection; sockets that are closing may finish first."""
        self.stop_listening()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._none_open.wait()
        if self._web is not None:
            self._web.pre_shutdown()
            await self._web.shutdown(STOP_SECONDS)
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    async def _handle(self, raw: web.BaseRequest) -> web.StreamResponse:
        transport = raw.transport
        if transport is None:
            raise ConnectionResetError("the client went away")
        target = read_target(raw.raw_path)
        if target is None:
            return await write_answer(raw, plain_answer(400, "Bad Request"))
        peer = transport.get_extra_info("peername")
        facts = HttpFacts.read(peer[0] if peer else "", raw.headers.items())
        request = Request(raw, target, resolve_client(facts, self._address_policy()))
        wants_socket = raw.headers.get("Upgrade", "").strip().lower() == "websocket"
        try:
            if wants_socket:
                return await self._upgrade(raw, request)
            answer = await self._application.http(request)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:
            log.exception("a request handler failed")
            answer = plain_answer(500, "Internal Server Error")
        return await write_answer(raw, answer)

    async def _upgrade(self, raw: web.BaseRequest, request: Request) -> web.StreamResponse:
        response = new_response()
        protocol = raw.protocol
        fault = _upgrade_fault(raw, protocol)
        if fault is not None or not response.can_prepare(raw):
            return await write_answer(raw, plain_answer(400, fault or "Bad Request"))
        response.headers["Server"] = "openclaw"

        async def accept() -> Socket | None:
            await response.prepare(raw)
            gauge = protocol.gauge if isinstance(protocol, GatewayProtocol) else None
            if raw.transport is None or gauge is None:
                return None
            return Socket(response, raw.transport, gauge)

        self._count(1)
        try:
            refusal = await self._application.websocket(request, accept)
        finally:
            self._count(-1)
        return response if refusal is None else await write_answer(raw, refusal)

    def _count(self, step: int) -> None:
        self._open += step
        if self._open:
            self._none_open.clear()
        else:
            self._none_open.set()


def _upgrade_fault(raw: web.BaseRequest, protocol: web.RequestHandler) -> str | None:
    """Return what is wrong with an upgrade request: it has a body, or bytes wait behind its headers."""
    if raw.method != "GET":
        return "an upgrade is a GET"
    length = raw.headers.get("Content-Length", "0").strip()
    if length != "0" or "Transfer-Encoding" in raw.headers:
        return "an upgrade has no body"
    if len(raw.headers.getall("Host", ())) != 1:
        return "one Host header is needed"
    if isinstance(protocol, GatewayProtocol) and protocol.early_bytes:
        return "nothing may follow an upgrade before its answer"
    return None
