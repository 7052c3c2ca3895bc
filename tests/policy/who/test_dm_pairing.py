"""DM pairing as values: channels.md 1.2, 1.3, advisories D2, D3, D6."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.who.dm_pairing import (
    CODE_ALPHABET,
    MAX_PENDING,
    TTL_MS,
    Approval,
    PairingRequest,
    Upsert,
    UpsertVerdict,
    add_allowed,
    allowed_ids,
    approve,
    channel_file_key,
    is_live,
    live,
    normalise_code,
    normalise_meta,
    normalise_store_id,
    remove_allowed,
    upsert,
)

NOW = 1_790_000_000_000


def codes() -> list[str]:
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    return [f"{a}{b}222222" for a in letters for b in letters]


def add(
    requests: tuple[PairingRequest, ...],
    sender: str,
    now: int = NOW,
    account: str | None = None,
    channel: str = "telegram",
    meta: tuple[tuple[str, object], ...] = (),
) -> UpsertVerdict:
    return upsert(requests, channel=channel, account=account, sender=sender, meta=meta, candidates=codes(), now_ms=now)


def fill(number: int = MAX_PENDING, account: str | None = None, now: int = NOW) -> tuple[PairingRequest, ...]:
    requests: tuple[PairingRequest, ...] = ()
    for sender in range(number):
        requests = add(requests, str(sender), now, account).requests
    return requests


def test_a_new_sender_gets_a_code() -> None:
    verdict = add((), "42", meta=(("username", " ada "), ("name", ""), ("age", 7), ("gone", None)))
    assert verdict.outcome is Upsert.CREATED
    assert verdict.request == PairingRequest("42", "AA222222", NOW, NOW, "default", (("username", "ada"), ("age", "7")))
    assert "AA222222" not in repr(verdict.request)


def test_adv_D7_a_code_is_not_in_the_repr_that_logs_show() -> None:
    verdict = add((), "42")
    assert verdict.request is not None
    for thing in (verdict, verdict.request, verdict.requests):
        assert verdict.request.code not in repr(thing)


def test_a_waiting_sender_keeps_code_and_age() -> None:
    first = add((), "42", meta=(("name", "Ada"),))
    again = add(first.requests, " telegram:42 ", NOW + 1000)
    assert again.outcome is Upsert.REPEATED
    assert again.request == replace(first.requests[0], last_seen_ms=NOW + 1000)
    renamed = add(again.requests, "42", NOW + 2000, meta=(("name", "Eve"),))
    assert renamed.request is not None
    assert renamed.request.meta == (("name", "Eve"),)
    assert renamed.request.created_ms == NOW


def test_refreshing_does_not_prolong() -> None:
    requests = add((), "42").requests
    requests = add(requests, "42", NOW + TTL_MS).requests
    assert len(requests) == 1
    renewed = add(requests, "42", NOW + TTL_MS + 1)
    assert renewed.outcome is Upsert.CREATED


@pytest.mark.parametrize(
    ("age", "expected"),
    [(0, True), (TTL_MS, True), (TTL_MS + 1, False), (-TTL_MS, True), (-TTL_MS - 1, False)],
)
def test_a_request_lives_one_hour(age: int, *, expected: bool) -> None:
    assert is_live(PairingRequest("1", "AA222222", NOW - age, NOW), NOW) == expected


def test_a_request_without_date_is_expired() -> None:
    assert not is_live(PairingRequest("1", "AA222222", None, NOW), NOW)


def test_a_fourth_sender_is_ignored() -> None:
    requests = fill()
    verdict = add(requests, "99")
    assert (verdict.outcome, verdict.request, verdict.requests) == (Upsert.FULL, None, requests)


def test_adv_D3_the_cap_counts_per_account() -> None:
    requests = fill(account="work")
    assert add(requests, "99", account="Work").outcome is Upsert.FULL
    assert add(requests, "99").outcome is Upsert.CREATED
    assert add(requests, "99", NOW + TTL_MS + 1, account="work").outcome is Upsert.CREATED


def test_an_overfull_file_is_trimmed_to_the_latest() -> None:
    many = tuple(PairingRequest(str(n), f"A{n}222222"[:8], NOW, NOW + n) for n in range(2, 7))
    verdict = add(many, "99")
    assert verdict.outcome is Upsert.FULL
    assert [request.id for request in verdict.requests] == ["4", "5", "6"]


def test_adv_D2_an_account_has_requests_of_its_own() -> None:
    requests = add(add((), "42").requests, "42", account="work").requests
    assert [request.account for request in requests] == ["default", "work"]
    assert len({request.code for request in requests}) == 2
    assert approve(requests, code=requests[0].code, now_ms=NOW, account="work").outcome is Approval.UNKNOWN
    done = approve(requests, code=requests[1].code, now_ms=NOW)
    assert done.request == requests[1]
    assert done.requests == requests[:1]


@pytest.mark.parametrize("code", ["", "AA22222", "AA2222222", "ZZ999999", "AA22222O", "AA-22222"])
def test_adv_D6_every_wrong_code_gives_the_same_answer(code: str) -> None:
    requests = add((), "42").requests
    wrong = approve(requests, code=code, now_ms=NOW)
    expired = approve(requests, code="AA222222", now_ms=NOW + TTL_MS + 1)
    used = approve(approve(requests, code="AA222222", now_ms=NOW).requests, code="AA222222", now_ms=NOW)
    assert wrong.reasons == expired.reasons == used.reasons
    assert (wrong.request, expired.request, used.request) == (None, None, None)


def test_a_code_is_compared_trimmed_and_upper_case() -> None:
    requests = add((), "42").requests
    assert approve(requests, code=" aa222222\n", now_ms=NOW).outcome is Approval.APPROVED


def test_a_request_whose_code_is_unreadable_is_never_approved() -> None:
    broken = (PairingRequest("42", "", NOW, NOW),)
    assert approve(broken, code="", now_ms=NOW).outcome is Approval.UNKNOWN


def test_codes_in_use_and_malformed_ones_are_not_given_out() -> None:
    requests = add((), "1").requests
    verdict = upsert(
        requests,
        channel="telegram",
        account=None,
        sender="2",
        meta=(),
        candidates=["AA222222", "O0I1OOOO", "short", "bb222222"],
        now_ms=NOW,
    )
    assert verdict.request is not None
    assert verdict.request.code == "BB222222"
    again = upsert(
        requests, channel="telegram", account=None, sender="2", meta=(), candidates=["AA222222"] * 600, now_ms=NOW
    )
    assert again.outcome is Upsert.NO_CODE


def test_an_endless_draw_of_used_codes_ends() -> None:
    requests = add((), "1").requests
    endless = ("AA222222" for _ in count())
    verdict = upsert(requests, channel="x", account=None, sender="2", meta=(), candidates=endless, now_ms=NOW)
    assert verdict.outcome is Upsert.NO_CODE


@pytest.mark.parametrize("sender", ["", " ", "*", "telegram:*", "telegram:", "a\nb", "x" * 300])
def test_a_sender_without_an_id_gets_no_request(sender: str) -> None:
    verdict = add((), sender)
    assert (verdict.outcome, verdict.requests) == (Upsert.INVALID, ())


@pytest.mark.parametrize(
    ("channel", "entry", "expected"),
    [
        ("telegram", "TG:42", "42"),
        ("telegram", " telegram: 42 ", "42"),
        ("discord", "user:42", "42"),
        ("discord", "Discord:42", "42"),
        ("slack", "slack:U1", "U1"),
        ("signal", "signal:uuid:ab", "uuid:ab"),
        ("msteams", "user:ab", "ab"),
        ("whatsapp", "whatsapp:+1555", "whatsapp:+1555"),
        ("imessage", " a@B.c ", "a@B.c"),
        ("bluebubbles", "bluebubbles:A@B.c", "a@b.c"),
        ("bluebubbles", "+1 (555) 123-4567", "+15551234567"),
        ("bluebubbles", "chat_guid:x", "chat_guid:x"),
        ("telegram", "*", ""),
        ("telegram", "tg:*", ""),
    ],
)
def test_ids_are_normalised_per_channel(channel: str, entry: str, expected: str) -> None:
    assert normalise_store_id(channel, entry) == expected


def test_wildcards_are_ignored_on_read_and_refused_on_write() -> None:
    assert allowed_ids("telegram", ["*", "tg:42", "42", "", " 7 "]) == ("42", "7")
    assert add_allowed("telegram", ["42"], "*") == ("42",)
    assert add_allowed("telegram", ["42"], "tg:7") == ("42", "7")
    assert remove_allowed("telegram", ["42", "7"], "telegram:42") == ("7",)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        (" Telegram ", "telegram"),
        ("a/b\\c:d", "a_b_c_d"),
        ("../etc", "__etc"),
        ("nextcloud-talk", "nextcloud-talk"),
        ("a\x00b", "a_b"),
        ("", None),
        ("  ", None),
        ("/", None),
        ("..", None),
        (".", None),
        ("x" * 65, None),
    ],
)
def test_channel_names_become_file_names(channel: str, expected: str | None) -> None:
    assert channel_file_key(channel) == expected


def test_meta_is_text_trimmed_and_bounded() -> None:
    found = dict(
        normalise_meta(
            [("accountId", "work"), ("n", 1), ("e", " "), ("l", "x" * 999), *((f"k{i}", i) for i in range(99))]
        )
    )
    assert found["n"] == "1"
    assert "accountId" not in found
    assert "e" not in found
    assert len(found["l"]) == 256
    assert len(found) == 16


@given(st.text(alphabet=CODE_ALPHABET + "oi01 abz-", max_size=10))
def test_a_normal_code_is_one_or_nothing(text: str) -> None:
    code = normalise_code(text)
    assert code == "" or (len(code) == 8 and set(code) <= set(CODE_ALPHABET))
    assert normalise_code(code) == code


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "approve", "wait"]),
        st.sampled_from(["1", "2", "3", "4", "5"]),
        st.sampled_from(["default", "work"]),
        st.integers(0, TTL_MS // 2),
    ),
    max_size=30,
)


@given(STEPS)
@settings(max_examples=80)
def test_no_history_breaks_cap_age_or_unique_codes(steps: list[tuple[str, str, str, int]]) -> None:
    requests: tuple[PairingRequest, ...] = ()
    now = NOW
    drawn = iter(codes())
    for action, sender, account, pause in steps:
        match action:
            case "ask":
                requests = upsert(
                    requests, channel="t", account=account, sender=sender, meta=(), candidates=drawn, now_ms=now
                ).requests
            case "approve":
                mine = [request for request in live(requests, now) if request.account == account]
                if mine:
                    requests = approve(requests, code=mine[0].code, now_ms=now).requests
            case _:
                now += pause
        alive = live(requests, now)
        for scope in ("default", "work"):
            assert sum(request.account == scope for request in alive) <= MAX_PENDING
        assert len({request.code for request in alive}) == len(alive)
        assert len({(request.account, request.id) for request in alive}) == len(alive)
        assert all(now - (request.created_ms or 0) <= TTL_MS for request in alive)
