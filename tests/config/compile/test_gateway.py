"""From config to the gateway's policy: gateway.md 2.1, 2.2, 2.4, config.md 3.1, 3.17."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.base import SecretRef
from openclaw.config.compile.gateway import (
    GatewayFlags,
    Machine,
    SecretKind,
    auth_mode,
    compile_gateway,
    shared_secret,
)
from openclaw.config.model import Config
from openclaw.policy.where.node_commands import NodePolicy
from openclaw.policy.who.gateway_policy import AuthMode, Bind, GatewayPolicy, TailscaleMode, start_refusals
from openclaw.policy.who.proxy_identity import TrustedProxyPolicy
from openclaw.policy.who.rate_limit import Limits
from openclaw.system.environment import Environment
from openclaw.system.secret import Secret

EMPTY = Environment({"HOME": "/home/user"})


def env(**values: str) -> Environment:
    return Environment({"HOME": "/home/user", **values})


def config(**gateway: Any) -> Config:
    return Config.from_document({"gateway": gateway} if gateway else {})


def compiled(environment: Environment = EMPTY, **gateway: Any) -> GatewayPolicy:
    return compile_gateway(config(**gateway), environment)


def test_an_empty_config_is_closed() -> None:
    policy = compiled()
    assert policy == GatewayPolicy()
    assert [reason.rule for reason in start_refusals(policy)] == ["start.mode", "start.no-token"]


def test_the_plainest_config_starts() -> None:
    assert start_refusals(compiled(mode="local", auth={"token": "some-token-text"})) == ()
    assert start_refusals(compiled(env(OPENCLAW_GATEWAY_TOKEN="some-token-text"), mode="local")) == ()


@pytest.mark.parametrize(
    ("gateway", "variables", "expected"),
    [
        ({}, {}, AuthMode.TOKEN),
        ({"auth": {"token": "t"}}, {}, AuthMode.TOKEN),
        ({"auth": {"password": "p"}}, {}, AuthMode.PASSWORD),
        ({"auth": {"token": "t", "password": "p"}}, {}, AuthMode.PASSWORD),
        ({"auth": {"token": "t"}}, {"OPENCLAW_GATEWAY_PASSWORD": "p"}, AuthMode.PASSWORD),
        ({"auth": {"password": " "}}, {"OPENCLAW_GATEWAY_PASSWORD": "p"}, AuthMode.TOKEN),
        ({"auth": {"mode": "token", "password": "p"}}, {}, AuthMode.TOKEN),
        ({"auth": {"mode": "password"}}, {}, AuthMode.PASSWORD),
        (
            {"auth": {"mode": "trusted-proxy", "trustedProxy": {"userHeader": "x"}}},
            {"OPENCLAW_GATEWAY_PASSWORD": "p"},
            AuthMode.TRUSTED_PROXY,
        ),
    ],
)
def test_the_mode_follows_the_secrets_unless_it_is_written(
    gateway: dict[str, Any], variables: dict[str, str], expected: AuthMode
) -> None:
    assert auth_mode(config(**gateway), env(**variables)) is expected
    assert compiled(env(**variables), **gateway).auth_mode is expected


@pytest.mark.parametrize("kind", ["token", "password"])
def test_a_secret_comes_from_flag_then_config_then_environment(kind: SecretKind) -> None:
    variable = f"OPENCLAW_GATEWAY_{kind.upper()}"
    legacy = f"CLAWDBOT_GATEWAY_{kind.upper()}"
    flags = GatewayFlags(token=Secret("from-the-flag"), password=Secret("from-the-flag"))
    both = env(**{variable: "from-the-variable", legacy: "from-the-legacy"})
    written = config(auth={kind: "from-the-config"})

    def text(place_of: Any) -> str | None:
        return None if place_of.value is None else place_of.value.reveal()

    assert text(shared_secret(written, both, kind, flags)) == "from-the-flag"
    assert text(shared_secret(written, both, kind)) == "from-the-config"
    assert text(shared_secret(config(), both, kind)) == "from-the-variable"
    assert text(shared_secret(config(), env(**{legacy: "from-the-legacy"}), kind)) == "from-the-legacy"
    assert text(shared_secret(config(), EMPTY, kind)) is None
    assert shared_secret(config(), both, kind).path == variable
    assert shared_secret(written, both, kind).path == f"gateway.auth.{kind}"


def test_a_blank_or_referenced_key_hides_the_environment() -> None:
    environment = env(OPENCLAW_GATEWAY_TOKEN="from-the-variable")
    assert shared_secret(config(auth={"token": ""}), environment, "token").value is None
    assert shared_secret(config(), environment, "token", GatewayFlags(token=Secret(""))).value is None
    reference = config(auth={"token": {"source": "env", "id": "ELSEWHERE"}})
    assert shared_secret(reference, environment, "token").value == SecretRef("env", id="ELSEWHERE")
    assert compile_gateway(reference, environment).has_token


def test_no_secret_is_in_the_policy() -> None:
    policy = compiled(
        env(OPENCLAW_GATEWAY_PASSWORD="hunter2-password"),
        auth={"token": "hunter2-token"},
        remote={"token": "hunter2-remote"},
    )
    assert "hunter2" not in repr(policy)
    assert (policy.has_token, policy.has_password, policy.has_remote_secret) == (True, True, True)
    assert "hunter2" not in repr(shared_secret(config(auth={"token": "hunter2-token"}), EMPTY, "token"))


@pytest.mark.parametrize(
    ("gateway", "expected"),
    [
        ({}, False),
        ({"tailscale": {"mode": "serve"}}, True),
        ({"tailscale": {"mode": "serve"}, "auth": {"password": "p"}}, False),
        ({"tailscale": {"mode": "serve"}, "auth": {"allowTailscale": False}}, False),
        ({"tailscale": {"mode": "funnel"}, "auth": {"password": "p"}}, False),
        ({"auth": {"allowTailscale": True}}, True),
    ],
)
def test_when_a_tailscale_identity_counts(gateway: dict[str, Any], *, expected: bool) -> None:
    assert compiled(**gateway).allow_tailscale is expected


@pytest.mark.parametrize(
    ("gateway", "variables", "flag", "expected"),
    [
        ({}, {}, None, 18789),
        ({"port": 1234}, {}, None, 1234),
        ({"port": 1234}, {"OPENCLAW_GATEWAY_PORT": "2345"}, None, 2345),
        ({"port": 1234}, {"CLAWDBOT_GATEWAY_PORT": "2345"}, None, 2345),
        ({"port": 1234}, {"OPENCLAW_GATEWAY_PORT": "99999"}, None, 1234),
        ({"port": 1234}, {"OPENCLAW_GATEWAY_PORT": "no"}, None, 1234),
        ({"port": 1234}, {"OPENCLAW_GATEWAY_PORT": "2345"}, 3456, 3456),
    ],
)
def test_the_port(gateway: dict[str, Any], variables: dict[str, str], flag: int | None, expected: int) -> None:
    assert compile_gateway(config(**gateway), env(**variables), flags=GatewayFlags(port=flag)).port == expected


def test_flags_win() -> None:
    flags = GatewayFlags(auth=AuthMode.PASSWORD, bind=Bind.LAN, tailscale=TailscaleMode.FUNNEL)
    written = config(auth={"mode": "token"}, bind="loopback", tailscale={"mode": "serve"})
    policy = compile_gateway(written, EMPTY, flags=flags)
    assert (policy.auth_mode, policy.bind, policy.tailscale) == (
        AuthMode.PASSWORD,
        Bind.LAN,
        TailscaleMode.FUNNEL,
    )


def test_every_key_of_the_door_is_compiled() -> None:
    document = {
        "gateway": {
            "mode": "local",
            "bind": "custom",
            "customBindHost": "192.0.2.1",
            "tls": {"enabled": True},
            "trustedProxies": ["10.0.0.0/8"],
            "allowRealIpFallback": False,
            "auth": {
                "mode": "trusted-proxy",
                "trustedProxy": {
                    "userHeader": "X-User",
                    "requiredHeaders": ["X-Ok"],
                    "allowUsers": ["ada"],
                    "allowLoopback": True,
                },
                "rateLimit": {"maxAttempts": 3, "windowMs": 4, "lockoutMs": 5, "exemptLoopback": False},
            },
            "controlUi": {
                "enabled": False,
                "basePath": "ui/",
                "allowedOrigins": ["https://a.example"],
                "allowInsecureAuth": True,
                "dangerouslyDisableDeviceAuth": True,
                "dangerouslyAllowHostHeaderOriginFallback": True,
            },
            "nodes": {
                "allowCommands": ["camera.snap", " sms.send "],
                "denyCommands": ["system.run"],
                "pairing": {"autoApproveLocal": False},
            },
        },
        "hooks": {"enabled": True, "path": "/in", "token": "hook-token-text"},
    }
    machine = Machine("Box.", "box.tail1.ts.net.", frozenset({"100.64.0.9"}))
    policy = compile_gateway(Config.from_document(document), EMPTY, machine=machine)
    assert (policy.bind, policy.custom_host, policy.tls) == (Bind.CUSTOM, "192.0.2.1", True)
    assert (policy.address.trusted_proxies, policy.address.allow_real_ip) == (("10.0.0.0/8",), False)
    assert policy.address.own_tailnet == {"100.64.0.9"}
    assert policy.trusted_proxy == TrustedProxyPolicy("X-User", ("X-Ok",), ("ada",), allow_loopback=True)
    assert policy.limits == Limits(3, 4, 5, exempt_loopback=False)
    assert (policy.control_ui.enabled, policy.control_ui.base_path) == (False, "/ui")
    assert (policy.control_ui.allow_insecure_auth, policy.control_ui.disable_device_auth) == (True, True)
    assert policy.origin.allowed == ("https://a.example",)
    assert policy.origin.host_header_fallback
    assert policy.origin.own_names == {"box", "box.tail1.ts.net"}
    assert policy.nodes == NodePolicy(frozenset({"camera.snap", "sms.send"}), frozenset({"system.run"}))
    assert not policy.auto_approve_local
    assert (policy.hooks.enabled, policy.hooks.path, policy.hooks.has_token) == (True, "/in", True)
    assert start_refusals(policy) == ()


def test_hooks_without_a_token_do_not_start() -> None:
    document = {"gateway": {"mode": "local", "auth": {"token": "t"}}, "hooks": {"enabled": True}}
    policy = compile_gateway(Config.from_document(document), EMPTY)
    assert [reason.key for reason in start_refusals(policy)] == ["hooks.token"]


@pytest.mark.parametrize(("text", "expected"), [(None, ""), ("", ""), ("/", ""), ("ui", "/ui"), (" /a/b/ ", "/a/b")])
def test_the_base_path_has_a_leading_and_no_trailing_slash(text: str | None, expected: str) -> None:
    written: dict[str, Any] = {} if text is None else {"controlUi": {"basePath": text}}
    assert compiled(**written).control_ui.base_path == expected
