"""Commands that write, on a disk that takes nothing: one line that says what to do, and everything as it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.cli import Answer, Home
from support.odd_disks import full_disk, read_only
from support.state_dirs import canary, original_state, put, snapshot

pytestmark = pytest.mark.sandbox

QUIET = ("--non-interactive", "--accept-risk")
WRITES = {
    "config set": ("config", "set", "gateway.port", "4000"),
    "config patch": ("config", "patch", "--yes", "--file", "patch.json"),
    "doctor": ("doctor", "--fix", "--generate-gateway-token"),
    "onboard": ("onboard", *QUIET, "--openai-api-key", "k", "--skip-model-check"),
    "setup": ("setup", "--workspace", "claw"),
    "secrets to env": ("secrets", "audit", "--fix"),
    "secrets to file": ("secrets", "audit", "--fix", "--to", "file"),
    "restore": ("backup", "restore", "claw.zip", "--yes"),
    "up": ("up", "--no-open"),
}
WRITABLE, ROOM = "mount it writable", "free some disk space"
HARMLESS = (".flock", "gateway.lock")
"""Locks that hold nothing may be left; so may what can be made again."""


@pytest.fixture
def used(home: Home, tmp_path: Path) -> Home:
    """A state with backups of its config, and an archive of it beside it."""
    original_state(home.state)
    for number, end in enumerate(("", ".1", ".2")):
        put(home.path, f".openclaw/openclaw.json.bak{end}", {"gateway": {"port": 2000 + number}})
    put(home.path, "patch.json", {"gateway": {"port": 4000}})
    made = home.program("backup", "create", "--out", "claw.zip")
    assert made.code == 0, made.err
    return home


def content(home: Home) -> dict[str, Any]:
    """Return what lies in the state, without locks and what can be made again."""
    found = snapshot(home.state)
    return {name: what for name, what in found.items() if not name.endswith(HARMLESS) and name.split("/")[0] != "cache"}


def is_plain(answer: Answer, hint: str) -> bool:
    told = (answer.err + answer.out).replace("\n         ", " ")
    return answer.code == 1 and hint in told and "Traceback" not in told and "defect" not in told


@pytest.mark.parametrize("command", WRITES.values(), ids=WRITES)
def test_on_a_read_only_state_one_line_says_what_to_do(used: Home, command: tuple[str, ...]) -> None:
    before = snapshot(used.state)
    answer = read_only(used, *command)
    assert is_plain(answer, WRITABLE), answer
    assert len([line for line in answer.err.splitlines() if "read-only" in line]) <= 1
    assert snapshot(used.state) == before


@pytest.mark.parametrize("command", WRITES.values(), ids=WRITES)
def test_on_a_full_disk_one_line_says_what_to_do(used: Home, command: tuple[str, ...]) -> None:
    before = content(used)
    answer = full_disk(used, *command)
    assert is_plain(answer, ROOM), answer
    assert content(used) == before


@pytest.mark.parametrize("free", [1, 3])
@pytest.mark.parametrize("name", ["config set", "secrets to env", "secrets to file", "restore"])
def test_a_disk_that_fills_up_in_the_middle_leaves_all_or_nothing(used: Home, name: str, free: int) -> None:
    before = content(used)
    answer = full_disk(used, *WRITES[name], free=free)
    if answer.code == 0:
        assert content(used) != before
        assert used.program("config", "validate").code == 0
    else:
        assert is_plain(answer, ROOM), answer
        assert content(used) == before
    assert not [name for name in snapshot(used.path) if name.endswith(".tmp")]


@pytest.mark.parametrize("free", [3])
def test_onboarding_that_ran_out_of_room_is_completed_by_a_second_run(used: Home, free: int) -> None:
    cut = full_disk(used, *WRITES["onboard"], free=free)
    assert is_plain(cut, ROOM), cut
    assert not list((used.state / "workspace").glob("*.md"))
    assert used.program("config", "validate").code == 0
    assert used.program(*WRITES["onboard"]).code == 0
    assert (used.state / "workspace/BOOTSTRAP.md").is_file()


def test_failures_do_not_use_up_the_backups_of_the_config(used: Home) -> None:
    backups = {path.name: path.read_bytes() for path in used.state.glob("openclaw.json.bak*")}
    for free in (0, 1):
        assert full_disk(used, *WRITES["config set"], free=free).code == 1
    assert {path.name: path.read_bytes() for path in used.state.glob("openclaw.json.bak*")} == backups


def test_a_backup_of_a_read_only_state_is_made_elsewhere_and_never_half(used: Home) -> None:
    made = read_only(used, "backup", "create", "--json")
    assert made.code == 0, made.err
    assert used.program("backup", "verify", made.json["path"]).code == 0
    (used.path / "shut").mkdir()
    refused = read_only(used, "backup", "create", "--out", "shut/claw.zip", only=used.path / "shut")
    assert is_plain(refused, WRITABLE), refused
    cut = full_disk(used, "backup", "create", "--out", "cut.zip")
    assert is_plain(cut, ROOM), cut
    assert "no backup is left" in cut.err
    assert not [path for path in used.path.iterdir() if "cut.zip" in path.name]


def test_a_newcomer_on_a_read_only_or_full_disk_is_told(home: Home) -> None:
    for command in (("up", "--no-open"), ("onboard", *QUIET)):
        assert is_plain(read_only(home, *command, only=home.path), WRITABLE)
        assert is_plain(full_disk(home, *command), ROOM)
        assert not (home.state / "openclaw.json").exists()


def test_what_only_reads_still_works(used: Home) -> None:
    for run in (read_only, full_disk):
        assert run(used, "config", "get", "gateway.port").out == "18999\n"
        assert run(used, "status").code == 0
        assert run(used, "doctor", "--non-interactive").code == 0
        found = run(used, "secrets", "audit", "--json")
        assert json.loads(found.out)["findings"]
        assert canary("gateway") not in found.out
