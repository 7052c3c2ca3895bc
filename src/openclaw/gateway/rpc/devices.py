"""device.* (gateway.md 3.11): pairing and device tokens. What a caller may do is decided by `policy/who`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from openclaw.gateway.rpc.contract import Call, Params, Text, rpc
from openclaw.policy.verdict import Outcome
from openclaw.policy.who.device_records import DeviceVerdict
from openclaw.protocol.errors import invalid_request, missing_scope
from openclaw.state.device_json import paired_view, write_pending
from openclaw.state.ledger_port import LedgerEntry


class RequestParams(Params):
    """A method about one waiting request."""

    request_id: Text


class DeviceParams(Params):
    """A method about one device."""

    device_id: Text


class TokenParams(DeviceParams):
    """A method about one token of a device."""

    role: Text


class RotateParams(TokenParams):
    """`device.token.rotate`."""

    scopes: list[Text] | None = None


@rpc("device.pair.list")
async def list_pairs(call: Call, _params: Params) -> Any:
    """Return waiting requests and paired devices; a device that is no admin sees itself only (advisory B14)."""
    known = await asyncio.to_thread(call.services.devices.snapshot)
    caller = call.connection.peer.caller()
    own = None if caller.is_admin or caller.device_id is None else caller.device_id
    return {
        "pending": [write_pending(item) for item in known.pending.values()],
        "paired": [paired_view(item) for key, item in known.paired.items() if own in (None, key)],
    }


@rpc("device.pair.approve", RequestParams)
async def approve(call: Call, params: RequestParams) -> Any:
    """Admit a waiting device with at most the caller's own scopes."""
    by = call.connection.peer.caller()
    done = await _change(call, lambda: call.services.devices.approve(params.request_id, by=by), "approve")
    assert done.device is not None
    _resolved(call, params.request_id, done.device.facts.device_id, "approved")
    return {"requestId": params.request_id, "device": paired_view(done.device)}


@rpc("device.pair.reject", RequestParams)
async def reject(call: Call, params: RequestParams) -> Any:
    """Drop a waiting request."""
    done = await _change(call, lambda: call.services.devices.reject(params.request_id), "reject")
    assert done.request is not None
    device_id = done.request.ask.facts.device_id
    _resolved(call, params.request_id, device_id, "rejected")
    return {"requestId": params.request_id, "deviceId": device_id}


@rpc("device.pair.remove", DeviceParams)
async def remove(call: Call, params: DeviceParams) -> Any:
    """Forget a device and close its sockets."""
    by = call.connection.peer.caller()
    done = await _change(call, lambda: call.services.devices.remove(params.device_id, by=by), "remove")
    _cut(call, done, "device removed")
    return {"deviceId": params.device_id, "removed": True}


@rpc("device.token.rotate", RotateParams)
async def rotate(call: Call, params: RotateParams) -> Any:
    """Replace a device token; only the device itself is told the new one."""
    by = call.connection.peer.caller()
    scopes = None if params.scopes is None else tuple(params.scopes)
    done = await _change(
        call, lambda: call.services.devices.rotate(params.device_id, params.role, scopes, by=by), "rotate"
    )
    assert done.token is not None
    _cut(call, done, "device token rotated")
    answer = {
        "deviceId": params.device_id,
        "role": params.role,
        "scopes": list(done.token.scopes),
        "rotatedAtMs": done.token.rotated_at_ms,
    }
    return {**answer, "token": done.token.token} if done.reveal else answer


@rpc("device.token.revoke", TokenParams)
async def revoke(call: Call, params: TokenParams) -> Any:
    """Take a role away from a device and close its sockets."""
    by = call.connection.peer.caller()
    done = await _change(call, lambda: call.services.devices.revoke(params.device_id, params.role, by=by), "revoke")
    assert done.token is not None
    _cut(call, done, "device token revoked")
    return {"deviceId": params.device_id, "role": params.role, "revokedAtMs": done.token.revoked_at_ms}


async def _change(call: Call, change: Callable[[], DeviceVerdict], what: str) -> DeviceVerdict:
    """Make a change on a thread, write it to the ledger, and turn a refusal into its error."""
    done = await asyncio.to_thread(change)
    peer = call.connection.peer
    device = done.device.facts.device_id if done.device is not None else None
    if device is None and done.request is not None:
        device = done.request.ask.facts.device_id
    reason = done.decided_by
    call.services.ledger.record(
        LedgerEntry(
            kind="device",
            actor={"client": peer.name, "device": peer.device_id, "connection": peer.conn_id},
            what={"change": what, "device": device},
            verdict={"outcome": done.outcome.value, "rule": reason.rule, "key": reason.key},
        )
    )
    if done.outcome is not Outcome.ALLOW:
        if done.missing is not None:
            raise missing_scope(peer.protocol, done.missing)
        raise invalid_request(done.message or reason.detail)
    return done


def _resolved(call: Call, request_id: str, device_id: str, decision: str) -> None:
    payload = {"requestId": request_id, "deviceId": device_id, "decision": decision}
    call.services.connections.broadcast("device.pair.resolved", {**payload, "ts": call.services.clock.now_ms()})


def _cut(call: Call, done: DeviceVerdict, reason: str) -> None:
    """Close the sockets concerned, after the answer was sent: the caller may be one of them."""
    connections = call.services.connections
    asyncio.get_running_loop().call_soon(connections.cut_devices, done.cut, reason)


METHODS = (list_pairs, approve, reject, remove, rotate, revoke)
