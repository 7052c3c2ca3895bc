"""Revocation: what was taken away stays away until somebody who may gives it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.where.scopes import Role, Scope
from openclaw.policy.who.device_pairing import approve_device, may_be_silent, pairing_need, request_pairing
from openclaw.policy.who.device_records import Ask, Caller, DeviceFacts, Devices, DeviceVerdict
from openclaw.policy.who.device_tokens import judge_device_token, remove_device, revoke_token, rotate_token, token_for
from openclaw.policy.who.origin import Origin
from openclaw.security.verify.model import Finding, hold


@dataclass(frozen=True, slots=True)
class DeviceRules:
    """Everything that changes a device's record, and what opens a connection."""

    request_pairing: Callable[..., DeviceVerdict]
    may_be_silent: Callable[..., Verdict[Outcome]]
    approve_device: Callable[..., DeviceVerdict]
    token_for: Callable[..., DeviceVerdict]
    rotate_token: Callable[..., DeviceVerdict]
    revoke_token: Callable[..., DeviceVerdict]
    remove_device: Callable[..., DeviceVerdict]
    pairing_need: Callable[..., Any]
    judge_device_token: Callable[..., Verdict[Outcome]]


SHIPPED: Final = DeviceRules(
    request_pairing,
    may_be_silent,
    approve_device,
    token_for,
    rotate_token,
    revoke_token,
    remove_device,
    pairing_need,
    judge_device_token,
)

_ID: Final = "device"
_FACTS: Final = DeviceFacts(_ID, "key")
_ADMIN: Final = Caller((Scope.ADMIN,), "other")
_SELF: Final = Caller((Scope.READ,), _ID)
_STRANGER: Final = Caller((Scope.PAIRING,), "third")
_DEPTH: Final = 5


@dataclass(frozen=True, slots=True)
class World:
    """The records, and what the world knows of token texts.

    Attributes:
        state: the records.
        dead: texts that were rotated away, revoked or removed; none may open anything again.
        barred: the operator role was taken away and nobody who may has given it again.
        now: the time.
        trail: what happened.
    """

    state: Devices
    dead: frozenset[str] = frozenset()
    barred: bool = False
    now: int = 1
    trail: tuple[str, ...] = ()


_Step = Callable[[DeviceRules, World], World]


def check(subject: DeviceRules) -> Iterator[Finding]:
    """Walk every sequence of up to five events, and try every token text that ever was after each of them."""
    yield from _walk(subject, World(Devices()), _DEPTH)


def _walk(subject: DeviceRules, world: World, depth: int) -> Iterator[Finding]:
    for name, step in _STEPS.items():
        after = replace(step(subject, world), now=world.now + 1, trail=(*world.trail, name))
        if after.state == world.state and after.dead == world.dead:
            continue
        yield from _sound(subject, after)
        if depth > 1:
            yield from _walk(subject, after, depth - 1)


def _sound(subject: DeviceRules, world: World) -> Iterator[Finding]:
    device = world.state.paired.get(_ID)
    words = partial("; ".join, world.trail)
    ask = Ask(_FACTS, Role.OPERATOR, (Scope.READ,))
    entry = None if device is None else device.tokens.get(Role.OPERATOR)
    alive = None if entry is None else entry.token
    for text in sorted(world.dead):
        opened = subject.judge_device_token(device, ask, matches=text == alive)
        closed = opened.outcome is not Outcome.ALLOW
        yield hold(words, expected=f"the token {text} opens nothing", holds=closed, got="it opens")
    if world.barred:
        opened = subject.judge_device_token(device, ask, matches=True)
        yield hold(words, expected="no token opens", holds=opened.outcome is not Outcome.ALLOW, got="one opens")
        needed = subject.pairing_need(device, ask)
        yield hold(words, expected="an approval is needed", holds=needed is not None, got="none is needed")


# What can happen


