"""The device store on disk: `devices/pending.json` and `paired.json` (gateway.md 2.5).

Every change is decided by `policy/who/device_pairing.py` and `device_tokens.py` on what the files hold under the lock,
and is on disk before it is answered: a token that a client was given survives a restart.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from openclaw.policy.verdict import Outcome
from openclaw.policy.who.device_pairing import approve_device, live_pending, reject_device, request_pairing
from openclaw.policy.who.device_records import Ask, Caller, Devices, DeviceVerdict, PairedDevice
from openclaw.policy.who.device_tokens import refresh, remove_device, revoke_token, rotate_token, token_for
from openclaw.state.device_json import read_paired, read_pending, write_paired, write_pending
from openclaw.state.files import read_json, write_json
from openclaw.state.layout import StateLayout
from openclaw.state.locks import flock
from openclaw.state.stamps import Stamp, stamp_of
from openclaw.system.clock import Clock
from openclaw.system.errors import InvalidInput, NotFound, Unavailable
from openclaw.system.secret import same_secret

LAST_USED_STEP_MS: Final = 600_000
"""How stale `lastUsedAtMs` may be on disk, so that connecting does not write each time."""
MAX_NAME: Final = 128

Stamps = tuple[Stamp | None, ...]
Change = Callable[[Devices, int], DeviceVerdict]


def fresh_token() -> str:
    """Return the text of a new device token: 32 random bytes."""
    return secrets.token_urlsafe(32)


class DeviceStore:
    """Waiting requests, paired devices and their tokens."""

    def __init__(self, layout: StateLayout, clock: Clock, *, draw_token: Callable[[], str] = fresh_token) -> None:
        self._pending = layout.devices / "pending.json"
        self._paired = layout.devices / "paired.json"
        self._lock = layout.devices / "paired.json.flock"
        self._clock = clock
        self._draw = draw_token
        self._known: tuple[Stamps, Devices] | None = None

    # Reading

    def snapshot(self) -> Devices:
        """Return both files; requests that expired are left out.

        Raises:
            Unavailable: a file is corrupt or cannot be read: then no device is known, and none is forgotten either.
        """
        stamps: Stamps = (stamp_of(self._pending), stamp_of(self._paired))
        if self._known is None or self._known[0] != stamps:
            self._known = (stamps, self._read())
        state = self._known[1]
        return replace(state, pending=live_pending(state.pending, self._clock.now_ms()))

    def get(self, device_id: str) -> PairedDevice | None:
        """Return a paired device."""
        return self.snapshot().paired.get(device_id)

    def token_is(self, device_id: str, role: str, text: str | None) -> bool:
        """Compare a text with the token of a device and role in constant time; a revoked one still compares."""
        device = self.get(device_id)
        entry = None if device is None else device.tokens.get(role)
        return same_secret(text, entry.token if entry is not None else "")

    # Pairing

    def request(self, ask: Ask, *, silent: bool) -> DeviceVerdict:
        """Record that a device waits; `created` tells whether operators are to be told."""
        request_id = str(uuid.uuid4())
        return self._change(
            lambda state, now: request_pairing(state, ask, silent=silent, request_id=request_id, now_ms=now)
        )

    def admit_silently(self, ask: Ask) -> DeviceVerdict:
        """Approve a device at once, for a connect that `may_be_silent` allowed; request and approval in one step."""
        request_id = str(uuid.uuid4())

        def change(state: Devices, now: int) -> DeviceVerdict:
            asked = request_pairing(state, ask, silent=True, request_id=request_id, now_ms=now)
            if asked.request is None:
                return asked
            return approve_device(asked.state, asked.request.request_id, by=None, fresh_token=self._draw(), now_ms=now)

        return self._change(change)

    def approve(self, request_id: str, *, by: Caller) -> DeviceVerdict:
        """Admit a waiting device with at most the approver's own scopes."""
        token = self._draw()
        return self._change(lambda state, now: approve_device(state, request_id, by=by, fresh_token=token, now_ms=now))

    def reject(self, request_id: str) -> DeviceVerdict:
        """Drop a waiting request."""
        return self._change(lambda state, now: reject_device(state, request_id, now_ms=now))

    # Tokens and devices

    def hello(self, ask: Ask) -> tuple[DeviceVerdict, tuple[str, ...]]:
        """Return the token for `hello-ok` and note what the device says of itself now.

        Returns:
            The verdict with the token, and the pinned facts that the device tried to change (for the log).
        """
        token = self._draw()
        tried: tuple[str, ...] = ()

        def change(state: Devices, now: int) -> DeviceVerdict:
            nonlocal tried
            verdict = token_for(
                state, ask.facts.device_id, role=ask.role, scopes=ask.scopes, fresh_token=token, now_ms=now
            )
            if verdict.device is None:
                return verdict
            device, tried = refresh(_keep_stamp(verdict.device, state, ask.role), ask)
            paired = MappingProxyType({**state.paired, ask.facts.device_id: device})
            return replace(verdict, state=replace(state, paired=paired), device=device)

        return self._change(change), tried

    def rotate(self, device_id: str, role: str, scopes: tuple[str, ...] | None, *, by: Caller) -> DeviceVerdict:
        """Replace a device token; `reveal` tells whether the caller may see it."""
        token = self._draw()
        return self._change(
            lambda state, now: rotate_token(state, device_id, role, scopes, by=by, fresh_token=token, now_ms=now)
        )

    def revoke(self, device_id: str, role: str, *, by: Caller) -> DeviceVerdict:
        """Take a role away from a device."""
        return self._change(lambda state, now: revoke_token(state, device_id, role, by=by, now_ms=now))

    def remove(self, device_id: str, *, by: Caller) -> DeviceVerdict:
        """Forget a device."""
        return self._change(lambda state, _now: remove_device(state, device_id, by=by))

    def rename(self, device_id: str, name: str) -> PairedDevice:
        """Give a device another display name.

        Raises:
            NotFound: there is no such device.
            InvalidInput: the name is blank or too long.
        """
        text = name.strip()
        if not text or len(text) > MAX_NAME:
            raise InvalidInput(f"displayName must have 1 to {MAX_NAME} characters")

        def change(state: Devices, _now: int) -> DeviceVerdict:
            device = state.paired.get(device_id)
            if device is None:
                raise NotFound("unknown deviceId")
            after = replace(device, facts=replace(device.facts, display_name=text))
            paired = MappingProxyType({**state.paired, device_id: after})
            return DeviceVerdict(Outcome.ALLOW, state=replace(state, paired=paired), device=after)

        renamed = self._change(change).device
        assert renamed is not None
        return renamed

    # Files

    def _change(self, change: Change) -> DeviceVerdict:
        """Decide on what the files hold under the lock, and write what changed: requests first, then devices.

        A crash between the two loses a request and never admits a device twice.
        """
        with flock(self._lock):
            before = self._read()
            verdict = change(before, self._clock.now_ms())
            after = verdict.state
            if verdict.outcome is Outcome.ALLOW:
                if dict(after.pending) != dict(before.pending):
                    write_json(self._pending, {key: write_pending(item) for key, item in after.pending.items()})
                if dict(after.paired) != dict(before.paired):
                    write_json(self._paired, {key: write_paired(item) for key, item in after.paired.items()})
                self._known = None
        return verdict

    def _read(self) -> Devices:
        pending = {key: read_pending(key, item) for key, item in self._map(self._pending).items()}
        paired = {key: read_paired(key, item) for key, item in self._map(self._paired).items()}
        return Devices(
            MappingProxyType({key: item for key, item in pending.items() if item is not None}),
            MappingProxyType({key: item for key, item in paired.items() if item is not None}),
        )

    def _map(self, path: Path) -> dict[str, Any]:
        try:
            value = read_json(path)
        except InvalidInput as error:
            raise Unavailable(f"{error}; restore it, or move it away and pair again", code="state-corrupt") from None
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise Unavailable(f"{path} holds no JSON object; restore it, or move it away", code="state-corrupt")
        return value


def _keep_stamp(device: PairedDevice, before: Devices, role: str) -> PairedDevice:
    """Leave `lastUsedAtMs` of a kept token as it was when it is recent, so that nothing needs to be written."""
    known = before.paired.get(device.facts.device_id)
    old = None if known is None else known.tokens.get(role)
    new = device.tokens.get(role)
    if old is None or new is None or old.token != new.token:  # the same entry, not a secret that somebody sent
        return device
    if (new.last_used_at_ms or 0) - (old.last_used_at_ms or 0) >= LAST_USED_STEP_MS:
        return device
    return replace(device, tokens=MappingProxyType({**device.tokens, role: old}))
