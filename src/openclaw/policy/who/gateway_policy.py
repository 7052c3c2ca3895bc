"""What the config says about the gateway's door, and when the gateway must not start (gateway.md 2.1, config.md 3.1).

Secrets are not here: only which of them exist. A gateway that cannot tell its callers apart does not start.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from openclaw.policy.verdict import Reason
from openclaw.policy.where.node_commands import NodePolicy
from openclaw.policy.who.client_address import AddressPolicy, is_loopback, parse_address
from openclaw.policy.who.origin import OriginPolicy
from openclaw.policy.who.proxy_identity import TrustedProxyPolicy
from openclaw.policy.who.rate_limit import Limits

DEFAULT_PORT: Final = 18789


class AuthMode(StrEnum):
    """What opens the gateway."""

    TOKEN = "token"  # noqa: S105 - the name of a mode
    PASSWORD = "password"  # noqa: S105 - the name of a mode
    TRUSTED_PROXY = "trusted-proxy"


class Bind(StrEnum):
    """Where the gateway listens."""

    AUTO = "auto"
    LAN = "lan"
    LOOPBACK = "loopback"
    CUSTOM = "custom"
    TAILNET = "tailnet"


class TailscaleMode(StrEnum):
    """Whether Tailscale publishes the gateway."""

    OFF = "off"
    SERVE = "serve"
    FUNNEL = "funnel"


@dataclass(frozen=True, slots=True)
class ControlUiPolicy:
    """The switches of `gateway.controlUi` that widen access, and where the page lies.

    Attributes:
        enabled: the page is served.
        base_path: URL prefix, with a leading and no trailing slash, or empty.
        allow_insecure_auth: the page may log in with the shared secret and no device.
        disable_device_auth: the page's device is ignored altogether.
    """

    enabled: bool = True
    base_path: str = ""
    allow_insecure_auth: bool = False
    disable_device_auth: bool = False


@dataclass(frozen=True, slots=True)
class HooksDoor:
    """What the start checks need to know of `hooks`."""

    enabled: bool = False
    path: str = "/hooks"
    has_token: bool = False


@dataclass(frozen=True, slots=True)
class GatewayPolicy:
    """The compiled `gateway` section.

    Attributes:
        run_mode: `gateway.mode`; only `local` starts a gateway.
        port: port to listen on.
        bind: where to listen.
        custom_host: `gateway.customBindHost`.
        auth_mode: what opens the gateway.
        has_token, has_password: whether that secret exists (flag, config or environment).
        has_remote_secret: `gateway.remote` holds a secret, which protects nothing here; for hints.
        allow_tailscale: Tailscale Serve identities open operator connections.
        tailscale: publishing mode.
        tls: TLS is on.
        address: proxies and own addresses.
        origin: web pages.
        control_ui: the page's switches.
        nodes: node commands.
        auto_approve_local: `gateway.nodes.pairing.autoApproveLocal`.
        limits: throttle of wrong secrets.
        trusted_proxy: identity headers, in that mode.
        hooks: the other door.
    """

    run_mode: str | None = None
    port: int = DEFAULT_PORT
    bind: Bind = Bind.LOOPBACK
    custom_host: str | None = None
    auth_mode: AuthMode = AuthMode.TOKEN
    has_token: bool = False
    has_password: bool = False
    has_remote_secret: bool = False
    allow_tailscale: bool = False
    tailscale: TailscaleMode = TailscaleMode.OFF
    tls: bool = False
    address: AddressPolicy = field(default_factory=AddressPolicy)
    origin: OriginPolicy = field(default_factory=OriginPolicy)
    control_ui: ControlUiPolicy = field(default_factory=ControlUiPolicy)
    nodes: NodePolicy = field(default_factory=NodePolicy)
    auto_approve_local: bool = True
    limits: Limits = field(default_factory=Limits)
    trusted_proxy: TrustedProxyPolicy | None = None
    hooks: HooksDoor = field(default_factory=HooksDoor)

    @property
    def has_shared_secret(self) -> bool:
        """Return whether the mode's own secret exists."""
        return (self.auth_mode is AuthMode.TOKEN and self.has_token) or (
            self.auth_mode is AuthMode.PASSWORD and self.has_password
        )

    @property
    def binds_loopback(self) -> bool:
        """Return whether this bind mode stays on this machine by itself."""
        if self.bind is Bind.CUSTOM:
            return is_loopback(self.custom_host or "")
        return self.bind in (Bind.LOOPBACK, Bind.AUTO)


@dataclass(frozen=True, slots=True)
class StartFacts:
    """What is known at start beside the config.

    Attributes:
        allow_unconfigured: the flag was given.
        addresses: the resolved addresses to listen on, when known.
        tls_problem: why the certificate cannot be used, if so.
        unresolved: config paths of secrets that could not be resolved; no other source is tried.
    """

    allow_unconfigured: bool = False
    addresses: tuple[str, ...] = ()
    tls_problem: str | None = None
    unresolved: tuple[str, ...] = ()


