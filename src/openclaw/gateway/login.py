"""Who comes in: asks `policy/who` about one `connect` and does what the answer says (gateway.md 2.4)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from openclaw.gateway.config_port import DoorConfig, secret_digest
from openclaw.gateway.login_facts import Attempt, FactFinder
from openclaw.gateway.quiet import QuietLog
from openclaw.gateway.throttle import Throttle
from openclaw.policy.verdict import Outcome
from openclaw.policy.where.node_commands import NodeSurface, classify, declared_commands, usable
from openclaw.policy.where.scopes import Role
from openclaw.policy.who.connect_facts import AuthMethod, Connect, ConnectFacts, ConnectVerdict
from openclaw.policy.who.connect_refusals import NOT_PAIRED, POLICY_VIOLATION, Refusal, pairing_required
from openclaw.policy.who.device_records import Ask, DeviceVerdict, PairedDevice
from openclaw.policy.who.gateway_auth import decide_connect
from openclaw.policy.who.gateway_policy import GatewayPolicy
from openclaw.protocol.connect import IssuedToken
from openclaw.protocol.errors import RpcError, connect_refusal
from openclaw.protocol.peer import Client, Peer
from openclaw.state.device_json import write_pending
from openclaw.state.devices import DeviceStore
from openclaw.system.clock import Clock

log = logging.getLogger(__name__)

Announce = Callable[[str, Mapping[str, Any]], None]
"""Broadcasts an event."""


class LoginRefused(Exception):
    """A connect that is answered with an error and a close."""

    def __init__(self, error: RpcError, close_code: int = POLICY_VIOLATION) -> None:
        super().__init__(error.message)
        self.error = error
        self.close_code = close_code

    @classmethod
    def of(cls, refusal: Refusal) -> LoginRefused:
        """Return the exception for a refusal of the kernel."""
        return cls(connect_refusal(refusal), refusal.close_code)


@dataclass(frozen=True, slots=True)
class Admission:
    """A connect that may go on.

    Attributes:
        peer: the connection.
        secret_digest: digest of the shared secret that opened it; None when something else did.
        issued: the device token for `hello-ok`; None without a paired device.
    """

    peer: Peer
    secret_digest: bytes | None = None
    issued: IssuedToken | None = None


class Login:
    """The decision on a connect, with its deeds: throttle, device store, events."""

    def __init__(
        self,
        config: DoorConfig,
        devices: DeviceStore,
        throttle: Throttle,
        clock: Clock,
        finder: FactFinder,
        announce: Announce,
    ) -> None:
        self._config = config
        self._devices = devices
        self._throttle = throttle
        self._clock = clock
        self._finder = finder
        self._announce = announce
        self._quiet = QuietLog(log, clock)

    async def admit(self, attempt: Attempt) -> Admission:
        """Decide one connect.

        Raises:
            LoginRefused: with the error to answer.
            Unavailable: the device store cannot be read or written.
        """
        facts = await self._finder.gather(attempt)
        verdict = decide_connect(facts, attempt.policy)
        if facts.throttle is not None and facts.throttle.outcome is Outcome.ALLOW:
            self._throttle.settle(facts.throttle, failed=verdict.failed is not None, proved=verdict.proved)
        if verdict.refusal is not None:
            rule = verdict.decided_by.rule
            self._quiet.line(logging.INFO, "connect refused: %s, client %s", rule, facts.client_id)
            raise LoginRefused.of(verdict.refusal)
        return await self._enter(attempt, facts, verdict)

    def still_holds(self, admission: Admission) -> bool:
        """Tell whether nothing was taken away since: asked in the same step that lets the connection in."""
        if admission.secret_digest is not None and admission.secret_digest != secret_digest(self._config.secret()):
            return False
        peer, issued = admission.peer, admission.issued
        if peer.device_id is None or issued is None:
            return True
        record = self._devices.get(peer.device_id)
        return (
            record is not None
            and not record.revoked(peer.role.value)
            and self._devices.token_is(peer.device_id, peer.role.value, issued.token)
        )

    async def _enter(self, attempt: Attempt, facts: ConnectFacts, verdict: ConnectVerdict) -> Admission:
        if verdict.outcome is Connect.PAIR:
            await self._pair(facts, verdict)
        issued: IssuedToken | None = None
        commands: tuple[str, ...] = ()
        if verdict.gives_token and verdict.ask is not None:
            record, issued = await self._greet(verdict.ask)
            if verdict.role is Role.NODE:
                record = await self._new_commands(verdict, record)
                commands = _usable(record, facts.commands, attempt.policy)
        by_secret = verdict.method in (AuthMethod.TOKEN, AuthMethod.PASSWORD)
        digest = secret_digest(attempt.secret) if by_secret else None
        return Admission(_peer(attempt, verdict, commands), digest, issued)

    async def _pair(self, facts: ConnectFacts, verdict: ConnectVerdict) -> None:
        ask, need = verdict.ask, verdict.need
        assert ask is not None
        assert need is not None
        if verdict.silent and await self._approve_silently(ask):
            return
        asked = await self._ask_operators(ask)
        known = None if facts.device is None else facts.device.record
        request_id = None if asked.request is None else asked.request.request_id
        self._quiet.line(logging.INFO, "pairing required (%s), device %s", need, ask.facts.device_id[:12])
        raise LoginRefused.of(pairing_required(need, ask, known, request_id))

    async def _approve_silently(self, ask: Ask) -> bool:
        done = await asyncio.to_thread(self._devices.admit_silently, ask)
        if done.outcome is not Outcome.ALLOW or done.request is None:
            return False
        device_id = ask.facts.device_id
        log.info("device %s approved without asking: it is local and knows the secret", device_id[:12])
        resolved = {"requestId": done.request.request_id, "deviceId": device_id, "decision": "approved"}
        self._announce("device.pair.resolved", {**resolved, "ts": self._clock.now_ms()})
        return True

    async def _ask_operators(self, ask: Ask) -> DeviceVerdict:
        asked = await asyncio.to_thread(lambda: self._devices.request(ask, silent=False))
        if asked.created and asked.request is not None:
            self._announce("device.pair.requested", write_pending(asked.request))
        return asked

    async def _greet(self, ask: Ask) -> tuple[PairedDevice, IssuedToken]:
        greeting, tried = await asyncio.to_thread(self._devices.hello, ask)
        if greeting.device is None or greeting.token is None:
            raise LoginRefused.of(Refusal(NOT_PAIRED, "pairing required"))
        if tried:
            changed = ", ".join(tried)
            log.warning("device %s claims another %s; the approved one counts", ask.facts.device_id[:12], changed)
        token = greeting.token
        return greeting.device, IssuedToken(token.token, token.rotated_at_ms or token.created_at_ms)

    async def _new_commands(self, verdict: ConnectVerdict, record: PairedDevice) -> PairedDevice:
        """Ask for commands that a node did not have when it was approved; it connects without them."""
        if not verdict.new_commands or verdict.ask is None:
            return record
        if verdict.silent and await self._approve_silently(verdict.ask):
            return await asyncio.to_thread(self._devices.get, record.facts.device_id) or record
        await self._ask_operators(verdict.ask)
        return record


def _usable(record: PairedDevice, commands: Iterable[str], policy: GatewayPolicy) -> tuple[str, ...]:
    platform = classify(record.facts.platform, record.facts.device_family)
    return usable(policy.nodes, NodeSurface(platform, declared_commands(commands), record.commands))


def _peer(attempt: Attempt, verdict: ConnectVerdict, commands: tuple[str, ...]) -> Peer:
    sent, address = attempt.params.client, attempt.request.address
    return Peer(
        conn_id=attempt.conn_id,
        protocol=attempt.protocol,
        client=Client(
            id=sent.id,
            mode=sent.mode,
            version=sent.version,
            platform=sent.platform,
            display_name=sent.display_name,
            device_family=sent.device_family,
            model_identifier=sent.model_identifier,
            instance_id=sent.instance_id,
        ),
        role=verdict.role,
        scopes=verdict.scopes,
        device_id=None if verdict.ask is None else verdict.ask.facts.device_id,
        auth_method="" if verdict.method is None else verdict.method.value,
        local=address.is_local,
        remote_address=address.client_ip,
        caps=frozenset(attempt.params.caps),
        commands=commands,
    )
