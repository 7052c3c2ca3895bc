"""Events: who hears them, their numbers, and how runs are told (gateway.md 1.8)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from openclaw.agent.contract import AgentEvent, Stream
from openclaw.gateway.audience import EVENTS, Audience, EventKind, event_kind, hears
from openclaw.gateway.chat_events import MAX_RUNS, ChatEvents
from openclaw.gateway.connections import Connection, Connections
from openclaw.policy.where.scopes import Role, Scope
from openclaw.protocol.codec import decode
from openclaw.protocol.peer import Client, Peer
from support.gateway import SteppedClock, Wire, client, running_gateway


def peer(*scopes: Scope, role: Role = Role.OPERATOR, caps: tuple[str, ...] = (), conn_id: str = "c") -> Peer:
    return Peer(
        conn_id=conn_id,
        protocol=3,
        client=Client(id="cli", mode="cli"),
        role=role,
        scopes=scopes,
        device_id=None,
        auth_method="token",
        local=True,
        remote_address="127.0.0.1",
        caps=frozenset(caps),
    )


HEARD: dict[Audience, tuple[Peer, ...]] = {
    Audience.EVERYBODY: (peer(), peer(Scope.READ), peer(role=Role.NODE)),
    Audience.OPERATORS: (peer(), peer(Scope.PAIRING), peer(Scope.ADMIN)),
    Audience.READERS: (peer(Scope.READ), peer(Scope.WRITE), peer(Scope.ADMIN)),
    Audience.PAIRING: (peer(Scope.PAIRING), peer(Scope.ADMIN)),
    Audience.APPROVALS: (peer(Scope.APPROVALS), peer(Scope.ADMIN)),
    Audience.ADMINS: (peer(Scope.ADMIN),),
    Audience.NODES: (peer(role=Role.NODE),),
}
UNHEARD: dict[Audience, tuple[Peer, ...]] = {
    Audience.EVERYBODY: (),
    Audience.OPERATORS: (peer(role=Role.NODE),),
    Audience.READERS: (peer(), peer(Scope.PAIRING, Scope.APPROVALS), peer(role=Role.NODE)),
    Audience.PAIRING: (peer(Scope.WRITE, Scope.APPROVALS), peer(role=Role.NODE)),
    Audience.APPROVALS: (peer(Scope.WRITE, Scope.PAIRING), peer(role=Role.NODE)),
    Audience.ADMINS: (peer(Scope.WRITE, Scope.PAIRING, Scope.APPROVALS), peer(role=Role.NODE)),
    Audience.NODES: (peer(Scope.ADMIN),),
}


@pytest.mark.parametrize("kind", [*EVENTS, event_kind("an.event.of.a.plugin")], ids=lambda kind: kind.name)
def test_each_event_is_heard_by_its_audience_alone(kind: EventKind) -> None:
    assert all(hears(kind, one) for one in HEARD[kind.audience])
    assert not any(hears(kind, one) for one in UNHEARD[kind.audience])


def test_an_event_that_nobody_listed_is_for_admins() -> None:
    assert event_kind("session.tool") == EventKind("session.tool", Audience.ADMINS)


class Sink:
    """Collects frames."""

    def __init__(self) -> None:
        self.frames: list[tuple[dict[str, Any], bool]] = []
        self.closed: list[tuple[int, str]] = []
        self.news = asyncio.Event()

    def send(self, frame: bytes, *, drop_if_slow: bool = False) -> None:
        self.frames.append((decode(frame), drop_if_slow))
        self.news.set()

    async def count(self, wanted: int) -> None:
        """Wait until that many frames came."""
        while len(self.frames) < wanted:
            self.news.clear()
            await self.news.wait()

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    def named(self, name: str) -> list[dict[str, Any]]:
        return [frame for frame, _ in self.frames if frame["event"] == name]


def listening(*peers: Peer) -> tuple[Connections, list[Sink]]:
    connections, sinks = Connections(), []
    for number, one in enumerate(peers):
        sink = Sink()
        sinks.append(sink)
        named = one if len(peers) == 1 else peer(*one.scopes, role=one.role, caps=tuple(one.caps), conn_id=f"c{number}")
        connections.add(Connection(named, sink))
    return connections, sinks


def test_numbers_count_per_connection_so_that_filtering_leaves_no_gap() -> None:
    connections, (reader, pairer) = listening(peer(Scope.READ), peer(Scope.PAIRING))
    connections.broadcast("chat", {"n": 1})
    connections.broadcast("device.pair.requested", {"n": 2})
    connections.broadcast("tick", {"n": 3})
    assert [frame["seq"] for frame, _ in reader.frames] == [1, 2]
    assert [frame["seq"] for frame, _ in pairer.frames] == [1, 2]
    assert [dropped for _, dropped in reader.frames] == [False, True]


def test_an_event_for_one_connection_has_no_number_and_respects_its_scopes() -> None:
    connections, (reader, other) = listening(peer(Scope.READ), peer())
    connections.send_to(["c0", "c1", "gone"], "agent", {"n": 1})
    assert [frame for frame, _ in reader.frames] == [{"type": "event", "event": "agent", "payload": {"n": 1}}]
    assert other.frames == []


class Told:
    """A chat event sink with one reader."""

    def __init__(self, verbosity: str = "off", *, caps: tuple[str, ...] = ()) -> None:
        self.clock = SteppedClock()
        self.connections, (self.sink,) = listening(peer(Scope.READ, caps=caps))
        self.events = ChatEvents(self.connections, self.clock, lambda _key: verbosity)
        self.seq = 0

    def emit(self, stream: Stream, data: Mapping[str, Any], *, run: str = "r", seq: int | None = None) -> None:
        self.seq = self.seq + 1 if seq is None else seq
        self.events.emit(AgentEvent(run, "agent:main:main", self.seq, stream, 1000 + self.seq, data))

    def chats(self) -> list[dict[str, Any]]:
        return [frame["payload"] for frame in self.sink.named("chat")]

    def agents(self) -> list[dict[str, Any]]:
        return [frame["payload"] for frame in self.sink.named("agent")]


def text_of(payload: Mapping[str, Any]) -> str:
    found: str = payload["message"]["content"][0]["text"]
    return found


@pytest.mark.asyncio
async def test_deltas_hold_the_whole_text_and_come_at_most_every_150_ms() -> None:
    told = Told()
    told.emit("lifecycle", {"phase": "start"})
    for count in range(1, 6):
        told.emit("assistant", {"text": "x" * count, "delta": "x"})
    assert [text_of(chat) for chat in told.chats()] == ["x"]
    told.clock.ahead += 0.2
    told.emit("assistant", {"text": "xxxxxx", "delta": "x"})
    assert [text_of(chat) for chat in told.chats()] == ["x", "xxxxxx"]
    told.emit("lifecycle", {"phase": "end", "usage": {"total": 3}})
    last = told.chats()[-1]
    assert (last["state"], text_of(last), last["usage"]) == ("final", "xxxxxx", {"total": 3})
    assert last["sessionKey"] == "agent:main:main"
    assert [payload["seq"] for payload in told.agents()] == list(range(1, 9))


@pytest.mark.asyncio
async def test_a_pause_does_not_hold_back_the_last_words() -> None:
    told = Told()
    told.emit("assistant", {"text": "one"})
    told.emit("assistant", {"text": "one two"})
    assert len(told.chats()) == 1
    async with asyncio.timeout(2):
        await told.sink.count(4)
    assert text_of(told.chats()[1]) == "one two"
    told.events.close()


@pytest.mark.parametrize(
    ("data", "state", "extra"),
    [
        ({"phase": "end"}, "final", {}),
        ({"phase": "end", "stopReason": "stop"}, "final", {"stopReason": "stop"}),
        ({"phase": "end", "aborted": True, "stopReason": "rpc"}, "aborted", {"stopReason": "rpc"}),
        ({"phase": "end", "aborted": True, "stopReason": "stop-command"}, "aborted", {"stopReason": "stop"}),
        ({"phase": "end", "aborted": True, "stopReason": "timeout"}, "aborted", {"stopReason": "timeout"}),
        ({"phase": "error", "error": "no model"}, "error", {"errorMessage": "no model"}),
        ({"phase": "error"}, "error", {"errorMessage": "the run failed"}),
        (
            {"phase": "error", "error": "too slow", "stopReason": "timeout"},
            "aborted",
            {"stopReason": "timeout", "errorMessage": "too slow"},
        ),
    ],
)
def test_a_run_ends_with_one_chat_event(data: dict[str, Any], state: str, extra: dict[str, Any]) -> None:
    told = Told()
    told.emit("lifecycle", data)
    (chat,) = told.chats()
    assert chat == {"runId": "r", "sessionKey": "agent:main:main", "seq": 1, "state": state, **extra}


def test_a_gap_in_a_runs_numbers_is_told() -> None:
    told = Told()
    told.emit("lifecycle", {"phase": "start"}, seq=1)
    told.emit("lifecycle", {"phase": "step"}, seq=4)
    errors = [payload for payload in told.agents() if payload["stream"] == "error"]
    assert [payload["data"] for payload in errors] == [{"reason": "seq gap", "expected": 2, "received": 4}]


@pytest.mark.parametrize(
    ("verbosity", "started", "keys"),
    [
        ("off", True, None),
        ("on", True, {"name", "phase"}),
        ("full", True, {"name", "phase", "result", "partialResult"}),
        ("full", False, None),
    ],
)
def test_tools_are_told_to_the_starter_as_far_as_the_session_is_verbose(
    verbosity: str, started: bool, keys: set[str] | None
) -> None:
    told = Told(verbosity, caps=("tool-events",))
    if started:
        told.events.started_by("r", "c")
    told.emit("tool", {"name": "exec", "phase": "result", "result": "secret", "partialResult": "s"})
    if keys is None:
        assert told.agents() == []
    else:
        (payload,) = told.agents()
        assert (payload["stream"], set(payload["data"])) == ("tool", keys)
        assert "seq" not in told.sink.named("agent")[0]


def test_a_sink_that_fails_does_not_stop_the_agent(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    told.emit("assistant", {"text": object()})
    told.emit("lifecycle", {"phase": "end", "usage": {"bad": object()}})
    assert "was lost" in caplog.text


def test_runs_that_never_end_are_forgotten() -> None:
    told = Told()
    for number in range(MAX_RUNS + 10):
        told.emit("lifecycle", {"phase": "start"}, run=f"r{number}", seq=1)
    assert len(told.events._runs) == MAX_RUNS


@pytest.mark.asyncio
async def test_a_chat_reaches_readers_and_its_tools_only_the_sender(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        client(gateway, caps=["tool-events"]) as sender,
        client(gateway, scopes=["operator.read"], caps=["tool-events"]) as reader,
        client(gateway, scopes=["operator.pairing"]) as pairer,
    ):
        gateway.agent.hold = True
        await sender.ok("chat.send", {"sessionKey": "main", "message": "hi", "idempotencyKey": "k"})
        gateway.app.services.chat_events.started_by("k", sender.hello["server"]["connId"])
        run = gateway.agent.runs["k"]
        run.tell("tool", name="exec", phase="start")
        run.tell("assistant", text="hello", delta="hello")
        run.finish("hello")
        assert [kind async for kind in states(sender)] == ["tool", "delta", "final"]
        assert [kind async for kind in states(reader)] == ["delta", "final"]
        gateway.app.services.connections.broadcast("tick", {"ts": 1})
        assert (await pairer.event("tick"))["payload"] == {"ts": 1}
        assert not [event for event in pairer.events if event["event"] in ("chat", "agent")]
        numbers = [event["seq"] for event in [*reader.events] if "seq" in event]
        assert numbers == sorted(numbers)


async def states(socket: Wire) -> Any:
    """Yield the kinds of chat and tool events until the final one."""
    while True:
        frame = socket.events.pop(0) if socket.events else await socket.next()
        assert frame is not None
        if frame["event"] == "agent" and frame["payload"]["stream"] == "tool":
            yield "tool"
        if frame["event"] == "chat":
            yield frame["payload"]["state"]
            if frame["payload"]["state"] == "final":
                return


@pytest.mark.asyncio
async def test_presence_comes_and_goes(tmp_path: Path) -> None:
    page = {"id": "openclaw-macos", "mode": "ui", "displayName": "Desk"}
    async with running_gateway(tmp_path) as gateway, client(gateway) as watcher:
        async with client(gateway, client=page):
            came = await watcher.event("presence")
            entry = next(one for one in came["payload"]["presence"] if one.get("host") == "Desk")
            assert (entry["host"], entry["mode"], entry["reason"]) == ("Desk", "ui", "connect")
            assert came["stateVersion"]["presence"] == gateway.app.services.presence.version
        gone = await watcher.event("presence")
        entry = next(one for one in gone["payload"]["presence"] if one.get("host") == "Desk")
        assert entry["reason"] == "disconnect"


@pytest.mark.asyncio
async def test_a_beacon_updates_presence_and_tells_the_main_session_once(tmp_path: Path) -> None:
    line = "Node: desk (10.0.0.5) · app 1.2 · last input 3s ago · mode ui · reason launch"
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        assert await socket.ok("system-event", {"text": line, "deviceId": "d1", "unknown": 1}) == {"ok": True}
        presence = (await socket.event("presence"))["payload"]["presence"]
        entry = next(one for one in presence if one.get("host") == "desk")
        assert (entry["host"], entry["ip"], entry["lastInputSeconds"], entry["deviceId"]) == (
            "desk",
            "10.0.0.5",
            3,
            "d1",
        )
        periodic = line.replace("reason launch", "reason periodic")
        await socket.ok("system-event", {"text": periodic, "deviceId": "d1"})
        await socket.ok("system-event", {"text": "the kettle boils"})
        assert gateway.events.lines == [
            ("agent:main:main", "Node: desk (10.0.0.5) · app 1.2 · mode ui · reason launch", "d1", False),
            ("agent:main:main", "the kettle boils", None, False),
        ]


@pytest.mark.asyncio
async def test_approvals_are_asked_and_told_by_scope(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        client(gateway) as asker,
        client(gateway, scopes=["operator.approvals"]) as approver,
        client(gateway, scopes=["operator.write"]) as writer,
    ):
        command = {"command": "ls -la", "cwd": "/tmp", "host": "gateway", "id": "one-two-three"}
        await asker.send({"type": "req", "id": "q", "method": "exec.approval.request", "params": command})
        asked = (await approver.event("exec.approval.requested"))["payload"]
        assert asked["request"]["command"] == "ls -la"
        assert asked["expiresAtMs"] > asked["createdAtMs"]
        assert (await asker.ok("exec.approval.list"))["pending"][0]["id"] == "one-two-three"
        assert (await approver.error("exec.approval.request", command))["message"] == "approval id already pending"
        assert (await writer.error("exec.approval.resolve", {"id": "one-two-three", "decision": "allow-once"}))[
            "message"
        ] == "missing scope: operator.approvals"
        assert await approver.ok("exec.approval.resolve", {"id": "one-two-three", "decision": "allow-once"}) == {
            "ok": True
        }
        answer = (await asker.response("q"))["payload"]
        assert (answer["id"], answer["decision"]) == ("one-two-three", "allow-once")
        told = (await approver.event("exec.approval.resolved"))["payload"]
        assert (told["decision"], told["resolvedBy"]) == ("allow-once", "cli")
        assert not [event for event in writer.events if event["event"].startswith("exec.")]
    async with running_gateway(tmp_path) as gateway, client(gateway, protocol=4) as newer:
        error = await newer.error("exec.approval.resolve", {"id": "nothing-here", "decision": "deny"})
        assert error["code"] == "APPROVAL_NOT_FOUND"


@pytest.mark.asyncio
async def test_ticks_come_by_themselves(tmp_path: Path) -> None:
    async with running_gateway(tmp_path, tick_interval_ms=20) as gateway, client(gateway) as socket:
        tick = await socket.event("tick")
        assert set(tick["payload"]) == {"ts"}
        assert (await socket.event("health"))["payload"]["ok"] is True


@pytest.mark.asyncio
async def test_the_gateway_says_goodbye(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as socket:
        await gateway.app.close(restarting=True)
        event = await socket.event("shutdown")
        assert event["payload"] == {"reason": "gateway restarting", "restartExpectedMs": 1500}
        assert await socket.closed() == (1012, "service restart")
