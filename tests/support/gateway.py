"""A real gateway on an ephemeral loopback port, with small real rooms behind it, and raw clients to talk to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp

from openclaw.agent.contract import AgentEvent, EventSink, Payload, Stream, TurnRequest, TurnResult
from openclaw.gateway.app import GatewayApp, GatewayParts, build_app
from openclaw.gateway.household_ports import ApprovalsFilePort
from openclaw.gateway.listen import bind_sockets
from openclaw.policy.where.routing import RoutingPolicy
from openclaw.policy.who.gateway_policy import GatewayPolicy
from openclaw.protocol.device_signature import SignedFields, text_v2, text_v3
from openclaw.protocol.peer import Peer
from openclaw.state.exec_approvals import ExecApprovalsFile
from openclaw.state.identity import DeviceIdentity
from openclaw.state.layout import StateLayout
from openclaw.state.ledger_port import LedgerEntry
from openclaw.system.clock import Clock, SystemClock
from openclaw.system.errors import InvalidInput, NotFound
from openclaw.system.secret import Secret
from openclaw.tools.approvals import Approvals

TOKEN = "a-shared-token-for-tests"
ADMIN_SCOPES = ("operator.admin", "operator.approvals", "operator.pairing")
Json = dict[str, Any]
WAIT_SECONDS = 10.0


class SteppedClock(SystemClock):
    """The machine's clock, which a test can put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now_ms(self) -> int:
        return super().now_ms() + round(self.ahead * 1000)

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


class LedgerList:
    """A ledger in memory."""

    def __init__(self) -> None:
        self.entries: list[LedgerEntry] = []

    def record(self, entry: LedgerEntry) -> None:
        self.entries.append(entry)

    @property
    def healthy(self) -> bool:
        return True


class DoorSettings:
    """The gateway's part of a live config, changed by the test."""

    def __init__(self, policy: GatewayPolicy, secret: Secret | None) -> None:
        self.current = policy
        self.shared = secret

    def policy(self) -> GatewayPolicy:
        return self.current

    def secret(self) -> Secret | None:
        return self.shared


