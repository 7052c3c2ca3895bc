"""Drains the outbox: one chunk after the other per conversation, with retries, receipts and one rule for doubt.

A chunk is marked `started` in the journal before its request is written and `sent` with its receipt. What a kill left
in between is settled by the journal's rule; nothing else decides about repeating (channels.md 5, Retry).
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, TypeVar

from openclaw.agent.contract import ReplyTarget
from openclaw.channels.contract import Channel, OutboundMessage, Receipt, SendFailed
from openclaw.channels.journal_patience import AGAIN_SECONDS, until_stored
from openclaw.state.journal import Journal, JournalStore, OutboundRow
from openclaw.state.ledger_port import LedgerEntry, LedgerPort
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError
from openclaw.system.tasks import Supervisor, race

log = logging.getLogger(__name__)

T = TypeVar("T")

CHANNEL_WAIT_MS: Final = 5_000
GIVE_UP_MS: Final = 24 * 3_600_000
LONG_DELAY_MS: Final = 30_000
LONGEST_DELAY_MS: Final = 600_000


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how fast a chunk that did not get through is tried again (`channels.<id>.retry`)."""

    attempts: int = 3
    min_delay_ms: int = 400
    max_delay_ms: int = 30_000
    jitter: float = 0.1

    def delay_ms(self, attempt: int, rng: random.Random, retry_after: float | None) -> int:
        """Return the wait before the next attempt; `attempt` counts from 1.

        The first `attempts` tries come fast; after that the wait grows to ten minutes, because an answer is not lost
        when a service is away for an hour.
        """
        if attempt < self.attempts:
            base = min(self.min_delay_ms << min(attempt - 1, 20), self.max_delay_ms)
        else:
            base = min(LONG_DELAY_MS << min(attempt - self.attempts, 10), LONGEST_DELAY_MS)
        spread = base * self.jitter
        waited = base + rng.uniform(-spread, spread)
        return round(max(waited, (retry_after or 0) * 1000))


@dataclass(frozen=True, slots=True)
class DeliveryPorts:
    """What delivery asks of others.

    Attributes:
        channel: the running channel of an account, or None.
        retry: the retry settings of an account.
        pairing_text: renders the pairing reply of a request when it is sent, so that no journal or log holds the code;
            None when the request is gone.
    """

    channel: Callable[[str, str], Channel | None]
    retry: Callable[[str, str], RetryPolicy]
    pairing_text: Callable[[Mapping[str, Any]], str | None]


def target_to_json(target: ReplyTarget) -> dict[str, Any]:
    """Return the stored form of a target."""
    return {name: value for name, value in asdict(target).items() if value is not None}


def target_from_json(stored: Mapping[str, Any]) -> ReplyTarget:
    """Read the stored form of a target."""
    return ReplyTarget(**stored)


