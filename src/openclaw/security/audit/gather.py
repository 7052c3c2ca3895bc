"""Gathers everything that the checks look at, once. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from openclaw.security.audit.context import AuditContext, Workspaces
from openclaw.security.audit.disk import look_at_disk
from openclaw.security.audit.look import Looker
from openclaw.security.audit.reading import Reading, read
from openclaw.security.audit.skill_folders import look_at_workspaces
from openclaw.security.audit.stores import read_stores
from openclaw.security.audit.values import at
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment

if TYPE_CHECKING:
    from openclaw.policy.snapshot import Policy


def gather(layout: StateLayout, environment: Environment, *, deep: bool = False, limit_ms: int = 5000) -> AuditContext:
    """Return the context of a full audit.

    Args:
        layout: where config and state are.
        environment: the process environment.
        deep: whether to read code, ask the running gateway and look at the machine.
        limit_ms: time for the gateway's answers.

    Raises:
        ConfigInvalid: the config has faults.
    """
    looker = Looker()
    return gather_for(read(layout, environment, looker), looker, deep=deep, limit_ms=limit_ms)


def gather_for(
    reading: Reading,
    looker: Looker,
    *,
    deep: bool = False,
    cheap: bool = False,
    policy: Policy | None = None,
    limit_ms: int = 5000,
) -> AuditContext:
    """Return the context for a config that is read already.

    Args:
        reading: the config.
        looker: looks at names, and keeps what went wrong.
        deep: as for `gather`.
        cheap: leave out what grows with use: transcripts and skill folders.
        policy: the compiled policy, where there is one.
        limit_ms: as for `gather`.
    """
    disk = look_at_disk(reading, looker, transcripts=not cheap)
    stores = read_stores(reading, tuple(seen.path for seen in disk.plugins), looker)
    addresses: frozenset[str] = frozenset()
    found = None
    if deep or at(reading.document, "gateway", "remote", "url"):
        from openclaw.security.audit.machine import machine_addresses

        addresses = machine_addresses()
    if deep:
        from openclaw.security.audit.deep import look_deep

        found = look_deep(reading, disk, looker, addresses, limit_ms=limit_ms)
    return AuditContext(
        reading=reading,
        disk=disk,
        stores=stores,
        workspaces=Workspaces() if cheap else look_at_workspaces(reading, looker),
        deep=found,
        own_addresses=addresses,
        troubles=tuple(sorted(looker.troubles.items())),
        given_policy=policy,
    )
