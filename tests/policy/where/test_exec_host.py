from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.what.exec_model import Ask, Security
from openclaw.policy.where.exec_host import (
    ElevatedLevel,
    ExecDefaults,
    ExecHost,
    ExecPlace,
    exec_route,
    parse_level,
)

SECURITY, ASK = tuple(Security), tuple(Ask)
OFF, ASKED, FULL = ElevatedLevel


@pytest.mark.parametrize(
    ("sandboxed", "host", "level", "place", "approvals"),
    [
        (False, None, OFF, ExecPlace.HOST_UNCHECKED, False),
        (True, None, OFF, ExecPlace.SANDBOX, False),
        (False, ExecHost.GATEWAY, OFF, ExecPlace.GATEWAY, True),
        (True, ExecHost.GATEWAY, OFF, ExecPlace.GATEWAY, True),
        (False, ExecHost.NODE, OFF, ExecPlace.NODE, True),
        (True, ExecHost.NODE, OFF, ExecPlace.NODE, True),
        (True, None, ASKED, ExecPlace.GATEWAY, True),
        (True, None, FULL, ExecPlace.GATEWAY, True),
        (False, None, ASKED, ExecPlace.GATEWAY, True),
        (True, ExecHost.NODE, FULL, ExecPlace.GATEWAY, True),
    ],
)
def test_where_exec_runs(
    sandboxed: bool, host: ExecHost | None, level: ElevatedLevel, place: ExecPlace, approvals: bool
) -> None:
    found = exec_route(configured=ExecDefaults(host=host), sandboxed=sandboxed, elevated=level)
    assert (found.verdict.outcome, found.approvals, found.elevated) == (place, approvals, level)


def test_defaults_depend_on_the_effective_host() -> None:
    def strictness(host: ExecHost, level: ElevatedLevel = OFF) -> tuple[Security, Ask]:
        found = exec_route(configured=ExecDefaults(host=host), sandboxed=True, elevated=level)
        return found.security, found.ask

    assert strictness(ExecHost.SANDBOX) == (Security.DENY, Ask.ON_MISS)
    assert strictness(ExecHost.GATEWAY) == (Security.ALLOWLIST, Ask.ON_MISS)
    assert strictness(ExecHost.SANDBOX, ASKED) == (Security.ALLOWLIST, Ask.ON_MISS)
    assert strictness(ExecHost.SANDBOX, FULL) == (Security.FULL, Ask.OFF)


def test_session_wins_over_agent_over_global() -> None:
    overall = ExecDefaults(ExecHost.NODE, Security.FULL, Ask.OFF, "n1")
    agent = ExecDefaults(security=Security.ALLOWLIST, key="agents.list.0.tools.exec").over(overall)
    session = ExecDefaults(host=ExecHost.GATEWAY)
    found = exec_route(configured=agent, session=session, sandboxed=False)
    assert (found.host, found.security, found.ask, found.node) == (
        ExecHost.GATEWAY,
        Security.ALLOWLIST,
        Ask.OFF,
        None,
    )


def test_a_call_may_not_choose_another_place() -> None:
    found = exec_route(
        configured=ExecDefaults(host=ExecHost.SANDBOX), requested=ExecDefaults(host=ExecHost.GATEWAY), sandboxed=True
    )
    assert found.verdict.outcome is ExecPlace.REFUSED
    assert found.verdict.decided_by.key == "tools.exec.host"
    assert "requested gateway; configure tools.exec.host=gateway" in found.verdict.decided_by.detail


def test_a_call_may_not_leave_the_bound_node() -> None:
    configured = ExecDefaults(host=ExecHost.NODE, node="desk")
    other = exec_route(configured=configured, requested=ExecDefaults(node="phone"), sandboxed=False)
    assert (other.verdict.outcome, other.verdict.decided_by.rule) == (ExecPlace.REFUSED, "exec.node-not-allowed")
    same = exec_route(configured=configured, requested=ExecDefaults(node="desk"), sandboxed=False)
    assert (same.verdict.outcome, same.node) == (ExecPlace.NODE, "desk")
    free = exec_route(configured=ExecDefaults(host=ExecHost.NODE), requested=ExecDefaults(node="x"), sandboxed=False)
    assert free.node == "x"


def test_the_model_can_only_tighten_in_every_combination() -> None:
    choices = product(
        (None, *ExecHost), (None, *SECURITY), (None, *ASK), (None, *SECURITY), (None, *ASK), ElevatedLevel
    )
    for host, security, ask, asked_security, asked_ask, level in choices:
        configured = ExecDefaults(host, security, ask)
        plain = exec_route(configured=configured, sandboxed=True, elevated=level)
        wanted = exec_route(
            configured=configured,
            requested=ExecDefaults(security=asked_security, ask=asked_ask),
            sandboxed=True,
            elevated=level,
        )
        assert SECURITY.index(wanted.security) <= SECURITY.index(plain.security)
        assert ASK.index(wanted.ask) >= ASK.index(plain.ask)
        assert wanted.verdict == plain.verdict


@given(st.none() | st.text(), st.none() | st.text())
@settings(max_examples=100, deadline=None)
def test_unknown_words_count_as_absent(one: str | None, other: str | None) -> None:
    found = ExecDefaults.read(one, other, one, other)
    assert found.host in {None, *ExecHost}
    assert parse_level(one) in {None, *ElevatedLevel}


@pytest.mark.parametrize(
    ("text", "level"),
    [("on", ASKED), (" ASK ", ASKED), ("full", FULL), ("off", OFF), ("max", None), (None, None), ("", None)],
)
def test_levels_are_read(text: str | None, level: ElevatedLevel | None) -> None:
    assert parse_level(text) is level


def test_values_are_read_trimmed_and_in_any_case() -> None:
    found = ExecDefaults.read(" Gateway ", "FULL", "On-Miss", " n ")
    assert found == ExecDefaults(ExecHost.GATEWAY, Security.FULL, Ask.ON_MISS, "n")
