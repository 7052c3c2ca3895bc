from __future__ import annotations

import pytest

from openclaw.agent.silence import is_silent, may_become_silent


@pytest.mark.parametrize(
    "text", ["NO_REPLY", " NO_REPLY\n", "NO_REPLY.", "NO_REPLY: nothing", "done. NO_REPLY", "x NO_REPLY!!", "", "  \n"]
)
def test_silent_answers(text: str) -> None:
    assert is_silent(text)


@pytest.mark.parametrize("text", ["NO_REPLYING", "say NO_REPLY to it", "no_reply", "XNO_REPLY", "hello"])
def test_other_answers(text: str) -> None:
    assert not is_silent(text)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("", True),
        ("N", True),
        ("NO_RE", True),
        ("NO_REPLY", True),
        ("NO_REPLY.", True),
        ("Now", False),
        ("No", False),
        ("hi NO", False),
    ],
)
def test_a_beginning_that_could_become_the_token_is_held_back(text: str, held: bool) -> None:
    assert may_become_silent(text) is held
