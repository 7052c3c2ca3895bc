"""What the lexer accepts means the same to real shells; everything else is refused by name."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from openclaw.policy.what.exec_lexer import MAX_BYTES, lex

HOME = "/home/u"


def texts(line: str) -> list[list[list[str]]]:
    found = lex(line, HOME)
    assert not isinstance(found, str), found
    return [[[word.text for word in words] for words in pipeline.members] for pipeline in found]


def token(line: str) -> str:
    found = lex(line, HOME)
    assert isinstance(found, str), found
    return found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("rg a b", ["rg", "a", "b"]),
        ("  rg\t a ", ["rg", "a"]),
        ("rg 'a b' \"c d\"e\\ f", ["rg", "a b", "c de f"]),
        ("rg ''", ["rg", ""]),
        ("rg a''b", ["rg", "ab"]),
        (r"rg \$x \\ \'", ["rg", "$x", "\\", "'"]),
        (r'rg "\$x \\ \a \"q\" \`"', ["rg", r'$x \ \a "q" `']),
        ('rg "a\'b$" $', ["rg", "a'b$", "$"]),
        ("rg ~ ~/x '~' a~b", ["rg", HOME, f"{HOME}/x", "~", "a~b"]),
        ("rg a#b x{} {y}", ["rg", "a#b", "x{}", "{y}"]),
        ("rg ! a!b ] }", ["rg", "!", "a!b", "]", "}"]),
        ("rg 'ä ö' ü", ["rg", "ä ö", "ü"]),
    ],
)
def test_words_quotes_and_escapes(line: str, words: list[str]) -> None:
    assert texts(line) == [[words]]


def test_operators_split_a_line() -> None:
    found = lex("a|b x&&c||d;e", HOME)
    assert not isinstance(found, str)
    assert [(pipeline.op, len(pipeline.members)) for pipeline in found] == [("", 2), ("&&", 1), ("||", 1), (";", 1)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x" * (MAX_BYTES + 1), "too-long"),
        ("ü" * (MAX_BYTES // 2 + 1), "too-long"),
        ("rg 'a\nb'", "newline"),
        ("rg a\\\nb", "newline"),
        ("rg a\rb", "newline"),
        ("rg \x1b[31m", "control-char"),
        ("rg 'a\x07'", "control-char"),
        ("rg a\u200bb", "control-char"),
        ("rg '\u202e'", "control-char"),
        ("rg \u2028", "control-char"),
        ("rg \ud800", "control-char"),
        ("rg \ue000", "control-char"),
        ("rg \U000e0041", "control-char"),
        ("rg a\u00a0b", "unicode-space"),
        ("rg\u3000a", "unicode-space"),
        ("rg <a", "redirection"),
        ("rg 2>a", "redirection"),
        ("> a", "redirection"),
        ("rg &>a", "redirection"),
        ("rg <<x", "redirection"),
        ("rg <(id)", "redirection"),
        ("(rg)", "subshell"),
        ("rg() { x; }", "subshell"),
        ("rg !(a)", "subshell"),
        ("rg & x", "background"),
        ("rg |& x", "pipe-both"),
        ("rg `id`", "backtick"),
        ('rg "`id`"', "backtick"),
        ("rg $(id)", "command-substitution"),
        ('rg "$(id)"', "command-substitution"),
        ("rg $((1))", "command-substitution"),
        ("rg ${x}", "parameter-expansion"),
        ('rg "${x}"', "parameter-expansion"),
        ("rg $[1]", "parameter-expansion"),
        ("rg $'a'", "ansi-c-quote"),
        ('rg $"a"', "ansi-c-quote"),
        ("rg #x", "comment"),
        ("#x", "comment"),
        ("rg x # '", "comment"),
        ("rg 'a", "unterminated"),
        ('rg "a', "unterminated"),
        ("rg a\\", "unterminated"),
        ("", "empty-segment"),
        ("rg ;", "empty-segment"),
        ("; rg", "empty-segment"),
        ("rg ;; x", "empty-segment"),
        ("rg | | x", "empty-segment"),
        ("rg &&", "empty-segment"),
        ("| rg", "empty-segment"),
    ],
)
def test_adv_H7_what_leaves_the_grammar_is_refused_by_name(line: str, expected: str) -> None:
    assert token(line) == expected


DYNAMIC = """
$x $1 $? $$ $! $# $@ $* $- "$x" a$x * a? [a] {a,b} {1..3} ~root ~+ a=~ PATH=x:~/y ~'x' {'a',b} ~\\/x
"""


@pytest.mark.parametrize("word", DYNAMIC.split())
def test_a_word_that_some_shell_would_expand_is_dynamic(word: str) -> None:
    found = lex(f"rg {word}", HOME)
    assert not isinstance(found, str)
    assert found[0].members[0][1].dynamic
    assert found[0].members[0][1].source == word


# -- real shells as the judge ----------------------------------------------------------------------

DUMP = 'd() { printf \'%s\\0\' "$#" "$@"; }\nHOME=/home/u\n'
PIECES = st.sampled_from(
    [
        *("a", "b1", " ", "  ", "\t", "'", '"', "\\", "$", "~", "/", "#", "=", "{", "}", ",", "..", "!", "[", "]", "*"),
        *("?", "%", "^", "+", "-", ":", "@", "ü", "$x", "''", '""', "\\ ", "'x y'", '"x y"', "é ", "0"),
    ]
)
OPERATORS = st.sampled_from([" && d ", " || d ", "; d ", ";d ", "|", "&", "(", ")", "<", ">", "`", "$(", "${", "\n"])


def run(shell: str, line: str, cwd: Path) -> list[str] | None:
    """Return what the calls of `d` were given, or None when the shell refuses the line."""
    done = subprocess.run(
        [shell, "-c", DUMP + line], capture_output=True, cwd=cwd, env={"LC_ALL": "C.UTF-8"}, check=False
    )
    return None if done.returncode not in {0, 1} or done.stderr else done.stdout.decode().split("\0")[:-1]


def as_dumped(line: str) -> list[str]:
    """Return what the lexer says that the calls of `d` are given when `&&`, `||` and `;` join them."""
    found = lex(line, HOME)
    assert not isinstance(found, str)
    dumped: list[str] = []
    for pipeline in found:
        if pipeline.op != "||":  # every `d` succeeds
            for words in pipeline.members:
                dumped += [str(len(words) - 1), *(word.text for word in words[1:])]
    return dumped


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(PIECES, PIECES, PIECES, OPERATORS), max_size=14).map("".join))
@example("a=~ b")
@example("\"a\\\\b\\q\" '\\' \\~/x")
@example("x; d ~ && d ~/a || d no; d 'last'")
def test_adv_H7_accepted_literal_lines_mean_the_same_to_sh_and_bash(tmp_path: Path, rest: str) -> None:
    line = f"d {rest}"
    found = lex(line, HOME)
    assume(not isinstance(found, str))
    assert not isinstance(found, str)
    words = [word for pipeline in found for member in pipeline.members for word in member]
    assume(all(not word.dynamic for word in words))
    commands = [member[0].source for pipeline in found for member in pipeline.members]
    assume(set(commands) == {"d"} and all(len(pipeline.members) == 1 for pipeline in found))
    expected = as_dumped(line)
    assert run("/bin/bash", line, tmp_path) == expected
    assert run("/bin/sh", line, tmp_path) == expected


@given(st.text() | st.lists(st.one_of(PIECES, OPERATORS)).map("".join))
def test_lexing_never_raises_and_gives_back_the_whole_line(line: str) -> None:
    found = lex(line, HOME)
    if isinstance(found, str):
        assert found
        return
    sources = [word.source for pipeline in found for member in pipeline.members for word in member]
    assert all(sources)
    rest = line
    for source in sources:
        before, met, rest = rest.partition(source)
        assert met == source
        assert not before.strip(" \t|&;")
    assert not rest.strip(" \t")
