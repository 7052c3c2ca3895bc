"""Who controls the browser: remote DevTools addresses, relay and control ports, browser nodes (audit.md 4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.http_url import HttpUrl, read_http_url
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.reading import Reading
from openclaw.security.audit.values import at, items, mapping, trim

_DEFAULT_URL: Final = HttpUrl("http", "127.0.0.1", 0)
_MANAGED_PROFILE: Final = "openclaw"
_DEFAULT_PORT: Final = 18789


def _top_url(ctx: AuditContext) -> HttpUrl | str:
    """Return `browser.cdpUrl`, the address that a profile without its own follows; a text says what is wrong."""
    text = trim(at(ctx.document, "browser", "cdpUrl"))
    return read_http_url(text) if text else _DEFAULT_URL


def _remote_profiles(ctx: AuditContext) -> Iterator[tuple[str, HttpUrl]]:
    """Yield the profiles that lead to another machine: those of the config, and the managed one."""
    top = _top_url(ctx)
    if isinstance(top, str) or at(ctx.document, "browser", "enabled") is False:
        return
    profiles = dict(items(at(ctx.document, "browser", "profiles")))
    profiles.setdefault(_MANAGED_PROFILE, {})
    for name, profile in profiles.items():
        text = trim(at(profile, "cdpUrl"))
        url = read_http_url(text) if text else top
        if isinstance(url, HttpUrl) and not url.is_loopback:
            yield name, url


@check(
    "browser.control_invalid_config",
    Severity.WARN,
    topic=Topic.BROWSER,
    title="browser.cdpUrl cannot be used",
    when="browser.cdpUrl cannot be read, is neither http nor https, or has a bad port; also when the browser is off.",
    attack="Nothing directly; but the browser rules cannot judge what they cannot read.",
    remedy="Correct browser.cdpUrl, or remove it.",
)
def control_invalid(ctx: AuditContext) -> Hits:
    """An address that no browser would take."""
    top = _top_url(ctx)
    if isinstance(top, str):
        yield Hit(f"browser.cdpUrl {top}.", place="browser.cdpUrl")


@check(
    "browser.remote_cdp_http",
    Severity.WARN,
    topic=Topic.BROWSER,
    title="A remote browser is controlled without encryption",
    when="The browser is on and a profile leads to another machine over http; one finding for each profile.",
    attack="Whoever is on the way reads every page and every cookie, and drives the browser with its logged-in "
    "accounts.",
    remedy="Use https, or reach the browser through your tailnet or a node.",
)
def remote_cdp_http(ctx: AuditContext) -> Hits:
    """DevTools over plain http to another host."""
    for name, url in _remote_profiles(ctx):
        if url.scheme == "http":
            place = f"browser.profiles.{name}" if at(ctx.document, "browser", "profiles", name) else "browser.cdpUrl"
            yield Hit(f'profile "{name}" leads to {url.host} over http.', place=place)


@check(
    "browser.control_no_auth",
    Severity.CRITICAL,
    topic=Topic.BROWSER,
    title="Browser control without any gateway secret",
    when="The browser is on and the gateway has neither a token nor a password.",
    attack="Whoever reaches the gateway drives the browser and acts as you on every site that it is logged in to.",
    remedy="Set gateway.auth.token: openclaw doctor --generate-gateway-token.",
    since=Since.LATER,
    deep=True,
)
def control_without_auth(ctx: AuditContext) -> Hits:
    """The browser is operator access."""
    if ctx.deep is None or at(ctx.document, "browser", "enabled") is False or ctx.auth.mode == "trusted-proxy":
        return
    if not ctx.auth.token.exists and not ctx.auth.password.exists:
        yield Hit("the browser is on and neither a token nor a password is set.", place="gateway.auth")


@check(
    "browser.remote_cdp_private_host",
    Severity.WARN,
    topic=Topic.BROWSER,
    title="A remote browser profile may reach private addresses",
    when="browser.ssrfPolicy allows private networks and a profile leads to a private or internal host.",
    attack="A page that the agent is led to can make that browser open services of your own network.",
    remedy="Set browser.ssrfPolicy.dangerouslyAllowPrivateNetwork to false, or list the few hosts in allowedHostnames.",
    since=Since.LATER,
    deep=True,
)
def remote_cdp_private_host(ctx: AuditContext) -> Hits:
    """Private networks are opened to a browser that lives in one."""
    if ctx.deep is None or not any(True for _ in _remote_profiles(ctx)):
        return
    if not ctx.policy.exec.browser.allow_private:
        return
    from openclaw.policy.what.addresses import AddressClass, classify, parse_address

    for name, url in _remote_profiles(ctx):
        address = parse_address(url.host)
        internal = url.host.endswith((".local", ".internal", ".lan")) or "." not in url.host
        if (address is not None and classify(address) is not AddressClass.PUBLIC) or (address is None and internal):
            yield Hit(f'profile "{name}" leads to {url.host}.', place=f"browser.profiles.{name}")


@check(
    "browser.node_proxy_exposed",
    Severity.WARN,
    topic=Topic.BROWSER,
    title="A browser node serves a gateway that other machines reach",
    when="A paired node may run browser.proxy, gateway.nodes.browser.mode is not off, and the gateway listens beyond "
    "loopback or is published by Tailscale.",
    attack="Whoever gets into the gateway drives the browser on the other machine, with its logins.",
    remedy="Set gateway.nodes.browser.mode to off when it is not needed, or bind the gateway to loopback.",
    since=Since.OURS,
)
def node_proxy_exposed(ctx: AuditContext) -> Hits:
    """Pairing a browser node is giving away admin access to that browser."""
    mode = at(ctx.document, "gateway", "nodes", "browser", "mode") or "auto"
    denied = at(ctx.document, "gateway", "nodes", "denyCommands") or []
    if mode == "off" or not ctx.remote or "browser.proxy" in denied:
        return
    names = [node.name for node in ctx.stores.nodes if "browser.proxy" in node.commands]
    if names:
        detail = f"gateway.nodes.browser.mode is {mode} and these nodes serve a browser: {', '.join(names[:5])}."
        yield Hit(detail, place="gateway.nodes.browser.mode")


@check(
    "browser.control_port_exposed",
    Severity.CRITICAL,
    topic=Topic.BROWSER,
    title="A browser control, relay or DevTools port listens beyond this machine",
    when="Something on this machine listens beyond loopback on the control port (gateway port + 2), the relay port "
    "(+ 3) or a DevTools port of a profile (its cdpPort, or + 11 to + 110).",
    attack="DevTools has no password: whoever reaches the port owns the browser and every account in it.",
    remedy="Find the program (ss -ltnp), bind it to 127.0.0.1, and close the port in the firewall.",
    since=Since.OURS,
    deep=True,
)
def control_port_exposed(ctx: AuditContext) -> Hits:
    """Control ports belong to loopback."""
    for listener in ctx.deep.listeners if ctx.deep is not None else ():
        yield Hit(f"port {listener.port} listens on {listener.address}.", place=f"port {listener.port}")


def control_ports(reading: Reading) -> frozenset[int]:
    """Return the ports that only this machine may reach."""
    base = gateway_port(reading)
    profiles = mapping(at(reading.document, "browser", "profiles")).values()
    own = {port for profile in profiles if isinstance(port := at(profile, "cdpPort"), int)}
    return frozenset({base + 2, base + 3, *range(base + 11, base + 111), *own})


def gateway_port(reading: Reading) -> int:
    """Return the port of the gateway: variable, config, default."""
    chosen = reading.environment.integer("OPENCLAW_GATEWAY_PORT") or at(reading.document, "gateway", "port")
    return chosen if isinstance(chosen, int) else _DEFAULT_PORT


SEED: Final[tuple[Check, ...]] = (control_invalid, remote_cdp_http)
LATER: Final[tuple[Check, ...]] = (control_without_auth, remote_cdp_private_host)
OURS: Final[tuple[Check, ...]] = (node_proxy_exposed, control_port_exposed)
