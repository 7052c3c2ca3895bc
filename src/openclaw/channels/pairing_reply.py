"""The pairing handshake with a stranger: record the request, and answer once with a code (channels.md 1.2).

The code never enters the journal, a transcript, a prompt or a log: the outbox holds a reference to the request, and the
text is made when it is sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from openclaw.channels.contract import InboundMessage
from openclaw.channels.delivery import Delivery, target_to_json
from openclaw.channels.journal_patience import until_stored
from openclaw.policy.who.dm_pairing import Upsert
from openclaw.state.journal import Journal, JournalStore, NewOutbound
from openclaw.state.ledger_port import LedgerEntry, LedgerPort
from openclaw.state.pairing import PairingStore
from openclaw.system.clock import Clock

log = logging.getLogger(__name__)

ID_LABELS: Final[Mapping[str, str]] = {
    "whatsapp": "phone number",
    "telegram": "user id",
    "discord": "user id",
    "slack": "user id",
    "signal": "number",
    "imessage": "sender id",
    "bluebubbles": "sender id",
    "msteams": "user id",
}


class PairingDesk:
    """Records requests and puts the one reply into the outbox."""

    def __init__(
        self,
        store: PairingStore,
        journal: Journal,
        delivery: Delivery,
        ledger: LedgerPort,
        clock: Clock,
        *,
        label: Callable[[str], str],
        command: Callable[[], str],
    ) -> None:
        self._store = store
        self._journal = journal
        self._delivery = delivery
        self._ledger = ledger
        self._clock = clock
        self._label = label
        self._command = command

    async def ask(self, inbound_ids: Sequence[int], message: InboundMessage, sender_id: str) -> None:
        """Record the request; a new one is answered, a repeated one is not (advisories D)."""
        sender = message.facts.sender
        meta = (("username", sender.username), ("name", sender.name), ("tag", sender.tag))
        outcome = await asyncio.to_thread(self._store.request, message.channel, message.account, sender_id, meta)
        created = outcome.outcome is Upsert.CREATED
        self._ledger.record(
            LedgerEntry(
                kind="pairing",
                actor={"channel": message.channel, "account": message.account, "sender": sender_id},
                verdict={"outcome": str(outcome.outcome), "rule": outcome.decided_by.rule},
            )
        )
        chunks = []
        if created:
            log.info("%s: a new sender asks for access; see: %s pairing list", message.channel, self._command())
            chunks = [
                NewOutbound(
                    kind="pairing",
                    channel=message.channel,
                    account=message.account,
                    target=target_to_json(message.target),
                    payload={"sender": sender_id, "channel": message.channel, "account": message.account},
                )
            ]
        now, rows = self._clock.now_ms(), tuple(inbound_ids)
        await until_stored(
            self._clock,
            f"a pairing reply on {message.channel}",
            lambda: self._journal.call(JournalStore.answer, rows, chunks, now, outcome=str(outcome.outcome)),
        )
        if chunks:
            self._delivery.kick()

    def text(self, payload: Mapping[str, Any]) -> str | None:
        """Return the reply for a stored reference, or None when its request is gone."""
        channel, account, sender = (str(payload.get(name, "")) for name in ("channel", "account", "sender"))
        request = next((found for found in self._store.view(channel, account).requests if found.id == sender), None)
        if request is None:
            return None
        label = ID_LABELS.get(channel, "sender id")
        return (
            "openclaw: access is not set up for you yet.\n\n"
            f"Your {self._label(channel)} {label}: {sender}\n\n"
            f"Pairing code: {request.code}\n\n"
            f"Ask the owner of this bot to run:\n\n`{self._command()} pairing approve {channel} <code>`"
        )
