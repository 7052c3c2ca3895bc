"""Asking the running gateway four questions, within a limit, without leaving a trace on the disk (audit.md 5)."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from openclaw.config.base import SecretRef
from openclaw.config.compile.gateway import SecretKind, shared_secret
from openclaw.config.read_file import read_regular
from openclaw.config.secrets import SecretResolver
from openclaw.protocol.client import GatewayClient
from openclaw.protocol.client_login import ClientParts, Introduction
from openclaw.protocol.client_target import Target, TargetConfig, resolve_target
from openclaw.security.audit.browser import gateway_port
from openclaw.security.audit.deep_facts import Probe
from openclaw.security.audit.reading import Reading
from openclaw.security.audit.values import at, trim
from openclaw.state.identity import DeviceAuth, DeviceIdentity, StoredToken, read_identity
from openclaw.state.locks import pid_alive
from openclaw.system.certificates import CERTIFICATE_LIMIT, certificate_digest
from openclaw.system.clock import SystemClock
from openclaw.system.errors import OpenClawError, Refused, Unavailable
from openclaw.system.secret import Secret
from openclaw.version import VERSION

LIMIT_MS: Final = 5000
MIN_MS: Final = 250
_METHODS: Final = ("health", "status", "system-presence", "config.get")
_SCOPES: Final = ("operator.read",)
_POLICY_CLOSE: Final = 1008
_ABNORMAL_CLOSE: Final = 1006
_TAILNET: Final = ipaddress.ip_network("100.64.0.0/10")


class _ReadOnlyTokens:
    """Hands out a stored device token and forgets whatever it is given."""

    def __init__(self, stored: DeviceAuth) -> None:
        self._stored = stored

    def get(self, role: str) -> StoredToken | None:
        """Return the token of a role."""
        return self._stored.get(role)

    def put(self, role: str, token: str, scopes: tuple[str, ...]) -> None:
        """Keep nothing."""

    def delete(self, role: str) -> None:
        """Delete nothing."""


def probe_gateway(reading: Reading, own_addresses: Iterable[str], *, limit_ms: int = LIMIT_MS) -> Probe:
    """Return what the gateway answers; never raises for what it does.

    Args:
        reading: says where the gateway is and which secret it wants.
        own_addresses: addresses of this machine.
        limit_ms: time for everything, at least 250.
    """
    addresses = tuple(own_addresses)
    fallback = f"ws://127.0.0.1:{_port(reading)}"
    try:
        target = _target(reading, addresses)
    except OpenClawError as error:
        return Probe(fallback, ok=False, error=error.message)
    return asyncio.run(_ask(reading, target, addresses, max(limit_ms, MIN_MS) / 1000))


def _target(reading: Reading, addresses: tuple[str, ...]) -> Target:
    resolver = SecretResolver(reading.environment)
    gateway = reading.config.gateway
    remote = gateway.mode == "remote" and bool(trim(gateway.remote.url))

    def resolved(value: Secret | SecretRef | None, path: str) -> Secret | None:
        found = resolver.resolve(value, path)
        return found or None

    if remote:
        settings = TargetConfig(
            remote_mode=True,
            remote_url=trim(gateway.remote.url),
            remote_token=resolved(gateway.remote.token, "gateway.remote.token"),
            remote_password=resolved(gateway.remote.password, "gateway.remote.password"),
            remote_fingerprint=gateway.remote.tls_fingerprint,
        )
    else:
        settings = TargetConfig(
            port=_port(reading),
            host=_local_host(reading, addresses),
            tls=gateway.tls.enabled is True,
            fingerprint=_own_fingerprint(reading),
            token=_local_secret(reading, resolver, "token"),
            password=_local_secret(reading, resolver, "password"),
        )
    return resolve_target(settings, reading.environment)


def _port(reading: Reading) -> int:
    """Return the port of the gateway that runs on this state, which `--port` may have set, else the configured one."""
    try:
        found = json.loads(read_regular(reading.layout.gateway_lock, 64 * 1024)[0])
        if pid_alive(int(found["pid"])) and 0 < int(found["port"]) < 65536:
            return int(found["port"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        pass
    return gateway_port(reading)


def _local_secret(reading: Reading, resolver: SecretResolver, kind: SecretKind) -> Secret | None:
    """Return the mode's own secret, from where the server takes it."""
    if reading.config.gateway.auth.mode not in (None, kind):
        return None
    place = shared_secret(reading.config, reading.environment, kind)
    found = resolver.resolve(place.value, place.path)
    return found or None


