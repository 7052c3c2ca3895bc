"""The run: boundaries around checks, suppressions, order, and that looking changes nothing."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openclaw.config.baseline import baseline
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.explain import rules
from openclaw.security.audit.model import Hit, Hits, Severity, Topic, check
from openclaw.security.audit.registry import CHECKS
from openclaw.security.audit.run import audit, run_checks
from support.audit import NOW_MS, SECRET, AuditHome, plugin, skill


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    return made


@check("x.fine", Severity.INFO, topic=Topic.OTHER, title="t", when="w", attack="a", remedy="r")
def fine(ctx: AuditContext) -> Hits:
    del ctx
    yield Hit("fine")


@check("x.broken", Severity.INFO, topic=Topic.OTHER, title="t", when="w", attack="a", remedy="r")
def broken(ctx: AuditContext) -> Hits:
    del ctx
    yield Hit("one")
    raise RuntimeError("a secret of the config")


def test_a_check_that_fails_is_a_finding_and_the_others_run(home: AuditHome, caplog: pytest.LogCaptureFixture) -> None:
    home.config()
    found = run_checks(home.context(), (broken, fine))
    assert [(item.check_id, item.severity) for item in found] == [("audit.check_failed", "warn"), ("x.fine", "info")]
    assert found[0].detail == "broken: RuntimeError"
    assert not found[0].seed
    assert "audit check broken failed" in caplog.text


def test_suppressions_hide_findings_but_not_themselves(home: AuditHome) -> None:
    home.state.chmod(0o755)
    rule = {"checkId": "fs.state_dir.perms_readable", "reason": "shared host"}
    home.config({"security": {"audit": {"suppressions": [rule, {"checkId": "security.audit.suppressions.active"}]}}})
    report = home.report()
    assert [item.finding.check_id for item in report.suppressed] == ["fs.state_dir.perms_readable"]
    assert "security.audit.suppressions.active" in [item.check_id for item in report.findings]
    (shown,) = report.as_dict()["suppressedFindings"]
    assert shown["suppression"] == {"reason": "shared host"}


def test_the_compatible_report_knows_no_suppressions(home: AuditHome) -> None:
    home.state.chmod(0o755)
    home.config({"security": {"audit": {"suppressions": [{"checkId": "fs.state_dir.perms_readable"}]}}})
    report = home.report(compat=True)
    assert "fs.state_dir.perms_readable" in [item.check_id for item in report.findings]
    assert report.suppressed == ()


def test_the_compatible_findings_are_part_of_the_default_ones(home: AuditHome) -> None:
    home.state.chmod(0o755)
    home.config({"gateway": {"bind": "lan", "auth": {"token": "short"}}, "channels": {"telegram": {"botToken": "1:x"}}})
    default = Counter((item.check_id, item.severity) for item in home.report().findings)
    compat = Counter((item.check_id, item.severity) for item in home.report(compat=True).findings)
    assert compat <= default


def test_a_condition_has_one_id_and_an_id_one_rule() -> None:
    ids = [rule.id for rule in rules()]
    assert len(ids) == len(set(ids))


def test_every_rule_tells_what_it_is() -> None:
    for rule in rules():
        assert rule.severities, rule.id
        for text in (rule.title, rule.when, rule.attack):
            assert text.strip(), rule.id
            assert text.isprintable(), rule.id
        assert not rule.title.endswith("."), rule.id
        assert rule.when.endswith("."), rule.id
        assert rule.attack.endswith("."), rule.id


def test_looking_changes_nothing_and_makes_nothing(home: AuditHome) -> None:
    home.config({"logging": {"file": "~/logs/x.log"}, "agents": {"defaults": {"workspace": "~/work"}}})
    plugin(home)
    skill(home)
    before = {path: (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in home.home.rglob("*")}
    home.report(deep=True)
    after = {path: (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in home.home.rglob("*")}
    assert after == before


def test_without_anything_there_is_still_a_report(tmp_path: Path) -> None:
    home = AuditHome(tmp_path / "nowhere")
    assert "summary.attack_surface" in home.ids()
    assert not home.home.exists()


@pytest.mark.parametrize("sandboxed", [True, False])
def test_the_baseline_of_up_has_nothing_worse_than_infos(home: AuditHome, sandboxed: bool) -> None:
    home.config(json.dumps(baseline(SECRET, sandboxed=sandboxed)))
    bad = [item for item in home.report().findings if item.severity is not Severity.INFO]
    assert bad == []


PRELOADED = """
import sys
from openclaw.security.audit.gather import gather
from openclaw.security.audit.run import audit
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
environment = Environment({"HOME": sys.argv[1]})
report = audit(gather(StateLayout.resolve(environment), environment), now_ms=0)
print(*sorted(set(sys.modules) & set(sys.argv[2:])))
"""
HEAVY = (
    "aiohttp",
    "asyncio",
    "cryptography",
    "openclaw.config.compile",
    "psutil",
    "re2",
    "rich",
    "sqlite3",
    "openclaw.security.audit.deep",
    "openclaw.security.audit.probe",
    "openclaw.security.audit.scan_rules",
)


def test_a_plain_audit_of_a_plain_config_loads_nothing_heavy(home: AuditHome) -> None:
    home.config({"agents": {"list": [{"id": "main"}, {"id": "work"}]}, "channels": {"telegram": {"botToken": "1:x"}}})
    done = subprocess.run(
        [sys.executable, "-c", PRELOADED, str(home.home), *HEAVY], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8) | st.just("*")
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
)
SECTIONS = st.sampled_from(
    (
        "agents",
        "browser",
        "channels",
        "commands",
        "gateway",
        "hooks",
        "logging",
        "plugins",
        "session",
        "skills",
        "tools",
    )
)


@given(st.dictionaries(SECTIONS, VALUES, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_document_makes_a_check_fail(home: AuditHome, document: dict[str, object]) -> None:
    """Checks look at plain values: whatever the loader lets through one day, they stay whole."""
    import dataclasses

    home.config()
    context = home.context()
    reading = dataclasses.replace(context.reading, document=document, authored=document, seed=document)
    odd = dataclasses.replace(context, reading=reading)
    failed = [item.detail for item in audit(odd, now_ms=NOW_MS).findings if item.check_id == "audit.check_failed"]
    assert failed == []


def test_checks_do_no_io() -> None:
    """What a check may look at is gathered: its module imports nothing that looks at the machine."""
    import ast
    import inspect

    banned = {"os", "pathlib", "socket", "subprocess", "psutil", "time", "asyncio", "shutil", "stat"}
    modules = {inspect.getmodule(one.run) for one in CHECKS}
    for module in modules:
        assert module is not None
        tree = ast.parse(inspect.getsource(module))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not banned & {name.split(".")[0] for name in names}, module.__name__


def test_modes_of_the_state_are_as_they_were(home: AuditHome) -> None:
    home.state.chmod(0o755)
    home.config()
    home.report()
    assert stat.S_IMODE(home.state.stat().st_mode) == 0o755
