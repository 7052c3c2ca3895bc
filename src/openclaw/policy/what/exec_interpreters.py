"""Shells and interpreters: whether a call can only run a script file, by each one's own reading of its options.

Options are allowed by name; everything else (inline code, standard input, init files, modules, unknown options) counts
as code (exec.md 2.4 step 7, advisories H10).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from openclaw.policy.what.exec_model import Word

_VERSION: Final = re.compile(r"-?\d[\d.]*$")


@dataclass(frozen=True, slots=True)
class Options:
    """The harmless options of one interpreter and how it finds its script.

    Attributes:
        flags: short options without a value, which may be joined (`-eu`).
        values: short options with a value, and the values that are harmless; None accepts any.
        long_flags: long options without a value.
        script: short option whose value is the script.
        script_long: long option whose value is the script.
        operand: whether the first operand is the script.
        permutes: options are also read after operands.
        plus: `+x` switches an option off.
        pathlike: the operand is a script only when it looks like a path (others are sub-commands).
        suffix: short option whose rest of the word is a free value (`sed -i.bak`).
    """

    flags: str = ""
    values: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    long_flags: frozenset[str] = frozenset()
    script: str = ""
    script_long: str = ""
    operand: bool = True
    permutes: bool = False
    plus: bool = False
    pathlike: bool = False
    suffix: str = ""


_SET_NAMES: Final = frozenset(
    {
        *("allexport", "errexit", "errtrace", "functrace", "noclobber", "noexec", "noglob", "nounset", "notify"),
        *("pipefail", "posix", "verbose", "xtrace"),
    }
)
_SHOPT_NAMES: Final = frozenset({"dotglob", "extglob", "failglob", "globstar", "nocaseglob", "nullglob"})
_PYTHON_WARNINGS: Final = frozenset({"always", "default", "error", "ignore", "module", "once"})
_PYTHON_X: Final = frozenset({"dev", "faulthandler", "importtime", "tracemalloc", "utf8", "utf8=1"})

_SHELL: Final = Options(
    flags="abefhntuvxBCHT",
    values={"o": _SET_NAMES, "O": _SHOPT_NAMES},
    long_flags=frozenset({"--posix", "--noprofile", "--norc"}),
    plus=True,
)
_CSH: Final = Options(flags="efnvxVX")
_FISH: Final = Options(flags="NP", long_flags=frozenset({"--no-config", "--private"}))
_PYTHON: Final = Options(flags="bBdEIOPqRsSuvx", values={"W": _PYTHON_WARNINGS, "X": _PYTHON_X})
_NODE: Final = Options(
    long_flags=frozenset(
        {"--no-warnings", "--trace-warnings", "--no-deprecation", "--trace-deprecation", "--throw-deprecation"}
    ),
    pathlike=True,
)
_PERL: Final = Options(flags="wWXtT")
_RUBY: Final = Options(flags="wv", long_flags=frozenset({"--verbose", "--disable-gems", "--yjit"}))
_PHP: Final = Options(flags="nqC", long_flags=frozenset({"--no-php-ini"}), script="f", script_long="--file")
_LUA: Final = Options(flags="W")
_TCL: Final = Options()
_OSA: Final = Options(values={"l": frozenset({"AppleScript", "JavaScript"})})
_AWK: Final = Options(values={"F": None, "v": None}, script="f", operand=False)
_SED: Final = Options(
    flags="nrEsuz",
    values={"l": None},
    long_flags=frozenset(
        {"--quiet", "--silent", "--regexp-extended", "--posix", "--sandbox", "--debug", "--separate", "--null-data"}
    ),
    script="f",
    script_long="--file",
    operand=False,
    permutes=True,
    suffix="i",
)
_RSCRIPT: Final = Options(long_flags=frozenset({"--vanilla"}))
_NEVER: Final = Options(operand=False)
"""For interpreters whose first operand is a sub-command or ignored, so that no form is known to run only a file."""

_FAMILIES: Final[Mapping[str, Options]] = {
    **dict.fromkeys(("sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "yash", "rbash", "rksh", "posh"), _SHELL),
    **dict.fromkeys(("csh", "tcsh"), _CSH),
    "fish": _FISH,
    **dict.fromkeys(("python", "pypy"), _PYTHON),
    **dict.fromkeys(("node", "nodejs"), _NODE),
    "bun": Options(pathlike=True),
    "deno": _NEVER,
    "ruby": _RUBY,
    "perl": _PERL,
    "php": _PHP,
    **dict.fromkeys(("lua", "luajit"), _LUA),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk", "goawk", "original-awk"), _AWK),
    **dict.fromkeys(("sed", "gsed"), _SED),
    "osascript": _OSA,
    **dict.fromkeys(("tclsh", "wish"), _TCL),
    **dict.fromkeys(("pwsh", "powershell"), _NEVER),
    **dict.fromkeys(("r", "jshell", "ipython", "irb", "ghci", "iex"), _NEVER),
    "rscript": _RSCRIPT,
}
_POWERSHELL_FLAGS: Final = frozenset({"-noprofile", "-noninteractive", "-nologo"})


def interpreter_of(names: frozenset[str]) -> str | None:
    """Return the family of an interpreter by a program's names (`python3.11` is `python`), or None."""
    for name in sorted(names):
        family = _family(name)
        if family is not None:
            return family
    return None


