"""Plain values are read as the seed read them."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.security.audit.values import at, entries, items, length, listed, mapping, some, trim


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("  a ", "a"),
        ("\ufeffa\u00a0\u3000", "a"),
        ("\x1fa", "\x1fa"),
        ("a b", "a b"),
        (5, ""),
        (None, ""),
    ],
)
def test_blanks_are_those_of_the_seed(value: object, expected: str) -> None:
    assert trim(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, " 2 ", "", "  ", True, False, 1.5], ["1", "2", "true", "false", "1.5"]),
        ("*", []),
        (None, []),
        ({"a": 1}, []),
    ],
)
def test_entries_of_people_are_texts_without_blank_ones(value: object, expected: list[str]) -> None:
    assert entries(value) == expected


def test_members_come_in_the_order_of_the_seed() -> None:
    value = {"b": 1, "10": 2, "a": 3, "2": 4, "02": 5, "-1": 6}
    assert [key for key, _ in items(value)] == ["2", "10", "b", "a", "02", "-1"]


@pytest.mark.parametrize(("text", "expected"), [("abc", 3), ("é", 1), ("\U0001f600", 2), ("", 0)])
def test_the_length_counts_halves_of_pairs(text: str, expected: int) -> None:
    assert length(text) == expected


@pytest.mark.parametrize(
    ("path", "expected"), [(("a", "b"), 1), (("a",), {"b": 1}), (("a", "b", "c"), None), (("x", "y"), None), ((), None)]
)
def test_a_path_that_leads_nowhere_is_none(path: tuple[str, ...], expected: Any) -> None:
    assert at({"a": {"b": 1}}, *path) == (expected if path else {"a": {"b": 1}})


def test_other_kinds_are_empty() -> None:
    assert mapping([1]) == {}
    assert mapping("x") == {}
    assert listed({"a": 1}) == []


def test_long_lists_of_names_are_cut() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some(list("abcdefg")) == "a, b, c, d, e and 2 more"
