"""Device records and connect facts for tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import MappingProxyType

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.where.scopes import Scope
from openclaw.policy.who.client_address import AddressPolicy, ClientAddress, HttpFacts, resolve_client
from openclaw.policy.who.connect_facts import ConnectFacts, DeviceClaim, Shared
from openclaw.policy.who.connect_refusals import DeviceProof, Sent
from openclaw.policy.who.device_records import Ask, Caller, DeviceFacts, Devices, PairedDevice, TokenEntry
from openclaw.policy.who.gateway_policy import GatewayPolicy
from openclaw.policy.who.origin import Origin

NOW = 1_790_000_000_000
ADMIN = Caller((Scope.ADMIN,))
SIGNED = DeviceProof(Outcome.ALLOW, (Reason("device.signed"),), version="v2")
LOCAL: ClientAddress = resolve_client(HttpFacts.read("127.0.0.1", [("Host", "localhost:18789")]), AddressPolicy())
REMOTE: ClientAddress = resolve_client(HttpFacts.read("192.0.2.7", [("Host", "gw.example")]), AddressPolicy())
WITH_TOKEN = GatewayPolicy(run_mode="local", has_token=True)


def device_facts(device_id: str = "dev-a", *, key: str | None = None, platform: str = "linux") -> DeviceFacts:
    return DeviceFacts(
        device_id,
        key or f"key-of-{device_id}",
        platform=platform,
        client_id="cli",
        client_mode="cli",
        display_name="Box",
    )


def ask(
    device_id: str = "dev-a",
    role: str = "operator",
    scopes: Sequence[str] = (),
    commands: Sequence[str] = (),
    *,
    key: str | None = None,
) -> Ask:
    return Ask(device_facts(device_id, key=key), role, tuple(scopes), tuple(commands))


def paired(
    device_id: str = "dev-a",
    roles: Sequence[str] = ("operator",),
    scopes: Sequence[str] = (Scope.READ,),
    *,
    token: str | None = "device-token-text",
    revoked: bool = False,
    commands: tuple[str, ...] | None = None,
) -> PairedDevice:
    entries = {}
    for role in roles if token is not None else ():
        entry = TokenEntry(role, f"{token}/{role}", tuple(scopes) if role == "operator" else (), NOW - 1000)
        entries[role] = replace(entry, revoked_at_ms=NOW - 500 if revoked else None)
    return PairedDevice(
        device_facts(device_id),
        tuple(roles),
        tuple(scopes),
        commands,
        MappingProxyType(entries),
        created_at_ms=NOW - 2000,
        approved_at_ms=NOW - 1000,
    )


def holding(*devices: PairedDevice) -> Devices:
    return Devices(paired=MappingProxyType({device.facts.device_id: device for device in devices}))


def origin(outcome: Origin = Origin.ABSENT) -> Verdict[Origin]:
    return Verdict(outcome, (Reason(f"origin.{outcome}", detail="why"),))


def connect(
    *,
    client: tuple[str, str] = ("cli", "cli"),
    protocol: int = 3,
    role: str = "operator",
    scopes: Sequence[str] | None = (Scope.ADMIN,),
    page: Origin = Origin.ABSENT,
    address: ClientAddress = LOCAL,
    sent: Sent | None = None,
    shared: Shared = Shared.NOT_COMPARED,
    device: DeviceClaim | None = None,
    commands: tuple[str, ...] = (),
) -> ConnectFacts:
    return ConnectFacts(
        client_id=client[0],
        client_mode=client[1],
        protocol=protocol,
        role=role,
        scopes=scopes,
        origin=origin(page),
        address=address,
        sent=sent or Sent(),
        shared=shared,
        device=device,
        commands=commands,
    )


def claim(
    record: PairedDevice | None = None,
    *,
    proof: DeviceProof = SIGNED,
    token: bool = False,
    device_token: bool = False,
) -> DeviceClaim:
    return DeviceClaim(device_facts(), proof, record, token_matches=token, device_token_matches=device_token)
