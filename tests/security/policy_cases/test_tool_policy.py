from __future__ import annotations

import pytest

from openclaw.config.compile.routing import compile_routing
from openclaw.policy.what.tool_names import CORE_TOOLS
from openclaw.security.policy_cases.configs import case_config
from openclaw.security.policy_cases.tool_policy import run_case
from openclaw.system.errors import ConfigInvalid
from support.shared import shared_json


def test_all_shared_cases() -> None:
    document = shared_json("tool-policy", "cases.json")
    results = [run_case(case, document) for case in document["cases"]]
    assert [(result.id, result.expected, result.got) for result in results if not result.ok] == []
    assert len(results) >= 60


def test_the_shared_catalogue_has_the_names_of_the_product() -> None:
    catalogue = shared_json("tool-policy", "cases.json")["catalogue"]
    own = {tool["name"] for tool in catalogue if tool.get("pluginId") not in {"weather", "notes"}}
    assert own == set(CORE_TOOLS)


CASE = {
    "id": "x",
    "input": {"config": {"tools": {"allow": ["read", "ghost"]}}, "sessionKey": "agent:main:main"},
    "expect": {"allowed": ["read"], "removedBy": {}, "unknownAllowEntries": ["ghost"]},
}


def test_without_a_catalogue_the_products_own_tools_exist() -> None:
    found = run_case(CASE)
    assert found.got["allowed"] == ["read"]
    assert found.got["removedBy"]["exec"] == "global"
    assert found.trail[0].key == "tools.allow"
    assert "ghost" in found.trail[0].detail


def test_a_wrong_sandbox_mark_is_noticed() -> None:
    removed = run_case(CASE).got["removedBy"]
    right = {**CASE, "expect": {**CASE["expect"], "removedBy": removed}}  # type: ignore[dict-item]  # test data
    assert run_case(right).ok
    marked = {**right, "input": {**CASE["input"], "sandboxed": True}}  # type: ignore[dict-item]  # test data
    assert not run_case(marked).ok


def test_an_invalid_config_is_an_answer() -> None:
    found = run_case({**CASE, "input": {"config": {"tools": {"allow": 5}}, "sessionKey": "agent:main:main"}})
    assert not found.ok
    assert "tools.allow" in found.got["error"]


def test_a_case_config_needs_keys_and_types_but_not_the_rules_between_keys() -> None:
    both = {"tools": {"allow": ["read"], "alsoAllow": ["exec"]}}
    assert case_config({"config": both}, None).tools.also_allow == ("exec",)
    with pytest.raises(ConfigInvalid):
        case_config({"config": {"nonsense": 1}}, None)
    assert compile_routing(case_config({}, None)).agents == ()


def test_the_rooms_of_a_channel_hold_whatever_its_schema_says() -> None:
    config = {"channels": {"googlechat": {"groups": {"spaces/A": {"tools": {"allow": ["read"]}}}}}}
    given = {"config": config, "sessionKey": "agent:main:googlechat:group:spaces/a"}
    assert run_case({**CASE, "input": given}).got["allowed"] == ["read"]
