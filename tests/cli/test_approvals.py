from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from openclaw.state.ledger import Ledger, ledger_files
from openclaw.state.ledger_verify import verify_ledger
from support.cli import Cli, Home, Running
from support.time import FakeClock
from support.waiting import until


def stored(cli: Cli) -> Any:
    return json.loads((cli.home.state / "exec-approvals.json").read_text())


def test_the_local_file_is_shown_without_its_socket_token(cli: Cli) -> None:
    answer = cli("approvals", "get", "--json")
    assert set(answer.json) == {"path", "exists", "hash", "file"}
    assert "token" not in answer.json["file"]["socket"]
    assert stored(cli)["socket"]["token"] not in answer.out
    table = cli("approvals", "get").out.splitlines()
    assert table[0].split() == ["Field", "Value"]
    assert table[1].split() == ["Path", "~/.openclaw/exec-approvals.json"]


def test_patterns_are_added_for_an_agent_or_for_all(cli: Cli) -> None:
    assert cli("approvals", "allowlist", "add", "/usr/bin/rg").code == 0
    assert cli("approvals", "allowlist", "add", "~/bin/*", "--agent", "main").code == 0
    agents = stored(cli)["agents"]
    assert [entry["pattern"] for entry in agents["*"]["allowlist"]] == ["/usr/bin/rg"]
    assert [entry["pattern"] for entry in agents["main"]["allowlist"]] == ["~/bin/*"]
    assert "already" in cli("approvals", "allowlist", "add", "/USR/bin/rg").out
    assert len(stored(cli)["agents"]["*"]["allowlist"]) == 1


def test_patterns_are_removed(cli: Cli) -> None:
    cli("approvals", "allowlist", "add", "/usr/bin/rg")
    answer = cli("approvals", "allowlist", "remove", "/usr/bin/rg", "--json")
    assert answer.json["file"]["agents"]["*"]["allowlist"] == []
    again = cli("approvals", "allowlist", "remove", "/usr/bin/rg")
    assert again.code == 1
    assert "not on the list" in again.err


def test_an_entry_with_fixed_words_is_not_taken_for_a_bare_pattern(cli: Cli) -> None:
    entry = {"pattern": "/usr/bin/git", "args": ["status"]}
    cli("approvals", "set", stdin=json.dumps({"version": 1, "agents": {"*": {"allowlist": [entry]}}}))
    assert cli("approvals", "allowlist", "remove", "/usr/bin/git").code == 1
    assert cli("approvals", "allowlist", "add", "/usr/bin/git").code == 0
    assert len(stored(cli)["agents"]["*"]["allowlist"]) == 2


def test_the_file_is_replaced_from_a_file_or_stdin_and_keeps_its_socket(cli: Cli) -> None:
    cli("approvals", "get")
    token = stored(cli)["socket"]["token"]
    document = {"version": 1, "defaults": {"security": "allowlist", "ask": "always"}}
    place = cli.home.path / "new.json"
    place.write_text(json.dumps(document))
    assert cli("approvals", "set", "--file", str(place)).code == 0
    assert stored(cli)["defaults"] == document["defaults"]
    assert stored(cli)["socket"]["token"] == token
    assert cli("approvals", "set", "--stdin", stdin='{version: 1, defaults: {ask: "off"}}').code == 0
    assert stored(cli)["defaults"] == {"ask": "off"}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 2}', '{"version": 1, "agents": 5}'])
def test_what_is_no_approvals_document_is_refused(cli: Cli, text: str) -> None:
    cli("approvals", "get")
    before = stored(cli)
    answer = cli("approvals", "set", stdin=text)
    assert answer.code == 1
    assert stored(cli) == before


def test_a_broken_file_is_told_not_edited_and_mended_by_set(cli: Cli) -> None:
    cli("approvals", "get")
    (cli.home.state / "exec-approvals.json").write_text("{broken")
    assert "approvals set" in cli("approvals", "get").err
    assert cli("approvals", "allowlist", "add", "/usr/bin/rg").code == 1
    assert cli("approvals", "set", stdin='{"version": 1}').code == 0
    assert cli("approvals", "get").err == ""


