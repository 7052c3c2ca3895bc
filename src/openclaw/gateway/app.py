"""Builds the gateway's part of the graph: everything between the ports of the other rooms and the sockets."""

from __future__ import annotations

import asyncio
import logging
import platform
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openclaw.gateway.approval_events import ApprovalEvents
from openclaw.gateway.chat_events import ChatEvents
from openclaw.gateway.config_port import DoorConfig, secret_digest
from openclaw.gateway.connections import Connections
from openclaw.gateway.door import About, Door
from openclaw.gateway.handshake import Handshake
from openclaw.gateway.health import Health
from openclaw.gateway.heartbeat import Heartbeats
from openclaw.gateway.http.control_ui import ControlUi
from openclaw.gateway.http.probes import Probes
from openclaw.gateway.http.router import Bearer, Route, Router
from openclaw.gateway.idempotency import Remembered
from openclaw.gateway.login import Login
from openclaw.gateway.login_facts import FactFinder, Whois
from openclaw.gateway.presence import Presence
from openclaw.gateway.rpc.contract import Method
from openclaw.gateway.rpc.dispatch import Dispatcher
from openclaw.gateway.rpc.methods import METHODS
from openclaw.gateway.rpc.ports import AgentPort, AuditPort, ChannelsPort, ChatIngress, ConfigPort, ExecApprovalsPort
from openclaw.gateway.services import Services
from openclaw.gateway.throttle import Throttle
from openclaw.gateway.ticker import tick_forever
from openclaw.gateway.transport.server import Transport
from openclaw.gateway.waiting import WaitingRoom
from openclaw.policy.where.routing import RoutingPolicy
from openclaw.protocol.connect import TICK_INTERVAL_MS
from openclaw.state.devices import DeviceStore
from openclaw.state.layout import StateLayout
from openclaw.state.ledger_port import LedgerPort
from openclaw.system.clock import Clock
from openclaw.system.tasks import Supervisor
from openclaw.tools.approvals import Approvals
from openclaw.tools.contract import SystemEvents

log = logging.getLogger(__name__)

HANDSHAKE_SECONDS: Final = 10.0
RESTART_EXPECTED_MS: Final = 1500
SERVICE_RESTART: Final = 1012
GOODBYE_SECONDS: Final = 3.0
Verbosity = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayParts:
    """What the gateway is built from.

    Attributes:
        config: the live config, as the door asks it.
        routing: agents and session keys as the config has them now.
        layout: the state directory.
        clock: the time.
        version: of the program.
        agent, chat, channels, approvals, exec_approvals, config_methods, events, audit, ledger: ports of other rooms.
        log_file: where the log is written now.
        redact: masks secrets in a text.
        heartbeat_facts: heartbeat settings per agent.
        verbosity: verbose level of a session: `off`, `on` or `full`.
        routes: HTTP endpoints of other rooms, asked before the page.
        methods: the RPC methods.
        failing: names what is not ready, for `/ready`.
        whois: asks Tailscale whose an address is.
        ui_root: folder of the page instead of the bundled one.
        handshake_seconds: time for a connect.
        tick_interval_ms: time between ticks.
    """

    config: DoorConfig
    routing: Callable[[], RoutingPolicy]
    layout: StateLayout
    clock: Clock
    version: str
    agent: AgentPort
    chat: ChatIngress
    channels: ChannelsPort
    approvals: Approvals
    exec_approvals: ExecApprovalsPort
    config_methods: ConfigPort
    events: SystemEvents
    audit: AuditPort
    ledger: LedgerPort
    log_file: Callable[[], Path | None]
    redact: Callable[[str], str]
    heartbeat_facts: Callable[[], Sequence[Mapping[str, Any]]] = tuple
    verbosity: Verbosity = lambda _key: "off"
    routes: tuple[Route, ...] = ()
    methods: tuple[Method, ...] = METHODS
    failing: Callable[[], Sequence[str]] = tuple
    whois: Whois | None = None
    ui_root: Path | None = None
    handshake_seconds: float = HANDSHAKE_SECONDS
    tick_interval_ms: int = TICK_INTERVAL_MS


