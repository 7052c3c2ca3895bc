"""What the small commands may load: start-up time is guarded by names, not by clocks."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from support.cli import Home

HEAVY = (
    "pydantic",
    "aiohttp",
    "rich",
    "asyncio",
    "msgspec",
    "cryptography",
    "telegram",
    "pydantic_ai",
    "uvloop",
    "re2",
    "questionary",
    "prompt_toolkit",
)
VALID = '{"gateway": {"mode": "local", "port": 18790, "auth": {"token": "a-token-of-the-gateway-000"}}}'


def console_script() -> Path:
    return Path(sysconfig.get_path("scripts")) / "openclaw"


def imported(home: Home, command: list[str], *, code: int = 0) -> set[str]:
    """Run a command under -X importtime and return the top-level packages and the modules that it imported."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *command],
        capture_output=True,
        text=True,
        env=home.environment(),
        cwd=home.path,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == code, done.stderr[-2000:]
    names = [line.rsplit("|", 1)[1].strip() for line in done.stderr.splitlines() if line.startswith("import time:")]
    return set(names) | {name.partition(".")[0] for name in names}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.mark.parametrize("by", ["module", "script"])
@pytest.mark.parametrize("flag", ["--version", "--help", "-V", "-h"])
def test_version_and_root_help_load_nothing_but_data(home: Home, by: str, flag: str) -> None:
    start = ["-m", "openclaw"] if by == "module" else [str(console_script())]
    found = imported(home, [*start, flag])
    assert found.isdisjoint({*HEAVY, "click", "json", "dataclasses", "pathlib", "logging"})
    ours = {name for name in found if name.startswith("openclaw")}
    assert ours <= {"openclaw", "openclaw.__main__", "openclaw.cli", "openclaw.cli.entry", "openclaw.cli.commands"} | {
        "openclaw.version"
    }


@pytest.mark.parametrize(
    "command",
    [["config", "--help"], ["config", "get", "--help"], ["pairing", "--help"], ["gateway", "run", "--help"]],
)
def test_help_of_commands_loads_no_rooms(home: Home, command: list[str]) -> None:
    found = imported(home, ["-m", "openclaw", *command])
    assert found.isdisjoint(HEAVY)
    assert not any(name.startswith(("openclaw.gateway", "openclaw.agent", "openclaw.tools")) for name in found)


def test_reading_a_checked_config_loads_no_schema(home: Home) -> None:
    home.write_config(VALID)
    command = ["-m", "openclaw", "config", "get", "gateway.port"]
    assert "pydantic" in imported(home, command)
    assert imported(home, command).isdisjoint(HEAVY)


def test_status_loads_no_schema_event_loop_or_table_library(home: Home) -> None:
    home.write_config(VALID)
    found = imported(home, ["-m", "openclaw", "status"])
    assert found.isdisjoint(HEAVY)


@pytest.mark.parametrize("command", [["health"], ["sessions"], ["logs"], ["gateway", "call", "health"]])
def test_questions_to_the_own_gateway_load_no_http_library(home: Home, command: list[str]) -> None:
    home.write_config(VALID)
    code = 0 if command == ["sessions"] else 1
    imported(home, ["-m", "openclaw", *command], code=code)
    found = imported(home, ["-m", "openclaw", *command], code=code)
    assert found.isdisjoint({"aiohttp", "rich", "pydantic"})


def test_the_library_of_questions_is_loaded_by_questions_alone(home: Home) -> None:
    asks_nothing = ["-m", "openclaw", "onboard", "--non-interactive", "--accept-risk", "--skip-health"]
    assert imported(home, asks_nothing).isdisjoint({"questionary", "prompt_toolkit"})
    for command in (["onboard", "--help"], ["configure", "--help"], ["reset", "--dry-run", "--scope", "full"]):
        assert imported(home, ["-m", "openclaw", *command]).isdisjoint({"questionary", "prompt_toolkit"})
