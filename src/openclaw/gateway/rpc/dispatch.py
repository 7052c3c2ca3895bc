"""The one way from a request frame to its answer: look up, scope, params, deadline, errors."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Iterable
from typing import Any, Final

from openclaw.gateway.connections import Connection
from openclaw.gateway.quiet import QuietLog
from openclaw.gateway.rpc.contract import Call, CallFailed, Method
from openclaw.gateway.services import Services
from openclaw.policy.verdict import Outcome
from openclaw.policy.where.scopes import authorize
from openclaw.protocol.codec import UNSET
from openclaw.protocol.connect import not_first
from openclaw.protocol.errors import RpcError, scope_refusal, to_rpc, unavailable, unknown_method
from openclaw.protocol.frames import BadFrame, RequestFrame, failure, read_request, success
from openclaw.protocol.peer import Peer
from openclaw.system.errors import OpenClawError
from openclaw.system.tasks import Supervisor

log = logging.getLogger(__name__)

MAX_IN_FLIGHT: Final = 256
CONNECT: Final = "connect"


class Dispatcher:
    """All methods.

    Args:
        methods: what exists.
        services: what they work with.
    """

    def __init__(self, methods: Iterable[Method], services: Services) -> None:
        self._methods = {method.name: method for method in methods}
        self._services = services
        self._tasks = Supervisor("rpc")
        self._quiet = QuietLog(log, services.clock)
        self._allowed: dict[tuple[str, tuple[str, ...]], frozenset[str]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all methods, in order."""
        return tuple(self._methods)

    def allowed(self, peer: Peer) -> frozenset[str]:
        """Return the methods that a connection may call; asked once, at connect."""
        key = (peer.role.value, tuple(sorted(peer.scopes)))
        found = self._allowed.get(key)
        if found is None:
            found = frozenset(name for name in self._methods if authorize(name, *key).outcome is Outcome.ALLOW)
            self._allowed[key] = found
        return found

    def handle(self, connection: Connection, data: bytes) -> None:
        """Take one message of a client; its answers come when they are ready."""
        frame = read_request(data)
        if isinstance(frame, BadFrame):
            if frame.is_json:
                connection.send(failure(frame.id, frame.as_error()))
            else:
                conn_id = connection.peer.conn_id
                self._quiet.line(logging.WARNING, "connection %s sent text that is not JSON", conn_id)
            return
        try:
            method = self._method(connection, frame)
            params = method.read(frame, connection.peer.protocol)
            call = Call(self._services, connection, method.name, frame.id)
            result = method.run(call, params)
            if inspect.isawaitable(result):
                self._start(call, method, result)
            else:
                connection.send(success(frame.id, result))
        except Exception as error:  # noqa: BLE001 - the boundary of every method; _fail logs it
            _fail(connection, frame.id, frame.method, error)

    async def close(self) -> None:
        """Cancel what still runs."""
        await self._tasks.close()

    def _method(self, connection: Connection, frame: RequestFrame) -> Method:
        if frame.method in connection.methods:
            return self._methods[frame.method]
        if frame.method == CONNECT:
            raise not_first()
        peer = connection.peer
        verdict = authorize(frame.method, peer.role.value, peer.scopes)
        if verdict.outcome is not Outcome.ALLOW:
            raise scope_refusal(peer.protocol, verdict)
        raise unknown_method(frame.method)

    def _start(self, call: Call, method: Method, pending: Awaitable[Any]) -> None:
        connection = call.connection
        if connection.in_flight >= MAX_IN_FLIGHT:
            close = getattr(pending, "close", None)
            if close is not None:
                close()
            raise unavailable(f"{MAX_IN_FLIGHT} requests of this connection wait for an answer already")
        connection.in_flight += 1
        task = self._tasks.start(_finish(call, method, pending), name=method.name)
        if method.ends_with_client:
            connection.waiting.add(task)
            task.add_done_callback(connection.waiting.discard)


async def _finish(call: Call, method: Method, pending: Awaitable[Any]) -> None:
    connection = call.connection
    try:
        async with asyncio.timeout(method.deadline):
            result = await pending
        connection.send(success(call.request_id, result))
    except TimeoutError:
        error = unavailable(f"{method.name} took longer than {method.deadline:g} seconds; try again")
        connection.send(failure(call.request_id, error))
    except Exception as error:  # noqa: BLE001 - the boundary of every method; _fail logs it
        _fail(connection, call.request_id, method.name, error)
    finally:
        connection.in_flight -= 1


def _fail(connection: Connection, request_id: str, method: str, error: Exception) -> None:
    """Answer with an error; what is not meant for people goes to the log only."""
    if not isinstance(error, OpenClawError):
        log.error("method %s failed", method, exc_info=error)
    known: RpcError = to_rpc(error)
    payload = error.payload if isinstance(error, CallFailed) else UNSET
    connection.send(failure(request_id, known, payload))
