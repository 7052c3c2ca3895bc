"""What an audit came to, and its JSON form (audit.md 2.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from openclaw.security.audit.model import Finding, Severity

if TYPE_CHECKING:
    from openclaw.security.audit.deep_facts import Probe


@dataclass(frozen=True, slots=True)
class Waived:
    """A finding that somebody accepts.

    Attributes:
        finding: what was found.
        reason: why it is accepted.
        expires: last day on which it is, as YYYY-MM-DD; "" for ever.
    """

    finding: Finding
    reason: str = ""
    expires: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one run.

    Attributes:
        ts: when, epoch milliseconds.
        findings: in the order of the registry; those that somebody accepts are not among them.
        suppressed: what the config suppresses.
        accepted: what the baseline accepts.
        expired: entries of the baseline that no longer count, by check id.
        probe: how the gateway answered; None without `--deep`.
        compat: this is the seed-compatible report.
    """

    ts: int
    findings: tuple[Finding, ...]
    suppressed: tuple[Waived, ...] = ()
    accepted: tuple[Waived, ...] = ()
    expired: tuple[str, ...] = ()
    probe: Probe | None = None
    compat: bool = False

    @property
    def summary(self) -> Mapping[str, int]:
        """Return how many findings of each severity there are."""
        counts = Counter(finding.severity for finding in self.findings)
        return {severity.value: counts[severity] for severity in Severity}

    def reaches(self, severity: Severity) -> bool:
        """Tell whether a finding of this severity or worse is left."""
        return any(finding.severity.rank <= severity.rank for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        document: dict[str, Any] = {
            "ts": self.ts,
            "summary": dict(self.summary),
            "findings": [finding.as_dict() for finding in self.findings],
        }
        if self.probe is not None:
            document["deep"] = {"gateway": self.probe.as_dict()}
        if self.suppressed:
            document["suppressedFindings"] = [_waived(item, "suppression") for item in self.suppressed]
        if self.accepted:
            document["acceptedFindings"] = [_waived(item, "acceptance") for item in self.accepted]
        return document


def _waived(item: Waived, name: str) -> dict[str, Any]:
    why = {key: text for key, text in (("reason", item.reason), ("expires", item.expires)) if text}
    return {**item.finding.as_dict(), name: why}


@dataclass(frozen=True, slots=True)
class Accepting:
    """One rule of what is accepted: an exact check id, and texts that title and detail must hold, whatever their case.

    Attributes:
        check_id: the id.
        title_includes, detail_includes: "" for any.
        reason: why.
        expires: last day, as YYYY-MM-DD; "" for ever.
    """

    check_id: str
    title_includes: str = ""
    detail_includes: str = ""
    reason: str = ""
    expires: str = ""
    words: tuple[str, str] = field(init=False, default=("", ""))

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", (self.title_includes.lower(), self.detail_includes.lower()))

    def covers(self, finding: Finding) -> bool:
        """Tell whether a finding is meant."""
        title, detail = self.words
        return finding.check_id == self.check_id and title in finding.title.lower() and detail in finding.detail.lower()
