"""Runs the checks, and the repairs that somebody agrees to, until nothing new is found."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from openclaw.security.doctor.context import DoctorContext
from openclaw.security.doctor.model import Check, Finding, Level
from openclaw.security.doctor.registry import CHECKS
from openclaw.state.files import why
from openclaw.system.errors import OpenClawError

log = logging.getLogger(__name__)

ROUNDS: Final = 6
"""A repair may bring the next fault to light: a config that was moved can be read then. More rounds than steps."""


class Status(StrEnum):
    """What became of a repair."""

    DONE = "done"
    FAILED = "failed"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Treated:
    """A finding whose repair was decided.

    Attributes:
        finding: with its repair.
        status: what became of it.
        told: what is worth telling, or the error.
    """

    finding: Finding
    status: Status
    told: tuple[str, ...] = ()


@dataclass(slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        findings: everything that was found, in order of first appearance.
        treated: the repairs.
    """

    findings: list[Finding] = field(default_factory=list)
    treated: list[Treated] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        """Tell whether a repair that was agreed to did not work."""
        return any(one.status is Status.FAILED for one in self.treated)

    def as_json(self) -> dict[str, Any]:
        """Return the wire form: findings, each with what became of its repair."""
        status = {one.finding.repair.key: one for one in self.treated if one.finding.repair is not None}
        rows = []
        for finding in self.findings:
            row = finding.as_json()
            one = status.get(finding.repair.key) if finding.repair is not None else None
            if one is not None:
                row |= {"status": one.status.value} | ({"told": list(one.told)} if one.told else {})
            rows.append(row)
        counts = {level.value: sum(1 for one in self.findings if one.level is level) for level in Level}
        return {"ok": not self.failed, "summary": counts, "findings": rows}


def examine(context: DoctorContext, checks: Iterable[Check] = CHECKS) -> list[Finding]:
    """Return what all checks find. A check that crashes becomes a finding of its own."""
    findings: list[Finding] = []
    for one in checks:
        try:
            findings += one.run(context)
        except Exception as error:
            log.debug("the check %s crashed", one.id, exc_info=error)
            message = f"The check {one.id} crashed ({type(error).__name__}); this is a defect of openclaw."
            findings.append(Finding(one.id, one.title, Level.WARN, message))
    return findings


class Doctor:
    """One run of doctor.

    Args:
        gather: gathers the facts anew.
        show: is told each finding when it first comes up, and each repair when it is decided.
        accept: says whether a repair is made; it was shown before.
        checks: what is looked for.
    """

    def __init__(
        self,
        gather: Callable[[], DoctorContext],
        *,
        show: Callable[[Finding | Treated], None],
        accept: Callable[[Finding], bool],
        checks: Iterable[Check] = CHECKS,
    ) -> None:
        self._gather = gather
        self._checks = tuple(checks)
        self._show = show
        self._accept = accept
        self._seen: set[tuple[str, str, str]] = set()
        self._offered: set[str] = set()

    def run(self) -> Outcome:
        """Examine and repair. What moves files comes first, since it changes what the rest is about."""
        outcome = Outcome()
        for _ in range(ROUNDS):
            found = examine(self._gather(), self._checks)
            moving = [one for one in found if one.repair is not None and one.repair.moves]
            if not self._round(moving, outcome) and not self._round(found, outcome):
                break
        return outcome

    def _round(self, found: list[Finding], outcome: Outcome) -> bool:
        """Show what is new, treat what was not treated yet, and tell whether anything was repaired."""
        for finding in found:
            key = (finding.check, finding.message, finding.repair.key if finding.repair is not None else "")
            if key not in self._seen:
                self._seen.add(key)
                outcome.findings.append(finding)
                self._show(finding)
        treated = [self._treat(finding) for finding in found if self._is_offer(finding)]
        outcome.treated += treated
        return any(one.status is Status.DONE for one in treated)

    def _is_offer(self, finding: Finding) -> bool:
        if finding.repair is None or finding.repair.key in self._offered:
            return False
        self._offered.add(finding.repair.key)
        return True

    def _treat(self, finding: Finding) -> Treated:
        assert finding.repair is not None
        treated = Treated(finding, Status.DECLINED)
        if self._accept(finding):
            try:
                treated = Treated(finding, Status.DONE, finding.repair.apply())
            except OpenClawError as error:
                treated = Treated(finding, Status.FAILED, (error.message,))
            except OSError as error:
                treated = Treated(finding, Status.FAILED, (why(error),))
        self._show(treated)
        return treated
