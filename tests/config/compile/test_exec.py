"""Compiling exec, file, URL and masking settings: defaults, agents over the global block, nothing loosened."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.compile.exec import compile_exec
from openclaw.config.model import Config
from openclaw.policy.what.exec_model import ExecPolicy, ExecSettings
from openclaw.policy.what.urls import judge_url


def compiled(**document: Any) -> ExecPolicy:
    return compile_exec(Config.from_document(document))


def settings(overall: dict[str, Any], own: dict[str, Any] | None = None) -> ExecSettings:
    agents = {"list": [{"id": "work", "tools": own}]} if own is not None else {}
    return compiled(tools=overall, agents=agents).for_agent("work")


def test_an_empty_config_is_strict() -> None:
    found = settings({})
    assert sorted(found.rules.safe_bins) == ["cut", "head", "tail", "tr", "uniq", "wc"]
    assert found.rules.strict_inline_eval
    assert found.patch_workspace_only
    assert not found.workspace_only
    assert not found.rules.auto_allow_skills
    assert not found.environment.allow | found.environment.inherit
    assert (found.timeout_sec, found.running_notice_ms, found.notify_on_exit) == (1800, 10_000, True)
    policy = compiled()
    assert policy.mask_shown
    assert not policy.fetch.allow_private
    assert not policy.browser.allow_private


@pytest.mark.parametrize(
    ("overall", "own", "name", "expected"),
    [
        ({"exec": {"timeoutSec": 5}}, None, "timeout_sec", 5),
        ({"exec": {"timeoutSec": 5}}, {}, "timeout_sec", 5),
        ({"exec": {"timeoutSec": 5}}, {"exec": {"timeoutSec": 7}}, "timeout_sec", 7),
        ({"exec": {"backgroundMs": 5}}, {"exec": {}}, "background_ms", 5),
        ({"exec": {"notifyOnExit": False}}, {"exec": {"notifyOnExit": True}}, "notify_on_exit", True),
        ({"exec": {"notifyOnExit": False}}, {}, "notify_on_exit", False),
        ({}, {"exec": {"approvalRunningNoticeMs": 0}}, "running_notice_ms", 0),
        ({"exec": {"pathPrepend": ["/a"]}}, {"exec": {"pathPrepend": []}}, "path_prepend", ()),
        ({"exec": {"safeBinTrustedDirs": ["/opt/bin"]}}, {}, "extra_trusted_dirs", ("/opt/bin",)),
        ({"fs": {"workspaceOnly": True}}, {}, "workspace_only", True),
        ({"fs": {"workspaceOnly": True}}, {"fs": {"workspaceOnly": False}}, "workspace_only", False),
        ({"exec": {"applyPatch": {"workspaceOnly": False}}}, {}, "patch_workspace_only", False),
    ],
)
def test_an_agent_overrides_key_by_key(
    overall: dict[str, Any], own: dict[str, Any] | None, name: str, expected: object
) -> None:
    assert getattr(settings(overall, own), name) == expected


@pytest.mark.parametrize(
    ("overall", "own", "expected"),
    [
        ({"safeBins": []}, {}, set()),
        ({"safeBins": ["sort"]}, {}, {"sort"}),
        ({"safeBins": ["sort"]}, {"safeBins": []}, set()),
        ({}, {"safeBins": ["grep"]}, {"grep"}),
    ],
)
def test_an_empty_list_is_not_an_absent_one(overall: dict[str, Any], own: dict[str, Any], expected: set[str]) -> None:
    assert settings({"exec": overall}, {"exec": own}).rules.safe_bins == expected


def test_profiles_and_environment_lists_are_compiled_with_their_findings() -> None:
    profiles = {"tool": {"minPositional": 1, "maxPositional": 2, "allowedValueFlags": ["-x"], "deniedFlags": ["-y"]}}
    found = settings(
        {"exec": {"safeBinProfiles": profiles, "envAllow": ["FOO", "LD_PRELOAD"], "envInherit": ["GH_TOKEN"]}}
    )
    profile = found.rules.safe_bin_profiles["tool"]
    assert (profile.min_positional, profile.max_positional) == (1, 2)
    assert profile.value_flags == {"-x"}
    assert profile.denied_flags == {"-y"}
    assert profile.flags is None
    assert found.environment.allow == {"FOO"}
    assert found.environment.inherit == {"GH_TOKEN"}
    assert [reason.rule for reason in found.environment.findings] == ["env.forbidden", "env.secret-inherited"]


@pytest.mark.parametrize(
    ("block", "url", "expected"),
    [
        ({}, "http://10.0.0.1/", "private-ip"),
        ({"dangerouslyAllowPrivateNetwork": True}, "http://10.0.0.1/", "policy"),
        ({"allowPrivateNetwork": True}, "http://10.0.0.1/", "policy"),
        ({"dangerouslyAllowPrivateNetwork": False, "allowPrivateNetwork": True}, "http://10.0.0.1/", "private-ip"),
        ({"dangerouslyAllowPrivateNetwork": True}, "http://169.254.169.254/", "metadata"),
        ({"allowedHostnames": ["10.0.0.1"]}, "http://10.0.0.1/", "policy"),
        ({"hostnameAllowlist": ["*.example.com"]}, "http://other.example/", "hostname"),
        ({"hostnameAllowlist": []}, "http://other.example/", "public"),
    ],
)
def test_url_exceptions_of_fetch_and_browser_are_separate(block: dict[str, Any], url: str, expected: str) -> None:
    fetch = compiled(tools={"web": {"fetch": {"ssrfPolicy": block}}})
    browser = compiled(browser={"ssrfPolicy": block})
    assert judge_url(url, fetch.fetch).why == judge_url(url, browser.browser).why == expected
    assert judge_url("http://10.0.0.1/", fetch.browser).why == judge_url("http://10.0.0.1/", browser.fetch).why
    reason = judge_url("http://127.0.0.1/", compiled().browser).reasons[-1]
    assert reason.key == "browser.ssrfPolicy"


def test_masking_settings() -> None:
    policy = compiled(logging={"redactSensitive": "off", "redactPatterns": ["x-(\\d+)"]})
    assert (policy.mask_shown, policy.mask_patterns) == (False, ("x-(\\d+)",))
