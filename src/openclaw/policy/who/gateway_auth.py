"""Who may open a connection: the decision procedure for `connect` (gateway.md 2.4), one pure function.

The caller gathers facts in an order that leaks nothing: it judges the origin and books the attempt before it compares
any secret, and leaves `shared` at NOT_COMPARED when either says no. Comparisons are made in constant time outside and
enter as results. A check is skipped only on the result of a completed verification, never because something was sent
(advisory A5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.where.node_commands import declared_commands
from openclaw.policy.where.scopes import Role, Scope, known_scopes
from openclaw.policy.who.connect_facts import AuthMethod, Connect, ConnectFacts, ConnectVerdict, DeviceClaim, Shared
from openclaw.policy.who.connect_refusals import (
    Refusal,
    Sent,
    control_ui_needs_device,
    device_required,
    invalid_role,
    origin_refused,
    proof_refused,
    unauthorized,
)
from openclaw.policy.who.device_pairing import ask_of, commands_need, may_be_silent, pairing_need
from openclaw.policy.who.device_records import Ask
from openclaw.policy.who.device_tokens import judge_device_token
from openclaw.policy.who.gateway_policy import AuthMode, GatewayPolicy
from openclaw.policy.who.origin import CONTROL_UI, Origin
from openclaw.policy.who.rate_limit import Credential

_UNBOUND_CLIENTS: Final = frozenset({("cli", "cli"), ("gateway-client", "backend")})
"""Clients without a device that keep their scopes, when they are local and no page (2.4 step 4, advisory B1)."""


@dataclass(frozen=True, slots=True)
class _Auth:
    """What the credentials of one connect amount to."""

    shared_ok: bool
    method: AuthMethod | None
    failure: str
    bypass: bool


def requested_scopes(role: str, scopes: Sequence[str] | None, protocol: int) -> tuple[Scope, ...]:
    """Return the scopes that a connect asks for (gateway.md 1.4).

    An empty list stays empty. Absent means a request for admin on a protocol-3 operator socket, and nothing elsewhere.
    Nodes have no scopes; texts that are no scope are not granted by anything.
    """
    if role != Role.OPERATOR:
        return ()
    if scopes is None:
        return (Scope.ADMIN,) if protocol == 3 else ()
    return known_scopes(scopes)


def credential_class(sent: Sent) -> Credential | None:
    """Return the class that an attempt is booked on; None when nothing was sent and nothing needs booking."""
    if sent.token or sent.password:
        return Credential.SHARED
    if sent.device_token:
        return Credential.DEVICE_TOKEN
    return Credential.BOOTSTRAP if sent.bootstrap else None


def decide_connect(facts: ConnectFacts, policy: GatewayPolicy) -> ConnectVerdict:
    """Decide one connect, in the order of gateway.md 2.4 steps 1 to 9."""
    if facts.role not in (Role.OPERATOR, Role.NODE):
        return _refused(invalid_role(), Reason("connect.role"))
    if facts.origin.outcome is Origin.REFUSED:
        return _refused(origin_refused(facts.origin.decided_by.detail), facts.origin.decided_by)
    if facts.throttle is not None and facts.throttle.outcome is not Outcome.ALLOW:
        refusal = unauthorized(
            "rate_limited",
            facts.client_id,
            facts.sent,
            has_device=facts.device is not None,
            retry_after_ms=facts.throttle.retry_after_ms,
        )
        return _refused(refusal, facts.throttle.decided_by)
    auth = _authenticate(facts, policy)
    if facts.device is None or (auth.bypass and policy.control_ui.disable_device_auth):
        verdict = _without_device(facts, auth)
    else:
        verdict = _with_device(facts, facts.device, policy, auth)
    return replace(verdict, failed=_failed(facts), proved=_proved(verdict, auth))


def _authenticate(facts: ConnectFacts, policy: GatewayPolicy) -> _Auth:
    """Steps 2 and 3: what the credentials amount to, before any device is looked at."""
    is_operator = facts.role == Role.OPERATOR
    shared_ok = facts.shared is Shared.MATCHED and policy.has_shared_secret
    switched = policy.control_ui.allow_insecure_auth or policy.control_ui.disable_device_auth
    method = None
    if shared_ok:
        method = AuthMethod.PASSWORD if policy.auth_mode is AuthMode.PASSWORD else AuthMethod.TOKEN
    if policy.auth_mode is AuthMode.TRUSTED_PROXY and _says_yes(facts.proxy):
        method = AuthMethod.TRUSTED_PROXY
    if policy.allow_tailscale and is_operator and _says_yes(facts.tailscale):
        method = AuthMethod.TAILSCALE
    bypass = switched and is_operator and facts.client_id == CONTROL_UI
    return _Auth(shared_ok, method, _failure(facts, policy), bypass)


def _says_yes(verdict: Verdict[Outcome] | None) -> bool:
    return verdict is not None and verdict.outcome is Outcome.ALLOW


def _failure(facts: ConnectFacts, policy: GatewayPolicy) -> str:
    """Return why the shared credentials opened nothing, in the words of the wire."""
    if policy.auth_mode is AuthMode.TRUSTED_PROXY:
        return "trusted_proxy_no_identity" if facts.proxy is None else facts.proxy.decided_by.rule
    kind = policy.auth_mode.value
    if not policy.has_shared_secret:
        return f"{kind}_missing_config" if facts.tailscale is None else facts.tailscale.decided_by.rule
    if facts.sent.token or facts.sent.password:
        return f"{kind}_mismatch"
    if facts.sent.device_token:
        return "device_token_mismatch"
    return "bootstrap_token_invalid" if facts.sent.bootstrap else f"{kind}_missing"


def _without_device(facts: ConnectFacts, auth: _Auth) -> ConnectVerdict:
    """Step 4."""
    if facts.client_id == CONTROL_UI and not auth.bypass:
        return _refused(control_ui_needs_device(), Reason("connect.control-ui-device"))
    if auth.shared_ok and facts.role == Role.OPERATOR:
        scopes = _unbound_scopes(facts, auth)
        reason = Reason("connect.shared-secret", "gateway.auth")
        return ConnectVerdict(Connect.ADMIT, (reason,), scopes=scopes, method=auth.method)
    if auth.method is None and facts.sent.any:
        refusal = unauthorized(auth.failure, facts.client_id, facts.sent, has_device=False)
        return _refused(refusal, Reason(auth.failure, "gateway.auth"))
    return _refused(device_required(), Reason("connect.device-required"))


def _unbound_scopes(facts: ConnectFacts, auth: _Auth) -> tuple[Scope, ...]:
    """Return the scopes of a client that no device stands for: what it asks only where it can be nobody else."""
    wanted = requested_scopes(facts.role, facts.scopes, facts.protocol)
    if auth.bypass:
        return wanted
    bound = (facts.client_id, facts.client_mode) in _UNBOUND_CLIENTS
    return wanted if bound and facts.address.is_local and facts.origin.outcome is Origin.ABSENT else ()


def _with_device(facts: ConnectFacts, device: DeviceClaim, policy: GatewayPolicy, auth: _Auth) -> ConnectVerdict:
    """Steps 5 to 9."""
    scopes = requested_scopes(facts.role, facts.scopes, facts.protocol)
    ask = ask_of(Ask(device.facts, facts.role, scopes, declared_commands(facts.commands)))
    if device.proof.outcome is not Outcome.ALLOW:
        return _refused(proof_refused(device.proof), device.proof.decided_by)
    method = auth.method
    if method is None:
        by_token = judge_device_token(device.record, ask, matches=device.matches)
        if by_token.outcome is not Outcome.ALLOW:
            return _no_credential(facts, auth, by_token)
        method = AuthMethod.DEVICE_TOKEN
    need = pairing_need(device.record, ask)
    if need is None:
        admitted = _admitted(facts, device, policy, auth, ask)
    elif auth.bypass and auth.shared_ok:
        admitted = ConnectVerdict(Connect.ADMIT, (Reason("connect.bypass", "gateway.controlUi"),))
    else:
        silent = _silent(facts, device, policy, auth, ask)
        reasons = (Reason(f"pairing.{need}", "devices/paired.json"), *silent.reasons)
        admitted = ConnectVerdict(Connect.PAIR, reasons, need=need, silent=silent.outcome is Outcome.ALLOW)
    return replace(
        admitted,
        role=Role(facts.role),
        scopes=known_scopes(ask.scopes),
        method=method,
        ask=ask,
        gives_token=need is None or admitted.outcome is Connect.PAIR,
    )


def _no_credential(facts: ConnectFacts, auth: _Auth, by_token: Verdict[Outcome]) -> ConnectVerdict:
    """Step 7: neither the shared secret nor a device token opened the connection."""
    scope_only = by_token.decided_by.rule == "device-token.scope"
    failure = "scope_mismatch" if scope_only else auth.failure
    refusal = unauthorized(failure, facts.client_id, facts.sent, has_device=True)
    return _refused(refusal, Reason(failure, "gateway.auth"))


def _admitted(facts: ConnectFacts, device: DeviceClaim, policy: GatewayPolicy, auth: _Auth, ask: Ask) -> ConnectVerdict:
    """Admit a device that needs no approval; commands that nobody approved yet are asked for."""
    paired = Reason("connect.paired", "devices/paired.json")
    asks = device.record is not None and commands_need(device.record, ask) is not None
    if not asks:
        return ConnectVerdict(Connect.ADMIT, (paired,))
    silent = _silent(facts, device, policy, auth, ask)
    return ConnectVerdict(
        Connect.ADMIT, (*silent.reasons, paired), new_commands=True, silent=silent.outcome is Outcome.ALLOW
    )


def _silent(facts: ConnectFacts, device: DeviceClaim, policy: GatewayPolicy, auth: _Auth, ask: Ask) -> Verdict[Outcome]:
    return may_be_silent(
        device.record,
        ask,
        local=facts.address.is_local,
        shared_ok=auth.shared_ok,
        origin=facts.origin.outcome,
        auto_approve_local=policy.auto_approve_local,
    )


def _failed(facts: ConnectFacts) -> Credential | None:
    """Return the class of a wrong credential: one that is nothing here, even where another identity opened (A18).

    A device token in `auth.token` is no wrong shared secret; a wrong one beside a right device token is.
    """
    if facts.shared is Shared.MATCHED:
        return None
    sent, device = facts.sent, facts.device
    if sent.password or (sent.token and not (device is not None and device.token_matches)):
        return Credential.SHARED
    if sent.device_token and not (device is not None and device.device_token_matches):
        return Credential.DEVICE_TOKEN
    return Credential.BOOTSTRAP if sent.bootstrap else None


def _proved(verdict: ConnectVerdict, auth: _Auth) -> Credential | None:
    if auth.shared_ok:
        return Credential.SHARED
    return Credential.DEVICE_TOKEN if verdict.method is AuthMethod.DEVICE_TOKEN else None


def _refused(refusal: Refusal, reason: Reason) -> ConnectVerdict:
    return ConnectVerdict(Connect.REFUSE, (reason,), refusal=refusal)
