from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from openclaw.channels.delivery import Delivery
from openclaw.channels.pairing_reply import PairingDesk
from openclaw.state.journal import Journal, JournalStore, NewInbound, OutboundRow
from openclaw.state.layout import StateLayout
from openclaw.state.pairing import PairingStore
from support.channels import Notes, inbound
from support.time import FakeClock


class Kicks:
    """A delivery that only counts its kicks."""

    def __init__(self) -> None:
        self.count = 0

    def kick(self) -> None:
        self.count += 1


class World:
    """A desk over a real store and a real journal."""

    def __init__(self, root: Path, journal: Journal) -> None:
        self.clock = FakeClock()
        self.journal = journal
        self.notes = Notes()
        self.kicks = Kicks()
        self.store = PairingStore(StateLayout.at(root), self.clock)
        self.desk = PairingDesk(
            self.store,
            journal,
            cast("Delivery", self.kicks),
            self.notes,
            self.clock,
            label=str.capitalize,
            command=lambda: "openclaw --profile x",
        )

    async def ask(self, sender: str = "8", event: str = "1") -> None:
        row = NewInbound("telegram", "default", event, "{}")
        (stored,) = await self.journal.call(JournalStore.offer, [row], self.clock.now_ms())
        await self.desk.ask([stored.id], inbound(user=sender, event=event), sender)

    async def outbox(self) -> list[OutboundRow]:
        return await self.journal.call(JournalStore.pending_outbound)

    def code(self, sender: str = "8") -> str:
        return next(found.code for found in self.store.view("telegram", "default").requests if found.id == sender)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    journal = Journal(tmp_path / "journal" / "journal.sqlite")
    await journal.open()
    yield World(tmp_path, journal)
    await journal.close()


@pytest.mark.asyncio
async def test_a_new_sender_is_answered_once_and_his_message_is_closed(world: World) -> None:
    await world.ask()
    await world.ask(event="2")
    (row,) = await world.outbox()
    assert (row.kind, row.target["to"], world.kicks.count) == ("pairing", "8", 1)
    assert await world.journal.call(JournalStore.open_inbound) == []
    assert len(world.store.view("telegram", "default").requests) == 1


@pytest.mark.asyncio
async def test_the_reply_names_the_id_the_code_and_what_the_owner_types(world: World) -> None:
    await world.ask()
    (row,) = await world.outbox()
    text = world.desk.text(row.payload)
    assert text is not None
    assert "Your Telegram user id: 8" in text
    assert f"Pairing code: {world.code()}" in text
    assert "`openclaw --profile x pairing approve telegram <code>`" in text


@pytest.mark.asyncio
async def test_the_code_is_in_neither_outbox_nor_ledger_nor_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    await world.ask()
    held = f"{await world.outbox()} {list(world.notes)} {caplog.text}"
    assert world.code() not in held
    assert [(note.kind, note.actor["sender"]) for note in world.notes] == [("pairing", "8")]


@pytest.mark.asyncio
@pytest.mark.parametrize("payload", [{}, {"sender": "8", "channel": "telegram", "account": "other"}, {"sender": "9"}])
async def test_a_reply_whose_request_is_gone_is_not_sent(world: World, payload: dict[str, Any]) -> None:
    await world.ask()
    assert world.desk.text(payload) is None


@pytest.mark.asyncio
async def test_beyond_the_waiting_limit_a_stranger_gets_nothing(world: World) -> None:
    for number in range(10):
        await world.ask(str(number), str(number))
    waiting = len(world.store.view("telegram", "default").requests)
    assert waiting < 10
    assert len(await world.outbox()) == waiting
    assert world.notes[-1].verdict["outcome"] != world.notes[0].verdict["outcome"]
