"""Runs the checks over a gathered context, each inside a boundary of its own."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Finding, Hit, Hits, Severity, Since, Topic, check
from openclaw.security.audit.registry import CHECKS
from openclaw.security.audit.report import Accepting, Report, Waived
from openclaw.security.audit.values import at, listed, mapping, trim

log = logging.getLogger(__name__)

COMPAT_VERSIONS: Final = ("2026.2.9",)


@check(
    "audit.check_failed",
    Severity.WARN,
    topic=Topic.OTHER,
    title="A check of the audit failed",
    when="A check ended with an error of its own.",
    attack="What it looks for was not judged.",
    remedy="Report it, with the log of openclaw security audit.",
    since=Since.OURS,
)
def check_failed(ctx: AuditContext) -> Hits:
    """Nothing by itself: the runner reports each check that fails."""
    del ctx
    yield from ()


@check(
    "security.audit.suppressions.active",
    Severity.INFO,
    topic=Topic.OTHER,
    title="Findings are suppressed by the config",
    when="security.audit.suppressions is not empty.",
    attack="A suppression that outlives its reason hides a hole.",
    remedy="Look through security.audit.suppressions; prefer --baseline, whose entries expire.",
    since=Since.LATER,
)
def suppressions_active(ctx: AuditContext) -> Hits:
    """Say how many rules hide findings."""
    count = len(listed(at(ctx.document, "security", "audit", "suppressions")))
    if count:
        yield Hit(f"{count} suppressions are configured.", place="security.audit.suppressions")


RUNNER_CHECKS: Final[tuple[Check, ...]] = (check_failed, suppressions_active)
"""Checks that stand outside the registry: they speak of the run itself."""


def run_checks(context: AuditContext, checks: Iterable[Check] = CHECKS) -> tuple[Finding, ...]:
    """Return what the checks find, in their order."""
    found: list[Finding] = []
    for one in checks:
        found += _run(context, one)
    return tuple(found)


def _run(context: AuditContext, one: Check) -> list[Finding]:
    try:
        return list(one.findings(context))
    except Exception as error:
        log.exception("audit check %s failed", one.name)
        rule = check_failed.rules[0]
        detail = f"{one.name}: {type(error).__name__}"
        return [Finding(rule.id, Severity.WARN, rule.title, detail, rule.remedy, rule.topic)]


def audit(
    context: AuditContext, *, now_ms: int, compat: bool = False, baseline: Sequence[Accepting] | None = None
) -> Report:
    """Return the report of a context.

    Args:
        context: what was gathered.
        now_ms: the time.
        compat: only what the seed version reports; suppressions do not count then.
        baseline: findings that are accepted.
    """
    every = run_checks(context)
    suppressed: tuple[Waived, ...] = ()
    if compat:
        left = tuple(item for item in every if item.seed)
    else:
        kept, suppressed = _waive([item for item in every if not item.retired], _suppressions(context))
        left = (*kept, *run_checks(context, (suppressions_active,)))
    live, expired = _live(baseline or (), now_ms)
    findings, accepted = _waive(left, live)
    return Report(
        ts=now_ms,
        findings=findings,
        suppressed=suppressed,
        accepted=accepted,
        expired=expired,
        probe=context.deep.probe if context.deep is not None else None,
        compat=compat,
    )


def _suppressions(context: AuditContext) -> list[Accepting]:
    return [
        Accepting(
            check_id=trim(item.get("checkId")),
            title_includes=trim(item.get("titleIncludes")),
            detail_includes=trim(item.get("detailIncludes")),
            reason=trim(item.get("reason")),
        )
        for item in map(mapping, listed(at(context.document, "security", "audit", "suppressions")))
    ]


def _live(baseline: Iterable[Accepting], now_ms: int) -> tuple[list[Accepting], tuple[str, ...]]:
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date().isoformat()
    entries = list(baseline)
    expired = tuple(entry.check_id for entry in entries if entry.expires and entry.expires < today)
    return [entry for entry in entries if not entry.expires or entry.expires >= today], expired


def _waive(findings: Iterable[Finding], entries: Sequence[Accepting]) -> tuple[tuple[Finding, ...], tuple[Waived, ...]]:
    kept: list[Finding] = []
    waived: list[Waived] = []
    for finding in findings:
        entry = next((entry for entry in entries if entry.covers(finding)), None)
        if entry is None:
            kept.append(finding)
        else:
            waived.append(Waived(finding, entry.reason, entry.expires))
    return tuple(kept), tuple(waived)


def all_checks() -> Iterator[Check]:
    """Yield every check, those of the runner last."""
    yield from CHECKS
    yield from RUNNER_CHECKS
