"""What a client says to log in: who it is, its credential, its device's signature (gateway.md 1.4, 1.5)."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from openclaw.protocol.client_target import Target
from openclaw.protocol.device_signature import SignedFields, text_v3
from openclaw.protocol.errors import ErrorCode, RpcError
from openclaw.protocol.frames import ResponseFrame
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.errors import Unavailable
from openclaw.system.secret import Secret

OLDEST: Final = 3
NEWEST: Final = 4


class Signer(Protocol):
    """A device key, such as `openclaw.state.identity.DeviceIdentity`."""

    @property
    def device_id(self) -> str:
        """Return the id."""
        ...

    @property
    def public_key(self) -> str:
        """Return the raw public key, base64url."""
        ...

    def sign(self, text: str) -> str:
        """Return the signature of a text, base64url."""
        ...


class StoredTokenView(Protocol):
    """A device token that was kept."""

    @property
    def token(self) -> Secret:
        """Return the text."""
        ...


class TokenStore(Protocol):
    """Keeps device tokens by role, such as `openclaw.state.identity.DeviceAuth`."""

    def get(self, role: str) -> StoredTokenView | None:
        """Return the token of a role."""
        ...

    def put(self, role: str, token: str, scopes: tuple[str, ...]) -> None:
        """Keep a token."""
        ...

    def delete(self, role: str) -> None:
        """Forget the token of a role."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """What the client says of itself in `connect`.

    Attributes:
        id, mode: `client.id` and `client.mode`, from the closed lists of gateway.md 1.4.
        version: program version.
        scopes: the least that the command needs.
        role: `operator` or `node`.
        display_name, device_family, instance_id: optional facts.
        caps, commands: capabilities, and the commands of a node.
    """

    id: str = "cli"
    mode: str = "cli"
    version: str = "dev"
    scopes: tuple[str, ...] = ()
    role: str = "operator"
    display_name: str | None = None
    device_family: str | None = None
    instance_id: str | None = None
    caps: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientParts:
    """What a client is built from.

    Attributes:
        environment: for the clear-text switch.
        clock: the time.
        own_addresses: addresses of this machine.
        signer: device key; None connects without a device, which only a local client with the shared secret may.
        tokens: where device tokens are kept; needed with a signer to connect without a shared secret.
    """

    environment: Environment
    clock: Clock
    own_addresses: Callable[[], Iterable[str]] = tuple
    signer: Signer | None = None
    tokens: TokenStore | None = None


def connect_params(
    introduction: Introduction,
    parts: ClientParts,
    challenge: Mapping[str, Any],
    auth: Mapping[str, str],
    signed: str,
) -> dict[str, Any]:
    """Return the params of `connect`, signed when there is a device.

    Args:
        introduction: who we say we are.
        parts: holds the key.
        challenge: payload of the gateway's challenge.
        auth: the `auth` object.
        signed: the secret that is part of the signed text.
    """
    client = {
        "id": introduction.id,
        "mode": introduction.mode,
        "version": introduction.version,
        "platform": sys.platform,
        "displayName": introduction.display_name,
        "deviceFamily": introduction.device_family or platform.system(),
        "instanceId": introduction.instance_id,
    }
    params: dict[str, Any] = {
        "minProtocol": OLDEST,
        "maxProtocol": NEWEST,
        "client": {name: value for name, value in client.items() if value},
        "role": introduction.role,
        "scopes": list(introduction.scopes),
    }
    if auth:
        params["auth"] = dict(auth)
    if introduction.caps:
        params["caps"] = list(introduction.caps)
    if introduction.commands:
        params["commands"] = list(introduction.commands)
    if parts.signer is not None:
        params["device"] = _device(parts.signer, introduction, params, signed, challenge)
    return params


def credentials(target: Target, introduction: Introduction, parts: ClientParts) -> tuple[dict[str, str], str]:
    """Return the `auth` object and the text that is signed: a given secret, else the stored device token."""
    if target.token is not None:
        return {"token": target.token.reveal()}, target.token.reveal()
    if target.password is not None:
        return {"password": target.password.reveal()}, ""
    stored = None if parts.signer is None or parts.tokens is None else parts.tokens.get(introduction.role)
    if stored is None:
        return {}, ""
    return {"token": stored.token.reveal()}, stored.token.reveal()


def _device(
    signer: Signer, introduction: Introduction, params: Mapping[str, Any], token: str, challenge: Mapping[str, Any]
) -> dict[str, Any]:
    nonce, moment = challenge.get("nonce"), challenge.get("ts")
    if not isinstance(nonce, str) or not isinstance(moment, int) or moment < 0:
        raise Unavailable("the gateway's challenge has no nonce or time", code="not-a-gateway")
    fields = SignedFields(
        device_id=signer.device_id,
        client_id=introduction.id,
        client_mode=introduction.mode,
        role=introduction.role,
        scopes=introduction.scopes,
        signed_at_ms=moment,
        token=token,
        nonce=nonce,
        platform=params["client"]["platform"],
        device_family=params["client"].get("deviceFamily", ""),
    )
    return {
        "id": signer.device_id,
        "publicKey": signer.public_key,
        "signature": signer.sign(text_v3(fields)),
        "signedAt": moment,
        "nonce": nonce,
    }


def rpc_error(frame: ResponseFrame) -> RpcError:
    """Return the error that a failed response states; an unknown code counts as UNAVAILABLE."""
    error = frame.error or {}
    try:
        code = ErrorCode(str(error.get("code")))
    except ValueError:
        code = ErrorCode.UNAVAILABLE
    details = error.get("details")
    return RpcError(
        code,
        str(error.get("message") or "the gateway refused without saying why"),
        details if isinstance(details, dict) else {},
        retryable=error.get("retryable") if isinstance(error.get("retryable"), bool) else None,
        retry_after_ms=error.get("retryAfterMs") if isinstance(error.get("retryAfterMs"), int) else None,
    )


def login_advice(error: RpcError) -> str:
    """Return what a person should read when a connect was refused."""
    request = error.details.get("requestId")
    if error.details.get("code") == "PAIRING_REQUIRED" and isinstance(request, str):
        return f"{error.message}: approve it on the gateway with: openclaw devices approve {request}"
    return error.message
