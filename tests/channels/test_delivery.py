from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from openclaw.agent.contract import ReplyTarget
from openclaw.channels.contract import Capabilities, Inbox, MediaRef, OutboundMessage, ProbeResult, Receipt, SendFailed
from openclaw.channels.delivery import GIVE_UP_MS, Delivery, DeliveryPorts, RetryPolicy, target_to_json
from openclaw.channels.journal_patience import AGAIN_SECONDS
from openclaw.state.journal import Journal, JournalStore, NewOutbound, OutboundKind
from openclaw.state.ledger_port import LedgerEntry
from openclaw.system.errors import Unavailable
from support.time import FakeClock, settle
from support.waiting import until


class Wire:
    """A channel whose sends are scripted: an exception is raised, anything else is a receipt."""

    channel = "telegram"
    account = "default"
    capabilities = Capabilities()
    identity = None
    credential = None

    def __init__(self) -> None:
        self.connected = asyncio.Event()
        self.sent: list[tuple[str, str]] = []
        self.script: list[Exception] = []
        self.gate: asyncio.Event | None = None

    async def run(self, inbox: Inbox) -> None:
        raise AssertionError("not run here")

    async def send(self, target: ReplyTarget, message: OutboundMessage) -> Receipt:
        if self.gate is not None:
            await self.gate.wait()
        if self.script:
            raise self.script.pop(0)
        self.sent.append((target.to, message.text))
        return Receipt(ids=(str(len(self.sent)),))

    async def typing(self, target: ReplyTarget) -> None: ...

    async def fetch(self, media: MediaRef, *, limit: int) -> bytes:
        raise AssertionError("not fetched here")

    async def probe(self) -> ProbeResult:
        return ProbeResult(ok=True)


class Notes(list[LedgerEntry]):
    healthy = True

    def record(self, entry: LedgerEntry) -> None:
        self.append(entry)

    def rules(self) -> list[str]:
        return [entry.verdict["rule"] for entry in self]


class World:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.clock = FakeClock()
        self.wire: Wire | None = Wire()
        self.notes = Notes()
        self.pairing: str | None = "code ABC"
        self.delivery = Delivery(
            journal,
            DeliveryPorts(
                channel=lambda _channel, _account: self.wire,
                retry=lambda _channel, _account: RetryPolicy(jitter=0),
                pairing_text=self.render,
            ),
            self.notes,
            self.clock,
            rng=random.Random(1),
        )

    def render(self, payload: Mapping[str, Any]) -> str | None:
        return self.pairing

    async def put(self, *texts: str, to: str = "1", kind: OutboundKind = "reply") -> list[int]:
        target = target_to_json(ReplyTarget(channel="telegram", account="default", to=to))
        chunks = [
            NewOutbound(kind=kind, channel="telegram", account="default", target=target, payload={"text": text})
            for text in texts
        ]
        return await self.journal.call(JournalStore.answer, [], chunks, self.clock.now_ms(), outcome="answered")

    async def idle(self) -> None:
        """Let the loop, the journal's thread and the loop again run until nothing moves."""
        for _ in range(6):
            await self.clock.advance(0)
            await self.journal.call(JournalStore.pending_outbound)

    async def state(self) -> tuple[int, int]:
        pending = await self.journal.call(JournalStore.pending_outbound)
        uncertain = await self.journal.call(JournalStore.uncertain_outbound)
        return len(pending), len(uncertain)


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    world = World(journal)
    running = asyncio.create_task(world.delivery.run())
    yield world
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
    await journal.close()


async def go(world: World, seconds: float = 0) -> None:
    world.delivery.kick()
    await world.idle()
    if seconds:
        await world.clock.advance(seconds)
        await world.idle()


@pytest.mark.asyncio
async def test_chunks_of_a_conversation_keep_their_order_and_get_receipts(world: World) -> None:
    await world.put("one", "two", "three")
    await go(world)
    assert world.wire is not None
    assert [text for _, text in world.wire.sent] == ["one", "two", "three"]
    assert await world.state() == (0, 0)
    assert world.notes.rules() == ["delivery.sent"] * 3


@pytest.mark.asyncio
async def test_a_send_that_did_not_reach_the_service_is_tried_again_before_its_followers(world: World) -> None:
    assert world.wire is not None
    world.wire.script = [SendFailed("refused"), SendFailed("slow down", retry_after=7)]
    await world.put("one", "two")
    await go(world)
    assert world.wire.sent == []
    await world.clock.advance(0.4)
    await world.idle()
    await world.clock.advance(6.9)
    await world.idle()
    assert world.wire.sent == []
    await world.clock.advance(0.2)
    await world.idle()
    assert [text for _, text in world.wire.sent] == ["one", "two"]


@pytest.mark.asyncio
async def test_a_conversation_that_fails_does_not_hold_up_another(world: World) -> None:
    assert world.wire is not None
    world.wire.script = [SendFailed("refused")]
    await world.put("one", to="1")
    await world.put("other", to="2")
    await go(world)
    assert world.wire.sent == [("2", "other")]


@pytest.mark.asyncio
async def test_a_final_refusal_ends_the_chunk(world: World) -> None:
    assert world.wire is not None
    world.wire.script = [SendFailed("blocked by the user", final=True)]
    await world.put("one", "two")
    await go(world)
    assert [text for _, text in world.wire.sent] == ["two"]
    assert await world.state() == (0, 0)
    assert world.notes.rules() == ["delivery.refused", "delivery.sent"]


