"""The gateway's small parts on their own: frame gauge, waiting room, presence, log tail, remembered answers, health."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.gateway.connections import Connections
from openclaw.gateway.health import Health
from openclaw.gateway.heartbeat import Heartbeats
from openclaw.gateway.idempotency import KEPT_MS, MAX_KEPT, Remembered
from openclaw.gateway.log_tail import read_tail
from openclaw.gateway.presence import MAX_ENTRIES, TTL_MS, Presence
from openclaw.gateway.quiet import QuietLog
from openclaw.gateway.transport.gauge import FrameGauge
from openclaw.gateway.waiting import WaitingRoom
from openclaw.system.errors import Unavailable
from support.gateway import EchoAgent, OneChannel, SteppedClock

# Frame gauge


class Reader:
    """Keeps what it was fed."""

    def __init__(self) -> None:
        self.fed = b""
        self.ended = False

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self.fed += data
        return False, b""

    def feed_eof(self) -> None:
        self.ended = True


def frame(opcode: int, size: int, *, final: bool = True) -> bytes:
    head = bytes(((0x80 if final else 0) | opcode,))
    if size < 126:
        head += bytes((0x80 | size,))
    elif size < 65536:
        head += b"\xfe" + struct.pack("!H", size)
    else:
        head += b"\xff" + struct.pack("!Q", size)
    return head + b"\1\2\3\4" + b"\x81" * size


Message = list[tuple[int, int, bool]]
message_shapes = st.lists(st.integers(0, 400), min_size=1, max_size=4)


def fragments(sizes: list[int], *, binary: bool) -> Message:
    """Return opcode, size and final bit of each frame of one message."""
    last = len(sizes) - 1
    return [((2 if binary else 1) if n == 0 else 0, size, n == last) for n, size in enumerate(sizes)]


@settings(max_examples=150, deadline=None)
@given(st.lists(message_shapes, max_size=6), st.booleans(), st.integers(1, 700), st.data())
def test_the_gauge_lets_through_exactly_what_fits_however_it_is_cut(
    messages: list[list[int]], binary: bool, limit: int, data: st.DataObject
) -> None:
    stream = b""
    for sizes in messages:
        for opcode, size, final in fragments(sizes, binary=binary):
            stream += frame(opcode, size, final=final) + frame(9, 3)
    reader, seen = Reader(), list[int]()
    gauge = FrameGauge(reader, limit)
    gauge.on_violation = seen.append
    rest = stream
    while rest:
        step = data.draw(st.integers(1, max(1, len(rest))))
        gauge.feed_data(rest[:step])
        rest = rest[step:]
    fits = all(sum(sizes) <= limit for sizes in messages)
    assert seen == ([] if fits else [1009])
    assert (reader.fed == stream) is fits
    assert stream.startswith(reader.fed)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x02{}", 1002),
        (frame(8, 125), None),
        (frame(9, 126), 1009),
        (b"\x82\xff" + b"\xff" * 12, 1009),
        (frame(1, 100), None),
        (frame(1, 101), 1009),
    ],
)
def test_the_gauge_refuses_with_a_code_and_drops_the_rest(data: bytes, code: int | None) -> None:
    reader, seen = Reader(), list[int]()
    gauge = FrameGauge(reader, 100)
    gauge.on_violation = seen.append
    gauge.feed_data(data)
    gauge.feed_data(frame(1, 1))
    assert seen == ([] if code is None else [code])
    assert (reader.fed == b"") is (code is not None)
    gauge.feed_eof()
    assert reader.ended


def test_the_limit_may_rise_between_messages() -> None:
    reader, seen = Reader(), list[int]()
    gauge = FrameGauge(reader, 10)
    gauge.on_violation = seen.append
    gauge.feed_data(frame(1, 10))
    gauge.limit = 1000
    gauge.feed_data(frame(1, 1000))
    assert seen == []


# Waiting room


def test_a_client_at_its_limit_loses_its_oldest_silent_socket() -> None:
    clock = SteppedClock()
    room = WaitingRoom(clock, per_client=2, in_all=3)
    closed: list[str] = []
    first = room.enter("a", lambda: closed.append("first"))
    assert first is not None
    clock.ahead += 0.3
    room.heard(first)
    assert room.enter("a", lambda: closed.append("second")) is not None
    assert room.enter("a", lambda: closed.append("third")) is None
    clock.ahead += 0.3
    assert room.enter("a", lambda: closed.append("third")) is not None
    assert closed == ["first"]
    assert room.enter("b", lambda: closed.append("other")) is not None
    assert room.enter("c", lambda: closed.append("too many")) is None
    assert len(room) == 3


def test_leaving_twice_is_harmless() -> None:
    room = WaitingRoom(SteppedClock(), per_client=1, in_all=1)
    one = room.enter("a", lambda: None)
    assert one is not None
    room.leave(one)
    room.leave(one)
    assert len(room) == 0
    assert room.enter("a", lambda: None) is not None


# Presence


def presence(clock: SteppedClock) -> Presence:
    return Presence(clock, host="box", ip="10.0.0.1", version="1", platform="linux")


def test_entries_die_after_five_minutes_but_the_gateway_stays() -> None:
    clock = SteppedClock()
    found = presence(clock)
    found.enter("Device", {"host": "desk", "mode": "ui"})
    assert [entry["mode"] for entry in found.entries()] == ["gateway", "ui"]
    clock.ahead += TTL_MS / 1000 - 1
    found.touch("device")
    clock.ahead += 2
    assert len(found.entries()) == 2
    clock.ahead += TTL_MS / 1000
    assert [entry["mode"] for entry in found.entries()] == ["gateway"]


def test_adv_Q3_at_most_200_entries_are_kept() -> None:
    found = presence(SteppedClock())
    for number in range(MAX_ENTRIES + 50):
        found.beacon("Node: x", {"deviceId": f"d{number}"})
    assert len(found.entries()) == MAX_ENTRIES + 1


def test_a_line_of_a_node_is_told_only_as_far_as_it_is_new() -> None:
    found = presence(SteppedClock())
    line = "Node: desk (10.0.0.5) · app {} · last input 3s ago · mode {} · reason {}"
    lines = [
        found.beacon(line.format(app, mode, reason), {"deviceId": "D"}).line
        for app, mode, reason in (
            ("1", "ui", "launch"),
            ("1", "ui", "launch"),
            ("2", "ui", "launch"),
            ("2", "ui", "periodic"),
            ("2", "ui", "heartbeat"),
            ("2", "idle", "periodic"),
        )
    ]
    assert lines == ["Node: desk (10.0.0.5) · app 1 · mode ui · reason launch", "", "app 2", "", "", "mode idle"]


def test_roles_and_scopes_of_a_device_add_up() -> None:
    found = presence(SteppedClock())
    found.beacon("hello", {"deviceId": "D", "roles": ["operator"], "scopes": ["operator.read"]})
    found.beacon("hello", {"deviceId": "d", "roles": ["node"]})
    entry = next(one for one in found.entries() if one["mode" if "mode" in one else "text"] == "hello")
    assert (entry["roles"], entry["scopes"]) == (["operator", "node"], ["operator.read"])


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_a_beacon(text: str) -> None:
    presence(SteppedClock()).beacon(text, {})


# Log tail


def tail(path: Path, **given: Any) -> Mapping[str, Any]:
    options: dict[str, Any] = {"cursor": None, "limit": 500, "max_bytes": 250_000, "redact": str.upper, **given}
    return read_tail(path, **options).as_json()


def test_a_log_is_read_in_whole_lines_from_the_cursor_on(tmp_path: Path) -> None:
    path = tmp_path / "gateway.log"
    path.write_text("one\ntwo\nthr")
    first = tail(path)
    assert (first["lines"], first["cursor"], first["size"]) == (["ONE", "TWO"], 8, 11)
    assert (first["truncated"], first["reset"]) == (False, False)
    path.write_text("one\ntwo\nthree\nfour\n")
    assert tail(path, cursor=first["cursor"])["lines"] == ["THREE", "FOUR"]
    assert tail(path, cursor=19)["lines"] == []


@pytest.mark.parametrize(
    ("given", "lines", "truncated", "reset"),
    [
        ({"limit": 2}, ["THREE", "FOUR"], True, False),
        ({"max_bytes": 12}, ["THREE", "FOUR"], True, False),
        ({"max_bytes": 11}, ["THREE", "FOUR"], True, False),
        ({"max_bytes": 10}, ["FOUR"], True, False),
        ({"cursor": 500}, ["ONE", "TWO", "THREE", "FOUR"], False, True),
        ({"cursor": 0, "max_bytes": 5}, ["FOUR"], True, True),
    ],
)
def test_what_is_left_out_is_said(
    tmp_path: Path, given: dict[str, Any], lines: list[str], truncated: bool, reset: bool
) -> None:
    path = tmp_path / "gateway.log"
    path.write_text("one\ntwo\nthree\nfour\n")
    found = tail(path, **given)
    assert (found["lines"], found["truncated"], found["reset"]) == (lines, truncated, reset)


def test_a_missing_rolling_file_stands_for_the_newest_one(tmp_path: Path) -> None:
    (tmp_path / "openclaw-2026-11-20.log").write_text("old\n")
    (tmp_path / "openclaw-2026-11-22.log").write_text("newer\n")
    assert tail(tmp_path / "openclaw-2026-11-24.log")["lines"] == ["NEWER"]
    assert tail(tmp_path / "other.log") == {
        "file": str(tmp_path / "other.log"),
        "cursor": 0,
        "size": 0,
        "lines": [],
        "truncated": False,
        "reset": False,
    }


def test_a_log_that_is_no_regular_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary\n")
    (tmp_path / "link.log").symlink_to(tmp_path / "secret")
    for path in (tmp_path / "link.log", tmp_path):
        with pytest.raises(Unavailable, match="cannot read the log"):
            tail(path)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=12), st.integers(1, 60))
def test_reading_on_gives_every_line_once(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], cut: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "x.log"
    whole = b"".join(line + b"\n" for line in lines)
    seen: list[str] = []
    cursor = 0
    for end in (*range(0, len(whole), cut), len(whole)):
        path.write_bytes(whole[:end])
        found = tail(path, cursor=cursor, redact=str)
        seen += found["lines"]
        cursor = found["cursor"]
    assert seen == [line.decode("utf-8", "replace") for line in lines]


# Remembered answers


def test_answers_are_remembered_for_five_minutes_and_never_too_many() -> None:
    clock = SteppedClock()
    known = Remembered(clock)
    known.put(("agent", "me", "k"), {"n": 1})
    assert known.get(("agent", "me", "k")) == {"n": 1}
    assert known.get(("agent", "you", "k")) is None
    clock.ahead += KEPT_MS / 1000 + 1
    assert known.get(("agent", "me", "k")) is None
    for number in range(MAX_KEPT + 20):
        known.put(("agent", "me", str(number)), {})
    assert len(known._answers) == MAX_KEPT
    known.forget(("agent", "me", str(MAX_KEPT)))
    assert known.get(("agent", "me", str(MAX_KEPT))) is None


def test_strangers_cannot_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    clock = SteppedClock()
    quiet = QuietLog(logging.getLogger("strangers"), clock, per_minute=3)
    for number in range(50):
        quiet.line(logging.WARNING, "refused %d", number)
    assert [record.getMessage() for record in caplog.records] == ["refused 0", "refused 1", "refused 2"]
    clock.ahead += 61
    quiet.line(logging.WARNING, "refused again")
    assert [record.getMessage() for record in caplog.records][3:] == [
        "47 more lines like these were left out",
        "refused again",
    ]


# Health


class CountedChannel(OneChannel):
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[bool] = []
        self.broken = False

    async def status(self, probe: bool, timeout_ms: int) -> dict[str, Any]:
        self.asked.append(probe)
        if self.broken:
            raise Unavailable("down")
        await asyncio.sleep(0)
        return await super().status(probe, timeout_ms)


@pytest.mark.asyncio
async def test_health_is_kept_for_a_minute_and_renewed_behind_the_scenes(caplog: pytest.LogCaptureFixture) -> None:
    clock, channels = SteppedClock(), CountedChannel()
    told: list[int] = []
    health = Health(EchoAgent(clock), channels, Heartbeats(Connections(), list), clock)
    health.on_change(lambda: told.append(health.version))
    first = await health.get(probe=False)
    assert (first["ok"], told, channels.asked) == (True, [2], [False])
    assert await health.get(probe=False) is first
    health.refresh_soon()
    health.refresh_soon()
    await health._tasks.join()
    assert len(channels.asked) == 2
    clock.ahead += 61
    assert await health.get(probe=False) is not first
    await health.get(probe=True)
    assert channels.asked[-1] is True
    channels.broken = True
    health.refresh_soon()
    await health._tasks.join()
    assert "could not be gathered" in caplog.text
    assert health.latest["ok"] is True
    await health.close()
