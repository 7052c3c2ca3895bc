"""Reads the small part of the shell language that can be judged, and refuses the rest (exec.md 2.4 step 6).

What it accepts means the same in sh, dash and bash: words, quotes, escapes, `|`, `&&`, `||` and `;`. Anything else ends
with a token that names what was met.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, Literal

from openclaw.policy.what.exec_model import ChainOp, Pipeline, Word

MAX_BYTES: Final = 16_384

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_STEP: Final = re.compile(r"[ \t]*(?:([A-Za-z0-9_./:@%+,\-^=\]]+)(?=[ \t;|&]|\Z))?")
"""Blanks, and after them a whole word of characters that mean nothing to any shell, if one follows."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9_./:@%+,\-^=\]!}#]+")
_EXPANSION: Final = re.compile(r"[A-Za-z0-9_?$!#@*\-]")
_QUOTED_PLAIN: Final = re.compile(r'[^"\\$`]*')
_BRACE: Final = re.compile(r"\{.*(,|\.\.)")
_END_OF_WORD: Final = frozenset(" \t|&;<>()")


class _Unreadable(Exception):
    """Carries the token of exec.md 2.4 to `lex`."""


def lex(line: str, home: str) -> tuple[Pipeline, ...] | str:
    """Return the pipelines of a line, or the token that says why it is not read.

    Args:
        line: the command line.
        home: what an unquoted leading `~` stands for.
    """
    fault = _character_fault(line)
    if fault is not None:
        return fault
    try:
        return _Lexer(line, home).pipelines()
    except _Unreadable as unreadable:
        return str(unreadable)


