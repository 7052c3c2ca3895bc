"""What the running gateway and the machine say (audit.md 5). Only with `--deep`."""

from __future__ import annotations

from typing import Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Severity, Since, Topic, check


@check(
    "gateway.probe_failed",
    Severity.WARN,
    topic=Topic.OTHER,
    title="The gateway did not answer",
    when="Within five seconds the gateway could not be reached, refused the login, or did not answer health, status, "
    "system-presence and config.get.",
    attack="None. But nothing is known of the gateway that runs.",
    remedy="openclaw gateway status shows whether it runs; openclaw status --all looks deeper.",
    deep=True,
)
def probe_failed(ctx: AuditContext) -> Hits:
    """The live probe's result."""
    probe = ctx.deep.probe if ctx.deep is not None else None
    if probe is not None and not probe.ok:
        yield Hit(f"{probe.url}: {probe.error or 'no answer'}", place=probe.url)


@check(
    "environment.not_ready",
    Severity.WARN,
    topic=Topic.OTHER,
    title="This machine lacks what the config asks for",
    when="A sandbox is switched on and no back end for it works here, or the state directory cannot be written.",
    attack="None: what needs it fails closed. But work stops, and people then loosen settings in a hurry.",
    remedy="Install bubblewrap (or Docker), or give the state directory to your user; openclaw doctor says more.",
    since=Since.OURS,
    deep=True,
)
def machine(ctx: AuditContext) -> Hits:
    """What doctor would say of the machine, as far as security hangs on it."""
    for place, what in ctx.deep.missing if ctx.deep is not None else ():
        yield Hit(what, place=place)


SEED: Final[tuple[Check, ...]] = (probe_failed,)
OURS: Final[tuple[Check, ...]] = (machine,)
