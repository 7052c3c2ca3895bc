"""All checks, in the order of the report."""

from __future__ import annotations

from typing import Final

from openclaw.security.doctor.checks import auth, config, exposure, extras, host, legacy, running, state
from openclaw.security.doctor.model import Check

CHECKS: Final[tuple[Check, ...]] = (
    *legacy.CHECKS,
    *state.CHECKS,
    *config.CHECKS,
    *auth.CHECKS,
    *running.CHECKS,
    *exposure.CHECKS,
    *host.CHECKS,
    *extras.CHECKS,
    *config.LAST,
)