class GatewayApp:
    """The built gateway: listens, hears of config changes, says goodbye.

    Attributes:
        services: what the methods work with.
        heartbeats: where whoever runs heartbeats reports them.
        router: the HTTP endpoints.
    """

    def __init__(
        self,
        parts: GatewayParts,
        services: Services,
        heartbeats: Heartbeats,
        dispatcher: Dispatcher,
        door: Door,
        router: Router,
    ) -> None:
        self.services = services
        self.heartbeats = heartbeats
        self.router = router
        self._parts = parts
        self._dispatcher = dispatcher
        self._transport = Transport(door, lambda: parts.config.policy().address)
        self._tasks = Supervisor("gateway")

    async def listen(self, sockets: Sequence[socket.socket], tls: ssl.SSLContext | None = None) -> None:
        """Serve on bound sockets."""
        await self._transport.listen(sockets, tls)
        self._tasks.start(tick_forever(self.services, interval_ms=self._parts.tick_interval_ms), name="ticks")

    def secret_changed(self) -> int:
        """Cut off everybody who logged in with a shared secret that is not the current one; return how many.

        Call it after every config change (advisories A19, A20).
        """
        current = secret_digest(self._parts.config.secret())
        return self.services.connections.close_where(
            lambda connection: connection.secret_digest not in (None, current), "gateway secret changed"
        )

    async def close(self, *, restarting: bool) -> None:
        """Say goodbye to every client and stop."""
        self._transport.stop_listening()
        services = self.services
        services.connections.broadcast(
            "shutdown",
            {
                "reason": "gateway restarting" if restarting else "gateway stopping",
                "restartExpectedMs": RESTART_EXPECTED_MS if restarting else None,
            },
        )
        services.connections.close_where(lambda _: True, "service restart", SERVICE_RESTART)
        await self._tasks.close()
        await self._dispatcher.close()
        await services.health.close()
        services.chat_events.close()
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await self._transport.close()
        except TimeoutError:
            log.warning("some connections did not end in time")


def build_app(parts: GatewayParts) -> GatewayApp:
    """Join the ports to the gateway's own parts."""
    connections = Connections()
    clock = parts.clock
    heartbeats = Heartbeats(connections, parts.heartbeat_facts)
    services = Services(
        agent=parts.agent,
        chat=parts.chat,
        channels=parts.channels,
        config=parts.config_methods,
        exec_approvals=parts.exec_approvals,
        heartbeat=heartbeats,
        events=parts.events,
        audit=parts.audit,
        approvals=parts.approvals,
        devices=DeviceStore(parts.layout, clock),
        connections=connections,
        presence=_presence(parts),
        health=Health(parts.agent, parts.channels, heartbeats, clock),
        chat_events=ChatEvents(connections, clock, parts.verbosity),
        remembered=Remembered(clock),
        ledger=parts.ledger,
        routing=parts.routing,
        log_file=parts.log_file,
        redact=parts.redact,
        clock=clock,
    )
    _join_events(parts, services)
    dispatcher = Dispatcher(parts.methods, services)
    throttle = Throttle(clock, lambda: parts.config.policy().limits)
    finder = FactFinder(services.devices, throttle, clock, parts.whois)
    login = Login(parts.config, services.devices, throttle, clock, finder, connections.broadcast)
    about = About(parts.version, str(parts.layout.config), str(parts.layout.root), clock.now_ms())
    router = _router(parts, throttle, about)
    handshake = Handshake(login, parts.config, clock, parts.handshake_seconds)
    door = Door(parts.config, login, handshake, dispatcher, router, WaitingRoom(clock), services, about)
    return GatewayApp(parts, services, heartbeats, dispatcher, door, router)


def _router(parts: GatewayParts, throttle: Throttle, about: About) -> Router:
    bearer = Bearer(parts.config, throttle)
    probes = Probes(parts.failing, bearer, parts.clock, about.started_ms)
    page = ControlUi(lambda: parts.config.policy().control_ui, parts.ui_root)
    return Router((*probes.routes(), *parts.routes), page.answer, parts.config, bearer)


def _presence(parts: GatewayParts) -> Presence:
    host = socket.gethostname()
    return Presence(parts.clock, host=host, ip="127.0.0.1", version=parts.version, platform=platform.system().lower())


def _join_events(parts: GatewayParts, services: Services) -> None:
    connections, presence, health = services.connections, services.presence, services.health

    def tell_presence() -> None:
        payload = {"presence": presence.entries()}
        connections.broadcast("presence", payload, state_version=services.state_version())

    def tell_health() -> None:
        connections.broadcast("health", health.latest, state_version=services.state_version())

    presence.on_change(tell_presence)
    health.on_change(tell_health)
    parts.agent.subscribe(services.chat_events)
    parts.approvals.observe(ApprovalEvents(connections))
