from __future__ import annotations

import json
import os
import stat

import pytest

from support.cli import Cli, Home, Running, started
from support.state_dirs import CONFIG, OTHER_UID, canaries, original_state, put, read_only, snapshot
from support.terminal import Terminal

MESSY = '{ telegram: { botToken: "1:x" }, gateway: { mode: "local" }, bridge: {} }'


def messy(home: Home) -> None:
    put(home.path, ".openclaw/openclaw.json", MESSY, mode=0o644)
    home.state.chmod(0o755)


def test_without_a_terminal_nothing_is_repaired(cli: Cli) -> None:
    messy(cli.home)
    before = snapshot(cli.home.path)
    answer = cli("doctor")
    assert answer.code == 0
    assert snapshot(cli.home.path) == before
    assert "repair: chmod 700 ~/.openclaw (now 755)" in answer.out
    assert "To repair what can be: openclaw doctor --fix" in answer.out


@pytest.mark.parametrize("flags", [("--fix",), ("--repair",), ("--yes",), ("--fix", "--non-interactive")])
def test_fix_repairs_everything_safe_without_a_terminal(cli: Cli, flags: tuple[str, ...]) -> None:
    messy(cli.home)
    answer = cli("doctor", *flags)
    assert answer.code == 0, answer.out
    assert stat.S_IMODE(cli.home.state.stat().st_mode) == 0o700
    assert cli("config", "validate", "--json").json["valid"]
    config = cli("config", "get", "--json").json
    assert config["channels"]["telegram"]["botToken"] == "__OPENCLAW_REDACTED__"
    assert config["gateway"]["auth"]["token"] == "__OPENCLAW_REDACTED__"
    assert answer.out.index("repair: chmod 700") < answer.out.index("done   chmod 700")


def test_the_output_fits_100_columns(cli: Cli) -> None:
    original_state(cli.home.state)
    messy(cli.home)
    assert max(map(len, cli("doctor").out.splitlines())) <= 100


def test_json_is_one_document_and_says_what_became_of_each_repair(cli: Cli) -> None:
    messy(cli.home)
    found = cli("doctor", "--json").json
    assert found["ok"] is True
    assert {row["check"] for row in found["findings"]} >= {"state.directory", "config.shape"}
    assert {row["status"] for row in found["findings"] if "repair" in row} == {"declined"}
    fixed = cli("doctor", "--json", "--fix").json
    assert {row["status"] for row in fixed["findings"] if "repair" in row} == {"done"}
    assert fixed["summary"]["error"] >= 1


def test_a_token_that_is_asked_for_is_always_written_and_nothing_else(cli: Cli) -> None:
    put(cli.home.path, ".openclaw/openclaw.json", {"gateway": {"mode": "local"}}, mode=0o644)
    cli.home.state.chmod(0o755)
    answer = cli("doctor", "--generate-gateway-token")
    assert answer.code == 0
    token = cli.home.read_config()["gateway"]["auth"]["token"]
    assert len(token) == 48
    assert token not in answer.out
    assert stat.S_IMODE(cli.home.state.stat().st_mode) == 0o755
    cli("doctor", "--generate-gateway-token")
    assert cli.home.read_config()["gateway"]["auth"]["token"] != token


def test_a_token_that_cannot_be_written_is_a_failure(cli: Cli) -> None:
    cli.home.write_config({"gateway": {"port": "x"}})
    answer = cli("doctor", "--generate-gateway-token", "--json")
    assert answer.code == 1
    assert answer.json["ok"] is False


def test_a_repair_that_fails_is_exit_code_1(cli: Cli) -> None:
    original_state(cli.home.state)
    put(cli.home.state, "credentials/loose.json", {}, mode=0o644)
    with read_only(cli.home.state):
        answer = cli("doctor", "--fix")
    assert answer.code == 1
    assert "FAILED" in answer.out
    assert "Traceback" not in answer.out + answer.err


