"""Starts, restarts and stops channel accounts, and tells how they are (gateway.md 3.8).

One account that fails never stops another, nor the gateway.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from openclaw.channels.contract import Channel, ChannelDown, Inbox
from openclaw.channels.registry import CHANNELS, ChannelKind, ChannelTools
from openclaw.config.model import Config
from openclaw.policy.who.facts import SelfIdentity
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError
from openclaw.system.tasks import Supervisor, race

log = logging.getLogger(__name__)

FIRST_DELAY: Final = 2.0
DELAY_FACTOR: Final = 1.8
LONGEST_DELAY: Final = 30.0
DELAY_JITTER: Final = 0.25
HEALTHY_SECONDS: Final = 60.0
DEFAULT_ACCOUNT: Final = "default"


@dataclass(slots=True)
class AccountState:
    """One account, running or not."""

    kind: ChannelKind
    account: str
    channel: Channel | None = None
    task: asyncio.Task[Any] | None = None
    configured: bool = False
    enabled: bool = True
    running: bool = False
    attempts: int = 0
    error: str | None = None
    started_ms: int | None = None
    stopped_ms: int | None = None
    inbound_ms: int | None = None
    outbound_ms: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> SelfIdentity | None:
        """Return who the bot is, while it is connected."""
        return self.channel.identity if self.channel is not None else None

    @property
    def connected(self) -> bool:
        """Return whether it receives."""
        return self.running and self.identity is not None


class ChannelManager:
    """Owns the channel accounts of one gateway."""

    def __init__(
        self,
        tools: Callable[[], ChannelTools],
        clock: Clock,
        *,
        on_connected: Callable[[str, str], None] = lambda _channel, _account: None,
        kinds: Iterable[ChannelKind] = CHANNELS,
        rng: random.Random | None = None,
    ) -> None:
        self._tools = tools
        self._clock = clock
        self._on_connected = on_connected
        self._kinds = tuple(kinds)
        self._rng = rng or random.Random()  # noqa: S311 - jitter, not a secret
        self._states: dict[tuple[str, str], AccountState] = {}
        self._identities: dict[tuple[str, str], SelfIdentity] = {}
        self._tasks = Supervisor("channels")

    def start(self, inbox: Inbox) -> None:
        """Start every configured account in the background."""
        tools = self._tools()
        for kind in self._kinds:
            for account in accounts_of(kind, tools.config):
                self._start(kind, account, inbox)

    def _start(self, kind: ChannelKind, account: str, inbox: Inbox) -> None:
        tools = self._tools()
        state = AccountState(kind=kind, account=account, enabled=is_enabled(kind, account, tools.config))
        self._states[kind.id, account] = state
        if not state.enabled:
            return
        try:
            state.channel = kind.load()(account, tools)
        except OpenClawError as error:
            state.error = error.message
            log.error("%s/%s does not start: %s", kind.id, account, error)
            return
        if state.channel is None:
            return
        state.configured = True
        twin = self._twin(state)
        if twin is not None:
            state.error = f"the same bot token as account {twin}; this account does not start"
            log.error("%s/%s: %s", kind.id, account, state.error)
            return
        state.task = self._tasks.start(self._supervise(state, state.channel, inbox), name=f"{kind.id}/{account}")

    def _twin(self, state: AccountState) -> str | None:
        """Return the account that already uses this one's token."""
        channel = state.channel
        if channel is None or channel.credential is None:
            return None
        for other in self._states.values():
            known = other.channel.credential if other.channel is not None and other is not state else None
            if other.kind is state.kind and known == channel.credential:
                return other.account
        return None

    async def _supervise(self, state: AccountState, channel: Channel, inbox: Inbox) -> None:
        """Run an account until it is stopped; a final fault ends it, any other is tried again with back-off."""
        name = f"{state.kind.id}/{state.account}"
        delay = FIRST_DELAY
        while True:
            begun = self._clock.monotonic()
            state.running, state.started_ms = True, self._clock.now_ms()
            try:
                await race(channel.run(_Counting(inbox, state, self._clock)), self._announce(channel))
                state.error = "the channel ended by itself"
            except ChannelDown as error:
                state.error = str(error)
                if error.final:
                    log.error("%s stopped: %s", name, error)
                    return
            except OpenClawError as error:
                state.error = error.message
            except Exception:  # a defect of one channel must not stop the others
                state.error = "internal error, see the log"
                log.exception("%s failed", name)
            finally:
                state.running, state.stopped_ms = False, self._clock.now_ms()
            if self._clock.monotonic() - begun > HEALTHY_SECONDS:
                delay = FIRST_DELAY
            state.attempts += 1
            log.warning("%s is down and is started again in %.0f s: %s", name, delay, state.error)
            await self._clock.sleep(delay * (1 + self._rng.uniform(-DELAY_JITTER, DELAY_JITTER)))
            delay = min(delay * DELAY_FACTOR, LONGEST_DELAY)

    async def _announce(self, channel: Channel) -> None:
        """Say once per connection that the account is there; ends with it."""
        await channel.connected.wait()
        self._on_connected(channel.channel, channel.account)
        await asyncio.get_running_loop().create_future()

    async def stop(self, channel: str, account: str) -> bool:
        """Stop an account; returns whether it was known."""
        state = self._states.pop((channel, account), None)
        if state is None:
            return False
        if state.task is not None:
            state.task.cancel()
            await asyncio.wait([state.task])
        return True

    async def restart(self, channel: str, account: str, inbox: Inbox) -> None:
        """Stop an account and start it under the current config."""
        kind = next((kind for kind in self._kinds if kind.id == channel), None)
        await self.stop(channel, account)
        if kind is not None:
            self._start(kind, account, inbox)

    async def close(self) -> None:
        """Stop all accounts."""
        await self._tasks.close()

    def channel(self, channel: str, account: str) -> Channel | None:
        """Return the account's channel while it can send."""
        state = self._states.get((channel, account))
        return state.channel if state is not None and state.connected else None

    def identity(self, channel: str, account: str) -> SelfIdentity:
        """Return who the bot is there; what was known last when it is away."""
        state = self._states.get((channel, account))
        found = state.identity if state is not None else None
        if found is not None:
            self._identities[channel, account] = found
            return found
        return self._identities.get((channel, account), SelfIdentity())

    def delivered(self, channel: str, account: str) -> None:
        """Note that a message went out."""
        state = self._states.get((channel, account))
        if state is not None:
            state.outbound_ms = self._clock.now_ms()

    async def status(self, *, probe: bool = False, timeout_ms: int = 10_000) -> dict[str, Any]:
        """Return the payload of `channels.status`."""
        if probe:
            await self._probe(timeout_ms / 1000)
        accounts: dict[str, list[dict[str, Any]]] = {}
        for state in self._states.values():
            accounts.setdefault(state.kind.id, []).append(_row(state))
        listed = [kind for kind in self._kinds if kind.id in accounts]
        return {
            "ts": self._clock.now_ms(),
            "channelOrder": [kind.id for kind in listed],
            "channelLabels": {kind.id: kind.label for kind in listed},
            "channelDetailLabels": {kind.id: kind.detail for kind in listed},
            "channelSystemImages": {kind.id: kind.icon for kind in listed},
            "channelMeta": [
                {"id": kind.id, "label": kind.label, "detailLabel": kind.detail, "systemImage": kind.icon}
                for kind in listed
            ],
            "channels": {channel: rows[0] for channel, rows in accounts.items()},
            "channelAccounts": accounts,
            "channelDefaultAccountId": {channel: rows[0]["accountId"] for channel, rows in accounts.items()},
        }

    async def _probe(self, seconds: float) -> None:
        async def one(state: AccountState, channel: Channel) -> None:
            try:
                async with asyncio.timeout(seconds):
                    found = await channel.probe()
            except TimeoutError:
                state.facts = {"ok": False, "error": "no answer in time"}
                return
            state.facts = {"ok": found.ok, **({"error": found.message} if found.message else {}), **found.facts}

        async with asyncio.TaskGroup() as group:
            for state in self._states.values():
                if state.channel is not None:
                    group.create_task(one(state, state.channel))


