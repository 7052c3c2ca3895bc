"""Which gateway a command talks to, and with which secret (config.md 4.1, gateway.md 2.7).

Read from the plain values of the config: a command that asks how things are must also work while the config has faults.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from openclaw.cli.context import CliContext
from openclaw.config.paths import get_value
from openclaw.config.plain import Plain, read_plain
from openclaw.protocol.client_target import Target, TargetConfig, resolve_target
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret

if TYPE_CHECKING:
    from openclaw.state.layout import StateLayout

DEFAULT_PORT = 18789


def gateway_target(
    context: CliContext, *, url: str | None = None, token: str | None = None, password: str | None = None
) -> Target:
    """Return the gateway that a command talks to.

    Args:
        context: the frame of the command.
        url: `--url`; it needs one of the others, and nothing that is kept is sent there.
        token: `--token`.
        password: `--password`.

    Raises:
        InvalidInput: the address is none, or a secret that is needed cannot be resolved.
    """
    plain = read_plain(context.layout, context.environment)
    try:
        config = TargetConfig() if url is not None else target_config(plain, context.layout)
        return resolve_target(config, plain.environment, url=url, token=token, password=password)
    except InvalidInput as error:
        if url is not None and not (token or password):
            raise InvalidInput(f"gateway url override requires explicit credentials: {error.message}") from None
        raise


def document_of(plain: Plain) -> dict[str, Any]:
    """Return what can be read of a config, also of one with faults."""
    found = plain.document if plain.document is not None else plain.authored
    return found if isinstance(found, dict) else {}


def gateway_port(document: Mapping[str, Any], environment: Environment, layout: StateLayout) -> tuple[int, str]:
    """Return the port of the local gateway and where it is stated: environment, running process, config, default."""
    variable = environment.integer("OPENCLAW_GATEWAY_PORT")
    if variable is not None and 0 < variable < 65536:
        return variable, "env"
    running = _running_port(layout)
    if running is not None:
        return running, "process"
    stated = _at(document, "gateway.port")
    if isinstance(stated, int) and not isinstance(stated, bool) and 0 < stated < 65536:
        return stated, "config"
    return DEFAULT_PORT, "default"


def _running_port(layout: StateLayout) -> int | None:
    """Return the port that the running gateway was started with, which `--port` may have set."""
    try:
        found = json.loads(layout.gateway_lock.read_bytes())
        os.kill(found["pid"], 0)
        port = found["port"]
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    return port if isinstance(port, int) and 0 < port < 65536 else None


def target_config(plain: Plain, layout: StateLayout) -> TargetConfig:
    """Return what a config says about reaching its gateway, with the one secret that counts resolved."""
    document, environment = document_of(plain), plain.environment
    if _at(document, "gateway.mode") == "remote":
        return TargetConfig(
            remote_mode=True,
            remote_url=_text(document, "gateway.remote.url"),
            remote_token=_secret(document, environment, "gateway.remote.token"),
            remote_password=_secret(document, environment, "gateway.remote.password"),
            remote_fingerprint=_text(document, "gateway.remote.tlsFingerprint"),
        )
    by_password = _mode(document, environment) == "password"
    tls = _at(document, "gateway.tls.enabled") is True
    return TargetConfig(
        port=gateway_port(document, environment, layout)[0],
        host=local_host(document),
        tls=tls,
        token=None if by_password else _secret(document, environment, "gateway.auth.token"),
        password=_secret(document, environment, "gateway.auth.password") if by_password else None,
        fingerprint=_own_fingerprint(document, layout, environment) if tls else None,
    )


def local_host(document: Mapping[str, Any]) -> str:
    """Return the address on which this machine reaches its own gateway."""
    bind = _at(document, "gateway.bind")
    if bind == "custom":
        return _text(document, "gateway.customBindHost") or "127.0.0.1"
    if bind == "tailnet":
        from openclaw.gateway.listen import own_addresses, tailnet_addresses

        return next(iter(tailnet_addresses(own_addresses())), "127.0.0.1")
    return "127.0.0.1"


def _mode(document: Mapping[str, Any], environment: Environment) -> str:
    written = _at(document, "gateway.auth.mode")
    if isinstance(written, str):
        return written
    has_password = _at(document, "gateway.auth.password") or environment.get("OPENCLAW_GATEWAY_PASSWORD")
    return "password" if has_password else "token"


def _secret(document: Mapping[str, Any], environment: Environment, path: str) -> Secret | None:
    value = _at(document, path)
    if isinstance(value, str):
        return Secret(value) if value.strip() else None
    if not isinstance(value, Mapping):
        return None
    from openclaw.config.base import read_ref
    from openclaw.config.secrets import SecretResolver

    try:
        reference = read_ref(value)
    except ValueError as error:
        raise InvalidInput(f"{path}: {error}") from None
    return SecretResolver(environment).resolve(reference, path)


def _own_fingerprint(document: Mapping[str, Any], layout: StateLayout, environment: Environment) -> str | None:
    """Return the digest of the local gateway's certificate, which is then the only one that is accepted."""
    from openclaw.config.read_file import read_regular
    from openclaw.system.certificates import CERTIFICATE_LIMIT, certificate_digest

    stated = _text(document, "gateway.tls.certPath")
    place = environment.expand(stated) if stated else layout.tls_certificate
    try:
        return certificate_digest(read_regular(place, CERTIFICATE_LIMIT, follow=True)[0])
    except (OSError, ValueError):
        raise InvalidInput(f"the gateway's certificate {place} cannot be read; start the gateway once") from None


def _at(document: Mapping[str, Any], path: str) -> Any:
    return get_value(document, tuple(path.split(".")))[1]


def _text(document: Mapping[str, Any], path: str) -> str | None:
    value = _at(document, path)
    return value if isinstance(value, str) and value.strip() else None
