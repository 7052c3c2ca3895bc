"""Approval binding: an allowance covers exactly what was shown, once, and for a short time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import combinations, product
from typing import Any, Final, TypeAlias

from openclaw.security.verify.model import Finding, expect
from openclaw.state.ledger_port import LedgerEntry
from openclaw.system.clock import SystemClock
from openclaw.system.errors import Refused
from openclaw.system.executables import Binding, FileStamp
from openclaw.tools.approval_text import ApprovalDecision, ApprovalView
from openclaw.tools.approvals import Approvals, Coverage

Open: TypeAlias = Callable[..., Approvals]

SHIPPED: Final[Open] = Approvals

_GRANT_MS: Final = 30_000
_STAMP: Final = FileStamp("/bin/cp", "/bin/cp", 1, 2, 3, 4, 5, "aa")
_SHOWN: Final = Coverage(
    host="gateway",
    node=None,
    subject="cp a b",
    env=(("LANG", "C"),),
    agent_id="main",
    session_key="agent:main:main",
    files=Binding((_STAMP,), (None,), ("/srv", 1, 7)),
)
_CHANGES: Final[dict[str, Callable[[Coverage], Coverage]]] = {
    "host": lambda one: replace(one, host="node"),
    "node": lambda one: replace(one, node="phone"),
    "command": lambda one: replace(one, subject=f"{one.subject} "),
    "environment": lambda one: replace(one, env=(*one.env, ("LD_PRELOAD", "x"))),
    "agent": lambda one: replace(one, agent_id="work"),
    "session": lambda one: replace(one, session_key="agent:main:other"),
    "directory": lambda one: replace(one, files=replace(one.files, cwd=("/srv", 1, 8))),
    "program": lambda one: replace(one, files=replace(one.files, programs=(replace(_STAMP, changed_ns=6),))),
    "script": lambda one: replace(one, files=replace(one.files, scripts=(_STAMP,))),
}
"""Everything in which what is about to run can differ from what was shown."""
_DECISIONS: Final[tuple[ApprovalDecision, ...]] = ("allow-once", "allow-always", "deny")
_VIEW: Final = ApprovalView(
    command="cp a b",
    cwd="/srv",
    host="gateway",
    agent_id="main",
    session_key="agent:main:main",
    security="allowlist",
    ask="on-miss",
    why="allowlist-miss",
    segments=(),
    env_names=("LANG",),
    allow_always=True,
)


class _Clock(SystemClock):
    """A clock that stands still until it is moved; deadlines never come by themselves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000_000

    def now_ms(self) -> int:
        """Return the time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Wait for ever."""
        del seconds
        await asyncio.Event().wait()


class _NoLedger:
    """A ledger that keeps nothing."""

    healthy = True

    def record(self, entry: LedgerEntry) -> None:
        """Take an entry."""


def check(subject: Open) -> Iterator[Finding]:
    """Decide a request in every way, then try to use the answer for everything that differs, in time and late."""
    # The loop is run anew for each batch, so that a caller may stop after the first counterexample.
    for decision in _DECISIONS:
        for later in (0, _GRANT_MS, _GRANT_MS + 1):
            yield from asyncio.run(_batch(subject, decision, later))
    yield from asyncio.run(_elsewhere(subject))


async def _batch(subject: Open, decision: ApprovalDecision, later: int) -> list[Finding]:
    found: list[Finding] = []
    clock = _Clock()
    approvals = subject(clock, _NoLedger())
    names = tuple(_CHANGES)
    for size in range(len(names) + 1):
        for changed in combinations(names, size):
            pending = approvals.request(_VIEW, coverage=_SHOWN)
            approvals.resolve(pending.id, decision, resolved_by="owner")
            clock.now += later
            about = _SHOWN
            for name in changed:
                about = _CHANGES[name](about)
            right = decision != "deny" and not changed and later <= _GRANT_MS
            words = partial(_words, decision, later, changed)
            found.append(expect(words, right, _used(approvals, pending.id, about)))
            found.append(expect(partial(_again_words, words), False, _used(approvals, pending.id, _SHOWN)))
    await approvals.close()
    return found


async def _elsewhere(subject: Open) -> list[Finding]:
    """Try the allowance of one request for another one, before a decision, and after a stop of the gateway."""
    found: list[Finding] = []
    answers: tuple[ApprovalDecision | None, ...] = ("allow-once", "deny", None)
    for first, second in product(answers, answers):
        approvals = subject(_Clock(), _NoLedger())
        one, two = (approvals.request(_VIEW, coverage=_SHOWN) for _ in range(2))
        for pending, decision in ((one, first), (two, second)):
            if decision is not None:
                approvals.resolve(pending.id, decision, resolved_by="owner")
        for name, pending, decision in (("first", one, first), ("second", two, second)):
            words = partial(str.format, "{} of two requests, decided {} and {}", name, first, second)
            found.append(expect(words, decision == "allow-once", _used(approvals, pending.id, _SHOWN)))
        found.append(expect(lambda: "an id that nobody asked for", False, _used(approvals, "made-up", _SHOWN)))
        await approvals.close()
        found.append(expect(lambda: "after the gateway stopped", False, _used(approvals, one.id, _SHOWN)))
    return found


def _used(approvals: Approvals, approval: str, coverage: Coverage) -> bool:
    try:
        approvals.redeem(approval, coverage)
    except Refused:
        return False
    return True


def _words(decision: str, later: int, changed: tuple[str, ...]) -> str:
    what = f"{', '.join(changed)} differ" if changed else "nothing differs"
    return f"decided {decision}, used {later} ms later, {what}"


def _again_words(words: Callable[[], Any]) -> str:
    return f"{words()}; and once more"
