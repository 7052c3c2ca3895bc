"""What decides about a `connect`, and what the decision says (gateway.md 2.4). Values only; `gateway_auth` decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.where.scopes import Role, Scope
from openclaw.policy.who.client_address import ClientAddress
from openclaw.policy.who.connect_refusals import DeviceProof, Refusal, Sent
from openclaw.policy.who.device_pairing import Need
from openclaw.policy.who.device_records import Ask, DeviceFacts, PairedDevice
from openclaw.policy.who.origin import Origin
from openclaw.policy.who.rate_limit import Credential, Permit


class Shared(StrEnum):
    """What comparing the sent secret with the configured one gave."""

    MATCHED = "matched"
    MISMATCHED = "mismatched"
    NOT_COMPARED = "not-compared"


class AuthMethod(StrEnum):
    """What opened a connection."""

    TOKEN = "token"  # noqa: S105 - the name of a method
    PASSWORD = "password"  # noqa: S105 - the name of a method
    TAILSCALE = "tailscale"
    TRUSTED_PROXY = "trusted-proxy"
    DEVICE_TOKEN = "device-token"  # noqa: S105 - the name of a method


class Connect(StrEnum):
    """What becomes of a connect. PAIR: admit after an approval, silent or by an operator."""

    ADMIT = "admit"
    PAIR = "pair"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class DeviceClaim:
    """A device that a connect names.

    Attributes:
        facts: what it says of itself.
        proof: whether key and signature hold.
        record: what is approved for this device id, if anything.
        token_matches: `auth.token` equals the stored token of this device and role, compared in constant time.
        device_token_matches: `auth.deviceToken` does.
    """

    facts: DeviceFacts
    proof: DeviceProof
    record: PairedDevice | None = None
    token_matches: bool = False
    device_token_matches: bool = False

    @property
    def matches(self) -> bool:
        """Return whether either field held the stored token."""
        return self.token_matches or self.device_token_matches


@dataclass(frozen=True, slots=True)
class ConnectFacts:
    """All that decides about one connect.

    Attributes:
        client_id, client_mode: `client.id` and `client.mode`.
        protocol: negotiated protocol, 3 or 4.
        role: as sent, `operator` when absent.
        scopes: as sent; None when absent.
        commands: commands that a node declares.
        origin: verdict on the page, `origin.judge_origin`.
        address: where the client is, `client_address.resolve_client`.
        sent: which credentials came.
        shared: result of comparing `auth.token` and `auth.password` with the secret of the mode.
        tailscale: verdict on a Tailscale identity; None when it was not looked at.
        proxy: verdict on a trusted proxy's identity; None in other modes.
        throttle: the permit; None when no credential was sent.
        device: the device; None when none was named.
    """

    client_id: str
    client_mode: str
    protocol: int
    role: str
    scopes: Sequence[str] | None
    origin: Verdict[Origin]
    address: ClientAddress
    sent: Sent = field(default_factory=Sent)
    shared: Shared = Shared.NOT_COMPARED
    commands: tuple[str, ...] = ()
    tailscale: Verdict[Outcome] | None = None
    proxy: Verdict[Outcome] | None = None
    throttle: Permit | None = None
    device: DeviceClaim | None = None


@dataclass(frozen=True, slots=True)
class ConnectVerdict(Verdict[Connect]):
    """The answer.

    Attributes:
        refusal: what to send when refused.
        role, scopes: what the connection has once admitted.
        method: what opened it.
        ask: what the device wants, in the form that the device store takes; None without a device.
        need: why an approval is needed, for PAIR.
        silent: for PAIR: approve at once instead of refusing with `pairing_required`.
        gives_token: a device token belongs into `hello-ok`.
        new_commands: for ADMIT: a node declares commands that nobody approved; they stay unusable, and a request of
            need `commands-upgrade` is made, which `silent` approves at once.
        failed: class of a wrong credential, for `rate_limit.settle`, also where another identity opened the door.
        proved: class of a right one.
    """

    refusal: Refusal | None = None
    role: Role = Role.OPERATOR
    scopes: tuple[Scope, ...] = ()
    method: AuthMethod | None = None
    ask: Ask | None = None
    need: Need | None = None
    silent: bool = False
    gives_token: bool = False
    new_commands: bool = False
    failed: Credential | None = None
    proved: Credential | None = None
