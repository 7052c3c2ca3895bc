"""Frames after and before connect: malformed, binary, too large, too many, not read (gateway.md 1.1-1.3; Q1)."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
import struct
from pathlib import Path

import aiohttp
import pytest
import uvloop

from support.gateway import SteppedClock, TestGateway, client, connect_params, running_gateway, wire


@pytest.mark.parametrize(
    ("text", "request_id", "why"),
    [
        ('{"type":"req","id":"7","method":"health","x":1}', "7", "at root: unexpected property 'x'"),
        ('{"type":"req","id":"7"}', "7", "must have required property 'method'"),
        ('{"type":"req","method":"health"}', "invalid", "must have required property 'id'"),
        ('{"type":"event","id":"7","method":"health"}', "7", "at /type: must be equal to constant"),
        ("[]", "invalid", "must be object"),
        ('{"type":"req","id":7,"method":"health"}', "invalid", "at /id: must be string"),
    ],
)
@pytest.mark.asyncio
async def test_an_invalid_frame_is_answered_and_the_socket_stays(
    tmp_path: Path, text: str, request_id: str, why: str
) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as one:
        await one.text(text)
        frame = await one.response(request_id)
        assert frame["error"]["code"] == "INVALID_REQUEST"
        assert frame["error"]["message"].startswith("invalid request frame: ")
        assert why in frame["error"]["message"]
        assert await one.ok("last-heartbeat") is None


@pytest.mark.asyncio
async def test_text_that_is_no_json_is_ignored_after_connect(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as one:
        for text in ("hello", "{", "\u0000", "[" * 20000):
            await one.text(text)
        await one.socket.send_bytes(b"\xff\xfe")
        assert await one.ok("last-heartbeat") is None


@pytest.mark.asyncio
async def test_a_binary_frame_holds_the_same_json(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as one:
        frame = {"type": "req", "id": "1", "method": "connect", "params": connect_params()}
        await one.socket.send_bytes(json.dumps(frame).encode())
        assert (await one.response("1"))["ok"]
        await one.socket.send_bytes(b'{"type":"req","id":"2","method":"last-heartbeat"}')
        assert (await one.response("2"))["payload"] is None


@pytest.mark.asyncio
async def test_newer_envelope_fields_are_accepted_and_ignored(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as one:
        more = {"traceparent": "00-1-1-00", "expectedProfileId": "p"}
        await one.send({"type": "req", "id": "5", "method": "last-heartbeat", **more})
        assert (await one.response("5"))["ok"]


@pytest.mark.parametrize(("size", "admitted"), [(60_000, True), (65_400, True), (65_600, False), (2_000_000, False)])
@pytest.mark.asyncio
async def test_adv_Q1_before_connect_a_frame_has_at_most_64_kib(tmp_path: Path, size: int, admitted: bool) -> None:
    async with running_gateway(tmp_path) as gateway, wire(gateway) as one:
        params = connect_params(userAgent="")
        frame = {"type": "req", "id": "1", "method": "connect", "params": params}
        params["userAgent"] = "x" * (size - len(json.dumps(frame)))
        await one.send(frame)
        if admitted:
            assert (await one.response("1"))["ok"]
        else:
            assert (await one.closed())[0] == 1009


@pytest.mark.asyncio
async def test_fragments_count_together(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        reader, writer = await open_raw(gateway)
        for number in range(6):
            writer.write(frame_bytes(b"x" * 16_000, first=0x01 if number == 0 else 0x00))
        assert await read_close(reader) == 1009
        writer.close()


@pytest.mark.asyncio
async def test_after_connect_a_frame_has_at_most_25_mib(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as one:
        padding = "x" * (26_214_400 - 200)
        await one.send({"type": "req", "id": "1", "method": "wake", "params": {"mode": "now", "text": padding}})
        assert (await one.response("1"))["error"]["message"].startswith("invalid wake params: at /text")
        await one.send({"type": "req", "id": "2", "method": "wake", "params": {"text": padding + "x" * 400}})
        assert (await one.closed())[0] == 1009


@pytest.mark.asyncio
async def test_an_unmasked_frame_breaks_the_protocol(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        reader, writer = await open_raw(gateway)
        writer.write(b"\x81\x02{}")
        assert await read_close(reader) == 1002
        writer.close()


@pytest.mark.asyncio
async def test_compression_is_declined(tmp_path: Path) -> None:
    async with (
        running_gateway(tmp_path) as gateway,
        aiohttp.ClientSession() as session,
        session.ws_connect(gateway.url, compress=15) as offered,
    ):
        assert offered.compress == 0


@pytest.mark.asyncio
async def test_pings_are_answered_at_once(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway:
        reader, writer = await open_raw(gateway)
        writer.write(frame_bytes(b"hi", first=0x89))
        while True:
            first, payload = await read_frame(reader)
            if first == 0x8A:
                assert payload == b"hi"
                break
        writer.close()


BAD_UPGRADES = [
    ("POST", {}, b""),
    ("GET", {"Content-Length": "5"}, b"hello"),
    ("GET", {"Transfer-Encoding": "chunked"}, b"0\r\n\r\n"),
    ("GET", {"Sec-WebSocket-Version": "12"}, b""),
    ("GET", {"Sec-WebSocket-Key": "short"}, b""),
    ("GET", {}, b"\x81\x85aaaaGET / HTTP/1.1\r\n\r\n"),
]


@pytest.mark.parametrize(("method", "headers", "body"), BAD_UPGRADES)
@pytest.mark.asyncio
async def test_an_upgrade_has_no_body_and_nothing_behind_it(
    tmp_path: Path, method: str, headers: dict[str, str], body: bytes
) -> None:
    async with running_gateway(tmp_path) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(upgrade_request(gateway, method, headers) + body)
        status = await reader.readline()
        assert status.startswith(b"HTTP/1.1 400 "), status
        assert b"websocket" not in (await reader.read(2000)).lower()
        writer.close()


@pytest.mark.asyncio
async def test_adv_Q1_silent_sockets_are_capped_and_a_client_still_gets_in(tmp_path: Path) -> None:
    clock = SteppedClock()
    async with running_gateway(tmp_path, clock=clock) as gateway:
        opened = await asyncio.gather(*(open_raw(gateway) for _ in range(32)))
        with pytest.raises(ConnectionError, match="429"):
            await open_raw(gateway)
        clock.ahead += 0.3
        async with asyncio.timeout(1), client(gateway) as one:
            assert await one.ok("last-heartbeat") is None
        closed = [reader for reader, _ in opened if reader.at_eof() or await ended(reader)]
        assert closed
        for _, writer in opened:
            writer.close()


async def ended(reader: asyncio.StreamReader) -> bool:
    """Tell whether a close frame waits in a socket that has nothing else to say."""
    try:
        async with asyncio.timeout(0.05):
            while True:
                first, _ = await read_frame(reader)
                if first == 0x88:
                    return True
    except (TimeoutError, asyncio.IncompleteReadError):
        return False


async def a_slow_consumer_is_cut_off(gateway: TestGateway) -> None:
    """A client that reads nothing loses ticks first, and then its socket."""
    reader, writer = await open_raw(gateway)
    login = {"type": "req", "id": "1", "method": "connect", "params": connect_params()}
    writer.write(frame_bytes(json.dumps(login).encode()))
    while b"hello-ok" not in (await read_frame(reader))[1]:
        pass
    connection = next(iter(gateway.app.services.connections))
    sink = connection.sink
    sink.max_backlog = 1_000_000  # type: ignore[attr-defined]  # the limit that is to be reached
    connections = gateway.app.services.connections
    while sink.backlog <= 1_000_000:  # type: ignore[attr-defined]
        connections.broadcast("health", {"filler": "x" * 500_000})
    before = sink.backlog  # type: ignore[attr-defined]
    connections.broadcast("tick", {"ts": 1})
    assert sink.backlog == before  # type: ignore[attr-defined]
    connections.broadcast("shutdown", {"reason": "gateway stopping"})
    assert await read_close(reader) == 1008
    writer.close()


@pytest.mark.asyncio
async def test_too_many_open_requests_of_one_client_are_refused(tmp_path: Path) -> None:
    async with running_gateway(tmp_path) as gateway, client(gateway) as one:
        gateway.agent.hold = True
        await one.ok("chat.send", {"sessionKey": "main", "message": "x", "idempotencyKey": "k"})
        for number in range(257):
            params = {"runId": "k", "timeoutMs": 60_000}
            await one.send({"type": "req", "id": f"w{number}", "method": "agent.wait", "params": params})
        refused = await one.response("w256")
        assert refused["error"]["code"] == "UNAVAILABLE"
        assert refused["error"]["retryable"] is True
        assert await one.ok("last-heartbeat") is None
        gateway.agent.runs["k"].finish("done")
        assert (await one.response("w0"))["payload"]["status"] == "ok"


LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.mark.parametrize("loop", sorted(LOOPS))
def test_limits_hold_on_either_event_loop(tmp_path: Path, loop: str) -> None:
    async def everything() -> None:
        async with running_gateway(tmp_path) as gateway:
            await a_slow_consumer_is_cut_off(gateway)
            async with wire(gateway) as one:
                await one.text("x" * 70_000)
                assert (await one.closed())[0] == 1009
            async with client(gateway) as one:
                await one.send({"type": "req", "id": "1", "method": "wake", "params": {"text": "x" * 26_300_000}})
                assert (await one.closed())[0] == 1009
            async with client(gateway) as one:
                await gateway.app.close(restarting=False)
                assert await one.closed() == (1012, "service restart")

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(everything())


# Raw sockets


def upgrade_request(gateway: TestGateway, method: str = "GET", headers: dict[str, str] | None = None) -> bytes:
    lines = {
        "Host": f"127.0.0.1:{gateway.port}",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        **(headers or {}),
    }
    return f"{method} / HTTP/1.1\r\n".encode() + b"".join(f"{k}: {v}\r\n".encode() for k, v in lines.items()) + b"\r\n"


async def open_raw(gateway: TestGateway) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a WebSocket by hand; nothing is read from it but the answer to the upgrade."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    sock = writer.get_extra_info("socket")
    sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 65536)
    writer.write(upgrade_request(gateway))
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        writer.close()
        raise ConnectionError(head.split(b"\r\n")[0].decode())
    return reader, writer


def frame_bytes(payload: bytes, *, first: int = 0x81) -> bytes:
    """Return a masked frame, the mask being zero."""
    size = len(payload)
    if size < 126:
        head = bytes((first, 0x80 | size))
    elif size < 65536:
        head = bytes((first, 0x80 | 126)) + struct.pack("!H", size)
    else:
        head = bytes((first, 0x80 | 127)) + struct.pack("!Q", size)
    return head + b"\0\0\0\0" + payload


async def read_frame(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    first, second = await reader.readexactly(2)
    size = second & 0x7F
    if size == 126:
        size = struct.unpack("!H", await reader.readexactly(2))[0]
    elif size == 127:
        size = struct.unpack("!Q", await reader.readexactly(8))[0]
    return first, await reader.readexactly(size)


async def read_close(reader: asyncio.StreamReader) -> int:
    """Read until the close frame and return its code."""
    async with asyncio.timeout(10):
        while True:
            first, payload = await read_frame(reader)
            if first == 0x88:
                code: int = struct.unpack("!H", payload[:2])[0]
                return code
