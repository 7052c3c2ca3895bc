"""What an explanation says: the outcome, the rules that led to it, and the smallest change that would turn it round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from openclaw.policy.verdict import Reason

NO_FLIP: Final = "nothing in the config changes this"


@dataclass(frozen=True, slots=True)
class Flip:
    """A change that was tried and turned the answer round.

    Attributes:
        key: dotted path of the key, or the name of the store.
        change: what is done there, for people.
        command: the command that does it; "" where none fits on a line.
        outcome: the outcome afterwards.
        widens: what else the change would newly admit, as the policy diff tells it.
    """

    key: str
    change: str
    command: str
    outcome: str
    widens: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "key": self.key,
            "change": self.change,
            "command": self.command,
            "outcome": self.outcome,
            "widens": list(self.widens),
        }


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question.

    Attributes:
        kind: what was asked: `admission`, `session`, `tool` and so on.
        question: the question, for people.
        outcome: what the deciding function answered.
        allowed: whether that lets it happen at once.
        trail: the rules that were passed, the deciding one last.
        details: further facts, JSON-able.
        asks: it happens once somebody consents.
        related: keys beside those of the trail that can change the answer.
        tokens: ids, names and hosts that lists would have to hold, as lists write them.
        flip: the change that would turn it round; None where none was looked for or found.
        searched: whether one was looked for.
    """

    kind: str
    question: str
    outcome: str
    allowed: bool
    trail: tuple[Reason, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
    asks: bool = False
    related: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    flip: Flip | None = None
    searched: bool = False

    def turned_by(self, other: Answer) -> bool:
        """Return whether another answer to the same question is the other way round: more where this one says no."""
        if self.allowed:
            return not other.allowed
        return other.allowed or (other.asks and not self.asks)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form: `{kind, question, outcome, allowed, trail, details, flip}`."""
        found: dict[str, Any] = {
            "kind": self.kind,
            "question": self.question,
            "outcome": self.outcome,
            "allowed": self.allowed,
            "trail": [dict(reason.as_dict()) for reason in self.trail],
            "details": dict(self.details),
        }
        if self.searched:
            found["flip"] = self.flip.as_dict() if self.flip is not None else None
            if self.flip is None:
                found["note"] = NO_FLIP
        return found
