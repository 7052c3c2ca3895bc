"""Keeping hands off a state directory that a gateway uses."""

from __future__ import annotations

from openclaw.state.gateway_lock import gateway_owner
from openclaw.state.layout import StateLayout
from openclaw.system.errors import Refused


def refuse_running(layout: StateLayout) -> None:
    """Refuse to move or remove files under a gateway.

    Raises:
        Refused: one runs on this state directory.
    """
    owner = gateway_owner(layout)
    if owner is not None:
        raise Refused(
            f"the gateway runs (pid {owner.pid}); stop it first with: openclaw gateway stop", code="gateway-running"
        )
