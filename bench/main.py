"""Runs the measurements in order and shows them. Nothing here passes or fails: a figure is shown, never asserted."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol

from bench.report import Figure, Row, as_json, observed, table

from bench import chat, commands, gateway, kernel, rpc


class Measurement(Protocol):
    """Measures some figures with files below a folder of its own; `quick` asks for few repetitions."""

    def __call__(self, folder: Path, *, quick: bool) -> Iterable[Figure]:
        """Yield each figure when it is known."""
        ...


MEASUREMENTS: Final[dict[str, Measurement]] = {
    "commands": commands.measure,
    "gateway": gateway.measure,
    "rpc": rpc.measure,
    "chat": chat.measure,
    "kernel": kernel.measure,
}


def main(arguments: Sequence[str]) -> int:
    """Measure and print; returns the exit code, which tells only whether everything could be measured."""
    parser = argparse.ArgumentParser(prog="bench", description="Speed and memory of openclaw on this machine.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--only", choices=MEASUREMENTS, action="append", help="run this part only; may be repeated")
    parser.add_argument("--quick", action="store_true", help="few repetitions: shows that it works, not how fast")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    rows: list[Row] = []
    for name in options.only or MEASUREMENTS:
        print(f"measuring: {name}", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="openclaw-bench-") as folder:
            rows += observed(MEASUREMENTS[name](Path(folder), quick=options.quick))
    seconds = time.perf_counter() - began
    if options.json:
        print(as_json(rows, seconds))
    else:
        table(rows, seconds)
    return 0
