"""The gateway's further doors: web origins, HTTP calls, secrets that are none, proxies (audit.md 9.1)."""

from __future__ import annotations

from typing import Final

from openclaw.security.audit.auth import SharedSecret, same
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.gateway import MIN_SECRET
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.values import at, entries, length, listed, mapping, some, trim

_MAX_ATTEMPTS: Final = 100
_MIN_LOCKOUT_MS: Final = 10_000
_NO_SECRETS: Final = frozenset({"", "undefined", "null"})


def worse_when(condition: object) -> Severity:
    """Return critical when the condition holds, else warn."""
    return Severity.CRITICAL if condition else Severity.WARN


def _ui(ctx: AuditContext, name: str) -> object:
    return at(ctx.document, "gateway", "controlUi", name)


@check(
    "gateway.tools_invoke_http.dangerous_allow",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="Dangerous tools may be called over HTTP",
    when="gateway.tools.allow lifts a tool off the list that POST /tools/invoke refuses. Critical when the gateway is "
    "exposed or published by Funnel.",
    attack="Whoever has the token calls the tool directly, without a model or an approval in between.",
    remedy="Remove these names from gateway.tools.allow.",
    since=Since.LATER,
)
def dangerous_http_tools(ctx: AuditContext) -> Hits:
    """Names that the HTTP door refuses for good reason."""
    allowed = entries(at(ctx.document, "gateway", "tools", "allow"))
    if not allowed:
        return
    from openclaw.policy.names import wildcard_match
    from openclaw.policy.what.tool_names import GROUPS, HTTP_DENY, normalise_tool

    names = [member for text in allowed for member in GROUPS.get(normalise_tool(text), (normalise_tool(text),))]
    lifted = [tool for tool in HTTP_DENY if any(wildcard_match(name, tool) for name in names)]
    if lifted:
        severity = worse_when(ctx.exposed or ctx.auth.tailscale == "funnel")
        yield Hit(f"gateway.tools.allow lifts: {some(lifted)}.", severity=severity, place="gateway.tools.allow")


@check(
    "gateway.env_token_overrides_config",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="Two different gateway tokens are set",
    when="OPENCLAW_GATEWAY_TOKEN differs from a token that is written out in gateway.auth.token; not in remote mode, "
    "nor with another auth mode.",
    attack="Nobody is sure which token is in force, so the old one is not rotated. This system takes the config's; "
    "later versions of the original take the variable's.",
    remedy="Keep one of the two.",
    since=Since.LATER,
)
def two_tokens(ctx: AuditContext) -> Hits:
    """A variable and a config that disagree."""
    from openclaw.config.substitute import has_reference

    authored = at(ctx.reading.authored, "gateway", "auth", "token")
    variable = ctx.reading.environment.get("OPENCLAW_GATEWAY_TOKEN")
    if at(ctx.document, "gateway", "mode") == "remote" or ctx.auth.mode != "token" or variable is None:
        return
    literal = isinstance(authored, str) and trim(authored) and not has_reference(authored)
    if literal and not same(SharedSecret(trim(variable)), ctx.auth.token):
        yield Hit("OPENCLAW_GATEWAY_TOKEN and gateway.auth.token differ.", place="gateway.auth.token")


@check(
    "gateway.control_ui.allowed_origins_required",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="No origins are listed for a Control UI that other machines reach",
    when="gateway.bind is not loopback, the Control UI is served, gateway.controlUi.allowedOrigins is absent or empty "
    "and the Host header is not taken instead.",
    attack="Pages under names that are not known cannot be told from hostile ones. This gateway lets none of them in; "
    "other versions do.",
    remedy="List the origins that you open the page under in gateway.controlUi.allowedOrigins.",
    since=Since.LATER,
)
def origins_required(ctx: AuditContext) -> Hits:
    """An exposed page without a list."""
    fallback = _ui(ctx, "dangerouslyAllowHostHeaderOriginFallback") is True
    if ctx.exposed and ctx.serves_ui and not fallback and not listed(_ui(ctx, "allowedOrigins")):
        detail = f'gateway.bind is "{ctx.bind}" and gateway.controlUi.allowedOrigins is empty.'
        yield Hit(detail, place="gateway.controlUi.allowedOrigins")


