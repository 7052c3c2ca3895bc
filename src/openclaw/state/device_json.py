"""Device records as the files and the wire hold them (gateway.md 2.5, 3.11). Fields that are not ours survive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from openclaw.policy.who.device_records import Ask, DeviceFacts, PairedDevice, PendingDevice, TokenEntry

_FACT_KEYS: Final = (
    ("displayName", "display_name"),
    ("platform", "platform"),
    ("deviceFamily", "device_family"),
    ("clientId", "client_id"),
    ("clientMode", "client_mode"),
    ("remoteIp", "remote_ip"),
)
_COMMON: Final = frozenset({"deviceId", "publicKey", "role", "roles", "scopes", *(wire for wire, _ in _FACT_KEYS)})
_PENDING_KEYS: Final = _COMMON | {"requestId", "silent", "isRepair", "ts", "commands"}
_PAIRED_KEYS: Final = _COMMON | {"commands", "tokens", "createdAtMs", "approvedAtMs"}
_TOKEN_TIMES: Final = (
    ("rotatedAtMs", "rotated_at_ms"),
    ("revokedAtMs", "revoked_at_ms"),
    ("lastUsedAtMs", "last_used_at_ms"),
)


def read_pending(key: str, value: object) -> PendingDevice | None:
    """Return a waiting request of the file; None when it is none."""
    if not isinstance(value, dict):
        return None
    facts, roles, ts = _read_facts(value), _read_roles(value), _whole(value.get("ts"))
    if facts is None or not roles or ts is None:
        return None
    ask = Ask(facts, roles[-1], _texts(value.get("scopes")), _texts(value.get("commands")))
    return PendingDevice(
        request_id=key,
        ask=ask,
        ts=ts,
        silent=value.get("silent") is True,
        is_repair=value.get("isRepair") is True,
        extra=_extra(value, _PENDING_KEYS),
    )


def write_pending(request: PendingDevice) -> dict[str, Any]:
    """Return a waiting request as the file, the event and `device.pair.list` hold it."""
    ask = request.ask
    wire = {"requestId": request.request_id, **_write_facts(ask.facts), "role": ask.role, "roles": [ask.role]}
    wire |= {"scopes": list(ask.scopes)}
    if ask.commands:
        wire["commands"] = list(ask.commands)
    if request.silent:
        wire["silent"] = True
    if request.is_repair:
        wire["isRepair"] = True
    return {**request.extra, **wire, "ts": request.ts}


def read_paired(key: str, value: object) -> PairedDevice | None:
    """Return a paired device of the file; None when it is none."""
    if not isinstance(value, dict):
        return None
    facts, roles = _read_facts(value), _read_roles(value)
    if facts is None or facts.device_id != key:
        return None
    tokens = value.get("tokens")
    entries = (_read_token(role, item) for role, item in tokens.items()) if isinstance(tokens, dict) else ()
    return PairedDevice(
        facts=facts,
        roles=tuple(sorted(set(roles))),
        scopes=tuple(sorted(set(_texts(value.get("scopes"))))),
        commands=_texts(value["commands"]) if isinstance(value.get("commands"), list) else None,
        tokens=MappingProxyType({entry.role: entry for entry in entries if entry is not None}),
        created_at_ms=_whole(value.get("createdAtMs")) or 0,
        approved_at_ms=_whole(value.get("approvedAtMs")) or 0,
        extra=_extra(value, _PAIRED_KEYS),
    )


def write_paired(device: PairedDevice) -> dict[str, Any]:
    """Return a paired device as the file holds it, tokens included."""
    wire = _paired_without_tokens(device)
    wire["tokens"] = {role: {"token": entry.token, **_token_facts(entry)} for role, entry in device.tokens.items()}
    return {**device.extra, **wire, "createdAtMs": device.created_at_ms, "approvedAtMs": device.approved_at_ms}


def paired_view(device: PairedDevice) -> dict[str, Any]:
    """Return a paired device for `device.pair.list`: tokens without their texts."""
    wire = _paired_without_tokens(device)
    wire["tokens"] = [_token_facts(entry) for entry in device.tokens.values()]
    return wire | {"createdAtMs": device.created_at_ms, "approvedAtMs": device.approved_at_ms}


def _paired_without_tokens(device: PairedDevice) -> dict[str, Any]:
    wire: dict[str, Any] = _write_facts(device.facts)
    if device.roles:
        wire["role"] = device.roles[-1]
    wire |= {"roles": list(device.roles), "scopes": list(device.scopes)}
    if device.commands is not None:
        wire["commands"] = list(device.commands)
    return wire


def _read_facts(value: Mapping[str, Any]) -> DeviceFacts | None:
    device_id, public_key = value.get("deviceId"), value.get("publicKey")
    if not isinstance(device_id, str) or not device_id or not isinstance(public_key, str) or not public_key:
        return None
    known = {name: text for wire, name in _FACT_KEYS if isinstance(text := value.get(wire), str) and text}
    return DeviceFacts(device_id=device_id, public_key=public_key, **known)


def _write_facts(facts: DeviceFacts) -> dict[str, Any]:
    wire: dict[str, Any] = {"deviceId": facts.device_id, "publicKey": facts.public_key}
    for name, attribute in _FACT_KEYS:
        text = getattr(facts, attribute)
        if text is not None:
            wire[name] = text
    return wire


def _read_roles(value: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the roles of a record: the list, and the single one last."""
    listed, single = list(_texts(value.get("roles"))), value.get("role")
    if isinstance(single, str) and single:
        listed = [role for role in listed if role != single] + [single]
    return tuple(listed)


def _read_token(role: str, value: object) -> TokenEntry | None:
    if not isinstance(value, dict) or not isinstance(value.get("token"), str) or not value["token"]:
        return None
    revoked = value.get("revokedAtMs")
    return TokenEntry(
        role=role,
        token=value["token"],
        scopes=_texts(value.get("scopes")),
        created_at_ms=_whole(value.get("createdAtMs")) or 0,
        rotated_at_ms=_whole(value.get("rotatedAtMs")),
        revoked_at_ms=_whole(revoked) if revoked is None or _whole(revoked) is not None else 0,
        last_used_at_ms=_whole(value.get("lastUsedAtMs")),
    )


def _token_facts(entry: TokenEntry) -> dict[str, Any]:
    wire: dict[str, Any] = {"role": entry.role, "scopes": sorted(entry.scopes), "createdAtMs": entry.created_at_ms}
    for name, attribute in _TOKEN_TIMES:
        moment = getattr(entry, attribute)
        if moment is not None:
            wire[name] = moment
    return wire


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return ()
    return tuple(item for item in value if isinstance(item, str))


def _whole(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return int(value)
    except (ValueError, OverflowError):
        return None


def _extra(value: Mapping[str, Any], ours: frozenset[str]) -> Mapping[str, object]:
    return MappingProxyType({key: item for key, item in value.items() if key not in ours})
