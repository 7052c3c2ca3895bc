"""What a replaced approvals file is said to have changed."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.state.exec_approvals_change import FileChange, differences
from openclaw.state.exec_approvals_doc import normalise


def changed(before: dict[str, Any], after: dict[str, Any]) -> tuple[str, ...]:
    return differences(normalise({"version": 1, **before}), normalise({"version": 1, **after}))


def listing(*entries: Any) -> dict[str, Any]:
    return {"agents": {"main": {"allowlist": list(entries)}}}


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({}, {}, ()),
        ({}, {"defaults": {"security": "full"}}, ("defaults: security unset -> full",)),
        (
            {"agents": {"main": {"ask": "always", "autoAllowSkills": False}}},
            {"agents": {"main": {"ask": "off", "autoAllowSkills": True}}},
            ("main: ask always -> off", "main: autoAllowSkills false -> true"),
        ),
        (listing("/bin/a", "/bin/b"), listing("/bin/b", "/bin/c"), ("main: -/bin/a", "main: +/bin/c")),
        (listing("/bin/a"), {}, ("main: -/bin/a",)),
        (listing({"pattern": "/bin/a", "lastUsedAt": 1}), listing({"pattern": "/bin/a", "lastUsedAt": 2}), ()),
        (
            listing("/bin/a"),
            listing({"pattern": "/bin/a", "args": ["x"]}),
            ("main: -/bin/a", "main: +/bin/a with 1 fixed words"),
        ),
    ],
)
def test_settings_and_patterns_are_told_and_marks_of_use_are_not(
    before: dict[str, Any], after: dict[str, Any], lines: tuple[str, ...]
) -> None:
    assert changed(before, after) == lines


def test_a_record_holds_no_fixed_words_and_stays_small() -> None:
    entry = {"pattern": "/bin/a" * 400, "args": ["hunter2"]}
    rows = changed({}, listing(entry, *(f"/bin/{number}" for number in range(99))))
    found = FileChange("b", "a", rows).entry({"client": "cli"})
    assert "hunter2" not in str(found)
    assert found.what["count"] == 100
    assert len(found.what["changed"]) == 50
    assert max(map(len, found.what["changed"])) == 300
