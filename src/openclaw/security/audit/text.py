"""The report as plain text (audit.md 2.2): for pipes, logs and files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from openclaw.security.audit.model import Finding, Severity
from openclaw.security.audit.report import Report

if TYPE_CHECKING:
    from openclaw.security.audit.fix import FixResult


def in_order(report: Report) -> tuple[Finding, ...]:
    """Return the findings as they are printed within their severity.

    The order of the security page: open doors, network, browser, files, plugins, models, the rest. The compatible
    report keeps the order of its list.
    """
    if report.compat:
        return report.findings
    return tuple(sorted(report.findings, key=lambda finding: finding.topic))


def sections(report: Report) -> Iterator[tuple[Severity, list[Finding]]]:
    """Yield each severity that has findings, the worst first."""
    findings = in_order(report)
    for severity in Severity:
        listed = [finding for finding in findings if finding.severity is severity]
        if listed:
            yield severity, listed


def summary_line(report: Report) -> str:
    """Return the counts."""
    return "Summary: " + " · ".join(f"{count} {name}" for name, count in report.summary.items())


def head_lines(report: Report, command: str, *, fixed: bool) -> Iterator[str]:
    """Yield the lines above the findings.

    Args:
        report: the report.
        command: how this program is called.
        fixed: `--fix` was given.
    """
    yield "OpenClaw security audit"
    yield summary_line(report)
    if report.suppressed:
        yield f"Suppressed: {len(report.suppressed)} configured"
    if report.accepted:
        yield f"Accepted: {len(report.accepted)} by the baseline"
    if report.expired:
        yield f"Expired in the baseline: {', '.join(report.expired)}"
    if report.probe is None:
        yield f"Run deeper: {command} security audit --deep"
    else:
        yield f"Gateway: {report.probe.url} {'answers' if report.probe.ok else 'does not answer'}"
    if fixed:
        yield f"Fix: {command} security audit --fix"


def fix_block(result: FixResult | None, shown: Callable[[Path], str]) -> Iterator[str]:
    """Yield what was mended; None stands for a fixer that failed."""
    if result is None:
        yield "Fixes: failed to apply (unexpected error)"
    elif result.did_nothing:
        yield "Fixes: no changes applied"
    else:
        yield ""
        yield "FIX (planned, nothing is changed)" if result.dry_run else "FIX"
        yield from (f"  {line}" for line in result.lines(shown))


def finding_lines(finding: Finding) -> Iterator[str]:
    """Yield the lines of one finding; only the first line of its detail is indented."""
    yield f"{finding.check_id} {finding.title}"
    yield f"  {finding.detail}"
    if finding.remediation:
        yield f"  Fix: {finding.remediation}"


def report_text(report: Report, command: str, fix: Iterable[str] = (), *, fixed: bool = False) -> str:
    """Return the whole text.

    Args:
        report: the report.
        command: how this program is called.
        fix: the lines of the FIX block.
        fixed: `--fix` was given.
    """
    lines = [*head_lines(report, command, fixed=fixed), *fix]
    for severity, findings in sections(report):
        lines += ["", severity.upper()]
        for finding in findings:
            lines += finding_lines(finding)
    return "\n".join(lines) + "\n"
