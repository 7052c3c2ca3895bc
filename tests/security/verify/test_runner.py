from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from openclaw.security.verify.model import Claim, Finding, Twin, expect, hold, shown
from openclaw.security.verify.report import as_json, details_of, line_of, problems_of
from openclaw.security.verify.runner import Outcome, check, chosen, run
from openclaw.system.errors import NotFound

Half = Callable[[int], int]


def half(number: int) -> int:
    return number // 2


def checked(subject: Half) -> Iterator[Finding]:
    for number in range(10):
        yield expect(f"half of {number}".format, number // 2, subject(number))


def nothing(_subject: Half) -> Iterator[Finding]:
    yield from ()


def broken(_subject: Half) -> Iterator[Finding]:
    yield None
    raise RuntimeError("lost")


def claim(check: Callable[[Half], Iterator[Finding]] = checked, **twins: Half) -> Claim[Half]:
    made = tuple(Twin(name, subject) for name, subject in twins.items())
    return Claim("halves", "Half of a number is half of it.", "a book", half, (half,), check, made)


def judged(one: Claim[Half]) -> Outcome:
    return run((one,), processes=1)[0]


def test_a_claim_holds_when_the_functions_pass_and_every_twin_is_caught() -> None:
    found = judged(claim(rounded_up=lambda number: -(-number // 2), one_more=lambda number: number // 2 + 1))
    assert found.ok
    assert found.shipped.situations == 10
    assert [twin.situations for twin in found.twins] == [2, 1]


def test_a_twin_that_survives_fails_the_claim() -> None:
    found = judged(claim(the_same=half))
    assert not found.ok
    assert list(problems_of(found)) == ["the twin in which the_same was not caught"]


def test_a_function_that_is_wrong_fails_the_claim_and_says_where() -> None:
    wrong = Claim("halves", "x", "y", lambda number: number, (half,), checked, ())
    found = judged(wrong)
    assert not found.ok
    assert len(found.shipped.counterexamples) == 3
    assert next(iter(problems_of(found))) == "half of 1: expected 0, got 1"


def test_a_check_that_looks_at_nothing_proves_nothing() -> None:
    found = judged(claim(nothing))
    assert not found.ok
    assert list(problems_of(found)) == ["the check looked at nothing"]


def test_a_check_that_breaks_is_no_proof_and_catches_no_twin() -> None:
    found = judged(claim(broken, any_twin=half))
    assert not found.shipped.ok
    assert not found.twins[0].ok
    assert "the check broke: RuntimeError: lost" in next(iter(problems_of(found)))


def test_a_twin_is_left_at_its_first_counterexample() -> None:
    found = check(claim(zero=lambda _number: 0), "zero")
    assert (found.situations, len(found.counterexamples)) == (3, 1)


def test_outcomes_come_in_the_order_of_the_claims_whatever_ends_first() -> None:
    told: list[str] = []
    wanted = chosen(("dm-scope", "node-exec"))
    outcomes = run(wanted, processes=2, done=lambda outcome: told.append(outcome.claim.id))
    assert [outcome.claim.id for outcome in outcomes] == ["node-exec", "dm-scope"]
    assert sorted(told) == ["dm-scope", "node-exec"]
    assert all(outcome.ok for outcome in outcomes)


def test_an_unknown_claim_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NotFound, match="there is no claim 'x'; the claims are: exposure"):
        chosen(("x",))


def test_the_report_states_sentence_hashes_and_twins() -> None:
    found = judged(claim(rounded_up=lambda number: -(-number // 2)))
    report = as_json((found,), 1.234)
    assert report["ok"] is True
    assert report["seconds"] == 1.23
    assert report["situations"] == 10
    (one,) = report["claims"]
    assert one["claim"] == "Half of a number is half of it."
    assert [row["function"] for row in one["checked"]] == [f"{half.__module__}.half"]
    assert all(len(row["sha256"]) == 64 for row in one["checked"])
    assert one["twins"] == [
        {
            "name": "rounded_up",
            "caught": True,
            "after": 2,
            "fault": None,
            "by": {"situation": "half of 1", "expected": "0", "got": "1"},
        }
    ]


def test_lines_for_people() -> None:
    found = judged(claim(the_same=half))
    assert line_of(found).startswith("FAILS  halves")
    assert "0 of 1 twins caught" in line_of(found)
    lines = list(details_of(found))
    assert lines[0] == "halves: Half of a number is half of it. (a book)"
    assert lines[-1] == "  fails: the twin in which the_same was not caught"


def test_answers_are_shown_as_people_read_them() -> None:
    assert shown(frozenset({"b", "a"})) == "a, b"
    assert shown(set()) == "nothing"
    assert shown((1, ["x"])) == "[1, [x]]"
    found = hold("here".format, expected="more", holds=False)
    assert found is not None
    assert found.got == "the opposite"
