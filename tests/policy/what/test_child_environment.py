"""What a child finds in its environment: lists of what is allowed, never what the gateway happens to have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.child_environment import (
    FORBIDDEN,
    OVERRIDE_ONLY,
    EnvironmentRules,
    build_environment,
    child_path,
    judge_overrides,
    refusal_of,
)

OTHER_KNOWN = """
LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT DYLD_INSERT_LIBRARIES BASH_FUNC_x LUA_INIT LUA_INIT_5_4 CARGO_HOME
RUSTUP_HOME RUSTUP_TOOLCHAIN CLOUDSDK_PYTHON GIT_CONFIG_GLOBAL GIT_CONFIG_COUNT NPM_CONFIG_REGISTRY npm_config_registry
TF_VAR_x CARGO_REGISTRIES_X_INDEX AWS_SECRET_ACCESS_KEY AWS_PROFILE PS1 PATH path Path OPENCLAW_GATEWAY_TOKEN
OPENCLAW_STATE_DIR CLAWDBOT_GATEWAY_TOKEN OPENAI_API_KEY MY_TOKEN DB_PASSWORD X_SECRET ld_preload Node_Options USER
TMPDIR
LOGNAME XDG_CACHE_HOME DISPLAY TERMINFO TERMINFO_DIRS NLSPATH LOCPATH PYTHONWARNINGS PYTHONINSPECT GOPROXY GONOSUMDB
JAVA_HOME ANDROID_HOME DENO_DIR BUN_INSTALL PNPM_HOME COMPOSER_HOME PAGER GIT_PAGER MANPATH INFOPATH PKG_CONFIG_PATH
"""
KNOWN = sorted({*FORBIDDEN, *OVERRIDE_ONLY, *OTHER_KNOWN.split()})
NOTHING = EnvironmentRules.of()


def test_there_are_enough_known_names() -> None:
    assert len(KNOWN) >= 150


@pytest.mark.parametrize("name", KNOWN)
def test_adv_I2_no_known_variable_is_set_by_a_call(name: str) -> None:
    verdict = judge_overrides({"LANG": "C", name: "/tmp/x"}, NOTHING)
    assert verdict.outcome is Outcome.DENY
    assert not verdict.accepted
    assert verdict.error == verdict.reasons[-1].detail
    assert name in verdict.error or name.upper() == "PATH"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("LD_PRELOAD", "Security Violation: Environment variable 'LD_PRELOAD' is forbidden during host execution."),
        ("HOME", "Security Violation: Environment variable 'HOME' is forbidden during host execution."),
        ("PATH", "Security Violation: Custom 'PATH' variable is forbidden during host execution."),
        ("FOO", "Environment variable 'FOO' is not in tools.exec.envAllow."),
        ("A B", "Environment variable 'A B' is not in tools.exec.envAllow."),
        ("A=B", "Environment variable 'A=B' is not in tools.exec.envAllow."),
        ("X\n", "Environment variable 'X\\n' is not in tools.exec.envAllow."),
        ("", "Environment variable '' is not in tools.exec.envAllow."),
    ],
)
def test_refusals_have_the_known_words(name: str, text: str) -> None:
    assert judge_overrides({name: "x"}, EnvironmentRules.of(allow=[name])).error == text or name == "FOO"
    assert judge_overrides({name: "x"}, NOTHING).error == text


def test_open_and_listed_names_are_accepted_and_pagers_become_empty() -> None:
    rules = EnvironmentRules.of(allow=["FOO"])
    given_env = {
        "LANG": "C",
        "LC_TIME": "de",
        "TZ": "UTC",
        "TERM": "xterm",
        "FOO": "1",
        "PAGER": "cat",
        "GIT_PAGER": "",
    }
    verdict = judge_overrides(given_env, rules)
    assert verdict.outcome is Outcome.ALLOW
    assert verdict.error == ""
    assert verdict.accepted == {**given_env, "PAGER": "", "GIT_PAGER": ""}
    assert judge_overrides({"PAGER": "sh -c id"}, rules).outcome is Outcome.DENY
    assert judge_overrides({"foo": "1"}, rules).outcome is Outcome.DENY
    assert "NUL" in judge_overrides({"FOO": "a\0b"}, rules).error


@pytest.mark.parametrize(
    "name", ["FOO*", "*", "LD_PRELOAD", "HOME", "GIT_CONFIG_X", "MY_TOKEN", "PATH", "OPENCLAW_X", "A-B"]
)
def test_adv_I2_the_allow_list_cannot_name_what_is_forbidden(name: str) -> None:
    rules = EnvironmentRules.of(allow=[name])
    assert not rules.allow
    assert [reason.key for reason in rules.findings] == ["tools.exec.envAllow"]


def test_the_inherit_list_may_name_a_secret_exactly_and_says_so() -> None:
    rules = EnvironmentRules.of(inherit=["GH_TOKEN", "LD_PRELOAD", "*", "KUBECONFIG", "OPENCLAW_GATEWAY_TOKEN"])
    assert rules.inherit == {"GH_TOKEN", "KUBECONFIG"}
    assert sorted(reason.rule for reason in rules.findings) == [
        "env.forbidden",
        "env.forbidden",
        "env.secret-inherited",
        "env.wildcard",
    ]


HOST = {
    "PATH": "/usr/bin",
    "HOME": "/home/u",
    "USER": "u",
    "LC_ALL": "C",
    "SHELL": "/opt/evil",
    "OPENCLAW_GATEWAY_TOKEN": "canary",
    "OPENAI_API_KEY": "canary",
    "AWS_SECRET_ACCESS_KEY": "canary",
    "LD_PRELOAD": "/evil.so",
    "KUBECONFIG": "/k",
    "RANDOM_OTHER": "canary",
}


def test_adv_I10_O9_the_base_holds_no_secret_of_the_gateway() -> None:
    child = build_environment(HOST, NOTHING, path=["/usr/bin"], shell="/bin/sh")
    assert child == {
        "PATH": "/usr/bin",
        "HOME": "/home/u",
        "USER": "u",
        "LC_ALL": "C",
        "SHELL": "/bin/sh",
        "OPENCLAW_SHELL": "exec",
    }


def test_adv_I3_skill_variables_reach_the_child_but_not_those_that_steer_loaders() -> None:
    skills = {"GITHUB_TOKEN": "t", "NODE_OPTIONS": "--require x", "PYTHONPATH": "x", "LD_PRELOAD": "x", "PATH": "/evil"}
    skills |= {"OPENCLAW_GATEWAY_TOKEN": "x", "bad name": "x"}
    child = build_environment(HOST, NOTHING, path=["/usr/bin"], shell="/bin/sh", skills=skills)
    assert child["GITHUB_TOKEN"] == "t"
    assert child["PATH"] == "/usr/bin"
    assert not {"NODE_OPTIONS", "PYTHONPATH", "LD_PRELOAD", "OPENCLAW_GATEWAY_TOKEN", "bad name"} & child.keys()


@pytest.mark.parametrize("name", sorted(FORBIDDEN))
def test_names_that_steer_loaders_are_refused_from_every_source(name: str) -> None:
    assert refusal_of(name) is not None
    rules = EnvironmentRules.of(allow=[name], inherit=[name])
    child = build_environment({name: "x"}, rules, path=[], shell="/bin/sh", skills={name: "x"})
    assert child.get(name) in {None, "/bin/sh"}


NAMES = st.sampled_from(KNOWN) | st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True) | st.text(max_size=4)


@given(st.dictionaries(NAMES, st.just("v")), st.dictionaries(NAMES, st.just("v")), st.lists(NAMES), st.lists(NAMES))
def test_adv_I2_names_in_the_child_are_a_subset_of_base_and_accepted(
    host: dict[str, str], overrides: dict[str, str], allow: list[str], inherit: list[str]
) -> None:
    rules = EnvironmentRules.of(allow, inherit)
    verdict = judge_overrides(overrides, rules)
    child = build_environment(host, rules, path=["/bin"], shell="/bin/sh", accepted=verdict.accepted)
    base = {"PATH", "SHELL", "OPENCLAW_SHELL", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TERM", "TMPDIR"}
    for name in child:
        assert name in base or name.startswith("LC_") or name in inherit or name in verdict.accepted
        assert name in {"PATH", "SHELL", "OPENCLAW_SHELL"} or refusal_of(name) is None
    assert verdict.accepted.keys() <= overrides.keys()


def test_path_entries_are_absolute_and_unique() -> None:
    assert child_path(
        "/usr/bin::.:bin:/bin:/usr/bin", prepend=["/opt/x", "rel"], login_path="/home/u/bin:/usr/bin"
    ) == (
        "/opt/x",
        "/home/u/bin",
        "/usr/bin",
        "/bin",
    )


def test_an_unusable_name_is_shown_up_to_its_64th_character() -> None:
    name = "-" * 70
    found = refusal_of(name)
    assert found is not None
    assert found.detail == f"Environment variable '{'-' * 64}' is not a usable name."
    refused = judge_overrides({name: "x"}, NOTHING)
    assert refused.error == f"Environment variable '{'-' * 64}' is not in tools.exec.envAllow."