@pytest.mark.parametrize(
    "arguments",
    [("get", "--gateway", "--node", "x"), ("set", "--file", "absent.json"), ("set", "--file", "a", "--stdin")],
)
def test_contradictions_are_refused(cli: Cli, arguments: tuple[str, ...]) -> None:
    assert cli("approvals", *arguments).code == 1


def test_through_the_gateway_the_same_file_is_edited(gateway: Running) -> None:
    program = gateway.home.program
    assert program("approvals", "allowlist", "add", "/usr/bin/rg", "--gateway").code == 0
    local = json.loads(program("approvals", "get", "--json").out)
    remote = json.loads(program("approvals", "get", "--gateway", "--json").out)
    assert local == remote
    assert remote["file"]["agents"]["*"]["allowlist"][0]["pattern"] == "/usr/bin/rg"
    assert program("approvals", "allowlist", "remove", "/usr/bin/rg", "--gateway").code == 0


def changes(state: Path) -> list[dict[str, Any]]:
    records = [json.loads(line) for path in ledger_files(state / "ledger") for line in path.read_text().splitlines()]
    return [record for record in records if record["verdict"].get("rule") == "approvals.file"]


def test_without_a_gateway_a_change_is_recorded_by_the_command_itself(cli: Cli) -> None:
    cli("approvals", "allowlist", "add", "/usr/bin/rg")
    cli("approvals", "allowlist", "remove", "/usr/bin/rg")
    added, removed = changes(cli.home.state)
    assert added["actor"] == {"client": "cli", "uid": os.getuid()}
    assert (added["kind"], added["what"]["changed"]) == ("approval", ["*: +/usr/bin/rg"])
    assert removed["what"]["changed"] == ["*: -/usr/bin/rg"]
    assert removed["what"]["before"] == added["what"]["after"]
    assert verify_ledger(cli.home.state / "ledger").ok


def test_what_could_not_be_recorded_is_not_changed(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("approvals", "get")
    monkeypatch.setattr("openclaw.cli.ledgered.LEDGER_SECONDS", 0.05)
    ledger = Ledger.open(cli.home.state / "ledger", FakeClock())
    answer = cli("approvals", "allowlist", "add", "/usr/bin/rg")
    ledger.close()
    assert answer.code == 1
    assert "ledger is held by another process" in answer.err
    assert stored(cli)["agents"] == {}


@pytest.mark.asyncio
async def test_a_running_gateway_records_what_the_command_line_changes(gateway: Running) -> None:
    program, state = gateway.home.program, gateway.home.state
    assert program("approvals", "allowlist", "add", "/usr/bin/jq").code == 0
    assert json.loads(program("approvals", "allowlist", "remove", "/usr/bin/jq", "--json").out)["exists"]
    await until(lambda: len(mine(changes(state), "/usr/bin/jq")) == 2)
    added, removed = mine(changes(state), "/usr/bin/jq")
    assert added["actor"]["client"] == "cli"
    assert added["actor"]["connection"] != removed["actor"]["connection"]
    assert verify_ledger(state / "ledger").ok


def mine(records: list[dict[str, Any]], pattern: str) -> list[dict[str, Any]]:
    return [record for record in records if any(pattern in line for line in record["what"]["changed"])]


def test_another_gateway_is_never_asked_in_place_of_the_own_one(gateway: Running) -> None:
    other = gateway.home.path / "other.json"
    other.write_text(json.dumps({"gateway": {"mode": "remote", "remote": {"url": "ws://127.0.0.1:1"}}}))
    other.chmod(0o600)
    home = Home(gateway.home.path, {"OPENCLAW_CONFIG_PATH": str(other)})
    answer = home.program("approvals", "allowlist", "add", "/usr/bin/awk")
    assert answer.code == 1
    assert "gateway stop" in answer.err


def test_a_node_that_is_not_there_is_one_clear_line(gateway: Running) -> None:
    answer = gateway.home.program("approvals", "get", "--node", "phone")
    assert answer.code == 1
    assert "Gateway call failed: Error:" in answer.err