class _Counting:
    """An inbox that notes when something came in."""

    def __init__(self, inbox: Inbox, state: AccountState, clock: Clock) -> None:
        self._inbox = inbox
        self._state = state
        self._clock = clock

    async def offer(self, messages: Any) -> None:
        await self._inbox.offer(messages)
        self._state.inbound_ms = self._clock.now_ms()
        self._state.error = None


def accounts_of(kind: ChannelKind, config: Config) -> tuple[str, ...]:
    """Return the accounts to start: those that are listed, else the default one when the channel is configured."""
    listed = config.channels.accounts(kind.id)
    if listed:
        return listed
    by_variable = kind.token_variable is not None and config.environment.get(kind.token_variable) is not None
    return (DEFAULT_ACCOUNT,) if kind.id in config.channels.configured or by_variable else ()


def is_enabled(kind: ChannelKind, account: str, config: Config) -> bool:
    """Return whether an account may start: not switched off, and not by `plugins` either (config.md 3.2)."""
    if kind.id in config.channels.configured and not config.channels.enabled(kind.id, account):
        return False
    plugins = config.document.get("plugins")
    if not isinstance(plugins, Mapping):
        return True
    denied = plugins.get("deny") or ()
    entries = plugins.get("entries") or {}
    own = entries.get(kind.id) if isinstance(entries, Mapping) else None
    return kind.id not in denied and not (isinstance(own, Mapping) and own.get("enabled") is False)


def _row(state: AccountState) -> dict[str, Any]:
    row: dict[str, Any] = {
        "accountId": state.account,
        "enabled": state.enabled,
        "configured": state.configured,
        "running": state.running,
        "connected": state.connected,
        "reconnectAttempts": state.attempts,
        "lastError": state.error,
        "lastStartAt": state.started_ms,
        "lastStopAt": state.stopped_ms,
        "lastInboundAt": state.inbound_ms,
        "lastOutboundAt": state.outbound_ms,
    }
    if state.facts:
        row["probe"] = dict(state.facts)
    identity = state.identity
    if identity is not None:
        row["bot"] = {"id": identity.id, "username": identity.username}
    return {name: value for name, value in row.items() if value is not None}
