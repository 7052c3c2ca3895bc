"""The audit inside the gateway: cheap checks at the start and after each reload, the whole report on request.

The checks are imported at their first use, on a thread: a gateway must answer before it has looked at itself.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from openclaw.config.live import LiveConfig
from openclaw.policy.snapshot import Policy
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock

if TYPE_CHECKING:
    from openclaw.security.audit.watch import AuditWatch

log = logging.getLogger(__name__)


class GatewayAudit:
    """Implements the gateway's `AuditPort`."""

    def __init__(self, live: LiveConfig[Policy], layout: StateLayout, clock: Clock) -> None:
        self._live = live
        self._layout = layout
        self._clock = clock
        self._watch: AuditWatch | None = None
        self._one_at_a_time = asyncio.Lock()

    async def look(self) -> None:
        """Run the cheap checks and log what is new since the last time."""
        async with self._one_at_a_time:
            lines = await asyncio.to_thread(self._look)
        for line in lines:
            log.warning("%s", line)

    async def report(self) -> dict[str, Any]:
        """Answer `security.audit`."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._report)

    def summary(self) -> dict[str, int] | None:
        """Return the counts of the last cheap look by severity; None before the first one."""
        latest = self._watch.latest if self._watch is not None else None
        return None if latest is None else dict(latest.summary)

    def _look(self) -> list[str]:
        from openclaw.security.audit.watch import AuditWatch, log_lines

        if self._watch is None:
            self._watch = AuditWatch(self._layout, self._clock.now_ms)
        return list(log_lines(self._watch.look(self._live.config, self._live.policy)))

    def _report(self) -> dict[str, Any]:
        from openclaw.security.audit.watch import audit_rpc

        return audit_rpc(self._live.config, self._live.policy, self._layout, now_ms=self._clock.now_ms())
