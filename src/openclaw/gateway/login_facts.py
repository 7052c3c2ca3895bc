"""Gathers the facts of one `connect`, in an order that leaks nothing (gateway.md 2.4).

The page is judged first, then the attempt is booked, and only then secrets are compared and signatures checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from openclaw.gateway.config_port import opens
from openclaw.gateway.throttle import Throttle
from openclaw.policy.verdict import Outcome, Verdict
from openclaw.policy.where.scopes import Role
from openclaw.policy.who.connect_facts import ConnectFacts, DeviceClaim, Shared
from openclaw.policy.who.device_records import DeviceFacts
from openclaw.policy.who.gateway_auth import credential_class
from openclaw.policy.who.gateway_policy import AuthMode, GatewayPolicy
from openclaw.policy.who.origin import Origin, judge_origin
from openclaw.policy.who.proxy_identity import SERVE_LOGIN_HEADER, judge_serve, judge_trusted_proxy, serve_lookup
from openclaw.protocol.connect import ConnectParams
from openclaw.protocol.device_signature import Moment, check_device, normalise_public_key
from openclaw.protocol.peer import Headers, HttpRequest
from openclaw.state.devices import DeviceStore
from openclaw.system.clock import Clock
from openclaw.system.secret import Secret

Whois = Callable[[str], Awaitable[str | None]]
"""Asks Tailscale whose an address is; None when it does not know."""

_SERVE_HEADERS = (SERVE_LOGIN_HEADER, "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One connect.

    Attributes:
        params: what was sent.
        protocol: negotiated protocol.
        request: the upgrade request that carried it.
        nonce: nonce of this connection.
        conn_id: id of this connection.
        policy, secret: the config as it was when the decision began; one snapshot from start to end.
    """

    params: ConnectParams
    protocol: int
    request: HttpRequest
    nonce: str
    conn_id: str
    policy: GatewayPolicy
    secret: Secret | None

    @property
    def origin(self) -> str | None:
        """Return the `Origin` header; several make one that matches nothing."""
        found = self.request.headers.get_all("Origin")
        return ", ".join(found) if found else None


class FactFinder:
    """Finds out what `policy/who/gateway_auth` decides on."""

    def __init__(self, devices: DeviceStore, throttle: Throttle, clock: Clock, whois: Whois | None = None) -> None:
        self._devices = devices
        self._throttle = throttle
        self._clock = clock
        self._whois = whois

    async def gather(self, attempt: Attempt) -> ConnectFacts:
        """Return the facts. A permit in them must be settled by the caller.

        Raises:
            Unavailable: the device store cannot be read.
        """
        facts = self._claims(attempt)
        if facts.origin.outcome is Origin.REFUSED or facts.role not in (Role.OPERATOR, Role.NODE):
            return facts
        credential = credential_class(facts.sent)
        if credential is not None:
            permit = await self._throttle.reserve(
                attempt.request.address, credential, has_origin=attempt.origin is not None
            )
            facts = replace(facts, throttle=permit)
            if permit.outcome is not Outcome.ALLOW:
                return facts
        return await self._compared(attempt, facts)

    def _claims(self, attempt: Attempt) -> ConnectFacts:
        params, request = attempt.params, attempt.request
        origin = judge_origin(
            attempt.origin,
            request.headers.get("Host"),
            client_id=params.client.id,
            client_mode=params.client.mode,
            policy=attempt.policy.origin,
        )
        return ConnectFacts(
            client_id=params.client.id,
            client_mode=params.client.mode,
            protocol=attempt.protocol,
            role=params.asked_role,
            scopes=params.scopes,
            origin=origin,
            address=request.address,
            sent=params.auth.sent(),
            commands=tuple(params.commands),
        )

    async def _compared(self, attempt: Attempt, facts: ConnectFacts) -> ConnectFacts:
        auth, policy = attempt.params.auth, attempt.policy
        if facts.sent.token or facts.sent.password:
            matched = opens(attempt.secret, auth.token, auth.password)
            facts = replace(facts, shared=Shared.MATCHED if matched else Shared.MISMATCHED)
        if policy.allow_tailscale and not attempt.request.address.is_local:
            facts = replace(facts, tailscale=await self._tailscale(attempt.request))
        if policy.auth_mode is AuthMode.TRUSTED_PROXY:
            facts = replace(facts, proxy=_proxy(attempt))
        if attempt.params.device is not None:
            facts = replace(facts, device=await asyncio.to_thread(self._device, attempt))
        return facts

    async def _tailscale(self, request: HttpRequest) -> Verdict[Outcome] | None:
        if self._whois is None:
            return None
        headers = single_headers(request.headers, _SERVE_HEADERS)
        lookup = serve_lookup(request.address.remote, headers)
        if lookup.outcome is not Outcome.ALLOW:
            return lookup
        return judge_serve(headers[SERVE_LOGIN_HEADER], await self._whois(lookup.decided_by.detail))

    def _device(self, attempt: Attempt) -> DeviceClaim:
        """Check key and signature and look the device up; on a thread, because it reads files."""
        params, client = attempt.params, attempt.params.client
        claim, device = params.claim(), params.device
        assert claim is not None
        assert device is not None
        moment = Moment(self._clock.now_ms(), attempt.nonce, attempt.protocol, attempt.request.address.is_local)
        facts = DeviceFacts(
            device_id=device.id,
            public_key=normalise_public_key(device.public_key) or device.public_key,
            display_name=client.display_name,
            platform=client.platform,
            device_family=client.device_family,
            client_id=client.id,
            client_mode=client.mode,
            remote_ip=attempt.request.address.stored_ip,
        )
        role = params.asked_role
        return DeviceClaim(
            facts,
            check_device(claim, moment),
            self._devices.get(device.id),
            token_matches=self._devices.token_is(device.id, role, params.auth.token),
            device_token_matches=self._devices.token_is(device.id, role, params.auth.device_token),
        )


def _proxy(attempt: Attempt) -> Verdict[Outcome] | None:
    rules = attempt.policy.trusted_proxy
    if rules is None:
        return None
    headers = single_headers(attempt.request.headers, (rules.user_header, *rules.required_headers))
    return judge_trusted_proxy(attempt.request.address.remote, headers, rules, attempt.policy.address.trusted_proxies)


def single_headers(headers: Headers, names: Iterable[str]) -> dict[str, str]:
    """Return headers by lower-case name; one that was sent twice is left out."""
    found = {name.strip().lower(): headers.get_all(name.strip()) for name in names if name.strip()}
    return {name: values[0] for name, values in found.items() if len(values) == 1}