def script_of(family: str, words: Sequence[Word]) -> Word | None:
    """Return the script file that a call runs, or None when it may run any other code.

    Args:
        family: what `interpreter_of` said.
        words: the whole segment; the first is the interpreter.
    """
    if family in {"pwsh", "powershell"}:
        return _powershell_script(words[1:])
    return _Reader(_FAMILIES[family], words[1:]).script()


@lru_cache(maxsize=1024)
def _family(name: str) -> str | None:
    base = name.lower().removesuffix(".exe")
    if base in _FAMILIES:
        return base
    for prefix in ("python", "pypy", "awk"):
        if base.startswith(prefix):
            return prefix
    stripped = _VERSION.sub("", base)
    return stripped if stripped in _FAMILIES else None


class _Reader:
    """Reads the options of one call."""

    def __init__(self, options: Options, words: Sequence[Word]) -> None:
        self._options = options
        self._words = words
        self._at = 0
        self._scripts: list[Word] = []

    def script(self) -> Word | None:
        """Return the script, or None as soon as anything is not known to be harmless."""
        while self._at < len(self._words):
            word = self._words[self._at]
            self._at += 1
            if word.dynamic:
                return None
            if word.text == "--":
                return self._operand(self._at)
            if word.text.startswith("--"):
                accepted = self._long(word)
            elif word.text.startswith("-" if not self._options.plus else ("-", "+")):
                accepted = self._short(word)
            elif self._options.permutes:
                accepted = True
            else:
                return self._operand(self._at - 1)
            if not accepted:
                return None
        return self._operand(self._at)

    def _operand(self, at: int) -> Word | None:
        if self._scripts or not self._options.operand:
            return self._scripts[0] if len(self._scripts) == 1 else None
        if at >= len(self._words):
            return None
        word = self._words[at]
        usable = bool(word.text) and word.text != "-" and not word.dynamic and "://" not in word.text
        if self._options.pathlike and not any(sign in word.text for sign in "./"):
            usable = False
        return word if usable else None

    def _long(self, word: Word) -> bool:
        name, equals, value = word.text.partition("=")
        if name == self._options.script_long and name:
            return self._take_script(Word(value, value)) if equals else self._take_script(self._next())
        return not equals and name in self._options.long_flags

    def _short(self, word: Word) -> bool:
        cluster = word.text[1:]
        if not cluster:
            return False  # a lone dash is standard input
        for index, letter in enumerate(cluster):
            rest = cluster[index + 1 :]
            if letter == self._options.script:
                return self._take_script(Word(rest, rest) if rest else self._next())
            if letter == self._options.suffix:
                return True
            if letter in self._options.values:
                return self._harmless(letter, Word(rest, rest) if rest else self._next())
            if letter not in self._options.flags:
                return False
        return True

    def _harmless(self, letter: str, value: Word | None) -> bool:
        allowed = self._options.values[letter]
        return value is not None and not value.dynamic and (allowed is None or value.text in allowed)

    def _take_script(self, value: Word | None) -> bool:
        if value is None or value.dynamic or value.text in {"", "-"}:
            return False
        self._scripts.append(value)
        return True

    def _next(self) -> Word | None:
        if self._at >= len(self._words):
            return None
        self._at += 1
        return self._words[self._at - 1]


def _powershell_script(words: Sequence[Word]) -> Word | None:
    """PowerShell takes shortened and differently cased options, so only exact harmless ones pass."""
    for index, word in enumerate(words):
        lowered = word.text.lower()
        if word.dynamic:
            return None
        if lowered in _POWERSHELL_FLAGS:
            continue
        if lowered == "-file":
            following = words[index + 1 : index + 2]
            return following[0] if following and _is_powershell_file(following[0]) else None
        return word if _is_powershell_file(word) else None
    return None


def _is_powershell_file(word: Word) -> bool:
    return not word.dynamic and not word.text.startswith("-") and word.text.lower().endswith(".ps1")
