"""The report as text: its head, its order, the fix beside each finding (audit.md 2.2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from openclaw.security.audit.deep_facts import Probe
from openclaw.security.audit.fix import FixResult
from openclaw.security.audit.model import Finding, Severity, Topic
from openclaw.security.audit.modes import Action, Target
from openclaw.security.audit.report import Accepting, Report, Waived
from openclaw.security.audit.text import fix_block, report_text
from openclaw.state.layout import StateLayout


def finding(check_id: str, severity: Severity, topic: Topic = Topic.OTHER, **more: object) -> Finding:
    return Finding(check_id, severity, f"Title of {check_id}", "one\ntwo", topic=topic, **more)  # type: ignore[arg-type] # the test gives valid ones


FINDINGS = (
    finding("disk", Severity.WARN, Topic.DISK, remediation="chmod 600 /x"),
    finding("info", Severity.INFO),
    finding("door", Severity.WARN, Topic.ACCESS),
    finding("net", Severity.CRITICAL, Topic.NETWORK),
    finding("open", Severity.CRITICAL, Topic.ACCESS),
    finding("door2", Severity.WARN, Topic.ACCESS),
)


def test_the_worst_comes_first_then_the_order_in_which_to_mend() -> None:
    text = report_text(Report(0, FINDINGS), "claw")
    assert text == (
        "OpenClaw security audit\n"
        "Summary: 2 critical · 3 warn · 1 info\n"
        "Run deeper: claw security audit --deep\n"
        "\n"
        "CRITICAL\n"
        "open Title of open\n  one\ntwo\n"
        "net Title of net\n  one\ntwo\n"
        "\n"
        "WARN\n"
        "door Title of door\n  one\ntwo\n"
        "door2 Title of door2\n  one\ntwo\n"
        "disk Title of disk\n  one\ntwo\n  Fix: chmod 600 /x\n"
        "\n"
        "INFO\n"
        "info Title of info\n  one\ntwo\n"
    )


def test_the_compatible_report_keeps_the_order_of_its_list() -> None:
    text = report_text(Report(0, FINDINGS, compat=True), "claw")
    assert text.index("net Title") < text.index("open Title")
    assert text.index("disk Title") < text.index("door Title")


def test_without_findings_there_is_only_the_head() -> None:
    assert report_text(Report(0, ()), "claw").splitlines()[1:] == [
        "Summary: 0 critical · 0 warn · 0 info",
        "Run deeper: claw security audit --deep",
    ]


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (Report(0, (), suppressed=(Waived(FINDINGS[0]),)), "Suppressed: 1 configured"),
        (Report(0, (), accepted=(Waived(FINDINGS[0]),)), "Accepted: 1 by the baseline"),
        (Report(0, (), expired=("a", "b")), "Expired in the baseline: a, b"),
        (Report(0, (), probe=Probe("ws://x", ok=True)), "Gateway: ws://x answers"),
        (Report(0, (), probe=Probe("ws://x", ok=False)), "Gateway: ws://x does not answer"),
    ],
)
def test_the_head_tells_what_is_not_in_the_list(report: Report, line: str) -> None:
    assert line in report_text(report, "claw").splitlines()


LAYOUT = StateLayout(Path("/home/me/.openclaw"), Path("/home/me/.openclaw/openclaw.json"))


def target(name: str) -> Target:
    return Target(LAYOUT.root / name, LAYOUT.root, 0o600, folder=False)


def shown(path: Path) -> str:
    return str(path).replace("/home/me", "~")


def test_the_block_of_fixes_lists_each_step() -> None:
    result = FixResult(
        LAYOUT,
        changes=("a -> b",),
        actions=(
            Action(target("x"), ok=True),
            Action(target("y"), skipped="symlink"),
            Action(target("z"), error="not permitted"),
        ),
        errors=("writeConfigFile failed: no\x1b",),
        written=True,
    )
    assert list(fix_block(result, shown)) == [
        "",
        "FIX",
        "  a -> b",
        "  chmod 600 ~/.openclaw/x",
        "  skip chmod 600 ~/.openclaw/y (symlink)",
        "  chmod 600 ~/.openclaw/z failed: not permitted",
        "  error: writeConfigFile failed: no\\x1b",
    ]


def test_nothing_to_mend_and_a_broken_fixer_are_one_line() -> None:
    idle = FixResult(LAYOUT, (), (Action(target("x"), skipped="already"),))
    assert list(fix_block(idle, shown)) == ["Fixes: no changes applied"]
    assert list(fix_block(None, shown)) == ["Fixes: failed to apply (unexpected error)"]


def test_a_plan_says_that_it_is_one() -> None:
    plan = FixResult(LAYOUT, ("a -> b",), (Action(target("x"), planned=True),), dry_run=True)
    assert list(fix_block(plan, shown)) == [
        "",
        "FIX (planned, nothing is changed)",
        "  a -> b",
        "  chmod 600 ~/.openclaw/x",
    ]


@pytest.mark.parametrize(
    ("severity", "reached"), [(Severity.CRITICAL, True), (Severity.WARN, True), (Severity.INFO, True)]
)
def test_a_critical_finding_reaches_every_threshold(severity: Severity, reached: bool) -> None:
    assert Report(0, FINDINGS).reaches(severity) is reached
    assert Report(0, FINDINGS[1:2]).reaches(severity) is (severity is Severity.INFO)


def test_the_texts_of_an_acceptance_are_compared_without_case() -> None:
    entry = Accepting("disk", title_includes="TITLE", detail_includes="Two")
    assert entry.covers(FINDINGS[0])
    assert not entry.covers(FINDINGS[1])
