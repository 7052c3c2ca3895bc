"""Webhooks of channels on ports of their own: path, method, throttle, secret, body (channels/webhooks.py, E9-E11)."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from openclaw.channels.webhooks import Webhook, WebhookCall
from openclaw.gateway.transport.webhooks import WebhookListeners
from openclaw.system.errors import Unavailable
from openclaw.system.secret import same_secret
from openclaw.system.tasks import Supervisor
from support.gateway import SteppedClock

HEADER = "x-hook-secret"


class Hook:
    """A webhook that keeps what it got."""

    def __init__(self, port: int, path: str = "/hook") -> None:
        self.calls: list[WebhookCall] = []
        self.webhook = Webhook(
            host="127.0.0.1", port=port, path=path, accept=self.accept, handle=self.handle, body_limit=100
        )

    def accept(self, headers: Mapping[str, str]) -> int | None:
        return None if same_secret(headers.get(HEADER), "right") else 401

    async def handle(self, call: WebhookCall) -> int:
        self.calls.append(call)
        return 200


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def serving(*hooks: Hook) -> AsyncIterator[tuple[aiohttp.ClientSession, SteppedClock]]:
    clock = SteppedClock()
    listeners, tasks = WebhookListeners(clock), Supervisor("hooks")
    for hook in hooks:
        tasks.start(listeners.serve(hook.webhook), name=hook.webhook.path)
    async with aiohttp.ClientSession() as session:
        await answer(session, hooks[0], path="/healthz", method="GET")
        try:
            yield session, clock
        finally:
            await tasks.close()


async def answer(
    session: aiohttp.ClientSession, hook: Hook, *, path: str | None = None, method: str = "POST", **more: Any
) -> int:
    """Return the status of a request, once the port is open."""
    url = f"http://127.0.0.1:{hook.webhook.port}{path or hook.webhook.path}"
    async with asyncio.timeout(5):
        while True:
            try:
                async with session.request(method, url, **more) as found:
                    return found.status
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.01)


@pytest.mark.asyncio
async def test_only_a_post_with_the_secret_reaches_the_channel() -> None:
    hook = Hook(free_port())
    right = {HEADER: "right"}
    async with serving(hook) as (session, _):
        assert await answer(session, hook, path="/healthz", method="GET") == 200
        assert await answer(session, hook, path="/other", headers=right) == 404
        assert await answer(session, hook, path="/%68ook%2f", headers=right) == 400
        assert await answer(session, hook, method="GET", headers=right) == 405
        assert await answer(session, hook, headers={HEADER: "wrong"}) == 401
        assert await answer(session, hook) == 401
        assert await answer(session, hook, headers=right, data=b"x" * 101) == 413
        assert hook.calls == []
        assert await answer(session, hook, headers=right, data=b"hi") == 200
        assert [call.body for call in hook.calls] == [b"hi"]
        assert hook.calls[0].headers[HEADER] == "right"


@pytest.mark.asyncio
async def test_adv_E10_wrong_secrets_are_throttled_even_on_loopback() -> None:
    hook = Hook(free_port())
    async with serving(hook) as (session, clock):
        statuses = [await answer(session, hook, headers={HEADER: "wrong"}) for _ in range(25)]
        assert statuses == [401] * 20 + [429] * 5
        assert await answer(session, hook, headers={HEADER: "right"}) == 429
        clock.ahead += 61
        assert await answer(session, hook, headers={HEADER: "right"}) == 200


@pytest.mark.asyncio
async def test_adv_E11_wrong_methods_use_up_no_budget() -> None:
    hook = Hook(free_port())
    async with serving(hook) as (session, _):
        for _ in range(50):
            assert await answer(session, hook, method="GET", headers={HEADER: "wrong"}) == 405
        assert await answer(session, hook, headers={HEADER: "right"}) == 200


@pytest.mark.asyncio
async def test_adv_E5_accounts_share_a_port_but_never_a_path() -> None:
    port = free_port()
    one, two = Hook(port, "/one"), Hook(port, "/two")
    async with serving(one, two) as (session, _):
        assert await answer(session, one, headers={HEADER: "right"}) == 200
        assert await answer(session, two, headers={HEADER: "right"}) == 200
        assert (len(one.calls), len(two.calls)) == (1, 1)
    listeners, tasks = WebhookListeners(SteppedClock()), Supervisor("hooks")
    tasks.start(listeners.serve(one.webhook), name="one")
    async with aiohttp.ClientSession() as session:
        await answer(session, one, path="/healthz", method="GET")
    with pytest.raises(Unavailable, match=r"/one .* is taken"):
        await listeners.serve(one.webhook)
    await tasks.close()


@pytest.mark.asyncio
async def test_a_port_that_is_taken_is_told_and_freed_when_the_last_hook_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        hook = Hook(busy.getsockname()[1])
        with pytest.raises(Unavailable, match="already listening"):
            await WebhookListeners(SteppedClock()).serve(hook.webhook)
    async with serving(hook):
        pass
    async with serving(hook) as (session, _):
        assert await answer(session, hook, headers={HEADER: "right"}) == 200
