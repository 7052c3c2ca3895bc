"""The audit inside the gateway: cheap, and only what is new is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from openclaw.config.compile import compile_policy
from openclaw.security.audit.watch import AuditWatch, audit_rpc, cheap_audit, log_lines, news
from support.audit import NOW_MS, AuditHome, skill


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    return made


def parts(home: AuditHome) -> tuple[Any, Any]:
    config = home.reading().config
    return config, compile_policy(config, home.environment)


OPEN = {"channels": {"telegram": {"botToken": "1:x", "groupPolicy": "open"}}}


def test_only_what_is_new_is_told(home: AuditHome) -> None:
    watch = AuditWatch(home.layout, lambda: NOW_MS)
    home.config()
    assert watch.look(*parts(home)) == ()
    home.config(OPEN)
    first = {finding.check_id for finding in watch.look(*parts(home))}
    assert "channels.telegram.groups.open" in first
    assert watch.look(*parts(home)) == ()
    assert watch.latest is not None
    assert watch.latest.summary["critical"] > 0
    home.config()
    assert watch.look(*parts(home)) == ()
    home.config(OPEN)
    assert {finding.check_id for finding in watch.look(*parts(home))} == first, "what went and came back is new"


def test_at_the_start_everything_serious_is_new(home: AuditHome) -> None:
    home.config(OPEN)
    report = cheap_audit(*parts(home), home.layout, now_ms=NOW_MS)
    told = news(None, report)
    assert told
    assert all(finding.severity != "info" for finding in told)
    assert len(told) == sum(finding.severity != "info" for finding in report.findings)


def test_the_cheap_report_leaves_out_what_grows_with_use(home: AuditHome) -> None:
    home.config()
    home.file("agents/main/sessions/a.jsonl", mode=0o644)
    outside = home.home / "elsewhere"
    outside.mkdir()
    (outside / "SKILL.md").write_text("x")
    skill(home, "workspace/skills/own")
    (home.state / "workspace/skills/linked").symlink_to(outside)
    cheap = {item.check_id for item in cheap_audit(*parts(home), home.layout, now_ms=NOW_MS).findings}
    whole = {item["checkId"] for item in audit_rpc(*parts(home), home.layout, now_ms=NOW_MS)["findings"]}
    assert whole - cheap == {"fs.transcripts.perms_readable", "skills.workspace.symlink_escape"}
    assert cheap <= whole


def test_the_rpc_answers_what_the_command_prints(home: AuditHome) -> None:
    home.config(OPEN)
    answer = audit_rpc(*parts(home), home.layout, now_ms=NOW_MS)
    assert answer == home.report().as_dict()


def test_the_policy_of_the_gateway_is_the_one_that_is_asked(home: AuditHome) -> None:
    """What is in force counts, not what would be compiled again."""
    home.config(OPEN)
    config, opened = parts(home)
    home.config()
    _, closed = parts(home)
    check_id = "security.exposure.open_groups_with_runtime_or_fs"
    for policy, expected in ((opened, True), (closed, False)):
        report = cheap_audit(config, policy, home.layout, now_ms=NOW_MS)
        assert (check_id in [finding.check_id for finding in report.findings]) is expected


def test_a_line_of_the_log_is_one_line(home: AuditHome) -> None:
    home.config(OPEN)
    lines = list(log_lines(news(None, cheap_audit(*parts(home), home.layout, now_ms=NOW_MS))))
    assert all(line.startswith("security audit: ") and line.isprintable() for line in lines)
