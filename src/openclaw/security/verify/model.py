"""What a claim is: a sentence, the shipped functions it speaks of, a check, and the twins that the check must catch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

SubjectT = TypeVar("SubjectT")


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A situation in which a claim does not hold.

    Attributes:
        situation: what was asked, so that a person can ask it again.
        expected: what the claim says.
        got: what the functions said.
    """

    situation: str
    expected: str
    got: str


Finding: TypeAlias = Counterexample | None
"""The result for one situation: None when the claim holds there."""


@dataclass(frozen=True, slots=True)
class Twin(Generic[SubjectT]):
    """The functions of a claim with one fault.

    Attributes:
        name: what is wrong with it.
        subject: the faulty functions.
    """

    name: str
    subject: SubjectT


@dataclass(frozen=True, slots=True)
class Claim(Generic[SubjectT]):
    """A claim that can be re-checked.

    Attributes:
        id: short name, for `--claim`.
        sentence: what is claimed.
        source: where the rule stands.
        subject: the shipped functions, in the form that the check calls.
        checked: all shipped functions that the check runs through and whose hash the report states.
        check: yields one finding per situation, the same ones in the same order each time.
        twins: what the check must catch; two at least.
    """

    id: str
    sentence: str
    source: str
    subject: SubjectT
    checked: tuple[Callable[..., Any], ...]
    check: Callable[[SubjectT], Iterator[Finding]]
    twins: tuple[Twin[SubjectT], ...]


def expect(situation: Callable[[], str], wanted: object, got: object) -> Finding:
    """Return the finding of a situation in which two answers must be equal; put in words only when they differ."""
    return None if wanted == got else Counterexample(situation(), shown(wanted), shown(got))


def hold(situation: Callable[[], str], *, expected: str, holds: bool, got: object = "") -> Finding:
    """Return the finding of a situation in which something must hold; put in words only when it does not."""
    return None if holds else Counterexample(situation(), expected, shown(got) or "the opposite")


def shown(value: object) -> str:
    """Return an answer as people read it: sets and lists as their sorted members."""
    if isinstance(value, set | frozenset):
        return ", ".join(sorted(map(str, value))) or "nothing"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(shown, value))}]"
    return str(value)
