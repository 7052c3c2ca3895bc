"""The handshake's messages: gateway.md 1.4, 1.6, 1.7."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.policy.where.scopes import Role, Scope
from openclaw.policy.who.connect_refusals import Sent
from openclaw.protocol.codec import encode
from openclaw.protocol.connect import ConnectParams, HelloOk, IssuedToken, challenge, negotiate, not_first
from openclaw.protocol.errors import RpcError

SEED_CLI: dict[str, Any] = {
    "minProtocol": 3,
    "maxProtocol": 3,
    "client": {"id": "cli", "version": "dev", "platform": "linux", "mode": "cli", "instanceId": "i"},
    "caps": [],
    "role": "operator",
    "scopes": ["operator.admin", "operator.approvals", "operator.pairing"],
    "auth": {"token": "t"},
    "device": {"id": "d", "publicKey": "k", "signature": "s", "signedAt": 1, "nonce": "n"},
}
NEW_UI: dict[str, Any] = {
    "minProtocol": 4,
    "maxProtocol": 4,
    "client": {
        "id": "openclaw-control-ui",
        "version": "2026.9.6",
        "platform": "Linux x86_64",
        "mode": "webchat",
        "buildId": "b",
        "timeZone": "Europe/Berlin",
    },
    "scopes": ["operator.admin", "operator.questions"],
    "auth": {"token": "t", "deviceToken": "d", "approvalRuntimeToken": "a", "agentRuntimeIdentityToken": "b"},
    "caps": ["tool-events"],
    "locale": "de",
    "userAgent": "Mozilla",
    "modelCatalog": {"x": 1},
    "computerUse": True,
    "workerRuns": [1],
}
NODE: dict[str, Any] = {
    "minProtocol": 3,
    "maxProtocol": 3,
    "client": {"id": "node-host", "version": "1", "platform": "linux", "mode": "node"},
    "role": "node",
    "scopes": [],
    "caps": ["system", "browser"],
    "commands": ["system.run"],
    "permissions": {"camera": True},
    "pathEnv": "/usr/bin",
}


def changed(path: str, value: Any, base: dict[str, Any] = SEED_CLI) -> dict[str, Any]:
    copy: dict[str, Any] = json.loads(json.dumps(base))
    *parents, last = path.split(".")
    place = copy
    for name in parents:
        place = place.setdefault(name, {})
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copy


@pytest.mark.parametrize("params", [SEED_CLI, NEW_UI, NODE])
def test_what_real_clients_send_is_read(params: dict[str, Any]) -> None:
    read = ConnectParams.read(params)
    assert read.client.id == params["client"]["id"]
    assert read.asked_role == params.get("role", "operator")


@pytest.mark.parametrize(
    ("params", "why"),
    [
        (
            {},
            "; ".join(f"must have required property '{name}'" for name in ("minProtocol", "maxProtocol", "client")),
        ),
        (changed("extra", 1), "at root: unexpected property 'extra'"),
        (changed("client.extra", 1), "at /client: unexpected property 'extra'"),
        (changed("auth.extra", "x"), "at /auth: unexpected property 'extra'"),
        (changed("device.extra", "x"), "at /device: unexpected property 'extra'"),
        (changed("client.id", "evil"), "at /client/id: must be equal to one of the allowed values"),
        (changed("client.mode", "operator"), "at /client/mode: must be equal to one of the allowed values"),
        (changed("client.mode", "worker"), "at /client/mode: must be equal to one of the allowed values"),
        (changed("client.version", ""), "at /client/version: must NOT have fewer than 1 characters"),
        (changed("client.platform", ...), "at /client: must have required property 'platform'"),
        (changed("minProtocol", 0), "at /minProtocol: must be >= 1"),
        (changed("minProtocol", "3"), "at /minProtocol: must be integer"),
        (changed("minProtocol", True), "at /minProtocol: must be integer"),
        (changed("scopes", None), "at /scopes: must be array"),
        (changed("scopes", [None]), "at /scopes/0: must be string"),
        (changed("scopes", "operator.admin"), "at /scopes: must be array"),
        (changed("auth", None), "at /auth: must be object"),
        (changed("auth.token", 5), "at /auth/token: must be string"),
        (changed("auth.token", None), "at /auth/token: must be string"),
        (changed("device.signedAt", -1), "at /device/signedAt: must be >= 0"),
        (changed("device.signedAt", 1.5), "at /device/signedAt: must be integer"),
        (changed("device.nonce", ""), "at /device/nonce: must NOT have fewer than 1 characters"),
        (changed("permissions", {"camera": 1}), "at /permissions/camera: must be boolean"),
        (changed("commands", {}), "at /commands: must be array"),
    ],
)
def test_connect_is_closed_and_strict(params: dict[str, Any], why: str) -> None:
    with pytest.raises(RpcError) as caught:
        ConnectParams.read(params)
    assert caught.value.message == f"invalid connect params: {why}"


def test_credentials_are_not_in_the_repr() -> None:
    read = ConnectParams.read(changed("auth", {"token": "hunter2-token", "password": "hunter2-password"}))
    assert "hunter2" not in repr(read)


@pytest.mark.parametrize(
    ("auth", "sent", "signed"),
    [
        ({}, Sent(), ""),
        ({"token": ""}, Sent(), ""),
        ({"token": "t"}, Sent(token=True), "t"),
        ({"password": "p"}, Sent(password=True), ""),
        ({"deviceToken": "d", "bootstrapToken": "b"}, Sent(device_token=True, bootstrap=True), "d"),
        ({"bootstrapToken": "b"}, Sent(bootstrap=True), "b"),
        ({"token": "t", "deviceToken": "d"}, Sent(token=True, device_token=True), "t"),
    ],
)
def test_which_credentials_came_and_which_text_was_signed(auth: dict[str, str], sent: Sent, signed: str) -> None:
    read = ConnectParams.read(changed("auth", auth))
    assert read.auth.sent() == sent
    assert read.auth.signed_token() == signed
    claim = read.claim()
    assert claim is not None
    assert claim.fields.token == signed


def test_the_claim_is_what_was_sent() -> None:
    claim = ConnectParams.read(SEED_CLI).claim()
    assert claim is not None
    assert claim.fields.scopes == ("operator.admin", "operator.approvals", "operator.pairing")
    assert (claim.fields.device_id, claim.fields.nonce, claim.fields.device_family) == ("d", "n", "")
    assert ConnectParams.read(NODE).claim() is None
    bare = ConnectParams.read(changed("role", ..., changed("scopes", ...))).claim()
    assert bare is not None
    assert (bare.fields.role, bare.fields.scopes) == ("operator", ())


def test_absent_scopes_stay_absent() -> None:
    assert ConnectParams.read(changed("scopes", ...)).scopes is None
    assert ConnectParams.read(changed("scopes", [])).scopes == []


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(3, 3, 3), (4, 4, 4), (3, 4, 4), (1, 9, 4), (1, 3, 3), (4, 9, 4)]
)
def test_the_newest_common_protocol_is_spoken(low: int, high: int, expected: int) -> None:
    assert negotiate(low, high) == expected


@pytest.mark.parametrize(("low", "high"), [(1, 2), (5, 9), (4, 3), (9, 1)])
def test_a_range_without_common_protocol_is_refused(low: int, high: int) -> None:
    with pytest.raises(RpcError, match=r"^protocol mismatch$") as caught:
        negotiate(low, high)
    assert caught.value.as_wire()["details"] == {
        "code": "PROTOCOL_MISMATCH",
        "clientMinProtocol": low,
        "clientMaxProtocol": high,
        "expectedProtocol": 4,
        "minimumProbeProtocol": 3,
    }


@given(st.integers(1, 9), st.integers(1, 9))
def test_negotiation_stays_within_the_range(low: int, high: int) -> None:
    try:
        found = negotiate(low, high)
    except RpcError:
        return
    assert low <= found <= high
    assert found in (3, 4)


HELLO = HelloOk(
    protocol=4,
    server_version="2026.11.0",
    conn_id="c",
    methods=("health",),
    events=("tick",),
    snapshot={"presence": [], "health": {}, "stateVersion": {"presence": 1, "health": 1}, "uptimeMs": 5},
    role=Role.OPERATOR,
    scopes=(Scope.READ,),
    config_path="/c",
    state_dir="/s",
    method="token",
)


def test_hello_of_protocol_4_always_says_what_was_granted() -> None:
    payload = HELLO.payload()
    assert payload["auth"] == {"role": "operator", "scopes": ["operator.read"], "method": "token"}
    issued = replace(HELLO, issued=IssuedToken("dt", 7)).payload()["auth"]
    assert issued["deviceToken"] == "dt"
    assert issued["issuedAtMs"] == 7
    assert "dt" not in repr(replace(HELLO, issued=IssuedToken("dt", 7)))


def test_hello_of_protocol_3_says_so_only_with_a_device_token() -> None:
    old = replace(HELLO, protocol=3)
    assert "auth" not in old.payload()
    with_token = replace(old, issued=IssuedToken("dt", 7)).payload()["auth"]
    assert with_token == {"deviceToken": "dt", "role": "operator", "scopes": ["operator.read"], "issuedAtMs": 7}


def test_paths_are_shown_to_admins_only() -> None:
    assert "configPath" not in HELLO.payload()["snapshot"]
    admin = replace(HELLO, scopes=(Scope.ADMIN,)).payload()["snapshot"]
    assert (admin["configPath"], admin["stateDir"]) == ("/c", "/s")
    nowhere = replace(HELLO, scopes=(Scope.ADMIN,), config_path=None).payload()["snapshot"]
    assert "configPath" not in nowhere


def test_the_shape_of_hello() -> None:
    payload = json.loads(encode(replace(HELLO, canvas_url="http://x").payload()))
    assert set(payload) == {
        "type",
        "protocol",
        "server",
        "features",
        "snapshot",
        "policy",
        "auth",
        "pluginSurfaceUrls",
    }
    assert payload["server"] == {"version": "2026.11.0", "connId": "c"}
    assert payload["policy"] == {"maxPayload": 26214400, "maxBufferedBytes": 52428800, "tickIntervalMs": 30000}
    assert replace(HELLO, protocol=3, canvas_url="http://x").payload()["canvasHostUrl"] == "http://x"


def test_texts_of_the_handshake() -> None:
    assert not_first().message == "connect is only valid as the first request"
    assert challenge("n", 5) == {"nonce": "n", "ts": 5}
