"""What a refused `connect` is told: code, message, details and close reason (gateway.md 1.2, 1.6, 2.4).

Clients match on codes and on the start of the messages; the hint in brackets is for people and depends on the client.
No message says more about a secret than whether it was missing or wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.who.device_pairing import Need
from openclaw.policy.who.device_records import Ask, PairedDevice
from openclaw.policy.who.origin import CONTROL_UI, ORIGIN_REFUSED

Detail: TypeAlias = str | bool | int | tuple[str, ...]

POLICY_VIOLATION: Final = 1008
INVALID_REQUEST: Final = "INVALID_REQUEST"
NOT_PAIRED: Final = "NOT_PAIRED"
MAX_CLOSE_REASON: Final = 120


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a refused connect: first the error, then the close.

    Attributes:
        code: wire code of the error.
        message: text of the error.
        details: facts for programs.
        close_code: WebSocket close code.
        retryable: the same connect may work later.
        retry_after_ms: when, if known.
    """

    code: str
    message: str
    details: Mapping[str, Detail] = field(default_factory=lambda: MappingProxyType({}))
    close_code: int = POLICY_VIOLATION
    retryable: bool = False
    retry_after_ms: int | None = None

    @property
    def close_reason(self) -> str:
        """Return the message, cut to the 120 bytes that a close frame may carry."""
        return self.message.encode("utf-8")[:MAX_CLOSE_REASON].decode("utf-8", "ignore")


@dataclass(frozen=True, slots=True)
class DeviceProof(Verdict[Outcome]):
    """The result of checking a device's key and signature (gateway.md 1.5), made by `protocol.device_signature`.

    Attributes:
        message: text of the error when refused.
        code, reason: `details.code` and `details.reason`.
        version: which signed text verified.
    """

    message: str = ""
    code: str = ""
    reason: str = ""
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """Which credentials a connect carried; their texts are compared elsewhere."""

    token: bool = False
    password: bool = False
    device_token: bool = False
    bootstrap: bool = False

    @property
    def any(self) -> bool:
        """Return whether there was one at all."""
        return self.token or self.password or self.device_token or self.bootstrap

    @property
    def kind(self) -> str:
        """Return the name of what was sent, for `details.authProvided`."""
        for present, name in (
            (self.password, "password"),
            (self.token, "token"),
            (self.bootstrap, "bootstrap-token"),
            (self.device_token, "device-token"),
        ):
            if present:
                return name
        return "none"


_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "token_missing": "gateway token missing",
        "token_mismatch": "gateway token mismatch",
        "token_missing_config": "gateway token not configured on the gateway",
        "password_missing": "gateway password missing",
        "password_mismatch": "gateway password mismatch",
        "password_missing_config": "gateway password not configured on the gateway",
        "tailscale_user_missing": "tailscale identity missing",
        "tailscale_proxy_missing": "tailscale proxy headers missing",
        "tailscale_whois_failed": "tailscale identity check failed",
        "tailscale_user_mismatch": "tailscale identity mismatch",
        "device_token_mismatch": "device token mismatch",
        "scope_mismatch": "device token does not cover the requested scopes",
        "bootstrap_token_invalid": "bootstrap token invalid",
        "rate_limited": "too many failed authentication attempts",
    }
)
_CODES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "token_missing": "AUTH_TOKEN_MISSING",
        "token_mismatch": "AUTH_TOKEN_MISMATCH",
        "token_missing_config": "AUTH_TOKEN_NOT_CONFIGURED",
        "password_missing": "AUTH_PASSWORD_MISSING",
        "password_mismatch": "AUTH_PASSWORD_MISMATCH",
        "password_missing_config": "AUTH_PASSWORD_NOT_CONFIGURED",
        "tailscale_user_missing": "AUTH_TAILSCALE_IDENTITY_MISSING",
        "tailscale_proxy_missing": "AUTH_TAILSCALE_PROXY_MISSING",
        "tailscale_whois_failed": "AUTH_TAILSCALE_WHOIS_FAILED",
        "tailscale_user_mismatch": "AUTH_TAILSCALE_IDENTITY_MISMATCH",
        "device_token_mismatch": "AUTH_DEVICE_TOKEN_MISMATCH",
        "scope_mismatch": "AUTH_SCOPE_MISMATCH",
        "bootstrap_token_invalid": "AUTH_BOOTSTRAP_TOKEN_INVALID",
        "rate_limited": "AUTH_RATE_LIMITED",
    }
)
_CREDENTIALS_WRONG: Final = frozenset({"token_mismatch", "password_mismatch", "device_token_mismatch"})


