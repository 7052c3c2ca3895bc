"""An intake over a real journal, a real policy and a recorded agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

from openclaw.agent.contract import TurnRequest
from openclaw.channels.admit import Surroundings
from openclaw.channels.answers import Answers, AnswerStyle
from openclaw.channels.contract import InboundMessage
from openclaw.channels.delivery import Delivery, DeliveryPorts, RetryPolicy
from openclaw.channels.envelope import EnvelopeStyle, Writer
from openclaw.channels.intake import Intake, IntakeParts
from openclaw.channels.media import MediaFetcher
from openclaw.channels.pairing_reply import PairingDesk
from openclaw.config.compile import compile_policy
from openclaw.config.load import load_config
from openclaw.policy.snapshot import Policy
from openclaw.policy.who.facts import SelfIdentity
from openclaw.state.journal import Journal, JournalStore, OutboundRow
from openclaw.state.layout import StateLayout
from openclaw.state.pairing import PairingStore
from openclaw.tools.contract import Requester
from support.channels import FakeChannel, Notes
from support.configs import ConfigFolder
from support.time import FakeClock, settle

OWNER, STRANGER, GROUP = "7", "8", "-100"
TELEGRAM = {
    "botToken": "1:x",
    "allowFrom": [7],
    "dmPolicy": "allowlist",
    "groups": {GROUP: {"requireMention": True}},
    "groupAllowFrom": [7],
}
CONFIG = {"channels": {"telegram": TELEGRAM}, "commands": {"ownerAllowFrom": ["telegram:7"]}}


def policy_of(root: Path, document: Mapping[str, Any]) -> Policy:
    folder = ConfigFolder(root)
    folder.write(dict(document))
    config = load_config(folder.layout, folder.environment)
    return compile_policy(config, config.environment)


@dataclass
class Recorder:
    """The agent room: keeps what it is asked."""

    turns: list[TurnRequest] = field(default_factory=list)
    stops: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def run(self, request: TurnRequest) -> None:
        self.turns.append(request)

    def stop(self, session_key: str, requester: Requester) -> tuple[str, ...]:
        self.stops.append(session_key)
        return ("run",)

    def notify(self, session_key: str, text: str) -> None:
        self.lines.append(text)

    def last_activity_ms(self, session_key: str) -> int | None:
        return None


class World:
    """An intake over a real journal, a real policy and a recorded agent."""

    def __init__(self, root: Path, journal: Journal) -> None:
        self.root, self.journal = root, journal
        self.clock = FakeClock()
        self.notes, self.runner, self.channel = Notes(), Recorder(), FakeChannel()
        self.policy = policy_of(root, CONFIG)
        self.me = SelfIdentity(id="900", username="clawbot")
        self.store = PairingStore(StateLayout.at(root), self.clock)
        ports = DeliveryPorts(lambda *_: None, lambda *_: RetryPolicy(), lambda _: None)
        self.delivery = Delivery(journal, ports, self.notes, self.clock)
        self.answers = Answers(journal, self.delivery, lambda *_: AnswerStyle(), self.clock)
        self.intake = self.built()

    def built(self) -> Intake:
        """Return an intake as a new process makes it."""
        desk = PairingDesk(
            self.store, self.journal, self.delivery, self.notes, self.clock, label=str, command=lambda: "openclaw"
        )
        return Intake(
            IntakeParts(
                journal=self.journal,
                policy=lambda: self.policy,
                around=Surroundings(identity=lambda *_: self.me, store=self.store.view, activation=lambda _: None),
                runner=self.runner,
                answers=self.answers,
                pairing=desk,
                media=MediaFetcher(self.root / "media", lambda *_: self.channel, lambda *_: 1000),
                ledger=self.notes,
                clock=self.clock,
                writer=Writer(wrap=lambda text, label: f"<<{label}|{text}>>", clean=str),
                style=lambda: EnvelopeStyle(zone=UTC),
                label=str.capitalize,
            )
        )

    async def offer(self, *messages: InboundMessage, seconds: float = 0) -> None:
        await self.intake.offer(messages)
        await self.idle()
        if seconds:
            await self.clock.advance(seconds)
            await self.idle()

    async def idle(self) -> None:
        """Let the loop, the journal's thread and the loop again run until nothing moves."""
        for _ in range(8):
            await settle()
            await self.journal.call(JournalStore.pending_outbound)

    async def open(self) -> list[str]:
        return [row.state for row in await self.journal.call(JournalStore.open_inbound)]

    async def outbox(self) -> list[OutboundRow]:
        return await self.journal.call(JournalStore.pending_outbound)

    @property
    def rules(self) -> list[str]:
        return self.notes.rules("admission")