def _character_fault(line: str) -> str | None:
    """Return the token of a character that is refused anywhere, quoted or not."""
    if len(line) > MAX_BYTES or len(line.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        return "too-long"
    if "\n" in line or "\r" in line:
        return "newline"
    if _CONTROL.search(line):
        return "control-char"
    if not line.isascii() and any(
        unicodedata.category(char) in _REFUSED_CATEGORIES for char in set(line) if not char.isascii()
    ):
        return "control-char"
    return None


class _Lexer:
    """One pass over one line."""

    def __init__(self, line: str, home: str) -> None:
        self._line = line
        self._home = home
        self._at = 0

    def pipelines(self) -> tuple[Pipeline, ...]:
        found: list[Pipeline] = []
        op: ChainOp = ""
        while True:
            members, following = self._pipeline()
            found.append(Pipeline(op, members))
            if following is None:
                return tuple(found)
            op = following

    def _pipeline(self) -> tuple[tuple[tuple[Word, ...], ...], ChainOp | None]:
        """Read segments up to `&&`, `||`, `;` or the end."""
        members: list[tuple[Word, ...]] = []
        while True:
            words = self._segment()
            if not words:
                raise _Unreadable(self._token_of_nothing())
            members.append(words)
            op = self._operator()
            if op != "|":
                return tuple(members), op

    def _token_of_nothing(self) -> str:
        """Name what stands where a command should."""
        char = self._line[self._at : self._at + 1]
        return {"(": "subshell", ")": "subshell", "<": "redirection", ">": "redirection"}.get(char, "empty-segment")

    def _segment(self) -> tuple[Word, ...]:
        line = self._line
        words: list[Word] = []
        while True:
            step = _STEP.match(line, self._at)
            text = None
            if step:
                self._at, text = step.end(), step.group(1)
            if text:
                words.append(Word(text, text))
            elif self._at >= len(line) or line[self._at] in _END_OF_WORD:
                return tuple(words)
            else:
                words.append(self._word())

    def _operator(self) -> ChainOp | Literal["|"] | None:
        """Read what ends a segment; `|` is answered as itself."""
        line, at = self._line, self._at
        if at >= len(line):
            return None
        pair = line[at : at + 2]
        if pair in {"&&", "||"}:
            self._at += 2
            return "&&" if pair == "&&" else "||"
        if line[at] in "<>" or pair == "&>":
            raise _Unreadable("redirection")
        if line[at] in "()":
            raise _Unreadable("subshell")
        if pair == "|&":
            raise _Unreadable("pipe-both")
        if line[at] == "&":
            raise _Unreadable("background")
        self._at += 1
        return "|" if pair[0] == "|" else ";"

    def _word(self) -> Word:
        """Read one word that has quotes, escapes, expansions or unusual characters."""
        line, start = self._line, self._at
        if line[start] == "#":
            raise _Unreadable("comment")
        parts: list[str] = []
        dynamic = brace = tilde = False
        if line[start] == "~":
            dynamic, tilde = self._tilde(parts)
        while self._at < len(line) and line[self._at] not in _END_OF_WORD:
            char = line[self._at]
            plain = _PLAIN.match(line, self._at)
            if plain:
                parts.append(plain.group())
                self._at = plain.end()
            elif char == "'":
                self._single_quoted(parts)
            elif char == '"':
                dynamic |= self._double_quoted(parts)
            elif char == "\\":
                self._escape(parts)
            elif char == "$":
                dynamic |= self._dollar(parts, quoted=False)
            elif char == "`":
                raise _Unreadable("backtick")
            else:
                dynamic |= char in "*?[" or (char == "~" and line[self._at - 1] in "=:")
                brace |= char == "{"
                if not char.isascii() and char.isspace():
                    raise _Unreadable("unicode-space")
                parts.append(char)
                self._at += 1
        source = line[start : self._at]
        dynamic |= brace and _BRACE.search(source) is not None
        return Word("".join(parts), source, dynamic, tilde)

    def _tilde(self, parts: list[str]) -> tuple[bool, bool]:
        """Read a leading `~`; return whether the word is dynamic and whether home was put in its place."""
        following = self._line[self._at + 1 : self._at + 2]
        self._at += 1
        if following and following != "/" and following not in _END_OF_WORD:
            parts.append("~")
            return True, False
        parts.append(self._home)
        return False, True

    def _single_quoted(self, parts: list[str]) -> None:
        end = self._line.find("'", self._at + 1)
        if end < 0:
            raise _Unreadable("unterminated")
        parts.append(self._line[self._at + 1 : end])
        self._at = end + 1

    def _double_quoted(self, parts: list[str]) -> bool:
        """Read a double-quoted part; return whether it expands."""
        line, dynamic = self._line, False
        self._at += 1
        while True:
            plain = _QUOTED_PLAIN.match(line, self._at)
            if plain:
                parts.append(plain.group())
                self._at = plain.end()
            if self._at >= len(line):
                raise _Unreadable("unterminated")
            char = line[self._at]
            if char == '"':
                self._at += 1
                return dynamic
            if char == "`":
                raise _Unreadable("backtick")
            if char == "$":
                dynamic |= self._dollar(parts, quoted=True)
            elif line[self._at + 1 : self._at + 2] in {"$", '"', "\\", "`"}:
                self._escape(parts)
            else:
                parts.append(char)
                self._at += 1

    def _escape(self, parts: list[str]) -> None:
        following = self._line[self._at + 1 : self._at + 2]
        if not following:
            raise _Unreadable("unterminated")
        parts.append(following)
        self._at += 2

    def _dollar(self, parts: list[str], *, quoted: bool) -> bool:
        """Read a `$`; return whether it expands something."""
        following = self._line[self._at + 1 : self._at + 2]
        if following == "(":
            raise _Unreadable("command-substitution")
        if following and following in "{[":
            raise _Unreadable("parameter-expansion")
        if following and following in "'\"" and not quoted:
            raise _Unreadable("ansi-c-quote")
        parts.append("$")
        self._at += 1
        if _EXPANSION.match(following):
            parts.append(following)
            self._at += 1
            return True
        return False
