"""Device tokens: what opens a connection, and who may make, change and take away tokens (gateway.md 2.4, 3.11).

Advisories B4, B10, B11, B14. A token is never wider than what was approved for its device, nor than what its maker
holds; a revoked one stays revoked.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.where.scopes import Role, Scope, known_scopes, lacking
from openclaw.policy.who.device_records import (
    STORE,
    Ask,
    Caller,
    Devices,
    DeviceVerdict,
    PairedDevice,
    TokenEntry,
    lacks_scope,
    merged_texts,
    refuse,
    unknown,
)


def judge_device_token(device: PairedDevice | None, ask: Ask, *, matches: bool) -> Verdict[Outcome]:
    """Decide whether a device token opens a connection (2.4 step 6).

    Args:
        device: the record of the device that proved its key.
        ask: what it wants.
        matches: the presented text equals the token of that role, compared in constant time by the caller.
    """
    entry = None if device is None else device.tokens.get(ask.role)
    if device is None or entry is None or device.facts.public_key != ask.facts.public_key:
        return refuse("device-token.unknown", STORE, "no token was issued to this device and role")
    if not matches:
        return refuse("device-token.mismatch", STORE, "the token is not the one that was issued")
    if not entry.is_live or ask.role not in device.roles:
        return refuse("device-token.revoked", STORE, "the token was revoked")
    if lacking(entry.scopes, ask.scopes):
        return refuse("device-token.scope", STORE, "the token does not cover the requested scopes")
    return Verdict(Outcome.ALLOW, (Reason("device-token.ok", STORE),))


def token_for(
    state: Devices, device_id: str, *, role: str, scopes: tuple[str, ...], fresh_token: str, now_ms: int
) -> DeviceVerdict:
    """Return the device token for `hello-ok`: the live one when it covers the request, else a new one (2.4 step 9).

    Never for a role or scope that was not approved, and never for a role that was revoked: then nothing is issued.
    """
    device = state.paired.get(device_id)
    if device is None or role not in device.roles or device.revoked(role) or lacking(device.scopes, scopes):
        reason = Reason("device.no-token", STORE, "the device was not approved for this")
        return DeviceVerdict(Outcome.DENY, (reason,), state=state, message="unknown deviceId/role")
    before = device.tokens.get(role)
    if before is not None and before.is_live and not lacking(before.scopes, scopes):
        used = replace(before, last_used_at_ms=now_ms)
        return _with_token(state, device, used, "device.token-kept")
    made = TokenEntry(
        role=role,
        token=fresh_token,
        scopes=merged_texts(() if before is None else _within(before.scopes, device.scopes), scopes),
        created_at_ms=now_ms if before is None else before.created_at_ms,
        rotated_at_ms=None if before is None else now_ms,
        last_used_at_ms=now_ms,
    )
    return _with_token(state, device, made, "device.token-issued")


def _within(scopes: tuple[str, ...], approved: tuple[str, ...]) -> tuple[str, ...]:
    beyond = set(lacking(approved, scopes))
    return tuple(scope for scope in scopes if scope not in beyond)


def _with_token(state: Devices, device: PairedDevice, entry: TokenEntry, rule: str) -> DeviceVerdict:
    after = replace(device, tokens=MappingProxyType({**device.tokens, entry.role: entry}))
    paired = MappingProxyType({**state.paired, device.facts.device_id: after})
    changed = replace(state, paired=paired)
    return DeviceVerdict(Outcome.ALLOW, (Reason(rule, STORE),), state=changed, device=after, token=entry)


def rotate_token(
    state: Devices,
    device_id: str,
    role: str,
    scopes: tuple[str, ...] | None,
    *,
    by: Caller,
    fresh_token: str,
    now_ms: int,
) -> DeviceVerdict:
    """Replace a device token (3.11, advisory B4): within the caller's scopes and those of the approval.

    Args:
        state: the records.
        device_id: the device.
        role: a role that an approval gave it; rotation makes none.
        scopes: scopes of the new token; None keeps those of the old one, an empty list means none.
        by: the caller: the device itself for its operator role, else an admin.
        fresh_token: text of the new token.
        now_ms: the time.
    """
    device = state.paired.get(device_id)
    entry = None if device is None else device.tokens.get(role)
    refusal = _manager_refusal(state, device_id, role, by)
    if refusal is not None:
        return refusal
    if device is None or entry is None or role not in device.roles or not entry.is_live:
        return unknown(state, "unknown deviceId/role")
    wanted = entry.scopes if scopes is None else scopes
    for held, whose in ((by.scopes, "the caller does not hold"), (device.scopes, "the device was not approved for")):
        beyond = lacking(held, wanted)
        if beyond:
            known = known_scopes(beyond)
            if not known:
                reason = Reason("device.unknown-scope", detail="a scope does not exist")
                return DeviceVerdict(Outcome.DENY, (reason,), state=state, message=f"unknown scope: {beyond[0]}")
            return lacks_scope(state, known[0], f"{whose} this scope")
    made = replace(
        entry, token=fresh_token, scopes=merged_texts(wanted, ()), rotated_at_ms=now_ms, last_used_at_ms=None
    )
    changed = _with_token(state, device, made, "device.token-rotated")
    return replace(changed, reveal=by.device_id == device_id, cut=((device_id, role),))


def revoke_token(state: Devices, device_id: str, role: str, *, by: Caller, now_ms: int) -> DeviceVerdict:
    """Take a role away from a device; the time of the first revocation stays (3.11)."""
    device = state.paired.get(device_id)
    entry = None if device is None else device.tokens.get(role)
    refusal = _manager_refusal(state, device_id, role, by)
    if refusal is not None:
        return refusal
    if device is None or entry is None:
        return unknown(state, "unknown deviceId/role")
    revoked = entry if entry.revoked_at_ms is not None else replace(entry, revoked_at_ms=now_ms)
    changed = _with_token(state, device, revoked, "device.token-revoked")
    return replace(changed, cut=((device_id, role),))


def remove_device(state: Devices, device_id: str, *, by: Caller) -> DeviceVerdict:
    """Forget a device with everything that waits for it: itself, or an admin (advisory B14)."""
    device = state.paired.get(device_id)
    if not by.is_admin and by.device_id != device_id:
        return lacks_scope(state, Scope.ADMIN, "other devices are managed by an admin")
    if device is None:
        return unknown(state, "unknown deviceId")
    paired = {key: item for key, item in state.paired.items() if key != device_id}
    pending = {key: item for key, item in state.pending.items() if item.ask.facts.device_id != device_id}
    after = Devices(MappingProxyType(pending), MappingProxyType(paired))
    reason = Reason("device.removed", STORE)
    return DeviceVerdict(Outcome.ALLOW, (reason,), state=after, device=device, cut=((device_id, None),))


def refresh(device: PairedDevice, ask: Ask) -> tuple[PairedDevice, tuple[str, ...]]:
    """Return a device with the name, client and address of this connection, and which pinned facts it tried to change.

    Platform and device family stay as they were approved (2.5, advisory B11).
    """
    new, old = ask.facts, device.facts
    tried = tuple(
        name
        for name, pinned, sent in (
            ("platform", old.platform, new.platform),
            ("deviceFamily", old.device_family, new.device_family),
        )
        if sent is not None and pinned != sent
    )
    facts = replace(
        old,
        display_name=new.display_name or old.display_name,
        client_id=new.client_id or old.client_id,
        client_mode=new.client_mode or old.client_mode,
        remote_ip=new.remote_ip or old.remote_ip,
    )
    return replace(device, facts=facts), tried


def _manager_refusal(state: Devices, device_id: str, role: str, by: Caller) -> DeviceVerdict | None:
    if by.is_admin or (by.device_id == device_id and role == Role.OPERATOR):
        return None
    return lacks_scope(state, Scope.ADMIN, "other devices and other roles are managed by an admin")