class SessionTable:
    """Sessions in memory."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rows: dict[str, Json] = {}
        self.messages: dict[str, list[Json]] = {}
        self.add("agent:main:main")

    def add(self, key: str) -> None:
        self.rows[key] = {
            "key": key,
            "kind": "direct",
            "updatedAt": self.clock.now_ms(),
            "sessionId": str(uuid.uuid4()),
            "systemSent": True,
            "abortedLastRun": False,
            "inputTokens": 10,
            "outputTokens": 5,
            "totalTokens": 15,
            "modelProvider": "offline",
            "model": "echo",
            "contextTokens": 1000,
        }
        self.messages[key] = []

    def list(self, params: Mapping[str, Any], /) -> Json:
        rows = [row for row in self.rows.values() if params.get("agentId", "main") == "main"]
        defaults = {"modelProvider": "offline", "model": "echo", "contextTokens": 1000}
        shown = rows[: params.get("limit", len(rows))]
        return {
            "ts": self.clock.now_ms(),
            "path": "s.json",
            "count": len(shown),
            "defaults": defaults,
            "sessions": shown,
        }

    def preview(self, params: Mapping[str, Any], /) -> Json:
        return {
            "ts": self.clock.now_ms(),
            "previews": [{"key": k, "status": "missing", "items": []} for k in params["keys"]],
        }

    def resolve(self, params: Mapping[str, Any], /) -> Json:
        key = params.get("key")
        if key not in self.rows:
            raise NotFound(f"No session found: {key}")
        return {"ok": True, "key": key}

    def patch(self, params: Mapping[str, Any], /) -> Json:
        key = self.canonical(params["key"])
        self.rows.setdefault(key, {"key": key}).update({k: v for k, v in params.items() if k != "key"})
        return {"ok": True, "path": "s.json", "key": key, "entry": self.rows[key], "resolved": {}}

    def reset(self, params: Mapping[str, Any], /) -> Json:
        key = self.canonical(params["key"])
        return {"ok": True, "key": key, "entry": self.rows.get(key, {})}

    def delete(self, params: Mapping[str, Any], /) -> Json:
        key = self.canonical(params["key"])
        if key == "agent:main:main":
            raise InvalidInput(f"Cannot delete the main session ({key}).")
        return {"ok": True, "key": key, "deleted": self.rows.pop(key, None) is not None, "archived": []}

    def history(self, session_key: str, limit: int, /) -> Json:
        return {
            "sessionKey": session_key,
            "messages": self.messages.get(session_key, [])[-limit:],
            "thinkingLevel": "off",
        }

    def inject(self, session_key: str, message: str, label: str | None, /) -> str:
        if session_key not in self.messages:
            raise NotFound("session not found")
        self.messages[session_key].append({"role": "assistant", "content": message, "label": label})
        return str(len(self.messages[session_key]))

    def canonical(self, key: str, /) -> str:
        return RoutingPolicy().canonical(key)

    def defaults(self) -> Json:
        return {"defaultAgentId": "main", "mainKey": "main", "mainSessionKey": "agent:main:main", "scope": "per-sender"}


class EchoRun:
    """A turn that says back what it was told."""

    def __init__(self, agent: EchoAgent, request: TurnRequest) -> None:
        self.agent = agent
        self.request = request
        self.run_id = request.run_id
        self.accepted_ms = agent.clock.now_ms()
        self.done: asyncio.Future[TurnResult] = asyncio.get_running_loop().create_future()
        self.seq = 0

    def tell(self, stream: Stream, **data: Any) -> None:
        self.seq += 1
        event = AgentEvent(self.run_id, self.request.session_key, self.seq, stream, self.agent.clock.now_ms(), data)
        for sink in self.agent.sinks:
            sink.emit(event)

    def finish(self, text: str, *, status: str = "ok", error: str | None = None) -> None:
        if self.done.done():
            return
        now = self.agent.clock.now_ms()
        if status == "ok":
            self.tell("lifecycle", phase="end", endedAt=now)
        elif status == "aborted":
            self.tell("lifecycle", phase="end", endedAt=now, aborted=True, stopReason="rpc")
        else:
            self.tell("lifecycle", phase="error", error=error)
        self.done.set_result(
            TurnResult(
                run_id=self.run_id,
                status=status,  # type: ignore[arg-type]  # the test names a valid one
                payloads=(Payload(text),) if text else (),
                started_ms=self.accepted_ms,
                ended_ms=now,
                error=error,
                provider="offline",
                model="echo",
            )
        )

    async def result(self) -> TurnResult:
        return await asyncio.shield(self.done)


class EchoAgent:
    """The agent port, with runs that the test can hold."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.table = SessionTable(clock)
        self.sinks: list[EventSink] = []
        self.runs: dict[str, EchoRun] = {}
        self.requests: list[TurnRequest] = []
        self.hold = False

    @property
    def sessions(self) -> SessionTable:
        return self.table

    def submit(self, request: TurnRequest, /) -> EchoRun:
        self.requests.append(request)
        run = self.runs[request.run_id] = EchoRun(self, request)
        run.tell("lifecycle", phase="start", startedAt=run.accepted_ms)
        if not self.hold:
            run.tell("assistant", text=request.text, delta=request.text)
            run.finish(request.text)
        return run

    async def wait(self, run_id: str, timeout_ms: int, /) -> TurnResult | None:
        run = self.runs.get(run_id)
        if run is None:
            return None
        try:
            async with asyncio.timeout(timeout_ms / 1000):
                return await run.result()
        except TimeoutError:
            return None

    def abort(self, session_key: str, /, *, run_id: str | None = None, stop_reason: str = "rpc") -> tuple[str, ...]:
        found = [
            run
            for run in self.runs.values()
            if run.request.session_key == session_key and run_id in (None, run.run_id) and not run.done.done()
        ]
        for run in found:
            run.finish("", status="aborted")
        return tuple(run.run_id for run in found)

    def subscribe(self, sink: EventSink, /) -> None:
        self.sinks.append(sink)

    def models_list(self) -> Sequence[Mapping[str, Any]]:
        return [{"id": "echo", "name": "Echo", "provider": "offline"}]

    def agents_list(self) -> Json:
        return {
            "defaultId": "main",
            "mainKey": "main",
            "scope": "per-sender",
            "agents": [{"id": "main", "identity": {"name": "Claw", "emoji": "C"}}],
        }


