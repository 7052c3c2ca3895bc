"""That the bench still measures; how fast anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

RUN = Path(__file__).resolve().parents[2] / "bench" / "run.py"


def figures(*arguments: str) -> list[dict[str, Any]]:
    """Run the bench quickly and return its figures."""
    ended = subprocess.run(
        (sys.executable, str(RUN), "--quick", "--json", *arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    found: list[dict[str, Any]] = json.loads(ended.stdout)["figures"]
    return found


def test_kernel_decisions_are_counted_without_a_gateway() -> None:
    found = figures("--only", "kernel")
    assert {figure["unit"] for figure in found} == {"/CPU-s"}
    assert all(figure["value"] > 0 and figure["more_is_better"] for figure in found)


@pytest.mark.e2e
def test_a_real_gateway_is_measured_from_start_to_final_event() -> None:
    found = figures("--only", "gateway", "--only", "rpc", "--only", "chat")
    names = " ".join(figure["name"] for figure in found)
    for part in (
        "first connect: wall",
        "idle RSS",
        "sessions.list",
        "50 connections",
        "offline model: p50",
        "turns more",
    ):
        assert part in names
    assert all(figure["value"] > 0 for figure in found)
    assert all(figure["load"] >= 0 and 0 <= figure["busy"] <= 1 for figure in found)


@pytest.mark.e2e
def test_commands_are_measured_beside_what_is_wanted_of_them() -> None:
    found = {figure["name"]: figure for figure in figures("--only", "commands")}
    assert found["security audit after years of use: CPU"]["target"] == 1.0
    version = found["openclaw --version: CPU"]
    assert version["value"] > 0
    assert (version["target"], version["seed"], version["later"]) == (0.02, 1.5, 0.075)
    assert version["reached"] is (version["value"] <= version["target"])
