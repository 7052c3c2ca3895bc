"""Requests that wait for a person: the first decision stands, time runs out, an allowance is used once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from openclaw.system.errors import Conflict, InvalidInput, Refused
from openclaw.system.executables import Binding
from openclaw.tools.approval_text import ApprovalView
from openclaw.tools.approvals import (
    GRANT_SECONDS,
    MAX_PENDING,
    MAX_PER_SESSION,
    Approvals,
    Coverage,
    Pending,
    Resolution,
)
from support.ledgers import ListLedger
from support.time import FakeClock, settle

pytestmark = pytest.mark.asyncio

VIEW = ApprovalView(command="git push", cwd="/w", host="gateway", agent_id="main", session_key="agent:main:main")
COVERAGE = Coverage(
    host="gateway",
    node=None,
    subject="git push",
    env=(("LANG", "C"),),
    agent_id="main",
    session_key="agent:main:main",
    files=Binding((), (), ("/w", 1, 2)),
)


class Listener:
    def __init__(self) -> None:
        self.requests: list[Pending] = []
        self.ends: list[tuple[Pending, Resolution]] = []

    def requested(self, pending: Pending) -> None:
        self.requests.append(pending)

    def resolved(self, pending: Pending, resolution: Resolution) -> None:
        self.ends.append((pending, resolution))


class Broken:
    def requested(self, pending: Pending) -> None:
        raise RuntimeError("broken")

    def resolved(self, pending: Pending, resolution: Resolution) -> None:
        raise RuntimeError("broken")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def ledger() -> ListLedger:
    return ListLedger()


@pytest_asyncio.fixture
async def approvals(clock: FakeClock, ledger: ListLedger) -> AsyncIterator[Approvals]:
    manager = Approvals(clock, ledger, redact=lambda text: text.replace("hunter2", "***"))
    yield manager
    await manager.close()


async def test_the_first_decision_stands(approvals: Approvals) -> None:
    listener = Listener()
    approvals.observe(listener)
    pending = approvals.request(VIEW)
    approvals.resolve(pending.id, "deny", resolved_by="ann")
    with pytest.raises(InvalidInput, match="unknown approval id"):
        approvals.resolve(pending.id, "allow-once", resolved_by="bob")
    found = await pending.decided()
    assert (found.decision, found.resolved_by) == ("deny", "ann")
    assert listener.requests == [pending]
    assert [end[1].decision for end in listener.ends] == ["deny"]
    assert approvals.pending() == ()


async def test_two_waiters_get_the_same_answer(approvals: Approvals) -> None:
    pending = approvals.request(VIEW)
    waiters = [asyncio.ensure_future(pending.decided()) for _ in range(2)]
    await settle()
    waiters[0].cancel()
    approvals.resolve(pending.id, "allow-once", resolved_by="ann")
    assert (await waiters[1]).decision == "allow-once"


async def test_nobody_decides_in_time(approvals: Approvals, clock: FakeClock) -> None:
    listener = Listener()
    approvals.observe(listener)
    pending = approvals.request(VIEW, coverage=COVERAGE)
    await clock.advance(119.9)
    assert approvals.pending() == (pending,)
    await clock.advance(0.2)
    assert (await pending.decided()).decision is None
    assert [end[1].decision for end in listener.ends] == [None]
    with pytest.raises(InvalidInput):
        approvals.resolve(pending.id, "allow-once", resolved_by="late")
    with pytest.raises(Refused):
        approvals.redeem(pending.id, COVERAGE)


@pytest.mark.parametrize(("asked", "seconds"), [(1, 5), (5_000, 5), (60_000, 60), (10**9, 1800), (None, 120)])
async def test_the_wait_is_held_within_bounds(
    approvals: Approvals, clock: FakeClock, asked: int | None, seconds: int
) -> None:
    pending = approvals.request(VIEW, timeout_ms=asked)
    assert pending.expires_ms - pending.created_ms == seconds * 1000
    assert pending.created_ms == clock.now_ms()


async def test_a_unique_beginning_of_eight_characters_names_a_request(approvals: Approvals) -> None:
    pending = approvals.request(VIEW)
    assert len(pending.slug) == 8
    assert approvals.find(f" {pending.slug} ") is pending
    for short in (pending.id[:7], "", "zzzzzzzzz"):
        with pytest.raises(InvalidInput, match="unknown approval id"):
            approvals.find(short)


async def test_ids_that_people_could_confuse_are_refused(approvals: Approvals) -> None:
    approvals.request(VIEW, approval_id="abcd1234-one")
    for other in ("abcd1234-one", "abcd1234-two", "abcd1234"):
        with pytest.raises(Conflict, match="approval id already pending"):
            approvals.request(VIEW, approval_id=other)
    for bad in ("", "a b", "x" * 129, "\n", "-a"):
        with pytest.raises(InvalidInput):
            approvals.request(VIEW, approval_id=bad)


async def test_own_ids_are_drawn_again_when_they_begin_alike(clock: FakeClock, ledger: ListLedger) -> None:
    ids = iter(["aaaaaaaa-1", "aaaaaaaa-2", "bbbbbbbb-1"])
    manager = Approvals(clock, ledger, redact=str, new_id=lambda: next(ids))
    assert manager.request(VIEW).id == "aaaaaaaa-1"
    assert manager.request(VIEW).id == "bbbbbbbb-1"
    await manager.close()


async def test_adv_Q3_the_number_of_waiting_requests_is_bounded(approvals: Approvals) -> None:
    for _ in range(MAX_PER_SESSION):
        approvals.request(VIEW)
    with pytest.raises(Refused, match="of this session"):
        approvals.request(VIEW)
    for number in range(MAX_PENDING - MAX_PER_SESSION):
        approvals.request(replace(VIEW, session_key=f"agent:main:{number}"))
    with pytest.raises(Refused, match="64 approvals"):
        approvals.request(replace(VIEW, session_key="agent:main:last"))


async def test_an_allowance_is_used_once(approvals: Approvals) -> None:
    pending = approvals.request(VIEW, coverage=COVERAGE)
    with pytest.raises(Refused, match="no approval"):
        approvals.redeem(pending.id, COVERAGE)
    approvals.resolve(pending.id, "allow-once", resolved_by="ann")
    approvals.redeem(pending.id, COVERAGE)
    with pytest.raises(Refused, match="no approval"):
        approvals.redeem(pending.id, COVERAGE)


async def test_a_denial_leaves_nothing_to_redeem(approvals: Approvals) -> None:
    pending = approvals.request(VIEW, coverage=COVERAGE)
    approvals.resolve(pending.id, "deny", resolved_by="ann")
    with pytest.raises(Refused):
        approvals.redeem(pending.id, COVERAGE)


async def test_a_request_of_a_client_allows_no_execution(approvals: Approvals) -> None:
    pending = approvals.request(VIEW, requested_by="conn")
    approvals.resolve(pending.id, "allow-once", resolved_by="ann")
    with pytest.raises(Refused, match="no approval"):
        approvals.redeem(pending.id, COVERAGE)


CHANGES = {
    "host": replace(COVERAGE, host="node"),
    "node": replace(COVERAGE, node="n1"),
    "subject": replace(COVERAGE, subject="git push --force"),
    "env": replace(COVERAGE, env=(("LANG", "D"),)),
    "agent_id": replace(COVERAGE, agent_id="other"),
    "session_key": replace(COVERAGE, session_key="agent:main:x"),
    "files": replace(COVERAGE, files=Binding((), (), ("/w", 1, 3))),
}


@pytest.mark.parametrize("field", CHANGES)
async def test_adv_H4_an_allowance_covers_no_other_context(approvals: Approvals, field: str) -> None:
    pending = approvals.request(VIEW, coverage=COVERAGE)
    approvals.resolve(pending.id, "allow-once", resolved_by="ann")
    with pytest.raises(Refused, match="has changed") as caught:
        approvals.redeem(pending.id, CHANGES[field])
    assert caught.value.details["changed"] == [field]
    with pytest.raises(Refused, match="no approval"):
        approvals.redeem(pending.id, COVERAGE)


async def test_an_allowance_grows_old(approvals: Approvals, clock: FakeClock) -> None:
    pending = approvals.request(VIEW, coverage=COVERAGE)
    approvals.resolve(pending.id, "allow-once", resolved_by="ann")
    await clock.advance(GRANT_SECONDS + 1)
    with pytest.raises(Refused, match="too old"):
        approvals.redeem(pending.id, COVERAGE)


@pytest.mark.parametrize(
    ("keepable", "whole", "expected"),
    [(True, True, "allow-always"), (False, True, "allow-once"), (True, False, "allow-once")],
)
async def test_adv_H9_always_needs_a_keepable_command_that_was_shown_whole(
    approvals: Approvals, keepable: bool, whole: bool, expected: str
) -> None:
    pending = approvals.request(replace(VIEW, allow_always=keepable))
    _, resolution = approvals.resolve(pending.id, "allow-always", resolved_by="ann", shown_whole=whole)
    assert resolution.decision == expected
    assert (resolution.note is None) == (expected == "allow-always")


async def test_a_stop_counts_as_a_denial(clock: FakeClock, ledger: ListLedger) -> None:
    manager = Approvals(clock, ledger, redact=str)
    pending = manager.request(VIEW, coverage=COVERAGE)
    await manager.close()
    assert (await pending.decided()).decision == "deny"


async def test_a_broken_observer_changes_nothing(approvals: Approvals, caplog: pytest.LogCaptureFixture) -> None:
    listener = Listener()
    approvals.observe(Broken())
    approvals.observe(listener)
    pending = approvals.request(VIEW)
    approvals.resolve(pending.id, "deny", resolved_by=None)
    assert len(listener.requests) == len(listener.ends) == 1
    assert "observer failed" in caplog.text


async def test_requests_and_decisions_are_in_the_ledger(
    approvals: Approvals, ledger: ListLedger, clock: FakeClock
) -> None:
    first = approvals.request(VIEW, coverage=COVERAGE)
    approvals.resolve(first.id, "allow-once", resolved_by="ann")
    approvals.request(replace(VIEW, command="login hunter2"))
    assert ledger.entries[-1].what["summary"] == "login ***"
    await clock.advance(121)
    assert [entry.verdict["outcome"] for entry in ledger.of("approval")] == [
        "requested",
        "allow-once",
        "requested",
        "expired",
    ]
    assert ledger.entries[1].actor == {"resolvedBy": "ann"}
    assert ledger.entries[1].what["coverage_sha256"] == COVERAGE.digest()


async def test_the_wire_object_has_exactly_its_fields(approvals: Approvals) -> None:
    pending = approvals.request(VIEW)
    assert pending.request_json() == {
        "command": "git push",
        "cwd": "/w",
        "host": "gateway",
        "security": None,
        "ask": None,
        "agentId": "main",
        "resolvedPath": None,
        "sessionKey": "agent:main:main",
    }
