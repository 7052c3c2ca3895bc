"""SARIF: one result for each finding, with its rule, its level and its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from openclaw.security.audit.report import Accepting
from openclaw.security.audit.run import audit
from openclaw.security.audit.sarif import to_sarif
from support.audit import NOW_MS, AuditHome


def run_of(home: AuditHome, *accepted: Accepting) -> Any:
    report = audit(home.context(), now_ms=NOW_MS, baseline=accepted)
    document = to_sarif(report, home.layout.config)
    json.dumps(document)
    assert document["version"] == "2.1.0"
    assert document["$schema"].startswith("https://json.schemastore.org/sarif-2.1.0")
    (run,) = document["runs"]
    return run


def made(tmp_path: Path) -> AuditHome:
    home = AuditHome(tmp_path)
    home.state.mkdir(mode=0o700)
    home.config({"channels": {"telegram": {"botToken": "1:x", "groupPolicy": "open"}}})
    home.state.chmod(0o755)
    return home


def test_every_result_names_a_rule_that_is_described(tmp_path: Path) -> None:
    run = run_of(made(tmp_path))
    rules = {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}
    assert len(rules) == len(run["tool"]["driver"]["rules"])
    for result in run["results"]:
        assert result["ruleId"] in rules
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert result["locations"]
        assert result["partialFingerprints"]["checkAndPlace"]
    for rule in rules.values():
        assert rule["shortDescription"]["text"]
        assert float(rule["properties"]["security-severity"]) > 0


def test_a_finding_about_a_key_points_to_the_config_and_one_about_a_file_to_the_file(tmp_path: Path) -> None:
    home = made(tmp_path)
    results = {result["ruleId"]: result for result in run_of(home)["results"]}
    (key,) = results["channels.<id>.groups.open"]["locations"]
    assert key["physicalLocation"]["artifactLocation"]["uri"] == home.layout.config.as_uri()
    assert key["logicalLocations"] == [{"fullyQualifiedName": "channels.telegram.groupPolicy"}]
    (file,) = results["fs.state_dir.perms_readable"]["locations"]
    assert file["physicalLocation"]["artifactLocation"]["uri"] == home.state.as_uri()


def test_fingerprints_are_the_same_in_the_next_run_and_differ_between_findings(tmp_path: Path) -> None:
    home = made(tmp_path)
    prints = [[result["partialFingerprints"]["checkAndPlace"] for result in run_of(home)["results"]] for _ in range(2)]
    assert prints[0] == prints[1]
    assert len(set(prints[0])) == len(prints[0])


def test_what_is_accepted_is_a_suppressed_result(tmp_path: Path) -> None:
    entry = Accepting("fs.state_dir.perms_readable", reason="shared host", expires="2099-01-01")
    results = {result["ruleId"]: result for result in run_of(made(tmp_path), entry)["results"]}
    assert results["fs.state_dir.perms_readable"]["suppressions"] == [
        {"kind": "external", "justification": "shared host"}
    ]
    assert "suppressions" not in results["channels.<id>.groups.open"]
