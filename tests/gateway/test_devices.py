"""Pairing and device tokens end to end, with real keys and files (gateway.md 2.4, 2.5, 3.11)."""

from __future__ import annotations

import asyncio
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from openclaw.policy.where.scopes import Scope
from openclaw.state.identity import DeviceIdentity
from support.gateway import (
    TOKEN,
    TestGateway,
    Wire,
    client,
    connect_params,
    new_device,
    running_gateway,
    wire,
    with_device,
)

AWAY = {"X-Forwarded-For": "203.0.113.9"}
"""From another machine: nothing is approved silently."""


async def knock(
    gateway: TestGateway, device: DeviceIdentity, headers: dict[str, str] | None = AWAY, **params: Any
) -> dict[str, Any]:
    """Try to log in and return the response frame."""
    async with wire(gateway, headers=headers) as socket:
        sent = with_device(connect_params(**params), device, socket.nonce, gateway.clock.now_ms())
        return await socket.call("connect", sent)


async def pair(gateway: TestGateway, admin: Wire, device: DeviceIdentity, **params: Any) -> str:
    """Pair a device from away and return its token."""
    refused = await knock(gateway, device, **params)
    await admin.ok("device.pair.approve", {"requestId": refused["error"]["details"]["requestId"]})
    welcome = await knock(gateway, device, **params)
    token: str = welcome["payload"]["auth"]["deviceToken"]
    return token


@pytest.mark.asyncio
async def test_a_local_device_with_the_secret_is_approved_at_once(tmp_path: Path) -> None:
    device = new_device()
    async with running_gateway(tmp_path) as gateway, client(gateway) as operator:
        async with client(gateway, device=device) as socket:
            token = socket.hello["auth"]["deviceToken"]
            assert len(token) >= 40
        event = await operator.event("device.pair.resolved")
        assert event["payload"]["decision"] == "approved"
        async with client(gateway, device=device, token=token) as socket:
            assert socket.hello["auth"]["deviceToken"] == token
        listed = await operator.ok("device.pair.list")
        assert [row["deviceId"] for row in listed["paired"]] == [device.device_id]
        assert "token" not in listed["paired"][0]["tokens"][0]
        assert TOKEN not in json.dumps(listed)
        assert token not in json.dumps(listed)


@pytest.mark.asyncio
async def test_adv_B2_a_device_from_away_waits_for_an_operator(tmp_path: Path) -> None:
    device = new_device()
    async with running_gateway(tmp_path) as gateway, client(gateway) as operator:
        refused = await knock(gateway, device, protocol=4)
        assert refused["error"]["message"] == "pairing required"
        details = refused["error"]["details"]
        assert (details["code"], details["reason"]) == ("PAIRING_REQUIRED", "not-paired")
        event = await operator.event("device.pair.requested")
        assert event["payload"]["requestId"] == details["requestId"]
        again = await knock(gateway, device, protocol=4)
        assert again["error"]["details"]["requestId"] == details["requestId"]
        answer = await operator.ok("device.pair.approve", {"requestId": details["requestId"]})
        assert answer["device"]["deviceId"] == device.device_id
        assert (await operator.event("device.pair.resolved"))["payload"]["decision"] == "approved"
        assert not [event for event in operator.events if event["event"] == "device.pair.requested"]
        assert (await knock(gateway, device, protocol=4))["ok"]
        kinds = [(entry.kind, entry.what["change"]) for entry in gateway.ledger.entries]
        assert ("device", "approve") in kinds


@pytest.mark.asyncio
async def test_a_rejected_device_stays_out(tmp_path: Path) -> None:
    device = new_device()
    async with running_gateway(tmp_path) as gateway, client(gateway) as operator:
        refused = await knock(gateway, device)
        request = {"requestId": refused["error"]["details"]["requestId"]}
        assert await operator.ok("device.pair.reject", request) == {**request, "deviceId": device.device_id}
        assert (await operator.event("device.pair.resolved"))["payload"]["decision"] == "rejected"
        assert (await knock(gateway, device))["error"]["message"] == "pairing required"


