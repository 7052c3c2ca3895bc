"""Splits an answer into messages: at paragraphs, lines, sentences or blanks, and never inside a code fence.

Pure. Lengths are UTF-16 units, which is how the strictest wire counts; no chunk is blank and no text is lost.
"""

from __future__ import annotations

import re
from typing import Final, Literal

ChunkMode = Literal["length", "newline"]

_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")
_SENTENCE_END: Final = re.compile(r"[.!?…]['\")\]]*(?=\s)")
MIN_LIMIT: Final = 64


def width(text: str) -> int:
    """Return the length in UTF-16 units."""
    return len(text) + sum(1 for character in text if ord(character) > 0xFFFF)


def chunk_text(text: str, limit: int, *, mode: ChunkMode = "length", max_lines: int | None = None) -> list[str]:
    """Split markdown into chunks of at most `limit` units (channels.md 4.4).

    Args:
        text: markdown.
        limit: units per chunk; values under 64 count as 64.
        mode: `newline` splits on blank lines first, whatever the length.
        max_lines: lines per chunk, where a channel bounds them.

    Returns:
        The chunks in order; none for blank text.
    """
    limit = max(limit, MIN_LIMIT)
    pieces = _paragraphs(text) if mode == "newline" else [text]
    chunks: list[str] = []
    for piece in pieces:
        chunks.extend(_split(piece.strip("\n"), limit, max_lines))
    return [chunk for chunk in chunks if chunk.strip()]


def _paragraphs(text: str) -> list[str]:
    """Split at blank lines outside of fences."""
    pieces: list[list[str]] = [[]]
    fence: str | None = None
    for line in text.split("\n"):
        fence = _after(fence, line)
        if fence is None and not line.strip():
            pieces.append([])
        else:
            pieces[-1].append(line)
    return ["\n".join(lines) for lines in pieces if lines]


def _split(text: str, limit: int, max_lines: int | None) -> list[str]:
    chunks = []
    rest = text
    while rest:
        if width(rest) <= limit and _lines_fit(rest, max_lines):
            chunks.append(rest)
            break
        head, rest = _cut(rest, limit, max_lines)
        chunks.append(head)
    return chunks


def _lines_fit(text: str, max_lines: int | None) -> bool:
    return max_lines is None or text.count("\n") < max_lines


def _cut(text: str, limit: int, max_lines: int | None) -> tuple[str, str]:
    """Take one chunk off the front; an open fence is closed there and opened again in the rest."""
    at = _break_at(text, _longest(text, limit, max_lines))
    opened = _open_fence(text[:at])
    if opened is not None:  # leave room for the closing line
        at = _break_at(text, _longest(text, limit - width(opened[0]) - 1, max_lines))
        opened = _open_fence(text[:at])
    if opened is None:
        rest = text[at:]
        return text[:at].rstrip(), rest.lstrip("\n") if rest.startswith("\n") else rest.lstrip(" ")
    marker, info = opened
    first_line = f"{marker}{info}"
    if text[:at].rstrip("\n") == first_line:  # nothing but the opening line fits: cut hard inside the code
        at = max(_longest(text, limit - width(marker) - 1, None), len(first_line) + 2)
    head, tail = text[:at], text[at:].removeprefix("\n")
    separator = "" if head.endswith("\n") else "\n"
    return f"{head}{separator}{marker}", f"{first_line}\n{tail}"


def _longest(text: str, limit: int, max_lines: int | None) -> int:
    """Return how many characters of the front fit."""
    used = 0
    lines = 1
    for index, character in enumerate(text):
        used += 2 if ord(character) > 0xFFFF else 1
        if character == "\n":
            lines += 1
            if max_lines is not None and lines > max_lines:
                return max(index, 1)
        if used > limit:
            return max(index, 1)
    return len(text)


def _break_at(text: str, room: int) -> int:
    """Return the best place to break within the first `room` characters."""
    if room >= len(text) or text[room] == "\n":
        return min(room, len(text))
    window = text[:room]
    floor = room // 3
    paragraph = window.rfind("\n\n")
    if paragraph > floor:
        return paragraph
    line = window.rfind("\n")
    if line > floor:
        return line
    sentence = max((found.end() for found in _SENTENCE_END.finditer(window)), default=0)
    if sentence > floor:
        return sentence
    blank = window.rfind(" ")
    if blank > floor:
        return blank
    return room


def _open_fence(text: str) -> tuple[str, str] | None:
    """Return marker and info string of the fence that is open at the end of `text`."""
    state: str | None = None
    info = ""
    for line in text.split("\n"):
        before = state
        state = _after(state, line)
        if before is None and state is not None:
            found = _FENCE.match(line)
            info = found.group(2) if found else ""
    return None if state is None else (state, info)


def _after(fence: str | None, line: str) -> str | None:
    """Return the fence marker that is open after a line."""
    found = _FENCE.match(line)
    if found is None:
        return fence
    marker, info = found.group(1), found.group(2)
    if fence is None:
        return None if marker[0] == "`" and "`" in info else marker
    closes = marker[0] == fence[0] and len(marker) >= len(fence) and not info.strip()
    return None if closes else fence
