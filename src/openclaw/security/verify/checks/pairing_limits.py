"""Pairing of people: how long a code counts, how many may wait, and what asking again changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations_with_replacement, product
from typing import Final

from openclaw.policy.who.dm_pairing import (
    Approval,
    ApprovalVerdict,
    PairingRequest,
    Upsert,
    UpsertVerdict,
    approve,
    is_live,
    upsert,
)
from openclaw.security.verify.model import Finding, expect, hold


@dataclass(frozen=True, slots=True)
class PairingRules:
    """The functions: does a request count, what does asking do, what does a code do."""

    is_live: Callable[[PairingRequest, int], bool]
    upsert: Callable[..., UpsertVerdict]
    approve: Callable[..., ApprovalVerdict]


SHIPPED: Final = PairingRules(is_live, upsert, approve)

HOUR_MS: Final = 3_600_000
AT_ONCE: Final = 3
_NOW: Final = 10 * HOUR_MS
_AGES: Final = (0, 1, HOUR_MS - 1, HOUR_MS, HOUR_MS + 1, -HOUR_MS, -HOUR_MS - 1, None)
_KINDS: Final = tuple(product((0, HOUR_MS, HOUR_MS + 1, None), ("default", "second")))
_CODES: Final = tuple(f"AAAAAAA{letter}" for letter in "ABCDEFGH")


def check(subject: PairingRules) -> Iterator[Finding]:
    """Look at every age, then ask and approve over every list of up to four waiting requests."""
    for age in _AGES:
        counts = age is not None and -HOUR_MS <= age <= HOUR_MS
        yield expect(partial("a request of age {} ms".format, age), counts, subject.is_live(_request(0, age), _NOW))
    for length in range(5):
        for kinds in combinations_with_replacement(_KINDS, length):
            waiting = [_request(number, age, account) for number, (age, account) in enumerate(kinds)]
            for account in ("default", "second"):
                yield from _asks(subject, waiting, account)
            yield from _approves(subject, waiting)


def _request(number: int, age: int | None, account: str = "default") -> PairingRequest:
    created = None if age is None else _NOW - age
    return PairingRequest(f"person-{number}", _CODES[number], created, created or 0, account)


def _counts(request: PairingRequest) -> bool:
    return request.created_ms is not None and -HOUR_MS <= _NOW - request.created_ms <= HOUR_MS


def _asks(subject: PairingRules, waiting: Sequence[PairingRequest], account: str) -> Iterator[Finding]:
    alive = [request for request in waiting if _counts(request)]
    mine = [request for request in alive if request.account == account]
    for sender in ("newcomer", "person-0"):
        words = partial(_words, f"{sender} asks on {account}", waiting)
        answer = subject.upsert(
            waiting, channel="telegram", account=account, sender=sender, meta=(), candidates=_CODES, now_ms=_NOW
        )
        known = next((request for request in mine if request.id == sender), None)
        wanted = Upsert.REPEATED if known else Upsert.FULL if len(mine) >= AT_ONCE else Upsert.CREATED
        yield expect(words, wanted, answer.outcome)
        after = [request for request in answer.requests if request.account == account]
        yield hold(
            words,
            expected=f"at most {AT_ONCE} wait, and none that expired",
            holds=len(after) <= max(AT_ONCE, len(mine)) and all(map(_counts, answer.requests)),
            got=f"{len(after)} wait",
        )
        others = [request for request in answer.requests if request.account != account]
        yield expect(words, [request for request in alive if request.account != account], others)
        if known is not None and answer.request is not None:
            kept = (answer.request.code, answer.request.created_ms)
            yield expect(words, (known.code, known.created_ms), kept)
        codes = [request.code for request in answer.requests]
        yield hold(words, expected="every code is unique", holds=len(set(codes)) == len(codes), got=codes)


def _approves(subject: PairingRules, waiting: Sequence[PairingRequest]) -> Iterator[Finding]:
    for code, account in product((_CODES[0], f" {_CODES[0].lower()} ", "AAAAAAAZ", ""), (None, "default", "second")):
        words = partial(_words, f"code {code!r} is entered for account {account}", waiting)
        answer = subject.approve(waiting, code=code, now_ms=_NOW, account=account)
        meant = next(
            (
                request
                for request in waiting
                if request.code == code.strip().upper() and _counts(request) and account in (None, request.account)
            ),
            None,
        )
        yield expect(words, Approval.APPROVED if meant else Approval.UNKNOWN, answer.outcome)
        yield expect(words, meant, answer.request)
        left = [request for request in waiting if _counts(request) and request is not meant]
        yield expect(words, left, list(answer.requests))


def _words(what: str, waiting: Sequence[PairingRequest]) -> str:
    listed = [
        f"{request.id} on {request.account} for {None if request.created_ms is None else _NOW - request.created_ms} ms"
        for request in waiting
    ]
    return f"{what}; waiting: {', '.join(listed) or 'nobody'}"
