"""Requests and answers between the library's types and ours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from openclaw.gateway.http.paths import Target
from openclaw.policy.who.client_address import ClientAddress
from openclaw.protocol.peer import HttpResponse
from openclaw.system.errors import InvalidInput

BODY_SECONDS: Final = 15.0
STREAM_WRITE_SECONDS: Final = 30.0
"""How long one piece of a stream may wait for a client that does not read."""
ALWAYS: Final[Mapping[str, str]] = {
    "Server": "openclaw",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class RequestHeaders:
    """Header values by name in any case."""

    __slots__ = ("_found",)

    def __init__(self, request: web.BaseRequest) -> None:
        self._found = request.headers

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a header."""
        return self._found.get(name, default)

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return every value of a header, in order."""
        return tuple(self._found.getall(name, ()))

    def lower(self) -> dict[str, str]:
        """Return the first value of each header by lower-case name."""
        found: dict[str, str] = {}
        for name, value in self._found.items():
            found.setdefault(name.lower(), value)
        return found


class Request:
    """One HTTP request. Implements `protocol.peer.HttpRequest`."""

    __slots__ = ("_request", "address", "headers", "method", "path", "query", "raw_query", "tls")

    def __init__(self, request: web.BaseRequest, target: Target, address: ClientAddress) -> None:
        self._request = request
        self.method = request.method
        self.path = target.path
        self.query: Mapping[str, str] = target.query
        self.raw_query = target.raw_query
        self.headers = RequestHeaders(request)
        self.address = address
        self.tls = request.transport is not None and request.transport.get_extra_info("sslcontext") is not None

    async def read(self, limit: int) -> bytes:
        """Return the body; at most `limit` bytes within 15 seconds are read.

        Raises:
            InvalidInput: `body-too-large`, `body-timeout` or `body-encoding`.
        """
        request = self._request
        if request.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
            raise InvalidInput("send the body without Content-Encoding", code="body-encoding")
        if (request.content_length or 0) > limit:
            raise _too_large(limit)
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
            request.transport.write(_CONTINUE)
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(BODY_SECONDS):
                while chunk := await request.content.readany():
                    size += len(chunk)
                    if size > limit:
                        raise _too_large(limit)
                    chunks.append(chunk)
        except TimeoutError:
            raise InvalidInput(
                f"the body did not arrive within {BODY_SECONDS:g} seconds", code="body-timeout"
            ) from None
        except (web.RequestPayloadError, ConnectionError):
            raise InvalidInput("the body is incomplete", code="body-incomplete") from None
        return b"".join(chunks)


def _too_large(limit: int) -> InvalidInput:
    return InvalidInput(f"the body is larger than {limit} bytes", code="body-too-large")


def plain_answer(status: int, text: str) -> HttpResponse:
    """Return an answer of one line of text that ends the connection."""
    return HttpResponse(status, text.encode(), close=True)


async def write_answer(request: web.BaseRequest, answer: HttpResponse) -> web.StreamResponse:
    """Turn our answer into the library's; a stream is sent here, piece by piece."""
    headers = {"Cache-Control": "no-store", **ALWAYS, **answer.headers, "Content-Type": answer.content_type}
    if isinstance(answer.body, bytes):
        response = web.Response(status=answer.status, body=answer.body, headers=headers)
        if answer.close:
            response.force_close()
        return response
    stream = web.StreamResponse(status=answer.status, headers=headers)
    if answer.close:
        stream.force_close()
    await stream.prepare(request)
    if request.method != "HEAD":
        await _send_pieces(request, stream, answer)
    return stream


async def _send_pieces(request: web.BaseRequest, stream: web.StreamResponse, answer: HttpResponse) -> None:
    assert not isinstance(answer.body, bytes)
    pieces = answer.body
    try:
        async for piece in pieces:
            async with asyncio.timeout(STREAM_WRITE_SECONDS):
                await stream.write(piece)
    except (TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError("the client does not read") from None
    finally:
        close = getattr(pieces, "aclose", None)
        if close is not None:
            with contextlib.suppress(Exception):
                await close()
