"""What a figure is, and how figures are shown: as a table, or as JSON for a machine that compares runs."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import psutil


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that was measured.

    Attributes:
        name: what it is.
        value: how much.
        unit: of value, target and the original's figures.
        target: what we want; None where no target was set.
        seed, later: the same figure of OpenClaw 2026.2.9 and 2026.9.6, measured on another, quiet machine.
        more_is_better: a rate; otherwise less is better.
        note: what helps to read the value.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    seed: float | None = None
    later: float | None = None
    more_is_better: bool = False
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Return whether the target was reached in this run; None without one."""
        if self.target is None:
            return None
        return self.value >= self.target if self.more_is_better else self.value <= self.target


@dataclass(frozen=True, slots=True)
class Row:
    """A figure and the state of the machine while it was taken.

    Attributes:
        figure: the figure.
        load: load average of the last minute.
        busy: share of all processors that were busy since the figure before, with our own work; 0 to 1.
    """

    figure: Figure
    load: float
    busy: float


WIDTH: Final = 132
SHORTEST: Final = 0.05
"""Seconds below which the share of busy processors says nothing."""
_DECIMALS: Final = {"s": 3, "ms": 1, "MB": 0, "/CPU-s": 0}


def observed(figures: Iterable[Figure]) -> Iterator[Row]:
    """Note the load of the machine beside each figure as it comes."""
    psutil.cpu_percent(None)
    since, busy = time.monotonic(), 0.0
    for figure in figures:
        if time.monotonic() - since > SHORTEST:  # figures that come together were measured together
            since, busy = time.monotonic(), psutil.cpu_percent(None) / 100
        yield Row(figure, os.getloadavg()[0], busy)


def table(rows: list[Row], seconds: float) -> None:
    """Print figures as a table."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=f"openclaw on {os.cpu_count()} cores, Python {platform.python_version()}")
    shown.add_column("figure", min_width=30)
    shown.add_column("unit")
    for name in ("here", "target", "2026.2.9", "2026.9.6", "load", "busy"):
        shown.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        figure = row.figure
        colour = {True: "green", False: "yellow", None: "default"}[figure.reached]
        shown.add_row(
            f"{figure.name}\n[dim]{figure.note}[/]" if figure.note else figure.name,
            figure.unit,
            f"[{colour}]{_text(figure.value, figure)}[/]",
            _target(figure),
            _text(figure.seed, figure),
            _text(figure.later, figure),
            f"{row.load:.1f}",
            f"{row.busy:.0%}",
        )
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    console.print(shown)
    console.print(
        f"{seconds:.0f} s in all. The original's figures are of a quiet 2-core machine: compare CPU times and ratios, "
        "and look at load and busy before you trust a wall time.",
        highlight=False,
    )


def as_json(rows: list[Row], seconds: float) -> str:
    """Return the figures as one JSON text."""
    figures: list[dict[str, Any]] = [
        {**asdict(row.figure), "reached": row.figure.reached, "load": row.load, "busy": row.busy} for row in rows
    ]
    machine = {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
    return json.dumps({"machine": machine, "seconds": round(seconds, 1), "figures": figures}, indent=2)


def _target(figure: Figure) -> str:
    sign = "\u2265" if figure.more_is_better else "\u2264"
    return "" if figure.target is None else f"{sign} {_text(figure.target, figure)}"


def _text(value: float | None, figure: Figure) -> str:
    return "" if value is None else f"{value:,.{_DECIMALS[figure.unit]}f}"
