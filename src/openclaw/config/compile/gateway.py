"""Compiles `gateway` and the door of `hooks` into the gateway's policy (gateway.md 2.1, config.md 3.1, 3.17).

Secrets do not enter the policy: only whether they exist. Where a secret comes from is decided here once, for the server
and for clients alike: flag, config, environment; the first place that has one is the only one that counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from openclaw.config.base import SecretRef
from openclaw.config.model import Config
from openclaw.config.sections.gateway import Gateway
from openclaw.policy.where.node_commands import NodePolicy
from openclaw.policy.who.client_address import AddressPolicy
from openclaw.policy.who.gateway_policy import (
    DEFAULT_PORT,
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
from openclaw.system.environment import Environment
from openclaw.system.secret import Secret

SecretKind = Literal["token", "password"]

_VARIABLES: Final = {
    "token": "OPENCLAW_GATEWAY_TOKEN",
    "password": "OPENCLAW_GATEWAY_PASSWORD",
}
_PORT_VARIABLE: Final = "OPENCLAW_GATEWAY_PORT"
_MAX_PORT: Final = 65535


@dataclass(frozen=True, slots=True)
class Machine:
    """What this machine is called and reached under.

    Attributes:
        host_name: its host name.
        tailnet_name: its name in the tailnet, if it is in one.
        tailnet_addresses: its own tailnet addresses.
    """

    host_name: str = ""
    tailnet_name: str | None = None
    tailnet_addresses: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GatewayFlags:
    """What the command line says; it wins over config and environment."""

    auth: AuthMode | None = None
    bind: Bind | None = None
    port: int | None = None
    tailscale: TailscaleMode | None = None
    token: Secret | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a shared secret comes from.

    Attributes:
        value: the secret, or a reference that is to be resolved; None when there is none.
        path: what names the place to people: a flag, a config path or a variable.
    """

    value: Secret | SecretRef | None = field(repr=False)
    path: str


_NOWHERE: Final = Machine()
_NO_FLAGS: Final = GatewayFlags()


def shared_secret(
    config: Config, environment: Environment, kind: SecretKind, flags: GatewayFlags = _NO_FLAGS
) -> SecretPlace:
    """Return where the gateway's token or password comes from: flag, config, environment.

    A key that is written counts even when it is blank or leads nowhere: no other place is tried then.
    """
    flag = flags.token if kind == "token" else flags.password
    if flag is not None:
        return SecretPlace(flag or None, f"--{kind}")
    written = config.gateway.auth.token if kind == "token" else config.gateway.auth.password
    if written is not None:
        return SecretPlace(written if _exists(written) else None, f"gateway.auth.{kind}")
    text = environment.get(_VARIABLES[kind])
    return SecretPlace(None if text is None else Secret(text), _VARIABLES[kind])


def auth_mode(config: Config, environment: Environment, flags: GatewayFlags = _NO_FLAGS) -> AuthMode:
    """Return what opens the gateway: as written, else the password where there is one, else the token (2.1)."""
    if flags.auth is not None:
        return flags.auth
    if config.gateway.auth.mode is not None:
        return AuthMode(config.gateway.auth.mode)
    has_password = shared_secret(config, environment, "password", flags).value is not None
    return AuthMode.PASSWORD if has_password else AuthMode.TOKEN


