"""Who reaches the gateway, and with which secret: the seed's rules (audit.md 4.2)."""

from __future__ import annotations

from typing import Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Topic, check
from openclaw.security.audit.values import at, length, listed

MIN_SECRET: Final = 24


@check(
    "gateway.bind_no_auth",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="The gateway listens beyond this machine without a secret",
    when="gateway.bind is not loopback, and the secret of the auth mode (token or password) does not exist. Tailscale "
    "Serve does not count as one.",
    attack="Anybody who reaches the port could drive the agent and its tools. This gateway refuses to start like that; "
    "others may not.",
    remedy="Set gateway.auth.token to a long random text (openclaw doctor --generate-gateway-token does), or set "
    "gateway.bind to loopback.",
)
def bind_without_auth(ctx: AuditContext) -> Hits:
    """A bind beyond loopback with no shared secret lets anybody on the network in."""
    proxied = ctx.auth.mode == "trusted-proxy" and bool(listed(at(ctx.document, "gateway", "trustedProxies")))
    seed, ours = not ctx.seed_auth.has_secret, not ctx.auth.has_secret
    if ctx.exposed and (seed or ours) and not proxied:
        secret = "password" if ctx.auth.mode == "password" else "token"
        detail = f'gateway.bind is "{ctx.bind}" and no {secret} is set in gateway.auth or the environment.'
        yield Hit(detail, seed=seed, place="gateway.bind")


@check(
    "gateway.trusted_proxies_missing",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="It is not stated whether a proxy stands in front of the Control UI",
    when="gateway.bind is loopback, the Control UI is served and gateway.trustedProxies is absent. An empty list "
    "states that there is no proxy and is silent; only the compatible report warns of it too.",
    attack="Behind a reverse proxy every request comes from loopback. Without the proxy's address the gateway cannot "
    "tell a stranger from this machine, and refuses to treat any proxied request as local.",
    remedy="With a proxy, list its address in gateway.trustedProxies. Without one, write gateway.trustedProxies: [].",
)
def trusted_proxies_missing(ctx: AuditContext) -> Hits:
    """Nothing is said about proxies while the page is served on loopback."""
    written = at(ctx.document, "gateway", "trustedProxies")
    if not ctx.exposed and ctx.serves_ui and not listed(written):
        yield Hit(
            "gateway.bind is loopback, the Control UI is served and gateway.trustedProxies is "
            + ("empty." if isinstance(written, list) else "not set."),
            retired=isinstance(written, list),
            place="gateway.trustedProxies",
        )


@check(
    "gateway.loopback_no_auth",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="The Control UI on loopback asks for no secret",
    when="gateway.bind is loopback, the Control UI is served, and there is neither the secret of the auth mode nor a "
    "Tailscale Serve identity.",
    attack="Every program and every web page on this machine, and whatever a proxy lets through, could use the "
    "gateway.",
    remedy="Set gateway.auth.token to a long random text: openclaw doctor --generate-gateway-token.",
)
def loopback_without_auth(ctx: AuditContext) -> Hits:
    """Loopback is no authentication."""
    seed, ours = not ctx.seed_auth.has_any, not ctx.auth.has_any and ctx.auth.mode != "trusted-proxy"
    if not ctx.exposed and ctx.serves_ui and (seed or ours):
        detail = f"gateway.bind is loopback, the auth mode is {ctx.auth.mode} and no secret for it is set."
        yield Hit(detail, seed=seed, place="gateway.auth")


@check(
    "gateway.tailscale_funnel",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="Tailscale Funnel puts the gateway on the internet",
    when="gateway.tailscale.mode is funnel.",
    attack="Anybody on the internet reaches the login; the password is all that is left.",
    remedy="Set gateway.tailscale.mode to serve (your tailnet only) or off.",
)
def tailscale_funnel(ctx: AuditContext) -> Hits:
    """Funnel is public."""
    if ctx.auth.tailscale == "funnel":
        yield Hit('gateway.tailscale.mode is "funnel".', place="gateway.tailscale.mode")


@check(
    "gateway.tailscale_serve",
    Severity.INFO,
    topic=Topic.NETWORK,
    title="Tailscale Serve publishes the gateway in your tailnet",
    when="gateway.tailscale.mode is serve.",
    attack="A device of your tailnet that was taken over reaches the login.",
    remedy="",
)
def tailscale_serve(ctx: AuditContext) -> Hits:
    """Serve is known to the tailnet."""
    if ctx.auth.tailscale == "serve":
        yield Hit('gateway.tailscale.mode is "serve".', place="gateway.tailscale.mode")


@check(
    "gateway.control_ui.insecure_auth",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="The Control UI may log in without a device identity",
    when="gateway.controlUi.allowInsecureAuth is true, also on loopback.",
    attack="Over plain HTTP the token can be read on the way, and whoever has it needs no pairing.",
    remedy="Set gateway.controlUi.allowInsecureAuth to false; use HTTPS (Tailscale Serve) or open the page on "
    "localhost.",
)
def insecure_ui_auth(ctx: AuditContext) -> Hits:
    """Token-only login skips pairing."""
    if at(ctx.document, "gateway", "controlUi", "allowInsecureAuth") is True:
        yield Hit("gateway.controlUi.allowInsecureAuth is true.", place="gateway.controlUi.allowInsecureAuth")


@check(
    "gateway.control_ui.device_auth_disabled",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="The Control UI asks for no device identity at all",
    when="gateway.controlUi.dangerouslyDisableDeviceAuth is true.",
    attack="A leaked token is enough to act as the operator from any browser.",
    remedy="Set gateway.controlUi.dangerouslyDisableDeviceAuth to false as soon as the emergency is over.",
)
def device_auth_disabled(ctx: AuditContext) -> Hits:
    """The emergency switch is on."""
    if at(ctx.document, "gateway", "controlUi", "dangerouslyDisableDeviceAuth") is True:
        yield Hit(
            "gateway.controlUi.dangerouslyDisableDeviceAuth is true.",
            place="gateway.controlUi.dangerouslyDisableDeviceAuth",
        )


@check(
    "gateway.token_too_short",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="The gateway token is short",
    when=f"The auth mode is token and the token, from config or environment, has fewer than {MIN_SECRET} characters.",
    attack="A short token can be guessed.",
    remedy="Use a long random token: openclaw doctor --generate-gateway-token.",
)
def token_too_short(ctx: AuditContext) -> Hits:
    """A token that a person made up."""
    auth = ctx.seed_auth
    size = length(auth.token.text)
    if auth.mode == "token" and 0 < size < MIN_SECRET:
        yield Hit(f"The token has {size} characters; at least {MIN_SECRET} are expected.", place="gateway.auth.token")


SEED: Final[tuple[Check, ...]] = (
    bind_without_auth,
    trusted_proxies_missing,
    loopback_without_auth,
    tailscale_funnel,
    tailscale_serve,
    insecure_ui_auth,
    device_auth_disabled,
    token_too_short,
)
