"""What is remembered of devices: requests, paired devices, tokens, and the answer of every change (gateway.md 2.5).

Values only: nothing here decides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.where.scopes import Scope, lacking

STORE: Final = "devices/paired.json"
PENDING_TTL_MS: Final = 300_000
MAX_PENDING_DEVICES: Final = 64


def _nothing() -> Mapping[str, object]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a device says of itself in `connect`. Claims, apart from the id, which its key proves.

    Attributes:
        device_id: lower-case hex SHA-256 of the raw key.
        public_key: the raw key, base64url.
        display_name, platform, device_family, client_id, client_mode: as sent.
        remote_ip: address to remember (`ClientAddress.stored_ip`).
    """

    device_id: str
    public_key: str
    display_name: str | None = None
    platform: str | None = None
    device_family: str | None = None
    client_id: str | None = None
    client_mode: str | None = None
    remote_ip: str | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """What a device wants: a role with scopes and, for nodes, commands."""

    facts: DeviceFacts
    role: str
    scopes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PendingDevice:
    """A request that waits for an operator, at most five minutes.

    Attributes:
        request_id: UUID that approves or rejects it.
        ask: what is wanted.
        ts: when it was made, epoch milliseconds.
        silent: it may be approved without anybody being asked.
        is_repair: the device was known before.
        extra: fields of the file that are not ours, kept.
    """

    request_id: str
    ask: Ask
    ts: int
    silent: bool = False
    is_repair: bool = False
    extra: Mapping[str, object] = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class TokenEntry:
    """The device token of one role. A revoked entry stays revoked: only a new approval makes a new one."""

    role: str
    token: str = field(repr=False)
    scopes: tuple[str, ...]
    created_at_ms: int
    rotated_at_ms: int | None = None
    revoked_at_ms: int | None = None
    last_used_at_ms: int | None = None

    @property
    def is_live(self) -> bool:
        """Return whether the token still opens anything."""
        return self.revoked_at_ms is None and bool(self.token)


@dataclass(frozen=True, slots=True)
class PairedDevice:
    """A device that was approved.

    Attributes:
        facts: as pinned at approval; name, client and address are refreshed on connect.
        roles: approved roles.
        scopes: approved operator scopes.
        commands: node commands declared at approval; None when none were recorded.
        tokens: device tokens by role.
        created_at_ms, approved_at_ms: epoch milliseconds.
        extra: fields of the file that are not ours, kept.
    """

    facts: DeviceFacts
    roles: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    commands: tuple[str, ...] | None = None
    tokens: Mapping[str, TokenEntry] = field(default_factory=lambda: MappingProxyType({}))
    created_at_ms: int = 0
    approved_at_ms: int = 0
    extra: Mapping[str, object] = field(default_factory=_nothing)

    def revoked(self, role: str) -> bool:
        """Return whether this role of the device was taken away."""
        entry = self.tokens.get(role)
        return entry is not None and entry.revoked_at_ms is not None


@dataclass(frozen=True, slots=True)
class Devices:
    """Both files together: waiting requests by request id, paired devices by device id."""

    pending: Mapping[str, PendingDevice] = field(default_factory=lambda: MappingProxyType({}))
    paired: Mapping[str, PairedDevice] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Caller:
    """The connection that manages devices.

    Attributes:
        scopes: its scopes.
        device_id: its own device; None for a connection without one.
    """

    scopes: tuple[str, ...]
    device_id: str | None = None

    @property
    def is_admin(self) -> bool:
        """Return whether it holds `operator.admin`."""
        return not lacking(self.scopes, (Scope.ADMIN,))


@dataclass(frozen=True, slots=True)
class DeviceVerdict(Verdict[Outcome]):
    """What a change of the records did.

    Attributes:
        state: the records afterwards; the given ones when refused.
        message: text for the caller when refused.
        missing: the scope that is lacking, when that is why.
        request: the request concerned.
        device: the device concerned, as it is afterwards.
        token: the token that was made or kept.
        reveal: whether the caller may see the token's text: only the device itself (3.11).
        created: a new request was made, so that operators hear of it.
        cut: (device id, role) whose sockets must be closed; role None means all.
    """

    state: Devices = field(default_factory=Devices)
    message: str = ""
    missing: Scope | None = None
    request: PendingDevice | None = None
    device: PairedDevice | None = None
    token: TokenEntry | None = None
    reveal: bool = False
    created: bool = False
    cut: tuple[tuple[str, str | None], ...] = ()


def refuse(rule: str, key: str | None, detail: str) -> Verdict[Outcome]:
    """Return a plain refusal."""
    return Verdict(Outcome.DENY, (Reason(rule, key, detail),))


def lacks_scope(state: Devices, scope: Scope, detail: str) -> DeviceVerdict:
    """Refuse because the caller lacks a scope."""
    reason = Reason("device.scope", detail=detail)
    return DeviceVerdict(Outcome.DENY, (reason,), state=state, message=f"missing scope: {scope}", missing=scope)


def unknown(state: Devices, message: str) -> DeviceVerdict:
    """Refuse because there is no such request, device or role."""
    return DeviceVerdict(Outcome.DENY, (Reason("device.unknown", STORE, message),), state=state, message=message)


def merged_texts(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    """Return both lists as one, sorted and without repeats."""
    return tuple(sorted({*first, *second}))
