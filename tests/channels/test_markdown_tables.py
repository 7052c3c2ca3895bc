from __future__ import annotations

import pytest

from openclaw.channels.markdown_tables import convert_tables

TABLE = "before\n| Name | Age |\n|------|:---:|\n| Ann | 5 |\n| Bob \\| C | 12 |\nafter"


def test_a_table_becomes_an_aligned_code_block() -> None:
    assert convert_tables(TABLE, "code") == (
        "before\n```\nName     Age\n-------  ---\nAnn      5\nBob | C  12\n```\nafter"
    )


def test_a_table_becomes_bullets() -> None:
    assert convert_tables(TABLE, "bullets") == "before\n- Name: Ann; Age: 5\n- Name: Bob | C; Age: 12\nafter"


@pytest.mark.parametrize("text", ["a | b", "```\n| a | b |\n|---|---|\n```", "no table"])
def test_what_is_no_table_stays(text: str) -> None:
    assert convert_tables(text, "code") == text


def test_off_leaves_tables_alone() -> None:
    assert convert_tables(TABLE, "off") == TABLE
