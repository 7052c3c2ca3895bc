"""Part of a text file by lines, within bounds, and the change of an edit as a short diff. Pure over bytes and text."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import BinaryIO, Final

MAX_LINES: Final = 2000
MAX_BYTES: Final = 50 * 1024
MAX_SKIP_BYTES: Final = 256 * 1024 * 1024
SNIFF_BYTES: Final = 8192
DIFF_CONTEXT: Final = 3
MAX_DIFF_LINES: Final = 400

_IMAGE_SIGNS: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Slice:
    """Lines of a file.

    Attributes:
        text: the lines, joined.
        first, last: numbers of the first and last line, from 1; `last` is 0 when there is none.
        more: further lines follow.
        cut_line: the first line alone is larger than the bound; only its beginning is in `text`.
        end: number of lines of the file, where its end was seen.
    """

    text: str
    first: int
    last: int
    more: bool
    cut_line: bool = False
    end: int | None = None


def image_type(head: bytes) -> str | None:
    """Return the media type of an image that models take, from its first bytes."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for sign, kind in _IMAGE_SIGNS if head.startswith(sign)), None)


def slice_lines(file: BinaryIO, offset: int, limit: int | None) -> Slice | None:
    """Return lines from number `offset`, at most 2000 and 50 KB of them; None when the file ends before.

    Memory stays bounded whatever the file is; a file is not read beyond 256 MB.
    """
    skipped = _skip(file, offset - 1)
    if skipped < offset - 1:
        return None
    wanted = min(limit or MAX_LINES, MAX_LINES)
    parts: list[bytes] = []
    room = MAX_BYTES
    while len(parts) < wanted:
        line = file.readline(room + 1)
        if not line:
            return _made(parts, offset, more=False)
        if len(line) > room:
            if parts:
                return _made(parts, offset, more=True)
            return Slice(line[:room].decode("utf-8", "replace"), offset, offset, more=True, cut_line=True)
        parts.append(line)
        room -= len(line)
        if room == 0:
            break
    return _made(parts, offset, more=bool(file.read(1)))


def _made(parts: list[bytes], offset: int, *, more: bool) -> Slice:
    text = b"".join(parts).decode("utf-8", "replace")
    last = offset + len(parts) - 1 if parts else 0
    return Slice(text, offset, last, more, end=None if more else offset + len(parts) - 1)


def _skip(file: BinaryIO, count: int) -> int:
    """Skip lines; return how many there were, at most `count`."""
    skipped = read = 0
    while skipped < count and read < MAX_SKIP_BYTES:
        line = file.readline(MAX_BYTES)
        if not line:
            break
        read += len(line)
        skipped += line.endswith(b"\n")
    else:
        return skipped
    return skipped


def replace_once(text: str, old: str, new: str) -> str | int:
    """Return the text with the one place of `old` replaced, or how often `old` occurs when that is not once.

    A file with CRLF line ends keeps them, whatever the arguments have.
    """
    windows = "\r\n" in text
    if windows:
        old, new = _crlf(old), _crlf(new)
    count = text.count(old) if old else 0
    if count != 1:
        return count
    return text.replace(old, new, 1)


def _crlf(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def short_diff(before: str, after: str, path: str) -> str:
    """Return a unified diff of two texts that differ in one place; only the lines around it are compared."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    start = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    low = max(0, start - DIFF_CONTEXT)
    tail = max(0, end - DIFF_CONTEXT)
    old_part, new_part = old[low : len(old) - tail], new[low : len(new) - tail]
    if len(old_part) + len(new_part) > MAX_DIFF_LINES:
        return f"({len(old_part)} lines became {len(new_part)} lines from line {low + 1})"
    lines = difflib.unified_diff(_ends(old_part), _ends(new_part), path, path, n=DIFF_CONTEXT, lineterm="")
    return "\n".join(_renumbered(line, low) for line in lines)


def _ends(lines: list[str]) -> list[str]:
    return [line.rstrip("\r\n") for line in lines]


def _renumbered(line: str, low: int) -> str:
    """Move the line numbers of a hunk head by the lines that were left out before it."""
    if not line.startswith("@@ "):
        return line
    numbers = []
    for part in line.split()[1:3]:
        first, comma, count = part[1:].partition(",")
        numbers.append(f"{part[0]}{int(first) + low}{comma}{count}")
    return f"@@ {' '.join(numbers)} @@"