class EchoChat:
    """The chat port over the echo agent."""

    def __init__(self, agent: EchoAgent) -> None:
        self.agent = agent
        self.peers: list[Peer] = []

    async def send(
        self,
        peer: Peer,
        *,
        session_key: str,
        message: str,
        idempotency_key: str,
        thinking: str | None,
        attachments: Sequence[Mapping[str, Any]],
        timeout_ms: int | None,
    ) -> Json:
        from openclaw.gateway.rpc.agent import _requester

        if not message.strip() and not attachments:
            raise InvalidInput("message or attachment required")
        self.peers.append(peer)
        if idempotency_key in self.agent.runs:
            return {"runId": idempotency_key, "status": "in_flight"}
        self.agent.submit(
            TurnRequest(
                run_id=idempotency_key,
                session_key=session_key,
                agent_id="main",
                text=message,
                command_text=message,
                requester=_requester(peer),
                provenance=(),
            )
        )
        return {"runId": idempotency_key, "status": "started"}


class OneChannel:
    """The channels port with one channel that is not configured."""

    async def status(self, probe: bool, timeout_ms: int) -> Json:
        return {
            "ts": 1,
            "channelOrder": ["telegram"],
            "channelLabels": {"telegram": "Telegram"},
            "channelDetailLabels": {},
            "channelSystemImages": {},
            "channelMeta": [],
            "channels": {"telegram": {"configured": probe}},
            "channelAccounts": {"telegram": [{"accountId": "default", "configured": probe}]},
            "channelDefaultAccountId": {"telegram": "default"},
        }


class QuietAudit:
    """The audit port of a gateway without findings."""

    async def report(self) -> Json:
        return {"ts": 1, "summary": {"critical": 0, "warn": 0, "info": 0}, "findings": []}

    def summary(self) -> dict[str, int] | None:
        return {"critical": 0, "warn": 0, "info": 0}


class ConfigText:
    """The config port over a text."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, Json]] = []

    def get(self, *, admin: bool) -> Json:
        return {
            "path": "/state/openclaw.json" if admin else "openclaw.json",
            "exists": True,
            "raw": "{}" if admin else None,
        }

    def write(self, kind: str, params: Mapping[str, Any], /) -> Json:
        self.writes.append((kind, dict(params)))
        return {"ok": True, "path": "openclaw.json", "config": {}}

    def schema(self) -> Json:
        return {"schema": {}, "uiHints": {}, "version": "1", "generatedAt": "x"}


class EventList:
    """The system events port as a list."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str | None, bool]] = []

    def notify(self, session_key: str, text: str, *, context_key: str | None = None, wake: bool = False) -> None:
        self.lines.append((session_key, text, context_key, wake))


@dataclass
class TestGateway:
    """A running gateway and the rooms behind it."""

    __test__ = False

    app: GatewayApp
    clock: Clock
    port: int
    door: DoorSettings
    layout: StateLayout
    agent: EchoAgent
    config: ConfigText
    events: EventList
    approvals: Approvals
    ledger: LedgerList

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class Rooms:
    """The small rooms behind a gateway."""

    door: DoorSettings
    layout: StateLayout
    agent: EchoAgent
    config: ConfigText
    events: EventList
    approvals: Approvals
    ledger: LedgerList


