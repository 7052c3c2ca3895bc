"""Patterns that people write into the config, on an engine whose time is linear in the text (channels.md 2.3).

Nothing here raises: a pattern that cannot be read matches nothing and leaves a warning. Look-around and back references
do not exist in this engine; a pattern that needs them counts as unreadable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import re2

MAX_PATTERN_LENGTH: Final = 1000
MAX_PATTERNS: Final = 100
_MAX_MEMORY: Final = 1 << 20
_UNICODE_ESCAPE: Final = re.compile(r"(?<!\\)((?:\\\\)*)\\u([0-9A-Fa-f]{4})")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class PatternWarning:
    """Why a pattern counts for nothing.

    Attributes:
        source: the pattern as written, shortened.
        why: what is wrong with it.
    """

    source: str
    why: str


@dataclass(frozen=True, slots=True)
class UserPattern:
    """A readable pattern.

    Attributes:
        source: as written.
    """

    source: str
    _engine: Any = field(repr=False, compare=False)

    def found_in(self, text: str) -> bool:
        """Return whether the pattern matches anywhere in a text."""
        return self._engine.search(text.encode(errors="replace")) is not None

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Return where it matches, without overlap: the last non-empty group of each match, else the whole match."""
        try:
            found = list(self._engine.finditer(text))
        except UnicodeEncodeError:
            found = list(self._engine.finditer(_without_surrogates(text)))
        return tuple(span for span in map(_inner_span, found) if span[0] < span[1])


@dataclass(frozen=True, slots=True)
class PatternSet:
    """Several patterns, tried in order, and what was wrong with the others."""

    patterns: tuple[UserPattern, ...] = ()
    warnings: tuple[PatternWarning, ...] = ()

    def first_in(self, text: str) -> UserPattern | None:
        """Return the first pattern that matches a text."""
        for pattern in self.patterns:
            if pattern.found_in(text):
                return pattern
        return None


NO_PATTERNS: Final = PatternSet()


def compile_pattern(source: str, *, ignore_case: bool = True, dot_all: bool = False) -> UserPattern | PatternWarning:
    r"""Read one pattern.

    Args:
        source: the pattern; `\uXXXX` is understood as in JavaScript.
        ignore_case: match letters of either case.
        dot_all: let `.` match line breaks.
    """
    if not source.strip():
        return PatternWarning(source[:_SHOWN], "the pattern is blank")
    if len(source) > MAX_PATTERN_LENGTH:
        return PatternWarning(source[:_SHOWN], f"the pattern is longer than {MAX_PATTERN_LENGTH} characters")
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.dot_nl = dot_all
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    try:
        engine = re2.compile(_UNICODE_ESCAPE.sub(r"\1\\x{\2}", source), options)
    except re2.error as fault:
        why = fault.args[0].decode(errors="replace")
        return PatternWarning(source[:_SHOWN], f"the pattern cannot be read: {why}")
    except UnicodeEncodeError:
        return PatternWarning(source[:_SHOWN], "the pattern holds half a surrogate pair")
    return UserPattern(source, engine)


def compile_patterns(sources: Iterable[str], *, ignore_case: bool = True, dot_all: bool = False) -> PatternSet:
    """Read several patterns; at most the first 100 count."""
    good: list[UserPattern] = []
    warnings: list[PatternWarning] = []
    for number, source in enumerate(sources):
        if number >= MAX_PATTERNS:
            warnings.append(PatternWarning(source[:_SHOWN], f"only the first {MAX_PATTERNS} patterns count"))
            break
        read = compile_pattern(source, ignore_case=ignore_case, dot_all=dot_all)
        if isinstance(read, UserPattern):
            good.append(read)
        else:
            warnings.append(read)
    return PatternSet(tuple(good), tuple(warnings))


def _inner_span(match: Any) -> tuple[int, int]:
    for group in range(match.re.groups, 0, -1):
        start, end = match.span(group)
        if start < end:
            return start, end
    start, end = match.span()
    return start, end


def _without_surrogates(text: str) -> str:
    """Return the text with each half surrogate replaced; positions stay."""
    return _SURROGATE.sub("\ufffd", text)
