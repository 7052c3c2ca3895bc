from __future__ import annotations

import fnmatch
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.names import wildcard_match


@pytest.mark.parametrize(
    ("pattern", "name", "hit"),
    [
        ("*", "", True),
        ("*", "anything", True),
        ("web_*", "web_", True),
        ("*_send", "sessions_send", True),
        ("a*a", "a", False),
        ("a*b*c", "a-bc", True),
        ("a*b*c", "acb", False),
        ("x*a*b*y", "xaby", True),
        ("x*a*b*y", "xbay", False),
        ("*aa*aa*", "aaa", False),
        ("a*b*b", "ab", False),
        ("a*b*b", "acb", False),
        ("a*bc*c", "abc", False),
        ("rea?", "read", False),
        ("r.ad", "read", False),
        ("read", "Read", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_only_the_star_is_special_and_matches_are_whole(pattern: str, name: str, hit: bool) -> None:
    assert wildcard_match(pattern, name) is hit


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
@settings(max_examples=300, deadline=None)
def test_it_agrees_with_a_regular_expression(pattern: str, name: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), name) is not None
    assert wildcard_match(pattern, name) is expected
    assert wildcard_match(pattern, name) is fnmatch.fnmatchcase(name, pattern)


def test_a_hostile_pattern_is_fast() -> None:
    assert not wildcard_match("*a" * 2000, "a" * 1999 + "b" * 2000)
