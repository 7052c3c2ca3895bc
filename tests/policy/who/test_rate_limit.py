"""Throttle of secrets: gateway.md 2.4, advisories A7, A18."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.who.client_address import AddressPolicy, ClientAddress, HttpFacts, resolve_client
from openclaw.policy.who.rate_limit import (
    HOOK_LIMITS,
    MAX_CLIENTS,
    MAX_WAIT_MS,
    OVERFLOW,
    Attempt,
    Book,
    Client,
    Credential,
    Limits,
    Permit,
    client_key,
    is_exempt,
    reserve,
    settle,
)

NOW = 1_790_000_000_000
LIMITS = Limits()
SHARED = Credential.SHARED


def address(peer: str, *pairs: tuple[str, str], host: str = "localhost") -> ClientAddress:
    return resolve_client(HttpFacts.read(peer, [("Host", host), *pairs]), AddressPolicy())


def fail(book: Book, key: str, times: int, now: int = NOW, credential: Credential = SHARED) -> Book:
    for _ in range(times):
        book, permit = reserve(book, key, credential, now, LIMITS)
        book = settle(book, permit, now, LIMITS, failed=True)
    return book


def attempt(book: Book, key: str = "1.2.3.4", now: int = NOW, credential: Credential = SHARED) -> tuple[Book, Permit]:
    return reserve(book, key, credential, now, LIMITS)


@pytest.mark.parametrize(
    ("peer", "pairs", "origin", "expected"),
    [
        ("1.2.3.4", (), False, "1.2.3.4"),
        ("::ffff:1.2.3.4", (), False, "1.2.3.4"),
        ("2001:db8:1:2:3:4:5:6", (), False, "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", (), True, "2001:db8:1:2::/64"),
        ("1.2.3.4", (), True, "1.2.3.4"),
        ("127.0.0.1", (), False, "127.0.0.1"),
        ("127.0.0.1", (), True, "127.0.0.1/browser"),
        ("::1", (), False, "::1"),
        ("127.0.0.1", (("X-Forwarded-For", "9.9.9.9"),), False, "proxied/127.0.0.1"),
        ("", (), False, "unknown"),
    ],
)
def test_the_key_of_a_client_is_canonical(
    peer: str, pairs: tuple[tuple[str, str], ...], expected: str, *, origin: bool
) -> None:
    assert client_key(address(peer, *pairs), has_origin=origin) == expected


def test_ten_failures_lock_a_client_for_five_minutes() -> None:
    book = fail(Book(), "1.2.3.4", 9)
    book, tenth = attempt(book)
    assert tenth.outcome is Outcome.ALLOW
    book = settle(book, tenth, NOW, LIMITS, failed=True)
    book, refused = attempt(book)
    assert (refused.decided_by.rule, refused.retry_after_ms) == ("rate.locked", 300_000)
    assert attempt(book, now=NOW + 299_999)[1].outcome is Outcome.DENY
    assert attempt(book, now=NOW + 300_000)[1].outcome is Outcome.ALLOW
    assert attempt(book, "4.3.2.1")[1].outcome is Outcome.ALLOW


def test_failures_leave_the_window() -> None:
    book = fail(Book(), "1.2.3.4", 9)
    assert attempt(fail(book, "1.2.3.4", 1, NOW + 59_999), now=NOW + 59_999)[1].outcome is Outcome.DENY
    assert attempt(fail(book, "1.2.3.4", 1, NOW + 60_000), now=NOW + 60_000)[1].outcome is Outcome.ALLOW


def test_adv_A18_parallel_attempts_cannot_pass_the_budget() -> None:
    book = Book()
    permits = []
    for _ in range(100):
        book, permit = attempt(book)
        permits.append(permit)
    allowed = [permit for permit in permits if permit.outcome is Outcome.ALLOW]
    assert len(allowed) == 10
    assert {permit.decided_by.rule for permit in permits[10:]} == {"rate.in-flight"}
    for permit in allowed:
        book = settle(book, permit, NOW, LIMITS, failed=True)
    assert attempt(book)[1].decided_by.rule == "rate.locked"


def test_adv_A18_a_failure_of_any_class_counts_against_the_shared_secret() -> None:
    book = fail(Book(), "1.2.3.4", 5, credential=Credential.DEVICE_TOKEN)
    book = fail(book, "1.2.3.4", 5, credential=Credential.BOOTSTRAP)
    assert attempt(book)[1].outcome is Outcome.DENY


def test_wrong_shared_secrets_lock_out_no_device_token() -> None:
    book = fail(Book(), "1.2.3.4", 10)
    assert attempt(book)[1].decided_by.rule == "rate.locked"
    book, permit = attempt(book, credential=Credential.DEVICE_TOKEN)
    assert permit.outcome is Outcome.ALLOW
    book = settle(book, permit, NOW, LIMITS, failed=False, proved=Credential.DEVICE_TOKEN)
    assert attempt(book)[1].decided_by.rule == "rate.locked"
    book = fail(book, "1.2.3.4", 10, credential=Credential.DEVICE_TOKEN)
    assert attempt(book, credential=Credential.DEVICE_TOKEN)[1].decided_by.rule == "rate.locked"


def test_adv_A18_a_success_of_one_class_forgives_no_other() -> None:
    book = fail(Book(), "1.2.3.4", 9)
    book, permit = attempt(book)
    book = settle(book, permit, NOW, LIMITS, failed=False, proved=Credential.DEVICE_TOKEN)
    book = fail(book, "1.2.3.4", 1)
    assert attempt(book)[1].outcome is Outcome.DENY


def test_a_success_forgives_its_own_class() -> None:
    book = fail(Book(), "1.2.3.4", 9)
    book, permit = attempt(book)
    book = settle(book, permit, NOW, LIMITS, failed=False, proved=SHARED)
    assert attempt(book)[1].outcome is Outcome.ALLOW
    assert sum(client.attempts != () for client in book.clients.values()) == 0


def test_adv_A18_spellings_of_one_address_share_a_bucket() -> None:
    assert client_key(address("1.2.3.4")) == client_key(address("::ffff:1.2.3.4"))
    assert client_key(address("2001:db8::1")) == client_key(address("2001:db8::ffff"))


@pytest.mark.parametrize(
    ("peer", "origin", "host", "limits", "expected"),
    [
        ("127.0.0.1", False, "localhost", LIMITS, True),
        ("127.0.0.1", True, "localhost", LIMITS, False),
        ("127.0.0.1", False, "evil.example", LIMITS, False),
        ("9.9.9.9", False, "localhost", LIMITS, False),
        ("127.0.0.1", False, "localhost", Limits(exempt_loopback=False), False),
        ("127.0.0.1", False, "localhost", HOOK_LIMITS, False),
    ],
)
def test_adv_A7_an_origin_ends_the_exemption_of_this_machine(
    peer: str, host: str, limits: Limits, *, origin: bool, expected: bool
) -> None:
    assert is_exempt(address(peer, host=host), has_origin=origin, limits=limits) == expected


def test_an_exempt_client_is_slowed_down_one_at_a_time() -> None:
    book, waits, permit = Book(), [], Permit(Outcome.ALLOW)
    for _ in range(16):
        book, permit = reserve(book, "127.0.0.1", SHARED, NOW, LIMITS, exempt=True)
        waits.append(permit.wait_ms)
        book = settle(book, permit, NOW, LIMITS, failed=True)
        if permit.outcome is Outcome.DENY:
            break
    assert waits[:10] == [0] * 10
    assert waits[10:14] == [250, 250 + 500, 250 + 500 + 1000, 250 + 500 + 1000 + 2000]
    assert waits[14] == 250 + 500 + 1000 + 2000 + 4000
    assert permit.decided_by.rule == "rate.queue-full"
    assert permit.retry_after_ms > MAX_WAIT_MS


def test_the_delay_is_at_most_five_seconds() -> None:
    book, now = Book(), NOW
    for _ in range(30):
        book, permit = reserve(book, "127.0.0.1", SHARED, now, LIMITS, exempt=True)
        assert permit.outcome is Outcome.ALLOW
        assert permit.wait_ms <= 5_000
        book = settle(book, permit, now, LIMITS, failed=True)
        now += permit.wait_ms


def test_the_lock_of_a_page_does_not_reach_the_exempt_command_line() -> None:
    book = fail(Book(), "127.0.0.1/browser", 10)
    assert attempt(book, "127.0.0.1/browser")[1].outcome is Outcome.DENY
    assert reserve(book, "127.0.0.1", SHARED, NOW, LIMITS, exempt=True)[1].wait_ms == 0


def test_hooks_allow_twenty_failures_and_lock_for_a_minute() -> None:
    book = Book()
    for _ in range(20):
        book, permit = reserve(book, "1.2.3.4", Credential.HOOK, NOW, HOOK_LIMITS)
        assert permit.outcome is Outcome.ALLOW
        book = settle(book, permit, NOW, HOOK_LIMITS, failed=True)
    assert reserve(book, "1.2.3.4", Credential.HOOK, NOW, HOOK_LIMITS)[1].retry_after_ms == 60_000
    assert reserve(book, "1.2.3.4", Credential.HOOK, NOW + 60_000, HOOK_LIMITS)[1].outcome is Outcome.ALLOW


def test_the_book_is_bounded_and_newcomers_share_a_bucket() -> None:
    book = Book()
    for number in range(MAX_CLIENTS):
        book, _ = attempt(book, f"client-{number}")
    assert len(book.clients) == MAX_CLIENTS
    book, permit = attempt(book, "newcomer")
    assert permit.client == OVERFLOW
    assert len(book.clients) == MAX_CLIENTS + 1
    _, later = attempt(book, "newcomer", NOW + 60_000)
    assert later.client == "newcomer"


def test_a_known_client_keeps_its_bucket_in_a_full_book() -> None:
    live = {f"10.0.{n >> 8}.{n & 255}": Client((Attempt(n + 1, SHARED, NOW),)) for n in range(MAX_CLIENTS)}
    assert reserve(Book(live), "10.0.0.7", SHARED, NOW, LIMITS)[1].client == "10.0.0.7"
    assert reserve(Book(live), "10.99.0.7", SHARED, NOW, LIMITS)[1].client == OVERFLOW


def test_a_refused_or_foreign_permit_settles_nothing() -> None:
    book = fail(Book(), "1.2.3.4", 10)
    book, refused = attempt(book)
    assert settle(book, refused, NOW, LIMITS, failed=False, proved=SHARED) == book
    assert settle(Book(), refused, NOW, LIMITS, failed=True) == Book()


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["1.2.3.4", "5.6.7.8"]),
        st.sampled_from([SHARED, Credential.DEVICE_TOKEN]),
        st.integers(0, 20_000),
    ),
    max_size=60,
)


@given(EVENTS)
@settings(max_examples=60)
def test_adv_A18_no_order_of_wrong_secrets_gets_more_than_the_budget_compared(
    events: list[tuple[str, Credential, int]],
) -> None:
    book, now = Book(), NOW
    compared: dict[str, list[int]] = {}
    for key, credential, pause in events:
        now += pause
        book, permit = reserve(book, key, credential, now, LIMITS)
        if permit.outcome is Outcome.ALLOW:
            if credential is SHARED:
                compared.setdefault(key, []).append(now)
            book = settle(book, permit, now, LIMITS, failed=True)
    for times in compared.values():
        for start in times:
            assert sum(start <= moment < start + LIMITS.window_ms for moment in times) <= LIMITS.max_attempts


def test_a_failure_is_certain_for_that_attempt_alone() -> None:
    limits = Limits(max_attempts=2)
    book, first = reserve(Book(), "1.2.3.4", SHARED, NOW, limits)
    book, second = reserve(book, "1.2.3.4", SHARED, NOW, limits)
    book = settle(book, first, NOW, limits, failed=True)
    assert [known.failed for known in book.clients["1.2.3.4"].attempts] == [True, False]
    assert reserve(book, "1.2.3.4", SHARED, NOW, limits)[1].decided_by.rule == "rate.in-flight"
    book = settle(book, second, NOW, limits, failed=False)
    assert reserve(book, "1.2.3.4", SHARED, NOW, limits)[1].outcome is Outcome.ALLOW


@pytest.mark.parametrize(("queued", "outcome"), [(7_750, Outcome.ALLOW), (7_751, Outcome.DENY)])
def test_an_exempt_client_waits_eight_seconds_at_most(queued: int, outcome: Outcome) -> None:
    failures = tuple(Attempt(number, SHARED, NOW, failed=True) for number in range(1, 11))
    book = Book({"127.0.0.1": Client(failures, free_at_ms=NOW + queued)}, next_number=11)
    permit = reserve(book, "127.0.0.1", SHARED, NOW, LIMITS, exempt=True)[1]
    assert (permit.outcome, permit.client) == (outcome, "127.0.0.1")
    assert permit.wait_ms + permit.retry_after_ms == queued + 250


def test_the_end_of_a_lock_forgives_the_failures_of_its_class_alone() -> None:
    book = fail(Book(), "1.2.3.4", 4, credential=Credential.BOOTSTRAP)
    book = fail(book, "1.2.3.4", 10, credential=Credential.DEVICE_TOKEN)
    limits = Limits(window_ms=600_000)
    later = NOW + 300_000
    book, permit = reserve(book, "1.2.3.4", Credential.DEVICE_TOKEN, later, limits)
    assert permit.outcome is Outcome.ALLOW
    left = [known.credential for known in book.clients["1.2.3.4"].attempts if known.failed]
    assert set(left) <= {Credential.BOOTSTRAP}


def test_the_end_of_a_device_lock_leaves_failures_of_other_classes() -> None:
    tokens = tuple(Attempt(number, Credential.DEVICE_TOKEN, NOW, failed=True) for number in range(1, 11))
    client = Client((*tokens, Attempt(11, Credential.BOOTSTRAP, NOW, failed=True)), ((Credential.DEVICE_TOKEN, NOW),))
    book = reserve(Book({"1.2.3.4": client}, next_number=12), "1.2.3.4", Credential.DEVICE_TOKEN, NOW, LIMITS)[0]
    assert [known.number for known in book.clients["1.2.3.4"].attempts] == [11, 12]


def test_a_full_book_forgets_clients_whose_failures_left_the_window() -> None:
    idle = {f"10.0.{n >> 8}.{n & 255}": Client((Attempt(n + 1, SHARED, NOW),)) for n in range(MAX_CLIENTS)}
    book, permit = reserve(Book(idle, next_number=MAX_CLIENTS + 1), "1.2.3.4", SHARED, NOW + 60_000, LIMITS)
    assert permit.client == "1.2.3.4"
    assert set(book.clients) == {"1.2.3.4"}
