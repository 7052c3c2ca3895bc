"""Where every value of a JSON5 text stands: for line numbers, for masking inside the text, and for edits in place.

The text must be one that `openclaw.config.json5.loads` accepts; this scanner does not judge, it only measures.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from openclaw.config.json5 import Json5Error, loads

_BLANK: Final = re.compile(r"(?:[\s\ufeff]+|//[^\n\r\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
_STRING: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'", re.DOTALL)
_WORD: Final = re.compile(r"[^\s\ufeff,:\[\]{}\"'/]+")


@dataclass(slots=True)
class Span:
    """A value and where it stands.

    Attributes:
        start: offset of its first character.
        end: offset after its last character.
        members: of an object, its members by key; of two equal keys the later one.
        items: of a list, its items.
    """

    start: int
    end: int = 0
    members: dict[str, Member] | None = None
    items: list[Span] | None = None

    def at(self, part: str | int) -> Span | None:
        """Return the value below a key or index, or None."""
        if isinstance(part, str):
            member = (self.members or {}).get(part)
            return member.value if member else None
        return self.items[part] if self.items is not None and 0 <= part < len(self.items) else None


@dataclass(slots=True)
class Member:
    """A key of an object and its value."""

    key_start: int
    key_end: int
    value: Span
    shadowed: list[Span] = field(default_factory=list)
    """Earlier values of the same key: they do not count, but they stand in the text."""


def spans(text: str) -> Span:
    """Return the tree of places of a valid JSON5 text.

    Raises:
        Json5Error: the text is not valid JSON5 after all.
    """
    scanner = _Scanner(text)
    scanner.skip()
    root = scanner.value()
    scanner.skip()
    if scanner.at != len(text):
        raise Json5Error("not valid JSON5")
    return root


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> None:
        """Go past blanks and comments."""
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def value(self) -> Span:
        if self.peek() == "{":
            return self._object()
        if self.peek() == "[":
            return self._list()
        start, end = self._token()
        return Span(start, end)

    def _token(self) -> tuple[int, int]:
        start = self.at
        pattern = _STRING if self.peek() in {'"', "'"} else _WORD
        found = pattern.match(self.text, start)
        if found is None:
            raise Json5Error("not valid JSON5")
        self.at = found.end()
        return start, self.at

    def _object(self) -> Span:
        members: dict[str, Member] = {}
        span = Span(self.at, members=members)
        self.at += 1
        self.skip()
        while self.peek() != "}":
            start, end = self._token()
            self.skip()
            self._expect(":")
            self.skip()
            self._add(members, self._key(start, end), Member(start, end, self.value()))
            self._separator("}")
        self.at += 1
        span.end = self.at
        return span

    @staticmethod
    def _add(members: dict[str, Member], key: str, member: Member) -> None:
        earlier = members.get(key)
        if earlier is not None:
            member.shadowed = [*earlier.shadowed, earlier.value]
        members[key] = member

    def _list(self) -> Span:
        items: list[Span] = []
        span = Span(self.at, items=items)
        self.at += 1
        self.skip()
        while self.peek() != "]":
            items.append(self.value())
            self._separator("]")
        self.at += 1
        span.end = self.at
        return span

    def _separator(self, closing: str) -> None:
        self.skip()
        if self.peek() != closing:
            self._expect(",")
            self.skip()

    def _expect(self, character: str) -> None:
        if self.peek() != character:
            raise Json5Error("not valid JSON5")
        self.at += 1

    def _key(self, start: int, end: int) -> str:
        token = self.text[start:end]
        if token[0] not in "\"'" and "\\" not in token:
            return token
        quoted = token if token[0] in "\"'" else f'"{token}"'
        return str(loads(quoted))
