"""No command shows a secret, wherever it lies: each place holds a canary of its own."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from support.cli import Answer, Cli
from support.every_secret import every_secret, secret_paths
from support.planted_state import Planted, paths_in, plant_config, plant_environment, plant_stores

SHOWN: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("status", "--all"),
    ("status", "--all", "--deep", "--json"),
    ("config", "get"),
    ("config", "get", "--json"),
    ("config", "validate"),
    ("config", "validate", "--json"),
    ("config", "schema"),
    ("secrets", "audit"),
    ("secrets", "audit", "--json"),
    ("doctor", "--non-interactive"),
    ("doctor", "--non-interactive", "--json"),
    ("doctor", "--non-interactive", "--deep", "--json"),
    ("security", "audit"),
    ("security", "audit", "--json"),
    ("security", "audit", "--json", "--compat", "2026.2.9"),
    ("security", "audit", "--sarif"),
    ("security", "audit", "--fix", "--dry-run"),
    ("gateway", "status", "--json"),
    ("sessions", "--json"),
    ("pairing", "list", "telegram", "--json"),
    ("approvals", "get"),
    ("approvals", "get", "--json"),
    ("sandbox", "explain", "--json"),
    ("explain", "--matrix"),
    ("explain", "--matrix", "--json"),
    ("ledger", "verify"),
    ("service", "install", "--print"),
    ("service", "status", "--json"),
    ("reset", "--dry-run", "--scope", "full", "--json"),
    ("uninstall", "--dry-run", "--all", "--json"),
)


@pytest.fixture
def planted(cli: Cli) -> Planted:
    planted = Planted()
    cli.home.write_config(plant_config(planted))
    for name, value in plant_environment(planted).items():
        cli.set_variable(name, value)
    plant_stores(planted, cli.home.state)
    return planted


def clean(planted: Planted, answer: Answer, of: object) -> None:
    assert "Traceback" not in answer.err, of
    assert "defect" not in answer.err, of
    assert planted.found_in(answer.out + answer.err) == [], of


def test_every_secret_field_of_the_schema_is_planted_in_a_valid_config(cli: Cli, planted: Planted) -> None:
    assert cli("config", "validate").code == 0
    document, canaries = every_secret()
    text = json.dumps(document)
    assert len(canaries) == len(set(canaries.values())) > len(secret_paths()) > 80
    assert all(secret in text for secret in canaries.values())


@pytest.mark.parametrize("command", SHOWN, ids=" ".join)
def test_no_command_shows_a_canary(cli: Cli, planted: Planted, command: tuple[str, ...]) -> None:
    answer = cli(*command)
    assert answer.code == 0, answer.err
    clean(planted, answer, command)


def test_config_get_masks_at_every_path(cli: Cli, planted: Planted) -> None:
    asked = 0
    for path in paths_in(cli.home.read_config()):
        for more in ((), ("--json",)):
            answer = cli("config", "get", path, *more)
            assert answer.code == 0, (path, answer.err)
            clean(planted, answer, path)
            asked += 1
    assert asked > 300


def test_changing_something_quotes_no_neighbour(cli: Cli, planted: Planted) -> None:
    changes: tuple[tuple[str, ...], ...] = (
        ("config", "set", "gateway.port", "18800"),
        ("config", "set", "gateway.auth.token", json.dumps({"wrong": planted.by_place["gateway.auth.token"]}), "--yes"),
        ("config", "set", "gateway.bind", "lan"),
        ("config", "set", "channels.telegram.dmPolicy", "open", "--json"),
        ("config", "unset", "tools.web.search.apiKey"),
        ("config", "unset", "channels.slack.appToken", "--json"),
        ("doctor", "--fix", "--non-interactive", "--json"),
        ("security", "audit", "--fix", "--json"),
        ("secrets", "audit", "--fix", "--json"),
    )
    for command in changes:
        clean(planted, cli(*command), command)


def test_faults_quote_no_secret(cli: Cli, planted: Planted) -> None:
    document = cli.home.read_config()
    spoiled: list[Any] = []
    for path, kind in secret_paths():
        one = json.loads(json.dumps(document))
        holder = one
        for step in path[:-1]:
            holder = holder[step]
        value = holder[path[-1]]
        holder[path[-1]] = [value] if kind == "secret" else {"url": value}
        spoiled.append(one)
    for number, one in enumerate(spoiled):
        cli.home.write_config(one)
        clean(planted, cli("config", "validate", *(["--json"] if number % 2 else [])), secret_paths()[number])
    text = json.dumps(document)
    for cut in (len(text) // 3, len(text) // 2, len(text) - 2):
        cli.home.write_config(text[:cut])
        for command in (("config", "validate"), ("status",), ("config", "get", "gateway"), ("doctor", "--json")):
            clean(planted, cli(*command), command)


def test_a_backup_shows_no_canary_in_its_list_and_manifest(cli: Cli, planted: Planted, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    for command in (
        ("backup", "create", "--out", str(target)),
        ("backup", "verify", str(target), "--json"),
        ("backup", "restore", str(target), "--dry-run"),
        ("backup", "restore", str(target), "--dry-run", "--json"),
    ):
        answer = cli(*command)
        assert answer.code == 0, answer.err
        clean(planted, answer, command)
    with zipfile.ZipFile(target) as archive:
        assert planted.found_in(archive.read("manifest.json").decode()) == []
        assert planted.found_in("\n".join(archive.namelist())) == []


def test_what_the_program_keeps_for_itself_holds_no_canary(cli: Cli, planted: Planted) -> None:
    for command in (("config", "get"), ("status", "--all"), ("security", "audit"), ("doctor", "--fix")):
        cli(*command)
    for folder in ("cache", "logs", "ledger", "journal"):
        for path in (cli.home.state / folder).rglob("*"):
            if path.is_file():
                assert planted.found_in(path.read_bytes().decode("utf-8", "replace")) == [], path