def unauthorized(reason: str, client_id: str, sent: Sent, *, has_device: bool, retry_after_ms: int = 0) -> Refusal:
    """Refuse because no credential opened the connection (2.4 step 7)."""
    can_retry = reason == "token_mismatch" and has_device and sent.token and not sent.device_token
    words = _WORDS.get(reason, "no accepted identity")
    details: dict[str, Detail] = {
        "code": _CODES.get(reason, "AUTH_UNAUTHORIZED"),
        "authReason": reason,
        "authProvided": sent.kind,
        "canRetryWithDeviceToken": can_retry,
        "recommendedNextStep": _next_step(reason, can_retry=can_retry),
    }
    limited = reason == "rate_limited"
    return Refusal(
        INVALID_REQUEST,
        f"unauthorized: {words} ({_hint(reason, client_id)})",
        MappingProxyType(details),
        retryable=limited,
        retry_after_ms=retry_after_ms if limited else None,
    )


def _next_step(reason: str, *, can_retry: bool) -> str:
    if can_retry:
        return "retry_with_device_token"
    if reason == "rate_limited":
        return "wait_then_retry"
    if reason in _CREDENTIALS_WRONG:
        return "update_auth_credentials"
    if reason.startswith(("token_missing", "password_missing")):
        return "update_auth_configuration"
    return "review_auth_configuration"


def _hint(reason: str, client_id: str) -> str:
    secret = "password" if reason.startswith("password") else "token"
    match reason:
        case "rate_limited":
            return "wait, then try again"
        case "token_missing_config" | "password_missing_config":
            return f"set gateway.auth.{secret} on the gateway"
        case "device_token_mismatch":
            return "pair the device again, or give the gateway token"
        case "scope_mismatch":
            return "connect with the gateway token once to request them"
        case _ if reason.startswith("tailscale"):
            return "use Tailscale Serve, or give the gateway token or password"
        case _ if reason.startswith("trusted_proxy"):
            return "come through the proxy that gateway.auth.trustedProxy names"
        case _ if client_id == CONTROL_UI:
            return f"enter the {secret} in the Control UI settings"
        case _ if client_id in ("cli", "openclaw-probe", "openclaw-tui"):
            return f"give --{secret}, or set gateway.remote.{secret} to the gateway's own"
        case _:
            return f"give the gateway's {secret}"


def origin_refused(reason: str) -> Refusal:
    """Refuse a page from elsewhere (2.4 step 1)."""
    details = {"code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": reason}
    return Refusal(INVALID_REQUEST, ORIGIN_REFUSED, MappingProxyType(details))


def control_ui_needs_device() -> Refusal:
    """Refuse a Control UI that has no device key: its page is no secure context (2.4 step 4)."""
    return Refusal(
        INVALID_REQUEST,
        "control ui requires device identity (use HTTPS or localhost secure context)",
        MappingProxyType({"code": "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"}),
    )


def device_required() -> Refusal:
    """Refuse a client that has neither a device nor a secret that makes up for it (2.4 step 4)."""
    return Refusal(NOT_PAIRED, "device identity required", MappingProxyType({"code": "DEVICE_IDENTITY_REQUIRED"}))


def proof_refused(proof: DeviceProof) -> Refusal:
    """Refuse a device whose key or signature fails (1.5)."""
    return Refusal(INVALID_REQUEST, proof.message, MappingProxyType({"code": proof.code, "reason": proof.reason}))


def invalid_role() -> Refusal:
    """Refuse a role that does not exist (1.4)."""
    return Refusal(INVALID_REQUEST, "invalid role", MappingProxyType({"code": "INVALID_ROLE"}))


_REMEDIES: Final[Mapping[Need, str]] = MappingProxyType(
    {
        Need.NOT_PAIRED: "Approve this device: openclaw devices list, then openclaw devices approve.",
        Need.ROLE_UPGRADE: "The device asks for a role that it does not have; approve it if you expect that.",
        Need.SCOPE_UPGRADE: "The device asks for more scopes than it has; approve it if you expect that.",
        Need.COMMANDS_UPGRADE: "The node declares new commands; approve it again if you expect that.",
    }
)


def pairing_required(need: Need, ask: Ask, known: PairedDevice | None, request_id: str | None) -> Refusal:
    """Refuse until an operator approves (2.4 step 8).

    Args:
        need: why an approval is needed.
        ask: what the device wants.
        known: what is approved for it already.
        request_id: the waiting request; None when the list of waiting devices is full.
    """
    details: dict[str, Detail] = {
        "code": "PAIRING_REQUIRED",
        "reason": need.value,
        "remediationHint": _REMEDIES[need],
        "recommendedNextStep": "wait_then_retry",
        "retryable": True,
        "pauseReconnect": True,
        "deviceId": ask.facts.device_id,
        "requestedRole": ask.role,
        "requestedScopes": ask.scopes,
    }
    if request_id is not None:
        details["requestId"] = request_id
    if known is not None:
        details["approvedRoles"] = tuple(role for role in known.roles if not known.revoked(role))
        details["approvedScopes"] = known.scopes
    return Refusal(NOT_PAIRED, "pairing required", MappingProxyType(details))
