"""A changed secret: refused from the next request on, and the sockets that used it are cut off (A19, A20)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from openclaw.gateway.handshake import Handshake
from openclaw.policy.who.gateway_policy import AuthMode
from openclaw.system.secret import Secret
from support.gateway import TOKEN, TestGateway, client, connect_params, new_device, running_gateway, wire


def rotate(gateway: TestGateway, secret: str) -> int:
    gateway.door.shared = Secret(secret)
    return gateway.app.secret_changed()


@pytest.mark.asyncio
async def test_adv_A19_the_old_secret_fails_on_the_next_request(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, aiohttp.ClientSession() as session:
        bearer = {"Authorization": f"Bearer {TOKEN}"}
        async with session.get(f"{gateway.http}/readyz", headers=bearer) as answer:
            assert answer.status == 200
        rotate(gateway, "another-shared-secret")
        async with session.get(f"{gateway.http}/readyz", headers=bearer) as answer:
            assert answer.status == 401
        async with wire(gateway) as socket:
            assert (await socket.error("connect", connect_params()))["message"].startswith("unauthorized")
        async with client(gateway, token="another-shared-secret") as socket:
            assert await socket.ok("last-heartbeat") is None


@pytest.mark.asyncio
async def test_adv_A20_sockets_of_the_old_secret_are_closed_within_a_second(tmp_path: Path) -> None:
    device = new_device()
    async with running_gateway(tmp_path) as gateway:
        async with client(gateway, device=device) as first:
            token = first.hello["auth"]["deviceToken"]
        async with client(gateway) as by_secret, client(gateway, device=device, token=token) as by_token:
            gateway.agent.hold = True
            await by_secret.ok("chat.send", {"sessionKey": "main", "message": "x", "idempotencyKey": "k"})
            waiting = {"type": "req", "id": "w", "method": "agent.wait", "params": {"runId": "k", "timeoutMs": 60_000}}
            await by_secret.send(waiting)
            assert await by_secret.ok("last-heartbeat") is None
            assert rotate(gateway, "another-shared-secret") == 1
            async with asyncio.timeout(1):
                assert await by_secret.closed() == (1008, "gateway secret changed")
            assert not any(event["type"] == "res" for event in by_secret.events)
            assert await by_token.ok("last-heartbeat") is None
            assert rotate(gateway, "another-shared-secret") == 0


@pytest.mark.asyncio
async def test_a_change_of_the_mode_cuts_off_the_old_secret(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        gateway.door.current = replace(gateway.door.current, auth_mode=AuthMode.PASSWORD, has_password=True)
        assert rotate(gateway, "the password") == 1
        assert (await socket.closed())[0] == 1008
        async with client(gateway, token=None, auth={"password": "the password"}, protocol=4) as again:
            assert again.hello["auth"]["method"] == "password"


@pytest.mark.asyncio
async def test_a_change_in_the_middle_of_a_login_refuses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run: Callable[..., Awaitable[object]] = Handshake.run

    async def run_then_rotate(self: Handshake, *given: object) -> object:
        entry = await run(self, *given)
        gateway.door.shared = Secret("another-shared-secret")
        return entry

    monkeypatch.setattr(Handshake, "run", run_then_rotate)
    async with running_gateway(tmp_path) as gateway, wire(gateway) as socket:
        error = await socket.error("connect", connect_params())
        assert error["code"] == "UNAVAILABLE"
        assert (await socket.closed())[0] == 1008
        assert len(gateway.app.services.connections) == 0
