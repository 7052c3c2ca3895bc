from __future__ import annotations

import pytest

from openclaw.policy.who.dm_pairing import MAX_PENDING, TTL_MS, PairingRequest, is_live, live, upsert
from openclaw.security.verify.graft import graft

NOW = 1_700_000_000_000


def _request(age: int) -> PairingRequest:
    return PairingRequest("42", "AAAAAAAA", NOW - age, NOW - age)


def test_a_copy_sees_what_it_was_given_and_the_shipped_function_does_not() -> None:
    everything = graft(live, is_live=lambda _request, _now: True)
    old = (_request(TTL_MS + 1),)
    assert everything(old, NOW) == old
    assert live(old, NOW) == ()


def test_a_copy_keeps_keyword_arguments_and_defaults() -> None:
    four = graft(upsert, MAX_PENDING=MAX_PENDING + 1)
    waiting = [PairingRequest(str(number), f"AAAAAAA{letter}", NOW, NOW) for number, letter in enumerate("ABC")]
    asked = {
        "channel": "telegram",
        "account": None,
        "sender": "9",
        "meta": (),
        "candidates": ("BBBBBBBB",),
        "now_ms": NOW,
    }
    assert str(four(waiting, **asked).outcome) == "created"  # type: ignore[arg-type]
    assert str(upsert(waiting, **asked).outcome) == "full"  # type: ignore[arg-type]


def test_a_name_that_the_function_does_not_use_is_refused() -> None:
    with pytest.raises(LookupError, match="does not use TTL"):
        graft(is_live, TTL=1)


def test_names_inside_a_comprehension_count() -> None:
    assert graft(live, is_live=is_live)((_request(0),), NOW) == (_request(0),)
