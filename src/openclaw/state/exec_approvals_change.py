"""What a new `exec-approvals.json` changes, as a record for the ledger (guard.md 4). Pure: documents in, words out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.state.ledger_port import LedgerEntry

MAX_LINES: Final = 50
MAX_LINE: Final = 300
_KNOBS: Final = ("security", "ask", "askFallback", "autoAllowSkills")


@dataclass(frozen=True, slots=True)
class FileChange:
    """A replaced approvals file.

    Attributes:
        before, after: revision hashes.
        lines: what differs, one setting or pattern each; empty when only marks of use differ.
    """

    before: str
    after: str
    lines: tuple[str, ...]

    def entry(self, actor: Mapping[str, Any]) -> LedgerEntry:
        """Return the record of it; `actor` says who changed the file."""
        return LedgerEntry(
            kind="approval",
            actor=actor,
            what={
                "file": "exec-approvals.json",
                "before": self.before,
                "after": self.after,
                "changed": [line[:MAX_LINE] for line in self.lines[:MAX_LINES]],
                "count": len(self.lines),
                "summary": "; ".join(self.lines) or "no setting or pattern differs",
            },
            verdict={"outcome": "changed", "rule": "approvals.file"},
        )


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what differs between two documents in normal form: settings of each level, patterns of each agent."""
    return tuple(_differences(before, after))


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    yield from _knobs("defaults", _object(before.get("defaults")), _object(after.get("defaults")))
    old, new = _object(before.get("agents")), _object(after.get("agents"))
    for agent in sorted({*old, *new}):
        was, is_now = _object(old.get(agent)), _object(new.get(agent))
        yield from _knobs(agent, was, is_now)
        had, has = _patterns(was), _patterns(is_now)
        yield from (f"{agent}: -{pattern}" for pattern in had if pattern not in has)
        yield from (f"{agent}: +{pattern}" for pattern in has if pattern not in had)


def _knobs(level: str, was: Mapping[str, Any], is_now: Mapping[str, Any]) -> Iterator[str]:
    for name in _KNOBS:
        if was.get(name) != is_now.get(name):
            yield f"{level}: {name} {_word(was.get(name))} -> {_word(is_now.get(name))}"


def _patterns(section: Mapping[str, Any]) -> list[str]:
    """Return the entries of a section; fixed words are counted, since they may hold secrets."""
    entries = section.get("allowlist")
    rows = [entry for entry in entries if isinstance(entry, Mapping)] if isinstance(entries, list) else []
    return [f"{row.get('pattern')}{_fixed(row.get('args'))}" for row in rows]


def _fixed(args: object) -> str:
    return f" with {len(args)} fixed words" if isinstance(args, list) else ""


def _word(value: object) -> str:
    return "unset" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
