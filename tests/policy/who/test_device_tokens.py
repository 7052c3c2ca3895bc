"""Device tokens: gateway.md 2.4 steps 6 and 9, 3.11, advisories B4, B10, B11, B14."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.where.scopes import Scope, closure
from openclaw.policy.who.device_pairing import approve_device, request_pairing
from openclaw.policy.who.device_records import Caller, Devices, DeviceVerdict, PairedDevice
from openclaw.policy.who.device_tokens import (
    judge_device_token,
    refresh,
    remove_device,
    revoke_token,
    rotate_token,
    token_for,
)
from support.devices import ADMIN, NOW, ask, device_facts, holding, paired

SCOPES = st.lists(st.sampled_from(list(Scope)), unique=True, max_size=4).map(tuple)


def rotate(
    state: Devices,
    scopes: tuple[str, ...] | None = None,
    *,
    by: Caller = ADMIN,
    device: str = "dev-a",
    role: str = "operator",
) -> DeviceVerdict:
    return rotate_token(state, device, role, scopes, by=by, fresh_token="fresh", now_ms=NOW)


def issue(state: Devices, scopes: tuple[str, ...] = (), role: str = "operator") -> DeviceVerdict:
    return token_for(state, "dev-a", role=role, scopes=scopes, fresh_token="fresh", now_ms=NOW)


@pytest.mark.parametrize(
    ("record", "scopes", "matches", "rule"),
    [
        (paired(), [Scope.READ], True, "device-token.ok"),
        (paired(), [], True, "device-token.ok"),
        (paired(scopes=[Scope.ADMIN]), list(Scope), True, "device-token.ok"),
        (paired(), [Scope.WRITE], True, "device-token.scope"),
        (paired(), [Scope.READ], False, "device-token.mismatch"),
        (paired(revoked=True), [Scope.READ], True, "device-token.revoked"),
        (paired(token=None), [Scope.READ], True, "device-token.unknown"),
        (None, [Scope.READ], True, "device-token.unknown"),
        (replace(paired(), facts=device_facts(key="other")), [Scope.READ], True, "device-token.unknown"),
        (replace(paired(), roles=("node",)), [Scope.READ], True, "device-token.revoked"),
    ],
)
def test_when_a_device_token_opens(
    record: PairedDevice | None, scopes: list[Scope], rule: str, *, matches: bool
) -> None:
    verdict = judge_device_token(record, ask(scopes=scopes), matches=matches)
    assert verdict.decided_by.rule == rule
    assert (verdict.outcome is Outcome.ALLOW) == (rule == "device-token.ok")


def test_a_token_of_another_role_opens_nothing() -> None:
    verdict = judge_device_token(paired(), ask(role="node"), matches=True)
    assert verdict.decided_by.rule == "device-token.unknown"


def test_a_live_token_that_covers_the_request_is_kept() -> None:
    kept = issue(holding(paired(scopes=[Scope.ADMIN])), (Scope.READ,))
    assert kept.token is not None
    assert kept.token.token == "device-token-text/operator"
    assert kept.token.last_used_at_ms == NOW


def test_a_token_that_does_not_cover_the_request_is_replaced_by_a_wider_one() -> None:
    before = paired(scopes=[Scope.READ, Scope.PAIRING])
    narrow = replace(before.tokens["operator"], scopes=(Scope.READ,))
    state = holding(replace(before, tokens=MappingProxyType({"operator": narrow})))
    made = issue(state, (Scope.PAIRING,))
    assert made.token is not None
    assert (made.token.token, made.token.scopes) == ("fresh", (Scope.PAIRING, Scope.READ))
    assert made.token.rotated_at_ms == NOW


@pytest.mark.parametrize(
    ("record", "scopes", "role"),
    [
        (paired(), (Scope.WRITE,), "operator"),
        (paired(), (), "node"),
        (paired(revoked=True), (), "operator"),
    ],
)
def test_no_token_beyond_the_approval(record: PairedDevice, scopes: tuple[Scope, ...], role: str) -> None:
    verdict = issue(holding(record), scopes, role)
    assert (verdict.outcome, verdict.token) == (Outcome.DENY, None)


@given(SCOPES, SCOPES, SCOPES)
@settings(max_examples=100)
def test_issued_tokens_stay_within_the_approval(
    approved: tuple[Scope, ...], held: tuple[Scope, ...], wanted: tuple[Scope, ...]
) -> None:
    before = paired(scopes=approved)
    corrupt = replace(before.tokens["operator"], scopes=held)
    made = issue(holding(replace(before, tokens=MappingProxyType({"operator": corrupt}))), wanted)
    if made.token is not None and made.token.token == "fresh":
        assert closure(made.token.scopes) <= closure(approved)
        assert set(wanted) <= closure(made.token.scopes)


def test_a_rotated_token_was_never_used() -> None:
    used = issue(holding(paired()))
    assert used.token is not None
    assert used.token.last_used_at_ms == NOW
    rotated = rotate(used.state)
    assert rotated.token is not None
    assert (rotated.token.rotated_at_ms, rotated.token.last_used_at_ms) == (NOW, None)


def test_adv_B4_the_secret_goes_to_its_own_device_alone() -> None:
    own = rotate(holding(paired()), by=Caller((Scope.READ, Scope.PAIRING), "dev-a"))
    assert own.reveal
    assert own.cut == (("dev-a", "operator"),)
    foreign = rotate(holding(paired()))
    assert foreign.outcome is Outcome.ALLOW
    assert not foreign.reveal


def test_adv_B4_a_pairing_client_cannot_rotate_another_device_or_role() -> None:
    state = holding(paired(roles=["operator", "node"], scopes=[Scope.ADMIN]))
    for by, role in (
        (Caller((Scope.PAIRING,), "dev-b"), "operator"),
        (Caller((Scope.PAIRING,)), "operator"),
        (Caller((Scope.PAIRING,), "dev-a"), "node"),
    ):
        refused = rotate(state, by=by, role=role)
        assert (refused.missing, refused.state) == (Scope.ADMIN, state)


def test_adv_B4_rotation_makes_no_role() -> None:
    assert rotate(holding(paired()), role="node").message == "unknown deviceId/role"
    assert rotate(holding(paired()), device="dev-x").message == "unknown deviceId/role"


def test_rotation_revives_nothing() -> None:
    state = holding(paired(revoked=True))
    assert rotate(state).message == "unknown deviceId/role"


@given(SCOPES, SCOPES, st.none() | SCOPES)
@settings(max_examples=120)
def test_adv_B4_a_minted_token_is_within_caller_and_device(
    caller: tuple[Scope, ...], device: tuple[Scope, ...], wanted: tuple[Scope, ...] | None
) -> None:
    state = holding(paired(scopes=device))
    done = rotate(state, wanted, by=Caller(caller, "dev-a"))
    if done.outcome is Outcome.DENY:
        assert done.state == state
        return
    assert done.token is not None
    assert set(done.token.scopes) <= closure(caller) & closure(device)
    if wanted is not None:
        assert set(done.token.scopes) == set(wanted)


def test_adv_B14_an_empty_scope_list_means_no_scopes() -> None:
    done = rotate(holding(paired(scopes=[Scope.ADMIN])), ())
    assert done.token is not None
    assert done.token.scopes == ()


def test_rotation_refuses_a_scope_that_does_not_exist() -> None:
    assert rotate(holding(paired()), ("operator.root",)).message == "unknown scope: operator.root"


def test_a_revocation_keeps_its_first_time_and_cuts_the_role() -> None:
    first = revoke_token(holding(paired()), "dev-a", "operator", by=ADMIN, now_ms=NOW)
    again = revoke_token(first.state, "dev-a", "operator", by=ADMIN, now_ms=NOW + 5)
    assert first.cut == again.cut == (("dev-a", "operator"),)
    assert again.device is not None
    assert again.device.tokens["operator"].revoked_at_ms == NOW
    assert revoke_token(first.state, "dev-a", "node", by=ADMIN, now_ms=NOW).message == "unknown deviceId/role"


def test_adv_B14_devices_are_managed_by_themselves_or_an_admin() -> None:
    state = holding(paired("dev-a"), paired("dev-b"))
    pairing = Caller((Scope.PAIRING,), "dev-a")
    assert revoke_token(state, "dev-b", "operator", by=pairing, now_ms=NOW).missing is Scope.ADMIN
    assert remove_device(state, "dev-b", by=pairing).missing is Scope.ADMIN
    assert remove_device(state, "dev-x", by=pairing).missing is Scope.ADMIN
    assert revoke_token(state, "dev-a", "operator", by=pairing, now_ms=NOW).outcome is Outcome.ALLOW
    gone = remove_device(state, "dev-a", by=pairing)
    assert (set(gone.state.paired), gone.cut) == ({"dev-b"}, (("dev-a", None),))
    assert remove_device(state, "dev-x", by=ADMIN).message == "unknown deviceId"


def test_removal_takes_waiting_requests_along() -> None:
    state = request_pairing(holding(paired()), ask(role="node"), silent=False, request_id="r", now_ms=NOW).state
    assert not remove_device(state, "dev-a", by=ADMIN).state.pending


def test_adv_B11_platform_and_family_stay_as_approved() -> None:
    claims = replace(device_facts(platform="ios"), device_family="iPad", display_name="New", remote_ip="192.0.2.9")
    after, tried = refresh(paired(), replace(ask(), facts=claims))
    assert tried == ("platform", "deviceFamily")
    assert (after.facts.platform, after.facts.device_family) == ("linux", None)
    assert (after.facts.display_name, after.facts.remote_ip) == ("New", "192.0.2.9")
    assert refresh(paired(), ask())[1] == ()


OPERATIONS = st.lists(
    st.tuples(st.sampled_from(["rotate", "issue", "connect", "silent", "revoke"]), SCOPES), min_size=1, max_size=12
)


@given(OPERATIONS)
@settings(max_examples=100)
def test_adv_B10_only_an_operators_approval_ends_a_revocation(steps: list[tuple[str, tuple[Scope, ...]]]) -> None:
    state = revoke_token(holding(paired(scopes=[Scope.ADMIN])), "dev-a", "operator", by=ADMIN, now_ms=NOW).state
    for action, scopes in steps:
        match action:
            case "rotate":
                state = rotate(state, scopes).state
            case "issue" | "connect":
                state = issue(state, scopes).state
            case "silent":
                waiting = request_pairing(state, ask(scopes=scopes), silent=True, request_id="r", now_ms=NOW).state
                state = approve_device(waiting, "r", by=None, fresh_token="f", now_ms=NOW).state
            case _:
                state = revoke_token(state, "dev-a", "operator", by=ADMIN, now_ms=NOW).state
        assert state.paired["dev-a"].revoked("operator")
        assert judge_device_token(state.paired["dev-a"], ask(), matches=True).outcome is Outcome.DENY
