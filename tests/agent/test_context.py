from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.agent.context import INTERRUPTED, calls_of, context_of, prepared, tokens_of
from openclaw.agent.contract import ModelRef
from openclaw.policy.what.labels import Integrity
from openclaw.state.transcripts import Line

REF = ModelRef("local", "m")


def line(number: int, kind: str, **fields: Any) -> Line:
    return Line(f"{number:08x}", f"{number - 1:08x}" if number else None, kind, {"type": kind, **fields})


def message(number: int, role: str, content: Any, source: str = "owner", **more: Any) -> Line:
    return line(number, "message", message={"role": role, "content": content, **more}, provenance={"source": source})


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def calling(*ids: str) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": [{"type": "toolCall", "id": i, "name": "exec", "arguments": {}} for i in ids],
    }


def result(call_id: str, text: str = "out") -> dict[str, Any]:
    return {
        "role": "toolResult",
        "toolCallId": call_id,
        "toolName": "exec",
        "content": [{"type": "text", "text": text}],
    }


def test_a_summary_stands_for_what_it_replaced_and_keeps_its_label() -> None:
    branch = [
        message(0, "user", "old", "web"),
        message(1, "user", "kept"),
        line(2, "compaction", summary="they spoke", firstKeptEntryId="00000001", provenance=[{"source": "web"}]),
        message(3, "user", "new"),
    ]
    context = context_of(branch)
    assert [str(item["content"]) for item in context.messages] == [
        "[Summary of the conversation so far]\nthey spoke",
        "kept",
        "new",
    ]
    assert context.label.integrity is Integrity.UNTRUSTED


def test_state_lines_are_not_shown_and_notes_are() -> None:
    branch = [
        message(0, "user", "a"),
        line(1, "label", label="x"),
        line(2, "custom", data=1),
        line(3, "branch_summary", summary="elsewhere", provenance={"source": "system"}),
        line(4, "custom_message", content="note", provenance={"source": "system"}),
    ]
    assert [item["content"] for item in context_of(branch).messages] == [
        "a",
        "[Summary of another branch of this conversation]\nelsewhere",
        "note",
    ]


def test_a_call_without_result_gets_one_and_an_orphan_is_dropped() -> None:
    found = prepared([user("x"), result("orphan"), calling("a", "b"), result("b", "of b"), user("y")], REF)
    assert [item["role"] for item in found] == ["user", "assistant", "toolResult", "toolResult", "user"]
    assert found[2]["toolCallId"] == "a"
    assert found[2]["content"][0]["text"] == INTERRUPTED
    assert found[2]["isError"] is True
    assert found[3]["content"][0]["text"] == "of b"


def test_results_stand_in_the_order_of_the_calls() -> None:
    found = prepared([user("x"), calling("a", "b"), result("b", "2"), user("steer"), result("a", "1")], REF)
    assert [item.get("toolCallId") for item in found] == [None, None, "a", "b", None]


def test_neither_side_speaks_twice_and_the_user_begins() -> None:
    said = {"role": "assistant", "content": [{"type": "text", "text": "hello"}]}
    found = prepared([said, user("a"), user("b"), said, said], REF)
    assert [item["role"] for item in found] == ["user", "assistant", "user", "assistant"]
    assert [block["text"] for block in found[2]["content"]] == ["a", "b"]


def test_only_a_models_own_signed_thinking_goes_back_to_it() -> None:
    def thought(provider: str, **block: Any) -> dict[str, Any]:
        text = {"type": "text", "text": "t"}
        return {
            "role": "assistant",
            "provider": provider,
            "model": "m",
            "content": [{"type": "thinking", **block}, text],
        }

    own = prepared([user("x"), thought("local", thinking="a", thinkingSignature="s")], REF)
    foreign = prepared([user("x"), thought("other", thinking="a", thinkingSignature="s")], REF)
    unsigned = prepared([user("x"), thought("local", thinking="a")], REF)
    assert [len(item[1]["content"]) for item in (own, foreign, unsigned)] == [2, 1, 1]


def test_an_empty_answer_is_left_out() -> None:
    empty = {"role": "assistant", "content": [], "stopReason": "error"}
    assert [item["role"] for item in prepared([user("x"), empty, user("y")], REF)] == ["user"]


def test_images_go_only_to_models_that_read_them() -> None:
    image = {"type": "image", "data": "AAAA", "mimeType": "image/png"}
    asked = [{"role": "user", "content": [image]}]
    assert prepared(asked, REF)[0]["content"][0]["type"] == "text"
    assert prepared(asked, ModelRef("local", "m", images=True))[0]["content"] == [image]


def test_one_result_takes_at_most_a_share_of_the_window() -> None:
    ref = ModelRef("local", "m", context_window=50_000)
    found = prepared([user("x"), calling("a"), result("a", "x" * 200_000)], ref)
    text = found[2]["content"][0]["text"]
    assert len(text) < 61_000
    assert "140000 more characters" in text


def test_the_oldest_turns_are_left_out_when_it_gets_long_and_the_last_stays() -> None:
    ref = ModelRef("local", "m", context_window=30_000)
    turns = [
        item
        for n in range(30)
        for item in (user(f"{n} " + "x" * 4000), {"role": "assistant", "content": [{"type": "text", "text": "ok"}]})
    ]
    found = prepared([*turns, user("last")], ref)
    assert found[-1]["content"] == "last"
    assert found[0]["role"] == "user"
    assert sum(tokens_of(item) for item in found) <= 10_000
    huge = prepared([user("x" * 1_000_000)], ref)
    assert len(huge) == 1


@pytest.mark.parametrize(("provider", "length"), [("mistral", 9), ("local", 21)])
def test_call_ids_are_made_safe(provider: str, length: int) -> None:
    found = prepared([user("x"), calling("strange id|1"), result("strange id|1")], ModelRef(provider, "m"))
    (call,) = calls_of(found[1])
    assert call["id"] == found[2]["toolCallId"]
    assert len(call["id"]) == length


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    ids = st.sampled_from("abcd")
    one = st.one_of(
        st.builds(user, st.text(max_size=5)),
        st.lists(ids, min_size=0, max_size=3).map(lambda found: calling(*found)),
        st.builds(result, ids),
    )
    return draw(st.lists(one, max_size=14))


@settings(max_examples=150, deadline=None)
@given(conversations())
def test_any_history_becomes_one_that_providers_take(history: list[dict[str, Any]]) -> None:
    found = prepared(history, REF)
    open_calls: list[str] = []
    previous = ""
    for item in found:
        role = str(item["role"])
        if role == "toolResult":
            assert open_calls.pop(0) == item["toolCallId"]
        else:
            assert not open_calls
            assert role != previous
            open_calls = [str(call["id"]) for call in calls_of(item)]
        previous = role
    assert not open_calls
    assert not found or found[0]["role"] == "user"
