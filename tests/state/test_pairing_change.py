from __future__ import annotations

from openclaw.state.pairing_change import MAX_IDS, change_of


def test_the_same_ids_are_no_change() -> None:
    assert change_of("a", frozenset("ab"), frozenset("ba"), {}) is None


def test_a_change_names_who_came_and_who_went_in_order() -> None:
    entry = change_of("x-allowFrom.json", {"1", "2"}, {"2", "4", "3"}, {"client": "cli"})
    assert entry is not None
    assert (entry.kind, entry.actor) == ("pairing", {"client": "cli"})
    assert entry.what == {
        "file": "x-allowFrom.json",
        "added": ["3", "4"],
        "removed": ["1"],
        "count": 3,
        "summary": "x-allowFrom.json: +3 +4 -1",
    }


def test_a_file_with_thousands_of_ids_makes_a_short_record() -> None:
    entry = change_of("x", frozenset(), {str(number) for number in range(5000)}, {})
    assert entry is not None
    assert (len(entry.what["added"]), entry.what["count"]) == (MAX_IDS, 5000)
