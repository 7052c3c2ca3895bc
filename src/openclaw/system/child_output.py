"""The text of a child process: decoded as it arrives, cleaned, and kept within a bound (exec.md 1.5)."""

from __future__ import annotations

import codecs
import unicodedata
from collections import deque
from typing import Final, Literal

DEFAULT_OUTPUT_CHARS: Final = 200_000
_KEPT_CONTROLS: Final = frozenset("\t\n\r")
_REMOVED: Final = frozenset({"Cc", "Cf", "Cs"})
_ASCII_CONTROLS: Final = {code: None for code in (*range(32), 127) if chr(code) not in _KEPT_CONTROLS}


def clean(text: str) -> str:
    """Remove control, format and surrogate characters other than TAB, LF and CR."""
    if text.isascii():
        return text.translate(_ASCII_CONTROLS)
    removed = {ord(char): None for char in set(text) - _KEPT_CONTROLS if unicodedata.category(char) in _REMOVED}
    return text.translate(removed) if removed else text


class StreamText:
    """Decodes one stream of UTF-8 so that a character cut by a read is not broken; bad bytes become U+FFFD."""

    __slots__ = ("_decoder",)

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, data: bytes) -> str:
        """Return the cleaned text that `data` completes."""
        return clean(self._decoder.decode(data))

    def finish(self) -> str:
        """Return what an incomplete character at the end of the stream becomes."""
        return clean(self._decoder.decode(b"", True))


class BoundedText:
    """Text that grows by pieces and keeps at most `limit` characters of its tail (or head) in constant memory.

    Pieces are held in a deque and joined only when read, so a flood costs time linear in its length.
    """

    def __init__(self, limit: int = DEFAULT_OUTPUT_CHARS, *, keep: Literal["tail", "head"] = "tail") -> None:
        self._limit = max(0, limit)
        self._keep = keep
        self._pieces: deque[str] = deque()
        self._held = 0
        self._total = 0

    @property
    def total(self) -> int:
        """Return how many characters were ever appended."""
        return self._total

    @property
    def truncated(self) -> bool:
        """Return whether characters were dropped."""
        return self._total > self._held

    def append(self, text: str) -> None:
        """Add `text`, dropping from the side that is not kept."""
        if not text:
            return
        self._total += len(text)
        if self._keep == "head":
            text = text[: self._limit - self._held]
            if text:
                self._pieces.append(text)
                self._held += len(text)
            return
        if len(text) >= self._limit:
            self._pieces.clear()
            self._pieces.append(text[len(text) - self._limit :])
            self._held = self._limit
            return
        self._pieces.append(text)
        self._held += len(text)
        self._drop_head()

    def _drop_head(self) -> None:
        surplus = self._held - self._limit
        while surplus > 0:
            first = self._pieces.popleft()
            if len(first) > surplus:
                self._pieces.appendleft(first[surplus:])
                self._held -= surplus
                return
            self._held -= len(first)
            surplus -= len(first)

    def text(self) -> str:
        """Return what is kept."""
        if len(self._pieces) > 1:
            joined = "".join(self._pieces)
            self._pieces.clear()
            self._pieces.append(joined)
        return self._pieces[0] if self._pieces else ""

    def tail(self, count: int) -> str:
        """Return at most the last `count` kept characters."""
        return self.text()[-count:] if count > 0 else ""

    def take(self) -> str:
        """Return what is kept and forget it; the totals start again."""
        text = self.text()
        self._pieces.clear()
        self._held = self._total = 0
        return text
