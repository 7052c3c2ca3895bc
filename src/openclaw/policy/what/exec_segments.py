"""Judges one program of a line: what it resolves to and which rule covers it (exec.md 2.4 step 7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from openclaw.policy.what.exec_interpreters import interpreter_of, script_of
from openclaw.policy.what.exec_model import AllowEntry, ExecRules, Persistable, Segment, Word, World
from openclaw.policy.what.exec_patterns import find_entry
from openclaw.policy.what.exec_programs import (
    MAX_DEPTH,
    MULTI_CALL,
    basename,
    inner_command,
    is_dispatcher,
    names_of,
    starts_unjudged,
)
from openclaw.policy.what.paths import parts_of
from openclaw.policy.what.safe_bins import is_safe_bin

_RESERVED: Final = frozenset(
    {
        *("if", "then", "else", "elif", "fi", "do", "done", "case", "esac", "while", "until", "for", "select"),
        *("function", "in", "{", "}", "!", "[[", "]]", "time", "coproc"),
    }
)
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\[[^\]]*\])?\+?=")
_SCRIPT_SUFFIXES: Final = (
    *(".sh", ".bash", ".zsh", ".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".php", ".lua", ".ps1"),
)
_UNRESOLVED: Final = re.compile(r"/(?:\.{0,2}(?:/|\Z))")
"""A name that is empty, `.` or `..` somewhere in an absolute path."""
_SHELL_PATTERN_SIGNS: Final = frozenset("*?~")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every segment of one call is judged against."""

    rules: ExecRules
    world: World
    cwd: str
    path: tuple[str, ...]
    windows: bool = False


def judge_segment(words: Sequence[Word], around: Surroundings) -> Segment:
    """Judge one member of a pipeline as a shell would start it."""
    first = words[0]
    if first.source in _RESERVED:
        return _refused(words, "parse:reserved-word")
    if _ASSIGNMENT.match(first.text) or _ASSIGNMENT.match(first.source):
        return _refused(words, "parse:assignment")
    return judge_command(words, around)


def judge_command(words: Sequence[Word], around: Surroundings, depth: int = 0) -> Segment:
    """Judge a program with its arguments, without the words that only a shell gives a meaning."""
    if words[0].dynamic:
        return _refused(words, "parse:dynamic-executable")
    path = resolve(words[0].text, around)
    if path is None:
        return _refused(words, "unresolved")
    realpath = around.world.realpath(path)
    safe = is_safe_bin(words, path, realpath, around.rules)
    why = "safe-bin" if safe else ""
    segment = Segment(tuple(words), satisfied=safe, why=why, path=path, realpath=realpath, commands=((0, path),))
    return segment if safe else _judge_allowlisted(segment, names_of(path, realpath), around, depth)


def _judge_allowlisted(segment: Segment, names: frozenset[str], around: Surroundings, depth: int) -> Segment:
    """Judge a resolved program by the allowlist, then by what it may start or run."""
    words, rules, path = segment.words, around.rules, segment.path or ""
    if is_dispatcher(names):
        return _judge_dispatcher(segment, names, around, depth)
    family = interpreter_of(names)
    script = script_of(family, words) if family is not None else None
    if script is not None:
        segment = replace(segment, script=_joined(script.text, around.cwd))
    entry = find_entry(rules.allowlist, path, words[1:], around.world.home)
    if (entry is None and not _is_skill_bin(words[0], path, rules)) or _is_windows_shell(names, around):
        lasting = None if family is not None else _persistable(segment, names, around)
        return replace(segment, why="allowlist-miss", persistable=lasting)
    if starts_unjudged(names, words):
        return replace(segment, why="dispatcher")
    if family is not None and rules.strict_inline_eval and script is None:
        return replace(segment, why="strict-inline-eval")
    return replace(segment, satisfied=True, why="allowlist-match", entries=(entry,) if entry is not None else ())


def _judge_dispatcher(segment: Segment, names: frozenset[str], around: Surroundings, depth: int) -> Segment:
    """Judge a program that starts another one: it needs an entry of its own, and so does what it starts."""
    words, rules, path = segment.words, around.rules, segment.path or ""
    at = inner_command(names, words) if depth < MAX_DEPTH else None
    inner = judge_command(words[at:], around, depth + 1) if at is not None else None
    if inner is not None and at is not None:
        commands = (*segment.commands, *((at + index, found) for index, found in inner.commands))
        segment = replace(segment, commands=commands, script=inner.script)
    entry = find_entry(rules.allowlist, path, words[1:], around.world.home)
    if entry is None and not _is_skill_bin(words[0], path, rules):
        return replace(segment, why="allowlist-miss")
    if inner is None:
        return replace(segment, why="dispatcher")
    if not inner.satisfied:
        return replace(segment, why=inner.why)
    own = (entry,) if entry is not None else ()
    return replace(segment, satisfied=True, why="allowlist-match", entries=(*own, *inner.entries))


def resolve(text: str, around: Surroundings) -> str | None:
    """Return the normalised absolute path that a command word names, or None when nothing executable is there."""
    is_path = "/" in text or (around.windows and "\\" in text)
    if is_path:
        if text.endswith(("/", "/.", "/..")):
            return None
        folders: Sequence[str] = (around.cwd,)
    elif text in {"", ".", ".."}:
        return None
    else:
        folders = around.path
    for folder in folders:
        path = _joined(text, folder)
        if path is not None and around.world.is_executable_file(path):
            return path
    return None


def _joined(text: str, cwd: str) -> str | None:
    if not text.startswith("/"):
        if not cwd.startswith("/"):
            return None
        text = f"{cwd}/{text}"
    return "/" + "/".join(parts_of(text)) if _UNRESOLVED.search(text) else text


def _is_skill_bin(command: Word, path: str, rules: ExecRules) -> bool:
    return rules.auto_allow_skills and "/" not in command.text and rules.skill_bins.get(command.text) == path


def _is_windows_shell(names: frozenset[str], around: Surroundings) -> bool:
    return around.windows and any(name.lower().removesuffix(".exe") == "cmd" for name in names)


def _persistable(segment: Segment, names: frozenset[str], around: Surroundings) -> Persistable | None:
    """Return what `allow-always` may store for a program that nothing covers yet (exec.md 2.7, advisories H9).

    A program below the working directory, or a script by its name, can be rewritten by the one who asks, so it is
    never stored either.
    """
    path, arguments = segment.path or "", segment.words[1:]
    if names & MULTI_CALL or basename(segment.realpath or "") in MULTI_CALL or starts_unjudged(names, segment.words):
        return None
    if any(word.dynamic for word in segment.words) or _SHELL_PATTERN_SIGNS & set(path):
        return None
    if any(text.lower().endswith(_SCRIPT_SUFFIXES) for text in (path, *(word.text for word in arguments))):
        return None
    home = parts_of(around.cwd)
    if home and parts_of(path)[: len(home)] == home:
        return None
    return Persistable(path, tuple(word.text for word in arguments))


def _refused(words: Sequence[Word], why: str) -> Segment:
    return Segment(tuple(words), satisfied=False, why=why)


def distinct_entries(segments: Sequence[Segment]) -> tuple[AllowEntry, ...]:
    """Return the entries that cover the segments, each once, in the order of their use."""
    return tuple(dict.fromkeys(entry for segment in segments for entry in segment.entries))
