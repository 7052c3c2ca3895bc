"""What people see before they decide, and how their answer is read."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openclaw.tools.approval_text import (
    ApprovalView,
    SegmentView,
    code,
    decision_of,
    digest16,
    expired_text,
    one_line,
    parse_approve,
    prompt,
    quoted,
    resolved_text,
    shorten,
    shown,
)

ESCAPE = re.compile(r"\\u\{([0-9A-F]+)\}")


def read_back(text: str) -> str:
    """Return the command that a shown form stands for."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), text.replace("\n", ""))


@settings(max_examples=300)
@given(st.text())
@example("echo \\u{202E}")
@example("a\n\n\n\nb")
@example("  x  ")
@example("\ud800")
def test_adv_H2_the_shown_form_reads_back_to_the_exact_command(command: str) -> None:
    assert read_back(shown(command)) == command
    assert read_back(one_line(command)) == command


@settings(max_examples=200)
@given(st.text())
def test_adv_H3_nothing_invisible_or_reordering_is_left(command: str) -> None:
    text = shown(command)
    assert all(char == "\n" or char.isprintable() for char in text)
    assert "\n\n" not in text
    assert "\n" not in one_line(command)


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("ls\x1b[2K", "ls\\u{1B}[2K"),
        ("a\u202eb", "a\\u{202E}b"),
        ("a\u00a0b", "a\\u{A0}b"),
        ("a\u3164b", "a\\u{3164}b"),
        ("a\ufe0fb", "a\\u{FE0F}b"),
        ("tab\there", "tab\\u{9}here"),
        ("end ", "end\\u{20}"),
        ("a b", "a b"),
        ("echo \\u{41}", "echo \\u{5C}u{41}"),
        ("one\ntwo", "one\\u{A}\ntwo"),
        ("one\n\n\ntwo", "one\\u{A}\\u{A}\\u{A}\ntwo"),
        ("héllo 世界", "héllo 世界"),
    ],
)
def test_characters_that_mislead_are_shown_as_escapes(command: str, expected: str) -> None:
    assert shown(command) == expected


@settings(max_examples=150)
@given(st.text(alphabet="a`\n ", max_size=40))
def test_no_text_closes_its_own_fence(text: str) -> None:
    laid = code(text)
    if laid.startswith("```"):
        fence = laid.split("\n", 1)[0]
        assert fence not in text
        assert laid == f"{fence}\n{text}\n{fence}"
    else:
        assert "`" not in text
        assert "\n" not in text


def test_adv_H3_a_long_command_shows_head_tail_length_and_digest() -> None:
    command = "echo " + "x" * 10_000 + " ; rm -rf ~\x1b[2K"
    text, whole = shorten(command, 600)
    assert not whole
    assert text.startswith("echo xxx")
    assert text.endswith("rm -rf ~\\u{1B}[2K")
    assert str(len(command)) in text
    assert digest16(command) in text
    assert len(text) <= 700


@settings(max_examples=100)
@given(st.text(max_size=3000), st.integers(0, 2000))
def test_a_command_is_never_cut_in_silence(command: str, room: int) -> None:
    text, whole = shorten(command, room)
    if whole:
        assert text == shown(command)
    else:
        assert digest16(command) in text


VIEW = ApprovalView(
    command="git status | wc -l",
    cwd="/home/me/pro\nject",
    host="gateway",
    agent_id="main",
    session_key="agent:main:main",
    security="allowlist",
    ask="on-miss",
    why="allowlist-miss",
    segments=(SegmentView(("git", "status"), "/usr/bin/git"), SegmentView(("wc", "-l"), None)),
    env_names=("LANG",),
)


def test_a_prompt_states_everything() -> None:
    found = prompt(VIEW, "abcd1234-x", expires_in_s=120)
    assert found.complete
    assert found.decisions == ("allow-once", "allow-always", "deny")
    assert found.text.splitlines() == [
        "🔒 Exec approval required",
        "ID: abcd1234-x",
        "Command: `git status | wc -l`",
        "CWD: /home/me/pro\\u{A}ject",
        "Host: gateway",
        "Agent: main",
        "Session: agent:main:main",
        "Security: allowlist",
        "Ask: on-miss",
        "Why: allowlist-miss",
        "Environment: LANG",
        "Runs 1: /usr/bin/git — git status",
        "Runs 2: no such program — wc -l",
        "Expires in: 120s",
        "Reply with: /approve abcd1234-x allow-once|allow-always|deny",
    ]


def test_a_short_surface_never_offers_always_for_what_it_does_not_show() -> None:
    view = ApprovalView(command="echo " + "y" * 9000, cwd="/" + "d" * 3000, segments=VIEW.segments)
    found = prompt(view, "abcd1234-x", expires_in_s=5, limit=1500)
    assert not found.complete
    assert found.decisions == ("allow-once", "deny")
    assert "allow-always" not in found.text
    assert len(found.text) <= 1600
    assert "3001 characters in all" in found.text
    assert found.whole == shown(view.command)


def test_always_is_not_offered_where_it_cannot_be_kept() -> None:
    view = ApprovalView(command="sh -c id", allow_always=False)
    assert prompt(view, "abcd1234-x", expires_in_s=5).decisions == ("allow-once", "deny")


def test_notices_after_the_decision() -> None:
    assert resolved_text("id1", "deny", "A\u202eB") == "⛔ Exec approval deny by A\\u{202E}B. ID: id1"
    assert "allow-once" in resolved_text("id1", "allow-once", None)
    assert "expired" in expired_text("id1")


@pytest.mark.parametrize(
    ("word", "decision"),
    [
        *((word, "allow-once") for word in ("allow", "once", "allow-once", "allowonce", "ALLOW")),
        *((word, "allow-always") for word in ("always", "allow-always", "allowalways")),
        *((word, "deny") for word in ("deny", "reject", "block")),
        ("yes", None),
    ],
)
def test_words_for_decisions(word: str, decision: str | None) -> None:
    assert decision_of(word) == decision


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abcd1234 allow-once", ("abcd1234", "allow-once")),
        ("always abcd1234", ("abcd1234", "allow-always")),
        ("  block   abcd1234 ", ("abcd1234", "deny")),
        ("abcd1234", None),
        ("allow deny", None),
        ("abcd1234 perhaps", None),
        ("abcd1234 allow now", None),
        ("", None),
    ],
)
def test_approve_takes_id_and_decision_in_either_order(text: str, expected: tuple[str, str] | None) -> None:
    found = parse_approve(text)
    assert (found and (found.approval_id, found.decision)) == expected


@pytest.mark.parametrize(
    ("word", "expected"), [("plain", "plain"), ("", "''"), ("a b", "'a b'"), ("it's", "'it'\\''s'")]
)
def test_words_show_their_borders(word: str, expected: str) -> None:
    assert quoted(word) == expected
