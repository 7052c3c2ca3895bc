"""Errors on the wire: the code table and what our typed errors become (gateway.md 1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from openclaw.policy.where.scopes import Scope, ScopeVerdict
from openclaw.policy.who.connect_refusals import Refusal
from openclaw.system.errors import Conflict, InvalidInput, OpenClawError, Refused, Unavailable

FORBIDDEN_SINCE: Final = 4
"""First protocol whose clients know FORBIDDEN."""


class ErrorCode(StrEnum):
    """Every code that the gateway sends."""

    INVALID_REQUEST = "INVALID_REQUEST"
    NOT_PAIRED = "NOT_PAIRED"
    UNAVAILABLE = "UNAVAILABLE"
    NOT_LINKED = "NOT_LINKED"
    AGENT_TIMEOUT = "AGENT_TIMEOUT"
    FORBIDDEN = "FORBIDDEN"
    APPROVAL_NOT_FOUND = "APPROVAL_NOT_FOUND"


class RpcError(OpenClawError):
    """A failed response.

    Attributes:
        rpc_code: code on the wire.
        details: facts for programs; absent on the wire when empty.
        retryable: whether the same call may work later; None leaves it out.
        retry_after_ms: when, in milliseconds.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        details: Mapping[str, Any] | None = None,
        *,
        retryable: bool | None = None,
        retry_after_ms: int | None = None,
    ) -> None:
        super().__init__(message, code=code.value, details=details)
        self.rpc_code = code
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms

    def as_wire(self) -> dict[str, Any]:
        """Return the error object of a response, without absent fields."""
        wire: dict[str, Any] = {"code": self.rpc_code.value, "message": self.message or self.rpc_code.value}
        if self.details:
            wire["details"] = self.details
        if self.retryable is not None:
            wire["retryable"] = self.retryable
        if self.retry_after_ms is not None:
            wire["retryAfterMs"] = self.retry_after_ms
        return wire


def invalid_request(message: str, details: Mapping[str, Any] | None = None) -> RpcError:
    """Return the error for a request that will never work."""
    return RpcError(ErrorCode.INVALID_REQUEST, message, details)


def invalid_params(method: str, why: str) -> RpcError:
    """Return the error for parameters that violate the method's schema; `why` comes from `problems`."""
    return invalid_request(f"invalid {method} params: {why}")


def unknown_method(method: str) -> RpcError:
    """Return the error for a method that does not exist."""
    return invalid_request(f"unknown method: {method}")


def unavailable(
    message: str, details: Mapping[str, Any] | None = None, *, retry_after_ms: int | None = None
) -> RpcError:
    """Return the error for something that does not work now."""
    return RpcError(ErrorCode.UNAVAILABLE, message, details, retryable=True, retry_after_ms=retry_after_ms)


def missing_scope(protocol: int, missing: Scope, required: tuple[Scope, ...] = ()) -> RpcError:
    """Return the error for a scope that a connection lacks, in the form of its protocol (gateway.md 1.2).

    Args:
        protocol: negotiated protocol of the connection.
        missing: the scope.
        required: all scopes that the operation needs; `missing` alone when empty.
    """
    message = f"missing scope: {missing}"
    if protocol < FORBIDDEN_SINCE:
        return invalid_request(message)
    details = {
        "code": "MISSING_SCOPE",
        "missingScope": missing.value,
        "requiredScopes": [scope.value for scope in required or (missing,)],
    }
    return RpcError(ErrorCode.FORBIDDEN, message, details)


def scope_refusal(protocol: int, verdict: ScopeVerdict) -> RpcError:
    """Return the error for a refused `scopes.authorize`."""
    if verdict.missing is not None:
        return missing_scope(protocol, verdict.missing)
    return invalid_request(verdict.message)


def connect_refusal(refusal: Refusal, extra: Mapping[str, Any] | None = None) -> RpcError:
    """Return the error for a refused connect."""
    return RpcError(
        ErrorCode(refusal.code),
        refusal.message,
        {**refusal.details, **(extra or {})},
        retryable=True if refusal.retryable else None,
        retry_after_ms=refusal.retry_after_ms,
    )


_CODES: Final[tuple[tuple[type[OpenClawError], ErrorCode], ...]] = (
    (InvalidInput, ErrorCode.INVALID_REQUEST),
    (Conflict, ErrorCode.INVALID_REQUEST),
    (Refused, ErrorCode.INVALID_REQUEST),
    (Unavailable, ErrorCode.UNAVAILABLE),
)
"""What each kind of error becomes; the first that fits. Any other kind is UNAVAILABLE."""


def to_rpc(error: BaseException) -> RpcError:
    """Return what a handler's error is told to the client.

    A defect is told as such and nothing more: its text may hold anything.
    """
    if isinstance(error, RpcError):
        return error
    if not isinstance(error, OpenClawError):
        return RpcError(ErrorCode.UNAVAILABLE, "internal error; see the gateway log")
    code = next((code for kind, code in _CODES if isinstance(error, kind)), ErrorCode.UNAVAILABLE)
    retryable = True if isinstance(error, Unavailable) else None
    return RpcError(code, error.message, error.details, retryable=retryable)
