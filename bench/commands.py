"""How long commands take from nothing: each run is a new process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.processes import OPENCLAW, Cost, gateway, run
from bench.report import Figure

RUNS: Final = 9
# arguments, target CPU seconds, CPU seconds of 2026.2.9 and of 2026.9.6
COMMANDS: Final[tuple[tuple[tuple[str, ...], float | None, float | None, float | None], ...]] = (
    (("--version",), 0.02, 1.5, 0.075),
    (("--help",), 0.06, None, None),
    (("config", "get", "gateway.port"), 0.15, None, None),
    (("status",), None, None, None),
    (("security", "audit"), 0.3, 2.2, 2.5),
)


def measure(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Measure the commands beside a running gateway."""
    with gateway(folder / "home") as running:
        for arguments, target, seed, later in COMMANDS:
            costs, codes = zip(
                *(run((*OPENCLAW, *arguments), running.home) for _ in range(1 if quick else RUNS)), strict=True
            )
            cost = Cost.median(costs)
            bad = max(codes)
            note = f"wall {cost.wall * 1000:.0f} ms" + (f", exit code {bad}" if bad else "")
            yield Figure(f"openclaw {' '.join(arguments)}: CPU", cost.cpu, "s", target, seed, later, note=note)
