"""Decides whether a command may run: the one function for gateway, nodes, prompts and tests (exec.md 2.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.exec_lexer import lex
from openclaw.policy.what.exec_model import (
    Ask,
    Decision,
    ExecRequest,
    ExecRules,
    Persistable,
    Pipeline,
    Security,
    Segment,
    Word,
    World,
)
from openclaw.policy.what.exec_plan import build_plan
from openclaw.policy.what.exec_segments import Surroundings, distinct_entries, judge_command, judge_segment

_WINDOWS_SIGNS: Final = re.compile(r"[&|<>^()%!\r\n]")


def decide(request: ExecRequest, rules: ExecRules, world: World) -> Decision:
    """Decide about a command line or argv. Total: never raises, and doubt refuses.

    Args:
        request: what is to run, and where.
        rules: the effective rules.
        world: what may be seen of the machine.
    """
    words = request.argv
    texts = (request.command,) if words is None else words
    if any("\0" in text for text in texts) or not texts or not texts[0].strip():
        return Decision(Outcome.DENY, "invalid-command")
    if rules.security is Security.DENY:
        return Decision(Outcome.DENY, "security-deny")
    if rules.ask is Ask.ALWAYS:
        return _asked(request, rules, world)
    if rules.security is Security.FULL:
        return Decision(Outcome.ALLOW, "security-full")
    return _evaluated(request, rules, world)


def _evaluated(request: ExecRequest, rules: ExecRules, world: World) -> Decision:
    """Steps 5 to 8: read the line, judge each segment, allow only when all are satisfied."""
    miss = Outcome.ASK if rules.ask is Ask.ON_MISS else Outcome.DENY
    pipelines = _read(request, world)
    if isinstance(pipelines, str):
        return Decision(miss, f"parse:{pipelines}")
    segments = _judged(pipelines, request, rules, world)
    failing = next((segment for segment in segments if not segment.satisfied), None)
    if failing is not None:
        return Decision(miss, failing.why, segments, persistable=persistable_of(segments))
    why = "safe-bin" if all(segment.why == "safe-bin" for segment in segments) else "allowlist-match"
    plan = build_plan(pipelines, segments, request.path)
    return Decision(Outcome.ALLOW, why, segments, matches=distinct_entries(segments), plan=plan)


def _asked(request: ExecRequest, rules: ExecRules, world: World) -> Decision:
    """Ask whatever the line is; the segments are for the prompt."""
    pipelines = _read(request, world)
    segments = () if isinstance(pipelines, str) else _judged(pipelines, request, rules, world)
    lasting = persistable_of(segments) if rules.security is Security.ALLOWLIST else ()
    return Decision(Outcome.ASK, "ask-always", segments, persistable=lasting)


def persistable_of(segments: Sequence[Segment]) -> tuple[Persistable, ...]:
    """Return the entries that would cover what is not covered yet, or nothing when one part may never be stored."""
    missing = [segment for segment in segments if not segment.satisfied]
    found = [segment.persistable for segment in missing if segment.persistable is not None]
    return tuple(dict.fromkeys(found)) if len(found) == len(missing) else ()


def _read(request: ExecRequest, world: World) -> tuple[Pipeline, ...] | str:
    if request.argv is not None:
        return (Pipeline("", (tuple(Word(text, text) for text in request.argv),)),)
    if world.platform == "windows":
        return _windows_line(request.command)
    return lex(request.command, world.home)


def _judged(pipelines: Sequence[Pipeline], request: ExecRequest, rules: ExecRules, world: World) -> tuple[Segment, ...]:
    around = Surroundings(rules, world, request.cwd, request.path, windows=world.platform == "windows")
    judge = judge_segment if request.argv is None else judge_command
    return tuple(judge(words, around) for pipeline in pipelines for words in pipeline.members)


def _windows_line(line: str) -> tuple[Pipeline, ...] | str:
    """Read a line for Windows: one program, words split at blanks, no sign that a shell there would act on."""
    if _WINDOWS_SIGNS.search(line):
        return "metacharacter"
    if '"' in line or not line.isprintable():
        return "quote"
    return (Pipeline("", (tuple(Word(text, text) for text in line.split()),)),)
