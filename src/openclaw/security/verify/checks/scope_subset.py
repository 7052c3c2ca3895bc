"""Scopes: nothing is granted beyond what was approved, nor beyond what its giver holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations, product
from types import MappingProxyType
from typing import Final

from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.where.scopes import OPERATIONS, Role, Scope, ScopeVerdict, authorize, closure
from openclaw.policy.who.device_pairing import approve_device, may_be_silent
from openclaw.policy.who.device_records import (
    Ask,
    Caller,
    DeviceFacts,
    Devices,
    DeviceVerdict,
    PairedDevice,
    PendingDevice,
    TokenEntry,
)
from openclaw.policy.who.device_tokens import judge_device_token, rotate_token, token_for
from openclaw.policy.who.origin import Origin
from openclaw.security.verify.model import Finding, expect, hold


@dataclass(frozen=True, slots=True)
class ScopeRules:
    """The functions: what a scope implies, who may call what, and every way in which a device gets scopes."""

    closure: Callable[[Iterable[str]], frozenset[Scope]]
    authorize: Callable[..., ScopeVerdict]
    may_be_silent: Callable[..., Verdict[Outcome]]
    approve_device: Callable[..., DeviceVerdict]
    token_for: Callable[..., DeviceVerdict]
    rotate_token: Callable[..., DeviceVerdict]
    judge_device_token: Callable[..., Verdict[Outcome]]


SHIPPED: Final = ScopeRules(
    closure, authorize, may_be_silent, approve_device, token_for, rotate_token, judge_device_token
)

_TEXT: Final = "new"
_NOW: Final = 1_700_000_000_000
_FEW: Final = (Scope.READ, Scope.WRITE, Scope.ADMIN, Scope.PAIRING)
_SETS: Final = tuple(frozenset(found) for size in range(len(_FEW) + 1) for found in combinations(_FEW, size))
_FACTS: Final = DeviceFacts("device", "key")


def reach(scopes: Iterable[str]) -> frozenset[str]:
    """Return what scopes allow: write includes read, admin includes everything (gateway.md 2.6)."""
    held = set(scopes) & set(Scope)
    if Scope.ADMIN in held:
        return frozenset(Scope)
    return frozenset(held | ({Scope.READ} if Scope.WRITE in held else set()))


def check(subject: ScopeRules) -> Iterator[Finding]:
    """Go through every set of scopes: held, asked for, approved and wished for."""
    yield from _implications(subject)
    yield from _operations(subject)
    yield from _approvals(subject)
    yield from _rotations(subject)
    yield from _hellos(subject)


def _implications(subject: ScopeRules) -> Iterator[Finding]:
    for has in product((False, True), repeat=len(Scope)):
        held = [scope for scope, yes in zip(Scope, has, strict=True) if yes]
        yield expect(partial(_scope_words, held), reach(held), frozenset(subject.closure(held)))
    for text in ("", "*", "admin", "OPERATOR.ADMIN", "operator", "operator.admin ", "operator.*"):
        yield expect(partial(_scope_words, [text]), frozenset(), frozenset(subject.closure([text])))


def _operations(subject: ScopeRules) -> Iterator[Finding]:
    names = [*((row.name, row.scope, row.role) for row in OPERATIONS), ("made.up", Scope.ADMIN, Role.OPERATOR)]
    for (name, scope, role), held, asked in product(names, _SETS, (*Role, "root")):
        verdict = subject.authorize(name, asked, held)
        right = asked == role and (role is Role.NODE or scope in reach(held))
        words = partial(_call_words, name, asked, held)
        yield expect(words, Outcome.ALLOW if right else Outcome.DENY, verdict.outcome)
    for carried, held in product(
        (("chat.send", scope, name) for name, scope, role in names if role is Role.OPERATOR), _SETS
    ):
        outer, scope, inner = carried
        verdict = subject.authorize(outer, Role.OPERATOR, held, (inner,))
        right = {Scope.WRITE, scope} <= reach(held)
        words = partial(_call_words, f"{outer} with {inner}", Role.OPERATOR, held)
        yield expect(words, Outcome.ALLOW if right else Outcome.DENY, verdict.outcome)


def _approvals(subject: ScopeRules) -> Iterator[Finding]:
    for asked, before in product(_SETS, (None, *_SETS)):
        known = None if before is None else _device(before, before)
        for giver in (None, *_SETS):
            ask = Ask(_FACTS, Role.OPERATOR, tuple(sorted(asked)))
            state = Devices(
                MappingProxyType({"request": PendingDevice("request", ask, _NOW, silent=giver is None)}),
                MappingProxyType({} if known is None else {"device": known}),
            )
            by = None if giver is None else Caller(tuple(giver), "other")
            answer = subject.approve_device(state, "request", by=by, fresh_token=_TEXT, now_ms=_NOW)
            limit = reach(before or ()) if giver is None and before is not None else reach(giver or Scope)
            words = partial(_approval_words, asked, before, giver)
            allowed = answer.outcome is Outcome.ALLOW
            yield hold(words, expected="refused", holds=set(asked) <= limit or not allowed, got="approved")
            yield from _within(words, answer, reach({*asked, *(before or ())}))
        silent = subject.may_be_silent(
            known,
            Ask(_FACTS, Role.OPERATOR, tuple(asked)),
            local=True,
            shared_ok=True,
            origin=Origin.ABSENT,
            auto_approve_local=True,
        )
        words = partial(_approval_words, asked, before, None)
        raises = before is not None and not set(asked) <= reach(before)
        yield hold(words, expected="somebody is asked", holds=not raises or silent.outcome is not Outcome.ALLOW)


def _rotations(subject: ScopeRules) -> Iterator[Finding]:
    for approved, holder, wanted, own in product(_SETS, _SETS, (None, *_SETS), (True, False)):
        old = frozenset({Scope.READ}) & reach(approved)
        state = Devices(paired=MappingProxyType({"device": _device(approved, old)}))
        by = Caller(tuple(holder), "device" if own else "other")
        scopes = None if wanted is None else tuple(sorted(wanted))
        answer = subject.rotate_token(
            state,
            "device",
            Role.OPERATOR,
            scopes,
            by=by,
            fresh_token=_TEXT,
            now_ms=_NOW,
        )
        goal = old if wanted is None else wanted
        right = (own or Scope.ADMIN in holder) and set(goal) <= reach(holder) and set(goal) <= reach(approved)
        words = partial(_rotation_words, approved, holder, wanted, own)
        yield expect(words, Outcome.ALLOW if right else Outcome.DENY, answer.outcome)
        yield from _within(words, answer, reach(approved) & reach(holder))
        yield hold(words, expected="the text stays hidden", holds=own or not answer.reveal, got="it is shown")


def _hellos(subject: ScopeRules) -> Iterator[Finding]:
    for approved, held, asked in product(_SETS, _SETS, _SETS):
        if not held <= reach(approved):
            continue
        device = _device(approved, held)
        state = Devices(paired=MappingProxyType({"device": device}))
        words = partial(_hello_words, approved, held, asked)
        answer = subject.token_for(
            state,
            "device",
            role=Role.OPERATOR,
            scopes=tuple(asked),
            fresh_token=_TEXT,
            now_ms=_NOW,
        )
        right = set(asked) <= reach(approved)
        yield expect(words, Outcome.ALLOW if right else Outcome.DENY, answer.outcome)
        yield from _within(words, answer, reach(approved))
        ask = Ask(_FACTS, Role.OPERATOR, tuple(asked))
        opened = subject.judge_device_token(device, ask, matches=True)
        yield expect(words, Outcome.ALLOW if set(asked) <= reach(held) else Outcome.DENY, opened.outcome)


def _within(words: Callable[[], str], answer: DeviceVerdict, limit: frozenset[str]) -> Iterator[Finding]:
    if answer.outcome is Outcome.ALLOW and answer.device is not None:
        given = {scope for entry in answer.device.tokens.values() for scope in entry.scopes} | set(answer.device.scopes)
        made = set() if answer.token is None else set(answer.token.scopes)
        yield hold(words, expected=f"a token within {_listed(limit)}", holds=made <= limit, got=_listed(made))
        yield hold(words, expected="tokens within the approval", holds=given <= reach(answer.device.scopes), got=given)


def _device(scopes: Iterable[str], token: Iterable[str]) -> PairedDevice:
    entry = TokenEntry(Role.OPERATOR, "old", tuple(sorted(token)), 1)
    return PairedDevice(
        _FACTS, (Role.OPERATOR,), tuple(sorted(scopes)), tokens=MappingProxyType({Role.OPERATOR: entry})
    )


def _listed(scopes: Iterable[str]) -> str:
    return ", ".join(sorted(scopes)) or "nothing"


def _scope_words(held: Iterable[str]) -> str:
    return f"what {list(map(str, held))} include"


def _call_words(name: str, role: str, held: Iterable[str]) -> str:
    return f"{name} by {role} with {_listed(held)}"


def _approval_words(asked: Iterable[str], before: Iterable[str] | None, giver: Iterable[str] | None) -> str:
    known = "unknown" if before is None else f"approved for {_listed(before)}"
    by = "silently" if giver is None else f"by one who holds {_listed(giver)}"
    return f"a device, {known}, asks for {_listed(asked)} and is approved {by}"


def _rotation_words(approved: Iterable[str], holder: Iterable[str], wanted: Iterable[str] | None, own: bool) -> str:
    wish = "the same" if wanted is None else _listed(wanted)
    return (
        f"{'its own' if own else 'a foreign'} token is rotated to {wish} by one who holds {_listed(holder)}; "
        f"the device is approved for {_listed(approved)}"
    )


def _hello_words(approved: Iterable[str], held: Iterable[str], asked: Iterable[str]) -> str:
    return f"a device approved for {_listed(approved)}, with a token for {_listed(held)}, connects for {_listed(asked)}"
