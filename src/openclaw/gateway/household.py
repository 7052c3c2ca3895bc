"""Builds everything that lives in the gateway process and joins the rooms: the one long wiring file.

Ports that point upwards are tied here by small relays, so that every object is given what it needs when it is made.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.agent import untrusted
from openclaw.agent.commands.info import SUMMARIES
from openclaw.agent.contract import Payload, ReplyTarget, TurnRequest, TurnResult
from openclaw.agent.models.catalog import OFFLINE_MODEL
from openclaw.agent.runtime import AgentRuntime, RuntimeParts
from openclaw.agent.sessions.status import model_in_use
from openclaw.agent.settings import Settings
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
from openclaw.config.compile.gateway import GatewayFlags
from openclaw.config.live import Change, LiveConfig
from openclaw.config.secrets import SecretResolver
from openclaw.gateway.app import HANDSHAKE_SECONDS, GatewayApp, GatewayParts, build_app
from openclaw.gateway.audit_watch import GatewayAudit
from openclaw.gateway.household_ports import AgentRunner, ApprovalsFilePort, ChannelStatus
from openclaw.gateway.ledger_anchor import LedgerAnchors
from openclaw.gateway.live_config import ConfigService, LiveDoor
from openclaw.gateway.live_settings import LiveSettings
from openclaw.gateway.transport.webhooks import WebhookListeners
from openclaw.policy.snapshot import Policy
from openclaw.state.exec_approvals import ExecApprovalsFile
from openclaw.state.journal import Journal, JournalStore
from openclaw.state.layout import StateLayout
from openclaw.state.ledger import Ledger
from openclaw.state.ledger_port import LedgerEntry
from openclaw.state.pairing import PairingStore
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError
from openclaw.system.logs import LogSystem
from openclaw.system.redaction import Redactor
from openclaw.system.tasks import Supervisor
from openclaw.tools.approvals import Approvals
from openclaw.tools.catalogue import TOOLS
from openclaw.tools.contract import SessionsPort, SystemEvents, ToolServices
from openclaw.tools.exec import SHARED_NAME as EXEC_SERVICE
from openclaw.tools.exec import ExecService
from openclaw.tools.exec_settings import ExecParts, LoginPath
from openclaw.tools.gate import Gate
from openclaw.tools.places import Places
from openclaw.tools.process import SHARED_NAME as PROCESS_REGISTRY
from openclaw.tools.processes import ProcessRegistry
from openclaw.tools.sandbox.select import Sandboxes
from openclaw.version import VERSION

log = logging.getLogger(__name__)

PRUNE_SECONDS: Final = 6 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdParts:
    """What the household is built from.

    Attributes:
        live: the live config with its policy.
        layout: the state directory.
        environment: the process environment.
        clock: time.
        flags: the gateway's command line.
        logs: the running log writer; None while there is none.
        redactor: masks secrets in texts.
        command: how people call this program, with the profile (`openclaw --profile x`).
        restart: asks the process to restart after a number of seconds; returns whether it will.
        restart_scheduled: tells once whether the restart signal that came was asked for through `restart`.
    """

    live: LiveConfig[Policy]
    layout: StateLayout
    environment: Environment
    clock: Clock
    flags: GatewayFlags
    logs: LogSystem | None
    redactor: Redactor
    command: str
    restart: Callable[[float], bool]
    restart_scheduled: Callable[[], bool]


class GatewayHousehold:
    """Implements `server.Household`."""

    def __init__(self, parts: HouseholdParts, journal: Journal, ledger: Ledger) -> None:
        self._parts = parts
        self._live = parts.live
        self._clock = parts.clock
        self._journal = journal
        self._ledger = ledger
        self._tasks = Supervisor("household")
        self._anchors = LedgerAnchors(
            parts.layout, parts.environment, parts.clock, lambda: self._live.config.logging.ledger.anchor
        )
        self._agents = Settings(lambda: self._live.config, parts.layout)
        self._settings = LiveSettings(parts.live, parts.layout, self._agents)
        self._webhooks = WebhookListeners(parts.clock)
        self._pairing = PairingStore(parts.layout, parts.clock)
        redact = parts.redactor.redact
        self._approvals = Approvals(parts.clock, ledger, redact=redact)
        self._approvals_file = ExecApprovalsFile(parts.layout.exec_approvals, parts.clock, redact=redact)
        self._exec: ExecService | None = None
        self._runtime = self._build_runtime()
        self._channels = ChannelManager(
            self._channel_tools,
            parts.clock,
            on_connected=self._channel_connected,
        )
        self._delivery = self._build_delivery()
        self._answers = Answers(
            journal,
            self._delivery,
            self._settings.answer_style,
            parts.clock,
            closed=lambda ids: self._intake.forget(ids),
        )
        self._desk = self._build_desk()
        self._typing = TypingIndicator(self._channels.channel, parts.clock)
        self._runner = AgentRunner(self._runtime, self._typing)
        self._intake = self._build_intake()
        self._webchat = WebChat(
            WebChatParts(
                intake=self._intake,
                runner=self._runner,
                sessions=self._runner,
                policy=lambda: self._live.policy,
                writer=untrusted.inbound,
                clock=parts.clock,
            )
        )
        self._prompts = ApprovalPrompts(self._settings.forwarding, self._runner.last_target, self._put, parts.clock)
        self._audit = GatewayAudit(parts.live, parts.layout, parts.clock)
        self._app = self._build_app()
        self._join()

    def _channel_connected(self, channel: str, account: str) -> None:
        self._intake.release(channel, account)
        self._delivery.kick()

    # building

    def _build_gate(self, sessions: SessionsPort, events: SystemEvents) -> Gate:
        """Build the tools room; the agent calls this with its own ports."""
        parts = self._parts
        redact = parts.redactor.redact
        uid = os.geteuid()
        places = Places(
            sandbox=lambda: self._live.policy.routing.sandbox,
            jails=self._settings.jail,
            bounds=self._settings.bounds,
            layout=parts.layout,
            home=parts.environment.home,
            uid=uid,
        )
        registry = ProcessRegistry(
            parts.clock,
            is_main=places.is_main,
            output_chars=parts.environment.integer("PI_BASH_MAX_OUTPUT_CHARS"),
            pending_chars=parts.environment.integer("OPENCLAW_BASH_PENDING_MAX_OUTPUT_CHARS"),
        )
        service = self._exec = ExecService(
            ExecParts(
                policy=self._settings.exec_view,
                places=places,
                sandboxes=Sandboxes.of_machine(uid=uid, runtime_dir=parts.environment.get("XDG_RUNTIME_DIR")),
                registry=registry,
                approvals=self._approvals,
                approvals_file=self._approvals_file,
                environment=parts.environment,
                clock=parts.clock,
                ledger=self._ledger,
                redact=redact,
                login_path=LoginPath(enabled=self._settings.asks_login_shell, home=parts.environment.home),
            ),
            events,
        )
        return Gate(
            TOOLS,
            policy=lambda: self._live.policy.tools,
            places=places,
            services=ToolServices(
                sessions=sessions, events=events, shared={EXEC_SERVICE: service, PROCESS_REGISTRY: registry}
            ),
            ledger=self._ledger,
            clock=parts.clock,
            redact=redact,
            always_refused={"exec": service.never},
        )

    def _build_runtime(self) -> AgentRuntime:
        return AgentRuntime(
            RuntimeParts(
                settings=self._agents,
                policy=lambda: self._live.policy,
                gate=self._build_gate,
                ledger=self._ledger,
                clock=self._clock,
                redact=self._parts.redactor.redact,
                approvals=self._approvals,
                resolve_secret=lambda value: self._secrets().resolve(value, "models.providers"),
                bot_username=lambda channel, account: self._channels.identity(channel, account).username,
            )
        )

    def _build_delivery(self) -> Delivery:
        return Delivery(
            self._journal,
            DeliveryPorts(
                channel=self._channels.channel,
                retry=self._settings.retry,
                pairing_text=lambda payload: self._desk.text(payload),
            ),
            self._ledger,
            self._clock,
        )

    def _build_desk(self) -> PairingDesk:
        return PairingDesk(
            self._pairing,
            self._journal,
            self._delivery,
            self._ledger,
            self._clock,
            label=label_of,
            command=lambda: self._parts.command,
        )

    def _build_intake(self) -> Intake:
        return Intake(
            IntakeParts(
                journal=self._journal,
                policy=lambda: self._live.policy,
                around=Surroundings(
                    identity=self._channels.identity, store=self._pairing.view, activation=self._runner.activation
                ),
                runner=self._runner,
                answers=self._answers,
                pairing=self._desk,
                media=MediaFetcher(self._parts.layout.media, self._channels.channel, self._settings.media_limit),
                ledger=self._ledger,
                clock=self._clock,
                writer=Writer(wrap=untrusted.wrap, clean=untrusted.inbound),
                style=self._settings.envelope,
                label=label_of,
            )
        )

    def _build_app(self) -> GatewayApp:
        parts = self._parts
        return build_app(
            GatewayParts(
                config=LiveDoor(self._live, parts.environment, parts.flags),
                routing=lambda: self._live.policy.routing,
                layout=parts.layout,
                clock=parts.clock,
                version=VERSION,
                agent=self._runtime,
                chat=self._webchat,
                channels=ChannelStatus(self._channels),
                approvals=self._approvals,
                exec_approvals=ApprovalsFilePort(self._approvals_file, self._ledger),
                config_methods=ConfigService(
                    self._live,
                    parts.layout,
                    parts.environment,
                    parts.clock,
                    redact=parts.redactor.redact,
                    restart=parts.restart,
                ),
                events=self._runtime,
                audit=self._audit,
                ledger=self._ledger,
                log_file=lambda: parts.logs.path if parts.logs is not None else None,
                redact=parts.redactor.redact,
                verbosity=self._runner.verbosity,
                failing=lambda: () if self._ledger.healthy else ("ledger",),
                ui_root=self._page_folder(),
                handshake_seconds=_handshake_seconds(parts.environment),
            )
        )

    def _page_folder(self) -> Path | None:
        """Return the folder that stands in for the bundled page, as the config has it at the start."""
        page = self._live.config.gateway.control_ui
        return self._parts.environment.expand(page.root) if page.root else None

    def _join(self) -> None:
        self._runner.on_started(self._app.services.chat_events.started_by)
        self._runtime.on_finished(self._finished)
        self._runtime.subscribe(self._typing)
        self._approvals.observe(self._prompts)
        self._delivery.on_sent(lambda row, _receipt: self._channels.delivered(row.channel, row.account))
        self._live.subscribe(self._changed)

    # between agent and channels

    async def _finished(self, request: TurnRequest, result: TurnResult) -> None:
        self._webchat.finished(request, result)
        await self._answers.finished(request, result)

    async def _put(self, target: ReplyTarget, payloads: Sequence[Payload]) -> None:
        await self._answers.put(target, payloads)

    # settings of the moment

    def _secrets(self) -> SecretResolver:
        return SecretResolver(self._live.config.environment)

    def _channel_tools(self) -> ChannelTools:
        return ChannelTools(
            config=self._live.config,
            layout=self._parts.layout,
            clock=self._clock,
            webhooks=self._webhooks,
            secrets=self._secrets(),
            commands=self._native_commands,
        )

    def _native_commands(self, channel: str, _account: str) -> Sequence[tuple[str, str]]:
        """Return name and description of the commands that this build has and the channel registers."""
        policy = self._live.policy.access
        scope = policy.account(channel, _account)
        if scope is None or not scope.native_commands:
            return ()
        return [(name, SUMMARIES[spec.name]) for name, spec in scope.native_commands.items() if spec.name in SUMMARIES]

    # life

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
        await self._delivery.recover()
        self._tasks.start(self._delivery.run(), name="delivery")
        await self._intake.replay(self._webchat.resume)
        if not self._skips_channels():
            self._channels.start(self._intake)
        self._tasks.start(self._live.watch(self._clock), name="config watch")
        self._tasks.start(self._prune(), name="journal prune")
        self._tasks.start(self._anchors.run(), name="ledger anchors")
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

    def _skips_channels(self) -> bool:
        environment = self._parts.environment
        return environment.truthy("OPENCLAW_SKIP_CHANNELS") or environment.truthy("OPENCLAW_SKIP_PROVIDERS")

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
            await self._restart_channel(channel, account)
        if change.plan.restart and not self._parts.restart(0.5):
            log.warning("the changed config needs a restart: %s gateway restart", self._parts.command)

    async def _restart_channel(self, channel: str, account: str) -> None:
        if self._skips_channels():
            return
        for name in [account] if account else self._accounts(channel):
            log.info("%s/%s is restarted: its config changed", channel, name)
            await self._channels.restart(channel, name, self._intake)

    def _accounts(self, channel: str) -> Sequence[str]:
        kind = next((kind for kind in CHANNELS if kind.id == channel), None)
        return accounts_of(kind, self._live.config) if kind is not None else ()

    def may_restart(self) -> bool:
        """Tell whether SIGUSR1 restarts."""
        return self._parts.restart_scheduled() or self._live.config.commands.restart is True

    async def drain(self, seconds: float) -> None:
        """Take no new messages from channels and give running turns a little time."""
        await self._channels.close()
        await self._runtime.drain(seconds)

    async def stop(self) -> None:
        """Stop everything; what is not answered stays open in the journal."""
        self._ledger.record(LedgerEntry(kind="stop", what={"version": VERSION}))
        closing: tuple[Callable[[], Awaitable[None]], ...] = (
            self._channels.close,
            self._intake.close,
            self._runtime.close,
            *([self._exec.close] if self._exec is not None else ()),
            self._typing.close,
            self._prompts.close,
            self._tasks.close,
            self._journal.close,
        )
        for close in closing:
            await close()
        await asyncio.to_thread(self._ledger.close)
        await self._anchors.note()


def _handshake_seconds(environment: Environment) -> float:
    """Return the time for a connect, between one second and a minute."""
    wanted = environment.integer("OPENCLAW_HANDSHAKE_TIMEOUT_MS")
    return HANDSHAKE_SECONDS if wanted is None else min(max(wanted / 1000, 1.0), 60.0)


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
