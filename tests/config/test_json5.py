from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.config.json5 import MAX_BYTES, MAX_DEPTH, Json5Error, loads, place, read_bytes
from openclaw.config.json5_spans import Span, spans


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ("\ufeff{}", {}),
        ("// a\n{/* b */ a: 1, 'b': \"c\", }", {"a": 1, "b": "c"}),
        ("[0x10, +1, -1, .5, 5., 1e3, 0xff]", [16, 1, -1, 0.5, 5, 1000, 255]),
        ("{a: 1, a: 2}", {"a": 2}),
        ("{null: 1, $x: 2, é: 3}", {"null": 1, "$x": 2, "é": 3}),
        (
            r"""['a"b', "\x41\u0042", 'line\
end']""",
            ['a"b', "AB", "lineend"],
        ),
        ("{__proto__: 1}", {"__proto__": 1}),
        ("['\U0001f600', '\\ud83d\\ude00']", ["\U0001f600", "\U0001f600"]),
    ],
)
def test_json5_is_read_in_full(text: str, value: Any) -> None:
    assert loads(text) == value


def test_whole_numbers_are_int_however_they_are_written() -> None:
    assert [type(item) for item in loads("[5., 1e2, 5.5, 5]")] == [int, int, float, int]


def test_infinity_and_nan_are_read_and_left_to_the_number_checks() -> None:
    values = loads("[Infinity, -Infinity, NaN]")
    assert values[:2] == [math.inf, -math.inf]
    assert math.isnan(values[2])


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{\n  a: 1\n  b: 2\n}", 3, 3),
        ("{\n  a: @\n}", 2, 6),
        ("{\r\n  a: 1,,\r\n}", 2, 8),
        ("{} x", 1, 4),
        ("{\n  a: [1, 2\n", 2, 6),
    ],
)
def test_an_error_names_line_and_column(text: str, line: int, column: int) -> None:
    with pytest.raises(Json5Error) as caught:
        loads(text)
    assert (caught.value.line, caught.value.column) == (line, column)


@pytest.mark.parametrize("text", ["", "   ", "\ufeff", "// only a comment"])
def test_an_empty_text_is_an_error(text: str) -> None:
    with pytest.raises(Json5Error):
        loads(text)


@pytest.mark.parametrize(
    "text", ["{secret: 'hunter2' x", "{a: 'hunter2\n'}", "['hunter2', @]", "{hunter2: }", "hunter2"]
)
def test_an_error_never_holds_text_of_the_document(text: str) -> None:
    with pytest.raises(Json5Error) as caught:
        loads(text)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_deep_nesting_and_great_size_give_one_clear_error() -> None:
    assert loads("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    with pytest.raises(Json5Error, match="deeper than 64"):
        loads("[" * 100_000 + "]" * 100_000)
    with pytest.raises(Json5Error, match="larger than 10 MB"):
        loads("[" + " " * MAX_BYTES + "]")
    with pytest.raises(Json5Error, match="larger than 10 MB"):
        read_bytes(b" " * (MAX_BYTES + 1))


def test_bytes_that_are_not_utf8_give_line_and_column() -> None:
    with pytest.raises(Json5Error) as caught:
        read_bytes("{\nä".encode() + b"\xff}")
    assert (caught.value.line, caught.value.column) == (2, 2)


@given(st.text(alphabet="{}[]:,'\"\\a1 \n/*.-+@\ufeff\u2028", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        value = loads(text)
    except Json5Error:
        return
    assert _values(text, spans(text)) == value or value != value


def _values(text: str, span: Span) -> Any:
    """Read a value piece by piece, by the places that the scanner found."""
    if span.members is not None:
        return {key: _values(text, member.value) for key, member in span.members.items()}
    if span.items is not None:
        return [_values(text, item) for item in span.items]
    return loads(text[span.start : span.end])


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8).filter(lambda t: t.isprintable()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(_json, st.sampled_from([None, 2]))
@settings(max_examples=150, deadline=None)
def test_the_places_of_all_values_are_found(value: Any, indent: int | None) -> None:
    text = "/* { */ " + json.dumps(value, indent=indent) + " // ]"
    assert _values(text, spans(text)) == value


def test_places_survive_comments_trailing_commas_and_equal_keys() -> None:
    text = "{ a: 1, /* b: 2 */ 'c\\u0064': [1, {x: \"}\"},], a: 2, }"
    root = spans(text)
    assert _values(text, root) == {"a": 2, "cd": [1, {"x": "}"}]}
    assert root.members is not None
    assert [text[old.start : old.end] for old in root.members["a"].shadowed] == ["1"]


def test_lines_end_as_javascript_ends_them() -> None:
    text = "a\r\nb\rc\u2028d\ne"
    assert [place(text, text.index(letter)) for letter in "abcde"] == [(n, 1) for n in range(1, 6)]
