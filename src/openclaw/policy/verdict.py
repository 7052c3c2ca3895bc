"""The answer of every decision: an outcome and the reasons for it. Never a bare boolean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

OutcomeT_co = TypeVar("OutcomeT_co", bound=StrEnum, covariant=True)


class Outcome(StrEnum):
    """The outcome of a decision that has no richer set of its own."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that took part in a decision.

    Attributes:
        rule: stable code from a spec (`dm.not-allowlisted`, `not-in-allow`); tests and users match on it.
        key: dotted path of the config key (or store) that decides this rule, or None where no key does.
        detail: one sentence for people; never holds a secret or the text of a message.
    """

    rule: str
    key: str | None = None
    detail: str = ""

    def as_dict(self) -> Mapping[str, str]:
        """Return the JSON form, without absent fields."""
        found = {"rule": self.rule, "key": self.key or "", "detail": self.detail}
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True)
class Verdict(Generic[OutcomeT_co]):
    """An outcome with its trail: the last reason is the one that decided.

    Attributes:
        outcome: one member of the decision's closed set.
        reasons: the rules that were passed, in order, ending with the deciding one. Never empty.
    """

    outcome: OutcomeT_co
    reasons: tuple[Reason, ...] = field(default=())

    @property
    def decided_by(self) -> Reason:
        """Return the rule that decided."""
        return self.reasons[-1] if self.reasons else Reason(rule=str(self.outcome))