@pytest.mark.asyncio
async def test_adv_B3_more_scopes_are_never_granted_silently(tmp_path: Path) -> None:
    device = new_device()
    async with running_gateway(tmp_path) as gateway:
        async with client(gateway, device=device, scopes=["operator.read"]) as socket:
            token = socket.hello["auth"]["deviceToken"]
        upgrade = await knock(gateway, device, headers=None, scopes=["operator.admin"])
        assert upgrade["error"]["details"]["reason"] == "scope-upgrade"
        by_token = await knock(gateway, device, headers=None, scopes=["operator.admin"], token=token)
        assert by_token["error"]["message"].startswith("unauthorized")
        async with client(gateway, device=device, scopes=["operator.read"], token=token) as socket:
            assert (await socket.error("set-heartbeats", {"enabled": True}))[
                "message"
            ] == "missing scope: operator.admin"


@pytest.mark.asyncio
async def test_adv_B5_an_approver_grants_no_more_than_it_holds(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway, scopes=["operator.pairing"]) as approver:
        refused = await knock(gateway, new_device(), scopes=["operator.admin"])
        request = {"requestId": refused["error"]["details"]["requestId"]}
        assert (await approver.error("device.pair.approve", request))["message"] == "missing scope: operator.admin"
        modest = await knock(gateway, new_device(), scopes=["operator.pairing"])
        assert await approver.ok("device.pair.approve", {"requestId": modest["error"]["details"]["requestId"]})


@pytest.mark.asyncio
async def test_adv_B4_rotation_mints_nothing_wider(tmp_path: Path) -> None:
    device, other = new_device(), new_device()
    async with running_gateway(tmp_path) as gateway, client(gateway) as admin:
        await pair(gateway, admin, device, scopes=["operator.pairing", "operator.read"])
        await pair(gateway, admin, other, scopes=["operator.read"])
        wide = {"deviceId": other.device_id, "role": "operator", "scopes": ["operator.admin"]}
        assert (await admin.error("device.token.rotate", wide))["message"] == "missing scope: operator.admin"
        async with client(gateway, device=device, scopes=["operator.pairing"], headers=AWAY) as socket:
            for method in ("device.token.rotate", "device.token.revoke"):
                error = await socket.error(method, {"deviceId": other.device_id, "role": "operator"})
                assert error["message"] == "missing scope: operator.admin"
            grown = {"deviceId": device.device_id, "role": "operator", "scopes": ["operator.write"]}
            assert (await socket.error("device.token.rotate", grown))["message"].startswith("missing scope")


@pytest.mark.asyncio
async def test_a_device_rotates_its_own_token_and_alone_is_told_it(tmp_path: Path) -> None:
    device = new_device()
    async with running_gateway(tmp_path) as gateway, client(gateway) as admin:
        token = await pair(gateway, admin, device, scopes=["operator.pairing"])
        own = {"deviceId": device.device_id, "role": "operator"}
        by_admin = await admin.ok("device.token.rotate", own)
        assert "token" not in by_admin
        assert (await knock(gateway, device, scopes=["operator.pairing"], token=token))["ok"] is False
        async with client(gateway, device=device, scopes=["operator.pairing"], headers=AWAY) as socket:
            fresh = await socket.ok("device.token.rotate", own)
            assert fresh["token"]
            assert await socket.closed() == (1008, "device token rotated")
        welcome = await knock(gateway, device, scopes=["operator.pairing"], token=fresh["token"])
        assert welcome["payload"]["auth"]["deviceToken"] == fresh["token"]


@pytest.mark.asyncio
async def test_adv_B14_a_device_manages_itself_only(tmp_path: Path) -> None:
    device, other = new_device(), new_device()
    async with running_gateway(tmp_path) as gateway, client(gateway) as admin:
        await pair(gateway, admin, device, scopes=["operator.pairing"])
        await pair(gateway, admin, other, scopes=["operator.read"])
        async with client(gateway, device=device, scopes=["operator.pairing"], headers=AWAY) as socket:
            listed = await socket.ok("device.pair.list")
            assert [row["deviceId"] for row in listed["paired"]] == [device.device_id]
            error = await socket.error("device.pair.remove", {"deviceId": other.device_id})
            assert error["message"] == "missing scope: operator.admin"
            assert (await socket.ok("device.pair.remove", {"deviceId": device.device_id}))["removed"] is True
            assert await socket.closed() == (1008, "device removed")


