"""Which gateway a client talks to, and with which secret (gateway.md 2.1, 2.7). Nothing is opened here.

A secret that was kept for one gateway is never sent to another: an explicit address needs an explicit secret (A2, A21).
"""

from __future__ import annotations

import ipaddress
import logging
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from openclaw.policy.who.client_address import is_loopback, is_loopback_name, parse_address
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, Refused
from openclaw.system.secret import Secret

log = logging.getLogger(__name__)

INSECURE_SWITCH: Final = "OPENCLAW_ALLOW_INSECURE_PRIVATE_WS"
LOCAL: Final = "local gateway"
"""Source of an address that is this machine's own gateway."""
TAILNET: Final = ipaddress.ip_network("100.64.0.0/10")
_PRIVATE_NAMES: Final = re.compile(r"[a-z0-9-]+(\.local|\.ts\.net)?|[a-z0-9.-]+\.(local|ts\.net)")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Target:
    """One gateway.

    Attributes:
        url: `ws://` or `wss://`.
        token, password: shared secret; at most one is needed.
        fingerprint: SHA-256 of its certificate in lower-case hex; then nothing else is checked of it.
        source: where the address came from, for messages.
    """

    url: str
    token: Secret | None = None
    password: Secret | None = None
    fingerprint: str | None = None
    source: str = LOCAL

    @property
    def is_loopback(self) -> bool:
        """Return whether it is on this machine's loopback."""
        return is_loopback_name((urlsplit(self.url).hostname or "").lower())

    @property
    def has_secret(self) -> bool:
        """Return whether a shared secret goes along."""
        return self.token is not None or self.password is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetConfig:
    """What the config says; resolved secrets, no references.

    Attributes:
        remote_mode: `gateway.mode` is `remote`.
        remote_url, remote_token, remote_password, remote_fingerprint: `gateway.remote.*`.
        port: port of the local gateway.
        host: address of the local gateway.
        tls: it speaks TLS.
        token, password: `gateway.auth.*`.
        fingerprint: of the local gateway's own certificate.
    """

    remote_mode: bool = False
    remote_url: str | None = None
    remote_token: Secret | None = None
    remote_password: Secret | None = None
    remote_fingerprint: str | None = None
    port: int = 18789
    host: str = "127.0.0.1"
    tls: bool = False
    token: Secret | None = None
    password: Secret | None = None
    fingerprint: str | None = None


def resolve_target(
    config: TargetConfig,
    environment: Environment,
    *,
    url: str | None = None,
    token: str | None = None,
    password: str | None = None,
) -> Target:
    """Choose the gateway and the secret: flag, config, environment, in that order.

    Args:
        config: what the config says.
        environment: the environment of the process.
        url: `--url`; it needs `--token` or `--password`, and nothing else is used with it.
        token: `--token`.
        password: `--password`.

    Raises:
        InvalidInput: the address is none, or `--url` came without a secret.
    """
    flags = (Secret(token) if token else None, Secret(password) if password else None)
    if url is not None:
        if not any(flags):
            raise InvalidInput("--url needs --token or --password: kept secrets are not sent to another address")
        return _checked(Target(url, *flags, source="--url"))
    if config.remote_mode:
        if not config.remote_url:
            raise InvalidInput("gateway.mode is remote but gateway.remote.url is not set")
        chosen = flags if any(flags) else (config.remote_token, config.remote_password)
        return _checked(Target(config.remote_url, *chosen, config.remote_fingerprint, source="gateway.remote.url"))
    host = f"[{config.host}]" if ":" in config.host else config.host
    local = f"{'wss' if config.tls else 'ws'}://{host}:{config.port}"
    chosen = flags if any(flags) else _local_secrets(config, environment)
    return _checked(Target(local, *chosen, config.fingerprint if config.tls else None))


def _local_secrets(config: TargetConfig, environment: Environment) -> tuple[Secret | None, Secret | None]:
    if config.token is not None or config.password is not None:
        return config.token, config.password
    token = environment.get("OPENCLAW_GATEWAY_TOKEN")
    password = environment.get("OPENCLAW_GATEWAY_PASSWORD")
    return (Secret(token) if token else None), (Secret(password) if password else None)


def _no_address(target: Target) -> InvalidInput:
    return InvalidInput(f"{target.source}: not a ws:// or wss:// address")


def _checked(target: Target) -> Target:
    """Return the target with a readable address and pin."""
    try:
        parts = urlsplit(target.url)
        sound = parts.scheme in ("ws", "wss") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        raise _no_address(target) from None
    if not sound:
        raise _no_address(target)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidInput(f"{target.source}: the address must not hold credentials, a query or a fragment")
    if target.fingerprint is None:
        return target
    digest = re.sub(r"[^0-9a-f]", "", target.fingerprint.strip().lower().removeprefix("sha256:"))
    if not _DIGEST.fullmatch(digest):
        raise InvalidInput(f"{target.source}: the TLS fingerprint must be a SHA-256 digest (64 hex digits)")
    if parts.scheme != "wss":
        raise InvalidInput(f"{target.source}: a TLS fingerprint needs a wss:// address")
    return Target(target.url, target.token, target.password, digest, target.source)


def check_transport(target: Target, environment: Environment, own_addresses: Callable[[], Iterable[str]]) -> None:
    """Refuse to send anything in clear text to another machine, before connecting (advisory A21).

    Raises:
        Refused: `ws://` to a host that is neither loopback nor an address of this machine; it names the switch.
    """
    parts = urlsplit(target.url)
    host = (parts.hostname or "").lower()
    if parts.scheme == "wss" or is_loopback_name(host):
        return
    address = parse_address(host)
    if address is not None and str(address) in {str(parse_address(own)) for own in own_addresses()}:
        return
    if environment.truthy(INSECURE_SWITCH) and _is_private(host):
        log.warning("secrets go to %s in clear text because %s is set", host, INSECURE_SWITCH)
        return
    raise Refused(
        f"{target.source}: refusing ws:// to {host}: secrets would travel in clear text. Use wss:// or a tunnel; "
        f"inside a private network {INSECURE_SWITCH}=1 allows it.",
        code="insecure-transport",
    )


def _is_private(host: str) -> bool:
    address = parse_address(host)
    if address is None:
        return _PRIVATE_NAMES.fullmatch(host) is not None
    if is_loopback(host) or address.is_unspecified or address.is_multicast:
        return False
    return address.is_private or (address.version == 4 and address in TAILNET)