def _asks(subject: DeviceRules, world: World, *, silent: bool) -> World:
    ask = Ask(_FACTS, Role.OPERATOR, (Scope.READ,))
    answer = subject.request_pairing(world.state, ask, silent=silent, request_id="request", now_ms=world.now)
    return replace(world, state=answer.state)


def _silently(subject: DeviceRules, world: World) -> World:
    """The device asks from this machine with the shared secret, as the gateway does it: judged, recorded, approved."""
    ask = Ask(_FACTS, Role.OPERATOR, (Scope.READ,))
    judged = subject.may_be_silent(
        world.state.paired.get(_ID),
        ask,
        local=True,
        shared_ok=True,
        origin=Origin.ABSENT,
        auto_approve_local=True,
    )
    if judged.outcome is not Outcome.ALLOW:
        return world
    return _approved(subject, _asks(subject, world, silent=True), None)


def _approved(subject: DeviceRules, world: World, by: Caller | None) -> World:
    answer = subject.approve_device(world.state, "request", by=by, fresh_token=f"text-{world.now}", now_ms=world.now)
    if answer.outcome is not Outcome.ALLOW:
        return world
    # A device that was removed is a new one: who holds the shared secret may pair it on this machine.
    back = by is not None or _ID not in world.state.paired
    return _changed(world, answer, barred=world.barred and not back)


def _connects(subject: DeviceRules, world: World) -> World:
    answer = subject.token_for(
        world.state, _ID, role=Role.OPERATOR, scopes=(Scope.READ,), fresh_token=f"text-{world.now}", now_ms=world.now
    )
    return _changed(world, answer, barred=world.barred)


def _rotated(subject: DeviceRules, world: World, by: Caller) -> World:
    answer = subject.rotate_token(
        world.state, _ID, Role.OPERATOR, None, by=by, fresh_token=f"text-{world.now}", now_ms=world.now
    )
    return _changed(world, answer, barred=world.barred)


def _revoked(subject: DeviceRules, world: World, by: Caller) -> World:
    answer = subject.revoke_token(world.state, _ID, Role.OPERATOR, by=by, now_ms=world.now)
    mine = answer.outcome is Outcome.ALLOW and (_ID, Role.OPERATOR) in answer.cut
    gone = _text(world.state) if answer.outcome is Outcome.ALLOW else frozenset()
    after = replace(world, state=answer.state, dead=world.dead | gone)
    return replace(after, barred=True) if mine or gone else after


def _removed(subject: DeviceRules, world: World, by: Caller) -> World:
    answer = subject.remove_device(world.state, _ID, by=by)
    gone = _text(world.state) if answer.outcome is Outcome.ALLOW else frozenset()
    return replace(world, state=answer.state, dead=world.dead | gone, barred=world.barred or bool(gone))


def _changed(world: World, answer: DeviceVerdict, *, barred: bool) -> World:
    """Take over new records; a text that is no longer the device's own is dead."""
    after = replace(world, state=answer.state, barred=barred)
    return replace(after, dead=world.dead | (_text(world.state) - _text(answer.state)))


def _text(state: Devices) -> frozenset[str]:
    device = state.paired.get(_ID)
    entry = None if device is None else device.tokens.get(Role.OPERATOR)
    return frozenset() if entry is None else frozenset({entry.token})


_STEPS: Final[dict[str, _Step]] = {
    "the device asks": lambda subject, world: _asks(subject, world, silent=False),
    "the device asks on this machine": _silently,
    "an admin approves": lambda subject, world: _approved(subject, world, _ADMIN),
    "the device connects": _connects,
    "an admin rotates its token": lambda subject, world: _rotated(subject, world, _ADMIN),
    "the device rotates its token": lambda subject, world: _rotated(subject, world, _SELF),
    "an admin revokes it": lambda subject, world: _revoked(subject, world, _ADMIN),
    "the device revokes itself": lambda subject, world: _revoked(subject, world, _SELF),
    "an admin removes it": lambda subject, world: _removed(subject, world, _ADMIN),
    "another device rotates its token": lambda subject, world: _rotated(subject, world, _STRANGER),
}