class Delivery:
    """Sends what the outbox holds. `run` until cancelled; `kick` after each write to the outbox."""

    def __init__(
        self,
        journal: Journal,
        ports: DeliveryPorts,
        ledger: LedgerPort,
        clock: Clock,
        *,
        rng: random.Random | None = None,
    ) -> None:
        self._journal = journal
        self._ports = ports
        self._ledger = ledger
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._wake = asyncio.Event()
        self._busy: set[tuple[str, ...]] = set()
        self._workers = Supervisor("delivery")
        self._sent_listeners: list[Callable[[OutboundRow, Receipt], None]] = []

    def kick(self) -> None:
        """Look at the outbox again."""
        self._wake.set()

    def on_sent(self, listener: Callable[[OutboundRow, Receipt], None]) -> None:
        """Call `listener` for each receipt."""
        self._sent_listeners.append(listener)

    async def recover(self) -> None:
        """Settle what an unclean end left between request and receipt, and say so."""
        found = await self._journal.call(JournalStore.recover, self._clock.now_ms())
        for row in found.repeated:
            log.warning("a reply to %s was cut between request and receipt; it is sent once more", row.channel)
            self._note(row, "repeat", "delivery.cut-reply-is-repeated")
        for row in found.uncertain:
            log.error("a message to %s may or may not have arrived; it is not repeated", row.channel)
            self._note(row, "uncertain", "delivery.unknown-outcome")

    async def run(self) -> None:
        """Send until cancelled; a send under way is finished first when it can be."""
        try:
            while True:
                self._wake.clear()
                await self._sleep(await self._next_wait())
        finally:
            await self._workers.close()

    async def _next_wait(self) -> int | None:
        """Dispatch; a journal that cannot be read is asked again in a moment."""
        try:
            return await self._dispatch()
        except OpenClawError as error:
            log.error("the outbox waits: %s", error)
            return round(AGAIN_SECONDS * 1000)

    async def _sleep(self, wait_ms: int | None) -> None:
        if wait_ms is None:
            await self._wake.wait()
        else:
            await race(self._wake.wait(), self._clock.sleep(wait_ms / 1000))

    async def _dispatch(self) -> int | None:
        """Start a worker for each idle conversation with a due chunk; returns milliseconds to the next due one."""
        now = self._clock.now_ms()
        queues: dict[tuple[str, ...], list[OutboundRow]] = {}
        for row in await self._journal.call(JournalStore.pending_outbound):
            queues.setdefault(_conversation(row), []).append(row)
        next_due: int | None = None
        for key, rows in queues.items():
            if key in self._busy:
                continue
            due_in = self._due_in(rows[0], now)
            if due_in <= 0:
                self._busy.add(key)
                self._workers.start(self._work(key, rows), name="/".join(key))
            else:
                next_due = due_in if next_due is None else min(next_due, due_in)
        return next_due

    def _due_in(self, row: OutboundRow, now: int) -> int:
        """Milliseconds until this chunk may be tried; one whose channel is down waits for `kick`, or for its end."""
        if self._ports.channel(row.channel, row.account) is None and now - row.created_ms <= GIVE_UP_MS:
            return max(CHANNEL_WAIT_MS, row.due_ms - now)
        return row.due_ms - now

    async def _work(self, key: tuple[str, ...], rows: list[OutboundRow]) -> None:
        try:
            for row in rows:
                if row.due_ms > self._clock.now_ms() or not await self._send(row):
                    break
        except OpenClawError as error:
            log.error("what is for %s waits: %s", key[0], error)
            await self._clock.sleep(AGAIN_SECONDS)
        finally:
            self._busy.discard(key)
            self.kick()

    async def _send(self, row: OutboundRow) -> bool:
        """Send one chunk; returns whether the next one of this conversation may follow now."""
        now = self._clock.now_ms()
        channel = self._ports.channel(row.channel, row.account)
        if channel is None:
            return await self._given_up(row, now)
        message = self._message(row)
        if message is None:
            await self._journal.call(JournalStore.end, row.id, "dropped", "nothing to send any more", now)
            return True
        await self._journal.call(JournalStore.start, row.id, now)
        try:
            receipt = await channel.send(target_from_json(row.target), message)
        except SendFailed as error:
            return await self._failed(row, error)
        except OpenClawError as error:
            return await self._failed(row, SendFailed(error.message, final=True))
        ended = self._clock.now_ms()
        await self._keep(row, lambda: self._journal.call(JournalStore.sent, row.id, receipt.ids, ended))
        self._note(row, "sent", "delivery.repeated" if row.repeats else "delivery.sent")
        for listener in self._sent_listeners:
            listener(row, receipt)
        return True

    async def _keep(self, row: OutboundRow, write: Callable[[], Awaitable[T]]) -> T:
        """Note how a request ended; forgetting it would send the chunk again or never."""
        return await until_stored(self._clock, f"the outcome of a message to {row.channel}", write)

    async def _given_up(self, row: OutboundRow, now: int) -> bool:
        """The channel is down: wait for it, but not for ever."""
        if now - row.created_ms <= GIVE_UP_MS:
            return False
        await self._journal.call(JournalStore.end, row.id, "failed", f"{row.channel} was down for a day", now)
        self._note(row, "failed", "delivery.channel-down")
        return True

    async def _failed(self, row: OutboundRow, error: SendFailed) -> bool:
        now = self._clock.now_ms()
        reason = str(error)
        if error.reached:
            repeated = await self._keep(row, lambda: self._journal.call(JournalStore.settle, row.id, now, reason))
            self._note(row, "repeat" if repeated else "uncertain", "delivery.unknown-outcome")
            return not repeated
        too_old = now - row.created_ms > GIVE_UP_MS
        if error.final or row.kind == "pairing" or too_old:
            log.error("a message to %s could not be sent: %s", row.channel, reason)
            await self._keep(row, lambda: self._journal.call(JournalStore.end, row.id, "failed", reason, now))
            self._note(row, "failed", "delivery.refused")
            return True
        policy = self._ports.retry(row.channel, row.account)
        due = now + policy.delay_ms(row.attempts + 1, self._rng, error.retry_after)
        log.warning("a message to %s did not get through and is tried again: %s", row.channel, reason)
        await self._keep(row, lambda: self._journal.call(JournalStore.retry, row.id, due, reason))
        return False

    def _message(self, row: OutboundRow) -> OutboundMessage | None:
        if row.kind == "pairing":
            text = self._ports.pairing_text(row.payload)
            return None if text is None else OutboundMessage(text=text)
        payload = row.payload
        return OutboundMessage(
            text=str(payload.get("text", "")),
            media=payload.get("media"),
            reply_to_id=payload.get("replyToId"),
            silent=bool(payload.get("silent", False)),
        )

    def _note(self, row: OutboundRow, outcome: str, rule: str) -> None:
        self._ledger.record(
            LedgerEntry(
                kind="delivery",
                run=row.run_id,
                session=row.session_key,
                actor={"channel": row.channel, "account": row.account},
                what={"outbound": row.id, "kind": row.kind, "attempt": row.attempts + 1, "repeat": row.repeats},
                verdict={"outcome": outcome, "rule": rule},
            )
        )


def _conversation(row: OutboundRow) -> tuple[str, ...]:
    return (row.channel, row.account, str(row.target.get("to", "")), str(row.target.get("thread_id", "")))
