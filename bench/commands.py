"""How long commands take from nothing: each run is a new process."""

from __future__ import annotations

import json
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


SESSIONS: Final = 10_000
PLUGINS: Final = 50


def _crowd(state: Path) -> None:
    """Lay many conversations and plugins beside what the gateway made, as years of use would."""
    sessions = state / "agents" / "main" / "sessions"
    sessions.mkdir(parents=True, mode=0o700, exist_ok=True)
    rows = {}
    for number in range(SESSIONS):
        path = sessions / f"bench-{number}.jsonl"
        path.write_text(f'{{"type":"session","version":3,"id":"bench-{number}"}}\n', encoding="utf-8")
        path.chmod(0o600)
        rows[f"agent:main:telegram:direct:{number}"] = {"sessionId": f"bench-{number}", "updatedAt": number + 1}
    store = sessions / "sessions.json"
    store.write_text(json.dumps(rows), encoding="utf-8")
    store.chmod(0o600)
    for number in range(PLUGINS):
        plugin = state / "extensions" / f"bench{number}"
        plugin.mkdir(parents=True, mode=0o700)
        manifest = {"id": plugin.name, "configSchema": {"type": "object"}}
        (plugin / "openclaw.plugin.json").write_text(json.dumps(manifest), encoding="utf-8")
        (plugin / "package.json").write_text("{}", encoding="utf-8")
        (plugin / "index.js").write_text("export const one = 1;\n" * 200, encoding="utf-8")


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
    _crowd(running.home / ".openclaw")
    costs, _ = zip(
        *(run((*OPENCLAW, "security", "audit"), running.home) for _ in range(1 if quick else RUNS)), strict=True
    )
    cost = Cost.median(costs)
    note = f"{SESSIONS:,} sessions, {PLUGINS} plugins; wall {cost.wall * 1000:.0f} ms"
    yield Figure("security audit after years of use: CPU", cost.cpu, "s", 1.0, note=note)
