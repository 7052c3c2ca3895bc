"""Turns a satisfied line into what runs: argv lists without a shell, or a script rendered anew (exec.md 2.5).

The original text never runs. Command words are the absolute paths that were judged; literal words are quoted; only a
word that needs expansion keeps its source form, and only as an argument.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from openclaw.policy.what.exec_model import Pipeline, Plan, PlannedStep, Segment, Word

SHELL: Final = "/bin/sh"


def build_plan(pipelines: Sequence[Pipeline], segments: Sequence[Segment], path: Sequence[str]) -> Plan:
    """Return the plan of a line whose segments are all satisfied.

    Args:
        pipelines: the line as it was read.
        segments: its segments, judged, in order.
        path: the directories of the request; relative ones are dropped.
    """
    judged = iter(segments)
    rows = [(pipeline.op, [next(judged) for _ in pipeline.members]) for pipeline in pipelines]
    pins = tuple(segment.path or "" for segment in segments)
    clean = tuple(folder for folder in path if folder.startswith("/"))
    if any(word.dynamic for segment in segments for word in segment.words):
        texts = ((op, " | ".join(map(render_segment, members))) for op, members in rows)
        script = " ".join(f"{op} {text}" if op else text for op, text in texts)
        return Plan((), script, clean, pins)
    steps = tuple(PlannedStep(op, tuple(map(argv_of, members))) for op, members in rows)
    return Plan(steps, None, clean, pins)


def argv_of(segment: Segment) -> tuple[str, ...]:
    """Return the argv of a segment whose words are all literal, with absolute command words."""
    argv = [word.text for word in segment.words]
    for index, path in segment.commands:
        argv[index] = path
    return tuple(argv)


def render_segment(segment: Segment) -> str:
    """Return a segment as shell text that means exactly what was judged."""
    commands = dict(segment.commands)
    return " ".join(
        quote(commands[index]) if index in commands else render_word(word) for index, word in enumerate(segment.words)
    )


def render_word(word: Word) -> str:
    """Return a literal word quoted, and a dynamic one as it was written."""
    return word.source if word.dynamic else quote(word.text)


def quote(text: str) -> str:
    """Return text in single quotes, for any POSIX shell."""
    return "'" + text.replace("'", "'\\''") + "'"
