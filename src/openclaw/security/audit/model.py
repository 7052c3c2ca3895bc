"""What an audit is made of: rules that explain themselves, checks that apply them, findings that come out.

Imports nothing heavy: every check module starts here. It looks at nothing on the machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from openclaw.security.audit.context import AuditContext

_PLACEHOLDER: Final = re.compile(r"<[a-z]+>")
_MAX_TEXT: Final = 8000


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    CRITICAL = "critical"
    WARN = "warn"
    INFO = "info"

    @property
    def rank(self) -> int:
        """Return 0 for the worst."""
        return list(Severity).index(self)


class Topic(IntEnum):
    """What a rule is about, in the order in which the security page says to mend things."""

    ACCESS = 1
    NETWORK = 2
    BROWSER = 3
    DISK = 4
    PLUGINS = 5
    MODELS = 6
    TOOLS = 7
    OTHER = 8


class Since(StrEnum):
    """Where a rule comes from: the seed catalogue, a later version of the original, or this system."""

    SEED = "2026.2.9"
    LATER = "later"
    OURS = "ours"


@dataclass(frozen=True)
class Rule:
    """One kind of finding, with what `--explain` says of it.

    Attributes:
        id: check id; parts in angle brackets stand for a channel, provider, account or number.
        severities: those that it may have, the usual one first.
        topic: what it is about.
        title: one line.
        when: the exact condition.
        attack: what somebody does with it.
        remedy: how it is mended.
        since: where it comes from.
        fix: what `--fix` does about it; None when it does nothing.
        deep: only `--deep` looks for it.
    """

    id: str
    severities: tuple[Severity, ...]
    topic: Topic
    title: str
    when: str
    attack: str
    remedy: str
    since: Since = Since.SEED
    fix: str | None = None
    deep: bool = False

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        if "<" not in self.id:
            return None
        parts = _PLACEHOLDER.split(self.id)
        return re.compile(".+".join(re.escape(part) for part in parts), re.DOTALL)

    def covers(self, check_id: str) -> bool:
        """Tell whether a check id is of this kind."""
        pattern = self._pattern
        return check_id == self.id or (pattern is not None and pattern.fullmatch(check_id) is not None)


@dataclass(frozen=True, slots=True)
class Hit:
    """What a check yields. Names from outside may hold anything: each text is made one harmless line.

    Attributes:
        detail: the facts, without secrets: one line, or several.
        id: check id, where the check has several rules or the id has a placeholder.
        severity: where it is not the rule's usual one.
        title: where the rule's own does not do.
        note: added to the title, to tell apart what it is about.
        remedy: where the rule's own does not do; "" for none.
        seed: whether the seed version would report it; only counts for rules of the seed.
        retired: only the seed reports it: the default report leaves it out on purpose (audit.md 9.5).
        place: config path or file that it is about.
    """

    detail: str | tuple[str, ...]
    id: str | None = None
    severity: Severity | None = None
    title: str | None = None
    note: str = ""
    remedy: str | None = None
    seed: bool = True
    retired: bool = False
    place: str | None = None


Hits: TypeAlias = Iterator[Hit]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    Attributes:
        check_id, severity, title, detail, remediation: as printed.
        topic: for the order of the printed report.
        seed: whether the seed version reports it, so that `--compat` shows it.
        retired: whether only `--compat` shows it.
        place: config path or file that it is about.
        fixable: `--fix` mends it.
    """

    check_id: str
    severity: Severity
    title: str
    detail: str
    remediation: str | None = None
    topic: Topic = Topic.OTHER
    seed: bool = False
    retired: bool = False
    place: str | None = None
    fixable: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form; an absent remedy is left out."""
        shown: dict[str, Any] = {
            "checkId": self.check_id,
            "severity": self.severity.value,
            "title": self.title,
            "detail": self.detail,
        }
        return shown if self.remediation is None else {**shown, "remediation": self.remediation}


@dataclass(frozen=True, slots=True)
class Check:
    """A function over the gathered context, and the rules that it may report. It looks at nothing else."""

    run: Callable[[AuditContext], Hits]
    rules: tuple[Rule, ...] = field(default=())

    @property
    def name(self) -> str:
        """Return the function's name."""
        return getattr(self.run, "__name__", "check")

    def findings(self, context: AuditContext) -> Iterator[Finding]:
        """Yield what the check finds."""
        for hit in self.run(context):
            yield self._finding(hit)

    def _finding(self, hit: Hit) -> Finding:
        rule = self._rule(hit)
        remedy = rule.remedy if hit.remedy is None else hit.remedy
        return Finding(
            check_id=printable(hit.id or rule.id),
            severity=hit.severity or rule.severities[0],
            title=printable(f"{hit.title or rule.title}{hit.note}"),
            detail=printable(hit.detail) if isinstance(hit.detail, str) else "\n".join(map(printable, hit.detail)),
            remediation=printable(remedy) or None,
            topic=rule.topic,
            seed=hit.seed and rule.since is Since.SEED,
            retired=hit.retired,
            place=None if hit.place is None else printable(hit.place),
            fixable=rule.fix is not None,
        )

    def _rule(self, hit: Hit) -> Rule:
        if hit.id is None:
            return self.rules[0]
        return next(rule for rule in self.rules if rule.covers(hit.id))


Checkable: TypeAlias = "Check | Callable[[AuditContext], Hits]"


def check(
    rule_id: str,
    *severities: Severity,
    topic: Topic,
    title: str,
    when: str,
    attack: str,
    remedy: str,
    since: Since = Since.SEED,
    fix: str | None = None,
    deep: bool = False,
) -> Callable[[Checkable], Check]:
    """Attach the facts of one rule to a check; see `Rule`. Several stand above a function that reports several."""
    rule = Rule(rule_id, severities, topic, title, when, attack, remedy, since, fix, deep)

    def attach(function: Checkable) -> Check:
        if isinstance(function, Check):
            return Check(function.run, (rule, *function.rules))
        return Check(function, (rule,))

    return attach


def printable(text: str) -> str:
    """Return text from a config, file name or peer as one line that cannot steer a terminal, of limited length."""
    shown = text if text.isprintable() else "".join(_shown(char) for char in text)
    return shown if len(shown) <= _MAX_TEXT else f"{shown[:_MAX_TEXT]}…"


def _shown(char: str) -> str:
    if char.isprintable():
        return char
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")
