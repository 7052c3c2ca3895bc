"""Every rule: a state that it reports, with its severity, and the nearest one that it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from openclaw.security.audit.explain import rules
from openclaw.security.audit.model import Since
from support.audit import Case
from support.audit_cases import access, disk, network, tools

CASES = (*network.CASES, *access.CASES, *disk.CASES, *tools.CASES)
ELSEWHERE = frozenset(
    {
        "audit.check_failed",  # test_run.py
        "security.audit.suppressions.active",  # test_run.py
        "plugins.allow_phantom_entries",  # test_own.py: a config that has one is invalid
        "gateway.probe_failed",  # test_probe.py
        "browser.control_port_exposed",  # test_deep.py
        "environment.not_ready",  # test_deep.py
        "plugins.code_safety.scan_failed",  # test_scanner.py
        "skills.code_safety.scan_failed",  # test_scanner.py
        "tools.provenance.off",  # test_own.py: the key is not in the schema yet
    }
)
"""Rules that need more than a state directory, and where they are tested."""


def name(case: Case) -> str:
    return f"{case.id}-{case.severity}"


@pytest.mark.parametrize("case", CASES, ids=name)
def test_the_rule_reports_what_it_is_for(case: Case, tmp_path: Path) -> None:
    found = case.dirty(tmp_path).found(case.id, deep=case.deep)
    assert [item.severity for item in found if case.says in item.detail] == [case.severity], found


@pytest.mark.parametrize("case", [case for case in CASES if case.clean is not False], ids=name)
def test_the_rule_is_silent_next_to_it(case: Case, tmp_path: Path) -> None:
    if case.clean is None and case.clean_setup is None and case.setup is not None:
        return  # another case of the rule has the clean side
    assert case.tidy(tmp_path).found(case.id, deep=case.deep) == []


@pytest.mark.parametrize("case", CASES, ids=name)
def test_only_what_the_seed_sees_is_in_the_compatible_report(case: Case, tmp_path: Path) -> None:
    home = case.dirty(tmp_path)
    assert bool(home.found(case.id, deep=case.deep, compat=True)) is case.seed


def test_every_rule_has_a_case() -> None:
    named = {case.id for case in CASES}
    missing = [rule.id for rule in rules() if not any(rule.covers(one) for one in named)]
    assert set(missing) == ELSEWHERE


def test_every_severity_of_a_rule_has_a_case() -> None:
    seen = {(rule.id, case.severity) for case in CASES for rule in rules() if rule.covers(case.id)}
    unseen = [
        (rule.id, severity)
        for rule in rules()
        for severity in rule.severities
        if rule.id not in ELSEWHERE and (rule.id, severity) not in seen
    ]
    assert unseen == []


def test_only_rules_of_the_seed_can_be_in_the_compatible_report() -> None:
    seeds = {rule.id for rule in rules() if rule.since is Since.SEED}
    assert all(any(rule.covers(case.id) for rule in rules() if rule.id in seeds) for case in CASES if case.seed)
