"""The gateway behind its transport: lets sockets in, serves them to their end, hands HTTP requests to the router."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.gateway.audience import EVENTS
from openclaw.gateway.config_port import DoorConfig
from openclaw.gateway.connections import Connection
from openclaw.gateway.handshake import Entry, FrameSocket, Handshake, refuse
from openclaw.gateway.http.router import Router
from openclaw.gateway.login import Login
from openclaw.gateway.quiet import QuietLog
from openclaw.gateway.rpc.dispatch import Dispatcher
from openclaw.gateway.services import Services
from openclaw.gateway.transport.requests import Request, plain_answer
from openclaw.gateway.transport.server import Accept
from openclaw.gateway.waiting import Waiting, WaitingRoom
from openclaw.policy.verdict import Outcome
from openclaw.policy.where.scopes import Role
from openclaw.policy.who.client_address import admit_request
from openclaw.policy.who.gateway_policy import AuthMode
from openclaw.policy.who.rate_limit import client_key
from openclaw.protocol.connect import MAX_PAYLOAD, HelloOk
from openclaw.protocol.errors import unavailable
from openclaw.protocol.frames import success
from openclaw.protocol.peer import HttpResponse, Peer

log = logging.getLogger(__name__)

YIELD_EVERY: Final = 32
"""Messages of one socket in a row before others get their turn."""
RETRY_AFTER: Final = "5"


@dataclass(frozen=True, slots=True)
class About:
    """What `hello-ok` says of this gateway.

    Attributes:
        version: of the program.
        config_path, state_dir: for admins.
        started_ms: when it started, epoch milliseconds.
    """

    version: str
    config_path: str
    state_dir: str
    started_ms: int


class Door:
    """Implements the transport's `Application`."""

    def __init__(
        self,
        config: DoorConfig,
        login: Login,
        handshake: Handshake,
        dispatcher: Dispatcher,
        router: Router,
        waiting: WaitingRoom,
        services: Services,
        about: About,
    ) -> None:
        self._config = config
        self._login = login
        self._handshake = handshake
        self._dispatcher = dispatcher
        self._router = router
        self._waiting = waiting
        self._services = services
        self._about = about
        self._quiet = QuietLog(log, services.clock)

    async def http(self, request: Request) -> HttpResponse:
        """Answer one HTTP request."""
        return await self._router.answer(request)

    async def websocket(self, request: Request, accept: Accept) -> HttpResponse | None:
        """Serve one WebSocket to its end, or say why it is not opened."""
        policy = self._config.policy()
        guarded = policy.has_shared_secret or policy.auth_mode is AuthMode.TRUSTED_PROXY
        verdict = admit_request(request.address, has_shared_secret=guarded)
        if verdict.outcome is Outcome.DENY:
            self._quiet.line(logging.WARNING, "upgrade refused: %s", verdict.decided_by.detail)
            return plain_answer(403, "Forbidden")
        opened: list[FrameSocket] = []

        def evict() -> None:
            for socket in opened:
                socket.close(1008, "too many connections without a login")

        key = client_key(request.address, has_origin=bool(request.headers.get_all("Origin")))
        waiting = self._waiting.enter(key, evict)
        if waiting is None:
            self._quiet.line(logging.WARNING, "upgrade refused: too many sockets without a login (%s)", key)
            return HttpResponse(429, b"Too Many Requests", headers={"Retry-After": RETRY_AFTER}, close=True)
        return await self._open(request, accept, waiting, opened)

    async def _open(
        self, request: Request, accept: Accept, waiting: Waiting, opened: list[FrameSocket]
    ) -> HttpResponse | None:
        try:
            socket = await accept()
            if socket is None:
                return None
            opened.append(socket)
            entry = await self._handshake.run(request, socket)
        finally:
            self._waiting.leave(waiting)
        if entry is not None:
            await self._serve(entry, socket)
        while await socket.receive() is not None:
            pass  # what a closing client still sends goes nowhere
        return None

    async def _serve(self, entry: Entry, socket: FrameSocket) -> None:
        peer = entry.admission.peer
        if not self._login.still_holds(entry.admission):
            refuse(socket, entry.request_id, unavailable("access changed meanwhile; connect again"))
            return
        services = self._services
        connection = Connection(
            peer=peer,
            sink=socket,
            methods=self._dispatcher.allowed(peer),
            connected_ms=services.clock.now_ms(),
            secret_digest=entry.admission.secret_digest,
        )
        socket.raise_limit(MAX_PAYLOAD)
        self._enter(connection)
        socket.send(success(entry.request_id, self._hello(entry).payload()))
        services.connections.add(connection)
        log.info("connected: %s %s %s via %s", peer.role, peer.client.id, peer.conn_id, peer.auth_method)
        if connection.presence_key is not None:
            services.presence.changed()
        services.health.refresh_soon()
        try:
            await self._listen(connection, socket)
        finally:
            services.connections.remove(connection)
            self._leave(connection)
            log.info("disconnected: %s", peer.conn_id)

    async def _listen(self, connection: Connection, socket: FrameSocket) -> None:
        count = 0
        while (data := await socket.receive()) is not None:
            self._dispatcher.handle(connection, data)
            count += 1
            if count % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def _enter(self, connection: Connection) -> None:
        peer = connection.peer
        if (peer.client.id, peer.client.mode) == ("cli", "cli"):
            return
        connection.presence_key = peer.identity
        self._services.presence.enter(peer.identity, _presence_facts(peer))

    def _leave(self, connection: Connection) -> None:
        key = connection.presence_key
        if key is not None and all(other.presence_key != key for other in self._services.connections):
            self._services.presence.disconnected(key)

    def _hello(self, entry: Entry) -> HelloOk:
        peer, services = entry.admission.peer, self._services
        snapshot: dict[str, Any] = {
            "presence": [],
            "health": {},
            "stateVersion": services.state_version(),
            "uptimeMs": services.clock.now_ms() - self._about.started_ms,
        }
        if peer.role is Role.OPERATOR:
            snapshot["presence"] = services.presence.entries()
            snapshot["health"] = services.health.latest
            snapshot["sessionDefaults"] = services.agent.sessions.defaults()
        return HelloOk(
            protocol=peer.protocol,
            server_version=self._about.version,
            conn_id=peer.conn_id,
            methods=self._dispatcher.names,
            events=("connect.challenge", *(kind.name for kind in EVENTS)),
            snapshot=snapshot,
            role=peer.role,
            scopes=peer.scopes,
            config_path=self._about.config_path,
            state_dir=self._about.state_dir,
            method=peer.auth_method or None,
            issued=entry.admission.issued,
        )


def _presence_facts(peer: Peer) -> Mapping[str, Any]:
    client = peer.client
    facts: dict[str, Any] = {
        "host": client.display_name or client.id,
        "ip": None if peer.local else peer.remote_address,
        "version": client.version,
        "platform": client.platform,
        "deviceFamily": client.device_family,
        "modelIdentifier": client.model_identifier,
        "mode": client.mode,
        "deviceId": peer.device_id,
        "roles": [peer.role.value],
        "scopes": [scope.value for scope in peer.scopes],
        "instanceId": client.instance_id or peer.identity,
    }
    return {name: value for name, value in facts.items() if value not in (None, "")}
