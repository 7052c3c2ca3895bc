"""Intake: journal, dedupe, admit, mention gate, route, and hand to the lane; once down this line, for every channel.

A message is in the journal before `offer` returns. What was admitted but not answered is judged again after a restart,
under the policy of that moment. Conversations run in parallel, the messages of one in order; commands that stop or
approve overtake.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from openclaw.agent.contract import Payload, TurnRequest
from openclaw.channels.admit import Judged, Surroundings, judge
from openclaw.channels.answers import Answers
from openclaw.channels.contract import InboundMessage
from openclaw.channels.conversations import Conversations
from openclaw.channels.envelope import EnvelopeStyle, Writer, compose
from openclaw.channels.history import PendingEntry, PendingHistory
from openclaw.channels.media import MediaFetcher
from openclaw.channels.pairing_reply import PairingDesk
from openclaw.channels.turns import Admitted, TurnOptions, requester_of, turn_request
from openclaw.policy.snapshot import Policy
from openclaw.policy.what.labels import Provenance, Source
from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.command_text import control_command, is_abort_word
from openclaw.policy.who.facts import EventKind
from openclaw.protocol.codec import Mismatch, NotJson, encode, typed_decoder
from openclaw.state.journal import InboundRow, Journal, JournalStore, NewInbound
from openclaw.state.ledger_port import LedgerEntry, LedgerPort
from openclaw.system.clock import Clock
from openclaw.system.tasks import Supervisor
from openclaw.tools.contract import Requester

log = logging.getLogger(__name__)

OVERTAKING: Final = frozenset({"stop", "approve"})
"""Commands that do not wait behind the conversation's own messages."""

TURN_KINDS: Final = frozenset({EventKind.MESSAGE, EventKind.NATIVE})

_decode = typed_decoder(InboundMessage)


class Runner(Protocol):
    """What intake asks of the agent room."""

    def run(self, request: TurnRequest) -> None:
        """Queue a turn on its session's lane."""
        ...

    def stop(self, session_key: str, requester: Requester) -> tuple[str, ...]:
        """Abort the runs of a session that this requester may abort; returns their ids."""
        ...

    def notify(self, session_key: str, text: str) -> None:
        """Queue a line for the session's next prompt."""
        ...

    def last_activity_ms(self, session_key: str) -> int | None:
        """Return when the session was used last."""
        ...


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """What intake is built from."""

    journal: Journal
    policy: Callable[[], Policy]
    around: Surroundings
    runner: Runner
    answers: Answers
    pairing: PairingDesk
    media: MediaFetcher
    ledger: LedgerPort
    clock: Clock
    writer: Writer
    style: Callable[[], EnvelopeStyle]
    label: Callable[[str], str]


