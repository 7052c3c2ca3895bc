from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from openclaw.cli.policy_files import KINDS
from support.cli import Cli
from support.shared import shared_fixture, shared_json


@pytest.mark.parametrize("kind", KINDS)
def test_the_shared_cases_pass_and_tell_their_kind(cli: Cli, kind: str) -> None:
    path = shared_fixture(kind, "cases.json")
    count = len(shared_json(kind, "cases.json")["cases"])
    answer = cli("policy", "test", str(path))
    assert (answer.code, answer.out) == (0, f"{count} passed, 0 failed\n")
    assert cli("policy", "test", "--kind", kind, str(path), "--json").json == {
        "ok": True,
        "passed": count,
        "failed": 0,
        "failures": [],
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_bare_list_of_cases_tells_its_kind_as_well(cli: Cli, kind: str) -> None:
    head = shared_json(kind, "cases.json")
    place = cli.home.path / "mine.json"
    cases = [{**head.get("defaults", {}), **case} for case in head["cases"][:1]]
    place.write_text(json.dumps(cases))
    answer = cli("policy", "test", str(place), "--json")
    found = answer.json
    assert found["passed"] + found["failed"] == 1
    assert all(failure["kind"] == kind for failure in found["failures"])


def case(text: str, decision: str) -> dict[str, Any]:
    return {
        "id": "mine",
        "channel": "telegram",
        "config": {"channels": {"telegram": {}}},
        "message": {"chatType": "direct", "chatId": "7", "sender": {"id": "7"}, "text": text},
        "expected": {"decision": decision, "commandAuthorized": False, "pairingReply": decision == "pair"},
    }


def mine(cli: Cli, *cases: dict[str, Any], name: str = "cases.json") -> str:
    place = cli.home.path / name
    place.write_text(json.dumps({"format": "access-cases/1", "cases": list(cases)}))
    return str(place)


def test_a_failing_case_is_one_line_with_both_answers_and_the_reason(cli: Cli) -> None:
    answer = cli("policy", "test", mine(cli, case("hello", "pair"), case("hello", "deliver")))
    assert answer.code == 1
    line, count = answer.out.splitlines()
    assert line.startswith('FAIL access mine: expected {"decision": "deliver"')
    assert 'got {"decision": "pair"' in line
    assert "dm.pairing.new" in line
    assert count == "1 passed, 1 failed"


def test_the_json_answer_holds_the_trail(cli: Cli) -> None:
    answer = cli("policy", "test", "--json", mine(cli, case("hello", "deliver")))
    assert answer.code == 1
    (failure,) = answer.json["failures"]
    assert set(failure) == {"file", "kind", "id", "expected", "got", "trail"}
    assert failure["trail"][-1]["rule"] == "dm.pairing.new"


def test_several_files_are_counted_together(cli: Cli) -> None:
    files = mine(cli, case("a", "pair")), mine(cli, case("b", "pair"), name="more.json")
    assert cli("policy", "test", *files).out == "2 passed, 0 failed\n"


def test_with_config_the_live_config_lies_below_each_case(cli: Cli) -> None:
    cli.home.write_config({"channels": {"telegram": {"allowFrom": [7], "dmPolicy": "allowlist"}}})
    place = mine(cli, {**case("hello", "deliver")})
    assert cli("policy", "test", place).code == 1
    answer = cli("policy", "test", "--config", place, "--json")
    (failure,) = answer.json["failures"] or [{"got": {"decision": "deliver"}}]
    assert failure["got"]["decision"] == "deliver"
    own = {**case("hello", "drop"), "config": {"channels": {"telegram": {"dmPolicy": "disabled"}}}}
    assert cli("policy", "test", "--config", mine(cli, own)).code == 0


def test_with_config_exec_and_url_cases_take_what_they_do_not_state(cli: Cli) -> None:
    cli.home.write_config(
        {
            "tools": {
                "exec": {"security": "deny"},
                "web": {"fetch": {"ssrfPolicy": {"allowedHostnames": ["files.local"]}}},
            }
        }
    )
    world = {"home": "/home/u", "path": ["/usr/bin"], "executables": ["/usr/bin/rg"]}
    runs = cli.home.path / "exec.json"
    runs.write_text(json.dumps({"world": world, "cases": [{"id": "a", "command": "rg x", "expect": "deny"}]}))
    assert cli("policy", "test", "--config", str(runs)).code == 0
    urls = cli.home.path / "urls.json"
    fetch = {"id": "u", "url": "http://files.local/", "expect": "allowed"}
    urls.write_text(json.dumps({"dns": {"files.local": ["10.0.0.5"]}, "cases": [fetch]}))
    assert cli("policy", "test", str(urls)).code == 1
    assert cli("policy", "test", "--config", str(urls)).code == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("{", "line 1"),
        ("{}", "holds no cases"),
        ("[1]", "holds no cases"),
        ('{"cases": {}}', "holds no cases"),
        ("[]", "--kind"),
        ('[{"id": "x"}]', "--kind"),
    ],
)
def test_what_is_no_case_file_is_refused(cli: Cli, text: str, said: str) -> None:
    place = cli.home.path / "bad.json"
    place.write_text(text)
    answer = cli("policy", "test", str(place))
    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err


def test_a_malformed_case_fails_and_the_others_still_run(cli: Cli) -> None:
    place = mine(cli, {"id": "broken"}, case("hello", "pair"))
    answer = cli("policy", "test", place)
    assert answer.code == 1
    assert "FAIL access broken" in answer.out
    assert "malformed" in answer.out
    assert "1 passed, 1 failed" in answer.out


def test_a_case_with_an_invalid_config_fails_by_name(cli: Cli) -> None:
    broken = {**case("x", "pair"), "config": {"gateway": {"nothing": 1}}}
    assert "unknown key" in cli("policy", "test", mine(cli, broken)).out


def test_a_missing_file_is_named(cli: Cli) -> None:
    answer = cli("policy", "test", str(Path("absent.json")))
    assert answer.code == 1
    assert "absent.json cannot be read" in answer.err
