"""GET /health, /ready, /startup and their `z` forms (gateway.md 4): booleans for everybody, details with a bearer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from openclaw.gateway.http.router import Access, Bearer, Route, bearer_token, json_answer
from openclaw.protocol.peer import HttpRequest, HttpResponse
from openclaw.system.clock import Clock

PATHS: Final = ("/health", "/healthz", "/ready", "/readyz", "/startup", "/startupz")


class Probes:
    """Answers the probes.

    Args:
        failing: names what is not ready; empty means ready.
        bearer: checks a secret that comes along.
        clock: the time.
        started_ms: when the gateway started.
    """

    def __init__(self, failing: Callable[[], Sequence[str]], bearer: Bearer, clock: Clock, started_ms: int) -> None:
        self._failing = failing
        self._bearer = bearer
        self._clock = clock
        self._started_ms = started_ms

    def routes(self) -> tuple[Route, ...]:
        """Return the routes."""
        return tuple(Route(path, ("GET",), Access.PUBLIC, self._answer) for path in PATHS)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        known = False
        if bearer_token(request) is not None:
            refusal = await self._bearer.refusal(request)
            if refusal is not None:
                return refusal
            known = True
        if request.path.startswith("/health"):
            return json_answer(200, {"ok": True, "status": "live"})
        failing = list(self._failing())
        if request.path.startswith("/startup"):
            return json_answer(200, {"ok": True, "status": "started"})
        body: dict[str, Any] = {"ready": not failing}
        if known:
            body |= {"failing": failing, "uptimeMs": self._clock.now_ms() - self._started_ms}
        return json_answer(503 if failing else 200, body)
