"""Lines of a file, one replacement, a short diff: the pure parts of the file tools."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.tools.text_slice import MAX_BYTES, MAX_LINES, image_type, replace_once, short_diff, slice_lines

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@settings(max_examples=150)
@given(st.lists(st.text(max_size=8), max_size=30), st.integers(1, 35))
def test_parts_joined_are_the_file(lines: list[str], step: int) -> None:
    content = "\n".join(lines).encode("utf-8", "replace")
    offset, parts = 1, []
    while True:
        found = slice_lines(io.BytesIO(content), offset, step)
        if found is None:
            break
        parts.append(found.text)
        if not found.more:
            break
        offset = found.last + 1
    assert "".join(parts) == content.decode()


def test_a_part_is_bounded() -> None:
    many = slice_lines(io.BytesIO(b"a\n" * 10_000), 1, 9_999)
    assert many is not None
    assert (many.last, many.more) == (MAX_LINES, True)
    wide = slice_lines(io.BytesIO(b"b" * 10**6), 1, None)
    assert wide is not None
    assert (len(wide.text), wide.cut_line) == (MAX_BYTES, True)


@settings(max_examples=150)
@given(
    st.text(alphabet="ab\n", max_size=30), st.text(alphabet="ab\n", max_size=4), st.text(alphabet="xy\n", max_size=4)
)
def test_one_place_is_replaced_or_none(text: str, old: str, new: str) -> None:
    found = replace_once(text, old, new)
    count = text.count(old) if old else 0
    if count == 1:
        assert found == text.replace(old, new)
    else:
        assert found == count


def test_a_diff_names_the_right_lines() -> None:
    before = "".join(f"{number}\n" for number in range(1, 101))
    after = before.replace("50\n", "fifty\n")
    assert short_diff(before, after, "f").splitlines()[2:] == [
        "@@ -47,7 +47,7 @@",
        " 47",
        " 48",
        " 49",
        "-50",
        "+fifty",
        " 51",
        " 52",
        " 53",
    ]
    assert "became" in short_diff("a\n" * 1000, "b\n" * 1000, "f")


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"", None),
    ],
)
def test_images_are_known_by_their_first_bytes(head: bytes, kind: str | None) -> None:
    assert image_type(head) == kind
