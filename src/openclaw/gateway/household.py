"""Builds everything that lives in the gateway process, joins the rooms, and is their common life.

What a room is made of is wired beside this file: tools, channels and the gateway's own part. Ports that point upwards
are tied here, so that every object is given what it needs when it is made.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from typing import Final

from openclaw.agent.models.catalog import OFFLINE_MODEL
from openclaw.agent.runtime import AgentRuntime, RuntimeParts
from openclaw.agent.sessions.status import model_in_use
from openclaw.agent.settings import Settings
from openclaw.config.live import Change
from openclaw.config.secrets import SecretResolver
from openclaw.gateway.app import GatewayApp
from openclaw.gateway.audit_watch import GatewayAudit
from openclaw.gateway.household_app import household_app
from openclaw.gateway.household_channels import ChannelsRoom
from openclaw.gateway.household_parts import HouseholdParts
from openclaw.gateway.household_tools import ToolsRoom
from openclaw.gateway.ledger_anchor import LedgerAnchors
from openclaw.gateway.live_settings import LiveSettings
from openclaw.gateway.pairing_watch import PairingWatch
from openclaw.policy.snapshot import Policy
from openclaw.state.journal import Journal, JournalStore
from openclaw.state.ledger import Ledger
from openclaw.state.ledger_port import LedgerEntry
from openclaw.system.errors import OpenClawError
from openclaw.system.tasks import Supervisor
from openclaw.version import VERSION

log = logging.getLogger(__name__)

PRUNE_SECONDS: Final = 6 * 3600


class GatewayHousehold:
    """Implements `server.Household`."""

    def __init__(self, parts: HouseholdParts, journal: Journal, ledger: Ledger) -> None:
        self._parts = parts
        self._live = parts.live
        self._clock = parts.clock
        self._journal = journal
        self._ledger = ledger
        self._tasks = Supervisor("household")
        self._pairings = PairingWatch(parts.layout.credentials, ledger, parts.clock)
        self._anchors = LedgerAnchors(
            parts.layout, parts.environment, parts.clock, lambda: self._live.config.logging.ledger.anchor
        )
        self._agents = Settings(lambda: self._live.config, parts.layout)
        settings = LiveSettings(parts.live, parts.layout, self._agents)
        self._tools = ToolsRoom(parts, ledger, settings)
        self._runtime = self._build_runtime()
        self._channels = ChannelsRoom(parts, journal, ledger, settings, self._runtime)
        self._audit = GatewayAudit(parts.live, parts.layout, parts.clock)
        self._app = household_app(
            parts,
            ledger=ledger,
            tools=self._tools,
            runtime=self._runtime,
            channels=self._channels,
            audit=self._audit,
        )
        self._join()

    def _build_runtime(self) -> AgentRuntime:
        return AgentRuntime(
            RuntimeParts(
                settings=self._agents,
                policy=lambda: self._live.policy,
                gate=self._tools.gate,
                ledger=self._ledger,
                clock=self._clock,
                redact=self._parts.redactor.redact,
                approvals=self._tools.approvals,
                resolve_secret=lambda value: SecretResolver(self._live.config.environment).resolve(
                    value, "models.providers"
                ),
                bot_username=lambda channel, account: self._channels.manager.identity(channel, account).username,
            )
        )

    def _join(self) -> None:
        channels = self._channels
        channels.runner.on_started(self._app.services.chat_events.started_by)
        self._runtime.on_finished(channels.finished)
        self._runtime.subscribe(channels.typing)
        self._tools.approvals.observe(channels.prompts)
        channels.delivery.on_sent(lambda row, _receipt: channels.manager.delivered(row.channel, row.account))
        self._live.subscribe(self._changed)

    @property
    def app(self) -> GatewayApp:
        """Return the gateway's part."""
        return self._app

    @property
    def model(self) -> str:
        """Return the model that the default agent asks first."""
        provider, model = model_in_use(self._runtime.registry, self._agents.agent(self._agents.default_agent), {})
        known = f"{provider}/{model}"
        return f"{known} (built in, no network; a key of a provider changes that)" if known == OFFLINE_MODEL else known

    async def start(self) -> None:
        """Settle the outbox, take on what is open, start channels and the config watcher."""
        await asyncio.to_thread(self._import_logins)
        await self._channels.delivery.recover()
        self._tasks.start(self._channels.delivery.run(), name="delivery")
        await self._channels.intake.replay(self._channels.webchat.resume)
        if not self._channels.skipped:
            self._channels.manager.start(self._channels.intake)
        self._tasks.start(self._live.watch(self._clock), name="config watch")
        self._tasks.start(self._prune(), name="journal prune")
        self._tasks.start(self._anchors.run(), name="ledger anchors")
        self._tasks.start(self._pairings.run(), name="pairing watch")
        self._tasks.start(self._audit.look(), name="security audit")

    def _import_logins(self) -> None:
        """Take over the logins of an old `oauth.json` that the default agent does not have yet (agent.md 4.2)."""
        source = self._parts.layout.credentials / "oauth.json"
        if not source.is_file():
            return
        from openclaw.security.doctor.repairs.profiles import import_oauth

        agent = self._agents.agent(self._agents.default_agent)
        try:
            added = import_oauth(source, agent.agent_dir / "auth-profiles.json")
        except OpenClawError as error:
            log.error("the logins of %s were not taken over: %s", source, error)
            return
        if added:
            log.info("took over logins of %s: %s", source, ", ".join(added))

    async def _prune(self) -> None:
        while True:
            removed = await self._journal.call(JournalStore.prune, self._clock.now_ms())
            if removed:
                log.info("journal: %d old rows removed", removed)
            await self._clock.sleep(PRUNE_SECONDS)

    async def _changed(self, change: Change[Policy]) -> None:
        """Put a new config into effect where objects hold something of the old one (config.md 1.9)."""
        self._app.secret_changed()
        self._ledger.record(
            LedgerEntry(kind="config", what={"changed": sorted(change.dotted)[:50]}, verdict={"outcome": "reloaded"})
        )
        logging_block = change.after.logging
        self._parts.redactor.configure(
            mode=logging_block.redact_sensitive or "tools", patterns=logging_block.redact_patterns or ()
        )
        self._tasks.start(self._audit.look(), name="security audit")
        for channel, account in change.plan.channels:
            await self._channels.restart(channel, account)
        if change.plan.restart and not self._parts.restart(0.5):
            log.warning("the changed config needs a restart: %s gateway restart", self._parts.command)

    def may_restart(self) -> bool:
        """Tell whether SIGUSR1 restarts."""
        return self._parts.restart_scheduled() or self._live.config.commands.restart is True

    async def drain(self, seconds: float) -> None:
        """Take no new messages from channels and give running turns a little time."""
        await self._channels.manager.close()
        await self._runtime.drain(seconds)

    async def stop(self) -> None:
        """Stop everything; what is not answered stays open in the journal."""
        await self._pairings.look()
        self._ledger.record(LedgerEntry(kind="stop", what={"version": VERSION}))
        closing: tuple[Callable[[], Awaitable[None]], ...] = (
            self._channels.manager.close,
            self._channels.intake.close,
            self._runtime.close,
            self._tools.close,
            self._channels.typing.close,
            self._channels.prompts.close,
            self._tasks.close,
            self._journal.close,
        )
        try:
            for close in closing:
                await close()
        finally:  # also when time is over: the next household writes this ledger
            await asyncio.to_thread(self._ledger.close)
        await self._anchors.note()


async def build_household(parts: HouseholdParts) -> GatewayHousehold:
    """Open journal and ledger and build everything on the running loop.

    Raises:
        OpenClawError: journal or ledger cannot be opened.
    """
    journal = Journal(parts.layout.journal)
    await journal.open()
    ledger = await asyncio.to_thread(
        lambda: Ledger.open(
            parts.layout.ledger,
            parts.clock,
            policy=lambda: parts.live.policy.fingerprint,
            redact=parts.redactor.redact,
        )
    )
    ledger.record(LedgerEntry(kind="start", what={"version": VERSION, "pid": os.getpid()}))
    return GatewayHousehold(parts, journal, ledger)
