"""What a check finds, and what a repair is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from openclaw.security.doctor.context import DoctorContext


class Level(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARN = "warn"
    NOTE = "note"
    """Nothing is wrong; a fact or a hint."""


class Repair(Protocol):
    """Something that mends a finding. Applying it twice does no more than once.

    Attributes:
        key: what it does to what; a repair is offered once per run.
        safe: it can be made unattended with `--fix`; the others need a yes.
        moves: what else was found is out of date once it is made.
    """

    @property
    def key(self) -> str:
        """Return what it does to what."""
        ...

    @property
    def safe(self) -> bool:
        """Tell whether `--fix` makes it unattended."""
        ...

    @property
    def moves(self) -> bool:
        """Tell whether it moves what other repairs are about."""
        ...

    def describe(self) -> tuple[str, ...]:
        """Return what it will do, a line per deed, without secrets."""
        ...

    def apply(self) -> tuple[str, ...]:
        """Do it, and return what is worth telling afterwards.

        Raises:
            OpenClawError: it cannot be done; what was done so far is whole.
        """
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check has to say.

    Attributes:
        check: id of the check.
        title: the box that it stands in.
        level: how bad it is.
        message: what is wrong, one or two sentences, without secrets.
        hint: what a person can do about it.
        repair: what doctor can do about it.
    """

    check: str
    title: str
    level: Level
    message: str
    hint: str | None = None
    repair: Repair | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the wire form."""
        found: dict[str, Any] = {
            "check": self.check,
            "title": self.title,
            "level": self.level.value,
            "message": self.message,
        }
        if self.hint:
            found["hint"] = self.hint
        if self.repair is not None:
            found["repair"] = list(self.repair.describe())
        return found


Found = tuple[Level, str] | tuple[Level, str, str | None] | tuple[Level, str, str | None, "Repair | None"]
"""What a check yields: level, message, and where there are some, a hint and a repair."""
CheckBody = Callable[["DoctorContext"], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Check:
    """A check with its identity."""

    id: str
    title: str
    body: CheckBody

    def run(self, context: DoctorContext) -> Iterator[Finding]:
        """Yield what it finds."""
        for level, message, *rest in self.body(context):
            hint, repair = (*rest, None, None)[:2]
            yield Finding(self.id, self.title, level, message, hint, repair)


def check(identity: str, title: str) -> Callable[[CheckBody], Check]:
    """Give a function its id and the title of its box."""
    return lambda body: Check(identity, title, body)


ERROR: Final = Level.ERROR
WARN: Final = Level.WARN
NOTE: Final = Level.NOTE


def plain(text: str | None) -> str:
    """Return an error's text as a part of a sentence that goes on."""
    return (text or "").rstrip(". ")


def count(number: int, one: str, more: str | None = None) -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{number} {one if number == 1 else more or f'{one}s'}"