@check(
    "gateway.control_ui.allowed_origins_wildcard",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="Every origin is listed for the Control UI",
    when="gateway.controlUi.allowedOrigins holds *. Critical when gateway.bind is not loopback.",
    attack="Any web page could open a connection with what the browser has. Here the text is taken literally and "
    "matches nothing.",
    remedy="List full origins, such as https://claw.example.org.",
    since=Since.LATER,
)
def origins_wildcard(ctx: AuditContext) -> Hits:
    """A star in the list of origins."""
    if "*" in entries(_ui(ctx, "allowedOrigins")):
        detail = "gateway.controlUi.allowedOrigins holds *."
        yield Hit(detail, severity=worse_when(ctx.exposed), place="gateway.controlUi.allowedOrigins")


@check(
    "gateway.control_ui.host_header_origin_fallback",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="The Host header decides which page may connect",
    when="gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback is true. Critical when gateway.bind is not "
    "loopback.",
    attack="A page whose name is pointed at the gateway (DNS rebinding) has the same Host and Origin, and gets in.",
    remedy="Set the key to false and list the origins in gateway.controlUi.allowedOrigins.",
    since=Since.LATER,
)
def host_fallback(ctx: AuditContext) -> Hits:
    """Origin by Host."""
    if _ui(ctx, "dangerouslyAllowHostHeaderOriginFallback") is True:
        place = "gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback"
        yield Hit(f"{place} is true.", severity=worse_when(ctx.exposed), place=place)


@check(
    "gateway.real_ip_fallback_enabled",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="X-Real-IP is believed",
    when="gateway.allowRealIpFallback is written as true. Critical when the gateway is exposed, or in trusted-proxy "
    "mode behind a proxy that is not on loopback. Absent, it means true here and is silent: the header only counts "
    "from a listed proxy that sends no X-Forwarded-For.",
    attack="A proxy that passes the header on lets its clients choose their address.",
    remedy="Remove the key, or set it to false when your proxy sends X-Forwarded-For.",
    since=Since.LATER,
)
def real_ip_fallback(ctx: AuditContext) -> Hits:
    """The key was written, so somebody relies on it."""
    if at(ctx.document, "gateway", "allowRealIpFallback") is True:
        proxies = entries(at(ctx.document, "gateway", "trustedProxies"))
        far = ctx.auth.mode == "trusted-proxy" and any(not _is_loopback(text) for text in proxies)
        severity = worse_when(ctx.exposed or far)
        yield Hit("gateway.allowRealIpFallback is true.", severity=severity, place="gateway.allowRealIpFallback")


def _is_loopback(text: str) -> bool:
    return text == "::1" or (text.startswith("127.") and "/" not in text)


@check(
    "gateway.token_placeholder_value",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="The gateway token is a placeholder",
    when="The auth mode is token and the token is written as blank, undefined or null.",
    attack="A script wrote an empty variable: the token is known to everybody.",
    remedy="Set a real one: openclaw doctor --generate-gateway-token.",
    since=Since.LATER,
)
@check(
    "gateway.password_placeholder_value",
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="The gateway password is a placeholder",
    when="The auth mode is password and the password is written as blank, undefined or null.",
    attack="A script wrote an empty variable: the password is known to everybody.",
    remedy="Set a real one: OPENCLAW_GATEWAY_PASSWORD in <state>/.env.",
    since=Since.LATER,
)
@check(
    "gateway.password_too_short",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="The gateway password is short",
    when=f"The auth mode is password and the password has fewer than {MIN_SECRET} characters and is no placeholder.",
    attack="A short password can be guessed; over Funnel the whole internet may try.",
    remedy="Use a long random password.",
    since=Since.LATER,
)
def weak_secrets(ctx: AuditContext) -> Hits:
    """Secrets that are none."""
    auth = ctx.auth
    if auth.mode not in ("token", "password") or not auth.secret.written:
        return
    place = f"gateway.auth.{auth.mode}"
    text = auth.secret.text
    known = bool(text) or not auth.secret.exists
    if known and text.lower() in _NO_SECRETS:
        yield Hit(f'{place} is "{text or "blank"}".', id=f"gateway.{auth.mode}_placeholder_value", place=place)
    elif auth.mode == "password" and 0 < length(text) < MIN_SECRET:
        detail = f"The password has {length(text)} characters; at least {MIN_SECRET} are expected."
        yield Hit(detail, id="gateway.password_too_short", place=place)