@pytest.mark.asyncio
async def test_adv_A20_revocation_cuts_exactly_the_sockets_concerned(tmp_path: Path) -> None:
    first, second = new_device(), new_device()
    async with running_gateway(tmp_path) as gateway, client(gateway) as admin:
        token_a = await pair(gateway, admin, first, scopes=["operator.approvals"])
        token_b = await pair(gateway, admin, second, scopes=["operator.read"])
        both: dict[str, Any] = {"protocol": 4, "headers": AWAY}
        async with (
            client(gateway, device=first, scopes=["operator.approvals"], token=token_a, **both) as one,
            client(gateway, device=second, scopes=["operator.read"], token=token_b, **both) as two,
        ):
            command = {"command": "rm -r build", "id": "pending-1", "timeoutMs": 60_000}
            await one.send({"type": "req", "id": "wait", "method": "exec.approval.request", "params": command})
            assert (await admin.event("exec.approval.requested"))["payload"]["id"] == "pending-1"
            await admin.ok("device.token.revoke", {"deviceId": first.device_id, "role": "operator"})
            async with asyncio.timeout(1):
                assert await one.closed() == (1008, "device token revoked")
            resolved = await admin.event("exec.approval.resolved")
            assert (resolved["payload"]["id"], resolved["payload"]["decision"]) == ("pending-1", "deny")
            assert gateway.approvals.pending() == ()
            assert await two.ok("last-heartbeat") is None
        for headers in (AWAY, None):
            again = await knock(gateway, first, headers=headers, scopes=["operator.approvals"], token=token_a)
            assert again["ok"] is False


@pytest.mark.asyncio
async def test_a_token_survives_a_restart_of_the_gateway(tmp_path: Path) -> None:
    device = new_device()
    async with running_gateway(tmp_path) as gateway, client(gateway, device=device) as socket:
        token = socket.hello["auth"]["deviceToken"]
    async with running_gateway(tmp_path) as gateway, client(gateway, device=device, token=token) as socket:
        assert socket.hello["auth"]["deviceToken"] == token


@pytest.mark.asyncio
async def test_adv_B10_commands_declared_later_stay_unusable(tmp_path: Path) -> None:
    device = new_device()
    node = {"id": "node-host", "mode": "node", "platform": "linux"}
    common: dict[str, Any] = {"role": "node", "scopes": [], "client": node}
    async with running_gateway(tmp_path) as gateway, client(gateway) as admin:
        await pair(gateway, admin, device, commands=["system.which"], **common)
        async with client(
            gateway, device=device, headers=AWAY, commands=["system.which", "system.run"], **common
        ) as socket:
            assert socket.hello["type"] == "hello-ok"
            connection = next(one for one in gateway.app.services.connections if one.peer.device_id == device.device_id)
            assert connection.peer.commands == ("system.which",)
            await admin.event("device.pair.requested")  # that of the first pairing
            waiting = await admin.event("device.pair.requested")
            assert waiting["payload"]["commands"] == ["system.which", "system.run"]
            listed = await admin.ok("node.list")
            assert listed["nodes"][0]["connected"] is True
            assert listed["nodes"][0]["commands"] == ["system.which"]
        listed = await admin.ok("node.list")
        assert listed["nodes"][0]["connected"] is False


@pytest.mark.asyncio
async def test_adv_B13_a_node_has_no_exemption_of_the_control_ui(tmp_path: Path) -> None:
    from openclaw.policy.who.gateway_policy import ControlUiPolicy, GatewayPolicy

    switches = ControlUiPolicy(allow_insecure_auth=True, disable_device_auth=True)
    policy = GatewayPolicy(run_mode="local", has_token=True, control_ui=switches)
    node = {"id": "openclaw-control-ui", "mode": "webchat"}
    page = {"Origin": "http://127.0.0.1:1", "X-Forwarded-For": "203.0.113.9"}
    async with running_gateway(tmp_path, policy=policy) as gateway:
        refused = await knock(gateway, new_device(), headers=page, role="node", scopes=[], client=node)
        assert refused["error"]["message"] == "pairing required"


def subsets() -> list[tuple[str, ...]]:
    names = (Scope.READ.value, Scope.PAIRING.value, Scope.ADMIN.value)
    return [tuple(found) for size in range(4) for found in itertools.combinations(names, size)]


@pytest.mark.parametrize("wanted", subsets())
@pytest.mark.asyncio
async def test_what_is_granted_is_what_was_asked(tmp_path: Path, wanted: tuple[str, ...]) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        client(gateway, device=new_device(), protocol=4, scopes=wanted) as socket,
    ):
        assert socket.hello["auth"]["scopes"] == list(wanted)
