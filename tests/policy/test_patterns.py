from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.patterns import (
    MAX_PATTERN_LENGTH,
    MAX_PATTERNS,
    PatternWarning,
    UserPattern,
    compile_pattern,
    compile_patterns,
)


def readable(source: str, *, ignore_case: bool = True) -> UserPattern:
    pattern = compile_pattern(source, ignore_case=ignore_case)
    assert isinstance(pattern, UserPattern)
    return pattern


@pytest.mark.parametrize(
    ("source", "text", "found"),
    [
        (r"\b@?claw\b", "hey CLAW!", True),
        (r"\b@?claw\b", "clawed", False),
        ("é", "É", True),
        ("\\u00e9", "É", True),
        (r"a.b", "a\nb", False),
        ("a.b", "aéb", True),
    ],
)
def test_a_pattern_is_found_where_it_matches(source: str, text: str, found: bool) -> None:
    assert readable(source).found_in(text) is found


def test_case_counts_when_asked_for() -> None:
    assert not readable("claw", ignore_case=False).found_in("CLAW")


@pytest.mark.parametrize(
    "source", ["(?=x)", "(x", r"(a)\1", "(a{1000}){1000}", "", "   ", "x" * (MAX_PATTERN_LENGTH + 1), "\ud800"]
)
def test_an_unreadable_pattern_matches_nothing_and_warns(source: str) -> None:
    warning = compile_pattern(source)
    assert isinstance(warning, PatternWarning)
    assert warning.why
    assert compile_patterns([source]).first_in(source or "x") is None


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (" ", "the pattern is blank"),
        ("x" * (MAX_PATTERN_LENGTH + 1), f"the pattern is longer than {MAX_PATTERN_LENGTH} characters"),
        ("\ud800", "the pattern holds half a surrogate pair"),
        ("(" + "x" * 100, "the pattern cannot be read: missing ): (" + "x" * 100),
    ],
)
def test_a_warning_shows_the_beginning_of_the_pattern_and_what_is_wrong(source: str, why: str) -> None:
    assert compile_pattern(source) == PatternWarning(source[:80], why)


def test_a_pattern_may_be_as_long_as_the_limit() -> None:
    assert readable("x" * MAX_PATTERN_LENGTH).found_in("x" * MAX_PATTERN_LENGTH)


@pytest.mark.parametrize("dot_all", [False, True])
def test_a_dot_matches_line_breaks_only_when_asked_for(dot_all: bool) -> None:
    found = compile_patterns(["A.B"], dot_all=dot_all).first_in("a\nb")
    assert (found is not None) is dot_all
    assert compile_patterns(["A.B"]).first_in("a\nb") is None
    single = compile_pattern("A.B", dot_all=dot_all)
    assert isinstance(single, UserPattern)
    assert single.spans("a\nb") == (((0, 3),) if dot_all else ())


def test_case_is_ignored_unless_told_otherwise() -> None:
    single = compile_pattern("A")
    assert isinstance(single, UserPattern)
    assert single.found_in("a")
    assert compile_patterns(["A"]).first_in("a") is not None
    assert compile_patterns(["A"], ignore_case=False).first_in("a") is None


def test_a_warning_quotes_the_fault_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    warning = compile_pattern("(?\u00e9")
    assert warning == PatternWarning("(?\u00e9", "the pattern cannot be read: invalid perl operator: (?\u00e9")
    assert capfd.readouterr() == ("", "")


def test_only_so_many_patterns_count() -> None:
    compiled = compile_patterns(["a"] * (MAX_PATTERNS + 5))
    assert len(compiled.patterns) == MAX_PATTERNS
    assert compiled.warnings == (PatternWarning("a", f"only the first {MAX_PATTERNS} patterns count"),)
    long = compile_patterns(["a"] * MAX_PATTERNS + ["x" * 100])
    assert [warning.source for warning in long.warnings] == ["x" * 80]


def test_what_is_wrong_with_each_pattern_is_kept() -> None:
    compiled = compile_patterns(["", "a", "("])
    assert [warning.source for warning in compiled.warnings] == ["", "("]


def test_the_first_matching_pattern_is_named() -> None:
    found = compile_patterns(["x", "(", "b+"]).first_in("aabb")
    assert found is not None
    assert found.source == "b+"


def test_spans_are_of_the_last_group_that_matched() -> None:
    text = "é token=abc tok=zz"
    found = [text[start:end] for start, end in readable(r"tok(en)?=(\w+)").spans(text)]
    assert found == ["abc", "zz"]


@pytest.mark.parametrize(
    ("source", "text", "expected"),
    [
        ("x(a)", "xa", (1, 2)),
        ("x(a)(b)?", "xa", (1, 2)),
        ("x(a)(b)?(c)?", "xa", (1, 2)),
        ("x(a)(b)(c)?", "xab", (2, 3)),
        ("x(a)(b*)", "xa", (1, 2)),
        ("x(b*)", "xa", (0, 1)),
    ],
)
def test_an_empty_group_gives_way_to_the_one_before(source: str, text: str, expected: tuple[int, int]) -> None:
    assert readable(source).spans(text) == (expected,)


def test_empty_matches_are_no_spans() -> None:
    assert readable("x*").spans("ab") == ()


def test_half_a_surrogate_pair_moves_no_span() -> None:
    assert readable("claw").spans("\ud800\udc00 claw") == ((3, 7),)
    assert readable("claw").found_in("\ud800 claw")


def test_time_is_linear_in_the_text() -> None:
    pattern = readable("(a+)+$")
    before = time.process_time()
    assert not pattern.found_in("a" * 50_000 + "b")
    assert time.process_time() - before < 2


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40), st.text(max_size=200))
def test_no_pattern_and_no_text_raises(source: str, text: str) -> None:
    compiled = compile_patterns([source])
    compiled.first_in(text)
    for pattern in compiled.patterns:
        assert all(0 <= start < end <= len(text) for start, end in pattern.spans(text))
