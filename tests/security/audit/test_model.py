"""Rules, hits and findings."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.model import Check, Hit, Hits, Rule, Severity, Since, Topic, check, printable
from support.audit import AuditHome


def rule(check_id: str) -> Rule:
    return Rule(check_id, (Severity.WARN,), Topic.OTHER, "t", "w", "a", "r")


@pytest.mark.parametrize(
    ("pattern", "check_id", "expected"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.bc", False),
        ("a.b", "axb", False),
        ("channels.<id>.dm.open", "channels.tele.gram.dm.open", True),
        ("channels.<id>.dm.open", "channels..dm.open", False),
        ("channels.<id>.warning.<n>", "channels.x.warning.3", True),
        ("channels.<id>.dm.open", "channels.x.dm.open_invalid", False),
        ("channels.<id>.dm.open", "channels.a\nb.dm.open", True),
    ],
)
def test_placeholders_stand_for_any_name(pattern: str, check_id: str, expected: bool) -> None:
    assert rule(pattern).covers(check_id) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ü 🙂", "plain ü 🙂"),
        ("a\nb", "a\\nb"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\u202eabc", "\\u202eabc"),
        ("\udc80", "\\udc80"),
        ("\x00", "\\x00"),
    ],
)
def test_a_text_from_outside_cannot_steer_the_terminal(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(st.text(st.characters(codec=None), max_size=200))
@settings(max_examples=100)
def test_any_text_becomes_one_harmless_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()


def test_a_text_is_of_limited_length() -> None:
    assert len(printable("x" * 100_000)) < 9000


def hits(ctx: AuditContext) -> Hits:
    del ctx
    yield Hit("plain")
    yield Hit(("one", "two\x1b"), id="b.7", severity=Severity.INFO, note=" (x)", remedy="", place="/a\nb")
    yield Hit("late", seed=False, retired=True)


CHECK = check("a", Severity.CRITICAL, topic=Topic.DISK, title="A", when="w", attack="x", remedy="Mend.")(
    check("b.<n>", Severity.WARN, topic=Topic.TOOLS, title="B", when="w", attack="x", remedy="r", since=Since.LATER)(
        hits
    )
)


def test_the_decorator_only_attaches_facts(tmp_path: Path) -> None:
    home = AuditHome(tmp_path)
    home.config()
    assert isinstance(CHECK, Check)
    assert CHECK.run is hits
    assert CHECK.name == "hits"
    assert [item.id for item in CHECK.rules] == ["a", "b.<n>"]
    plain, numbered, late = CHECK.findings(home.context())
    assert (plain.check_id, plain.severity, plain.remediation, plain.seed) == ("a", "critical", "Mend.", True)
    assert (numbered.check_id, numbered.severity, numbered.title) == ("b.7", "info", "B (x)")
    assert (numbered.detail, numbered.remediation, numbered.place) == ("one\ntwo\\x1b", None, "/a\\nb")
    assert numbered.topic is Topic.TOOLS
    assert not numbered.seed
    assert not late.seed
    assert late.retired


def test_an_absent_remedy_is_left_out_of_the_json(tmp_path: Path) -> None:
    home = AuditHome(tmp_path)
    home.config()
    first, second, _ = CHECK.findings(home.context())
    assert list(first.as_dict()) == ["checkId", "severity", "title", "detail", "remediation"]
    assert "remediation" not in second.as_dict()


def test_severities_are_ranked_by_harm() -> None:
    assert sorted(Severity, key=lambda one: one.rank) == [Severity.CRITICAL, Severity.WARN, Severity.INFO]


def test_rules_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule("a").id = "b"  # type: ignore[misc] # that is what is tested
