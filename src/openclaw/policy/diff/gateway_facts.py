"""What the gateway's door lets in, as facts that can be compared one by one (gateway.md 2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from openclaw.policy.diff.model import Fact
from openclaw.policy.snapshot import Policy
from openclaw.policy.verdict import Outcome
from openclaw.policy.where.node_commands import DEFAULTS, NodeSurface, Platform, judge_command
from openclaw.policy.who.client_address import parse_address
from openclaw.policy.who.gateway_policy import AuthMode, Bind, GatewayPolicy, TailscaleMode

_EVERYWHERE: Final = "gateway.bind"
_EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104 - what a config may say, and nothing is bound here
_IPV6: Final = 6
_ANY_USER: Final = "gateway.auth.trustedProxy.allowUsers.*"


def gateway_facts(policy: Policy) -> Iterator[Fact]:
    """Yield what the gateway section, node commands and the door of webhooks let in."""
    gateway = policy.gateway
    yield from _listening(gateway)
    yield from _login(gateway)
    yield from _proxies(gateway)
    yield from _pages(gateway)
    yield from _nodes(gateway)
    if gateway.hooks.enabled:
        yield Fact(
            f"hooks:{gateway.hooks.path}", f"webhooks are {{now}} served at {gateway.hooks.path} (hooks.enabled)"
        )


def _listening(gateway: GatewayPolicy) -> Iterator[Fact]:
    if not gateway.binds_loopback:
        yield _bound(gateway)
        if gateway.tls:
            said = "connections to the gateway are {now} encrypted (gateway.tls.enabled)"
            yield Fact("gateway.tls", said, guard=True)
    if gateway.tailscale is TailscaleMode.SERVE:
        yield Fact("tailscale", "the tailnet {now} reaches the gateway (gateway.tailscale.mode serve)")
    if gateway.tailscale is TailscaleMode.FUNNEL:
        said = "the whole internet {now} reaches the gateway (gateway.tailscale.mode funnel)"
        yield Fact("tailscale", said, rank=2)


def _bound(gateway: GatewayPolicy) -> Fact:
    """Return where the gateway listens beyond loopback; every address of IPv4 includes each single one."""
    custom = gateway.custom_host or ""
    address = parse_address(custom)
    if gateway.bind is Bind.LAN or (gateway.bind is Bind.CUSTOM and custom == _EVERY_ADDRESS):
        said = f"the gateway {{now}} listens beyond this machine's loopback address (gateway.bind {gateway.bind})"
        return Fact(_EVERYWHERE, said)
    if gateway.bind is Bind.CUSTOM:
        said = "the gateway {now} listens on {what} (gateway.customBindHost)"
        within = "" if address is not None and address.version == _IPV6 else _EVERYWHERE
        return Fact(("gateway.bind", str(address or custom)), said, custom, within=within)
    said = "the gateway {now} listens on this machine's tailnet address (gateway.bind tailnet)"
    return Fact(("gateway.bind", Bind.TAILNET), said, within=_EVERYWHERE)


def _login(gateway: GatewayPolicy) -> Iterator[Fact]:
    yield Fact(
        f"auth:{gateway.auth_mode}", f"{_OPENERS[gateway.auth_mode]} {{now}} opens the gateway (gateway.auth.mode)"
    )
    if gateway.has_shared_secret:
        yield Fact("secret", "a shared secret {now} protects the gateway (gateway.auth)", guard=True)
    if gateway.allow_tailscale:
        said = "Tailscale identity headers {now} open the gateway (gateway.auth.allowTailscale)"
        yield Fact("auth.tailscale", said)
    if gateway.auto_approve_local:
        said = "devices of this machine are {now} paired without asking (gateway.nodes.pairing.autoApproveLocal)"
        yield Fact("auto-approve", said)
    limits, key = gateway.limits, "gateway.auth.rateLimit"
    yield Fact(
        "limit.attempts",
        f"{limits.max_attempts} wrong secrets are {{now}} allowed before the lock ({key}.maxAttempts)",
        rank=limits.max_attempts,
    )
    for name, field, value in (
        ("window", "windowMs", limits.window_ms),
        ("lockout", "lockoutMs", limits.lockout_ms),
    ):
        said = f"wrong secrets {{now}} count for {value} ms ({key}.{field})"
        if name == "lockout":
            said = f"a lock after wrong secrets {{now}} lasts {value} ms ({key}.{field})"
        yield Fact(f"limit.{name}", said, rank=value, guard=True)
    if limits.exempt_loopback:
        yield Fact("limit.loopback", f"this machine is {{now}} never locked out ({key}.exemptLoopback)")


_OPENERS: Final = {
    AuthMode.TOKEN: "the shared token",
    AuthMode.PASSWORD: "the shared password",
    AuthMode.TRUSTED_PROXY: "a proxy's word on who its user is",
}


def _proxies(gateway: GatewayPolicy) -> Iterator[Fact]:
    for proxy in gateway.address.trusted_proxies:
        said = "forwarding headers of {what} are {now} believed (gateway.trustedProxies)"
        yield Fact(("proxy", proxy.strip()), said, proxy)
    if gateway.address.trusted_proxies and gateway.address.allow_real_ip:
        said = "X-Real-IP of a trusted proxy is {now} believed (gateway.allowRealIpFallback)"
        yield Fact("proxy.real-ip", said)
    trusted = gateway.trusted_proxy
    if gateway.auth_mode is not AuthMode.TRUSTED_PROXY or trusted is None:
        return
    key = "gateway.auth.trustedProxy"
    header = trusted.user_header
    yield Fact(
        ("proxy.header", header.lower()), f"the header {{what}} {{now}} names who logs in ({key}.userHeader)", header
    )
    for header in trusted.required_headers:
        said = f"the header {{what}} is {{now}} required of the proxy ({key}.requiredHeaders)"
        yield Fact(("proxy.required", header.lower()), said, header, guard=True)
    if trusted.allow_loopback:
        yield Fact("proxy.loopback", f"a proxy on this machine may {{now}} name who logs in ({key}.allowLoopback)")
    if not trusted.allow_users:
        yield Fact(_ANY_USER, f"every user whom the proxy names may {{now}} log in ({key}.allowUsers)")
    for user in trusted.allow_users:
        yield Fact(("proxy.user", user), f"{{what}} may {{now}} log in ({key}.allowUsers)", user, within=_ANY_USER)


def _pages(gateway: GatewayPolicy) -> Iterator[Fact]:
    key, page = "gateway.controlUi", gateway.control_ui
    for origin in gateway.origin.allowed:
        said = f"pages of {{what}} may {{now}} connect ({key}.allowedOrigins)"
        yield Fact(("origin", origin.strip().lower()), said, origin)
    switches = (
        (page.enabled, "enabled", "the web page is {now} served"),
        (page.allow_insecure_auth, "allowInsecureAuth", "the web page may {now} log in without a device"),
        (
            page.disable_device_auth,
            "dangerouslyDisableDeviceAuth",
            "the web page's device is {now} ignored altogether",
        ),
        (
            gateway.origin.host_header_fallback,
            "dangerouslyAllowHostHeaderOriginFallback",
            "any page whose name leads to this machine may {now} connect",
        ),
    )
    for on, name, said in switches:
        if on:
            yield Fact(f"page.{name}", f"{said} ({key}.{name})")


def _nodes(gateway: GatewayPolicy) -> Iterator[Fact]:
    for platform in Platform:
        for command in sorted(DEFAULTS[platform] | gateway.nodes.allow):
            node = NodeSurface(platform, (command,), (command,))
            if judge_command(command, gateway.nodes, node).outcome is Outcome.ALLOW:
                said = "{what} may {now} be asked of paired nodes on {who} (gateway.nodes)"
                yield Fact(("node", platform, command), said, command, str(platform), topic="nodes")
