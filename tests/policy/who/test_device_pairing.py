"""Approval of devices: gateway.md 2.4 step 8, 2.5, 3.11, advisories A17, B2, B3, B5, B9, B10."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.where.scopes import Role, Scope, closure, lacking
from openclaw.policy.who.device_pairing import (
    Need,
    approve_device,
    ask_of,
    commands_need,
    live_pending,
    may_be_silent,
    pairing_need,
    reject_device,
    request_pairing,
)
from openclaw.policy.who.device_records import (
    MAX_PENDING_DEVICES,
    PENDING_TTL_MS,
    Ask,
    Caller,
    Devices,
    DeviceVerdict,
    PairedDevice,
)
from openclaw.policy.who.origin import Origin
from support.devices import ADMIN, NOW, ask, device_facts, holding, paired

SCOPES = st.lists(st.sampled_from(list(Scope)), unique=True, max_size=4).map(tuple)


def requested(
    state: Devices, wanted: Ask, *, silent: bool = False, request_id: str = "r1", now: int = NOW
) -> DeviceVerdict:
    return request_pairing(state, wanted, silent=silent, request_id=request_id, now_ms=now)


def approved(state: Devices, by: Caller | None = ADMIN, request_id: str = "r1", now: int = NOW) -> DeviceVerdict:
    return approve_device(state, request_id, by=by, fresh_token="fresh", now_ms=now)


@pytest.mark.parametrize(
    ("record", "wanted", "expected"),
    [
        (None, ask(), Need.NOT_PAIRED),
        (paired(), ask(key="other"), Need.NOT_PAIRED),
        (paired(), ask(role="node"), Need.ROLE_UPGRADE),
        (paired(revoked=True), ask(scopes=[Scope.READ]), Need.ROLE_UPGRADE),
        (paired(), ask(scopes=[Scope.READ, Scope.WRITE]), Need.SCOPE_UPGRADE),
        (paired(scopes=()), ask(scopes=[Scope.READ]), Need.SCOPE_UPGRADE),
        (paired(), ask(scopes=[Scope.READ]), None),
        (paired(), ask(scopes=[]), None),
        (paired(scopes=[Scope.WRITE]), ask(scopes=[Scope.READ]), None),
        (paired(scopes=[Scope.ADMIN]), ask(scopes=list(Scope)), None),
        (paired(token=None), ask(scopes=[Scope.READ]), None),
    ],
)
def test_why_a_device_needs_an_approval(record: PairedDevice | None, wanted: Ask, expected: Need | None) -> None:
    assert pairing_need(record, wanted) is expected


def test_what_may_be_asked_for() -> None:
    assert ask_of(ask(scopes=["operator.read", "operator.root"], commands=["x"])) == ask(scopes=[Scope.READ])
    assert ask_of(ask(role="node", scopes=["operator.admin"], commands=["x"])) == ask(role="node", commands=["x"])


def silent(
    record: PairedDevice | None = None,
    wanted: Ask | None = None,
    *,
    local: bool = True,
    shared_ok: bool = True,
    origin: Origin = Origin.ABSENT,
    auto: bool = True,
) -> str:
    verdict = may_be_silent(
        record, wanted or ask(), local=local, shared_ok=shared_ok, origin=origin, auto_approve_local=auto
    )
    assert (verdict.outcome is Outcome.ALLOW) == (verdict.decided_by.rule == "silent.local")
    return verdict.decided_by.rule


def test_when_nobody_is_asked() -> None:
    assert silent() == "silent.local"
    assert silent(origin=Origin.OWN) == "silent.local"
    assert silent(paired(), ask(role="node")) == "silent.local"
    assert silent(paired(), ask(scopes=[Scope.READ])) == "silent.local"
    assert silent(None, ask(role="node", commands=["system.run"])) == "silent.local"
    assert silent(origin=Origin.LISTED) == "silent.foreign-origin"
    assert silent(origin=Origin.REFUSED) == "silent.foreign-origin"
    assert silent(auto=False) == "silent.off"
    assert silent(shared_ok=False) == "silent.no-secret"
    assert silent(paired(), ask(key="other")) == "silent.other-key"
    assert silent(paired(revoked=True)) == "silent.revoked"


def test_adv_A17_a_remote_client_is_never_approved_silently() -> None:
    for record in (None, paired(), paired(revoked=True)):
        assert silent(record, local=False) == "silent.remote"


def test_adv_B3_more_scopes_are_never_granted_silently() -> None:
    assert silent(paired(), ask(scopes=[Scope.ADMIN])) == "silent.scope-upgrade"


def test_adv_B10_system_commands_are_never_granted_silently() -> None:
    node = paired(roles=["node"], commands=("camera.list",))
    assert silent(node, ask(role="node", commands=["system.which"])) == "silent.system-commands"
    assert silent(node, ask(role="node", commands=["canvas.present"])) == "silent.local"
    assert commands_need(node, ask(role="node", commands=["camera.list"])) is None
    assert commands_need(node, ask(role="node", commands=["camera.list", "system.run"])) is Need.COMMANDS_UPGRADE
    assert commands_need(replace(node, commands=None), ask(role="node", commands=["x"])) is Need.COMMANDS_UPGRADE


def test_a_request_is_found_behind_those_of_other_devices() -> None:
    first = requested(Devices(), ask("dev-b"), request_id="r0")
    second = requested(first.state, ask(), request_id="r1")
    again = requested(second.state, ask(), request_id="r2")
    assert not again.created
    assert again.request == second.request
    assert list(again.state.pending) == ["r0", "r1"]


def test_a_repeated_request_forgets_those_that_are_too_old() -> None:
    first = requested(Devices(), ask("dev-b"), request_id="r0", now=NOW - PENDING_TTL_MS - 1)
    second = requested(first.state, ask(), request_id="r1", now=NOW - 2)
    assert list(second.state.pending) == ["r0", "r1"]
    again = requested(second.state, ask(), request_id="r2")
    assert again.request == second.request
    assert list(again.state.pending) == ["r1"]


def test_one_request_per_device_and_the_same_one_is_kept() -> None:
    first = requested(Devices(), ask(scopes=[Scope.READ, Scope.WRITE]))
    again = requested(first.state, ask(scopes=[Scope.WRITE, Scope.READ]), request_id="r2", now=NOW + 1)
    assert first.created
    assert not again.created
    assert again.request == first.request
    assert list(again.state.pending) == ["r1"]


@pytest.mark.parametrize(
    ("wanted", "quiet"),
    [
        (ask(role="node"), False),
        (ask(scopes=[Scope.ADMIN]), False),
        (ask(scopes=[Scope.READ], key="other"), False),
        (ask(scopes=[Scope.READ]), True),
        (replace(ask(scopes=[Scope.READ]), facts=device_facts(platform="ios")), False),
    ],
)
def test_a_request_that_differs_is_made_anew(wanted: Ask, *, quiet: bool) -> None:
    first = requested(Devices(), ask(scopes=[Scope.READ]))
    again = requested(first.state, wanted, silent=quiet, request_id="r2")
    assert again.created
    assert list(again.state.pending) == ["r2"]
    assert again.state.pending["r2"].ask.role == wanted.role


def test_requests_expire_after_five_minutes() -> None:
    state = requested(Devices(), ask()).state
    assert approved(state, now=NOW + PENDING_TTL_MS).outcome is Outcome.ALLOW
    late = approved(state, now=NOW + PENDING_TTL_MS + 1)
    assert (late.outcome, late.message) == (Outcome.DENY, "unknown requestId")
    assert not live_pending(state.pending, NOW + PENDING_TTL_MS + 1)
    assert requested(state, ask(), request_id="r2", now=NOW + PENDING_TTL_MS + 1).created


def test_the_list_of_waiting_devices_is_bounded() -> None:
    state = Devices()
    for number in range(MAX_PENDING_DEVICES):
        state = requested(state, ask(f"dev-{number}"), request_id=f"r{number}").state
    full = requested(state, ask("one-more"), request_id="x")
    assert (full.outcome, full.request) == (Outcome.DENY, None)
    assert requested(state, ask("one-more"), silent=True, request_id="x").created
    assert not requested(state, ask("dev-0"), request_id="x").created


def test_an_approval_gives_what_was_asked() -> None:
    state = requested(Devices(), ask(scopes=[Scope.WRITE, Scope.READ])).state
    done = approved(state)
    assert done.device is not None
    assert done.device.roles == ("operator",)
    assert done.device.scopes == (Scope.READ, Scope.WRITE)
    assert done.token == done.device.tokens["operator"]
    assert (done.token.token, done.token.scopes) == ("fresh", (Scope.WRITE, Scope.READ))
    assert "fresh" not in repr(done)
    assert not done.state.pending


def test_an_approval_merges_with_what_the_device_had() -> None:
    before = paired(scopes=[Scope.READ])
    state = requested(holding(before), ask(scopes=[Scope.PAIRING])).state
    assert state.pending["r1"].is_repair
    device = approved(state).device
    assert device is not None
    assert device.scopes == (Scope.PAIRING, Scope.READ)
    assert device.created_at_ms == before.created_at_ms
    assert device.tokens["operator"].token == "fresh"
    assert device.tokens["operator"].rotated_at_ms == NOW


def test_another_key_inherits_nothing() -> None:
    state = requested(holding(paired(scopes=[Scope.ADMIN])), ask(scopes=[Scope.READ], key="other")).state
    device = approved(state).device
    assert device is not None
    assert device.scopes == (Scope.READ,)


def test_what_a_revocation_took_away_comes_back_only_as_asked() -> None:
    before = paired(roles=["operator", "node"], scopes=[Scope.ADMIN], revoked=True, commands=("system.run",))
    state = requested(holding(before), ask(scopes=[Scope.READ])).state
    device = approved(state).device
    assert device is not None
    assert device.scopes == (Scope.READ,)
    assert device.tokens["operator"].revoked_at_ms is None
    assert device.tokens["operator"].scopes == (Scope.READ,)
    assert device.revoked("node")


def test_new_commands_of_a_node_keep_its_token() -> None:
    before = paired(roles=["node"], scopes=(), commands=("camera.list",))
    state = requested(holding(before), ask(role="node", commands=["camera.list", "canvas.present"])).state
    device = approved(state).device
    assert device is not None
    assert device.commands == ("camera.list", "canvas.present")
    assert device.tokens["node"] == before.tokens["node"]


def test_a_silent_approval_needs_a_silent_request() -> None:
    loud = requested(Devices(), ask()).state
    assert approved(loud, by=None).decided_by.rule == "device.not-silent"
    quiet = requested(Devices(), ask(), silent=True).state
    assert approved(quiet, by=None).outcome is Outcome.ALLOW


@pytest.mark.parametrize(
    ("record", "wanted", "rule"),
    [
        (paired(revoked=True), ask(scopes=[Scope.READ]), "silent.revoked"),
        (paired(), ask(scopes=[Scope.ADMIN]), "silent.scope-upgrade"),
        (paired(), ask(key="other"), "silent.other-key"),
        (paired(roles=["node"], scopes=()), ask(role="node", commands=["system.run"]), "silent.system-commands"),
        (paired(), ask(role="node"), "device.approved-silently"),
        (paired(), ask(scopes=[Scope.READ]), "device.approved-silently"),
    ],
)
def test_a_silent_approval_is_judged_on_the_record_of_that_moment(record: PairedDevice, wanted: Ask, rule: str) -> None:
    state = requested(holding(record), wanted, silent=True).state
    assert approved(state, by=None).decided_by.rule == rule


def test_adv_B5_an_approver_cannot_grant_more_than_it_holds() -> None:
    state = requested(Devices(), ask(scopes=[Scope.ADMIN])).state
    refused = approved(state, by=Caller((Scope.PAIRING,)))
    assert (refused.outcome, refused.missing) == (Outcome.DENY, Scope.ADMIN)
    assert refused.message == "missing scope: operator.admin"
    assert refused.state == state


@pytest.mark.parametrize(
    "commands", [(), ("camera.list",), ("system.run",), ("camera.list", "system.execApprovals.set")]
)
@pytest.mark.parametrize("scope", list(Scope))
def test_adv_B9_a_node_that_runs_programs_is_approved_by_an_admin(scope: Scope, commands: tuple[str, ...]) -> None:
    state = requested(Devices(), ask(role="node", commands=commands)).state
    verdict = approved(state, by=Caller((scope,)))
    runs = any(name.startswith("system.") for name in commands)
    assert (verdict.outcome is Outcome.ALLOW) == (scope is Scope.ADMIN or not runs)


@given(SCOPES, SCOPES, SCOPES)
@settings(max_examples=100)
def test_adv_B5_what_an_approval_adds_is_within_both_request_and_approver(
    held: tuple[Scope, ...], wanted: tuple[Scope, ...], had: tuple[Scope, ...]
) -> None:
    state = requested(holding(paired(scopes=had)), ask(scopes=wanted)).state
    done = approved(state, by=Caller(held))
    if done.outcome is Outcome.DENY:
        assert lacking(held, wanted)
        assert done.state == state
        return
    assert done.device is not None
    assert done.token is not None
    assert set(done.device.scopes) == set(had) | set(wanted)
    assert closure(done.token.scopes) <= closure(done.device.scopes)
    assert set(wanted) <= closure(held)


def test_rejecting_forgets_the_request() -> None:
    state = requested(Devices(), ask()).state
    done = reject_device(state, "r1", now_ms=NOW)
    assert not done.state.pending
    assert reject_device(done.state, "r1", now_ms=NOW).message == "unknown requestId"


def test_adv_B2_a_fresh_device_gets_nothing_before_its_approval() -> None:
    state = requested(Devices(), ask(scopes=[Scope.ADMIN])).state
    assert not state.paired
    assert pairing_need(state.paired.get("dev-a"), ask(scopes=[])) is Need.NOT_PAIRED


def test_roles_are_the_two_of_the_protocol() -> None:
    assert {role.value for role in Role} == {"operator", "node"}
