"""Wires the channels: their accounts, the way in through intake, the way out through delivery, and the web chat."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from openclaw.agent import untrusted
from openclaw.agent.commands.info import SUMMARIES
from openclaw.agent.contract import Payload, ReplyTarget, TurnRequest, TurnResult
from openclaw.agent.runtime import AgentRuntime
from openclaw.channels.admit import Surroundings
from openclaw.channels.answers import Answers
from openclaw.channels.approval_prompts import ApprovalPrompts
from openclaw.channels.delivery import Delivery, DeliveryPorts
from openclaw.channels.envelope import Writer
from openclaw.channels.intake import Intake, IntakeParts
from openclaw.channels.manager import ChannelManager, accounts_of
from openclaw.channels.media import MediaFetcher
from openclaw.channels.pairing_reply import PairingDesk
from openclaw.channels.registry import CHANNELS, ChannelTools, label_of
from openclaw.channels.typing import TypingIndicator
from openclaw.channels.webchat.channel import WebChat, WebChatParts
from openclaw.config.secrets import SecretResolver
from openclaw.gateway.household_parts import HouseholdParts
from openclaw.gateway.household_ports import AgentRunner
from openclaw.gateway.live_settings import LiveSettings
from openclaw.gateway.transport.webhooks import WebhookListeners
from openclaw.state.journal import Journal
from openclaw.state.ledger_port import LedgerPort
from openclaw.state.pairing import PairingStore

log = logging.getLogger(__name__)


class ChannelsRoom:
    """All that lies between the wires of the channels and the agent.

    Attributes:
        manager: the running channels.
        delivery: the outbox.
        typing: the sign that an answer is being written.
        runner: the agent, as channels see it.
        intake: the way in.
        webchat: chat of gateway clients.
        prompts: approvals as chat messages.
    """

    def __init__(
        self, parts: HouseholdParts, journal: Journal, ledger: LedgerPort, settings: LiveSettings, runtime: AgentRuntime
    ) -> None:
        self._parts = parts
        self._journal = journal
        self._ledger = ledger
        self._settings = settings
        self._webhooks = WebhookListeners(parts.clock)
        self._pairing = PairingStore(parts.layout, parts.clock)
        self.manager = ChannelManager(self._channel_tools, parts.clock, on_connected=self._connected)
        self.delivery = self._build_delivery()
        self._answers = Answers(
            journal,
            self.delivery,
            settings.answer_style,
            parts.clock,
            closed=self._closed,
        )
        self._desk = self._build_desk()
        self.typing = TypingIndicator(self.manager.channel, parts.clock)
        self.runner = AgentRunner(runtime, self.typing)
        self.intake = self._build_intake()
        self.webchat = WebChat(
            WebChatParts(
                intake=self.intake,
                runner=self.runner,
                sessions=self.runner,
                policy=lambda: parts.live.policy,
                writer=untrusted.inbound,
                clock=parts.clock,
            )
        )
        self.prompts = ApprovalPrompts(settings.forwarding, self.runner.last_target, self._put, parts.clock)

    @property
    def skipped(self) -> bool:
        """Tell whether the environment keeps the channels off."""
        environment = self._parts.environment
        return environment.truthy("OPENCLAW_SKIP_CHANNELS") or environment.truthy("OPENCLAW_SKIP_PROVIDERS")

    async def restart(self, channel: str, account: str) -> None:
        """Start a channel's account anew, or all its accounts when none is named: its config changed."""
        if self.skipped:
            return
        for name in [account] if account else self._accounts(channel):
            log.info("%s/%s is restarted: its config changed", channel, name)
            await self.manager.restart(channel, name, self.intake)

    async def finished(self, request: TurnRequest, result: TurnResult) -> None:
        """Hand the end of a turn to whom waits for it."""
        self.webchat.finished(request, result)
        await self._answers.finished(request, result)

    async def _put(self, target: ReplyTarget, payloads: Sequence[Payload]) -> None:
        await self._answers.put(target, payloads)

    def _closed(self, inbound_ids: Sequence[int]) -> None:
        self.intake.forget(inbound_ids)

    def _pairing_text(self, payload: Mapping[str, Any]) -> str | None:
        return self._desk.text(payload)

    def _connected(self, channel: str, account: str) -> None:
        self.intake.release(channel, account)
        self.delivery.kick()

    def _accounts(self, channel: str) -> Sequence[str]:
        kind = next((kind for kind in CHANNELS if kind.id == channel), None)
        return accounts_of(kind, self._parts.live.config) if kind is not None else ()

    def _build_delivery(self) -> Delivery:
        return Delivery(
            self._journal,
            DeliveryPorts(
                channel=self.manager.channel,
                retry=self._settings.retry,
                pairing_text=self._pairing_text,
            ),
            self._ledger,
            self._parts.clock,
        )

    def _build_desk(self) -> PairingDesk:
        return PairingDesk(
            self._pairing,
            self._journal,
            self.delivery,
            self._ledger,
            self._parts.clock,
            label=label_of,
            command=lambda: self._parts.command,
        )

    def _build_intake(self) -> Intake:
        return Intake(
            IntakeParts(
                journal=self._journal,
                policy=lambda: self._parts.live.policy,
                around=Surroundings(
                    identity=self.manager.identity, store=self._pairing.view, activation=self.runner.activation
                ),
                runner=self.runner,
                answers=self._answers,
                pairing=self._desk,
                media=MediaFetcher(self._parts.layout.media, self.manager.channel, self._settings.media_limit),
                ledger=self._ledger,
                clock=self._parts.clock,
                writer=Writer(wrap=untrusted.wrap, clean=untrusted.inbound),
                style=self._settings.envelope,
                label=label_of,
            )
        )

    def _channel_tools(self) -> ChannelTools:
        return ChannelTools(
            config=self._parts.live.config,
            layout=self._parts.layout,
            clock=self._parts.clock,
            webhooks=self._webhooks,
            secrets=SecretResolver(self._parts.live.config.environment),
            commands=self._native_commands,
        )

    def _native_commands(self, channel: str, _account: str) -> Sequence[tuple[str, str]]:
        """Return name and description of the commands that this build has and the channel registers."""
        policy = self._parts.live.policy.access
        scope = policy.account(channel, _account)
        if scope is None or not scope.native_commands:
            return ()
        return [(name, SUMMARIES[spec.name]) for name, spec in scope.native_commands.items() if spec.name in SUMMARIES]
