"""Faults of revoking, rotating and removing."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.where.scopes import Scope
from openclaw.policy.who.device_pairing import Need, approve_device, pairing_need
from openclaw.policy.who.device_records import Ask, Caller, Devices, DeviceVerdict, PairedDevice
from openclaw.policy.who.device_tokens import judge_device_token, revoke_token, rotate_token, token_for
from openclaw.security.verify.checks.revocation import SHIPPED
from openclaw.security.verify.model import Twin


def _revived(device: PairedDevice | None) -> PairedDevice | None:
    """Return a device as if none of its tokens had been revoked."""
    if device is None:
        return None
    live = {role: replace(entry, revoked_at_ms=None) for role, entry in device.tokens.items()}
    return replace(device, tokens=MappingProxyType(live))


def _forgets_the_token(state: Devices, device_id: str, role: str, **named: Any) -> DeviceVerdict:
    return replace(revoke_token(state, device_id, role, **named), state=state)


def _revoked_opens(device: PairedDevice | None, ask: Ask, *, matches: bool) -> Verdict[Outcome]:
    return judge_device_token(_revived(device), ask, matches=matches)


def _issued_anew(state: Devices, device_id: str, **named: Any) -> DeviceVerdict:
    found = _revived(state.paired.get(device_id))
    paired = state.paired if found is None else MappingProxyType({**state.paired, device_id: found})
    return token_for(replace(state, paired=paired), device_id, **named)


def _rotation_revives(state: Devices, device_id: str, role: str, scopes: Any, **named: Any) -> DeviceVerdict:
    found = _revived(state.paired.get(device_id))
    paired = state.paired if found is None else MappingProxyType({**state.paired, device_id: found})
    return rotate_token(replace(state, paired=paired), device_id, role, scopes, **named)


def _needs_nothing(device: PairedDevice | None, ask: Ask) -> Need | None:
    return pairing_need(_revived(device), ask)


def _silent_revival(state: Devices, request_id: str, *, by: Caller | None, **named: Any) -> DeviceVerdict:
    return approve_device(state, request_id, by=by or Caller((Scope.ADMIN,)), **named)


def _anything_silent(*_asked: Any, **_named: Any) -> Verdict[Outcome]:
    return Verdict(Outcome.ALLOW, (Reason("silent.local"),))


def _old_text_stays(device: PairedDevice | None, ask: Ask, *, matches: bool) -> Verdict[Outcome]:
    del matches
    return judge_device_token(device, ask, matches=True)


TWINS: Final = (
    Twin("revoking forgets the token", replace(SHIPPED, revoke_token=_forgets_the_token)),
    Twin("a revoked token opens", replace(SHIPPED, judge_device_token=_revoked_opens)),
    Twin("connecting makes a new token for a revoked role", replace(SHIPPED, token_for=_issued_anew)),
    Twin("rotating brings a revoked role back", replace(SHIPPED, rotate_token=_rotation_revives)),
    Twin(
        "a revoked role comes back silently",
        replace(SHIPPED, may_be_silent=_anything_silent, approve_device=_silent_revival),
    ),
    Twin("a revoked role needs no approval", replace(SHIPPED, pairing_need=_needs_nothing)),
    Twin("a text that was rotated away still opens", replace(SHIPPED, judge_device_token=_old_text_stays)),
)
