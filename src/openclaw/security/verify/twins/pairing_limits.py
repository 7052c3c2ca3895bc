"""Faults of the pairing rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from openclaw.policy.who.dm_pairing import (
    TTL_MS,
    ApprovalVerdict,
    PairingRequest,
    Upsert,
    UpsertVerdict,
    approve,
    live,
    upsert,
)
from openclaw.security.verify.checks.pairing_limits import SHIPPED, PairingRules
from openclaw.security.verify.graft import graft
from openclaw.security.verify.model import Twin


def _expires_with(is_live: Any) -> PairingRules:
    """Return the functions with another rule for what still counts."""
    counted = graft(live, is_live=is_live)
    return PairingRules(is_live, graft(upsert, live=counted), graft(approve, live=counted))


def _a_moment_early(request: PairingRequest, now_ms: int) -> bool:
    return request.created_ms is not None and -TTL_MS <= now_ms - request.created_ms < TTL_MS


def _undated_counts(request: PairingRequest, now_ms: int) -> bool:
    return request.created_ms is None or -TTL_MS <= now_ms - request.created_ms <= TTL_MS


def _future_counts(request: PairingRequest, now_ms: int) -> bool:
    return request.created_ms is not None and now_ms - request.created_ms <= TTL_MS


def _prolonged(requests: Iterable[PairingRequest], *, now_ms: int, **asked: Any) -> UpsertVerdict:
    answer = upsert(requests, now_ms=now_ms, **asked)
    if answer.outcome is not Upsert.REPEATED or answer.request is None:
        return answer
    seen = replace(answer.request, created_ms=now_ms)
    after = tuple(seen if request is answer.request else request for request in answer.requests)
    return replace(answer, requests=after, request=seen)


def _over_all_accounts(requests: Iterable[PairingRequest], *, account: str, **asked: Any) -> UpsertVerdict:
    as_one = [replace(request, account=account) for request in requests]
    return upsert(as_one, account=account, **asked)


def _expired_codes(
    requests: Iterable[PairingRequest], *, code: str, now_ms: int, account: str | None
) -> ApprovalVerdict:
    young = [replace(request, created_ms=now_ms) for request in requests]
    return approve(young, code=code, now_ms=now_ms, account=account)


def _any_account(requests: Iterable[PairingRequest], *, code: str, now_ms: int, account: str | None) -> ApprovalVerdict:
    del account
    return approve(requests, code=code, now_ms=now_ms)


TWINS: Final = (
    Twin("a code expires at one hour instead of after it", _expires_with(_a_moment_early)),
    Twin("a request without a date never expires", _expires_with(_undated_counts)),
    Twin("a request from the far future counts", _expires_with(_future_counts)),
    Twin("four may wait", replace(SHIPPED, upsert=graft(upsert, MAX_PENDING=4))),
    Twin("two may wait", replace(SHIPPED, upsert=graft(upsert, MAX_PENDING=2))),
    Twin("asking again prolongs the code", replace(SHIPPED, upsert=_prolonged)),
    Twin("all accounts share one list", replace(SHIPPED, upsert=_over_all_accounts)),
    Twin("an expired code still admits", replace(SHIPPED, approve=_expired_codes)),
    Twin("a code of another account admits", replace(SHIPPED, approve=_any_account)),
)
