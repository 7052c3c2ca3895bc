from __future__ import annotations

from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.where.sandbox_mode import SessionToolsVisibility
from openclaw.policy.where.visibility import (
    Caller,
    SessionVisibility,
    Target,
    VisibilityPolicy,
    agent_to_agent,
    may_see,
    may_spawn,
    reach,
)

MAIN = "agent:main:main"
DM = "agent:main:telegram:direct:5"
OTHER_DM = "agent:main:telegram:direct:6"
CHILD = "agent:main:subagent:c"
FOREIGN = "agent:ops:main"
SELF, TREE, AGENT, ALL = SessionVisibility
SEES_ALL = SessionToolsVisibility.ALL


def sees(
    policy: VisibilityPolicy, caller: str, target: str, *ancestors: str, sandboxed: bool = False, inside: bool = True
) -> str:
    visibility = SessionToolsVisibility.SPAWNED if inside else SEES_ALL
    verdict = may_see(policy, Caller(caller, sandboxed, visibility), Target(target, ancestors))
    return f"{verdict.outcome}:{verdict.decided_by.rule}"


@pytest.mark.parametrize(
    ("caller", "level", "expected"),
    [
        (MAIN, None, AGENT),
        (DM, None, TREE),
        ("global", None, AGENT),
        (CHILD, None, TREE),
        (CHILD, ALL, TREE),
        (CHILD, SELF, SELF),
        (DM, ALL, ALL),
        (MAIN, SELF, SELF),
    ],
)
def test_how_far_a_session_sees(caller: str, level: SessionVisibility | None, expected: SessionVisibility) -> None:
    assert reach(VisibilityPolicy(level), Caller(caller)) is expected


def test_the_global_session_is_that_of_the_agent_it_is_told() -> None:
    caller = Caller("global", agent_id="Ops")
    assert may_see(VisibilityPolicy(), caller, Target(FOREIGN)).outcome is Outcome.ALLOW
    assert may_see(VisibilityPolicy(), caller, Target(MAIN)).outcome is Outcome.DENY
    assert may_spawn(VisibilityPolicy(), caller, "ops").decided_by.rule == "spawn.own-agent"


@pytest.mark.parametrize(
    ("caller", "target", "ancestors", "expected"),
    [
        (DM, DM, (), "allow:sessions.self"),
        (DM, OTHER_DM, (), "deny:sessions.visibility"),
        (DM, CHILD, (DM,), "allow:sessions.visible"),
        (DM, CHILD, ("agent:main:subagent:x", DM), "allow:sessions.visible"),
        (DM, CHILD, (OTHER_DM,), "deny:sessions.visibility"),
        (MAIN, OTHER_DM, (), "allow:sessions.visible"),
        (MAIN, FOREIGN, (), "deny:sessions.visibility"),
        (MAIN, "global", (), "deny:sessions.reserved"),
        (MAIN, "unknown", (), "deny:sessions.reserved"),
        (MAIN, "", (), "deny:sessions.reserved"),
        ("", "", (), "deny:sessions.reserved"),
        ("", MAIN, (), "deny:sessions.reserved"),
    ],
)
def test_one_persons_chat_does_not_read_anothers(
    caller: str, target: str, ancestors: tuple[str, ...], expected: str
) -> None:
    assert sees(VisibilityPolicy(), caller, target, *ancestors) == expected


@pytest.mark.parametrize(
    ("target", "ancestors"),
    [(MAIN, ()), ("agent:main:subagent:sibling", (MAIN,)), (FOREIGN, ()), (DM, ())],
)
@pytest.mark.parametrize("level", [None, *SessionVisibility])
def test_adv_G2_a_subagent_sees_neither_parent_nor_sibling_nor_others(
    target: str, ancestors: tuple[str, ...], level: SessionVisibility | None
) -> None:
    policy = VisibilityPolicy(level, agent_to_agent=True)
    for sandboxed in (False, True):
        assert sees(policy, CHILD, target, *ancestors, sandboxed=sandboxed).startswith("deny")


def test_a_sandboxed_session_sees_only_what_it_started() -> None:
    policy = VisibilityPolicy(ALL, agent_to_agent=True)
    assert sees(policy, DM, CHILD, DM, sandboxed=True) == "allow:sessions.visible"
    assert sees(policy, DM, OTHER_DM, sandboxed=True) == "deny:sessions.not-spawned"
    assert sees(policy, DM, CHILD, "agent:main:subagent:x", DM, sandboxed=True) == "deny:sessions.not-spawned"
    assert sees(policy, DM, OTHER_DM, sandboxed=True, inside=False) == "allow:sessions.visible"


@pytest.mark.parametrize(
    ("enabled", "allow", "expected"),
    [
        (False, (), "sessions.agent-to-agent-off"),
        (True, (), "sessions.agent-to-agent"),
        (True, ("main", "ops"), "sessions.agent-to-agent"),
        (True, ("*",), "sessions.agent-to-agent"),
        (True, ("MA*", "o*"), "sessions.agent-to-agent"),
        (True, ("main",), "sessions.agent-not-allowed"),
        (True, (" ",), "sessions.agent-not-allowed"),
    ],
)
def test_agents_talk_only_when_both_are_named(enabled: bool, allow: tuple[str, ...], expected: str) -> None:
    policy = VisibilityPolicy(ALL, agent_to_agent=enabled, agent_allow=allow)
    assert agent_to_agent(policy, "main", "ops").decided_by.rule == expected
    assert sees(policy, MAIN, FOREIGN).endswith(expected)
    assert agent_to_agent(policy, "Main", "main").outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("caller", "target", "expected"),
    [
        (MAIN, None, "spawn.own-agent"),
        (MAIN, " ", "spawn.own-agent"),
        (MAIN, "Main", "spawn.own-agent"),
        (MAIN, "ops", "spawn.agent-allowed"),
        (MAIN, "family", "spawn.agent-not-allowed"),
        (FOREIGN, "family", "spawn.agent-allowed"),
        (FOREIGN, "ghost", "spawn.unknown-agent"),
        (CHILD, None, "spawn.from-subagent"),
        ("agent:ghost:main", "main", "spawn.agent-not-allowed"),
    ],
)
def test_which_agents_a_session_may_start(caller: str, target: str | None, expected: str) -> None:
    policy = VisibilityPolicy(
        spawn_targets=MappingProxyType({"main": ("OPS",), "ops": ("*",)}), agents=("main", "ops", "family")
    )
    assert may_spawn(policy, Caller(caller), target).decided_by.rule == expected


@given(st.text(max_size=20), st.text(max_size=20), st.lists(st.text(max_size=9), max_size=3), st.booleans())
@settings(max_examples=100, deadline=None)
def test_a_narrower_reach_never_shows_more(caller: str, target: str, ancestors: list[str], sandboxed: bool) -> None:
    seen = [
        may_see(
            VisibilityPolicy(level, agent_to_agent=True), Caller(caller, sandboxed), Target(target, tuple(ancestors))
        ).outcome
        is Outcome.ALLOW
        for level in SessionVisibility
    ]
    assert seen == sorted(seen)
    may_spawn(VisibilityPolicy(), Caller(caller), target)
