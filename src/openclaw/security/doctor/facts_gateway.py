"""Facts about the gateway process: who holds the state directory, who listens, whether it answers and how channels are.

The gateway's secret goes only to the process that holds the lock of our own state directory and listens on the port
itself: never to whoever sits there (advisory A22).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.config.compile.gateway import auth_mode, shared_secret
from openclaw.config.model import Config
from openclaw.config.read_file import read_regular
from openclaw.config.secrets import SecretResolver
from openclaw.policy.snapshot import Policy
from openclaw.policy.who.gateway_policy import AuthMode
from openclaw.protocol.client_target import Target
from openclaw.security.doctor.context import GatewayFacts
from openclaw.state.gateway_lock import gateway_owner
from openclaw.state.layout import StateLayout
from openclaw.system.certificates import CERTIFICATE_LIMIT, certificate_digest
from openclaw.system.clock import SystemClock
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError
from openclaw.system.secret import Secret

QUICK_SECONDS: Final = 3.0
PATIENT_SECONDS: Final = 10.0
DEFAULT_PORT: Final = 18789


@dataclass(frozen=True, slots=True)
class Listener:
    """A process that listens on a port, and an address on which it is reached from here."""

    pid: int
    name: str
    host: str = "127.0.0.1"


def gateway_facts(
    layout: StateLayout, environment: Environment, config: Config | None, policy: Policy | None, *, quick: bool
) -> GatewayFacts:
    """Return what can be told of the gateway of a state directory.

    Args:
        layout: the state directory.
        environment: the environment.
        config: the config; while it is invalid nobody is asked.
        policy: the same, compiled.
        quick: wait 3 seconds for an answer, not 10.
    """
    port = policy.gateway.port if policy is not None else DEFAULT_PORT
    owner = gateway_owner(layout)
    port = owner.port or port if owner is not None else port
    listener = listener_on(port)
    facts = GatewayFacts(
        owner=owner,
        port=port,
        listener=f"{listener.name}, pid {listener.pid}" if listener else None,
        listener_pid=listener.pid if listener else None,
    )
    if owner is None or config is None or policy is None:
        return facts
    if listener is None or listener.pid != owner.pid:
        why = "it does not listen there" if listener is None else f"{facts.listener} listens there instead"
        return GatewayFacts(owner, port, facts.listener, facts.listener_pid, answers=False, error=why)
    scheme = "wss" if policy.gateway.tls else "ws"
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    digest = own_certificate(config, layout) if policy.gateway.tls else None
    answer, error = _ask(
        config, environment, f"{scheme}://{host}:{port}", digest, QUICK_SECONDS if quick else PATIENT_SECONDS
    )
    channels = tuple(_troubled(answer)) if answer is not None else ()
    return GatewayFacts(owner, port, facts.listener, facts.listener_pid, error is None, error, channels)


def listener_on(port: int) -> Listener | None:
    """Return who listens on a TCP port of this machine, or None when nobody does or it cannot be told."""
    import psutil

    try:
        rows = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return None
    for row in rows:
        if row.status == psutil.CONN_LISTEN and getattr(row.laddr, "port", None) == port and row.pid is not None:
            host = _reached(str(getattr(row.laddr, "ip", "")))
            try:
                return Listener(row.pid, psutil.Process(row.pid).name(), host)
            except psutil.Error:
                return Listener(row.pid, "a process", host)
    return None


def _reached(address: str) -> str:
    """Return the address on which this machine reaches what listens on an address."""
    wildcard = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not bound
    return wildcard.get(address, address)


def own_certificate(config: Config, layout: StateLayout) -> str | None:
    """Return the digest of the gateway's own certificate, which is then the only one that is accepted."""
    stated = config.gateway.tls.cert_path
    place = config.environment.expand(stated) if stated else layout.tls_certificate
    try:
        return certificate_digest(read_regular(place, CERTIFICATE_LIMIT, follow=True)[0])
    except (OSError, ValueError):
        return None


def _ask(
    config: Config, environment: Environment, url: str, digest: str | None, seconds: float
) -> tuple[Mapping[str, Any] | None, str | None]:
    """Return the gateway's health, or why there is none."""
    try:
        mode, value = _secret(config)
        target = Target(
            url,
            token=value if mode is AuthMode.TOKEN else None,
            password=value if mode is AuthMode.PASSWORD else None,
            fingerprint=digest,
        )
        return asyncio.run(_health(target, environment, seconds)), None
    except OpenClawError as error:
        return None, error.message
    except TimeoutError:
        return None, f"it did not answer within {seconds:g} seconds"


def _secret(config: Config) -> tuple[AuthMode, Secret | None]:
    mode = auth_mode(config, config.environment)
    place = shared_secret(config, config.environment, "password" if mode is AuthMode.PASSWORD else "token")
    return mode, SecretResolver(config.environment).resolve(place.value, place.path)


async def _health(target: Target, environment: Environment, seconds: float) -> Mapping[str, Any]:
    from openclaw.protocol.client import GatewayClient
    from openclaw.protocol.client_login import ClientParts, Introduction

    introduction = Introduction(id="cli", mode="cli", scopes=("operator.read",))
    parts = ClientParts(environment=environment, clock=SystemClock())
    async with asyncio.timeout(seconds):
        async with await GatewayClient.connect(target, introduction, parts, seconds=seconds) as client:
            answer = await client.call("health", {}, seconds=seconds)
    return answer if isinstance(answer, Mapping) else {}


def _troubled(health: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Return the channel accounts that report an error."""
    channels = health.get("channels")
    found = []
    for name, entry in channels.items() if isinstance(channels, Mapping) else ():
        accounts = entry.get("accounts") if isinstance(entry, Mapping) else None
        rows = accounts.items() if isinstance(accounts, Mapping) else [("default", entry)]
        for account, row in rows:
            error = row.get("lastError") if isinstance(row, Mapping) else None
            if isinstance(error, str) and error:
                found.append((str(name), str(account), error))
    return found