def gateway_parts(
    root: Path, clock: Clock, *, policy: GatewayPolicy | None = None, secret: str | None = TOKEN, **parts: Any
) -> tuple[GatewayParts, Rooms]:
    """Return what a gateway is built from; `parts` override those of `GatewayParts`."""
    gateway = policy or GatewayPolicy(run_mode="local", has_token=secret is not None)
    layout = StateLayout.at(root / "state")
    ledger = LedgerList()
    rooms = Rooms(
        door=DoorSettings(gateway, None if secret is None else Secret(secret)),
        layout=layout,
        agent=EchoAgent(clock),
        config=ConfigText(),
        events=EventList(),
        approvals=Approvals(clock, ledger, redact=lambda text: text),
        ledger=ledger,
    )
    log_file = layout.logs / "openclaw-2026-11-24.log"
    known = GatewayParts(
        config=rooms.door,
        routing=RoutingPolicy,
        layout=layout,
        clock=clock,
        version="2026.11.0",
        agent=rooms.agent,
        chat=EchoChat(rooms.agent),
        channels=OneChannel(),
        approvals=rooms.approvals,
        exec_approvals=ApprovalsFilePort(
            ExecApprovalsFile(layout.exec_approvals, clock, redact=lambda text: text), ledger
        ),
        config_methods=rooms.config,
        events=rooms.events,
        audit=QuietAudit(),
        ledger=ledger,
        log_file=lambda: log_file,
        redact=lambda text: text.replace("hush", "***"),
        heartbeat_facts=lambda: [{"agentId": "main", "enabled": True, "every": "30m", "everyMs": 1_800_000}],
        verbosity=lambda _key: "on",
    )
    return replace(known, **parts), rooms


@contextlib.asynccontextmanager
async def running_gateway(
    tmp_path: Path,
    *,
    policy: GatewayPolicy | None = None,
    secret: str | None = TOKEN,
    clock: Clock | None = None,
    **parts: Any,
) -> AsyncIterator[TestGateway]:
    """Start a gateway; `parts` override those of `GatewayParts`."""
    time = clock or SystemClock()
    full, rooms = gateway_parts(tmp_path, time, policy=policy, secret=secret, **parts)
    app = build_app(full)
    listening = bind_sockets(("127.0.0.1",), 0, mode="loopback")
    await app.listen(listening.sockets)
    try:
        yield TestGateway(app, time, listening.port, **vars(rooms))
    finally:
        await rooms.approvals.close()
        await app.close(restarting=False)


@dataclass
class Wire:
    """One raw WebSocket, with nothing between the test and the frames."""

    socket: aiohttp.ClientWebSocketResponse
    nonce: str = ""
    hello: Json = field(default_factory=dict)
    events: list[Json] = field(default_factory=list)
    counter: int = 0

    async def text(self, text: str) -> None:
        await self.socket.send_str(text)

    async def send(self, frame: Any) -> None:
        await self.socket.send_str(json.dumps(frame))

    async def next(self) -> Json | None:
        """Return the next frame; None once the socket is closed."""
        async with asyncio.timeout(WAIT_SECONDS):
            message = await self.socket.receive()
        if message.type is aiohttp.WSMsgType.TEXT:
            found: Json = json.loads(message.data)
            return found
        return None

    async def response(self, request_id: str) -> Json:
        """Return the next response with an id; events that come before it are kept."""
        while True:
            frame = await self.next()
            assert frame is not None, f"closed: {self.socket.close_code}"
            if frame["type"] == "res" and frame["id"] == request_id:
                return frame
            if frame["type"] == "event":
                self.events.append(frame)

    async def call(self, method: str, params: Any = None) -> Json:
        """Call a method and return its response frame."""
        self.counter += 1
        request_id = f"r{self.counter}"
        frame: Json = {"type": "req", "id": request_id, "method": method}
        if params is not None:
            frame["params"] = params
        await self.send(frame)
        return await self.response(request_id)

    async def ok(self, method: str, params: Any = None) -> Any:
        """Call a method that must succeed and return its payload."""
        frame = await self.call(method, params)
        assert frame["ok"], frame
        return frame["payload"]

    async def error(self, method: str, params: Any = None) -> Json:
        """Call a method that must fail and return its error."""
        frame = await self.call(method, params)
        assert not frame["ok"], frame
        found: Json = frame["error"]
        return found

    async def event(self, name: str) -> Json:
        """Return the next event of a name, also one that came already."""
        for index, frame in enumerate(self.events):
            if frame["event"] == name:
                return self.events.pop(index)
        while True:
            found = await self.next()
            assert found is not None, f"closed: {self.socket.close_code}"
            if found["type"] == "event":
                if found["event"] == name:
                    return found
                self.events.append(found)

    async def closed(self) -> tuple[int | None, str]:
        """Read until the socket is closed; returns the code and reason of the close frame."""
        while True:
            async with asyncio.timeout(WAIT_SECONDS):
                message = await self.socket.receive()
            if message.type is aiohttp.WSMsgType.CLOSE:
                return message.data, str(message.extra or "")
            if message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR, aiohttp.WSMsgType.CLOSING):
                return self.socket.close_code, ""
            if message.type is aiohttp.WSMsgType.TEXT:
                self.events.append(json.loads(message.data))


