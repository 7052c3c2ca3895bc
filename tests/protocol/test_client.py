"""The client of the wire: which gateway, which secret, what it sends, what it makes of the answers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from openclaw.gateway.app import build_app
from openclaw.gateway.listen import bind_sockets
from openclaw.protocol.client import ClientParts, GatewayClient, Introduction
from openclaw.protocol.client_target import Target, TargetConfig, check_transport, resolve_target
from openclaw.protocol.errors import RpcError
from openclaw.state.identity import DeviceAuth, DeviceIdentity, load_identity
from openclaw.state.layout import StateLayout
from openclaw.system.clock import SystemClock
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, OpenClawError, Refused, Unavailable
from openclaw.system.secret import Secret
from support.gateway import TOKEN, TestGateway, client, gateway_parts, running_gateway

NOTHING = Environment({"HOME": "/nowhere"})
CLOCK = SystemClock()
READER = Introduction(scopes=("operator.read",))
ADMIN = Introduction(scopes=("operator.admin", "operator.approvals", "operator.pairing"))


def shown(target: Target) -> tuple[str, str | None, str | None]:
    """Return address and secrets of a target as plain texts."""
    token = None if target.token is None else target.token.reveal()
    return target.url, token, None if target.password is None else target.password.reveal()


def env(**values: str) -> Environment:
    return Environment({"HOME": "/nowhere", **values})


LOCAL = TargetConfig(token=Secret("from-config"))
REMOTE = TargetConfig(
    remote_mode=True, remote_url="wss://far.example", remote_token=Secret("remote-secret"), token=Secret("local-secret")
)
IN_ENV = env(OPENCLAW_GATEWAY_TOKEN="from-env")


@pytest.mark.parametrize(
    ("config", "environment", "flags", "expected"),
    [
        (TargetConfig(), NOTHING, {}, ("ws://127.0.0.1:18789", None, None)),
        (TargetConfig(port=19001, host="::1"), NOTHING, {}, ("ws://[::1]:19001", None, None)),
        (TargetConfig(tls=True), NOTHING, {}, ("wss://127.0.0.1:18789", None, None)),
        (LOCAL, IN_ENV, {"token": "flag"}, ("ws://127.0.0.1:18789", "flag", None)),
        (LOCAL, IN_ENV, {"password": "flag"}, ("ws://127.0.0.1:18789", None, "flag")),
        (LOCAL, IN_ENV, {}, ("ws://127.0.0.1:18789", "from-config", None)),
        (TargetConfig(), IN_ENV, {}, ("ws://127.0.0.1:18789", "from-env", None)),
        (
            TargetConfig(remote_token=Secret("x")),
            env(OPENCLAW_GATEWAY_PASSWORD="p"),
            {},
            ("ws://127.0.0.1:18789", None, "p"),
        ),
        (REMOTE, IN_ENV, {}, ("wss://far.example", "remote-secret", None)),
        (REMOTE, IN_ENV, {"token": "flag"}, ("wss://far.example", "flag", None)),
        (REMOTE, IN_ENV, {"url": "wss://x.example", "token": "flag"}, ("wss://x.example", "flag", None)),
    ],
)
def test_the_secret_comes_from_flag_config_environment_in_that_order(
    config: TargetConfig, environment: Environment, flags: dict[str, str], expected: tuple[str, str | None, str | None]
) -> None:
    assert shown(resolve_target(config, environment, **flags)) == expected


def test_adv_A2_kept_secrets_are_never_sent_to_an_address_that_was_given() -> None:
    with pytest.raises(InvalidInput, match="--url needs --token or --password"):
        resolve_target(LOCAL, IN_ENV, url="wss://x.example")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (TargetConfig(remote_mode=True), r"gateway\.remote\.url is not set"),
        (TargetConfig(remote_mode=True, remote_url="http://x"), "not a ws:// or wss:// address"),
        (TargetConfig(remote_mode=True, remote_url="ws://"), "not a ws:// or wss:// address"),
        (TargetConfig(remote_mode=True, remote_url="ws://x:99999"), "not a ws:// or wss:// address"),
        (TargetConfig(remote_mode=True, remote_url="wss://me:secret@x"), "must not hold credentials"),
        (TargetConfig(remote_mode=True, remote_url="wss://x/?token=1"), "must not hold credentials"),
        (
            TargetConfig(remote_mode=True, remote_url="ws://127.0.0.1", remote_fingerprint="a" * 64),
            "fingerprint needs a wss:// address",
        ),
        (TargetConfig(remote_mode=True, remote_url="wss://x", remote_fingerprint="abc"), "must be a SHA-256 digest"),
    ],
)
def test_an_address_that_cannot_be_used_is_named(config: TargetConfig, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        resolve_target(config, NOTHING)
    assert "secret" not in str(refused.value)


def test_a_fingerprint_is_read_in_any_spelling() -> None:
    config = TargetConfig(remote_mode=True, remote_url="wss://x", remote_fingerprint="SHA256:" + "AB:" * 31 + "AB")
    assert resolve_target(config, NOTHING).fingerprint == "ab" * 32


SWITCH = env(OPENCLAW_ALLOW_INSECURE_PRIVATE_WS="1")


@pytest.mark.parametrize(
    ("url", "environment", "allowed"),
    [
        ("ws://127.0.0.1:1", NOTHING, True),
        ("ws://localhost:1", NOTHING, True),
        ("ws://[::1]:1", NOTHING, True),
        ("wss://192.0.2.1", NOTHING, True),
        ("ws://10.1.2.3", NOTHING, True),
        ("ws://192.0.2.1", NOTHING, False),
        ("ws://0.0.0.0", NOTHING, False),
        ("ws://gateway.example", NOTHING, False),
        ("ws://127.0.0.1.evil.example", NOTHING, False),
        ("ws://192.168.0.9", NOTHING, False),
        ("ws://192.168.0.9", SWITCH, True),
        ("ws://100.100.1.1", SWITCH, True),
        ("ws://gateway.local", SWITCH, True),
        ("ws://gateway", SWITCH, True),
        ("ws://8.8.8.8", SWITCH, False),
        ("ws://gateway.example", SWITCH, False),
        ("ws://0.0.0.0", SWITCH, False),
    ],
)
def test_adv_A21_secrets_do_not_travel_in_clear_text_to_other_machines(
    url: str, environment: Environment, allowed: bool
) -> None:
    def own() -> list[str]:
        return ["127.0.0.1", "10.1.2.3", "fe80::1"]

    if allowed:
        check_transport(Target(url), environment, own)
        return
    with pytest.raises(Refused, match="OPENCLAW_ALLOW_INSECURE_PRIVATE_WS") as refused:
        check_transport(Target(url), environment, own)
    assert refused.value.code == "insecure-transport"


def parts(**given: Any) -> ClientParts:
    return ClientParts(environment=NOTHING, clock=CLOCK, **given)


def local(gateway: TestGateway, token: str | None = TOKEN) -> Target:
    return Target(gateway.url, None if token is None else Secret(token))


@pytest.mark.asyncio
async def test_adv_A21_nothing_is_opened_before_the_refusal() -> None:
    with pytest.raises(Refused, match="clear text"):
        await GatewayClient.connect(Target("ws://192.0.2.1", Secret("x" * 9)), READER, parts())


@pytest.mark.asyncio
async def test_a_local_client_with_the_secret_needs_no_device(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        await GatewayClient.connect(local(gateway), READER, parts()) as found,
    ):
        assert found.protocol == 4
        assert found.hello["auth"]["scopes"] == ["operator.read"]
        assert (await found.call("sessions.list", {"limit": 1}))["count"] == 1
        assert await found.call("last-heartbeat") is None
        with pytest.raises(RpcError, match=r"missing scope: operator\.admin") as refused:
            await found.call("config.schema")
        assert refused.value.details["missingScope"] == "operator.admin"


@pytest.mark.asyncio
async def test_a_password_goes_as_a_password(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        target = Target(gateway.url, password=Secret(TOKEN))
        async with await GatewayClient.connect(target, READER, parts()) as found:
            assert found.hello["auth"]["method"] == "token"


@pytest.mark.asyncio
async def test_a_device_keeps_its_token_and_comes_back_with_it(tmp_path: Path) -> None:
    layout = StateLayout.at(tmp_path / "client")
    device = load_identity(layout, CLOCK)
    tokens = DeviceAuth(layout, CLOCK, device.device_id)
    known = parts(signer=device, tokens=tokens)
    async with running_gateway(tmp_path) as gateway:
        async with await GatewayClient.connect(local(gateway), ADMIN, known) as found:
            assert found.hello["auth"]["deviceToken"]
        stored = tokens.get("operator")
        assert stored is not None
        assert set(stored.scopes) == set(ADMIN.scopes)
        async with await GatewayClient.connect(local(gateway, None), ADMIN, known) as found:
            assert found.hello["auth"]["method"] == "device-token"
            await found.call("device.token.rotate", {"deviceId": device.device_id, "role": "operator"})
        with pytest.raises(Refused, match="unauthorized"):
            await GatewayClient.connect(local(gateway, None), ADMIN, known)


@pytest.mark.asyncio
async def test_pairing_is_explained_with_the_command_that_ends_it(tmp_path: Path) -> None:
    device: DeviceIdentity = load_identity(StateLayout.at(tmp_path / "client"), CLOCK)
    async with running_gateway(tmp_path) as gateway:
        async with await GatewayClient.connect(local(gateway), READER, parts(signer=device)):
            pass
        with pytest.raises(Refused, match=r"approve it on the gateway with: openclaw devices approve ") as refused:
            await GatewayClient.connect(local(gateway), ADMIN, parts(signer=device))
        assert refused.value.code == "NOT_PAIRED"
        assert refused.value.details["reason"] == "scope-upgrade"


@pytest.mark.asyncio
async def test_a_wrong_secret_is_told_with_its_mending(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        with pytest.raises(Refused, match="unauthorized: gateway token mismatch") as refused:
            await GatewayClient.connect(local(gateway, "wrong-secret"), READER, parts())
        assert refused.value.details["authReason"] == "token_mismatch"
        assert "wrong-secret" not in str(refused.value)


@pytest.mark.asyncio
async def test_of_two_answers_the_last_one_counts(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        await GatewayClient.connect(local(gateway), ADMIN, parts()) as found,
    ):
        last = await found.call("agent", {"message": "hello", "idempotencyKey": "a"})
        assert last["status"] == "ok"
        both = [
            frame.payload["status"] async for frame in found.answers("agent", {"message": "x", "idempotencyKey": "b"})
        ]
        assert both == ["accepted", "ok"]


@pytest.mark.asyncio
async def test_events_come_in_order_and_calls_may_run_beside_them(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        await GatewayClient.connect(local(gateway), ADMIN, parts()) as found,
    ):
        answers = await asyncio.gather(
            *(found.call("chat.send", {"sessionKey": "main", "message": "hi", "idempotencyKey": k}) for k in "abc")
        )
        assert [answer["status"] for answer in answers] == ["started"] * 3
        finals = set[str]()
        async for event in found.events():
            if event.event == "chat" and event.payload["state"] == "final":
                finals.add(event.payload["runId"])
            if len(finals) == 3:
                break
        assert finals == {"a", "b", "c"}


@pytest.mark.asyncio
async def test_a_gateway_that_goes_away_ends_calls_and_events(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        await GatewayClient.connect(local(gateway), ADMIN, parts()) as found,
    ):
        gateway.agent.hold = True
        await found.call("chat.send", {"sessionKey": "main", "message": "hi", "idempotencyKey": "k"})
        waiting = asyncio.gather(found.call("agent.wait", {"runId": "k", "timeoutMs": 60_000}), return_exceptions=True)
        await found.call("last-heartbeat")
        await gateway.app.close(restarting=False)
        (error,) = await waiting
        assert isinstance(error, Unavailable)
        assert "1012" in str(error)
        assert [event.event async for event in found.events()][-1] == "shutdown"
        assert (found.close_code, found.close_reason) == (1012, "service restart")
        with pytest.raises(Unavailable, match="ended"):
            await found.call("health")


@pytest.mark.asyncio
async def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        await GatewayClient.connect(local(gateway), ADMIN, parts()) as found,
    ):
        gateway.agent.hold = True
        await found.call("chat.send", {"sessionKey": "main", "message": "hi", "idempotencyKey": "k"})
        with pytest.raises(Unavailable, match=r"agent\.wait: the gateway did not answer within 0\.05 seconds"):
            await found.call("agent.wait", {"runId": "k", "timeoutMs": 60_000}, seconds=0.05)
        assert await found.call("last-heartbeat") is None


@pytest.mark.asyncio
async def test_nobody_listening_is_told_with_the_command_that_helps() -> None:
    with pytest.raises(Unavailable, match=r"cannot reach the gateway at 127\.0\.0\.1:1: .*openclaw gateway run"):
        await GatewayClient.connect(Target("ws://127.0.0.1:1"), READER, parts())


# Gateways that misbehave

Speak = Callable[[web.WebSocketResponse], Any]


@contextlib.asynccontextmanager
async def strange(speak: Speak | None, *, redirect: str | None = None) -> AsyncIterator[str]:
    """Serve something that is no gateway of ours."""

    async def handle(request: web.Request) -> web.StreamResponse:
        if redirect is not None:
            raise web.HTTPFound(redirect)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if speak is not None:
            await speak(socket)
        async for _ in socket:
            pass
        return socket

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"ws://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def greet(socket: web.WebSocketResponse, hello: dict[str, Any], then: list[Any] = []) -> None:  # noqa: B006 - read only
    """Speak the handshake and send frames."""
    await socket.send_json({"type": "event", "event": "connect.challenge", "payload": {"nonce": "n", "ts": 1}})
    request = json.loads((await socket.receive()).data)
    await socket.send_json({"type": "res", "id": request["id"], "ok": True, "payload": hello})
    for frame in then:
        await socket.send_json(frame)


@pytest.mark.asyncio
async def test_silence_of_two_ticks_ends_the_connection() -> None:
    hello = {"protocol": 3, "policy": {"tickIntervalMs": 25}}
    async with (
        strange(lambda socket: greet(socket, hello)) as url,
        await GatewayClient.connect(Target(url, Secret("secret-text")), READER, parts()) as found,
    ):
        with pytest.raises(Unavailable, match="4000: tick timeout"):
            await found.call("health")
        assert found.close_code == 4000


@pytest.mark.asyncio
async def test_what_a_newer_gateway_adds_is_ignored() -> None:
    more = [
        {"type": "event", "event": "new.thing", "payload": 1, "later": True},
        {"type": "other"},
        {"type": "event", "event": "tick", "payload": {"ts": 2}, "seq": 1},
    ]
    async with (
        strange(lambda socket: greet(socket, {"protocol": 9, "new": 1}, more)) as url,
        await GatewayClient.connect(Target(url, Secret("secret-text")), READER, parts()) as found,
    ):
        names = []
        async for event in found.events():
            names.append(event.event)
            if len(names) == 2:
                break
        assert names == ["new.thing", "tick"]


async def say_nothing_useful(socket: web.WebSocketResponse) -> None:
    await socket.send_json({"type": "event", "event": "hello", "payload": {}})


async def no_time(socket: web.WebSocketResponse) -> None:
    await socket.send_json({"type": "event", "event": "connect.challenge", "payload": {"nonce": "n"}})


@pytest.mark.parametrize(
    ("speak", "message"), [(say_nothing_useful, "is not an OpenClaw gateway"), (no_time, "has no nonce or time")]
)
@pytest.mark.asyncio
async def test_what_is_no_gateway_gets_no_secret(tmp_path: Path, speak: Speak, message: str) -> None:
    device = load_identity(StateLayout.at(tmp_path), CLOCK)
    async with strange(speak) as url:
        with pytest.raises(Unavailable, match=message):
            await GatewayClient.connect(Target(url, Secret("secret-text")), READER, parts(signer=device))


@pytest.mark.asyncio
async def test_a_gateway_that_says_nothing_is_given_up() -> None:
    async with strange(None) as url:
        with pytest.raises(Unavailable, match="did not answer within"):
            await GatewayClient.connect(Target(url), READER, parts(), seconds=0.1)


@pytest.mark.asyncio
async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        strange(None, redirect=f"http://127.0.0.1:{gateway.port}/") as url,
    ):
        with pytest.raises(Unavailable, match="redirect"):
            await GatewayClient.connect(Target(url, Secret(TOKEN)), READER, parts())
        assert len(gateway.app.services.connections) == 0


# TLS


def certificate(folder: Path) -> tuple[ssl.SSLContext, str]:
    """Make a self-signed certificate and return a server context and its digest."""
    import datetime as dt
    import hashlib

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "openclaw-gateway")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest()


@pytest.mark.asyncio
async def test_a_pinned_certificate_is_the_only_one_that_counts(tmp_path: Path) -> None:
    context, digest = certificate(tmp_path)
    made, rooms = gateway_parts(tmp_path, CLOCK)
    app = build_app(made)
    listening = bind_sockets(("127.0.0.1",), 0, mode="loopback", scheme="wss")
    await app.listen(listening.sockets, context)
    try:
        pinned = Target(listening.url, Secret(TOKEN), fingerprint=digest)
        async with await GatewayClient.connect(pinned, READER, parts()) as found:
            assert await found.call("last-heartbeat") is None
        with pytest.raises(Refused, match="not the pinned one"):
            await GatewayClient.connect(Target(listening.url, Secret(TOKEN), fingerprint="0" * 64), READER, parts())
        with pytest.raises(OpenClawError, match="cannot reach"):
            await GatewayClient.connect(Target(listening.url, Secret(TOKEN)), READER, parts())
    finally:
        await rooms.approvals.close()
        await app.close(restarting=False)


def test_importing_the_client_loads_no_heavy_library() -> None:
    code = (
        "import sys, openclaw.protocol.client; "
        "print([name for name in ('aiohttp', 'pydantic', 'cryptography', 'psutil', 'uvloop') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.asyncio
async def test_the_raw_client_of_the_tests_and_this_one_agree(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway, protocol=4) as raw:
        async with await GatewayClient.connect(local(gateway), ADMIN, parts()) as found:
            assert sorted(found.hello) == sorted(raw.hello)
        assert isinstance(raw.socket, aiohttp.ClientWebSocketResponse)
