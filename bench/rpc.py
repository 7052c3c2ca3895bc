"""How many round trips a CPU-second of the gateway gives, over few and many connections."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.processes import Gateway, environment, gateway
from bench.report import Figure
from bench.wire import Link

SECONDS: Final = 2.0
ROUNDS: Final = 2
CONNECTIONS: Final = (1, 20, 50)
SESSIONS: Final = ("main", "one", "two")
# method and connections to target, 2026.2.9, 2026.9.6
KNOWN: Final[Mapping[tuple[str, int], tuple[float, float, float]]] = {("sessions.list", 20): (13_000, 12_600, 4_900)}


def measure(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Load a gateway that has three sessions from a process of its own; the best round of each kind counts."""
    with gateway(folder / "home", agents={"defaults": {"model": {"primary": "offline/demo"}}}) as running:
        link = Link(running.port, running.token)
        for name in SESSIONS:
            link.call("sessions.patch", {"key": name, "label": name})
        link.close()
        for method in ("sessions.list", "health"):
            for connections in CONNECTIONS:
                yield _figure(running, method, connections, quick=quick)


def _figure(running: Gateway, method: str, connections: int, *, quick: bool) -> Figure:
    rounds, seconds = (1, 0.2) if quick else (ROUNDS, SECONDS)
    reports = [_loaded(running, method, connections, seconds) for _ in range(rounds)]
    best = max(reports, key=lambda report: report["count"] / max(report["server"], 0.01))
    rate = best["count"] / max(best["server"], 0.01)
    note = f"{best['count'] / best['wall']:,.0f}/s wall; client used {best['client'] / best['wall']:.0%} of a core"
    target, seed, later = KNOWN.get((method, connections), (None, None, None))
    name = f"{method} round trips, {connections} connection{'s' if connections > 1 else ''}"
    return Figure(name, rate, "/CPU-s", target, seed, later, more_is_better=True, note=note)


def _loaded(running: Gateway, method: str, connections: int, seconds: float) -> dict[str, float]:
    assert running.process is not None
    given = (running.port, running.token, running.process.pid, method, connections, seconds)
    ended = subprocess.run(
        (sys.executable, "-m", "bench.load", *map(str, given)),
        env=environment(running.home),
        cwd=running.home,
        stdout=subprocess.PIPE,
        timeout=60,
        check=True,
    )
    report: dict[str, float] = json.loads(ended.stdout)
    return report
