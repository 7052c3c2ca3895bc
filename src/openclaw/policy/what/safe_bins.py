"""Safe bins: programs that run without an allowlist entry because they only read standard input (exec.md 2.6).

Judged from the words alone; no file is looked at, so the answer tells nothing about what exists (advisories H12-H14).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from openclaw.policy.what.exec_interpreters import interpreter_of
from openclaw.policy.what.exec_model import ExecRules, SafeBinProfile, Word
from openclaw.policy.what.exec_programs import basename, is_dispatcher, names_of

DEFAULT_SAFE_BINS: Final = frozenset({"cut", "uniq", "head", "tail", "tr", "wc"})
NEVER_SAFE: Final = frozenset({"jq", "gojq", "jaq", "yq", "dig", "host", "nslookup", "ping", "curl", "wget"})
"""Refused even with a profile, beside shells, interpreters (awk and sed among them) and dispatchers."""

_PATHLIKE: Final = re.compile(r"/|\.\.?/|\.\.?$|~|[A-Za-z]:\\")
_DIGITS: Final = re.compile(r"-\d+")


def _flags(short: str, *long: str) -> frozenset[str]:
    return frozenset({*(f"-{letter}" for letter in short), *long})


_LINES: Final = SafeBinProfile(
    value_flags=_flags("nc", "--lines", "--bytes"),
    flags=_flags("qvz", "--quiet", "--silent", "--verbose", "--zero-terminated"),
    digits=True,
)
PROFILES: Final[Mapping[str, SafeBinProfile]] = {
    "cut": SafeBinProfile(
        value_flags=_flags("bcfd", "--bytes", "--characters", "--fields", "--delimiter", "--output-delimiter"),
        flags=_flags("nsz", "--complement", "--only-delimited", "--zero-terminated"),
    ),
    "uniq": SafeBinProfile(
        value_flags=_flags("fsw", "--skip-fields", "--skip-chars", "--check-chars"),
        optional_value_flags=frozenset({"--group"}),
        flags=_flags("cduiz", "--count", "--repeated", "--unique", "--ignore-case", "--zero-terminated"),
    ),
    "head": _LINES,
    "tail": _LINES,
    "tr": SafeBinProfile(
        min_positional=1,
        max_positional=2,
        flags=_flags("Ccdst", "--complement", "--delete", "--squeeze-repeats", "--truncate-set1"),
    ),
    "wc": SafeBinProfile(flags=_flags("lwcmL", "--lines", "--words", "--bytes", "--chars", "--max-line-length")),
    "grep": SafeBinProfile(
        value_flags=_flags(
            "emABC",
            *("--regexp", "--max-count", "--after-context", "--before-context", "--context", "--label"),
            "--binary-files",
        ),
        flags=_flags(
            "ivwxcnoqsEFGPhHa",
            *("--ignore-case", "--invert-match", "--word-regexp", "--line-regexp", "--count", "--line-number"),
            *("--only-matching", "--quiet", "--silent", "--no-messages", "--extended-regexp", "--fixed-strings"),
            *("--basic-regexp", "--perl-regexp", "--no-filename", "--with-filename", "--text"),
        ),
    ),
    "sort": SafeBinProfile(
        value_flags=_flags("kt", "--key", "--field-separator"),
        flags=_flags(
            "nrufhVscCzgMdbi",
            *("--numeric-sort", "--reverse", "--unique", "--ignore-case", "--human-numeric-sort", "--version-sort"),
            *("--stable", "--check", "--zero-terminated", "--general-numeric-sort", "--month-sort"),
            *("--dictionary-order", "--ignore-leading-blanks", "--ignore-nonprinting"),
        ),
    ),
}


def is_safe_bin(words: Sequence[Word], path: str, realpath: str, rules: ExecRules) -> bool:
    """Tell whether a segment only reads its standard input, as far as its profile says.

    Args:
        words: the segment.
        path: where the program was found.
        realpath: the file behind it.
        rules: the names, directories and profiles that count.
    """
    name = basename(path)
    if name not in rules.safe_bins:
        return False
    profile = PROFILES.get(name) or rules.safe_bin_profiles.get(name)
    if profile is None or _is_never_safe(names_of(path, realpath)):
        return False
    if not {_directory(path), _directory(realpath)} <= rules.trusted_dirs:
        return False
    if any(word.dynamic or word.tilde for word in words):
        return False
    return fits_profile(profile, [word.text for word in words[1:]])


def fits_profile(profile: SafeBinProfile, arguments: Sequence[str]) -> bool:
    """Tell whether the words after the command are within a profile; they are read from left to right."""
    operands, at = 0, 0
    while at < len(arguments):
        text = arguments[at]
        at += 1
        if text == "--":
            rest = [operand for operand in arguments[at:] if operand != "-"]
            if any(map(is_pathlike, rest)):
                return False
            operands += len(rest)
            break
        if profile.digits and _DIGITS.fullmatch(text):
            continue
        if not text.startswith("-"):
            operands += 1
            if is_pathlike(text):
                return False
            continue
        used = (
            _long(profile, text, arguments[at:]) if text.startswith("--") else _cluster(profile, text, arguments[at:])
        )
        if used is None:
            return False
        at += used
    return profile.min_positional <= operands <= profile.max_positional


def is_pathlike(text: str) -> bool:
    """Tell whether an operand or value looks like a path; a single character never does."""
    return len(text) != 1 and _PATHLIKE.match(text) is not None


def _long(profile: SafeBinProfile, text: str, following: Sequence[str]) -> int | None:
    """Return how many further words a long option takes, or None when it is refused."""
    name, equals, value = text.partition("=")
    if name in profile.denied_flags:
        return None
    if name in profile.value_flags:
        if not equals:
            return 1 if following and not is_pathlike(following[0]) else None
        return None if is_pathlike(value) else 0
    if name in profile.optional_value_flags:
        return None if is_pathlike(value) else 0
    return 0 if not equals and profile.flags is not None and name in profile.flags else None


def _cluster(profile: SafeBinProfile, text: str, following: Sequence[str]) -> int | None:
    """Return how many further words a group of short options takes, or None when one of them is refused.

    A lone `-`, which names the standard input, is a group of none.
    """
    for index, letter in enumerate(text[1:], start=1):
        flag, rest = f"-{letter}", text[index + 1 :]
        if flag in profile.denied_flags:
            return None
        if flag in profile.value_flags:
            if rest:
                return None if is_pathlike(rest) else 0
            return 1 if following and not is_pathlike(following[0]) else None
        if profile.flags is not None and flag not in profile.flags:
            return None
    return 0


def _is_never_safe(names: frozenset[str]) -> bool:
    return bool(names & NEVER_SAFE) or interpreter_of(names) is not None or is_dispatcher(names)


def _directory(path: str) -> str:
    return path.rpartition("/")[0] or "/"
