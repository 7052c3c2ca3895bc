"""Pairing requests as their file holds them (channels.md 1.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT, normalise_account_id
from openclaw.policy.who.dm_pairing import PairingRequest, normalise_code, normalise_meta, normalise_store_id
from openclaw.system.clock import iso


def read_request(channel: str, item: object) -> PairingRequest | None:
    """Return a request of the file; None when it is none. A missing time is kept as such: it counts as expired."""
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not isinstance(item.get("code"), str):
        return None
    sender = normalise_store_id(channel, item["id"])
    if not sender:
        return None
    created = _read_time(item.get("createdAt"))
    seen = _read_time(item.get("lastSeenAt"))
    meta = item.get("meta")
    facts = meta if isinstance(meta, dict) else {}
    account = facts.get("accountId")
    return PairingRequest(
        id=sender,
        code=normalise_code(item["code"]),
        created_ms=created,
        last_seen_ms=seen if seen is not None else created or 0,
        account=normalise_account_id(account if isinstance(account, str) else None),
        meta=normalise_meta(facts.items()),
    )


def write_request(request: PairingRequest) -> dict[str, Any]:
    """Return a request as the file holds it; the account stands in `meta` unless it is the default one."""
    meta = dict(request.meta)
    if request.account != DEFAULT_ACCOUNT:
        meta["accountId"] = request.account
    wire: dict[str, Any] = {
        "id": request.id,
        "code": request.code,
        "createdAt": iso(request.created_ms or 0),
        "lastSeenAt": iso(request.last_seen_ms),
    }
    return wire | ({"meta": meta} if meta else {})


def _read_time(value: object) -> int | None:
    """Return epoch milliseconds of an ISO text with a zone; None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return None if moment.tzinfo is None else round(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None
