from __future__ import annotations

from openclaw.policy.verdict import Reason
from openclaw.security.policy_cases.result import CaseResult


def test_a_result_is_ok_when_both_sides_are_equal() -> None:
    trail = (Reason("a"),)
    assert CaseResult.compare("1", {"x": 1}, {"x": 1}, trail) == CaseResult(
        "1", ok=True, expected={"x": 1}, got={"x": 1}, trail=trail
    )
    assert not CaseResult.compare("1", {"x": 1}, {"x": 2}).ok
    assert not CaseResult.compare("1", {}, {"x": 2}).ok
