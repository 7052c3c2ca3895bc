from __future__ import annotations

import re
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.where.sandbox_mode import (
    Placement,
    SandboxMode,
    SandboxPolicy,
    SandboxScope,
    SandboxSettings,
    container_name,
    sandbox_status,
    scope_key,
    slug,
)

OFF, NON_MAIN, ALL = SandboxMode


def policy(mode: SandboxMode, *, global_scope: bool = False, **agents: SandboxMode) -> SandboxPolicy:
    return SandboxPolicy(
        defaults=SandboxSettings(mode=mode),
        agents=MappingProxyType({name: SandboxSettings(mode=own) for name, own in agents.items()}),
        global_scope=global_scope,
    )


@pytest.mark.parametrize(
    ("mode", "key", "global_scope", "rule"),
    [
        (OFF, "agent:main:telegram:group:1", False, "sandbox.off"),
        (ALL, "agent:main:main", False, "sandbox.all"),
        (ALL, None, False, "sandbox.all"),
        (NON_MAIN, "agent:main:main", False, "sandbox.main"),
        (NON_MAIN, "main", False, "sandbox.main"),
        (NON_MAIN, None, False, "sandbox.main"),
        (NON_MAIN, "AGENT:MAIN:MAIN", False, "sandbox.main"),
        (NON_MAIN, "agent:ops:main", False, "sandbox.non-main"),
        (NON_MAIN, "agent:main:main:thread:1", False, "sandbox.non-main"),
        (NON_MAIN, "agent:main:telegram:direct:5", False, "sandbox.non-main"),
        (NON_MAIN, "agent:main:subagent:5", False, "sandbox.non-main"),
        (NON_MAIN, "agent:main:cron:5", False, "sandbox.non-main"),
        (NON_MAIN, "global", False, "sandbox.non-main"),
        (NON_MAIN, "global", True, "sandbox.main"),
        (NON_MAIN, "agent:main:main", True, "sandbox.main"),
        (NON_MAIN, "agent:main:telegram:group:1", True, "sandbox.non-main"),
    ],
)
def test_the_mode_decides_by_the_canonical_key(
    mode: SandboxMode, key: str | None, global_scope: bool, rule: str
) -> None:
    verdict = sandbox_status(policy(mode, global_scope=global_scope), "main", key)
    assert verdict.decided_by.rule == rule
    assert (verdict.outcome is Placement.SANDBOX) == (rule in {"sandbox.all", "sandbox.non-main"})


def test_an_agents_own_mode_replaces_the_default() -> None:
    rules = policy(ALL, personal=OFF)
    assert sandbox_status(rules, "Personal", "agent:personal:main").outcome is Placement.HOST
    assert sandbox_status(rules, "other", "agent:other:main").outcome is Placement.SANDBOX


@pytest.mark.parametrize("mode", list(SandboxMode))
def test_adv_G3_the_child_of_a_sandboxed_session_is_sandboxed(mode: SandboxMode) -> None:
    verdict = sandbox_status(policy(mode), "main", "agent:main:main", parent_sandboxed=True)
    assert verdict.outcome is Placement.SANDBOX


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (SandboxScope.SESSION, "agent:ops:telegram:group:1"),
        (SandboxScope.AGENT, "agent:ops"),
        (SandboxScope.SHARED, "shared"),
    ],
)
def test_the_scope_says_who_shares_a_sandbox(scope: SandboxScope, expected: str) -> None:
    assert scope_key(scope, "Ops", "agent:ops:telegram:group:1") == expected
    assert scope_key(SandboxScope.SESSION, "ops", " ") == "agent:ops:main"


def test_slugs_are_readable_and_carry_a_hash() -> None:
    assert slug("shared") == "shared"
    assert slug("agent:main") == "agent-main-0d71ad7a"
    assert re.fullmatch(r"session-[0-9a-f]{8}", slug(" :: "))
    assert re.fullmatch(r"agent-main-telegram-group--10012-[0-9a-f]{8}", slug("agent:main:telegram:group:-100123"))


@given(st.text(), st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_adv_G1_names_are_plain_file_names_of_bounded_length(key: str, prefix: str) -> None:
    name = slug(key)
    assert re.fullmatch(r"[a-z0-9._-]{1,41}", name)
    assert name not in {".", ".."}
    assert len(container_name(prefix, key)) <= 63
    assert container_name(prefix, key).endswith(name[-9:])


@given(st.integers(0, 10**6), st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_a_long_prefix_never_makes_two_sandboxes_one(one: int, other: int) -> None:
    names = {container_name("p" * 70, f"agent:main:telegram:direct:{number}") for number in (one, other)}
    assert len(names) == len({one, other})


@given(st.text(max_size=30), st.none() | st.text(max_size=30), st.sampled_from(SandboxMode), st.booleans())
@settings(max_examples=100, deadline=None)
def test_any_text_gets_a_placement(agent: str, key: str | None, mode: SandboxMode, scope: bool) -> None:
    verdict = sandbox_status(policy(mode, global_scope=scope), agent, key)
    assert verdict.reasons
    assert (mode is OFF) <= (verdict.outcome is Placement.HOST)
