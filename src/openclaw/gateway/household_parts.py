"""What the objects of a gateway process are built from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openclaw.config.compile.gateway import GatewayFlags
from openclaw.config.live import LiveConfig
from openclaw.policy.snapshot import Policy
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.logs import LogSystem
from openclaw.system.redaction import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdParts:
    """What the household is built from.

    Attributes:
        live: the live config with its policy.
        layout: the state directory.
        environment: the process environment.
        clock: time.
        flags: the gateway's command line.
        logs: the running log writer; None while there is none.
        redactor: masks secrets in texts.
        command: how people call this program, with the profile (`openclaw --profile x`).
        restart: asks the process to restart after a number of seconds; returns whether it will.
        restart_scheduled: tells once whether the restart signal that came was asked for through `restart`.
    """

    live: LiveConfig[Policy]
    layout: StateLayout
    environment: Environment
    clock: Clock
    flags: GatewayFlags
    logs: LogSystem | None
    redactor: Redactor
    command: str
    restart: Callable[[float], bool]
    restart_scheduled: Callable[[], bool]
