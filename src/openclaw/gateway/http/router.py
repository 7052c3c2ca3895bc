"""HTTP requests: which endpoint, which method, from which page, with which secret; then the endpoint (gateway.md 4).

Every check that needs no body comes before the body. What an endpoint may be reached with is a fact of its route.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from openclaw.gateway.config_port import DoorConfig, opens
from openclaw.gateway.throttle import Throttle
from openclaw.policy.verdict import Outcome
from openclaw.policy.who.origin import Origin, judge_origin
from openclaw.policy.who.rate_limit import Credential
from openclaw.protocol.codec import encode
from openclaw.protocol.peer import HttpRequest, HttpResponse
from openclaw.system.errors import InvalidInput, OpenClawError, Unavailable

log = logging.getLogger(__name__)

JSON: Final = "application/json; charset=utf-8"
SAFE_METHODS: Final = frozenset({"GET", "HEAD"})
_STATUS: Final = {"body-too-large": 413, "body-timeout": 408, "body-encoding": 415}

Handler = Callable[[HttpRequest], Awaitable[HttpResponse]]


class Access(Enum):
    """What opens a route."""

    PUBLIC = "public"
    BEARER = "bearer"
    OWN = "own"
    """The endpoint checks a secret of its own (hooks, signed webhooks)."""


@dataclass(frozen=True, slots=True)
class Route:
    """One endpoint.

    Attributes:
        path: exact path, or the start of one when it ends in `/`.
        methods: allowed methods; GET brings HEAD along.
        access: what opens it.
        run: the endpoint.
    """

    path: str
    methods: tuple[str, ...]
    access: Access
    run: Handler

    def matches(self, path: str) -> bool:
        """Tell whether a path belongs to this endpoint."""
        return path == self.path or (self.path.endswith("/") and path.startswith(self.path))

    @property
    def allowed(self) -> tuple[str, ...]:
        """Return the methods with HEAD."""
        return (*self.methods, "HEAD") if "GET" in self.methods else self.methods


class Bearer:
    """Checks `Authorization: Bearer` against the shared secret, throttled like a connect."""

    def __init__(self, config: DoorConfig, throttle: Throttle) -> None:
        self._config = config
        self._throttle = throttle

    async def refusal(self, request: HttpRequest) -> HttpResponse | None:
        """Return the answer to a request that does not know the secret; None when it does."""
        token = bearer_token(request)
        if token is None:
            return unauthorized()
        has_origin = bool(request.headers.get_all("Origin"))
        permit = await self._throttle.reserve(request.address, Credential.SHARED, has_origin=has_origin)
        if permit.outcome is not Outcome.ALLOW:
            return too_many(permit.retry_after_ms)
        right = opens(self._config.secret(), token)
        self._throttle.settle(permit, failed=not right, proved=Credential.SHARED if right else None)
        return None if right else unauthorized()


class Router:
    """All endpoints, in order; the last resort answers what no route takes."""

    def __init__(self, routes: Sequence[Route], last_resort: Handler, config: DoorConfig, bearer: Bearer) -> None:
        self.routes = tuple(routes)
        self._last_resort = last_resort
        self._config = config
        self._bearer = bearer

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer one request."""
        route = next((one for one in self.routes if one.matches(request.path)), None)
        try:
            if route is None:
                return await self._last_resort(request)
            refusal = await self._refusal(route, request)
            return refusal if refusal is not None else await route.run(request)
        except InvalidInput as error:
            return failed(_STATUS.get(error.code, 400), error.message)
        except Unavailable as error:
            return failed(503, error.message, kind="unavailable")
        except OpenClawError as error:
            log.warning("%s %s failed: %s", request.method, request.path, error)
            return failed(500, error.message, kind="api_error")

    async def _refusal(self, route: Route, request: HttpRequest) -> HttpResponse | None:
        if request.method not in route.allowed:
            return not_allowed(route.allowed)
        if request.method not in SAFE_METHODS and route.access is Access.BEARER:
            refusal = self._foreign(request)
            if refusal is not None:
                return refusal
        return await self._bearer.refusal(request) if route.access is Access.BEARER else None

    def _foreign(self, request: HttpRequest) -> HttpResponse | None:
        """Refuse what a page from elsewhere could have sent without asking (advisory A9)."""
        if (request.headers.get("Sec-Fetch-Site") or "").strip().lower() == "cross-site":
            return failed(403, "cross-site requests are refused", kind="forbidden")
        origins = request.headers.get_all("Origin")
        if origins:
            verdict = judge_origin(
                ", ".join(origins),
                request.headers.get("Host"),
                client_id="",
                client_mode="",
                policy=self._config.policy().origin,
            )
            if verdict.outcome is Origin.REFUSED:
                return failed(403, "origin not allowed; see gateway.controlUi.allowedOrigins", kind="forbidden")
        media = (request.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        return None if media == "application/json" else failed(415, "send Content-Type: application/json")


def bearer_token(request: HttpRequest) -> str | None:
    """Return the token of the one `Authorization: Bearer` header; None when there is none or more than one."""
    found = request.headers.get_all("Authorization")
    if len(found) != 1:
        return None
    scheme, _, token = found[0].strip().partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def json_answer(status: int, value: object) -> HttpResponse:
    """Return an answer with a JSON body."""
    return HttpResponse(status, encode(value), content_type=JSON)


def failed(status: int, message: str, *, kind: str = "invalid_request_error") -> HttpResponse:
    """Return an error answer; after one that left a body unread the connection ends."""
    body = encode({"error": {"message": message, "type": kind}})
    return HttpResponse(status, body, content_type=JSON, close=status in (403, 408, 413, 415))


def unauthorized() -> HttpResponse:
    """Return the answer to a missing or wrong secret."""
    body = encode({"error": {"message": "Unauthorized", "type": "unauthorized"}})
    return HttpResponse(401, body, content_type=JSON, close=True)


def too_many(retry_after_ms: int) -> HttpResponse:
    """Return the answer to a client that failed too often."""
    body = encode({"error": {"message": "too many failed attempts; try again later", "type": "rate_limited"}})
    seconds = str(max(1, -(-retry_after_ms // 1000)))
    return HttpResponse(429, body, content_type=JSON, headers={"Retry-After": seconds}, close=True)


def not_allowed(methods: Sequence[str]) -> HttpResponse:
    """Return the answer to a wrong method."""
    return HttpResponse(405, b"Method Not Allowed", headers={"Allow": ", ".join(methods)}, close=True)


def not_found() -> HttpResponse:
    """Return the answer for a path that nothing is at."""
    return HttpResponse(404, b"Not Found", close=False)
