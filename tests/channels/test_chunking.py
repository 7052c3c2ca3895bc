from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.channels.chunking import chunk_text, width

PROSE = st.text(alphabet=st.sampled_from("ab .!\n🦞"), max_size=600)


def test_short_text_is_one_chunk() -> None:
    assert chunk_text("hello\nworld", 100) == ["hello\nworld"]


@pytest.mark.parametrize("blank", ["", "   ", "\n\n", " \n "])
def test_blank_text_gives_no_message(blank: str) -> None:
    assert chunk_text(blank, 100) == []


def test_paragraphs_are_preferred_to_lines_and_lines_to_sentences() -> None:
    assert chunk_text("a" * 60 + "\n\n" + "b" * 60, 100) == ["a" * 60, "b" * 60]
    assert chunk_text("a" * 60 + "\n" + "b" * 60, 100) == ["a" * 60, "b" * 60]
    assert chunk_text("a" * 60 + ". " + "b" * 60, 100) == ["a" * 60 + ".", "b" * 60]
    assert chunk_text("a" * 250, 100) == ["a" * 100, "a" * 100, "a" * 50]


def test_newline_mode_splits_at_blank_lines_first() -> None:
    assert chunk_text("one\n\ntwo\nthree", 100, mode="newline") == ["one", "two\nthree"]
    assert chunk_text("```\na\n\nb\n```", 100, mode="newline") == ["```\na\n\nb\n```"]


def test_a_fence_is_closed_and_opened_again() -> None:
    code = "\n".join(f"line {number:03}" for number in range(40))
    chunks = chunk_text(f"```python\n{code}\n```", 120)
    assert all(chunk.startswith("```python\n") and chunk.endswith("```") for chunk in chunks)
    assert all(width(chunk) <= 120 for chunk in chunks)
    inside = re.findall(r"line \d+", "\n".join(chunks))
    assert inside == code.split("\n")


def test_a_fence_of_one_endless_line_is_cut_inside() -> None:
    chunks = chunk_text("```\n" + "x" * 500 + "\n```", 100)
    assert all(width(chunk) <= 100 for chunk in chunks)
    assert "".join(chunks).count("x") == 500


def test_lines_are_bounded_where_a_channel_bounds_them() -> None:
    chunks = chunk_text("\n".join("abc" for _ in range(40)), 2000, max_lines=17)
    assert [chunk.count("\n") + 1 for chunk in chunks] == [17, 17, 6]


@settings(max_examples=150, deadline=None)
@given(PROSE, st.integers(64, 200))
def test_every_chunk_fits_and_no_word_is_lost(text: str, limit: int) -> None:
    chunks = chunk_text(text, limit)
    assert all(width(chunk) <= limit and chunk.strip() for chunk in chunks)
    assert re.sub(r"\s", "", "".join(chunks)) == re.sub(r"\s", "", text)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(["```", "```py", "~~~", "x" * 30, "word word", "", "`a`"]), max_size=60))
def test_fenced_text_never_raises_and_always_fits(lines: list[str]) -> None:
    assert all(width(chunk) <= 80 for chunk in chunk_text("\n".join(lines), 80))
