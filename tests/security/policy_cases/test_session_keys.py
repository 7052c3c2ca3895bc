from __future__ import annotations

from collections import Counter

from openclaw.security.policy_cases.session_keys import run_case
from support.shared import shared_json


def test_all_shared_cases() -> None:
    document = shared_json("session-keys", "cases.json")
    results = [run_case(case, document) for case in document["cases"]]
    assert [(result.id, result.expected, result.got) for result in results if not result.ok] == []
    assert len(results) >= 25
    assert len(Counter(case["op"] for case in document["cases"])) == 8


def test_a_case_without_a_config_runs_under_the_base() -> None:
    case = {
        "id": "x",
        "op": "route",
        "input": {"channel": "telegram", "peer": {"kind": "direct", "id": "5"}},
        "expect": {"sessionKey": "agent:main:direct:5", "matchedBy": "default"},
    }
    assert run_case(case, {"session": {"dmScope": "per-peer"}}).ok
    assert run_case(case, {"config": {"session": {"dmScope": "per-peer"}}}).ok
    found = run_case(case)
    assert (found.ok, found.got["sessionKey"]) == (False, "agent:main:main")
    assert found.trail[-1].rule == "route.default"


def test_a_refused_binding_is_in_the_trail() -> None:
    config = {"agents": {"list": [{"id": "a"}]}, "bindings": [{"agentId": "ghost", "match": {"channel": "telegram"}}]}
    case = {
        "id": "x",
        "op": "route",
        "input": {"config": config, "channel": "telegram"},
        "expect": {"unlistedAgent": "ghost"},
    }
    found = run_case(case)
    assert found.ok
    assert [reason.rule for reason in found.trail] == ["route.unlisted-agent", "route.binding.account"]


def test_a_direct_chat_has_no_room() -> None:
    case = {"id": "x", "op": "group", "input": {"From": "telegram:5"}, "expect": {"group": None}}
    assert run_case(case).ok


def test_an_unknown_op_and_an_invalid_config_are_answers() -> None:
    assert not run_case({"id": "x", "op": "nonsense", "input": {}, "expect": {}}).ok
    bad = {"id": "x", "op": "route", "input": {"config": {"session": {"scope": 5}}, "channel": "x"}, "expect": {}}
    found = run_case(bad)
    assert not found.ok
    assert "session.scope" in found.got["error"]
