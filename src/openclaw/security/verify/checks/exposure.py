"""Exposure: what a gateway must have before it listens, and what a connection must prove before it is let in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.who.client_address import AddressPolicy, ClientAddress, Locality, Via
from openclaw.policy.who.connect_facts import Connect, ConnectFacts, ConnectVerdict, DeviceClaim, Shared
from openclaw.policy.who.connect_refusals import DeviceProof, Sent
from openclaw.policy.who.device_records import DeviceFacts, PairedDevice, TokenEntry
from openclaw.policy.who.gateway_auth import decide_connect
from openclaw.policy.who.gateway_policy import (
    AuthMode,
    Bind,
    ControlUiPolicy,
    GatewayPolicy,
    StartFacts,
    TailscaleMode,
    start_refusals,
)
from openclaw.policy.who.origin import Origin
from openclaw.policy.who.proxy_identity import TrustedProxyPolicy
from openclaw.policy.who.rate_limit import Permit
from openclaw.security.verify.model import Finding, hold


@dataclass(frozen=True, slots=True)
class Exposure:
    """The functions: what keeps a gateway from starting, and what a connect is answered."""

    start_refusals: Callable[[GatewayPolicy, StartFacts | None], tuple[Reason, ...]]
    decide_connect: Callable[[ConnectFacts, GatewayPolicy], ConnectVerdict]


SHIPPED: Final = Exposure(start_refusals, decide_connect)

_ALLOWED: Final = Verdict(Outcome.ALLOW, (Reason("checked"),))
_DENIED: Final = Verdict(Outcome.DENY, (Reason("checked"),))
_HOSTS: Final = (None, "127.0.0.1", "192.0.2.1")
_KEY: Final = "key-of-the-device"
_LOCAL: Final = ClientAddress("127.0.0.1", "127.0.0.1", Via.DIRECT, known=True, locality=Verdict(Locality.LOCAL))
_REMOTE: Final = ClientAddress("192.0.2.9", "192.0.2.9", Via.DIRECT, known=True)
_CLIENTS: Final = (
    ("cli", "cli", "operator"),
    ("openclaw-control-ui", "webchat", "operator"),
    ("node-host", "node", "node"),
    ("cli", "cli", "root"),
)


def check(subject: Exposure) -> Iterator[Finding]:
    """Start every gateway that a config can describe, then knock at its door without proof."""
    yield from _starts(subject)
    yield from _knocks(subject)


def _starts(subject: Exposure) -> Iterator[Finding]:
    for policy, addresses in _gateways():
        refused = bool(subject.start_refusals(policy, StartFacts(addresses=addresses)))
        why = _danger(policy, addresses)
        words = partial(_gateway_words, policy, addresses)
        yield hold(words, expected=f"no start: {why}", holds=refused or not why, got="it starts")


def _gateways() -> Iterator[tuple[GatewayPolicy, tuple[str, ...]]]:
    switches = product((False, True), repeat=4)
    for token, password, identities, remote in switches:
        rest = product(Bind, AuthMode, _HOSTS, TailscaleMode, (False, True), ((), ("127.0.0.1",), ("192.0.2.1",)))
        for bind, mode, host, tailscale, proxies, addresses in rest:
            if host is not None and bind is not Bind.CUSTOM:
                continue
            yield (
                GatewayPolicy(
                    run_mode="local",
                    bind=bind,
                    custom_host=host,
                    auth_mode=mode,
                    has_token=token,
                    has_password=password,
                    has_remote_secret=remote,
                    allow_tailscale=identities,
                    tailscale=tailscale,
                    address=AddressPolicy(("10.0.0.1",) if proxies else ()),
                    trusted_proxy=TrustedProxyPolicy(user_header="x-user") if proxies else None,
                ),
                addresses,
            )


def _danger(policy: GatewayPolicy, addresses: tuple[str, ...]) -> str:
    """Return why such a gateway must not start, by the rules of gateway.md 2.1; "" when it may."""
    mode, proxies = policy.auth_mode, bool(policy.address.trusted_proxies)
    secret = (mode is AuthMode.TOKEN and policy.has_token) or (mode is AuthMode.PASSWORD and policy.has_password)
    here = policy.bind in (Bind.LOOPBACK, Bind.AUTO) or policy.custom_host == "127.0.0.1"
    beyond = not here or "192.0.2.1" in addresses
    if beyond and not secret and not (mode is AuthMode.TRUSTED_PROXY and proxies):
        return "others can reach it and nothing is asked of them"
    if mode is AuthMode.TOKEN and not policy.has_token and not policy.allow_tailscale:
        return "token mode without a token"
    if mode is AuthMode.PASSWORD and not policy.has_password:
        return "password mode without a password"
    if mode is AuthMode.TRUSTED_PROXY and (policy.has_token or not proxies):
        return "a proxy mode that has a token as well, or no proxies"
    if policy.tailscale is not TailscaleMode.OFF and beyond:
        return "published by Tailscale and by the network as well"
    if policy.tailscale is TailscaleMode.FUNNEL and mode is not AuthMode.PASSWORD:
        return "open to the internet without a password"
    return "no address to bind" if policy.bind is Bind.CUSTOM and policy.custom_host is None else ""


def _knocks(subject: Exposure) -> Iterator[Finding]:
    for policy in _doors():
        for facts in _connects():
            verdict = subject.decide_connect(facts, policy)
            let_in = verdict.outcome is not Connect.REFUSE
            why = _no_proof(facts, policy) if let_in else ""
            words = partial(_connect_words, facts, policy)
            yield hold(words, expected=f"refused: {why}", holds=not why, got=verdict.outcome)


def _doors() -> Iterator[GatewayPolicy]:
    for mode, secret, identities, insecure in product(AuthMode, (False, True), (False, True), (False, True)):
        yield GatewayPolicy(
            auth_mode=mode,
            has_token=secret and mode is AuthMode.TOKEN,
            has_password=secret and mode is AuthMode.PASSWORD,
            allow_tailscale=identities,
            control_ui=ControlUiPolicy(allow_insecure_auth=insecure, disable_device_auth=insecure),
        )


def _connects() -> Iterator[ConnectFacts]:
    locked = Permit(Outcome.DENY, (Reason("rate.locked"),))
    origins = {origin: Verdict(origin, (Reason(f"origin.{origin}"),)) for origin in Origin}
    for (client, mode, role), shared in product(_CLIENTS, Shared):
        rest = product(Origin, (_LOCAL, _REMOTE), (None, _ALLOWED, _DENIED), (None, _ALLOWED), (None, locked))
        for origin, address, tailscale, proxy, throttle in rest:
            for device in _DEVICES:
                yield ConnectFacts(
                    client_id=client,
                    client_mode=mode,
                    protocol=4,
                    role=role,
                    scopes=("operator.read",),
                    origin=origins[origin],
                    address=address,
                    sent=Sent(token=shared is not Shared.NOT_COMPARED),
                    shared=shared,
                    tailscale=tailscale,
                    proxy=proxy,
                    throttle=throttle,
                    device=device,
                )


def _device(*, proved: bool, known: bool, live: bool, matches: bool) -> DeviceClaim:
    facts = DeviceFacts("device", _KEY)
    entries = {
        role: TokenEntry(role, "text", ("operator.read",), 1, revoked_at_ms=None if live else 2)
        for role in ("operator", "node")
    }
    record = PairedDevice(facts, ("operator", "node"), ("operator.read",), tokens=entries) if known else None
    proof = DeviceProof(Outcome.ALLOW if proved else Outcome.DENY, (Reason("proof"),))
    return DeviceClaim(facts, proof, record, token_matches=matches)


_DEVICES: Final = (
    None,
    _device(proved=True, known=False, live=False, matches=False),
    _device(proved=True, known=True, live=True, matches=True),
    _device(proved=True, known=True, live=True, matches=False),
    _device(proved=True, known=True, live=False, matches=True),
    _device(proved=False, known=True, live=True, matches=True),
)


def _no_proof(facts: ConnectFacts, policy: GatewayPolicy) -> str:
    """Return why a connection that was let in, or may ask to be, had no right to; "" when it had."""
    if facts.role not in ("operator", "node"):
        return "there is no such role"
    if facts.origin.outcome is Origin.REFUSED:
        return "a page from elsewhere opened it"
    if facts.throttle is not None and facts.throttle.outcome is not Outcome.ALLOW:
        return "the client is locked out"
    modes = {AuthMode.TOKEN: policy.has_token, AuthMode.PASSWORD: policy.has_password}
    if facts.shared is Shared.MATCHED and modes.get(policy.auth_mode, False):
        return "" if facts.device is not None or facts.role == "operator" else "a node without a device"
    device = facts.device
    if device is None or device.proof.outcome is not Outcome.ALLOW:
        return "neither the secret nor a device that proved its key"
    if policy.auth_mode is AuthMode.TRUSTED_PROXY and facts.proxy is _ALLOWED:
        return ""
    if policy.allow_tailscale and facts.role == "operator" and facts.tailscale is _ALLOWED:
        return ""
    token = None if device.record is None else device.record.tokens.get(facts.role)
    return "" if token is not None and token.is_live and device.token_matches else "no credential that holds"


# Situations in words


def _gateway_words(policy: GatewayPolicy, addresses: tuple[str, ...]) -> str:
    place = f"bind {policy.bind} {policy.custom_host or ''} {addresses}, tailscale {policy.tailscale}"
    return (
        f"{place}, mode {policy.auth_mode}, token {policy.has_token}, password {policy.has_password}, "
        f"tailscale identities {policy.allow_tailscale}, proxies {bool(policy.address.trusted_proxies)}"
    )


def _connect_words(facts: ConnectFacts, policy: GatewayPolicy) -> str:
    return (
        f"{facts.client_id} as {facts.role} at mode {policy.auth_mode} (secret exists: {policy.has_shared_secret}), "
        f"secret {facts.shared}, origin {facts.origin.outcome}, local {facts.address.is_local}, device "
        f"{_device_words(facts.device)}, tailscale {_words(facts.tailscale)}, proxy {_words(facts.proxy)}, "
        f"throttle {_words(facts.throttle)}"
    )


def _words(verdict: Verdict[Outcome] | None) -> str:
    return "absent" if verdict is None else str(verdict.outcome)


def _device_words(device: DeviceClaim | None) -> str:
    if device is None:
        return "none"
    record = "unknown" if device.record is None else "known"
    live = device.record is not None and device.record.tokens["operator"].is_live
    return f"{record}, proof {device.proof.outcome}, token right {device.token_matches} and live {live}"
