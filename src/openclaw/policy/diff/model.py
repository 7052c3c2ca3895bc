"""The answer of the policy diff, and the properties of a whole policy that it compares."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """One thing that becomes possible, or stops being so.

    Attributes:
        text: one sentence for people, without secrets.
        topic: what it is about: `access`, `tools`, `exec`, `gateway` and so on.
    """

    text: str
    topic: str = field(default="access", compare=False)


@dataclass(frozen=True, slots=True)
class PolicyDiff:
    """What a new policy newly admits, and what it no longer does.

    Attributes:
        widens: what becomes possible; a change with any of these needs somebody's consent.
        narrows: what stops being possible.
        weight: how many are concerned; for choosing the smaller of two changes. A person whom a list names counts 1,
            others more, the less is known of them.
    """

    widens: tuple[Change, ...] = ()
    narrows: tuple[Change, ...] = ()
    weight: int = field(default=0, compare=False)

    @property
    def is_empty(self) -> bool:
        """Return whether both policies admit the same."""
        return not self.widens and not self.narrows

    @property
    def widened(self) -> tuple[str, ...]:
        """Return the sentences about what becomes possible."""
        return tuple(change.text for change in self.widens)

    @property
    def narrowed(self) -> tuple[str, ...]:
        """Return the sentences about what stops being possible."""
        return tuple(change.text for change in self.narrows)


NO_CHANGE: Final = PolicyDiff()


@dataclass(frozen=True, slots=True)
class Fact:
    """A property of a whole policy that lets something in, or (`guard`) keeps it out.

    Attributes:
        key: what is compared with what.
        said: a sentence with `{now}` where `now` or `no longer` goes, `{who}` where several may stand, and `{what}`.
        what: text of the config that the sentence names.
        who: an agent or platform; facts that differ in it alone are told in one sentence.
        rank: how much it lets in; of two facts with one key the higher one admits more.
        guard: it keeps something out: its end widens.
        within: key of a fact that includes this one, where one exists.
        topic: as in `Change`.
    """

    key: Hashable
    said: str
    what: str = ""
    who: str = ""
    rank: int = 1
    guard: bool = False
    within: Hashable = ""
    topic: str = "gateway"
