"""Ingress idempotency: an event is taken once and answered once, however often and in whatever order it comes."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Final, TypeAlias

from openclaw.security.verify.model import Finding, expect
from openclaw.state.journal import JournalStore, NewInbound, NewOutbound

Open: TypeAlias = Callable[[Path], JournalStore]

SHIPPED: Final[Open] = JournalStore

_NOW: Final = 1_700_000_000_000
_LENGTH: Final = 4
_EVENTS: Final = {
    "event 1": ("telegram", "default", "1"),
    "event 2": ("telegram", "default", "2"),
    "event 1 of another account": ("telegram", "work", "1"),
    "event 1 of another channel": ("slack", "default", "1"),
}
_STEPS: Final = (*_EVENTS, "both at once", "the answer to event 1", "a restart")


def check(subject: Open) -> Iterator[Finding]:
    """Run every sequence of steps against a real journal, each with event ids of its own."""
    with tempfile.TemporaryDirectory(prefix="openclaw-verify-") as folder:
        journal = _Journal(subject, Path(folder) / "journal.sqlite")
        for number, steps in enumerate(product(_STEPS, repeat=_LENGTH)):
            if steps.count("a restart") > 1 or "event 1" not in steps:
                continue
            yield from _sequence(journal, number, steps)
        journal.close()


class _Journal:
    """The journal file, and the process that has it open."""

    def __init__(self, opened: Open, path: Path) -> None:
        self._opened = opened
        self._path = path
        self.store = opened(path)

    def restart(self) -> None:
        self.store.close()
        self.store = self._opened(self._path)

    def close(self) -> None:
        self.store.close()


def _sequence(journal: _Journal, number: int, steps: Sequence[str]) -> Iterator[Finding]:
    taken: dict[str, int] = {}
    answered = False
    for at, step in enumerate(steps, start=1):
        words = partial(_words, steps[:at])
        if step == "a restart":
            journal.restart()
        elif step == "the answer to event 1":
            if "event 1" not in taken:
                continue
            reply = NewOutbound("reply", "telegram", "default", {"to": "1"}, {"text": "hello"})
            stored = journal.store.answer([taken["event 1"]], [reply], _NOW, outcome="answered")
            yield expect(words, 0 if answered else 1, len(stored))
            answered = True
        else:
            offered = ("event 1", "event 2", "event 1") if step == "both at once" else (step,)
            rows = journal.store.offer([_message(name, number) for name in offered], _NOW, durable=False)
            new = [name for name in dict.fromkeys(offered) if name not in taken]
            got = [(row.channel, row.account, row.event_id.partition("#")[0]) for row in rows]
            yield expect(words, [_EVENTS[name] for name in new], got)
            taken.update(zip(new, (row.id for row in rows), strict=False))
    still_open = {row.id for row in journal.store.open_inbound()}
    wanted = {one for name, one in taken.items() if not (answered and name == "event 1")}
    yield expect(partial(_words, steps), wanted, still_open)
    journal.store.mark(still_open, "closed", outcome="end of the sequence", now_ms=_NOW)


def _message(name: str, number: int) -> NewInbound:
    channel, account, event = _EVENTS[name]
    return NewInbound(channel, account, f"{event}#{number}", "{}")


def _words(steps: Sequence[str]) -> str:
    return "; ".join(steps)