def compile_gateway(
    config: Config, environment: Environment, *, machine: Machine = _NOWHERE, flags: GatewayFlags = _NO_FLAGS
) -> GatewayPolicy:
    """Return the gateway's policy.

    Args:
        config: the config.
        environment: for the secrets and the port that it may hold.
        machine: own names and addresses.
        flags: the command line.
    """
    gateway = config.gateway
    mode = auth_mode(config, environment, flags)
    tailscale = flags.tailscale or TailscaleMode(gateway.tailscale.mode or "off")
    serves = tailscale is TailscaleMode.SERVE and mode is not AuthMode.PASSWORD
    return GatewayPolicy(
        run_mode=gateway.mode,
        port=_port(gateway, environment, flags),
        bind=flags.bind or Bind(gateway.bind or "loopback"),
        custom_host=gateway.custom_bind_host,
        auth_mode=mode,
        has_token=shared_secret(config, environment, "token", flags).value is not None,
        has_password=shared_secret(config, environment, "password", flags).value is not None,
        has_remote_secret=_exists(gateway.remote.token) or _exists(gateway.remote.password),
        allow_tailscale=serves if gateway.auth.allow_tailscale is None else gateway.auth.allow_tailscale,
        tailscale=tailscale,
        tls=gateway.tls.enabled is True,
        address=AddressPolicy(
            trusted_proxies=gateway.trusted_proxies or (),
            allow_real_ip=gateway.allow_real_ip_fallback is not False,
            own_tailnet=machine.tailnet_addresses,
            tailnet_name=machine.tailnet_name,
        ),
        origin=_origin(gateway, machine),
        control_ui=ControlUiPolicy(
            enabled=gateway.control_ui.enabled is not False,
            base_path=_base_path(gateway.control_ui.base_path),
            allow_insecure_auth=gateway.control_ui.allow_insecure_auth is True,
            disable_device_auth=gateway.control_ui.dangerously_disable_device_auth is True,
        ),
        nodes=NodePolicy(
            allow=frozenset(name.strip() for name in gateway.nodes.allow_commands or ()),
            deny=frozenset(name.strip() for name in gateway.nodes.deny_commands or ()),
        ),
        auto_approve_local=gateway.nodes.pairing.auto_approve_local is not False,
        limits=_limits(gateway),
        trusted_proxy=_trusted_proxy(gateway),
        hooks=HooksDoor(
            enabled=config.hooks.enabled is True,
            path=config.hooks.path if config.hooks.path is not None else "/hooks",
            has_token=_exists(config.hooks.token),
        ),
    )


def _exists(value: Secret | SecretRef | None) -> bool:
    """Tell whether a leaf holds a secret: any reference, or text that is not blank."""
    if isinstance(value, Secret):
        return bool(value.reveal().strip())
    return value is not None


def _port(gateway: Gateway, environment: Environment, flags: GatewayFlags) -> int:
    """Return the port: flag, variable, config, default (gateway.md 5); a variable that is no port is ignored."""
    variable = environment.integer(_PORT_VARIABLE)
    if variable is not None and not 0 < variable <= _MAX_PORT:
        variable = None
    return flags.port or variable or gateway.port or DEFAULT_PORT


def _origin(gateway: Gateway, machine: Machine) -> OriginPolicy:
    names = (machine.host_name, machine.tailnet_name or "")
    return OriginPolicy(
        allowed=gateway.control_ui.allowed_origins or (),
        host_header_fallback=gateway.control_ui.dangerously_allow_host_header_origin_fallback is True,
        own_names=frozenset(text for name in names if (text := name.strip().rstrip(".").lower())),
    )


def _limits(gateway: Gateway) -> Limits:
    written, default = gateway.auth.rate_limit, Limits()
    return Limits(
        max_attempts=written.max_attempts or default.max_attempts,
        window_ms=written.window_ms or default.window_ms,
        lockout_ms=written.lockout_ms or default.lockout_ms,
        exempt_loopback=written.exempt_loopback is not False,
    )


def _trusted_proxy(gateway: Gateway) -> TrustedProxyPolicy | None:
    written = gateway.auth.trusted_proxy
    if written is None:
        return None
    return TrustedProxyPolicy(
        user_header=written.user_header,
        required_headers=written.required_headers or (),
        allow_users=written.allow_users or (),
        allow_loopback=written.allow_loopback is True,
    )


def _base_path(text: str | None) -> str:
    """Return a URL prefix with a leading and no trailing slash; empty for the root."""
    bare = (text or "").strip().strip("/")
    return f"/{bare}" if bare else ""
