"""What a person, or the flags of a script, decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from openclaw.system.secret import Secret

Mode = Literal["local", "remote"]
BindMode = Literal["loopback", "auto", "lan", "tailnet", "custom"]
AuthKind = Literal["token", "password"]
TailscaleMode = Literal["off", "serve", "funnel"]
SandboxChoice = Literal["all", "non-main", "off"]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """The model and how to log in.

    Attributes:
        provider: normalised provider id.
        model: its model.
        secret: key or token; None where none is needed.
        kind: what the secret is.
        profile: id of the profile that keeps it.
        expires_ms: when the secret ends; None means never.
        base_url, api: address and wire of a provider that is not built in.
    """

    provider: str
    model: str
    secret: Secret | None = None
    kind: Literal["api_key", "token"] = "api_key"
    profile: str = ""
    expires_ms: int | None = None
    base_url: str | None = None
    api: str | None = None

    @property
    def ref(self) -> str:
        """Return `provider/model`."""
        return f"{self.provider}/{self.model}"

    @property
    def profile_id(self) -> str:
        """Return the id of the profile."""
        return self.profile or f"{self.provider}:default"


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """How the gateway listens, and what opens it; None leaves things as they are, or at their default.

    Attributes:
        port, bind, custom_host: where it listens.
        auth: what opens it.
        token, password: the secret; a missing token is made.
        tailscale, reset_on_exit: publishing.
    """

    port: int | None = None
    bind: BindMode | None = None
    custom_host: str | None = None
    auth: AuthKind | None = None
    token: Secret | None = None
    password: Secret | None = None
    tailscale: TailscaleMode | None = None
    reset_on_exit: bool | None = None


@dataclass(frozen=True, slots=True)
class RemoteAnswer:
    """A gateway on another machine."""

    url: str
    token: Secret | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """All decisions; None leaves a part as it is.

    Attributes:
        mode: whether the gateway runs here.
        workspace: of the default agent.
        model: the default model.
        gateway: how it listens.
        telegram: bot token.
        sandbox: which sessions are sandboxed.
        remote: the gateway elsewhere.
        command: which command decides, for the note in the config.
    """

    mode: Mode = "local"
    workspace: Path | None = None
    model: ModelAnswer | None = None
    gateway: GatewayAnswer = field(default_factory=GatewayAnswer)
    telegram: Secret | None = None
    sandbox: SandboxChoice | None = None
    remote: RemoteAnswer | None = None
    command: str = "onboard"
