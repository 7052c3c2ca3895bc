"""What a provider's refusal means: one kind and one line for people, never a secret (agent.md 3.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic_ai import exceptions as library

from openclaw.agent.contract import Failure, FailureKind, ModelRef
from openclaw.system.secret import MASK, known_secrets

BROKE_OFF: Final = "The provider's answer broke off before its end. Try again."
_DETAIL_LIMIT: Final = 200

_KINDS: Final[tuple[tuple[type[Exception] | tuple[type[Exception], ...], FailureKind], ...]] = (
    (library.ModelContextWindowExceededError, "overflow"),
    (library.ModelQuotaExceededError, "billing"),
    ((library.ModelRateLimitError, library.ModelUnavailableError), "rate_limit"),
    (library.ModelAuthenticationError, "auth"),
    ((library.ModelTimeoutError, library.ModelRequestTimeout), "timeout"),
    (library.ModelConnectionError, "network"),
    (library.ModelRequestRejectedError, "format"),
)


def classify(error: Exception, ref: ModelRef) -> Failure:
    """Return the failure that an exception of the library stands for."""
    status = error.status_code if isinstance(error, library.ModelHTTPError) else None
    kind = next((kind for types, kind in _KINDS if isinstance(error, types)), None)
    if type(error) is library.ModelAPIError and "finish_reason" in error.message:
        return Failure("network", BROKE_OFF)
    if kind is None:
        kind = "timeout" if status == 408 else "other"
    wait = error.retry_after if isinstance(error, library.ModelAPIError) else None
    detail = _detail(error)
    return Failure(kind, line_for(kind, ref, status=status, detail=detail), status=status, retry_after=wait)


def from_provider(error: Exception) -> bool:
    """Return whether the provider or the way to it failed; anything else is a defect here, whose trace is needed."""
    return isinstance(error, library.ModelAPIError | library.UnexpectedModelBehavior)


def line_for(kind: FailureKind, ref: ModelRef, *, status: int | None = None, detail: str = "") -> str:
    """Return the line that a person reads."""
    code = f" ({status})" if status else ""
    why = f": {detail}" if detail else ""
    match kind:
        case "auth":
            return (
                f"{ref.provider} refused the credential{code}. Check the key of this provider: its auth profile, its "
                f"environment variable or models.providers.{ref.provider}.apiKey."
            )
        case "billing":
            return f"{ref.provider} says that the account has no credit left{code}. Top it up, or choose another model."
        case "rate_limit":
            return f"{ref.provider} is busy or limits the rate{code}{why}. Try again in a moment."
        case "timeout":
            return f"{ref} did not answer in time{code}. Try again, or choose another model."
        case "network":
            where = f" at {ref.base_url}" if ref.base_url else ""
            return f"{ref.provider} cannot be reached{where}{why}."
        case "overflow":
            return f"The conversation is longer than {ref} can read. Start afresh with /new."
        case "format":
            return f"{ref.provider} rejected the request{code}{why}."
        case _:
            return f"{ref.provider} failed{code}{why}."


def _detail(error: Exception) -> str:
    """Return the provider's own words, one short line without any secret that we know."""
    body = error.body if isinstance(error, library.ModelAPIError) else None
    text = _message_in(body)
    if not text and isinstance(error, library.ModelAPIError) and not isinstance(error, library.ModelHTTPError):
        text = error.message
    line = " ".join(text.split())
    for secret in known_secrets():
        line = line.replace(secret, MASK)
    return line[:_DETAIL_LIMIT].rstrip(" .")


def _message_in(body: object) -> str:
    if not isinstance(body, Mapping):
        return ""
    inner = body.get("error")
    found = inner.get("message") if isinstance(inner, Mapping) else body.get("message")
    return found if isinstance(found, str) else ""
