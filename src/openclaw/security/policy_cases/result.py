"""What running one policy case found: what was expected, what the policy answered, and by which rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openclaw.policy.verdict import Reason


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The outcome of one case.

    Attributes:
        id: the case's id in its file.
        ok: whether the policy answered as the case expects.
        expected: the part of the case's expectation that was compared.
        got: the answer in the same shape as `expected`.
        trail: the rules that led to the answer, the deciding one last.
    """

    id: str
    ok: bool
    expected: Mapping[str, Any]
    got: Mapping[str, Any]
    trail: tuple[Reason, ...] = field(default=())

    @classmethod
    def compare(
        cls, case_id: str, expected: Mapping[str, Any], got: Mapping[str, Any], trail: tuple[Reason, ...] = ()
    ) -> CaseResult:
        """Return a result that is ok when both sides are equal."""
        return cls(id=case_id, ok=dict(expected) == dict(got), expected=expected, got=got, trail=trail)
