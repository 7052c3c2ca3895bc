"""Pairing under concurrency: two processes at one store get what they would get one after the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import permutations, product
from pathlib import Path
from typing import Final

from openclaw.policy.who.dm_pairing import ApprovalVerdict, PairingRequest, UpsertVerdict, add_allowed, approve, upsert
from openclaw.security.verify.model import Finding, expect, hold
from openclaw.state.layout import StateLayout
from openclaw.state.locks import flock
from openclaw.state.pairing import PairingStore
from openclaw.system.clock import Clock, SystemClock
from openclaw.system.errors import Conflict


@dataclass(frozen=True, slots=True)
class PairingRaces:
    """The store on its files, and the two changes that it decides by."""

    store: Callable[[StateLayout, Clock, Callable[[], str]], PairingStore]
    upsert: Callable[..., UpsertVerdict]
    approve: Callable[..., ApprovalVerdict]


SHIPPED: Final = PairingRaces(lambda layout, clock, draw: PairingStore(layout, clock, draw=draw), upsert, approve)

_NOW: Final = 1_700_000_000_000
_CHANNEL: Final = "telegram"
_AT_ONCE: Final = 3


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a process does to the store: somebody asks on an account, or a code is entered."""

    sender: str = ""
    account: str = "default"
    code: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"code {self.code} is entered" if self.code else f"{self.sender} asks on {self.account}"


_KNOWN: Final = ("9", "8", "7")
_CODES: Final = {"9": "KKKKKKKK", "8": "LLLLLLLL", "7": "MMMMMMMM"}
_STEPS: Final = (
    Step(sender="1"),
    Step(sender="2"),
    Step(sender="9"),
    Step(sender="1", account="second"),
    Step(code="KKKKKKKK"),
)


def check(subject: PairingRaces) -> Iterator[Finding]:
    """Let each two steps meet in the middle of each other on real files; then try every order of six steps."""
    with tempfile.TemporaryDirectory(prefix="openclaw-verify-") as folder:
        for number, (waiting, first, second) in enumerate(product((0, 2, 3), _STEPS, _STEPS)):
            place = Path(folder) / str(number)
            yield _meet(subject, place, _KNOWN[:waiting], first, second)
    yield from _orders(subject)


# Two processes on real files


class _Interrupting(SystemClock):
    """A clock that lets another process try its step in the middle of ours: the store asks the time there."""

    def __init__(self, lock: Path) -> None:
        self.lock = lock
        self.other: Callable[[], None] | None = None

    def now_ms(self) -> int:
        """Return the time, after the other process had its chance."""
        other = self.other
        if other is not None and _is_free(self.lock):
            self.other = None
            other()
        return _NOW


def _is_free(lock: Path) -> bool:
    try:
        with flock(lock, wait=0):
            return True
    except Conflict:
        return False


def _meet(subject: PairingRaces, place: Path, known: Sequence[str], first: Step, second: Step) -> Finding:
    layout = StateLayout.at(place)
    clock = _Interrupting(layout.credentials / f"{_CHANNEL}-pairing.json.flock")
    prepared = subject.store(layout, clock, iter(_CODES.values()).__next__)
    for sender in known:
        prepared.request(_CHANNEL, "default", sender)
    one = subject.store(layout, clock, iter(("AAAAAAAA", "CCCCCCCC")).__next__)
    two = subject.store(layout, clock, iter(("AAAAAAAA", "DDDDDDDD")).__next__)
    for store in (one, two):
        store.view(_CHANNEL, "default")
    answers: dict[Step, str] = {}
    answers_of_two: list[str] = []

    def meanwhile() -> None:
        answers_of_two.append(_do(two, second))

    clock.other = meanwhile
    answers[first] = _do(one, first)
    late = clock.other
    clock.other = None
    if late is not None:
        late()
    got = (answers[first], answers_of_two[0], _held(subject.store(layout, clock, str)))
    wanted = [_alone(known, first, second, swapped=swapped) for swapped in (False, True)]
    words = partial(_words, known, first, second)
    return hold(words, expected=f"what one after the other gives: {wanted}", holds=got in wanted, got=got)


_Held = tuple[tuple[tuple[str, str], ...], tuple[str, ...]]


def _do(store: PairingStore, step: Step) -> str:
    if step.code:
        return "unknown" if store.approve(_CHANNEL, step.code) is None else "approved"
    return str(store.request(_CHANNEL, step.account, step.sender).outcome)


def _held(store: PairingStore) -> _Held:
    waiting = tuple(sorted((request.account, request.id) for request in store.pending(_CHANNEL)))
    codes = [request.code for request in store.pending(_CHANNEL)]
    doubled = ("a code twice",) if len(set(codes)) < len(codes) else ()
    return waiting, (*sorted(store.allowed(_CHANNEL)), *doubled)


@dataclass
class _Sequential:
    """The store as it should be: one step after the other, by the shipped rules."""

    requests: tuple[PairingRequest, ...] = ()
    allowed: tuple[str, ...] = ()
    rules: PairingRaces = field(default=SHIPPED)

    def do(
        self, step: Step, codes: Sequence[str] = ("EEEEEEEE", "FFFFFFFF", "GGGGGGGG", "HHHHHHHH", "JJJJJJJJ")
    ) -> str:
        if step.code:
            approved = self.rules.approve(self.requests, code=step.code, now_ms=_NOW)
            self.requests = approved.requests
            if approved.request is not None:
                self.allowed = add_allowed(_CHANNEL, self.allowed, approved.request.id)
            return "unknown" if approved.request is None else "approved"
        asked = self.rules.upsert(
            self.requests,
            channel=_CHANNEL,
            account=step.account,
            sender=step.sender,
            meta=(),
            candidates=codes,
            now_ms=_NOW,
        )
        self.requests = asked.requests
        return str(asked.outcome)


def _alone(known: Sequence[str], first: Step, second: Step, *, swapped: bool) -> tuple[str, str, _Held]:
    state = _Sequential()
    for sender in known:
        state.do(Step(sender=sender), (_CODES[sender],))
    answers = {}
    for place, step in ((1, second), (0, first)) if swapped else ((0, first), (1, second)):
        answers[place] = state.do(step)
    waiting = tuple(sorted((request.account, request.id) for request in state.requests))
    return answers[0], answers[1], (waiting, tuple(sorted(state.allowed)))


# Every order


def _orders(subject: PairingRaces) -> Iterator[Finding]:
    steps = (
        Step(sender="1"),
        Step(sender="2"),
        Step(sender="1"),
        Step(sender="3"),
        Step(sender="4"),
        Step(code="EEEEEEEE"),
    )
    for order in permutations(steps):
        state = _Sequential(rules=subject)
        for number, step in enumerate(order, start=1):
            state.do(step)
            mine = [request.id for request in state.requests]
            words = partial(_order_words, order[:number])
            yield hold(words, expected="at most three wait", holds=len(mine) <= _AT_ONCE, got=mine)
            yield expect(words, len(set(mine)), len(mine))
            yield expect(words, len(state.requests), len({request.code for request in state.requests}))
            both = sorted(set(mine) & set(state.allowed)) if step.code else []
            yield expect(words, [], both)


def _words(known: Sequence[str], first: Step, second: Step) -> str:
    return f"{len(known)} wait; while {first}, another process wants: {second}"


def _order_words(order: Sequence[Step]) -> str:
    return "; ".join(map(str, order))
