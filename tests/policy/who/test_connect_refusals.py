"""What a refused connect is told (gateway.md 1.6)."""

from __future__ import annotations

import pytest

from openclaw.policy.who.connect_refusals import INVALID_REQUEST, MAX_CLOSE_REASON, Refusal


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("short", "short"),
        ("x" * 121, "x" * 120),
        ("x" + "\u00e4" * 60, "x" + "\u00e4" * 59),
        ("xx" + "\u20ac" * 40, "xx" + "\u20ac" * 39),
    ],
)
def test_a_close_reason_is_cut_between_characters(message: str, expected: str) -> None:
    found = Refusal(INVALID_REQUEST, message).close_reason
    assert found == expected
    assert len(found.encode()) <= MAX_CLOSE_REASON
