"""The gateway's start and its size when nobody uses it; before that, a ruler for the speed of this machine now."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.processes import START_SECONDS, Cost, Gateway, run
from bench.report import Figure
from bench.wire import Link

STARTS: Final = 5
IDLE_SECONDS: Final = 5.0
RULER: Final = "import uvloop, aiohttp.web, pydantic, click, msgspec, cryptography.hazmat.primitives.asymmetric.ed25519"
QUIET_RULER_SECONDS: Final = 0.174
"""CPU seconds that the ruler took on the quiet machine where the targets were set."""


def measure(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Start it some times from the second start on, then let one rest."""
    found = Gateway(folder / "home")
    starts = 1 if quick else STARTS
    ruler = Cost.median([run((sys.executable, "-c", RULER), found.home)[0] for _ in range(starts)]).cpu
    slower = ruler / QUIET_RULER_SECONDS
    yield Figure(
        "ruler: importing the libraries alone: CPU", ruler, "s", note=f"{slower:.1f} times the quiet machine's"
    )
    try:
        started(found)
        cost = Cost.median([started(found) for _ in range(starts)])
        note = f"CPU by the ruler: {cost.cpu / slower:.2f} s on the quiet machine"
        yield Figure("gateway start to first connect: wall", cost.wall, "s", 0.4, 1.92, 5.97, note=note)
        yield Figure("gateway start to first connect: CPU", cost.cpu, "s", None, 2.4, 9.0)
        found.spawn()
        Link.patient(found.port, found.token, START_SECONDS).close()
        time.sleep(0.1 if quick else IDLE_SECONDS)
        resident, proportional = found.memory()
        note = f"PSS {proportional:.0f} MB, {len(found.tree())} process"
        yield Figure("idle RSS, process tree", resident, "MB", 80, 403, 1021, note=note)
    finally:
        found.stop()


def started(found: Gateway) -> Cost:
    """Start and stop it once; return what it took until it accepted a client."""
    began = time.perf_counter()
    found.spawn()
    try:
        link = Link.patient(found.port, found.token, START_SECONDS)
        cost = Cost(found.cpu(), time.perf_counter() - began)
        link.close()
    finally:
        found.stop()
    return cost
