"""Faults of what scopes imply, and of how devices get them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Final

from openclaw.policy.where.scopes import Scope, authorize, closure, lacking
from openclaw.policy.who import device_pairing, device_tokens
from openclaw.policy.who.device_pairing import approve_device, may_be_silent
from openclaw.policy.who.device_records import DeviceVerdict
from openclaw.policy.who.device_tokens import judge_device_token, rotate_token, token_for
from openclaw.security.verify.checks.scope_subset import SHIPPED, ScopeRules
from openclaw.security.verify.graft import graft
from openclaw.security.verify.model import Twin

_approver_refusal = device_pairing._approver_refusal  # noqa: SLF001 - a twin replaces what the shipped function calls
_silent_within = device_pairing._silent_within  # noqa: SLF001 - as above
_manager_refusal = device_tokens._manager_refusal  # noqa: SLF001 - as above


def _implying(implied: Callable[[Iterable[str]], frozenset[Scope]]) -> ScopeRules:
    """Return the functions with other implications of scopes below all of them."""
    short = graft(lacking, closure=implied)
    refusal = graft(_approver_refusal, lacking=short, _silent_within=_silent_within)
    return ScopeRules(
        closure=implied,
        authorize=graft(authorize, closure=implied),
        may_be_silent=may_be_silent,
        approve_device=graft(approve_device, _approver_refusal=refusal),
        token_for=graft(token_for, lacking=short),
        rotate_token=graft(rotate_token, lacking=short),
        judge_device_token=graft(judge_device_token, lacking=short),
    )


def _write_is_admin(scopes: Iterable[str]) -> frozenset[Scope]:
    found = closure(scopes)
    return frozenset(Scope) if Scope.WRITE in found else found


def _read_is_write(scopes: Iterable[str]) -> frozenset[Scope]:
    found = closure(scopes)
    return found | {Scope.WRITE} if Scope.READ in found else found


def _admin_is_not_all(scopes: Iterable[str]) -> frozenset[Scope]:
    return frozenset(scope for scope in Scope if scope in set(scopes))


def _gives_what_it_lacks(*_: Any) -> None:
    return None


def _grants_what_it_has_not(*asked: Any, **named: Any) -> DeviceVerdict:
    return graft(approve_device, _approver_refusal=_gives_what_it_lacks)(*asked, **named)


def _any_manager(*asked: Any, **named: Any) -> DeviceVerdict:
    return graft(rotate_token, _manager_refusal=_gives_what_it_lacks)(*asked, **named)


def _raised_silently(*asked: Any, **named: Any) -> Any:
    known, ask = asked
    without = None if known is None else replace(ask, scopes=known.scopes)
    return may_be_silent(known, without or ask, **named)


def _empty_is_unset(state: Any, device_id: str, *, scopes: tuple[str, ...], **named: Any) -> DeviceVerdict:
    return token_for(state, device_id, scopes=scopes or (Scope.ADMIN,), **named)


def _inner_for_free(name: str, role: str, scopes: Iterable[str], inner: Iterable[str] = ()) -> Any:
    del inner
    return authorize(name, role, scopes)


def _token_opens_all(device: Any, ask: Any, *, matches: bool) -> Any:
    return judge_device_token(device, replace(ask, scopes=()), matches=matches)


TWINS: Final = (
    Twin("write includes admin", _implying(_write_is_admin)),
    Twin("read includes write", _implying(_read_is_write)),
    Twin(
        "who may write may approve an admin",
        replace(SHIPPED, approve_device=_implying(_write_is_admin).approve_device),
    ),
    Twin("admin does not include the others", _implying(_admin_is_not_all)),
    Twin("an approver grants what it does not hold", replace(SHIPPED, approve_device=_grants_what_it_has_not)),
    Twin("scopes are raised silently", replace(SHIPPED, may_be_silent=_raised_silently)),
    Twin("anybody may rotate any token", replace(SHIPPED, rotate_token=_any_manager)),
    Twin("no scopes asked for means admin", replace(SHIPPED, token_for=_empty_is_unset)),
    Twin("what an operation carries is not looked at", replace(SHIPPED, authorize=_inner_for_free)),
    Twin("a token opens more than it covers", replace(SHIPPED, judge_device_token=_token_opens_all)),
)
