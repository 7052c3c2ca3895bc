"""Every shared case file is answered as config.md 7 says."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.load import check_config, load_config
from openclaw.config.stamped import stamped, value_at
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import ConfigInvalid
from support.shared import SHARED, shared_fixture, shared_json

# What this system answers to the cases that are marked as quirks of the original.
QUIRKS: dict[str, dict[str, Any]] = {
    "ok-include-parent-dir": {"accepted": False, "faults": [""], "effective": {}},
    "ok-port-above-65535": {"accepted": False, "faults": ["gateway.port"], "effective": {}},
    "ok-duplicate-agent-ids": {"accepted": False, "faults": ["agents.list.1.id"], "effective": {}},
    "bad-enum-auth-mode-none": {},
    "ok-account-policy-stamped": {
        "effective": {
            "channels.telegram.dmPolicy": "allowlist",
            "channels.telegram.accounts.alerts.dmPolicy": "allowlist",
            "channels.telegram.accounts.alerts.groupPolicy": "disabled",
            "channels.signal.groupPolicy": "allowlist",
        }
    },
}


def _cases() -> list[dict[str, Any]]:
    if not SHARED.exists():
        return []
    cases: list[dict[str, Any]] = shared_json("config", "index.json")["cases"]
    return [{**case, **QUIRKS[case["id"]]} if "quirk" in case else case for case in cases]


def _load(case: dict[str, Any], extra: dict[str, str] | None = None) -> tuple[StateLayout, Environment]:
    main = shared_fixture("config", *case["main"].split("/"))
    environment = Environment({"HOME": "/nonexistent-home", **case.get("env", {}), **(extra or {})})
    return StateLayout(root=main.parent, config=main), environment


def test_the_case_files_are_there() -> None:
    assert shared_fixture("config", "index.json").exists()


@pytest.mark.parametrize("case", _cases(), ids=lambda case: case["id"])
def test_verdict_faults_and_effective_values_agree(case: dict[str, Any]) -> None:
    layout, environment = _load(case)
    config, issues = check_config(layout, environment)
    assert (config is not None) == case["accepted"]
    assert sorted(issue.path for issue in issues) == sorted(case.get("faults", []))
    if config is not None:
        shown = stamped(config)
        assert {path: value_at(shown, path) for path in case["effective"]} == case["effective"]


def test_an_include_outside_the_folder_is_read_when_its_folder_is_named() -> None:
    case = {"main": "ok-include-parent-dir/state/openclaw.json"}
    outside = str(shared_fixture("config", "ok-include-parent-dir", "outside"))
    config = load_config(*_load(case, {"OPENCLAW_INCLUDE_ROOTS": outside}))
    assert config.logging.level == "debug"
    assert config.logging.redact_sensitive is None


def test_the_view_of_the_original_gives_silent_accounts_the_default() -> None:
    config = load_config(*_load({"main": "ok-account-policy-stamped/openclaw.json"}))
    shown = stamped(config, accounts="original")
    assert value_at(shown, "channels.telegram.accounts.alerts.dmPolicy") == "pairing"
    account = config.channels.account("telegram", "alerts")
    assert account is not None
    assert account.group_policy == "disabled"


def test_an_invalid_file_yields_no_config() -> None:
    with pytest.raises(ConfigInvalid) as caught:
        load_config(*_load({"main": "bad-several-faults/openclaw.json"}))
    assert {issue["path"] for issue in caught.value.details["issues"]} == {
        "gateway.bind",
        "gateway.port",
        "logging.level",
        "channels.telegram.dmPolicy",
    }