@pytest.mark.parametrize("config", ["", "{", "[]", "{ gateway: { port: 'x' } }", "\x00\x01", "{}" * 1000])
def test_whatever_the_config_is_doctor_works(cli: Cli, config: str) -> None:
    cli.home.write_config(config)
    answer = cli("doctor", "--fix")
    assert answer.code == 0, answer.out + answer.err
    assert cli.home.config.read_text() == config
    assert "config edit" in answer.out


def test_a_state_of_somebody_else_is_told_and_left(cli: Cli) -> None:
    original_state(cli.home.state)
    if os.geteuid() != 0:
        return
    os.chown(cli.home.state, OTHER_UID, OTHER_UID)
    before = snapshot(cli.home.state)
    answer = cli("doctor", "--fix")
    assert answer.code == 0
    assert f"belongs to user id {OTHER_UID}" in answer.out.replace("\n         ", " ")
    assert snapshot(cli.home.state) == before


def test_no_output_holds_a_secret(cli: Cli) -> None:
    original_state(cli.home.state)
    for flags in ((), ("--json",), ("--fix",), ("--generate-gateway-token",)):
        answer = cli("doctor", *flags)
        for secret in canaries():
            assert secret not in answer.out + answer.err


def test_a_secret_command_that_hangs_does_not_hang_doctor(cli: Cli) -> None:
    """Nothing runs, so the gateway's secret is not needed, and its command is not run."""
    reference = {"source": "exec", "command": ["/bin/sleep", "60"], "timeoutMs": 30000}
    cli.home.write_config({"gateway": {"mode": "local", "auth": {"mode": "token", "token": reference}}})
    assert cli("doctor").code == 0


def test_on_a_terminal_each_repair_is_asked_for(home: Home) -> None:
    messy(home)
    terminal = Terminal(home, "doctor")
    terminal.answer("chmod 700 ~/.openclaw (now 755)? [Y/n]:", "n")
    terminal.answer("chmod 600 ~/.openclaw/openclaw.json (now 644)? [Y/n]:", "y")
    terminal.answer("credentials (mode 700)", "n")
    terminal.answer("move telegram -> channels.telegram (and 1 more)? [Y/n]:", "n")
    assert terminal.finish() == 0
    assert stat.S_IMODE(home.state.stat().st_mode) == 0o755
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600
    assert home.config.read_text() == MESSY


def test_beside_a_running_gateway_doctor_asks_it(gateway: Running, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    answer = gateway.home.program("doctor", "--non-interactive", "--json")
    found = {row["check"]: row["message"] for row in answer.json["findings"]}
    assert f"answers on port {gateway.port}" in found["gateway.health"]


def test_a_gateway_that_speaks_tls_is_asked_by_its_own_certificate(home: Home) -> None:
    auth = {"mode": "password", "password": "a-password-of-some-length-0123"}
    home.write_config({"gateway": {"mode": "local", "auth": auth, "tls": {"enabled": True}}})
    with started(home):
        found = {row["check"]: row for row in home.program("doctor", "--non-interactive", "--json").json["findings"]}
    assert "and answers on port" in found["gateway.health"]["message"]


def test_a_state_of_the_original_is_usable_afterwards(cli: Cli) -> None:
    original_state(cli.home.state, CONFIG)
    assert cli("doctor", "--fix").code == 0
    assert cli("config", "validate").code == 0
    rows = cli("sessions", "--json").json["sessions"]
    assert {row["key"] for row in rows} == {"agent:main:main", "agent:main:telegram:group:-100"}
    approvals = cli("approvals", "get", "--json").json["file"]
    assert approvals["agents"]["main"]["allowlist"][0]["pattern"] == "/usr/bin/rg"
    stored = json.loads((cli.home.state / "credentials/telegram-allowFrom.json").read_text())
    assert stored["allowFrom"] == ["7", "8"]
