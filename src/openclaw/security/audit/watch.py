"""The audit inside the gateway: cheap checks at start and after each reload, and the answer of `security.audit`.

Both block (they look at files): call them on a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from openclaw.config.model import Config
from openclaw.security.audit.gather import gather_for
from openclaw.security.audit.look import Looker
from openclaw.security.audit.model import Finding, Severity
from openclaw.security.audit.reading import reading_of
from openclaw.security.audit.report import Report
from openclaw.security.audit.run import audit
from openclaw.state.layout import StateLayout

if TYPE_CHECKING:
    from openclaw.policy.snapshot import Policy


def cheap_audit(config: Config, policy: Policy, layout: StateLayout, *, now_ms: int) -> Report:
    """Return the report of the config in force, without what grows with use (transcripts, skill folders, code).

    Args:
        config: the config in force.
        policy: what it was compiled to.
        layout: where the state is.
        now_ms: the time.
    """
    return _report(config, policy, layout, now_ms=now_ms, cheap=True)


def audit_rpc(config: Config, policy: Policy, layout: StateLayout, *, now_ms: int) -> dict[str, Any]:
    """Return the answer of the method `security.audit`: the whole plain report, as `--json` prints it.

    Findings name paths, so the method is for administrators. Arguments as for `cheap_audit`.
    """
    return _report(config, policy, layout, now_ms=now_ms, cheap=False).as_dict()


def _report(config: Config, policy: Policy, layout: StateLayout, *, now_ms: int, cheap: bool) -> Report:
    looker = Looker()
    reading = reading_of(config, layout, config.environment, looker)
    return audit(gather_for(reading, looker, cheap=cheap, policy=policy), now_ms=now_ms)


def news(before: Report | None, after: Report) -> tuple[Finding, ...]:
    """Return what a report has of warn or worse that the one before had not; everything when there was none."""
    known = {_identity(finding) for finding in before.findings} if before is not None else set()
    serious = (finding for finding in after.findings if finding.severity is not Severity.INFO)
    return tuple(finding for finding in serious if _identity(finding) not in known)


def _identity(finding: Finding) -> tuple[str, str, str | None]:
    return finding.check_id, finding.severity, finding.place


def log_lines(findings: Iterable[Finding]) -> Iterable[str]:
    """Yield one line for the log for each finding."""
    for finding in findings:
        first = finding.detail.partition("\n")[0]
        yield f"security audit: {finding.severity} {finding.check_id}: {finding.title}: {first}"


class AuditWatch:
    """Keeps the last cheap report of a gateway, and says what a new one adds.

    Args:
        layout: where the state is.
        now_ms: the clock.
    """

    def __init__(self, layout: StateLayout, now_ms: Callable[[], int]) -> None:
        self._layout = layout
        self._now_ms = now_ms
        self.latest: Report | None = None

    def look(self, config: Config, policy: Policy) -> tuple[Finding, ...]:
        """Run the cheap checks and return what is new."""
        report = cheap_audit(config, policy, self._layout, now_ms=self._now_ms())
        found = news(self.latest, report)
        self.latest = report
        return found
