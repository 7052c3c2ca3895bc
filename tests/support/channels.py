"""A channel without a wire, and short ways to make messages for it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from openclaw.agent.contract import ReplyTarget
from openclaw.channels.contract import (
    Capabilities,
    InboundMessage,
    Inbox,
    MediaRef,
    OutboundMessage,
    ProbeResult,
    Receipt,
    SendFailed,
)
from openclaw.policy.who.facts import ChatType, MessageFacts, SelfIdentity, Sender
from openclaw.state.ledger_port import LedgerEntry
from openclaw.system.secret import Secret

AT = 1_790_000_000_000


class Notes(list[LedgerEntry]):
    """A ledger in memory."""

    healthy = True

    def record(self, entry: LedgerEntry) -> None:
        self.append(entry)

    def rules(self, kind: str) -> list[str]:
        return [entry.verdict["rule"] for entry in self if entry.kind == kind]


class FakeChannel:
    """One account: `faults` end its runs one after the other, then it stays up; files are what it can fetch."""

    def __init__(self, account: str = "default", *, token: str | None = None, typing: bool = True) -> None:
        self.channel = "telegram"
        self.account = account
        self.capabilities = Capabilities(typing=typing)
        self.connected = asyncio.Event()
        self.credential = None if token is None else Secret(token)
        self.faults: list[Exception | None] = []
        self.files: dict[str, bytes] = {}
        self.typed: list[ReplyTarget] = []
        self.runs = 0
        self.inbox: Inbox | None = None
        self.found: ProbeResult | None = ProbeResult(ok=True, facts={"id": 1})
        self.identity: SelfIdentity | None = None

    async def run(self, inbox: Inbox) -> None:
        self.runs += 1
        self.inbox, self.identity = inbox, SelfIdentity(id="900", username="clawbot")
        self.connected.set()
        try:
            if self.faults:
                await asyncio.sleep(0)
                fault = self.faults.pop(0)
                if fault is not None:
                    raise fault
                return
            await asyncio.get_running_loop().create_future()
        finally:
            self.identity = None
            self.connected.clear()

    async def send(self, target: ReplyTarget, message: OutboundMessage) -> Receipt:
        raise AssertionError("nothing is sent here")

    async def typing(self, target: ReplyTarget) -> None:
        self.typed.append(target)

    async def fetch(self, media: MediaRef, *, limit: int) -> bytes:
        data = self.files.get(media.handle)
        if data is None:
            raise SendFailed("the file is gone", final=True)
        if len(data) > limit:
            raise SendFailed(f"larger than {limit}", final=True)
        return data

    async def probe(self) -> ProbeResult:
        if self.found is None:
            await asyncio.get_running_loop().create_future()
        assert self.found is not None
        return self.found


def inbound(
    text: str = "hello", *, user: str = "7", event: str = "1", group: str | None = None, **changes: Any
) -> InboundMessage:
    """Return a message of a person to the default account, direct or in a group."""
    chat = group or user
    facts = MessageFacts(
        chat_type=ChatType.DIRECT if group is None else ChatType.GROUP,
        chat_id=chat,
        sender=Sender(id=user, username=f"user{user}", name=f"User{user}"),
        text=text,
    )
    facts = replace(facts, **changes.pop("facts", {}))
    target = ReplyTarget(
        channel="telegram", account="default", to=chat, chat_type="direct" if group is None else "group"
    )
    message = InboundMessage(
        channel="telegram",
        account="default",
        event_id=event,
        facts=facts,
        message_id=event,
        sent_ms=AT,
        body=text,
        sender_label=f"User{user} id:{user}",
        target=target,
    )
    return replace(message, **changes)


class Box:
    """An inbox that keeps what it is offered."""

    def __init__(self) -> None:
        self.messages: list[InboundMessage] = []

    async def offer(self, messages: Sequence[InboundMessage]) -> None:
        self.messages.extend(messages)
