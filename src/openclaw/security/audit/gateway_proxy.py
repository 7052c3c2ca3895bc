"""What holds when a proxy says who its users are (audit.md 9.1)."""

from __future__ import annotations

from typing import Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, listed, mapping, trim


@check(
    "gateway.trusted_proxy_auth",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="A proxy alone says who its users are",
    when="gateway.auth.mode is trusted-proxy.",
    attack="Whoever reaches the gateway past the proxy, or gets a header through it, is whoever they say.",
    remedy="Make sure that the port is reachable from the proxy only and that it overwrites the header; else use a "
    "token.",
    since=Since.LATER,
)
@check(
    "gateway.trusted_proxy_no_proxies",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="No proxy is listed for trusted-proxy mode",
    when="gateway.auth.mode is trusted-proxy and gateway.trustedProxies is empty.",
    attack="Nobody can log in, so the gateway does not start.",
    remedy="List the proxy's address in gateway.trustedProxies.",
    since=Since.LATER,
)
@check(
    "gateway.trusted_proxy_no_user_header",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="No user header is set for trusted-proxy mode",
    when="gateway.auth.mode is trusted-proxy and gateway.auth.trustedProxy.userHeader is not set.",
    attack="Users cannot be told apart, so the gateway does not start.",
    remedy="Set gateway.auth.trustedProxy.userHeader.",
    since=Since.LATER,
)
@check(
    "gateway.trusted_proxy_allow_loopback",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="A proxy on this machine is believed",
    when="gateway.auth.mode is trusted-proxy and gateway.auth.trustedProxy.allowLoopback is true.",
    attack="Every program on this machine can send the header.",
    remedy="Run the proxy elsewhere, or set allowLoopback to false.",
    since=Since.LATER,
)
@check(
    "gateway.trusted_proxy_no_allowlist",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="Every user of the proxy is an operator",
    when="gateway.auth.mode is trusted-proxy and gateway.auth.trustedProxy.allowUsers is empty.",
    attack="Everybody with an account at the proxy drives the agent.",
    remedy="List the operators in gateway.auth.trustedProxy.allowUsers.",
    since=Since.LATER,
)
def trusted_proxy(ctx: AuditContext) -> Hits:
    """What holds in trusted-proxy mode."""
    if ctx.auth.mode != "trusted-proxy":
        return
    block = mapping(at(ctx.document, "gateway", "auth", "trustedProxy"))
    place = "gateway.auth.trustedProxy"
    yield Hit("gateway.auth.mode is trusted-proxy.", id="gateway.trusted_proxy_auth", place="gateway.auth.mode")
    if not listed(at(ctx.document, "gateway", "trustedProxies")):
        detail = "gateway.trustedProxies is empty."
        yield Hit(detail, id="gateway.trusted_proxy_no_proxies", place="gateway.trustedProxies")
    if not trim(block.get("userHeader")):
        yield Hit(f"{place}.userHeader is not set.", id="gateway.trusted_proxy_no_user_header", place=place)
    if block.get("allowLoopback") is True:
        yield Hit(f"{place}.allowLoopback is true.", id="gateway.trusted_proxy_allow_loopback", place=place)
    if not listed(block.get("allowUsers")):
        yield Hit(f"{place}.allowUsers is empty.", id="gateway.trusted_proxy_no_allowlist", place=place)


LATER: Final[tuple[Check, ...]] = (trusted_proxy,)
