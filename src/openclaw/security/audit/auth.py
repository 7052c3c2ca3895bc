"""Which secret opens the gateway, read from plain values and the environment (audit.md 4.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from openclaw.security.audit.values import at, trim
from openclaw.system.environment import Environment

_TOKEN_VARIABLES: Final = ("OPENCLAW_GATEWAY_TOKEN", "CLAWDBOT_GATEWAY_TOKEN")
_PASSWORD_VARIABLES: Final = ("OPENCLAW_GATEWAY_PASSWORD", "CLAWDBOT_GATEWAY_PASSWORD")


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """A token or password.

    Attributes:
        text: its text without outer blanks; "" when there is none or it is not known here.
        exists: whether there is one.
        written: it stands in the config, if only as an empty text, or in the environment.
        chosen: its raw text is not empty, which makes the seed take it for the mode, if only for blanks.
    """

    text: str = field(default="", repr=False)
    exists: bool = False
    written: bool = False
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class GatewayAuth:
    """The effective authentication of the gateway.

    Attributes:
        mode: `token`, `password` or `trusted-proxy`.
        token, password: the shared secrets.
        allow_tailscale: whether identities of Tailscale Serve count.
        tailscale: publishing mode.
    """

    mode: str
    token: SharedSecret
    password: SharedSecret
    allow_tailscale: bool
    tailscale: str

    @property
    def secret(self) -> SharedSecret:
        """Return the secret that the mode asks for."""
        return {"token": self.token, "password": self.password}.get(self.mode, SharedSecret())

    @property
    def has_secret(self) -> bool:
        """Return whether the mode's own secret exists."""
        return self.secret.exists

    @property
    def has_any(self) -> bool:
        """Return whether anything at all has to be shown: the secret, or a Tailscale Serve identity."""
        return self.has_secret or (self.allow_tailscale and self.tailscale == "serve")


def read_auth(document: Mapping[str, Any], environment: Environment) -> GatewayAuth:
    """Return the authentication of a config: what is written wins over the environment, if only as an empty text."""
    block = at(document, "gateway", "auth")
    token = _secret(at(block, "token"), environment, _TOKEN_VARIABLES)
    password = _secret(at(block, "password"), environment, _PASSWORD_VARIABLES)
    tailscale = at(document, "gateway", "tailscale", "mode") or "off"
    mode = at(block, "mode") or ("password" if password.chosen else "token")
    allowed = at(block, "allowTailscale")
    return GatewayAuth(
        mode=mode,
        token=token,
        password=password,
        allow_tailscale=allowed if isinstance(allowed, bool) else tailscale == "serve" and mode != "password",
        tailscale=tailscale,
    )


def _secret(written: Any, environment: Environment, names: tuple[str, ...]) -> SharedSecret:
    if isinstance(written, Mapping):
        text = environment.get(str(written.get("id"))) if written.get("source") == "env" else None
        return SharedSecret(trim(text), exists=True, written=True, chosen=True)
    value = written
    if value is None:
        value = next((environment.values[name] for name in names if name in environment.values), None) or None
    text = trim(value)
    return SharedSecret(text, exists=bool(text), written=value is not None, chosen=bool(value))


def same(left: SharedSecret, right: SharedSecret) -> bool:
    """Tell whether two secrets have the same text."""
    from openclaw.system.secret import same_secret

    return same_secret(left.text, right.text)
