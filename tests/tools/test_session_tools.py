"""Session tools over the session port: bounded, labelled, never wider than the port."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from openclaw.policy.what.labels import Integrity, Source
from support.tools_room import MAIN, Room

pytestmark = pytest.mark.asyncio


@pytest.fixture
def room(tmp_path: Path) -> Room:
    found = Room(tmp_path)
    found.sessions.stored = [
        {"key": MAIN, "kind": "main", "updatedAt": 3},
        {"key": "agent:main:telegram:group:1", "kind": "group", "updatedAt": 2},
        {"key": "agent:main:cron:x", "kind": "cron", "updatedAt": 1},
    ]
    found.sessions.messages = {
        MAIN: [
            {"role": "user", "content": "hello"},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "y" * 5000},
                    {"type": "image", "data": "QUJD", "mimeType": "image/png"},
                ],
                "usage": {"input": 1},
                "details": {"x": 1},
            },
        ]
    }
    return found


async def test_sessions_are_listed_with_a_count(room: Room) -> None:
    result = await room.call("sessions_list", limit=2)
    assert result.details["count"] == 2
    assert json.loads(result.plain) == result.details


async def test_kinds_narrow_the_list(room: Room) -> None:
    result = await room.call("sessions_list", kinds=["CRON"])
    assert [row["key"] for row in result.details["sessions"]] == ["agent:main:cron:x"]


async def test_last_messages_come_on_request(room: Room) -> None:
    result = await room.call("sessions_list", kinds=["main"], messageLimit=1)
    assert len(result.details["sessions"][0]["messages"]) == 1
    assert result.provenance.source is Source.SESSION


async def test_history_is_shortened_and_carries_no_images(room: Room) -> None:
    result = await room.call("sessions_history", sessionKey=MAIN)
    answer = result.details["messages"][1]
    assert answer["content"][0]["text"] == "y" * 4000 + "… (5000 characters)"
    assert answer["content"][1] == {"type": "image", "mimeType": "image/png", "omitted": True}
    assert "usage" not in answer
    assert "details" not in answer
    assert result.details["truncated"] is True


async def test_adv_P3_words_of_another_session_are_not_the_owners(room: Room) -> None:
    result = await room.call("sessions_history", sessionKey=MAIN)
    assert result.provenance.source is Source.SESSION
    assert result.label is not None
    assert result.label.integrity is Integrity.UNTRUSTED


async def test_history_ends_at_80_kilobytes_with_the_newest_kept(room: Room) -> None:
    room.sessions.messages[MAIN] = [{"role": "user", "content": f"{number} " + "z" * 3000} for number in range(100)]
    result = await room.call("sessions_history", sessionKey=MAIN)
    assert result.details["truncated"] is True
    assert 20 < len(result.details["messages"]) < 28
    assert result.details["messages"][-1]["content"].startswith("99 ")


async def test_a_short_history_is_not_called_cut(room: Room) -> None:
    room.sessions.messages[MAIN] = [{"role": "assistant", "content": "x", "usage": {"input": 1}}]
    assert (await room.call("sessions_history", sessionKey=MAIN)).details["truncated"] is False


async def test_adv_G2_an_invisible_session_stays_so(room: Room) -> None:
    result = await room.call("sessions_history", sessionKey="agent:main:telegram:direct:7")
    assert result.is_error
    assert result.details["code"] == "forbidden"


async def test_status_is_a_card_and_sets_the_model(room: Room) -> None:
    assert (await room.call("session_status")).plain == f"session {MAIN}"
    await room.call("session_status", model=" openai/x ")
    assert room.sessions.models == {None: "openai/x"}
