"""Named keys and the bytes that a terminal sends for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.tools.keys import PASTE_END, PASTE_START, encode, key_sequence, pasted


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("enter", "\r"),
        ("Tab", "\t"),
        ("escape", "\x1b"),
        ("backspace", "\x7f"),
        ("up", "\x1b[A"),
        ("home", "\x1b[H"),
        ("pgdn", "\x1b[6~"),
        ("delete", "\x1b[3~"),
        ("f1", "\x1bOP"),
        ("f12", "\x1b[24~"),
        ("kp5", "\x1bOu"),
        ("kpenter", "\x1bOM"),
        ("C-c", "\x03"),
        ("c-C", "\x03"),
        ("^d", "\x04"),
        ("^[", "\x1b"),
        ("C-space", "\x00"),
        ("M-x", "\x1bx"),
        ("C-M-a", "\x1b\x01"),
        ("S-a", "A"),
        ("S-tab", "\x1b[Z"),
        ("C-up", "\x1b[1;5A"),
        ("S-f5", "\x1b[15;2~"),
        ("M-f1", "\x1b[1;3P"),
        ("C-S-left", "\x1b[1;6D"),
        ("x", "x"),
        ("é", "é"),
        ("nope", None),
        ("C-é", None),
        ("C-kp1", None),
        ("", None),
    ],
)
def test_keys(name: str, expected: str | None) -> None:
    assert key_sequence(name) == expected


def test_literal_text_hex_and_names_go_in_this_order() -> None:
    found = encode(literal="ls", hex_bytes=["0x20", "2d", "zz", "100"], names=["a", "enter", "hyper"])
    assert found.data == b"ls -a\r"
    assert found.warnings == ('"zz" is not a byte in hex.', '"100" is not a byte in hex.', 'Unknown key "hyper".')


@given(st.lists(st.sampled_from(["a", PASTE_END, PASTE_START, "\x1b[20", "1~", "0~", "\n"]), max_size=12))
def test_pasted_text_cannot_close_its_brackets(parts: list[str]) -> None:
    text = pasted("".join(parts), bracketed=True).decode()
    assert text.startswith(PASTE_START)
    assert text.index(PASTE_END) == len(text) - len(PASTE_END)


def test_a_paste_without_brackets_is_the_text() -> None:
    assert pasted("a\nb", bracketed=False) == b"a\nb"
