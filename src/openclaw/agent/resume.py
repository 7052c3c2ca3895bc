"""What an earlier process had done of a turn when it was killed (architecture rule 5).

A turn is known by its journal rows: the user's line stores them. What follows that line is what was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from openclaw.agent.context import calls_of
from openclaw.state.transcripts import Line

SEARCHED_LINES = 400
_FINAL = frozenset({"stop", "length", "aborted"})


@dataclass(frozen=True, slots=True)
class Resumed:
    """The state of a turn in its transcript.

    Attributes:
        lines: what was done after the user's line, in order.
        answered: the turn is finished: the last line is its final answer.
        open_calls: tool calls without a stored result.
        inbound_ids: all journal rows that the user's line stands for.
    """

    lines: tuple[Line, ...]
    answered: bool
    open_calls: tuple[dict[str, Any], ...]
    inbound_ids: tuple[int, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the texts of the answers, in order."""
        found = (_text(line) for line in self.lines if line.role == "assistant")
        return tuple(text for text in found if text)


def find(branch: Sequence[Line], inbound_ids: Iterable[int]) -> Resumed | None:
    """Return what a transcript holds of a turn, or None when the turn never began."""
    wanted = set(inbound_ids)
    if not wanted:
        return None
    for index in range(len(branch) - 1, max(-1, len(branch) - 1 - SEARCHED_LINES), -1):
        stored = branch[index].fields.get("inboundIds")
        if isinstance(stored, list) and wanted.intersection(item for item in stored if isinstance(item, int)):
            return _state(branch, index, stored)
    return None


def _state(branch: Sequence[Line], index: int, stored: Sequence[Any]) -> Resumed:
    lines: list[Line] = []
    for line in branch[index + 1 :]:
        if line.role == "user":
            break
        lines.append(line)
    last = lines[-1] if lines else None
    followed = index + 1 + len(lines) < len(branch)
    final = last is not None and last.role == "assistant" and last.message.get("stopReason") in _FINAL
    return Resumed(
        lines=tuple(lines),
        answered=(final and not calls_of(last.message)) or followed if last is not None else followed,
        open_calls=tuple(_open_calls(lines)),
        inbound_ids=tuple(item for item in stored if isinstance(item, int)),
    )


def _open_calls(lines: Sequence[Line]) -> Iterable[dict[str, Any]]:
    answered = {line.message.get("toolCallId") for line in lines if line.role == "toolResult"}
    for line in lines:
        if line.role == "assistant":
            yield from (dict(call) for call in calls_of(line.message) if call.get("id") not in answered)


def _text(line: Line) -> str:
    content = line.message.get("content")
    blocks = content if isinstance(content, list) else []
    return "".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")
