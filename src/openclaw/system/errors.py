"""The typed errors: one subclass per kind of reaction of the caller, not per cause.

RPC codes, HTTP status and exit codes are mapped from these at the edges, in one table each. A message names the field
or config key and the fix; it never holds a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class OpenClawError(Exception):
    """Root of all errors that are meant for people. Anything else that escapes is a defect.

    Attributes:
        code: stable, kebab-case, for scripts and tests.
        message: one sentence with the fix.
        details: JSON-able facts for programs.
    """

    default_code = "error"

    def __init__(self, message: str, *, code: str | None = None, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.details: Mapping[str, Any] = details or {}

    def __str__(self) -> str:
        return self.message


class InvalidInput(OpenClawError):
    """The caller sent something wrong; the same call will fail again."""

    default_code = "invalid-input"


class ConfigInvalid(InvalidInput):
    """The configuration has faults; `details["issues"]` lists them as {path, message}."""

    default_code = "config-invalid"


class NotFound(InvalidInput):
    """The thing that was named does not exist."""

    default_code = "not-found"


class Conflict(OpenClawError):
    """The thing changed or is held by somebody else; read it again and retry."""

    default_code = "conflict"


class Refused(OpenClawError):
    """Policy says no. The message holds the rule and the config key that would change it."""

    default_code = "refused"


class Unavailable(OpenClawError):
    """A service, device or file system does not answer now; a later try may succeed."""

    default_code = "unavailable"


class StartRefused(OpenClawError):
    """The gateway will not start like this (gateway.md 2.1, 5)."""

    default_code = "start-refused"


class MissingExtra(OpenClawError):
    """A feature needs an optional dependency that is not installed."""

    default_code = "missing-extra"

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional part: pip install 'openclaw[{extra}]'", details={"extra": extra})