class Intake:
    """The one way in for chat messages; implements `contract.Inbox`."""

    def __init__(self, parts: IntakeParts) -> None:
        self._parts = parts
        self._history = PendingHistory()
        self._history_keys: dict[int, str] = {}
        self._tasks = Supervisor("intake")
        self._conversations = Conversations(self._handle, parts.clock, self._tasks)
        self._held: dict[tuple[str, str], list[tuple[InboundRow, InboundMessage]]] = {}

    async def offer(self, messages: Sequence[InboundMessage]) -> None:
        """Journal the messages and take them on. Raises Unavailable when the journal refuses them."""
        now = self._parts.clock.now_ms()
        stored = [
            NewInbound(message.channel, message.account, message.event_id, encode(message).decode())
            for message in messages
        ]
        rows = await self._parts.journal.call(JournalStore.offer, stored, now)
        for channel, account in {(message.channel, message.account) for message in messages}:
            self.release(channel, account)
        by_event = {(message.channel, message.account, message.event_id): message for message in messages}
        for row in rows:
            self._enqueue(row.id, by_event[row.channel, row.account, row.event_id])

    async def accept(
        self, message: InboundMessage, judged: Callable[[Policy], Judged], options: TurnOptions
    ) -> TurnRequest | None:
        """Take a message whose session its caller names (web chat): journal, admit, run; None when it was seen before.

        Raises:
            Refused: admission drops it; the message holds the rule.
        """
        now = self._parts.clock.now_ms()
        stored = NewInbound(message.channel, message.account, message.event_id, encode(message).decode())
        rows = await self._parts.journal.call(JournalStore.offer, [stored], now, durable=False)
        if not rows:
            return None
        return await self.take(Admitted((rows[0].id,), message, judged(self._parts.policy())), options)

    async def take(self, admitted: Admitted, options: TurnOptions) -> TurnRequest:
        """Run a journaled message whose session its caller named."""
        self._note(admitted.message, admitted.judged)
        request = turn_request(admitted, admitted.message.body, (), (), options)
        await self._queue(request)
        return request

    async def replay(self, resume: Callable[[InboundRow, InboundMessage], Awaitable[bool]] | None = None) -> int:
        """Take on again what an earlier process left open; returns how many messages.

        Messages of a channel are held until `release`, when it is known who the bot is there: without that the mention
        gate could not be judged.

        Args:
            resume: takes rows that are not intake's own kind (web chat); returns whether it did.
        """
        count = 0
        for row in await self._parts.journal.call(JournalStore.open_inbound):
            message = await self._stored(row)
            if message is None:
                continue
            count += 1
            if resume is None or not await resume(row, message):
                self._held.setdefault((row.channel, row.account), []).append((row, message))
        return count

    def release(self, channel: str, account: str) -> None:
        """Take on the held messages of an account that is connected now."""
        for row, message in self._held.pop((channel, account), ()):
            if row.state == "pending":
                self._restore(row, message)
            else:
                self._enqueue(row.id, message)

    async def close(self) -> None:
        """Stop; what is not answered stays open in the journal."""
        await self._tasks.close()

    def forget(self, inbound_ids: Sequence[int]) -> None:
        """Drop pending history that an answer has used."""
        for inbound_id in inbound_ids:
            key = self._history_keys.pop(inbound_id, None)
            if key is not None:
                self._history.discard(key, [inbound_id])

    async def _stored(self, row: InboundRow) -> InboundMessage | None:
        try:
            found = _decode(row.payload)
        except (NotJson, Mismatch):
            log.error("journal row %d is not readable by this build and is closed", row.id)
            await self._close_row([row.id], "unreadable")
            return None
        return found if isinstance(found, InboundMessage) else None

    def _enqueue(self, inbound_id: int, message: InboundMessage) -> None:
        key: tuple[str, ...] = (message.channel, message.account, message.target.to, message.target.thread_id or "")
        if self._overtakes(message):
            key = (*key, "command")
        self._conversations.put(key, inbound_id, message)

    def _overtakes(self, message: InboundMessage) -> bool:
        if message.facts.kind not in TURN_KINDS or message.facts.forwarded:
            return False
        text = message.facts.text
        if is_abort_word(text):
            return True
        command = control_command(self._parts.policy().access.commands, text, self._bot_name(message))
        return command is not None and command.spec.name in OVERTAKING

    def _bot_name(self, message: InboundMessage) -> str | None:
        return self._parts.around.identity(message.channel, message.account).username

    async def _handle(self, ids: tuple[int, ...], message: InboundMessage) -> None:
        if message.facts.kind is EventKind.EDIT:
            waits = self._history.holds(f"{message.channel}/{message.account}/", message.message_id)
            message = replace(message, facts=replace(message.facts, original_waits=waits))
        judged = judge(self._parts.policy(), message, self._parts.around, self._parts.clock.now_ms())
        self._note(message, judged)
        match judged.admission.decision:
            case Decision.DROP:
                await self._close_row(ids, judged.admission.decided_by.rule)
            case Decision.PAIR:
                await self._parts.pairing.ask(ids, message, judged.admission.effects.pairing_id)
            case Decision.BUFFER if message.facts.kind is EventKind.EDIT:
                await self._edit(Admitted(ids, message, judged))
            case Decision.BUFFER:
                await self._buffer(ids, message, judged)
            case Decision.DELIVER:
                await self._deliver(Admitted(ids, message, judged))

    async def _buffer(self, ids: tuple[int, ...], message: InboundMessage, judged: Judged) -> None:
        """Keep a message that was not for the bot as context for the next one that is."""
        evicted = self._remember(ids[0], message, judged)
        if len(ids) > 1:  # its row stands for all parts now
            await self._parts.journal.call(JournalStore.rewrite, ids[0], lambda _part: encode(message).decode())
        await self._parts.journal.call(JournalStore.mark, ids[:1], "pending")
        gone = (*ids[1:], *evicted)
        if gone:
            await self._close_row(gone, "history.evicted")

    def _remember(self, inbound_id: int, message: InboundMessage, judged: Judged) -> tuple[int, ...]:
        key = judged.admission.effects.history_key or ""
        scope = self._parts.policy().access.account(message.channel, message.account)
        trusted = judged.admission.effects.author_admitted
        entry = PendingEntry(
            inbound_id=inbound_id,
            sender_label=message.sender_label,
            body=message.body or " ".join(f"<media:{media.kind}>" for media in message.media),
            at_ms=message.sent_ms,
            message_id=message.message_id,
            provenance=Provenance(
                source=Source.ALLOWED if trusted else Source.STRANGER,
                channel=message.channel,
                account_id=message.account,
                sender_id=message.facts.sender.id,
            ),
        )
        full_key = f"{message.channel}/{message.account}/{key}"
        self._history_keys[inbound_id] = full_key
        evicted = self._history.add(full_key, entry, scope.history_limit if scope is not None else 0)
        for gone in evicted:
            self._history_keys.pop(gone, None)
        return evicted

    def _restore(self, row: InboundRow, message: InboundMessage) -> None:
        judged = judge(self._parts.policy(), message, self._parts.around, self._parts.clock.now_ms())
        if judged.admission.decision is Decision.BUFFER:
            self._remember(row.id, message, judged)
        else:  # the policy has changed since: it is context no more
            self._tasks.start(self._close_row([row.id], "history.policy-changed"), name="history")

    async def _deliver(self, admitted: Admitted) -> None:
        kind = admitted.message.facts.kind
        if kind is EventKind.EDIT:
            await self._edit(admitted)
        elif kind not in TURN_KINDS:
            await self._event(admitted)
        elif self._stops(admitted):
            await self._stop(admitted)
        else:
            await self._turn(admitted)

    async def _edit(self, admitted: Admitted) -> None:
        """Replace the text where the original still waits, and in the journal; an edit never starts a turn.

        What the original was judged by stays as it was: after a restart it waits again for the same reason.
        """
        message = admitted.message
        key = f"{message.channel}/{message.account}/{admitted.judged.admission.effects.history_key or ''}"
        waiting = self._history.edit(key, message.message_id, message.body)
        if waiting is not None:
            await self._parts.journal.call(
                JournalStore.rewrite, waiting, lambda payload: _edited(payload, message.body)
            )
        await self._close_row(admitted.inbound_ids, "event.edit")

    async def _event(self, admitted: Admitted) -> None:
        """A reaction or the like becomes a line for the session's next prompt."""
        message = admitted.message
        text = message.body or f"{message.facts.kind} by {message.sender_label}"
        self._parts.runner.notify(
            admitted.judged.session_key, f"{self._parts.label(message.channel)} {self._parts.writer.clean(text)}"
        )
        await self._close_row(admitted.inbound_ids, f"event.{message.facts.kind}")

    def _stops(self, admitted: Admitted) -> bool:
        if not admitted.judged.admission.command_authorized or admitted.message.facts.forwarded:
            return False
        text = admitted.message.facts.text
        if is_abort_word(text):
            return True
        if not admitted.judged.reads_commands:
            return False
        command = control_command(self._parts.policy().access.commands, text, self._bot_name(admitted.message))
        return command is not None and command.spec.name == "stop"

    async def _stop(self, admitted: Admitted) -> None:
        stopped = self._parts.runner.stop(admitted.judged.session_key, requester_of(admitted))
        text = "Stopped." if stopped else "Nothing of yours is running here."
        await self._parts.answers.put(
            admitted.message.target,
            [Payload(text=text)],
            inbound_ids=admitted.inbound_ids,
            session_key=admitted.judged.session_key,
            outcome="stopped",
        )

    async def _turn(self, admitted: Admitted) -> None:
        message = admitted.message
        fetched = await self._parts.media.fetch(message)
        if fetched.refused and not fetched.images and not message.body:
            await self._say(admitted, fetched.refused)
            return
        key = f"{message.channel}/{message.account}/{admitted.judged.admission.effects.history_key or ''}"
        history = self._history.peek(key) if admitted.judged.admission.effects.history_key else ()
        text = compose(
            message,
            history,
            self._parts.style(),
            self._parts.writer,
            channel_label=self._parts.label(message.channel),
            previous_ms=self._parts.runner.last_activity_ms(admitted.judged.session_key),
        )
        notes = "".join(f"\n[{note}]" for note in (*fetched.notes, *((fetched.refused,) if fetched.refused else ())))
        await self._queue(turn_request(admitted, text + notes, history, fetched.images))

    async def _say(self, admitted: Admitted, text: str) -> None:
        await self._parts.answers.put(
            admitted.message.target,
            [Payload(text=text)],
            inbound_ids=admitted.inbound_ids,
            session_key=admitted.judged.session_key,
            outcome="refused",
        )

    async def _queue(self, request: TurnRequest) -> None:
        await self._parts.journal.call(
            JournalStore.mark,
            request.inbound_ids,
            "queued",
            session_key=request.session_key,
            run_id=request.run_id,
        )
        self._parts.runner.run(request)

    async def _close_row(self, ids: Sequence[int], outcome: str) -> None:
        await self._parts.journal.call(
            JournalStore.mark, ids, "closed", outcome=outcome, now_ms=self._parts.clock.now_ms()
        )

    def _note(self, message: InboundMessage, judged: Judged) -> None:
        admission = judged.admission
        reason = admission.decided_by
        log.debug("%s %s: %s (%s)", message.channel, message.event_id, admission.decision, reason.rule)
        self._parts.ledger.record(
            LedgerEntry(
                kind="admission",
                session=judged.session_key,
                agent=judged.route.agent_id,
                actor={
                    "channel": message.channel,
                    "account": message.account,
                    "sender": message.facts.sender.id,
                    "source": str(admission.admitted_by) if admission.admitted_by is not None else None,
                },
                what={"event": str(message.facts.kind), "chat": message.facts.chat_id},
                verdict={"outcome": str(admission.decision), "rule": reason.rule, "key": reason.key},
            )
        )


def _edited(payload: str, body: str) -> str:
    """Return a stored message with another text."""
    return encode(replace(_decode(payload), body=body)).decode()
