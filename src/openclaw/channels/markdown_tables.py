"""Tables of markdown as text, for chats that have none (`markdown.tables`: off, bullets, code). Pure."""

from __future__ import annotations

import re
from typing import Final, Literal

from openclaw.channels.chunking import width

TableMode = Literal["off", "bullets", "code"]

_DIVIDER: Final = re.compile(r"^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})")


def convert_tables(text: str, mode: TableMode) -> str:
    """Return the text with its tables as aligned code blocks or bullet lists; `off` returns it as it is."""
    if mode == "off" or "|" not in text:
        return text
    lines = text.split("\n")
    shown: list[str] = []
    index = 0
    fenced = False
    while index < len(lines):
        line = lines[index]
        if _FENCE.match(line):
            fenced = not fenced
        if not fenced and _begins_table(lines, index):
            end = index + 2
            while end < len(lines) and "|" in lines[end] and lines[end].strip():
                end += 1
            rows = [_cells(lines[index]), *(_cells(row) for row in lines[index + 2 : end])]
            shown.extend(_as_code(rows) if mode == "code" else _as_bullets(rows))
            index = end
            continue
        shown.append(line)
        index += 1
    return "\n".join(shown)


def _begins_table(lines: list[str], index: int) -> bool:
    return "|" in lines[index] and index + 1 < len(lines) and bool(_DIVIDER.match(lines[index + 1]))


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _as_code(rows: list[list[str]]) -> list[str]:
    columns = max(len(row) for row in rows)
    padded = [row + [""] * (columns - len(row)) for row in rows]
    widths = [max(width(row[column]) for row in padded) for column in range(columns)]

    def written(row: list[str]) -> str:
        cells = (cell + " " * (size - width(cell)) for cell, size in zip(row, widths, strict=True))
        return "  ".join(cells).rstrip()

    divider = "  ".join("-" * size for size in widths)
    return ["```", written(padded[0]), divider, *(written(row) for row in padded[1:]), "```"]


def _as_bullets(rows: list[list[str]]) -> list[str]:
    heads = rows[0]
    shown = []
    for row in rows[1:]:
        pairs = [f"{head}: {cell}" if head else cell for head, cell in zip(heads, row, strict=False) if cell]
        shown.append("- " + "; ".join(pairs))
    return shown