def start_refusals(policy: GatewayPolicy, facts: StartFacts | None = None) -> tuple[Reason, ...]:
    """Return every reason why the gateway must not start; none means that it may (gateway.md 2.1).

    The rule of each names the key that mends it, and the detail is the sentence for people.
    """
    known = facts or StartFacts()
    checks = (_mode, _secrets, _proxy_mode, _exposure, _tailscale, _hooks, _tls)
    return tuple(reason for check in checks for reason in check(policy, known))


def _mode(policy: GatewayPolicy, facts: StartFacts) -> Iterator[Reason]:
    if policy.run_mode != "local" and not facts.allow_unconfigured:
        yield Reason(
            "start.mode",
            "gateway.mode",
            f"gateway.mode is {policy.run_mode or 'unset'}; set it to local, or start with --allow-unconfigured",
        )


def _secrets(policy: GatewayPolicy, facts: StartFacts) -> Iterator[Reason]:
    for path in facts.unresolved:
        yield Reason("start.secret-unresolved", path, f"the secret at {path} cannot be resolved; nothing else is tried")
    hint = "; gateway.remote only serves clients and does not protect this gateway" if policy.has_remote_secret else ""
    if policy.auth_mode is AuthMode.TOKEN and not policy.has_token and not policy.allow_tailscale:
        yield Reason(
            "start.no-token",
            "gateway.auth.token",
            f"auth mode is token but there is none; set gateway.auth.token or OPENCLAW_GATEWAY_TOKEN{hint}",
        )
    if policy.auth_mode is AuthMode.PASSWORD and not policy.has_password:
        yield Reason(
            "start.no-password",
            "gateway.auth.password",
            f"auth mode is password but there is none; set gateway.auth.password or OPENCLAW_GATEWAY_PASSWORD{hint}",
        )


def _proxy_mode(policy: GatewayPolicy, facts: StartFacts) -> Iterator[Reason]:
    del facts
    if policy.auth_mode is not AuthMode.TRUSTED_PROXY:
        return
    if policy.has_token:
        yield Reason(
            "start.proxy-and-token",
            "gateway.auth.token",
            "auth mode is trusted-proxy and a token is set as well; remove the token or change gateway.auth.mode",
        )
    if not policy.address.trusted_proxies:
        yield Reason(
            "start.proxy-without-proxies",
            "gateway.trustedProxies",
            "auth mode is trusted-proxy but gateway.trustedProxies is empty, so nobody could log in",
        )
    if policy.trusted_proxy is None or not policy.trusted_proxy.user_header:
        yield Reason(
            "start.proxy-without-header",
            "gateway.auth.trustedProxy.userHeader",
            "auth mode is trusted-proxy but gateway.auth.trustedProxy.userHeader is not set",
        )


def _exposure(policy: GatewayPolicy, facts: StartFacts) -> Iterator[Reason]:
    if policy.bind is Bind.CUSTOM and (policy.custom_host is None or parse_address(policy.custom_host) is None):
        yield Reason(
            "start.no-custom-host",
            "gateway.customBindHost",
            "gateway.bind is custom; set gateway.customBindHost to an IP address of this machine",
        )
    guarded = policy.has_shared_secret or (
        policy.auth_mode is AuthMode.TRUSTED_PROXY and bool(policy.address.trusted_proxies)
    )
    outside = [address for address in facts.addresses if not is_loopback(address)]
    if not guarded and (not policy.binds_loopback or outside):
        where = f" ({', '.join(outside)})" if outside else ""
        yield Reason(
            "start.exposed",
            "gateway.bind",
            f"gateway.bind is {policy.bind}{where} and no token or password is set; set gateway.auth.token or bind to "
            "loopback",
        )


def _tailscale(policy: GatewayPolicy, facts: StartFacts) -> Iterator[Reason]:
    if policy.tailscale is TailscaleMode.OFF:
        return
    if not policy.binds_loopback or any(not is_loopback(address) for address in facts.addresses):
        yield Reason(
            "start.tailscale-bind",
            "gateway.bind",
            f"gateway.tailscale.mode is {policy.tailscale}, which needs gateway.bind loopback",
        )
    if policy.tailscale is TailscaleMode.FUNNEL and policy.auth_mode is not AuthMode.PASSWORD:
        yield Reason(
            "start.funnel-without-password",
            "gateway.auth.mode",
            "gateway.tailscale.mode is funnel, which needs gateway.auth.mode password",
        )


def _hooks(policy: GatewayPolicy, facts: StartFacts) -> Iterator[Reason]:
    del facts
    if not policy.hooks.enabled:
        return
    if not policy.hooks.has_token:
        yield Reason("start.hooks-no-token", "hooks.token", "hooks.enabled is true but hooks.token is not set")
    if not policy.hooks.path.strip().strip("/"):
        yield Reason("start.hooks-path", "hooks.path", "hooks.path may not be / ; choose a path of its own")


def _tls(policy: GatewayPolicy, facts: StartFacts) -> Iterator[Reason]:
    if policy.tls and facts.tls_problem is not None:
        yield Reason(
            "start.tls", "gateway.tls.certPath", f"gateway.tls is on but the certificate fails: {facts.tls_problem}"
        )