@check(
    "gateway.auth_no_rate_limit",
    Severity.WARN,
    topic=Topic.NETWORK,
    title="Wrong logins are hardly slowed down",
    when=f"gateway.auth.rateLimit.maxAttempts is over {_MAX_ATTEMPTS}, or lockoutMs is under {_MIN_LOCKOUT_MS}. "
    "Absent, the gateway limits by itself and this is silent.",
    attack="Secrets can be guessed at speed.",
    remedy="Remove gateway.auth.rateLimit; the defaults are 10 attempts and five minutes.",
    since=Since.LATER,
)
def weak_rate_limit(ctx: AuditContext) -> Hits:
    """A brake that does not hold."""
    block = mapping(at(ctx.document, "gateway", "auth", "rateLimit"))
    attempts, lockout = block.get("maxAttempts", 0), block.get("lockoutMs", _MIN_LOCKOUT_MS)
    if attempts > _MAX_ATTEMPTS or lockout < _MIN_LOCKOUT_MS:
        written = ", ".join(f"{key}={block[key]}" for key in ("maxAttempts", "lockoutMs") if key in block)
        yield Hit(f"gateway.auth.rateLimit: {written}.", place="gateway.auth.rateLimit")


@check(
    "gateway.http.no_auth",
    Severity.WARN,
    Severity.CRITICAL,
    topic=Topic.NETWORK,
    title="HTTP calls have no secret to check",
    when="The secret of the auth mode does not exist. Critical when other machines reach the gateway. This gateway "
    "then refuses every HTTP call.",
    attack="In versions that answer all the same, anybody starts turns with one request.",
    remedy="Set gateway.auth.token: openclaw doctor --generate-gateway-token.",
    since=Since.LATER,
)
def http_without_auth(ctx: AuditContext) -> Hits:
    """Tailscale identities do not count for HTTP."""
    if ctx.auth.mode in ("token", "password") and not ctx.auth.has_secret:
        detail = f"the auth mode is {ctx.auth.mode} and no secret for it is set."
        yield Hit(detail, severity=worse_when(ctx.remote), place="gateway.auth")


@check(
    "gateway.http.session_key_override_enabled",
    Severity.INFO,
    topic=Topic.NETWORK,
    title="HTTP endpoints that name their session are on",
    when="gateway.http.endpoints.chatCompletions or .responses is enabled.",
    attack="Whoever has the token speaks in any session of the agent.",
    remedy="Switch off the endpoint when nothing uses it.",
    since=Since.LATER,
)
def http_endpoints(ctx: AuditContext) -> Hits:
    """The two API doors."""
    endpoints = mapping(at(ctx.document, "gateway", "http", "endpoints"))
    on = [name for name in ("chatCompletions", "responses") if at(endpoints, name, "enabled") is True]
    if on:
        yield Hit(f"enabled: {', '.join(on)}.", place="gateway.http.endpoints")


LATER: Final[tuple[Check, ...]] = (
    dangerous_http_tools,
    two_tokens,
    origins_required,
    origins_wildcard,
    host_fallback,
    real_ip_fallback,
    weak_secrets,
    weak_rate_limit,
    http_without_auth,
    http_endpoints,
)
