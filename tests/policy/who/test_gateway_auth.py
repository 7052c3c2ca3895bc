"""The decision procedure for connect: gateway.md 2.4, advisories A5, A7, A8, A16, A17, A18, B1-B3, B10, B13."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.where.scopes import Role, Scope, closure
from openclaw.policy.who.client_address import ClientAddress
from openclaw.policy.who.connect_facts import AuthMethod, Connect, ConnectFacts, ConnectVerdict, DeviceClaim, Shared
from openclaw.policy.who.connect_refusals import DeviceProof, Sent, pairing_required
from openclaw.policy.who.device_pairing import Need
from openclaw.policy.who.gateway_auth import credential_class, decide_connect, requested_scopes
from openclaw.policy.who.gateway_policy import AuthMode, ControlUiPolicy, GatewayPolicy
from openclaw.policy.who.origin import CONTROL_UI, Origin
from openclaw.policy.who.rate_limit import Credential, Permit
from support.devices import (
    LOCAL,
    REMOTE,
    SIGNED,
    WITH_TOKEN,
    claim,
    connect,
    origin,
    paired,
)

TOKEN = Sent(token=True)
UI = (CONTROL_UI, "webchat")
NODE = ("node-host", "node")
INSECURE = replace(WITH_TOKEN, control_ui=ControlUiPolicy(allow_insecure_auth=True))
NO_DEVICE_AUTH = replace(WITH_TOKEN, control_ui=ControlUiPolicy(disable_device_auth=True))
TAILSCALE = GatewayPolicy(run_mode="local", allow_tailscale=True)
PROXY = GatewayPolicy(run_mode="local", auth_mode=AuthMode.TRUSTED_PROXY)
YES: Verdict[Outcome] = Verdict(Outcome.ALLOW, (Reason("yes"),))
WHOIS_FAILED: Verdict[Outcome] = Verdict(Outcome.DENY, (Reason("tailscale_whois_failed"),))
EXPIRED = DeviceProof(
    Outcome.DENY,
    (Reason("device-signature-stale"),),
    message="device signature expired",
    code="DEVICE_AUTH_SIGNATURE_EXPIRED",
    reason="device-signature-stale",
)


def good(**changes: object) -> ConnectFacts:
    """A local command line with the right token."""
    return replace(connect(sent=TOKEN, shared=Shared.MATCHED), **changes)  # type: ignore[arg-type]  # named fields


def bad(**changes: object) -> ConnectFacts:
    """The same with a wrong one."""
    return replace(connect(sent=TOKEN, shared=Shared.MISMATCHED), **changes)  # type: ignore[arg-type]  # named fields


def told(facts: ConnectFacts, policy: GatewayPolicy = WITH_TOKEN) -> tuple[str, str, object]:
    """Return code, message and details.code of a refusal."""
    verdict = decide_connect(facts, policy)
    assert verdict.outcome is Connect.REFUSE
    assert verdict.refusal is not None
    assert verdict.refusal.close_code == 1008
    assert len(verdict.refusal.close_reason.encode()) <= 120
    return verdict.refusal.code, verdict.refusal.message, verdict.refusal.details.get("code")


def scopes_of(verdict: ConnectVerdict) -> Sequence[Scope]:
    assert verdict.outcome is Connect.ADMIT, verdict
    return verdict.scopes


# Before step 1, and the scopes that a connect asks for


@pytest.mark.parametrize("role", ["", "admin", "Operator", "worker"])
def test_an_unknown_role_is_refused(role: str) -> None:
    assert told(good(role=role))[:2] == ("INVALID_REQUEST", "invalid role")


@pytest.mark.parametrize(
    ("role", "scopes", "protocol", "expected"),
    [
        ("operator", None, 3, (Scope.ADMIN,)),
        ("operator", None, 4, ()),
        ("operator", [], 3, ()),
        ("operator", [], 4, ()),
        ("operator", ["operator.read", "bogus"], 4, (Scope.READ,)),
        ("node", None, 3, ()),
        ("node", ["operator.admin"], 3, ()),
    ],
)
def test_absent_and_empty_scopes_differ(
    role: str, scopes: list[str] | None, protocol: int, expected: tuple[Scope, ...]
) -> None:
    assert requested_scopes(role, scopes, protocol) == expected


# Step 1


def test_adv_A8_a_foreign_page_is_refused_whatever_it_sends() -> None:
    text = (
        "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)"
    )
    for facts in (good(), good(device=claim(paired())), connect(), bad()):
        page = replace(facts, origin=origin(Origin.REFUSED))
        assert told(page) == ("INVALID_REQUEST", text, "CONTROL_UI_ORIGIN_NOT_ALLOWED")
        for policy in (TAILSCALE, PROXY, NO_DEVICE_AUTH):
            assert told(replace(page, tailscale=YES, proxy=YES), policy)[2] == "CONTROL_UI_ORIGIN_NOT_ALLOWED"


def test_adv_A7_a_refused_page_costs_no_attempt_and_no_comparison() -> None:
    verdict = decide_connect(bad(origin=origin(Origin.REFUSED), shared=Shared.NOT_COMPARED), WITH_TOKEN)
    assert (verdict.failed, verdict.proved) == (None, None)


# Throttle


def test_a_locked_client_is_refused_before_its_secret_counts() -> None:
    locked = Permit(Outcome.DENY, (Reason("rate.locked"),), client="1.2.3.4", retry_after_ms=1234)
    facts = good(throttle=locked, device=claim(paired()))
    code, message, detail = told(facts)
    assert (code, detail) == ("INVALID_REQUEST", "AUTH_RATE_LIMITED")
    assert message.startswith("unauthorized: too many failed authentication attempts (")
    refusal = decide_connect(facts, WITH_TOKEN).refusal
    assert refusal is not None
    assert (refusal.retryable, refusal.retry_after_ms) == (True, 1234)
    assert refusal.details["recommendedNextStep"] == "wait_then_retry"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (Sent(), None),
        (TOKEN, Credential.SHARED),
        (Sent(password=True, device_token=True), Credential.SHARED),
        (Sent(device_token=True, bootstrap=True), Credential.DEVICE_TOKEN),
        (Sent(bootstrap=True), Credential.BOOTSTRAP),
    ],
)
def test_the_class_that_an_attempt_is_booked_on(sent: Sent, expected: Credential | None) -> None:
    assert credential_class(sent) is expected


# Step 4: without a device


def test_a_control_ui_without_device_needs_a_secure_context() -> None:
    expected = (
        "INVALID_REQUEST",
        "control ui requires device identity (use HTTPS or localhost secure context)",
        "CONTROL_UI_DEVICE_IDENTITY_REQUIRED",
    )
    page = {"client_id": UI[0], "client_mode": UI[1], "origin": origin(Origin.OWN)}
    assert told(good(**page)) == expected
    assert told(bad(**page)) == expected


@pytest.mark.parametrize("policy", [INSECURE, NO_DEVICE_AUTH])
@pytest.mark.parametrize("address", [LOCAL, REMOTE])
def test_a_switch_lets_the_control_ui_in_with_the_secret(policy: GatewayPolicy, address: ClientAddress) -> None:
    page = connect(client=UI, page=Origin.OWN, sent=TOKEN, shared=Shared.MATCHED, address=address)
    assert scopes_of(decide_connect(page, policy)) == (Scope.ADMIN,)
    assert told(replace(page, shared=Shared.MISMATCHED), policy)[2] == "AUTH_TOKEN_MISMATCH"
    assert told(replace(page, sent=Sent(), shared=Shared.NOT_COMPARED), policy)[2] == "DEVICE_IDENTITY_REQUIRED"


def test_adv_B13_the_switch_is_for_operators_of_the_control_ui_alone() -> None:
    for policy in (INSECURE, NO_DEVICE_AUTH):
        node = connect(client=UI, role="node", page=Origin.OWN, sent=TOKEN, shared=Shared.MATCHED)
        assert told(node, policy)[2] == "CONTROL_UI_DEVICE_IDENTITY_REQUIRED"
        other = connect(client=("webchat-ui", "webchat"), page=Origin.OWN, sent=TOKEN, shared=Shared.MATCHED)
        assert scopes_of(decide_connect(other, policy)) == ()
        paired_node = decide_connect(replace(node, device=claim(paired())), policy)
        assert (paired_node.outcome, paired_node.need) == (Connect.PAIR, Need.ROLE_UPGRADE)


@pytest.mark.parametrize(
    ("client", "address", "page", "kept"),
    [
        (("cli", "cli"), LOCAL, Origin.ABSENT, True),
        (("gateway-client", "backend"), LOCAL, Origin.ABSENT, True),
        (("cli", "cli"), REMOTE, Origin.ABSENT, False),
        (("gateway-client", "backend"), REMOTE, Origin.ABSENT, False),
        (("cli", "cli"), LOCAL, Origin.OWN, False),
        (("cli", "cli"), LOCAL, Origin.LISTED, False),
        (("gateway-client", "backend"), LOCAL, Origin.OWN, False),
        (("cli", "probe"), LOCAL, Origin.ABSENT, False),
        (("gateway-client", "cli"), LOCAL, Origin.ABSENT, False),
        (("webchat-ui", "webchat"), LOCAL, Origin.OWN, False),
        (("test", "test"), LOCAL, Origin.ABSENT, False),
    ],
)
@pytest.mark.parametrize("protocol", [3, 4])
def test_adv_B1_a_client_without_device_keeps_its_scopes_only_where_it_can_be_nobody_else(
    client: tuple[str, str], address: ClientAddress, page: Origin, protocol: int, *, kept: bool
) -> None:
    facts = connect(client=client, address=address, page=page, protocol=protocol, sent=TOKEN, shared=Shared.MATCHED)
    verdict = decide_connect(facts, WITH_TOKEN)
    assert scopes_of(verdict) == ((Scope.ADMIN,) if kept else ())
    assert verdict.method is AuthMethod.TOKEN
    assert (verdict.ask, verdict.gives_token) == (None, False)


def test_a_node_always_needs_a_device() -> None:
    node = connect(client=NODE, role="node", scopes=[], sent=TOKEN, shared=Shared.MATCHED)
    assert told(node) == ("NOT_PAIRED", "device identity required", "DEVICE_IDENTITY_REQUIRED")


def test_nothing_sent_asks_for_a_device() -> None:
    assert told(connect()) == ("NOT_PAIRED", "device identity required", "DEVICE_IDENTITY_REQUIRED")


def test_adv_A5_a_token_that_is_present_but_wrong_skips_nothing() -> None:
    wrong = told(bad())
    assert wrong[0] == "INVALID_REQUEST"
    assert wrong[2] == "AUTH_TOKEN_MISMATCH"
    for client in (("cli", "cli"), ("gateway-client", "backend"), ("test", "test")):
        assert told(bad(client_id=client[0], client_mode=client[1]))[2] == "AUTH_TOKEN_MISMATCH"
    with_device = bad(device=claim(paired(scopes=[Scope.ADMIN])))
    assert told(with_device)[2] == "AUTH_TOKEN_MISMATCH"


# Step 5


def test_a_bad_signature_is_refused_whatever_was_sent() -> None:
    for facts in (good(), bad(), connect(), good(tailscale=YES)):
        broken = replace(facts, device=claim(paired(), proof=EXPIRED, token=True))
        assert told(broken) == ("INVALID_REQUEST", "device signature expired", "DEVICE_AUTH_SIGNATURE_EXPIRED")


def test_a_bad_device_is_ignored_only_with_the_switch() -> None:
    page = connect(client=UI, page=Origin.OWN, sent=TOKEN, shared=Shared.MATCHED, device=claim(paired(), proof=EXPIRED))
    assert decide_connect(page, NO_DEVICE_AUTH).outcome is Connect.ADMIT
    assert told(page, INSECURE)[2] == "DEVICE_AUTH_SIGNATURE_EXPIRED"
    assert told(replace(page, client_id="cli"), NO_DEVICE_AUTH)[2] == "DEVICE_AUTH_SIGNATURE_EXPIRED"


# Steps 6 and 7


@pytest.mark.parametrize("field", ["token", "device_token"])
def test_a_device_token_opens_for_its_device(field: str) -> None:
    facts = connect(
        scopes=[Scope.READ],
        address=REMOTE,
        sent=Sent(token=field == "token", device_token=field == "device_token"),
        shared=Shared.MISMATCHED if field == "token" else Shared.NOT_COMPARED,
        device=claim(paired(), token=field == "token", device_token=field == "device_token"),
    )
    verdict = decide_connect(facts, WITH_TOKEN)
    assert scopes_of(verdict) == (Scope.READ,)
    assert verdict.method is AuthMethod.DEVICE_TOKEN
    assert verdict.gives_token
    assert (verdict.failed, verdict.proved) == (None, Credential.DEVICE_TOKEN)


def test_adv_B10_a_revoked_device_token_opens_nothing() -> None:
    facts = bad(scopes=[Scope.READ], device=claim(paired(revoked=True), token=True))
    assert told(facts)[2] == "AUTH_TOKEN_MISMATCH"


def test_a_device_token_alone_never_widens() -> None:
    facts = bad(scopes=[Scope.ADMIN], device=claim(paired(scopes=[Scope.READ]), token=True))
    _, message, detail = told(facts)
    assert message.startswith("unauthorized: device token does not cover the requested scopes (")
    assert detail == "AUTH_SCOPE_MISMATCH"


PASSWORD_MODE = GatewayPolicy(run_mode="local", auth_mode=AuthMode.PASSWORD, has_password=True)
NO_SECRET = GatewayPolicy(run_mode="local", auth_mode=AuthMode.PASSWORD)


@pytest.mark.parametrize(
    ("facts", "policy", "start", "code", "step"),
    [
        (bad(), WITH_TOKEN, "gateway token mismatch (", "AUTH_TOKEN_MISMATCH", "update_auth_credentials"),
        (
            bad(device=claim()),
            WITH_TOKEN,
            "gateway token mismatch (",
            "AUTH_TOKEN_MISMATCH",
            "retry_with_device_token",
        ),
        (
            connect(device=claim()),
            WITH_TOKEN,
            "gateway token missing (",
            "AUTH_TOKEN_MISSING",
            "update_auth_configuration",
        ),
        (bad(), PASSWORD_MODE, "gateway password mismatch (", "AUTH_PASSWORD_MISMATCH", "update_auth_credentials"),
        (
            connect(device=claim()),
            PASSWORD_MODE,
            "gateway password missing (",
            "AUTH_PASSWORD_MISSING",
            "update_auth_configuration",
        ),
        (
            bad(shared=Shared.NOT_COMPARED),
            NO_SECRET,
            "gateway password not configured on the gateway (",
            "AUTH_PASSWORD_NOT_CONFIGURED",
            "update_auth_configuration",
        ),
        (
            bad(shared=Shared.NOT_COMPARED),
            TAILSCALE,
            "gateway token not configured on the gateway (",
            "AUTH_TOKEN_NOT_CONFIGURED",
            "update_auth_configuration",
        ),
        (
            bad(shared=Shared.NOT_COMPARED, tailscale=WHOIS_FAILED),
            TAILSCALE,
            "tailscale identity check failed (",
            "AUTH_TAILSCALE_WHOIS_FAILED",
            "review_auth_configuration",
        ),
        (
            connect(sent=Sent(device_token=True), device=claim()),
            WITH_TOKEN,
            "device token mismatch (",
            "AUTH_DEVICE_TOKEN_MISMATCH",
            "update_auth_credentials",
        ),
        (
            connect(sent=Sent(bootstrap=True)),
            WITH_TOKEN,
            "bootstrap token invalid (",
            "AUTH_BOOTSTRAP_TOKEN_INVALID",
            "review_auth_configuration",
        ),
        (
            connect(sent=TOKEN, device=claim()),
            PROXY,
            "no accepted identity (",
            "AUTH_UNAUTHORIZED",
            "review_auth_configuration",
        ),
    ],
)
def test_why_no_credential_opened(facts: ConnectFacts, policy: GatewayPolicy, start: str, code: str, step: str) -> None:
    wire, message, detail = told(facts, policy)
    assert (wire, detail) == ("INVALID_REQUEST", code)
    assert message.startswith(f"unauthorized: {start}")
    refusal = decide_connect(facts, policy).refusal
    assert refusal is not None
    assert refusal.details["recommendedNextStep"] == step
    assert refusal.details["canRetryWithDeviceToken"] == (step == "retry_with_device_token")


@pytest.mark.parametrize(
    ("client", "words"),
    [
        ("cli", "gateway.remote.token"),
        (CONTROL_UI, "settings"),
        ("node-host", "give the gateway's token"),
    ],
)
def test_the_hint_depends_on_the_client(client: str, words: str) -> None:
    mode = "webchat" if client == CONTROL_UI else "cli"
    facts = bad(client_id=client, client_mode=mode, device=claim(), origin=origin(Origin.OWN))
    assert words in told(facts)[1]


def test_the_secret_of_the_mode_may_come_in_either_field() -> None:
    for sent in (TOKEN, Sent(password=True)):
        facts = good(sent=sent)
        assert decide_connect(facts, WITH_TOKEN).method is AuthMethod.TOKEN
        assert decide_connect(facts, PASSWORD_MODE).method is AuthMethod.PASSWORD


def test_a_match_counts_only_where_a_secret_exists() -> None:
    assert told(good(), NO_SECRET)[2] == "AUTH_PASSWORD_NOT_CONFIGURED"


# Identities of a proxy


def test_adv_A16_a_tailscale_identity_opens_for_operators_with_a_device() -> None:
    facts = connect(address=REMOTE, device=claim(paired(scopes=[Scope.ADMIN])))
    facts = replace(facts, tailscale=YES)
    verdict = decide_connect(facts, TAILSCALE)
    assert scopes_of(verdict) == (Scope.ADMIN,)
    assert verdict.method is AuthMethod.TAILSCALE
    node = replace(facts, role="node", scopes=[])
    assert told(node, TAILSCALE)[0] == "INVALID_REQUEST"
    assert told(replace(facts, device=None), TAILSCALE)[2] == "DEVICE_IDENTITY_REQUIRED"
    assert told(facts, WITH_TOKEN)[2] == "AUTH_TOKEN_MISSING"


def test_adv_A17_a_proxy_identity_skips_no_pairing() -> None:
    for policy, facts in (
        (TAILSCALE, replace(connect(device=claim()), tailscale=YES)),
        (PROXY, replace(connect(device=claim()), proxy=YES)),
    ):
        verdict = decide_connect(facts, policy)
        assert (verdict.outcome, verdict.need, verdict.silent) == (Connect.PAIR, Need.NOT_PAIRED, False)


def test_a_proxy_identity_counts_in_its_mode_alone() -> None:
    facts = replace(connect(device=claim(paired(scopes=[Scope.ADMIN]))), proxy=YES)
    assert decide_connect(facts, PROXY).method is AuthMethod.TRUSTED_PROXY
    assert told(facts, WITH_TOKEN)[2] == "AUTH_TOKEN_MISSING"
    refused = Verdict(Outcome.DENY, (Reason("trusted_proxy_untrusted_source"),))
    assert told(replace(facts, proxy=refused), PROXY)[2] == "AUTH_UNAUTHORIZED"


# Step 8


@pytest.mark.parametrize(
    ("record", "role", "scopes", "need", "quiet"),
    [
        (None, "operator", [Scope.ADMIN], Need.NOT_PAIRED, True),
        (None, "node", [], Need.NOT_PAIRED, True),
        (paired(), "node", [], Need.ROLE_UPGRADE, True),
        (paired(), "operator", [Scope.ADMIN], Need.SCOPE_UPGRADE, False),
        (paired(revoked=True), "operator", [Scope.READ], Need.ROLE_UPGRADE, False),
    ],
)
def test_when_a_device_waits_for_approval(
    record: object, role: str, scopes: list[Scope], need: Need, *, quiet: bool
) -> None:
    assert record is None or hasattr(record, "roles")
    facts = good(role=role, scopes=scopes, device=claim(record))  # type: ignore[arg-type]  # of the table
    verdict = decide_connect(facts, WITH_TOKEN)
    assert (verdict.outcome, verdict.need, verdict.silent) == (Connect.PAIR, need, quiet)
    assert verdict.gives_token
    assert verdict.role == role
    for other in (
        replace(facts, address=REMOTE),
        replace(facts, origin=origin(Origin.LISTED)),
    ):
        assert not decide_connect(other, WITH_TOKEN).silent
    assert not decide_connect(facts, replace(WITH_TOKEN, auto_approve_local=False)).silent


def test_adv_B3_a_scope_upgrade_waits_even_on_this_machine() -> None:
    facts = good(scopes=[Scope.READ, Scope.ADMIN], device=claim(paired(scopes=[Scope.READ])))
    verdict = decide_connect(facts, WITH_TOKEN)
    assert (verdict.need, verdict.silent) == (Need.SCOPE_UPGRADE, False)
    assert verdict.ask is not None
    refusal = pairing_required(Need.SCOPE_UPGRADE, verdict.ask, paired(scopes=[Scope.READ]), "req-1")
    assert (refusal.code, refusal.message, refusal.close_reason) == (
        "NOT_PAIRED",
        "pairing required",
        "pairing required",
    )
    assert refusal.details["code"] == "PAIRING_REQUIRED"
    assert refusal.details["reason"] == "scope-upgrade"
    assert refusal.details["requestId"] == "req-1"
    assert refusal.details["approvedScopes"] == (Scope.READ,)
    assert refusal.details["requestedScopes"] == (Scope.READ, Scope.ADMIN)


def test_a_refusal_says_only_what_there_is() -> None:
    verdict = decide_connect(good(address=REMOTE, device=claim()), WITH_TOKEN)
    assert verdict.ask is not None
    details = pairing_required(Need.NOT_PAIRED, verdict.ask, None, None).details
    assert not {"requestId", "approvedRoles", "approvedScopes"} & set(details)


def test_an_admin_device_has_every_operator_scope() -> None:
    facts = good(scopes=[Scope.ADMIN, Scope.APPROVALS, Scope.PAIRING], device=claim(paired(scopes=[Scope.ADMIN])))
    assert scopes_of(decide_connect(facts, WITH_TOKEN)) == (Scope.ADMIN, Scope.APPROVALS, Scope.PAIRING)


def test_adv_B2_a_fresh_device_from_elsewhere_waits() -> None:
    verdict = decide_connect(good(address=REMOTE, device=claim()), WITH_TOKEN)
    assert (verdict.outcome, verdict.silent) == (Connect.PAIR, False)


@pytest.mark.parametrize("policy", [INSECURE])
def test_a_switch_skips_pairing_only_with_the_secret(policy: GatewayPolicy) -> None:
    page = connect(client=UI, page=Origin.OWN, address=REMOTE, sent=TOKEN, shared=Shared.MATCHED, device=claim())
    skipped = decide_connect(page, policy)
    assert scopes_of(skipped) == (Scope.ADMIN,)
    assert not skipped.gives_token
    assert skipped.reasons == (Reason("connect.bypass", "gateway.controlUi"),)
    known = decide_connect(replace(page, scopes=("operator.read",), device=claim(paired())), policy)
    assert (known.reasons, known.gives_token) == ((Reason("connect.paired", "devices/paired.json"),), True)
    tailscale = replace(page, sent=Sent(), shared=Shared.NOT_COMPARED, tailscale=YES)
    assert decide_connect(tailscale, replace(policy, allow_tailscale=True)).outcome is Connect.PAIR


def test_adv_B10_commands_that_nobody_approved_are_asked_for() -> None:
    node = paired(roles=["node"], scopes=(), commands=("camera.list",))
    facts = good(
        client_id="node-host", client_mode="node", role="node", scopes=[], device=claim(node), commands=("camera.list",)
    )
    same = decide_connect(facts, WITH_TOKEN)
    assert (same.outcome, same.new_commands, same.silent) == (Connect.ADMIT, False, False)
    harmless = decide_connect(replace(facts, commands=("camera.list", "canvas.present")), WITH_TOKEN)
    assert (harmless.new_commands, harmless.silent) == (True, True)
    dangerous = decide_connect(replace(facts, commands=("camera.list", "system.run")), WITH_TOKEN)
    assert (dangerous.outcome, dangerous.new_commands, dangerous.silent) == (Connect.ADMIT, True, False)
    assert not decide_connect(replace(facts, commands=("x",), address=REMOTE), WITH_TOKEN).silent


# Throttle classes


@pytest.mark.parametrize(
    ("sent", "shared", "device", "failed", "proved"),
    [
        (TOKEN, Shared.MATCHED, None, None, Credential.SHARED),
        (TOKEN, Shared.MISMATCHED, None, Credential.SHARED, None),
        (Sent(password=True), Shared.MISMATCHED, None, Credential.SHARED, None),
        (Sent(device_token=True), Shared.NOT_COMPARED, claim(paired()), Credential.DEVICE_TOKEN, None),
        (Sent(bootstrap=True), Shared.NOT_COMPARED, None, Credential.BOOTSTRAP, None),
        (Sent(), Shared.NOT_COMPARED, None, None, None),
        (TOKEN, Shared.MISMATCHED, claim(paired(), token=True), None, Credential.DEVICE_TOKEN),
        (
            Sent(token=True, device_token=True),
            Shared.MISMATCHED,
            claim(paired(), device_token=True),
            Credential.SHARED,
            Credential.DEVICE_TOKEN,
        ),
        (
            Sent(token=True, password=True),
            Shared.MISMATCHED,
            claim(paired(), token=True),
            Credential.SHARED,
            Credential.DEVICE_TOKEN,
        ),
        (Sent(token=True, device_token=True), Shared.MATCHED, claim(paired()), None, Credential.SHARED),
    ],
)
def test_adv_A18_a_right_identity_does_not_hide_a_wrong_secret(
    sent: Sent, shared: Shared, device: DeviceClaim | None, failed: Credential | None, proved: Credential | None
) -> None:
    verdict = decide_connect(connect(scopes=[Scope.READ], sent=sent, shared=shared, device=device), WITH_TOKEN)
    assert (verdict.failed, verdict.proved) == (failed, proved)


def test_adv_A18_guessing_beside_a_tailscale_identity_counts() -> None:
    policy = replace(WITH_TOKEN, allow_tailscale=True)
    verdict = decide_connect(bad(tailscale=YES, device=claim(paired(scopes=[Scope.ADMIN]))), policy)
    assert (verdict.outcome, verdict.failed) == (Connect.ADMIT, Credential.SHARED)


# Properties

SCOPE_LISTS = st.none() | st.lists(st.sampled_from([*Scope, "bogus"]), max_size=4)
RECORDS = st.none() | st.builds(
    paired,
    roles=st.sampled_from([("operator",), ("node",), ("node", "operator")]),
    scopes=st.lists(st.sampled_from(list(Scope)), unique=True, max_size=3),
    revoked=st.booleans(),
)
FACTS = st.builds(
    connect,
    client=st.sampled_from([("cli", "cli"), ("gateway-client", "backend"), UI, NODE, ("test", "test")]),
    protocol=st.sampled_from([3, 4]),
    role=st.sampled_from(["operator", "node", "other"]),
    scopes=SCOPE_LISTS,
    page=st.sampled_from(list(Origin)),
    address=st.sampled_from([LOCAL, REMOTE]),
    sent=st.builds(Sent, token=st.booleans(), password=st.booleans(), device_token=st.booleans()),
    shared=st.sampled_from(list(Shared)),
    device=st.none()
    | st.builds(
        claim,
        RECORDS,
        proof=st.sampled_from([SIGNED, EXPIRED]),
        token=st.booleans(),
        device_token=st.booleans(),
    ),
    commands=st.sampled_from([(), ("system.run",), ("camera.list",)]),
)
IDENTITIES = st.sampled_from([None, YES, WHOIS_FAILED])
POLICIES = st.sampled_from([WITH_TOKEN, INSECURE, NO_DEVICE_AUTH, TAILSCALE, PROXY, PASSWORD_MODE, NO_SECRET])


@given(FACTS, IDENTITIES, IDENTITIES, POLICIES)
@settings(max_examples=500)
def test_nobody_gets_in_without_proof_nor_beyond_what_was_asked_and_approved(
    facts: ConnectFacts,
    tailscale: Verdict[Outcome] | None,
    proxy: Verdict[Outcome] | None,
    policy: GatewayPolicy,
) -> None:
    facts = replace(facts, tailscale=tailscale, proxy=proxy)
    verdict = decide_connect(facts, policy)
    assert verdict.reasons
    assert (verdict.refusal is None) == (verdict.outcome is not Connect.REFUSE)
    if verdict.outcome is Connect.REFUSE:
        assert verdict.scopes == ()
        return
    device = facts.device
    shared = facts.shared is Shared.MATCHED and policy.has_shared_secret
    assert facts.origin.outcome is not Origin.REFUSED
    assert set(verdict.scopes) <= set(requested_scopes(facts.role, facts.scopes, facts.protocol))
    assert verdict.role == facts.role
    match verdict.method:
        case AuthMethod.TOKEN | AuthMethod.PASSWORD:
            assert shared
        case AuthMethod.TAILSCALE:
            assert tailscale is YES
            assert policy.allow_tailscale
            assert facts.role == Role.OPERATOR
        case AuthMethod.TRUSTED_PROXY:
            assert proxy is YES
            assert policy.auth_mode is AuthMode.TRUSTED_PROXY
        case AuthMethod.DEVICE_TOKEN:
            assert device is not None
            assert device.matches
            assert device.record is not None
            assert not device.record.revoked(facts.role)
        case None:
            pytest.fail("admitted by nothing")
    if facts.role == Role.NODE:
        assert device is not None
        assert device.proof is SIGNED
        assert verdict.scopes == ()
    switched = policy in (INSECURE, NO_DEVICE_AUTH) and facts.client_id == CONTROL_UI and shared
    if device is not None and verdict.outcome is Connect.ADMIT and not switched:
        assert device.record is not None
        assert set(verdict.scopes) <= closure(device.record.scopes)
        assert not device.record.revoked(facts.role)
    if verdict.silent:
        assert shared
        assert facts.address.is_local
        assert facts.origin.outcome in (Origin.ABSENT, Origin.OWN)


@given(FACTS, POLICIES)
@settings(max_examples=200)
def test_adv_A17_being_elsewhere_never_gives_more(facts: ConnectFacts, policy: GatewayPolicy) -> None:
    here = decide_connect(replace(facts, address=LOCAL), policy)
    there = decide_connect(replace(facts, address=REMOTE), policy)
    assert set(there.scopes) <= set(here.scopes)
    assert here.silent or not there.silent
