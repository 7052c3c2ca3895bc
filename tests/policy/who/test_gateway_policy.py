"""When the gateway must not start: gateway.md 2.1, advisories A4, A12."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.who.client_address import AddressPolicy
from openclaw.policy.who.gateway_policy import (
    AuthMode,
    Bind,
    GatewayPolicy,
    HooksDoor,
    StartFacts,
    TailscaleMode,
    start_refusals,
)
from openclaw.policy.who.proxy_identity import TrustedProxyPolicy

SAFE = GatewayPolicy(run_mode="local", has_token=True)
PASSWORD = GatewayPolicy(run_mode="local", auth_mode=AuthMode.PASSWORD, has_password=True)
NO_SECRET = GatewayPolicy(run_mode="local")
PROXY = GatewayPolicy(
    run_mode="local",
    auth_mode=AuthMode.TRUSTED_PROXY,
    trusted_proxy=TrustedProxyPolicy(user_header="x-user"),
    address=AddressPolicy(trusted_proxies=("10.0.0.1",)),
)


@pytest.mark.parametrize(
    ("policy", "facts", "rules"),
    [
        (SAFE, StartFacts(), ()),
        (PASSWORD, StartFacts(), ()),
        (PROXY, StartFacts(), ()),
        (replace(SAFE, run_mode=None), StartFacts(), ("start.mode",)),
        (replace(SAFE, run_mode="remote"), StartFacts(), ("start.mode",)),
        (replace(SAFE, run_mode=None), StartFacts(allow_unconfigured=True), ()),
        (NO_SECRET, StartFacts(), ("start.no-token",)),
        (replace(NO_SECRET, has_password=True), StartFacts(), ("start.no-token",)),
        (replace(NO_SECRET, allow_tailscale=True), StartFacts(), ()),
        (replace(PASSWORD, has_password=False), StartFacts(), ("start.no-password",)),
        (replace(PASSWORD, has_password=False, allow_tailscale=True), StartFacts(), ("start.no-password",)),
        (SAFE, StartFacts(unresolved=("gateway.auth.token",)), ("start.secret-unresolved",)),
        (replace(SAFE, bind=Bind.LAN), StartFacts(addresses=("0.0.0.0",)), ()),
        (replace(NO_SECRET, bind=Bind.LAN), StartFacts(), ("start.no-token", "start.exposed")),
        (replace(NO_SECRET, bind=Bind.LAN, allow_tailscale=True), StartFacts(), ("start.exposed",)),
        (replace(NO_SECRET, bind=Bind.TAILNET, allow_tailscale=True), StartFacts(), ("start.exposed",)),
        (replace(NO_SECRET, bind=Bind.AUTO, allow_tailscale=True), StartFacts(), ()),
        (replace(NO_SECRET, allow_tailscale=True), StartFacts(addresses=("0.0.0.0",)), ("start.exposed",)),
        (replace(NO_SECRET, allow_tailscale=True), StartFacts(addresses=("127.0.0.1", "::1")), ()),
        (replace(SAFE, hooks=HooksDoor(enabled=True, has_token=True, path="/X")), StartFacts(), ()),
        (
            replace(SAFE, hooks=HooksDoor(enabled=True, has_token=True, path=" // ")),
            StartFacts(),
            ("start.hooks-path",),
        ),
        (replace(SAFE, bind=Bind.CUSTOM), StartFacts(), ("start.no-custom-host",)),
        (replace(SAFE, bind=Bind.CUSTOM, custom_host="box.example"), StartFacts(), ("start.no-custom-host",)),
        (replace(SAFE, bind=Bind.CUSTOM, custom_host="192.0.2.1"), StartFacts(), ()),
        (
            replace(NO_SECRET, bind=Bind.CUSTOM, custom_host="192.0.2.1", allow_tailscale=True),
            StartFacts(),
            ("start.exposed",),
        ),
        (replace(NO_SECRET, bind=Bind.CUSTOM, custom_host="127.0.0.1", allow_tailscale=True), StartFacts(), ()),
        (replace(PROXY, bind=Bind.LAN), StartFacts(), ()),
        (
            replace(PROXY, bind=Bind.LAN, address=AddressPolicy()),
            StartFacts(),
            ("start.proxy-without-proxies", "start.exposed"),
        ),
        (replace(PROXY, has_token=True), StartFacts(), ("start.proxy-and-token",)),
        (replace(PROXY, trusted_proxy=None), StartFacts(), ("start.proxy-without-header",)),
        (replace(SAFE, tailscale=TailscaleMode.SERVE), StartFacts(), ()),
        (replace(SAFE, tailscale=TailscaleMode.SERVE, bind=Bind.LAN), StartFacts(), ("start.tailscale-bind",)),
        (
            replace(SAFE, tailscale=TailscaleMode.SERVE),
            StartFacts(addresses=("0.0.0.0",)),
            ("start.tailscale-bind",),
        ),
        (replace(SAFE, tailscale=TailscaleMode.FUNNEL), StartFacts(), ("start.funnel-without-password",)),
        (replace(PASSWORD, tailscale=TailscaleMode.FUNNEL), StartFacts(), ()),
        (replace(SAFE, hooks=HooksDoor(enabled=True)), StartFacts(), ("start.hooks-no-token",)),
        (replace(SAFE, hooks=HooksDoor(enabled=True, path="/", has_token=True)), StartFacts(), ("start.hooks-path",)),
        (
            replace(SAFE, hooks=HooksDoor(enabled=True, path=" // ", has_token=True)),
            StartFacts(),
            ("start.hooks-path",),
        ),
        (replace(SAFE, hooks=HooksDoor(enabled=True, path="/hooks", has_token=True)), StartFacts(), ()),
        (replace(SAFE, hooks=HooksDoor(enabled=False, path="/")), StartFacts(), ()),
        (replace(SAFE, tls=True), StartFacts(tls_problem="no such file"), ("start.tls",)),
        (SAFE, StartFacts(tls_problem="no such file"), ()),
    ],
)
def test_the_gateway_starts_only_when_it_can_tell_its_callers_apart(
    policy: GatewayPolicy, facts: StartFacts, rules: tuple[str, ...]
) -> None:
    found = start_refusals(policy, facts)
    assert tuple(reason.rule for reason in found) == rules
    assert all(reason.key and reason.detail for reason in found)


def test_a_refusal_lists_every_address_beyond_this_machine() -> None:
    facts = StartFacts(addresses=("10.0.0.1", "127.0.0.1", "10.0.0.2"))
    (reason,) = start_refusals(replace(NO_SECRET, allow_tailscale=True), facts)
    assert reason.detail == (
        "gateway.bind is loopback (10.0.0.1, 10.0.0.2) and no token or password is set; set gateway.auth.token or bind "
        "to loopback"
    )


def test_a_secret_for_clients_does_not_protect_the_gateway() -> None:
    (reason,) = start_refusals(replace(NO_SECRET, has_remote_secret=True))
    assert "gateway.remote" in reason.detail


@given(
    st.builds(
        GatewayPolicy,
        run_mode=st.just("local"),
        bind=st.sampled_from(list(Bind)),
        custom_host=st.sampled_from([None, "127.0.0.1", "0.0.0.0", "192.0.2.1"]),
        auth_mode=st.sampled_from([AuthMode.TOKEN, AuthMode.PASSWORD]),
        has_token=st.booleans(),
        has_password=st.booleans(),
        allow_tailscale=st.booleans(),
        tailscale=st.sampled_from(list(TailscaleMode)),
    ),
    st.sampled_from([(), ("127.0.0.1",), ("0.0.0.0",), ("::",), ("100.64.0.1",)]),
)
@settings(max_examples=200)
def test_adv_A4_what_starts_beyond_this_machine_has_a_shared_secret(
    policy: GatewayPolicy, addresses: tuple[str, ...]
) -> None:
    if start_refusals(policy, StartFacts(addresses=addresses)):
        return
    beyond = not policy.binds_loopback or any(address != "127.0.0.1" for address in addresses)
    assert policy.has_shared_secret or (policy.allow_tailscale and not beyond)
