"""Rules whose config this version's loader does not take: looked at all the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from openclaw.security.audit.model import Finding
from openclaw.security.audit.run import audit
from support.audit import BASE, NOW_MS, AuditHome, merged, plugin


def found(home: AuditHome, check_id: str, document: Mapping[str, Any]) -> list[Finding]:
    """Return findings of a document that no loader has looked at."""
    context = home.context()
    reading = dataclasses.replace(context.reading, document=merged(BASE, document))
    report = audit(dataclasses.replace(context, reading=reading), now_ms=NOW_MS)
    return [item for item in report.findings if item.check_id == check_id]


@pytest.fixture
def home(tmp_path: Path) -> AuditHome:
    made = AuditHome(tmp_path)
    made.state.mkdir(mode=0o700)
    made.config()
    return made


OFF = {"provenance": {"mode": "off"}}
BOXED = {"defaults": {"sandbox": {"mode": "all"}}}


@pytest.mark.parametrize(
    ("document", "severity"),
    [
        ({}, None),
        ({"tools": {"provenance": {"mode": "ask"}}}, None),
        ({"tools": OFF}, "critical"),
        ({"tools": OFF, "agents": BOXED}, "warn"),
        ({"tools": {**OFF, "deny": ["exec"]}}, "warn"),
        ({"tools": {**OFF, "exec": {"host": "gateway"}}, "agents": BOXED}, "critical"),
        ({"agents": {**BOXED, "list": [{"id": "a", "tools": OFF}]}}, "warn"),
    ],
)
def test_a_provenance_gate_that_is_off_is_told(home: AuditHome, document: dict[str, Any], severity: str | None) -> None:
    severities = [item.severity.value for item in found(home, "tools.provenance.off", document)]
    assert severities == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("allow", "free"),
    [
        (["demo", "telegram", "group:plugins"], ""),
        (["demo", "ghost"], "ghost"),
        ([], ""),
    ],
)
def test_trust_for_a_plugin_that_is_not_there_is_told(home: AuditHome, allow: list[str], free: str) -> None:
    plugin(home)
    details = [item.detail for item in found(home, "plugins.allow_phantom_entries", {"plugins": {"allow": allow}})]
    assert details == ([f"plugins.allow: {free}."] if free else [])


def test_without_plugins_no_name_is_a_phantom(home: AuditHome) -> None:
    assert found(home, "plugins.allow_phantom_entries", {"plugins": {"allow": ["ghost"]}}) == []
