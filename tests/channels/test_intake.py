from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from openclaw.agent.contract import TurnRequest
from openclaw.channels.contract import InboundMessage, MediaRef
from openclaw.channels.conversations import ALBUM_QUIET, TEXT_QUIET
from openclaw.policy.who.facts import EventKind, Mentions
from openclaw.state.journal import Journal, JournalStore
from openclaw.system.errors import Unavailable
from support.channels import inbound
from support.intake import GROUP, OWNER, STRANGER, TELEGRAM, World, policy_of
from support.waiting import until


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    journal = Journal(tmp_path / "journal" / "journal.sqlite")
    await journal.open()
    found = World(tmp_path, journal)
    yield found
    await found.intake.close()
    await journal.close()


def said(text: str, event: str, *, mention: bool = False, **more: Any) -> InboundMessage:
    return inbound(text, event=event, group=GROUP, facts={"mentions": Mentions(me=mention)}, **more)


@pytest.mark.asyncio
async def test_an_admitted_message_becomes_one_turn_of_its_sender(world: World) -> None:
    await world.offer(inbound("hello"))
    (turn,) = world.runner.turns
    assert (turn.session_key, turn.command_text, turn.inbound_ids) == ("agent:main:main", "hello", (1,))
    assert (turn.requester.sender_id, turn.requester.is_owner, turn.run_id) == (OWNER, True, "telegram-1")
    assert turn.text.splitlines()[0].endswith("hello")
    assert await world.open() == ["queued"]


@pytest.mark.asyncio
async def test_the_same_event_twice_is_one_turn(world: World) -> None:
    await world.offer(inbound("hello"))
    await world.offer(inbound("hello"))
    assert len(world.runner.turns) == 1


@pytest.mark.asyncio
async def test_a_stranger_is_dropped_with_the_rule_and_key_on_record_and_no_answer(world: World) -> None:
    await world.offer(inbound("hello", user=STRANGER))
    assert world.runner.turns == []
    assert (await world.open(), await world.outbox()) == ([], [])
    (note,) = world.notes
    assert note.verdict == {"outcome": "drop", "rule": "dm.not-allowlisted", "key": "channels.telegram.allowFrom"}


@pytest.mark.asyncio
async def test_a_journal_that_refuses_refuses_the_offer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise Unavailable("the journal cannot be written: disk is full")

    monkeypatch.setattr(world.journal, "call", refuse)
    with pytest.raises(Unavailable):
        await world.intake.offer([inbound("hello")])
    assert world.runner.turns == []


@pytest.mark.asyncio
async def test_unmentioned_words_wait_and_go_with_the_next_mention(world: World) -> None:
    await world.offer(said("the word is heron", "1"), said("anyone?", "2"))
    assert (world.runner.turns, await world.open()) == ([], ["pending", "pending"])
    await world.offer(said("@clawbot tell", "3", mention=True))
    (turn,) = world.runner.turns
    assert turn.inbound_ids == (3, 1, 2)
    assert "heron" in turn.text
    assert turn.command_text == "@clawbot tell"
    world.intake.forget(turn.inbound_ids)
    await world.offer(said("@clawbot again", "4", mention=True))
    assert "heron" not in world.runner.turns[1].text


@pytest.mark.asyncio
@pytest.mark.parametrize("mention", [False, True])
async def test_an_edit_changes_what_waits_and_starts_no_turn(world: World, mention: bool) -> None:
    await world.offer(said("the word is heron", "1"))
    edit = {"kind": EventKind.EDIT, "mentions": Mentions(me=mention)}
    await world.offer(inbound("the word is stork", event="2", group=GROUP, facts=edit, message_id="1"))
    assert world.runner.turns == []
    await world.offer(said("@clawbot tell", "3", mention=True))
    assert "stork" in world.runner.turns[0].text
    assert "heron" not in world.runner.turns[0].text


@pytest.mark.asyncio
@pytest.mark.parametrize("words", ["stop", "/stop"])
async def test_a_stop_overtakes_the_conversation(world: World, words: str) -> None:
    album = [inbound("look", event=str(number), join_key="album:1") for number in (1, 2)]
    await world.offer(*album, inbound(words, event="3"))
    assert world.runner.stops == ["agent:main:main"]
    assert world.runner.turns == []
    (row,) = await world.outbox()
    assert row.payload["text"] == "Stopped."
    await world.clock.advance(ALBUM_QUIET)
    await world.idle()
    assert len(world.runner.turns) == 1


@pytest.mark.asyncio
async def test_a_forwarded_stop_is_somebody_elses_word(world: World) -> None:
    await world.offer(inbound("stop", facts={"forwarded": True}))
    assert world.runner.stops == []


@pytest.mark.asyncio
async def test_an_album_is_one_turn(world: World) -> None:
    world.channel.files = {"a": b"text", "b": b"text"}
    parts = [
        inbound("two" if handle == "a" else "", event=handle, join_key="album:9", media=(MediaRef("document", handle),))
        for handle in ("a", "b")
    ]
    await world.offer(*parts)
    assert world.runner.turns == []
    await world.clock.advance(ALBUM_QUIET)
    await until(lambda: bool(world.runner.turns))
    (turn,) = world.runner.turns
    assert (turn.inbound_ids, turn.text.count("media attached")) == ((1, 2), 2)


