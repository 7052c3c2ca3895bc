from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from support.cli import Cli, Home, Running
from support.state_dirs import canaries, original_state, put
from support.terminal import Terminal


def made(cli: Cli) -> Path:
    original_state(cli.home.state)
    return Path(cli("backup", "create", "--json").json["path"])


def test_a_backup_is_made_in_a_private_place_and_verifies(cli: Cli) -> None:
    path = made(cli)
    assert path.parent == cli.home.path / "openclaw-backups"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    answer = cli("backup", "verify", str(path), "--json")
    assert answer.code == 0
    assert answer.json["files"] > 10
    assert "each as its manifest says" in cli("backup", "verify", str(path)).out


def test_a_damaged_backup_is_exit_code_1(cli: Cli) -> None:
    path = made(cli)
    path.write_bytes(path.read_bytes()[:-40])
    answer = cli("backup", "verify", str(path))
    assert answer.code == 1
    assert "damaged" in answer.err
    assert cli("backup", "verify", "none.zip", "--json").json["ok"] is False


def test_a_restore_needs_a_yes(cli: Cli) -> None:
    path = made(cli)
    cli.home.config.write_text("{}")
    answer = cli("backup", "restore", str(path))
    assert answer.code == 1
    assert "--yes" in answer.err
    assert cli.home.config.read_text() == "{}"
    assert not list(cli.home.state.glob(".restore-*"))


def test_a_restore_brings_back_and_keeps_aside(cli: Cli) -> None:
    path = made(cli)
    cli.home.config.write_text("{}")
    answer = cli("backup", "restore", str(path), "--yes", "--json")
    assert answer.code == 0
    assert cli.home.read_config()["gateway"]["port"] == 18999
    assert json.loads((Path(answer.json["before"]) / "openclaw.json").read_text()) == {}


def test_a_dry_run_changes_nothing(cli: Cli) -> None:
    path = made(cli)
    cli.home.config.write_text("{}")
    assert cli("backup", "restore", str(path), "--dry-run", "--json").json["dryRun"] is True
    assert cli.home.config.read_text() == "{}"


def test_a_restore_into_another_profile(cli: Cli) -> None:
    path = made(cli)
    assert cli("--profile", "copy", "backup", "restore", str(path), "--yes").code == 0
    assert (cli.home.path / ".openclaw-copy/openclaw.json").is_file()


def test_on_a_terminal_it_is_asked(cli: Cli, home: Home) -> None:
    path = made(cli)
    home.config.write_text("{}")
    terminal = Terminal(home, "backup", "restore", str(path))
    terminal.answer("Restore it? [y/N]:", "y")
    assert terminal.finish() == 0
    assert home.read_config()["gateway"]["port"] == 18999


def test_a_running_gateway_is_backed_up_and_never_restored(gateway: Running) -> None:
    answer = gateway.home.program("backup", "create", "--json")
    assert answer.code == 0, answer.err
    restored = gateway.home.program("backup", "restore", answer.json["path"], "--yes")
    assert restored.code == 1
    assert "gateway stop" in restored.err
    assert gateway.home.program("health", "--json").json["ok"] is True


def test_no_output_holds_a_secret(cli: Cli) -> None:
    path = made(cli)
    put(cli.home.state, "openclaw.json", {"gateway": {"mode": "local"}})
    for arguments in (
        ("create",),
        ("verify", str(path)),
        ("restore", str(path), "--dry-run"),
        ("restore", str(path), "--yes"),
    ):
        answer = cli("backup", *arguments)
        for secret in canaries():
            assert secret not in answer.out + answer.err


@pytest.mark.parametrize("arguments", [("create", "--out", "x.zip"), ("create",)])
def test_without_a_state_there_is_nothing_to_back_up(cli: Cli, arguments: tuple[str, ...]) -> None:
    answer = cli("backup", *arguments)
    assert answer.code == 1
    assert "no state directory" in answer.err
