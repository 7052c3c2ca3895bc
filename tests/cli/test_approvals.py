from __future__ import annotations

import json
from typing import Any

import pytest

from support.cli import Cli, Running


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


def test_a_node_that_is_not_there_is_one_clear_line(gateway: Running) -> None:
    answer = gateway.home.program("approvals", "get", "--node", "phone")
    assert answer.code == 1
    assert "Gateway call failed: Error:" in answer.err