def _own_fingerprint(reading: Reading) -> str | None:
    """Return the digest of the gateway's own certificate, which is then the only one that is accepted."""
    tls = reading.config.gateway.tls
    if tls.enabled is not True:
        return None
    path = reading.environment.expand(tls.cert_path) if tls.cert_path else reading.layout.tls_certificate
    try:
        return certificate_digest(read_regular(path, CERTIFICATE_LIMIT, follow=True)[0])
    except (OSError, ValueError):
        return None


def _local_host(reading: Reading, addresses: tuple[str, ...]) -> str:
    bind = at(reading.document, "gateway", "bind")
    if bind == "custom":
        return trim(at(reading.document, "gateway", "customBindHost")) or "127.0.0.1"
    if bind == "tailnet":
        for text in addresses:
            try:
                if ipaddress.ip_address(text) in _TAILNET:
                    return text
            except ValueError:
                continue
    return "127.0.0.1"


def _device(reading: Reading) -> tuple[DeviceIdentity | None, _ReadOnlyTokens | None]:
    """Return this machine's device, only when a gateway has already given it a token."""
    if not (reading.layout.identity / "device-auth.json").exists():
        return None, None
    try:
        identity = read_identity(reading.layout)
    except OpenClawError:
        return None, None
    if identity is None:
        return None, None
    stored = DeviceAuth(reading.layout, SystemClock(), identity.device_id)
    return (identity, _ReadOnlyTokens(stored)) if stored.get("operator") is not None else (None, None)


async def _ask(reading: Reading, target: Target, addresses: tuple[str, ...], seconds: float) -> Probe:
    url = target.url
    signer, tokens = await asyncio.to_thread(_device, reading)
    parts = ClientParts(
        environment=reading.environment,
        clock=SystemClock(),
        own_addresses=lambda: addresses,
        signer=signer,
        tokens=tokens,
    )
    mode = "probe" if signer is not None else "cli"  # without a device only this one keeps its scopes (gateway.md 2.4)
    introduction = Introduction(id="cli", mode=mode, version=VERSION, scopes=_SCOPES)
    try:
        async with asyncio.timeout(seconds):
            try:
                client = await GatewayClient.connect(target, introduction, parts, seconds=seconds)
            except (Refused, Unavailable) as error:
                return _not_connected(url, error)
            async with client:
                return await _questions(client, url, seconds)
    except TimeoutError:
        return Probe(url, ok=False, error="timeout")


async def _questions(client: GatewayClient, url: str, seconds: float) -> Probe:
    try:
        await asyncio.gather(*(client.call(method, {}, seconds=seconds) for method in _METHODS))
    except OpenClawError as error:
        ended = None if client.close_code is None else (client.close_code, client.close_reason)
        return Probe(url, ok=False, error=error.message, close=ended)
    return Probe(url, ok=True)


def _not_connected(url: str, error: Refused | Unavailable) -> Probe:
    if isinstance(error, Refused):
        answered = error.code not in ("insecure-transport", "tls-fingerprint")
        close = (_POLICY_CLOSE, error.message) if answered else None
        return Probe(url, ok=False, error=f"connect failed: {error.message}", close=close)
    if error.code != "gateway-unreachable":
        slow = "did not answer within" in error.message
        return Probe(url, ok=False, error="timeout" if slow else f"connect failed: {error.message}")
    place = urlsplit(url).netloc
    refused = "refused" in error.message or "connect call failed" in error.message
    why = f"connect ECONNREFUSED {place}" if refused else error.message
    return Probe(url, ok=False, error=f"connect failed: {why}", close=(_ABNORMAL_CLOSE, ""))
