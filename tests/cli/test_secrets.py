from __future__ import annotations

import pytest

from support.cli import Cli
from support.state_dirs import canaries, canary, original_state, put, snapshot


def test_the_audit_lists_places_and_changes_nothing(cli: Cli) -> None:
    original_state(cli.home.state)
    before = snapshot(cli.home.state)
    answer = cli("secrets", "audit")
    assert answer.code == 0
    assert "gateway.auth.token" in answer.out
    assert "openclaw secrets audit --fix" in answer.out
    assert {path: value for path, value in snapshot(cli.home.state).items() if "cache" not in path} == before


def test_json_has_the_three_fields_and_no_value(cli: Cli) -> None:
    original_state(cli.home.state)
    found = cli("secrets", "audit", "--json").json
    assert set(found) == {"findings", "moved"}
    assert all(set(row) == {"file", "path", "kind"} for row in found["findings"])
    assert found["moved"] == []


@pytest.mark.parametrize("target", ["env", "file"])
def test_fix_moves_what_the_config_holds(cli: Cli, target: str) -> None:
    original_state(cli.home.state)
    answer = cli("secrets", "audit", "--fix", "--to", target, "--json")
    assert answer.code == 0
    assert len(answer.json["moved"]) == 11
    assert not [row for row in answer.json["findings"] if row["kind"].startswith("config")]
    assert cli("config", "validate").code == 0
    assert "canary" not in cli.home.config.read_text()
    assert "Nothing to move" in cli("secrets", "audit", "--fix").out


def test_no_output_holds_a_secret(cli: Cli) -> None:
    original_state(cli.home.state)
    for flags in ((), ("--json",), ("--fix",), ("--fix", "--json")):
        answer = cli("secrets", "audit", *flags)
        for secret in canaries():
            assert secret not in answer.out + answer.err


def test_pasted_keys_come_with_advice(cli: Cli) -> None:
    original_state(cli.home.state)
    answer = cli("secrets", "audit")
    assert "replace such a key at its provider" in answer.out
    assert canary("pasted") not in answer.out


def test_a_failure_is_told_as_json_too(cli: Cli) -> None:
    original_state(cli.home.state)
    put(cli.home.state, ".env", "X=1\n", mode=0o644)
    answer = cli("secrets", "audit", "--fix", "--json")
    assert answer.code == 1
    assert "doctor --fix" in answer.json["error"]["message"]
