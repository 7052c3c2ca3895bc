"""The gateway's own clockwork: ticks, living presence entries, fresh health (gateway.md 1.3, 3.2)."""

from __future__ import annotations

from typing import Final

from openclaw.gateway.services import Services
from openclaw.protocol.connect import TICK_INTERVAL_MS

HEALTH_EVERY: Final = 2
"""Ticks between two health rounds: once a minute."""


async def tick_forever(services: Services, *, interval_ms: int = TICK_INTERVAL_MS) -> None:
    """Send ticks until cancelled."""
    count = 0
    while True:
        await services.clock.sleep(interval_ms / 1000)
        count += 1
        services.connections.broadcast("tick", {"ts": services.clock.now_ms()})
        for connection in services.connections:
            if connection.presence_key is not None:
                services.presence.touch(connection.presence_key)
        if count % HEALTH_EVERY == 0:
            services.health.refresh_soon()
