"""Serves webhooks of channels on ports of their own: path, method, throttle, secret, and only then the body."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Final

from openclaw.channels.webhooks import Webhook, WebhookCall
from openclaw.gateway.http.router import json_answer, not_allowed, not_found, too_many
from openclaw.gateway.listen import bind_sockets
from openclaw.gateway.throttle import Throttle
from openclaw.gateway.transport.requests import Request, plain_answer
from openclaw.gateway.transport.server import Accept, Transport
from openclaw.policy.verdict import Outcome
from openclaw.policy.who.client_address import AddressPolicy
from openclaw.policy.who.rate_limit import HOOK_LIMITS, Credential
from openclaw.protocol.peer import HttpResponse
from openclaw.system.clock import Clock
from openclaw.system.errors import InvalidInput, StartRefused, Unavailable

log = logging.getLogger(__name__)

HEALTH: Final = "/healthz"


@dataclass(eq=False, slots=True)
class _Listener:
    """One port and the webhooks on it; implements the transport's `Application`."""

    throttle: Throttle
    hooks: dict[str, Webhook] = field(default_factory=dict)
    transport: Transport | None = None

    async def http(self, request: Request) -> HttpResponse:
        """Answer one request."""
        hook = self.hooks.get(request.path)
        if hook is None:
            healthy = request.path == HEALTH and request.method in ("GET", "HEAD")
            return json_answer(200, {"ok": True}) if healthy else not_found()
        if request.method != "POST":
            return not_allowed(("POST",))
        permit = await self.throttle.reserve(request.address, Credential.HOOK, has_origin=False)
        if permit.outcome is not Outcome.ALLOW:
            return too_many(permit.retry_after_ms)
        refused = hook.accept(request.headers.lower())
        self.throttle.settle(permit, failed=refused == 401, proved=Credential.HOOK if refused is None else None)
        if refused is not None:
            return plain_answer(int(refused), "Unauthorized" if refused == 401 else "Refused")
        try:
            body = await request.read(hook.body_limit)
        except InvalidInput as error:
            return plain_answer(413 if error.code == "body-too-large" else 408, error.message)
        status = int(await hook.handle(WebhookCall(request.headers.lower(), body)))
        return HttpResponse(status, b"ok" if status < 300 else b"failed")

    async def websocket(self, request: Request, accept: Accept) -> HttpResponse | None:
        """Refuse: nothing here speaks WebSocket."""
        del request, accept
        return not_found()


class WebhookListeners:
    """Implements `channels.webhooks.WebhookHost`; accounts with the same host and port share a listener."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listeners: dict[tuple[str, int], _Listener] = {}
        self._lock = asyncio.Lock()

    async def serve(self, webhook: Webhook) -> None:
        """Serve one webhook until cancelled.

        Raises:
            Unavailable: the address cannot be bound, or another account serves that path.
        """
        place = (webhook.host, webhook.port)
        async with self._lock:
            listener = await self._listener(place)
            if webhook.path in listener.hooks or webhook.path == HEALTH:
                raise Unavailable(f"the webhook path {webhook.path} on {webhook.host}:{webhook.port} is taken")
            listener.hooks[webhook.path] = webhook
        try:
            await asyncio.get_running_loop().create_future()  # until cancelled
        finally:
            listener.hooks.pop(webhook.path, None)
            if not listener.hooks:
                self._listeners.pop(place, None)
                if listener.transport is not None:
                    await listener.transport.close()

    async def _listener(self, place: tuple[str, int]) -> _Listener:
        known = self._listeners.get(place)
        if known is not None:
            return known
        listener = _Listener(Throttle(self._clock, lambda: HOOK_LIMITS))
        try:
            bound = bind_sockets((place[0],), place[1], mode="webhook", scheme="http")
        except StartRefused as error:
            raise Unavailable(error.message, code=error.code) from None
        listener.transport = Transport(listener, AddressPolicy)
        await listener.transport.listen(bound.sockets)
        self._listeners[place] = listener
        log.info("webhooks: listening on %s", bound.url)
        return listener
