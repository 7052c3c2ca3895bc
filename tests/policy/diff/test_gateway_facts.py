"""What the gateway's door lets in, word for word, and that only what opens it counts as wider."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from openclaw.policy.diff import PolicyDiff, diff_policies
from openclaw.policy.diff.gateway_facts import gateway_facts
from openclaw.policy.where.node_commands import NodePolicy
from openclaw.policy.who.client_address import AddressPolicy
from openclaw.policy.who.gateway_policy import (
    AuthMode,
    Bind,
    ControlUiPolicy,
    GatewayPolicy,
    HooksDoor,
    TailscaleMode,
)
from openclaw.policy.who.origin import OriginPolicy
from openclaw.policy.who.proxy_identity import TrustedProxyPolicy
from openclaw.policy.who.rate_limit import Limits
from support.answers import check_answers
from support.diffs import policy_of

EMPTY = policy_of({})
PROXY = TrustedProxyPolicy(user_header="X-User")
DOORS: tuple[dict[str, Any], ...] = (
    {},
    *({"bind": bind, "tls": tls} for bind, tls in product(Bind, (False, True)) if bind is not Bind.CUSTOM),
    *(
        {"bind": Bind.CUSTOM, "custom_host": host, "tls": True}
        for host in (None, "", "nas", "127.0.0.1", "::1", "10.0.0.5", "::ffff:10.0.0.5", "fd00::5", "0.0.0.0", "::")
    ),
    {"bind": Bind.LAN, "custom_host": "10.0.0.5"},
    *({"tailscale": mode} for mode in TailscaleMode),
    *({"auth_mode": mode, "has_token": True} for mode in AuthMode),
    {"auth_mode": AuthMode.PASSWORD, "has_password": True},
    {"allow_tailscale": True},
    {"auto_approve_local": False},
    {"limits": Limits(max_attempts=3, window_ms=5, lockout_ms=7, exempt_loopback=False)},
    {"address": AddressPolicy(trusted_proxies=("10.0.0.1", " 10.0.0.0/8 "), allow_real_ip=True)},
    {"address": AddressPolicy(trusted_proxies=("10.0.0.1",), allow_real_ip=False)},
    {"address": AddressPolicy(allow_real_ip=True)},
    {"trusted_proxy": PROXY},
    {"auth_mode": AuthMode.TRUSTED_PROXY},
    {"auth_mode": AuthMode.TRUSTED_PROXY, "trusted_proxy": PROXY},
    {
        "auth_mode": AuthMode.TRUSTED_PROXY,
        "trusted_proxy": replace(
            PROXY, required_headers=("X-Proof", "x-b"), allow_users=("ann", "Bea"), allow_loopback=True
        ),
    },
    {"origin": OriginPolicy(allowed=(" HTTPS://A.example", "*"), host_header_fallback=True)},
    {"control_ui": ControlUiPolicy(enabled=False)},
    {"control_ui": ControlUiPolicy(allow_insecure_auth=True, disable_device_auth=True)},
    {"nodes": NodePolicy(allow=frozenset({"camera.snap", "x.y"}), deny=frozenset({"system.run", "canvas.eval"}))},
    {"hooks": HooksDoor(enabled=True, path="/in", has_token=True)},
)


def door(**fields: Any) -> GatewayPolicy:
    return GatewayPolicy(**fields)


def between(before: dict[str, Any], after: dict[str, Any]) -> PolicyDiff:
    old, new = (replace(EMPTY, gateway=door(**fields)) for fields in (before, after))
    return diff_policies(old, new)


def test_what_each_setting_of_the_gateway_lets_in() -> None:
    usual = {fact.key: fact for fact in gateway_facts(EMPTY)}
    answers: list[tuple[object, object]] = [("an empty config", fact) for fact in usual.values()]
    for fields in DOORS:
        found = {fact.key: fact for fact in gateway_facts(replace(EMPTY, gateway=door(**fields)))}
        answers += [(fields, fact) for fact in found.values() if usual.get(fact.key) != fact]
        answers += [((fields, "without"), key) for key in usual if key not in found]
    check_answers("diff-gateway-facts", answers)


CUSTOM = {"bind": Bind.CUSTOM, "custom_host": "10.0.0.5"}
TO_AND_FRO: tuple[tuple[str, dict[str, Any], dict[str, Any], bool, bool], ...] = (
    ("auto is loopback", {}, {"bind": Bind.AUTO}, False, False),
    ("a custom loopback address", {}, {"bind": Bind.CUSTOM, "custom_host": "127.0.0.1"}, False, False),
    ("one address", {}, CUSTOM, True, False),
    ("one address of all", CUSTOM, {"bind": Bind.LAN}, True, False),
    ("all addresses by number", {"bind": Bind.LAN}, {"bind": Bind.CUSTOM, "custom_host": "0.0.0.0"}, False, False),
    ("another address", CUSTOM, {"bind": Bind.CUSTOM, "custom_host": "10.0.0.6"}, True, True),
    ("the same address", CUSTOM, {"bind": Bind.CUSTOM, "custom_host": "::ffff:10.0.0.5"}, False, False),
    ("the tailnet instead", CUSTOM, {"bind": Bind.TAILNET}, True, True),
    ("the tailnet as well", {"bind": Bind.TAILNET}, {"bind": Bind.LAN}, True, False),
    (
        "an address of IPv6 is none of IPv4",
        {"bind": Bind.LAN},
        {"bind": Bind.CUSTOM, "custom_host": "fd00::5"},
        True,
        True,
    ),
    ("the internet", {"tailscale": TailscaleMode.SERVE}, {"tailscale": TailscaleMode.FUNNEL}, True, False),
    ("more attempts", {}, {"limits": Limits(max_attempts=11)}, True, False),
    ("a longer window", {"limits": Limits(window_ms=1)}, {"limits": Limits(window_ms=2)}, False, True),
    ("no encryption", {**CUSTOM, "tls": True}, CUSTOM, True, False),
    (
        "any user",
        {"auth_mode": AuthMode.TRUSTED_PROXY, "trusted_proxy": replace(PROXY, allow_users=("a",))},
        {"auth_mode": AuthMode.TRUSTED_PROXY, "trusted_proxy": PROXY},
        True,
        False,
    ),
    (
        "a header less",
        {"auth_mode": AuthMode.TRUSTED_PROXY, "trusted_proxy": replace(PROXY, required_headers=("X-Proof",))},
        {"auth_mode": AuthMode.TRUSTED_PROXY, "trusted_proxy": PROXY},
        True,
        False,
    ),
    (
        "case of headers",
        {"auth_mode": AuthMode.TRUSTED_PROXY, "trusted_proxy": replace(PROXY, required_headers=("X-Proof",))},
        {
            "auth_mode": AuthMode.TRUSTED_PROXY,
            "trusted_proxy": TrustedProxyPolicy(user_header="x-user", required_headers=("x-proof",)),
        },
        False,
        False,
    ),
)


@pytest.mark.parametrize(
    ("before", "after", "widens", "narrows"), [row[1:] for row in TO_AND_FRO], ids=[row[0] for row in TO_AND_FRO]
)
def test_only_what_opens_the_door_further_is_wider(
    before: dict[str, Any], after: dict[str, Any], widens: bool, narrows: bool
) -> None:
    there, back = between(before, after), between(after, before)
    assert (bool(there.widens), bool(there.narrows)) == (widens, narrows)
    assert (bool(back.widens), bool(back.narrows)) == (narrows, widens)


def test_one_command_on_several_platforms_is_told_once() -> None:
    found = between({"nodes": NodePolicy()}, {"nodes": NodePolicy(allow=frozenset({"camera.snap"}))})
    assert found.widened == (
        "camera.snap may now be asked of paired nodes on ios, android, macos, linux, windows, unknown (gateway.nodes)",
    )
    assert [change.topic for change in found.widens] == ["nodes"]
