"""Device pairing: who needs an approval, who may give it, and what tokens may be made (gateway.md 2.4-2.6, 3.11).

Advisories B1-B5, B9, B10, B13, B14. Pure: records, a caller, a time and a fresh token text in, new records out. Nothing
made here is wider than what an approval granted, and nothing that was revoked comes back but by a new approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.where.node_commands import runs_programs
from openclaw.policy.where.scopes import Role, Scope, known_scopes, lacking
from openclaw.policy.who.device_records import (
    MAX_PENDING_DEVICES,
    PENDING_TTL_MS,
    STORE,
    Ask,
    Caller,
    Devices,
    DeviceVerdict,
    PairedDevice,
    PendingDevice,
    TokenEntry,
    lacks_scope,
    merged_texts,
    refuse,
    unknown,
)
from openclaw.policy.who.origin import Origin

_AUTO: Final = "gateway.nodes.pairing.autoApproveLocal"


class Need(StrEnum):
    """Why a device needs an approval."""

    NOT_PAIRED = "not-paired"
    ROLE_UPGRADE = "role-upgrade"
    SCOPE_UPGRADE = "scope-upgrade"
    COMMANDS_UPGRADE = "commands-upgrade"


def ask_of(ask: Ask) -> Ask:
    """Return what may be asked for at all: known scopes for operators, none for nodes; commands for nodes only."""
    if ask.role == Role.OPERATOR:
        return replace(ask, scopes=known_scopes(ask.scopes), commands=())
    return replace(ask, scopes=())


def pairing_need(device: PairedDevice | None, ask: Ask) -> Need | None:
    """Return why a device needs an approval before it may connect like this; None when it does not (2.4 step 8).

    A role whose token was revoked is no role of the device any more.
    """
    if device is None or device.facts.public_key != ask.facts.public_key:
        return Need.NOT_PAIRED
    if ask.role not in device.roles or device.revoked(ask.role):
        return Need.ROLE_UPGRADE
    if lacking(device.scopes, ask.scopes):
        return Need.SCOPE_UPGRADE
    return None


def commands_need(device: PairedDevice, ask: Ask) -> Need | None:
    """Return whether a node that may connect declares commands that nobody approved (3.10)."""
    return Need.COMMANDS_UPGRADE if set(ask.commands) - set(device.commands or ()) else None


def may_be_silent(
    device: PairedDevice | None,
    ask: Ask,
    *,
    local: bool,
    shared_ok: bool,
    origin: Origin,
    auto_approve_local: bool,
) -> Verdict[Outcome]:
    """Decide whether a request is approved without asking anybody (2.4 step 8, advisories A17, B3, B10).

    Only for a local client that proved the shared secret and is no foreign page, and only for an unknown device or a
    role that the device never had; scopes are never raised silently, nor are commands that reach the system.
    """
    if not auto_approve_local:
        return refuse("silent.off", _AUTO, "local devices are not approved by themselves")
    if not local:
        return refuse("silent.remote", None, "the client is not on this machine")
    if not shared_ok:
        return refuse("silent.no-secret", None, "the client did not prove the shared secret")
    if origin not in (Origin.ABSENT, Origin.OWN):
        return refuse("silent.foreign-origin", None, "a page from elsewhere opened the connection")
    return _silent_within(device, ask)


def _silent_within(device: PairedDevice | None, ask: Ask) -> Verdict[Outcome]:
    """Decide what a silent approval may add to a record: a device or a role that never was, nothing else of weight.

    Asked at the decision and again under the store's lock, where the record may be another one.
    """
    need = pairing_need(device, ask)
    if device is None or need is None:
        new = set(ask.commands) - set(() if device is None else device.commands or ())
        if device is not None and any(name.startswith("system.") for name in new):
            return refuse("silent.system-commands", None, "commands of the system are never granted silently")
        return Verdict(Outcome.ALLOW, (Reason("silent.local", _AUTO),))
    if need is Need.NOT_PAIRED:
        return refuse("silent.other-key", STORE, "the device is known under another key")
    if need is Need.SCOPE_UPGRADE:
        return refuse("silent.scope-upgrade", None, "more scopes are never granted silently")
    if ask.role in device.roles:
        return refuse("silent.revoked", STORE, "the role of the device was revoked")
    return Verdict(Outcome.ALLOW, (Reason("silent.local", _AUTO),))


def live_pending(pending: Mapping[str, PendingDevice], now_ms: int) -> Mapping[str, PendingDevice]:
    """Return the requests that are not older than five minutes."""
    kept = {key: item for key, item in pending.items() if -PENDING_TTL_MS <= now_ms - item.ts <= PENDING_TTL_MS}
    return MappingProxyType(kept)


def request_pairing(state: Devices, ask: Ask, *, silent: bool, request_id: str, now_ms: int) -> DeviceVerdict:
    """Record that a device waits for approval; one request per device.

    A request that waits already is kept only when it asks for the very same; otherwise it makes way for the new one, so
    that nobody approves an old locality, key or scope list (2.4). The list is bounded, except for a silent request,
    which does not wait.
    """
    ask = ask_of(ask)
    pending = dict(live_pending(state.pending, now_ms))
    known = state.paired.get(ask.facts.device_id)
    for key, item in list(pending.items()):
        if item.ask.facts.device_id != ask.facts.device_id:
            continue
        if _same_request(item, ask, silent=silent):
            kept = replace(state, pending=MappingProxyType(pending))
            return DeviceVerdict(Outcome.ALLOW, (Reason("device.waits"),), state=kept, request=item)
        del pending[key]
    if len(pending) >= MAX_PENDING_DEVICES and not silent:
        reason = Reason("device.pending-full", detail=f"{MAX_PENDING_DEVICES} devices wait already")
        return DeviceVerdict(Outcome.DENY, (reason,), state=state, message="too many devices wait for approval")
    made = PendingDevice(request_id, ask, now_ms, silent=silent, is_repair=known is not None)
    pending[request_id] = made
    after = replace(state, pending=MappingProxyType(pending))
    return DeviceVerdict(Outcome.ALLOW, (Reason("device.requested"),), state=after, request=made, created=True)


def _same_request(item: PendingDevice, ask: Ask, *, silent: bool) -> bool:
    waiting = item.ask
    return (
        waiting.role == ask.role
        and set(waiting.scopes) == set(ask.scopes)
        and set(waiting.commands) == set(ask.commands)
        and waiting.facts.public_key == ask.facts.public_key
        and waiting.facts.platform == ask.facts.platform
        and waiting.facts.device_family == ask.facts.device_family
        and item.silent == silent
    )


def approve_device(
    state: Devices, request_id: str, *, by: Caller | None, fresh_token: str, now_ms: int
) -> DeviceVerdict:
    """Admit a waiting device with a new token for the role it asked for.

    Args:
        state: the records.
        request_id: the request.
        by: the approver, who can grant no more than it holds (advisory B5); None for a silent approval, which a request
            must have been made for, and which is judged again on the record as it is now.
        fresh_token: text of the new token.
        now_ms: the time.
    """
    pending = dict(live_pending(state.pending, now_ms))
    request = pending.pop(request_id, None)
    if request is None:
        return unknown(state, "unknown requestId")
    refusal = _approver_refusal(state, request, by)
    if refusal is not None:
        return refusal
    known = state.paired.get(request.ask.facts.device_id)
    if known is not None and known.facts.public_key != request.ask.facts.public_key:
        known = None
    device = _merged(known, request, fresh_token, now_ms)
    paired = {**state.paired, device.facts.device_id: device}
    after = Devices(MappingProxyType(pending), MappingProxyType(paired))
    rule = "device.approved-silently" if by is None else "device.approved"
    token = device.tokens[request.ask.role]
    return DeviceVerdict(
        Outcome.ALLOW, (Reason(rule, STORE),), state=after, request=request, device=device, token=token
    )


def _approver_refusal(state: Devices, request: PendingDevice, by: Caller | None) -> DeviceVerdict | None:
    if by is None:
        within = _silent_within(state.paired.get(request.ask.facts.device_id), request.ask)
        if request.silent and within.outcome is Outcome.ALLOW:
            return None
        waits = Reason("device.not-silent", detail="this request waits for an operator")
        reasons = within.reasons if request.silent else (waits,)
        return DeviceVerdict(Outcome.DENY, reasons, state=state, message="pairing required")
    if runs_programs(request.ask.commands) and not by.is_admin:
        return lacks_scope(state, Scope.ADMIN, "a node that runs programs is approved by an admin")
    beyond = lacking(by.scopes, request.ask.scopes)
    if beyond:
        return lacks_scope(state, known_scopes(beyond)[0], "an approver cannot grant more than it holds")
    return None


def _merged(known: PairedDevice | None, request: PendingDevice, fresh_token: str, now_ms: int) -> PairedDevice:
    """Return the device with the approved role and scopes added; what a revocation took away stays away."""
    ask = request.ask
    revoked = known is not None and known.revoked(ask.role)
    old_scopes = () if known is None or (revoked and ask.role == Role.OPERATOR) else known.scopes
    scopes = merged_texts(old_scopes, ask.scopes)
    before = None if known is None else known.tokens.get(ask.role)
    entry = _approved_token(before, ask, scopes, fresh_token, now_ms)
    commands = None if known is None else known.commands
    return PairedDevice(
        facts=ask.facts,
        roles=merged_texts(() if known is None else known.roles, (ask.role,)),
        scopes=scopes,
        commands=ask.commands if ask.role == Role.NODE else commands,
        tokens=MappingProxyType({**({} if known is None else known.tokens), ask.role: entry}),
        created_at_ms=now_ms if known is None else known.created_at_ms,
        approved_at_ms=now_ms,
        extra=MappingProxyType({}) if known is None else known.extra,
    )


def _approved_token(
    before: TokenEntry | None, ask: Ask, approved: tuple[str, ...], fresh_token: str, now_ms: int
) -> TokenEntry:
    """Return the token that an approval gives: a new one, unless the live one covers it (new commands of a node)."""
    if before is None:
        return TokenEntry(ask.role, fresh_token, ask.scopes, now_ms)
    if before.is_live and not lacking(before.scopes, ask.scopes) and not lacking(approved, before.scopes):
        return before
    kept = before.scopes if before.is_live and not lacking(approved, before.scopes) else ()
    return replace(
        before,
        token=fresh_token,
        scopes=merged_texts(kept, ask.scopes),
        rotated_at_ms=now_ms,
        revoked_at_ms=None,
    )


def reject_device(state: Devices, request_id: str, *, now_ms: int) -> DeviceVerdict:
    """Drop a waiting request."""
    pending = dict(live_pending(state.pending, now_ms))
    request = pending.pop(request_id, None)
    if request is None:
        return unknown(state, "unknown requestId")
    after = replace(state, pending=MappingProxyType(pending))
    return DeviceVerdict(Outcome.ALLOW, (Reason("device.rejected"),), state=after, request=request)
