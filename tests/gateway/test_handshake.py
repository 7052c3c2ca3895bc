"""The first words on a socket: every refusal with its message, code and close (gateway.md 1.3-1.7, 2.4)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from openclaw.policy.who.gateway_policy import AuthMode, ControlUiPolicy, GatewayPolicy
from openclaw.state.identity import DeviceIdentity
from support.gateway import (
    ADMIN_SCOPES,
    TOKEN,
    TestGateway,
    client,
    connect_params,
    new_device,
    running_gateway,
    wire,
    with_device,
)

LOCAL = GatewayPolicy(run_mode="local", has_token=True)
REMOTE = {"X-Forwarded-For": "203.0.113.9"}
"""A proxy header from a peer that is not listed: the client counts as not local."""
PAGE = {"Origin": "http://127.0.0.1:18789"}


def request(method: str = "connect", params: Any = None, **extra: Any) -> str:
    return json.dumps({"type": "req", "id": "1", "method": method, "params": params, **extra})


@pytest.mark.asyncio
async def test_the_challenge_comes_first_and_has_no_number(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway, challenge=False) as one, wire(gateway) as two:
        first = await one.next()
        assert first is not None
        assert set(first) == {"type", "event", "payload"}
        assert set(first["payload"]) == {"nonce", "ts"}
        assert isinstance(first["payload"]["ts"], int)
        assert first["payload"]["nonce"] != two.nonce


@pytest.mark.parametrize(
    ("text", "answer", "close"),
    [
        ("not json", None, (1000, "")),
        ("", None, (1000, "")),
        ("[1,2]", None, (1008, "invalid request frame")),
        ('"connect"', None, (1008, "invalid request frame")),
        ("null", None, (1008, "invalid request frame")),
        ('{"type":"res","id":"1","ok":true}', None, (1008, "invalid request frame")),
        ('{"type":"req","id":"","method":"connect"}', None, (1008, "invalid request frame")),
        ('{"type":"req","id":"1","method":"connect","extra":1}', None, (1008, "invalid request frame")),
        (
            request("health"),
            ("INVALID_REQUEST", "invalid handshake: first request must be connect"),
            (1008, "invalid handshake: first request must be connect"),
        ),
        (
            request("config.apply", {"raw": "{}"}),
            ("INVALID_REQUEST", "invalid handshake: first request must be connect"),
            (1008, "invalid handshake: first request must be connect"),
        ),
        (
            request("connect", [1]),
            ("INVALID_REQUEST", "invalid connect params: must be object"),
            (1008, "invalid connect params: must be object"),
        ),
    ],
)
@pytest.mark.asyncio
async def test_what_is_no_connect_ends_the_socket(
    tmp_path: Path, text: str, answer: tuple[str, str] | None, close: tuple[int, str]
) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as socket:
        await socket.text(text)
        if answer is not None:
            frame = await socket.response("1")
            assert (frame["ok"], frame["error"]["code"], frame["error"]["message"]) == (False, *answer)
        assert await socket.closed() == close
        assert not gateway.config.writes


def changed(**fields: Any) -> dict[str, Any]:
    return {**connect_params(), **fields}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in connect_params().items() if key != name}


@pytest.mark.parametrize(
    ("params", "why"),
    [
        (changed(foo=1), "at root: unexpected property 'foo'"),
        (without("client"), "must have required property 'client'"),
        (changed(minProtocol=0), "at /minProtocol: must be >= 1"),
        (changed(minProtocol="3"), "at /minProtocol: must be integer"),
        (changed(client={"id": "cli", "mode": "operator", "version": "1", "platform": "x"}), "at /client/mode:"),
        (changed(client={"id": "other", "mode": "cli", "version": "1", "platform": "x"}), "at /client/id:"),
        (changed(client={"id": "cli", "mode": "cli", "version": "", "platform": "x"}), "at /client/version:"),
        (changed(client={"id": "cli", "mode": "worker", "version": "1", "platform": "x"}), "at /client/mode:"),
        (changed(auth={"token": "x", "other": "y"}), "at /auth: unexpected property 'other'"),
        (changed(scopes="operator.admin"), "at /scopes: must be array"),
        (changed(device={"id": "x"}), "at /device: must have required property"),
    ],
)
@pytest.mark.asyncio
async def test_connect_params_are_closed_and_every_fault_is_named(
    tmp_path: Path, params: dict[str, Any], why: str
) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as socket:
        error = await socket.error("connect", params)
        assert error["code"] == "INVALID_REQUEST"
        assert error["message"].startswith("invalid connect params: ")
        assert why in error["message"]
        code, reason = await socket.closed()
        assert code == 1008
        assert error["message"].startswith(reason)


@pytest.mark.parametrize(
    ("low", "high", "spoken"), [(3, 3, 3), (4, 4, 4), (3, 4, 4), (1, 3, 3), (4, 9, 4), (1, 2, None), (5, 9, None)]
)
@pytest.mark.asyncio
async def test_one_server_speaks_both_protocols(tmp_path: Path, low: int, high: int, spoken: int | None) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as socket:
        frame = await socket.call("connect", changed(minProtocol=low, maxProtocol=high))
        if spoken is not None:
            assert frame["payload"]["protocol"] == spoken
            return
        assert frame["error"]["message"] == "protocol mismatch"
        assert frame["error"]["details"] == {
            "code": "PROTOCOL_MISMATCH",
            "clientMinProtocol": low,
            "clientMaxProtocol": high,
            "expectedProtocol": 4,
            "minimumProbeProtocol": 3,
        }
        assert await socket.closed() == (1002, "protocol mismatch")


@pytest.mark.asyncio
async def test_hello_has_the_shape_of_its_protocol(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        async with client(gateway) as old:
            assert "auth" not in old.hello
            assert old.hello["type"] == "hello-ok"
            assert old.hello["policy"] == {
                "maxPayload": 26214400,
                "maxBufferedBytes": 52428800,
                "tickIntervalMs": 30000,
            }
            assert old.hello["snapshot"]["configPath"] == str(gateway.layout.config)
            assert old.hello["snapshot"]["sessionDefaults"]["mainSessionKey"] == "agent:main:main"
            assert set(old.hello["snapshot"]["stateVersion"]) == {"presence", "health"}
        async with client(gateway, protocol=4, scopes=["operator.read"]) as new:
            assert new.hello["auth"] == {"role": "operator", "scopes": ["operator.read"], "method": "token"}
            assert "configPath" not in new.hello["snapshot"]
            assert "stateDir" not in new.hello["snapshot"]
            assert new.hello["server"]["version"] == "2026.11.0"


@pytest.mark.asyncio
async def test_hello_is_the_first_frame_after_connect(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as socket:
        device = new_device()
        params = with_device(connect_params(), device, socket.nonce, gateway.clock.now_ms())
        await socket.send({"type": "req", "id": "9", "method": "connect", "params": params})
        first = await socket.next()
        assert first is not None
        assert (first["type"], first["id"]) == ("res", "9")
        health = await socket.event("health")
        assert health["payload"]["ok"] is True
        assert health["stateVersion"]["health"] > 0


@pytest.mark.asyncio
async def test_connect_is_only_the_first_request(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        error = await socket.error("connect", connect_params())
        assert error["message"] == "connect is only valid as the first request"
        assert await socket.ok("last-heartbeat") is None


@pytest.mark.asyncio
async def test_a_socket_that_says_nothing_is_closed(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, handshake_seconds=0.05) as gateway, wire(gateway) as socket:
        assert await socket.closed() == (1000, "")


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize(
    ("auth", "reason", "code", "message"),
    [
        ({"token": "wrong"}, "token_mismatch", "AUTH_TOKEN_MISMATCH", "unauthorized: gateway token mismatch ("),
        ({"password": "wrong"}, "token_mismatch", "AUTH_TOKEN_MISMATCH", "unauthorized: gateway token mismatch ("),
        (None, None, "DEVICE_IDENTITY_REQUIRED", "device identity required"),
    ],
)
@pytest.mark.asyncio
async def test_a_client_without_a_device_needs_the_secret(
    tmp_path: Path, protocol: int, auth: dict[str, str] | None, reason: str | None, code: str, message: str
) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as socket:
        params = connect_params(protocol=protocol, token=None, auth=auth)
        error = await socket.error("connect", params)
        assert error["message"].startswith(message)
        assert error["code"] == ("INVALID_REQUEST" if reason else "NOT_PAIRED")
        assert error["details"]["code"] == code
        assert error["details"].get("authReason") == reason
        closed = await socket.closed()
        assert closed == (1008, error["message"][:120])


@pytest.mark.asyncio
async def test_adv_A5_a_secret_that_is_merely_present_skips_no_check(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        answers = []
        for auth in ({"token": "x"}, {"token": TOKEN + "x"}, {"deviceToken": "x"}, {"bootstrapToken": "x"}):
            async with wire(gateway) as socket:
                answers.append(await socket.error("connect", connect_params(token=None, auth=auth)))
        assert all(answer["message"].startswith("unauthorized: ") for answer in answers)
        assert len(gateway.app.services.connections) == 0


def bad_id(params: dict[str, Any]) -> None:
    params["device"]["id"] = "0" * 64


def bad_signature(params: dict[str, Any]) -> None:
    params["device"]["signature"] = "A" * 86


def bad_nonce(params: dict[str, Any]) -> None:
    params["device"]["nonce"] = "another"


def no_nonce(params: dict[str, Any]) -> None:
    del params["device"]["nonce"]


def old_signature(params: dict[str, Any]) -> None:
    params["device"]["signedAt"] -= 3_600_000


def other_scopes(params: dict[str, Any]) -> None:
    params["scopes"] = ["operator.read"]


@pytest.mark.parametrize(
    ("spoil", "protocol", "message", "code"),
    [
        (bad_id, 3, "device identity mismatch", "DEVICE_AUTH_DEVICE_ID_MISMATCH"),
        (old_signature, 3, "device signature expired", "DEVICE_AUTH_SIGNATURE_EXPIRED"),
        (no_nonce, 4, "device nonce required", "DEVICE_AUTH_NONCE_REQUIRED"),
        (bad_nonce, 3, "device nonce mismatch", "DEVICE_AUTH_NONCE_MISMATCH"),
        (bad_signature, 4, "device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID"),
        (other_scopes, 3, "device signature invalid", "DEVICE_AUTH_SIGNATURE_INVALID"),
    ],
)
@pytest.mark.asyncio
async def test_a_device_proves_its_key(
    tmp_path: Path, spoil: Callable[[dict[str, Any]], None], protocol: int, message: str, code: str
) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as socket:
        params = with_device(connect_params(protocol=protocol), new_device(), socket.nonce, gateway.clock.now_ms())
        spoil(params)
        error = await socket.error("connect", params)
        assert (error["code"], error["message"], error["details"]["code"]) == ("INVALID_REQUEST", message, code)
        assert await socket.closed() == (1008, message)


@pytest.mark.parametrize(("protocol", "version"), [(3, 2), (3, 3), (4, 2), (4, 3)])
@pytest.mark.asyncio
async def test_signature_version_and_protocol_are_independent(tmp_path: Path, protocol: int, version: int) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        client(gateway, device=new_device(), version=version, protocol=protocol) as socket,
    ):
        assert socket.hello["auth"]["deviceToken"]
        assert await socket.ok("health")


@pytest.mark.asyncio
async def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as socket:
        error = await socket.error("connect", connect_params(role="root"))
        assert error["message"] == "invalid role"
        assert await socket.closed() == (1008, "invalid role")


@pytest.mark.asyncio
async def test_a_node_needs_a_device(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as socket:
        params = connect_params(role="node", scopes=[], client={"id": "node-host", "mode": "node"})
        error = await socket.error("connect", params)
        assert (error["code"], error["message"]) == ("NOT_PAIRED", "device identity required")


@pytest.mark.parametrize(
    ("client_id", "mode", "headers", "kept"),
    [
        ("cli", "cli", None, True),
        ("gateway-client", "backend", None, True),
        ("cli", "cli", REMOTE, False),
        ("openclaw-macos", "ui", None, False),
        ("cli", "cli", PAGE, False),
        ("cli", "probe", None, False),
    ],
)
@pytest.mark.asyncio
async def test_adv_B1_scopes_without_a_device_are_kept_only_where_it_can_be_nobody_else(
    tmp_path: Path, client_id: str, mode: str, headers: dict[str, str] | None, kept: bool
) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        client(gateway, protocol=4, headers=headers, client={"id": client_id, "mode": mode}) as socket,
    ):
        assert socket.hello["auth"]["scopes"] == (list(ADMIN_SCOPES) if kept else [])
        frame = await socket.call("config.schema")
        assert frame["ok"] is kept
        if not kept:
            assert frame["error"]["message"] == "missing scope: operator.admin"


@pytest.mark.parametrize(
    ("protocol", "scopes", "granted"),
    [(3, None, ["operator.admin"]), (3, [], []), (4, None, []), (4, [], []), (4, ["operator.x"], [])],
)
@pytest.mark.asyncio
async def test_an_empty_scope_list_is_not_an_absent_one(
    tmp_path: Path, protocol: int, scopes: list[str] | None, granted: list[str]
) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        client(gateway, protocol=protocol, scopes=scopes) as socket,
    ):
        assert (await socket.call("config.schema"))["ok"] is ("operator.admin" in granted)
        assert (await socket.call("health"))["ok"] is bool(granted)


async def attempt(gateway: TestGateway, auth: dict[str, str], headers: dict[str, str] | None = None) -> dict[str, Any]:
    async with wire(gateway, headers=headers) as socket:
        return await socket.call("connect", connect_params(token=None, auth=auth))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:18789.evil.example"])
@pytest.mark.asyncio
async def test_adv_A7_a_foreign_page_is_refused_before_its_password_is_compared(tmp_path: Path, origin: str) -> None:
    async with running_gateway(tmp_path) as gateway:
        for password in ["wrong"] * 50 + [TOKEN]:
            frame = await attempt(gateway, {"password": password}, {"Origin": origin})
            assert frame["error"]["message"].startswith("origin not allowed")
            assert frame["error"]["details"]["code"] == "CONTROL_UI_ORIGIN_NOT_ALLOWED"
        assert (await attempt(gateway, {"token": TOKEN}))["ok"]


@pytest.mark.asyncio
async def test_adv_A7_an_allowed_page_is_locked_out_after_its_budget(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        answers = [await attempt(gateway, {"token": "wrong"}, PAGE) for _ in range(12)]
        codes = [answer["error"]["details"]["code"] for answer in answers]
        assert codes[:10] == ["AUTH_TOKEN_MISMATCH"] * 10
        assert codes[10:] == ["AUTH_RATE_LIMITED"] * 2
        last = answers[-1]["error"]
        assert last["retryable"] is True
        assert 0 < last["retryAfterMs"] <= 300_000
        assert (await attempt(gateway, {"token": TOKEN}, PAGE))["error"]["details"]["code"] == "AUTH_RATE_LIMITED"
        assert (await attempt(gateway, {"token": TOKEN}))["ok"]


@pytest.mark.asyncio
async def test_adv_A18_parallel_attempts_share_one_budget(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        answers = await asyncio.gather(*(attempt(gateway, {"token": "wrong"}, REMOTE) for _ in range(30)))
        reasons = [answer["error"]["details"]["code"] for answer in answers]
        assert reasons.count("AUTH_TOKEN_MISMATCH") <= 10
        assert reasons.count("AUTH_RATE_LIMITED") >= 20


@pytest.mark.asyncio
async def test_adv_A8_a_proxy_identity_does_not_excuse_a_foreign_page(tmp_path: Path) -> None:
    from openclaw.policy.who.client_address import AddressPolicy
    from openclaw.policy.who.proxy_identity import TrustedProxyPolicy

    policy = GatewayPolicy(
        run_mode="local",
        auth_mode=AuthMode.TRUSTED_PROXY,
        address=AddressPolicy(trusted_proxies=("127.0.0.1",)),
        trusted_proxy=TrustedProxyPolicy(user_header="X-User", allow_loopback=True),
    )
    via = {"X-User": "someone", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "gateway.example"}
    async with running_gateway(tmp_path, policy=policy, secret=None) as gateway:
        device = new_device()
        for origin, message in (("https://evil.example", "origin not allowed"), (None, "pairing required")):
            headers = via if origin is None else {**via, "Origin": origin}
            async with wire(gateway, headers=headers) as socket:
                params = with_device(connect_params(token=None), device, socket.nonce, gateway.clock.now_ms())
                error = await socket.error("connect", params)
                assert error["message"].startswith(message)


@pytest.mark.asyncio
async def test_adv_A9_a_page_that_rebinds_its_name_to_us_is_refused(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        host = f"rebound.example:{gateway.port}"
        async with wire(gateway, headers={"Host": host, "Origin": f"http://{host}"}) as socket:
            params = connect_params(client={"id": "openclaw-control-ui", "mode": "webchat"})
            error = await socket.error("connect", params)
            assert error["message"].startswith("origin not allowed")


@pytest.mark.asyncio
async def test_adv_A17_headers_of_an_unlisted_peer_make_nobody_local(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        for headers in ({"X-Forwarded-For": "127.0.0.1"}, {"X-Real-IP": "127.0.0.1"}, {"Forwarded": "for=127.0.0.1"}):
            async with wire(gateway, headers=headers) as socket:
                params = with_device(connect_params(), new_device(), socket.nonce, gateway.clock.now_ms())
                error = await socket.error("connect", params)
                assert (error["code"], error["message"]) == ("NOT_PAIRED", "pairing required")


@pytest.mark.asyncio
async def test_a_gateway_without_a_secret_refuses_unlisted_proxies_at_the_door(tmp_path: Path) -> None:
    import aiohttp

    policy = GatewayPolicy(run_mode="local", allow_tailscale=True)
    async with running_gateway(tmp_path, policy=policy, secret=None) as gateway:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with wire(gateway, headers=REMOTE):
                pass
        assert refused.value.status == 403


@pytest.mark.asyncio
async def test_the_control_ui_needs_a_device_unless_a_switch_says_otherwise(tmp_path: Path) -> None:
    page = {"id": "openclaw-control-ui", "mode": "webchat"}
    async with running_gateway(tmp_path) as gateway:
        async with wire(gateway, headers=PAGE) as socket:
            error = await socket.error("connect", connect_params(client=page))
            assert error["details"]["code"] == "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"
        gateway.door.current = GatewayPolicy(
            run_mode="local", has_token=True, control_ui=ControlUiPolicy(allow_insecure_auth=True)
        )
        async with client(gateway, headers=PAGE, protocol=4, client=page) as socket:
            assert socket.hello["auth"]["scopes"] == list(ADMIN_SCOPES)
            assert "deviceToken" not in socket.hello["auth"]


@pytest.mark.asyncio
async def test_a_corrupt_device_store_admits_no_device(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        gateway.layout.devices.mkdir(parents=True)
        (gateway.layout.devices / "paired.json").write_text("{ broken")
        device: DeviceIdentity = new_device()
        async with wire(gateway) as socket:
            params = with_device(connect_params(), device, socket.nonce, gateway.clock.now_ms())
            error = await socket.error("connect", params)
            assert error["code"] == "UNAVAILABLE"
            assert "is not JSON" in error["message"]
            assert (await socket.closed())[0] == 1008
        assert (gateway.layout.devices / "paired.json").read_text() == "{ broken"
