"""The report as SARIF 2.1.0, for code-scanning services."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from openclaw.security.audit.explain import find_rule
from openclaw.security.audit.model import Finding, Rule, Severity
from openclaw.security.audit.report import Report, Waived
from openclaw.version import VERSION

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {Severity.CRITICAL: "error", Severity.WARN: "warning", Severity.INFO: "note"}
_SCORES: Final = {Severity.CRITICAL: "9.0", Severity.WARN: "5.0", Severity.INFO: "1.0"}


def to_sarif(report: Report, config: Path) -> dict[str, Any]:
    """Return the SARIF document.

    Args:
        report: the report; what is suppressed or accepted is in it as suppressed results.
        config: the config file, which findings about config keys point to.
    """
    waived = (*report.suppressed, *report.accepted)
    results = [_result(finding, config) for finding in report.findings]
    results += [_result(item.finding, config, item) for item in waived]
    used: dict[str, Rule] = {}
    for finding in (*report.findings, *(item.finding for item in waived)):
        rule = find_rule(finding.check_id)
        used.setdefault(rule.id, rule)
    driver = {"name": "openclaw security audit", "version": VERSION, "rules": [_rule(rule) for rule in used.values()]}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.when},
        "help": {"text": f"{rule.attack}\n\n{rule.remedy}".rstrip()},
        "defaultConfiguration": {"level": _LEVELS[rule.severities[0]]},
        "properties": {"security-severity": _SCORES[rule.severities[0]], "tags": ["security"]},
    }


def _result(finding: Finding, config: Path, waived: Waived | None = None) -> dict[str, Any]:
    remedy = f"\nFix: {finding.remediation}" if finding.remediation else ""
    shown: dict[str, Any] = {
        "ruleId": find_rule(finding.check_id).id,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.title}\n{finding.detail}{remedy}"},
        "partialFingerprints": {"checkAndPlace": f"{finding.check_id}|{finding.place or ''}"},
        "locations": [_location(finding, config)],
    }
    if waived is not None:
        shown["suppressions"] = [{"kind": "external", "justification": waived.reason or "accepted"}]
    return shown


def _location(finding: Finding, config: Path) -> dict[str, Any]:
    """Return the file that a finding is about, or the config with the key."""
    place = finding.place or ""
    if place.startswith("/"):
        return {"physicalLocation": {"artifactLocation": {"uri": Path(place).as_uri()}}}
    location: dict[str, Any] = {"physicalLocation": {"artifactLocation": {"uri": Path(config).absolute().as_uri()}}}
    return location | ({"logicalLocations": [{"fullyQualifiedName": place}]} if place else {})
