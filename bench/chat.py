"""How long a message takes to its final event, and what many messages do to the gateway's size."""

from __future__ import annotations

import statistics
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.processes import Gateway, gateway, helper, model_sections
from bench.report import Figure
from bench.wire import Link, frame_of

TURNS: Final = 60
TURNS_FOR_SIZE: Final = 300
PER_SESSION: Final = 20
WARM: Final = 3
TURN_SECONDS: Final = 20.0


def measure(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Talk to the offline model, then to a model server on loopback that answers at once."""
    count = 3 if quick else TURNS
    with gateway(folder / "offline", agents={"defaults": {"model": {"primary": "offline/demo"}}}) as running:
        yield from _times(running, "offline model", count)
    with (
        helper("bench.model", home=folder) as base_url,
        gateway(folder / "model", **model_sections(base_url)) as running,
    ):
        yield from _times(running, "instant model", count, target=15, seed=57, later=208)
        yield _size(running, 8 if quick else TURNS_FOR_SIZE)


def _times(
    running: Gateway,
    model: str,
    count: int,
    *,
    target: float | None = None,
    seed: float | None = None,
    later: float | None = None,
) -> Iterator[Figure]:
    link = Link(running.port, running.token)
    turns(link, WARM)
    before = running.cpu()
    times = [1000 * seconds for seconds in turns(link, count)]
    cpu = 1000 * (running.cpu() - before) / len(times)
    link.close()
    note = f"{cpu:.1f} ms CPU of the gateway per turn, {count} turns"
    yield Figure(f"chat.send to final, {model}: p50", statistics.median(times), "ms", target, seed, later, note=note)
    yield Figure(f"chat.send to final, {model}: p95", sorted(times)[int(0.95 * (len(times) - 1))], "ms")


def _size(running: Gateway, count: int) -> Figure:
    """Return the size after many turns; the note says how much of it the second half added."""
    link = Link(running.port, running.token)
    half = count // 2
    turns(link, half)
    middle = running.memory()[0]
    turns(link, half)
    link.close()
    resident, proportional = running.memory()
    note = f"PSS {proportional:.0f} MB; {resident - middle:+.1f} MB in the last {half} turns"
    return Figure(f"RSS after {count} turns more", resident, "MB", 160, 591, 1443, note=note)


def turns(link: Link, count: int) -> list[float]:
    """Send messages one after the other, a new session every 20; return the seconds to each final event."""
    times = []
    session = ""
    for number in range(count):
        if number % PER_SESSION == 0:
            session = f"bench-{uuid.uuid4().hex[:8]}"
        times.append(_turn(link, session, f"message {number}"))
    return times


def _turn(link: Link, session: str, text: str) -> float:
    run = str(uuid.uuid4())
    params = {"sessionKey": session, "message": text, "idempotencyKey": run}
    frame = frame_of({"type": "req", "id": run, "method": "chat.send", "params": params})
    began = time.perf_counter()
    link.send(frame)
    for message in link.messages():
        if message["type"] == "res" and message["id"] == run and not message["ok"]:
            raise ConnectionError(f"chat.send: {message['error']['message']}")
        payload = message.get("payload") or {}
        if message.get("event") != "chat" or payload.get("runId") != run:
            continue
        if payload["state"] == "final":
            break
        if payload["state"] != "delta":
            raise ConnectionError(f"the turn ended as {payload['state']}: {payload.get('errorMessage')}")
    return time.perf_counter() - began
