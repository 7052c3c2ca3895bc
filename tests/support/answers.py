"""Answers word for word: what functions say is compared with a recorded file that people can read and review.

A file has one line per different answer: how often it is given, the hash of the questions that it is given to, how the
first of them begins, and the answer. `OPENCLAW_RECORD_ANSWERS=1 pytest tests/policy` records anew; the difference then
belongs into the review.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

SHOWN = 100
LONGEST = 240
ANSWERS = Path(__file__).resolve().parents[1] / "policy" / "answers"


def check_answers(name: str, answers: Iterable[tuple[object, object]]) -> None:
    """Compare (question, answer) pairs with the recorded file of that name."""
    questions: dict[str, list[str]] = {}
    for question, answer in answers:
        questions.setdefault(written(answer), []).append(written(question))
    lines = [_line(answer, given_to) for answer, given_to in questions.items()]
    path = ANSWERS / f"{name}.txt"
    if os.environ.get("OPENCLAW_RECORD_ANSWERS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    recorded = path.read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(recorded, lines, strict=False) if old != new]
    assert not changed, f"{path.name} says\n  {changed[0][0]}\nbut now it is\n  {changed[0][1]}"
    assert len(recorded) == len(lines)


def _line(answer: str, questions: list[str]) -> str:
    """Return the line of one answer; of a long one the beginning, and the hash of the whole."""
    shown = answer if len(answer) <= LONGEST else f"{answer[:SHOWN]}... #{_digest(answer)}"
    return f"{len(questions)} #{_digest(chr(10).join(questions))} {questions[0][:SHOWN]} => {shown}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def sealed(text: str) -> str:
    """Return what stands for a text that a search for secrets would stumble over."""
    return f"{len(text)} characters #{_digest(text)}"


def asked(function: Callable[..., Any], *questions: object) -> list[tuple[object, object]]:
    """Return the answers of a function to several questions; a tuple is a list of arguments."""
    found = []
    for question in questions:
        arguments = question if isinstance(question, tuple) else (question,)
        found.append((question, function(*arguments)))
    return found


def written(value: object) -> str:
    """Return a value as one line: fields that have their default are left out, sets are sorted."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        shown = [f"{field.name}={written(getattr(value, field.name))}" for field in _stated(value)]
        return f"{type(value).__name__}({', '.join(shown)})"
    if isinstance(value, str):
        return ascii(str(value)).replace("\\\\", "\\")
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(key)}: {written(one)}" for key, one in value.items()) + "}"
    if isinstance(value, frozenset | set):
        return "{" + ", ".join(sorted(map(written, value))) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(written, value)) + "]"
    return str(value.value) if isinstance(value, Enum) else repr(value)


def _stated(value: Any) -> Iterable[dataclasses.Field[Any]]:
    for field in dataclasses.fields(value):
        if field.name.startswith("_"):
            continue
        given = getattr(value, field.name)
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if default is dataclasses.MISSING or type(given) is not type(default) or given != default:
            yield field