@pytest.mark.asyncio
async def test_a_text_that_the_app_has_split_is_one_text_and_a_short_part_ends_it(world: World) -> None:
    long = "x" * 4000
    await world.offer(inbound(long, event="1", join_key="text:7"), inbound("end", event="2"))
    assert world.runner.turns[0].command_text == f"{long}end"
    await world.offer(inbound(long, event="3", join_key="text:7"), seconds=TEXT_QUIET)
    assert world.runner.turns[1].command_text == long


@pytest.mark.asyncio
async def test_parts_of_two_people_are_never_joined(world: World) -> None:
    first = said("@clawbot " + "x" * 4000, "1", mention=True, join_key="text:-100")
    other = inbound("mine", user=STRANGER, event="2", group=GROUP)
    await world.offer(first, other, seconds=TEXT_QUIET)
    assert [turn.inbound_ids for turn in world.runner.turns] == [(1,)]
    assert "mine" not in world.runner.turns[0].command_text


@pytest.mark.asyncio
async def test_a_reaction_becomes_a_line_for_the_next_prompt(world: World) -> None:
    await world.offer(inbound("", facts={"kind": EventKind.REACTION}))
    assert world.runner.turns == []
    assert await world.open() == []


@pytest.mark.asyncio
async def test_a_file_that_cannot_be_had_is_told_when_there_is_nothing_else_to_say(world: World) -> None:
    gone = (MediaRef("document", "gone"),)
    await world.offer(inbound("", media=gone))
    (row,) = await world.outbox()
    assert (row.payload["text"], world.runner.turns) == ("the file is gone", [])
    await world.offer(inbound("see this", event="2", media=gone))
    assert world.runner.turns[0].text.endswith("[the file is gone]")


@pytest.mark.asyncio
async def test_a_defect_in_one_message_holds_up_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = world.runner.run

    def run(request: TurnRequest) -> None:
        if request.command_text == "bad":
            raise RuntimeError("a defect")
        real(request)

    monkeypatch.setattr(world.runner, "run", run)
    await world.offer(inbound("bad", event="1"), inbound("good", event="2"))
    assert [turn.command_text for turn in world.runner.turns] == ["good"]
    assert "a telegram message was not handled" in caplog.text


# After a restart


async def restarted(world: World) -> int:
    await world.intake.close()
    world.runner.turns.clear()
    world.intake = world.built()
    return await world.intake.replay()


@pytest.mark.asyncio
async def test_what_was_not_answered_runs_again_once_the_bot_is_known(world: World) -> None:
    await world.offer(inbound("hello"))
    assert await restarted(world) == 1
    await world.idle()
    assert world.runner.turns == []
    world.intake.release("telegram", "default")
    await world.idle()
    assert [turn.run_id for turn in world.runner.turns] == ["telegram-1"]


@pytest.mark.asyncio
async def test_waiting_history_survives_a_restart(world: World) -> None:
    await world.offer(said("the word is heron", "1"))
    await restarted(world)
    world.intake.release("telegram", "default")
    await world.offer(said("@clawbot tell", "2", mention=True))
    assert "heron" in world.runner.turns[0].text


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ["the word is stork", "@clawbot the word is stork"])
async def test_waiting_history_survives_a_restart_as_it_was_edited(world: World, text: str) -> None:
    await world.offer(said("the word is heron", "1"))
    edit = {"kind": EventKind.EDIT, "mentions": Mentions(me="@" in text)}
    await world.offer(inbound(text, event="2", group=GROUP, facts=edit, message_id="1"))
    await restarted(world)
    world.intake.release("telegram", "default")
    assert world.runner.turns == []
    await world.offer(said("@clawbot tell", "3", mention=True))
    (turn,) = world.runner.turns
    assert "stork" in turn.text
    assert "heron" not in turn.text
    assert turn.inbound_ids == (3, 1)


@pytest.mark.asyncio
async def test_waiting_history_of_joined_parts_survives_a_restart_whole(world: World) -> None:
    parts = [replace(said(text, str(number)), join_key="album:1") for number, text in enumerate(("heron", "stork"), 1)]
    await world.offer(*parts)
    await world.clock.advance(ALBUM_QUIET)
    await world.idle()
    await restarted(world)
    world.intake.release("telegram", "default")
    await world.offer(said("@clawbot tell", "3", mention=True))
    (turn,) = world.runner.turns
    assert "heron" in turn.text
    assert "stork" in turn.text


@pytest.mark.asyncio
async def test_an_older_message_is_judged_by_the_policy_of_now(world: World, tmp_path: Path) -> None:
    await world.offer(inbound("hello"))
    closed = {**TELEGRAM, "allowFrom": [99], "groups": {}}
    world.policy = policy_of(tmp_path, {"channels": {"telegram": closed}})
    await restarted(world)
    world.intake.release("telegram", "default")
    await world.idle()
    assert (world.runner.turns, world.rules[-1], await world.open()) == ([], "dm.not-allowlisted", [])


@pytest.mark.asyncio
async def test_a_row_that_this_build_cannot_read_is_closed_and_told(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    from openclaw.state.journal import NewInbound

    rows: Sequence[NewInbound] = [NewInbound("telegram", "default", "1", '{"nonsense": true}')]
    await world.journal.call(JournalStore.offer, rows, 1)
    assert await restarted(world) == 0
    assert await world.open() == []
    assert "not readable by this build" in caplog.text
