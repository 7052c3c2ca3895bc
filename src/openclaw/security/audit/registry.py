"""The audit: every check, in the order of the report (audit.md 3, 9.5). Adding one is one line here."""

from __future__ import annotations

from typing import Final

from openclaw.security.audit import (
    browser,
    channels,
    code,
    execs,
    exposure,
    files,
    gateway,
    gateway_doors,
    gateway_proxy,
    gateway_reach,
    hooks,
    hygiene,
    live,
    models,
    own,
    own_files,
    people,
    plugins,
    sandboxes,
    summary,
    workspaces,
)
from openclaw.security.audit.model import Check

SEED: Final[tuple[Check, ...]] = (
    *summary.SEED,
    *gateway.SEED,
    *browser.SEED,
    *hygiene.LOGGING,
    *hygiene.ELEVATED,
    *hooks.SEED,
    *hygiene.SECRETS,
    *models.SEED,
    *exposure.SEED,
    *files.STATE,
    *files.STORES,
    *plugins.SEED,
    *code.SEED,
    *channels.SEED,
    *live.SEED,
)
"""The seed's checks; what each of them adds for the default report comes right behind."""

LATER: Final[tuple[Check, ...]] = (
    *gateway_doors.LATER,
    *gateway_proxy.LATER,
    *gateway_reach.LATER,
    *browser.LATER,
    *hooks.LATER,
    *plugins.LATER,
    *workspaces.LATER,
    *sandboxes.LATER,
    *execs.LATER,
    *exposure.LATER,
    *people.LATER,
)
"""Checks of later versions of the original."""

OURS: Final[tuple[Check, ...]] = (
    *own_files.OURS,
    *gateway_reach.OURS,
    *browser.OURS,
    *own.OURS,
    *hygiene.OURS,
    *people.OURS,
    *workspaces.OURS,
    *sandboxes.OURS,
    *live.OURS,
)
"""Checks of this system."""

CHECKS: Final[tuple[Check, ...]] = (*SEED, *LATER, *OURS)