@pytest.mark.asyncio
async def test_a_reply_with_unknown_outcome_is_repeated_once_and_the_ledger_says_so(world: World) -> None:
    assert world.wire is not None
    world.wire.script = [SendFailed("time-out", reached=True)]
    await world.put("one")
    await go(world)
    assert [text for _, text in world.wire.sent] == ["one"]
    assert world.notes.rules() == ["delivery.unknown-outcome", "delivery.repeated"]


@pytest.mark.asyncio
async def test_any_other_send_with_unknown_outcome_is_not_repeated(world: World) -> None:
    assert world.wire is not None
    world.wire.script = [SendFailed("time-out", reached=True)]
    await world.put("one", kind="message")
    await go(world, 60)
    assert world.wire.sent == []
    assert await world.state() == (0, 1)


@pytest.mark.asyncio
async def test_a_channel_that_is_down_keeps_its_messages_for_a_day(world: World) -> None:
    wire, world.wire = world.wire, None
    await world.put("one")
    await go(world, 60)
    assert await world.state() == (1, 0)
    world.wire = wire
    await world.clock.advance(6)
    await world.idle()
    assert wire is not None
    assert [text for _, text in wire.sent] == ["one"]


@pytest.mark.asyncio
async def test_after_a_day_a_message_is_given_up(world: World) -> None:
    world.wire = None
    await world.put("one")
    await go(world)
    await world.clock.advance(GIVE_UP_MS / 1000 + 10)
    await go(world)
    assert await world.state() == (0, 0)
    assert world.notes.rules() == ["delivery.channel-down"]


@pytest.mark.asyncio
async def test_a_pairing_reply_is_rendered_when_sent_and_never_retried(world: World) -> None:
    assert world.wire is not None
    await world.put("", kind="pairing")
    await go(world)
    assert [text for _, text in world.wire.sent] == ["code ABC"]
    world.wire.script = [SendFailed("refused")]
    await world.put("", kind="pairing")
    await go(world, 60)
    assert len(world.wire.sent) == 1
    world.pairing = None
    await world.put("", kind="pairing")
    await go(world)
    assert len(world.wire.sent) == 1
    assert await world.state() == (0, 0)


@pytest.mark.asyncio
async def test_recovery_repeats_a_cut_reply_and_keeps_other_sends_as_uncertain(world: World) -> None:
    assert world.wire is not None
    (reply,) = await world.put("reply")
    (other,) = await world.put("other", kind="message")
    await world.journal.call(JournalStore.start, reply, world.clock.now_ms())
    await world.journal.call(JournalStore.start, other, world.clock.now_ms())
    await world.delivery.recover()
    await go(world)
    assert [text for _, text in world.wire.sent] == ["reply"]
    assert world.notes.rules() == [
        "delivery.cut-reply-is-repeated",
        "delivery.unknown-outcome",
        "delivery.repeated",
    ]


def refuse(world: World, monkeypatch: pytest.MonkeyPatch, *methods: object) -> list[object]:
    """Make these methods of the journal fail as on a full disk, while they are on the returned list."""
    refused, real = list(methods), world.journal.call

    async def call(method: Any, *args: Any, **kwargs: Any) -> Any:
        if method in refused:
            raise Unavailable("the journal cannot be written: disk is full", code="journal-unavailable")
        return await real(method, *args, **kwargs)

    monkeypatch.setattr(world.journal, "call", call)
    return refused


@pytest.mark.asyncio
@pytest.mark.parametrize("method", [JournalStore.pending_outbound, JournalStore.start])
async def test_a_full_journal_holds_messages_back_calmly(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, method: object
) -> None:
    await world.put("later")
    refused = refuse(world, monkeypatch, method)
    world.delivery.kick()
    await world.clock.advance(0)
    await until(lambda: bool(caplog.records))
    await settle()
    assert world.wire is not None
    assert (world.wire.sent, len(caplog.records), caplog.records[0].exc_info) == ([], 1, None)
    refused.clear()
    await go(world, AGAIN_SECONDS)
    assert world.wire.sent == [("1", "later")]


@pytest.mark.asyncio
async def test_a_receipt_that_cannot_be_noted_is_noted_later_and_nothing_is_sent_twice(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await world.put("one", "two")
    refused = refuse(world, monkeypatch, JournalStore.sent)
    await go(world, 3 * AGAIN_SECONDS)
    assert world.wire is not None
    assert world.wire.sent == [("1", "one")]
    assert [record.getMessage() for record in caplog.records] == [
        "the outcome of a message to telegram waits: the journal cannot be written: disk is full"
    ]
    refused.clear()
    await go(world, AGAIN_SECONDS)
    assert world.wire.sent == [("1", "one"), ("1", "two")]
    assert (await world.journal.call(JournalStore.recover, world.clock.now_ms())).repeated == ()


def test_delays_grow_obey_the_service_and_stay_bounded() -> None:
    policy = RetryPolicy(jitter=0)
    rng = random.Random(1)
    delays = [policy.delay_ms(attempt, rng, None) for attempt in range(1, 12)]
    assert delays[:3] == [400, 800, 30_000]
    assert max(delays) == 600_000
    assert policy.delay_ms(1, rng, 60) == 60_000
