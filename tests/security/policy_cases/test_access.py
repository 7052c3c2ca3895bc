"""The shared access cases, and the runner itself."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.security.policy_cases.access import STORE_TAG, run_case
from support.shared import shared_json


def test_every_shared_case_is_met_with_its_reason() -> None:
    document = shared_json("access", "cases.json")
    results = [run_case(case, document) for case in document["cases"]]
    assert [(found.id, found.expected, found.got) for found in results if not found.ok] == []
    assert [found.id for found in results if found.got["reason"] != found.expected["reason"]] == []
    assert len(results) >= 60


def group_case(**more: Any) -> dict[str, Any]:
    """Return a group message of a sender whom only the pairing store knows."""
    return {
        "id": "x",
        "channel": "telegram",
        "self": {"id": "900", "username": "mybot"},
        "config": {"channels": {"telegram": {"botToken": "1:x", "groupAllowFrom": ["77"]}}},
        "store": {"allowFrom": ["42"]},
        "message": {
            "chatType": "group",
            "chatId": "-100",
            "sender": {"id": "42"},
            "text": "hi",
            "mentions": {"self": True},
        },
        "expected": {"decision": "deliver", "commandAuthorized": True},
        **more,
    }


def test_a_case_that_is_not_met_shows_both_sides() -> None:
    found = run_case(group_case())
    assert not found.ok
    assert found.expected["decision"] == "deliver"
    assert found.got["decision"] == "drop"
    assert found.trail[-1].rule == "group.sender-not-allowed"


@pytest.mark.parametrize(
    ("settings", "text", "decision", "reason"),
    [
        ({"groupAllowFrom": ["77"]}, "hi", "drop", "group.sender-not-allowed"),
        ({}, "hi", "drop", "group.allowlist-empty"),
        ({"groupPolicy": "open"}, "/status", "drop", "command.unauthorized"),
        ({"groupPolicy": "open"}, "hi", "deliver", "group.mentioned"),
    ],
)
def test_adv_D1_cases_of_the_merged_store_are_answered_as_if_it_were_empty(
    settings: dict[str, Any], text: str, decision: str, reason: str
) -> None:
    case = group_case(tags=[STORE_TAG], config={"channels": {"telegram": settings}})
    case["message"]["text"] = text
    found = run_case(case)
    assert found.ok
    assert (found.got["decision"], found.got["reason"]) == (decision, reason)
    assert found.got["commandAuthorized"] is False


def test_a_case_without_a_config_is_judged_by_the_given_one() -> None:
    case = group_case()
    del case["config"]
    mine = {"channels": {"telegram": {"groupPolicy": "open", "groupAllowFrom": ["42"]}}}
    assert run_case(case, mine).ok
    assert run_case(group_case(), {"format": "x", "cases": []}).got["decision"] == "drop"


def test_an_invalid_config_fails_the_case_with_its_fault() -> None:
    found = run_case(group_case(config={"commands": {"text": "maybe"}}))
    assert not found.ok
    assert "commands.text" in found.got["error"]


def test_unknown_words_in_a_case_count_as_unknown() -> None:
    for field, reason in (("chatType", "chat.unknown-type"), ("eventKind", "event.unsupported")):
        case = group_case()
        case["message"][field] = "poltergeist"
        assert run_case(case).got["reason"] == reason
