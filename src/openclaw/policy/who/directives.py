"""Directives and inline shortcuts: commands that may stand beside other text (channels.md 3.3).

Reading them gives nobody anything: `obeyed` says which of them count for a sender.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from openclaw.policy.verdict import Reason
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.commands_registry import CommandIndex, CommandSpec

MAX_DIRECTIVES: Final = 20
"""Directives of one message that are read."""
_TOKEN: Final = re.compile(r"\S+")
_BLANKS: Final = re.compile(r"[ \t]{2,}")
_VALUES: Final[Mapping[str, re.Pattern[str]]] = {
    "think": re.compile(r"off|minimal|low|medium|high|xhigh", re.IGNORECASE),
    "verbose": re.compile(r"on|full|off", re.IGNORECASE),
    "reasoning": re.compile(r"on|off|stream", re.IGNORECASE),
    "elevated": re.compile(r"on|off|ask|full", re.IGNORECASE),
    "model": re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]*"),
    "exec": re.compile(r"(?:host|security|ask|node)=\S+", re.IGNORECASE),
    "queue": re.compile(
        r"steer|followup|collect|steer-backlog|steer\+backlog|queue|interrupt|reset|(?:debounce|cap|drop):\S+",
        re.IGNORECASE,
    ),
}
"""What may follow a directive and belong to it."""
_SEVERAL: Final = frozenset({"exec", "queue"})
"""Directives with more than one value."""


@dataclass(frozen=True, slots=True)
class Directive:
    """One directive.

    Attributes:
        name: canonical name of the command.
        values: what follows it, as written.
    """

    name: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DirectiveScan:
    """What a text holds.

    Attributes:
        directives: in the order of the text.
        shortcuts: canonical names of the inline commands.
        rest: the text without both.
    """

    directives: tuple[Directive, ...]
    shortcuts: tuple[str, ...]
    rest: str

    @property
    def only(self) -> bool:
        """Return whether the message is nothing but directives: then they are kept in the session."""
        return bool(self.directives) and not self.rest and not self.shortcuts


def scan_directives(index: CommandIndex, text: str) -> DirectiveScan:
    """Return the directives and inline shortcuts of a raw message."""
    tokens = list(_TOKEN.finditer(text)) if "/" in text else []
    directives: list[Directive] = []
    shortcuts: list[str] = []
    kept: list[str] = []
    start = position = 0
    while position < len(tokens):
        spec, first = _named(index, tokens[position].group())
        taken = position + 1
        if spec is not None and spec.directive and len(directives) < MAX_DIRECTIVES:
            values, taken = _values(spec.name, first, tokens, taken)
            directives.append(Directive(spec.name, values))
        elif spec is not None and spec.inline and not first:
            shortcuts.append(spec.name)
        else:
            position = taken
            continue
        kept.append(text[start : tokens[position].start()])
        start = tokens[taken - 1].end()
        position = taken
    kept.append(text[start:])
    rest = _BLANKS.sub(" ", "".join(kept)).strip() if start else text.strip()
    return DirectiveScan(tuple(directives), tuple(shortcuts), rest)


def _named(index: CommandIndex, token: str) -> tuple[CommandSpec | None, str]:
    """Return the command that a token names, and a value that stands directly behind its colon."""
    name, _, value = token.partition(":")
    return (index.by_name.get(name[1:].lower()) if name.startswith("/") else None), value


def _values(name: str, first: str, tokens: list[re.Match[str]], position: int) -> tuple[tuple[str, ...], int]:
    """Return the values of a directive and the position after the last of them."""
    form = _VALUES.get(name)
    values = [first] if first else []
    limit = MAX_DIRECTIVES if name in _SEVERAL else 1
    while form and len(values) < limit and position < len(tokens) and form.fullmatch(tokens[position].group()):
        values.append(tokens[position].group())
        position += 1
    return tuple(values), position


def obeyed(
    scan: DirectiveScan, admission: Admission, *, direct: bool
) -> tuple[tuple[Directive, ...], tuple[Reason, ...]]:
    """Return the directives that count, and why others do not.

    Without command authority none counts. In a group the bot must have been mentioned before a message may lift or
    loosen where commands run.

    Args:
        scan: what the message holds.
        admission: what `decide` said of it.
        direct: the message came in a direct chat.
    """
    if admission.decision is not Decision.DELIVER or not admission.command_authorized:
        why = Reason("command.unauthorized", "commands.ownerAllowFrom", "The sender has no command authority here.")
        return (), ((why,) if scan.directives else ())
    spoken_to = direct or admission.effects.mention
    counted = tuple(directive for directive in scan.directives if spoken_to or _harmless(directive))
    if len(counted) == len(scan.directives):
        return counted, ()
    detail = "In a group /elevated and /exec need a mention of the bot."
    return counted, (Reason("directive.mention-required", None, detail),)


def _harmless(directive: Directive) -> bool:
    """Return whether a directive counts in a group without a mention: it tightens, or is none of the two."""
    values = tuple(value.lower() for value in directive.values)
    if directive.name == "elevated":
        return values == ("off",)
    if directive.name == "exec":
        return values == ("security=deny",)
    return True