@contextlib.asynccontextmanager
async def wire(
    gateway: TestGateway, *, headers: Mapping[str, str] | None = None, challenge: bool = True
) -> AsyncIterator[Wire]:
    """Open a raw socket and read its challenge."""
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(gateway.url, headers=headers, autoclose=False, max_msg_size=0) as socket,
    ):
        found = Wire(socket)
        if challenge:
            frame = await found.next()
            assert frame is not None
            assert frame["event"] == "connect.challenge"
            found.nonce = frame["payload"]["nonce"]
        yield found


def connect_params(
    *,
    protocol: int = 3,
    client: Mapping[str, Any] | None = None,
    scopes: Sequence[str] | None = ADMIN_SCOPES,
    token: str | None = TOKEN,
    **extra: Any,
) -> Json:
    """Return the params of a `connect`; None leaves a key out."""
    params: Json = {
        "minProtocol": protocol,
        "maxProtocol": protocol,
        "client": {"id": "cli", "mode": "cli", "version": "dev", "platform": "linux", **(client or {})},
    }
    if scopes is not None:
        params["scopes"] = list(scopes)
    if token is not None:
        params["auth"] = {"token": token}
    params.update(extra)
    return {key: value for key, value in params.items() if value is not None}


def with_device(params: Json, device: DeviceIdentity, nonce: str, now_ms: int, *, version: int = 2) -> Json:
    """Return the params signed by a device."""
    auth = params.get("auth", {})
    client = params["client"]
    fields = SignedFields(
        device_id=device.device_id,
        client_id=client["id"],
        client_mode=client["mode"],
        role=params.get("role", "operator"),
        scopes=tuple(params.get("scopes", ())),
        signed_at_ms=now_ms,
        token=auth.get("token", auth.get("deviceToken", "")),
        nonce=nonce,
        platform=client.get("platform", ""),
        device_family=client.get("deviceFamily", ""),
    )
    signed = device.sign(text_v3(fields) if version == 3 else text_v2(fields))
    sent = {
        "id": device.device_id,
        "publicKey": device.public_key,
        "signature": signed,
        "signedAt": now_ms,
        "nonce": nonce,
    }
    return {**params, "device": sent}


def new_device() -> DeviceIdentity:
    """Return a device with a fresh key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return DeviceIdentity(Ed25519PrivateKey.generate())


@contextlib.asynccontextmanager
async def client(
    gateway: TestGateway,
    *,
    headers: Mapping[str, str] | None = None,
    device: DeviceIdentity | None = None,
    version: int = 2,
    **params: Any,
) -> AsyncIterator[Wire]:
    """Open a socket and log in; the hello payload is in `hello`."""
    async with wire(gateway, headers=headers) as found:
        sent = connect_params(**params)
        if device is not None:
            sent = with_device(sent, device, found.nonce, gateway.clock.now_ms(), version=version)
        frame = await found.call("connect", sent)
        assert frame["ok"], frame
        found.hello = frame["payload"]
        yield found
