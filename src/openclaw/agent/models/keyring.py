"""The credentials of an agent: which are tried in which order, and how they fared (agent.md 4.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openclaw.agent.models.catalog import PROVIDERS
from openclaw.agent.settings import AgentSettings, Settings
from openclaw.config.base import SecretRef
from openclaw.config.model import Config
from openclaw.config.sections.models import ModelProvider
from openclaw.state.auth_profiles import (
    CooldownRules,
    Credential,
    FailureReason,
    ProfileHint,
    ProfileStore,
    after_failure,
    after_success,
    blocked_until,
    expired,
    ordered,
    provider_id,
    read_profiles,
    record_stats,
)
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError
from openclaw.system.secret import Secret
from openclaw.system.tasks import Supervisor

log = logging.getLogger(__name__)

SecretResolver = Callable[[Secret | SecretRef], Secret | None]
SUCCESS_RECORD_MS: Final = 60_000
"""A success is noted on the disk at most once a minute per profile."""


@dataclass(frozen=True, slots=True)
class Key:
    """One way to log in.

    Attributes:
        secret: what goes to the provider; None where none is needed.
        profile_id: the stored profile; None for keys of the environment or config.
        origin: where it comes from, for people.
        waits_until: epoch milliseconds until which the profile rests; None when it may be used.
    """

    secret: Secret | None
    profile_id: str | None = None
    origin: str = ""
    waits_until: int | None = None


def provider_block(config: Config, provider: str) -> ModelProvider | None:
    """Return the config's block of a provider, whatever spelling its key has."""
    return next(
        (block for name, block in (config.models.providers or {}).items() if provider_id(name) == provider), None
    )


class KeyRing:
    """Reads credentials, and remembers how they fared.

    Args:
        settings: the current config.
        clock: for cooldowns.
        tasks: writes usage records in the background.
        resolve: turns a secret of the config into its value.
    """

    def __init__(self, settings: Settings, clock: Clock, tasks: Supervisor, resolve: SecretResolver) -> None:
        self._settings = settings
        self._clock = clock
        self._tasks = tasks
        self.resolve = resolve
        self._stores: dict[Path, tuple[tuple[int, int, int], ProfileStore]] = {}
        self._memory: dict[Path, dict[str, Mapping[str, Any]]] = {}

    def keys(self, agent: AgentSettings, provider: str, *, profile: str | None, only: bool) -> tuple[Key, ...]:
        """Return the keys of a provider in the order in which they are tried.

        Args:
            agent: whose profiles count.
            provider: normalised provider id.
            profile: the profile that goes first.
            only: no other key is tried.
        """
        store = self._store(agent)
        now = self._clock.now_ms()
        profiles = ordered(
            store,
            provider,
            now_ms=now,
            hints=self._hints(),
            config_order=self._config_order(provider),
            pinned=profile,
        )
        if only:
            return tuple(_profile_key(row, store, now) for row in profiles if row.profile_id == profile)
        keys = [_profile_key(row, store, now) for row in profiles]
        return (*keys, *self._plain_keys(provider))

    def expired(self, agent: AgentSettings, provider: str) -> tuple[Credential, ...]:
        """Return the stored credentials of a provider that nothing but their age rules out, the latest first."""
        return expired(self._store(agent), provider, now_ms=self._clock.now_ms(), hints=self._hints())

    def _plain_keys(self, provider: str) -> list[Key]:
        known, block = PROVIDERS.get(provider), provider_block(self._settings.config, provider)
        environment = self._settings.config.environment
        keys: list[Key] = []
        for name in known.variables if known else ():
            text = environment.get(name)
            if text:
                keys.append(Key(Secret(text.strip()), origin=f"environment variable {name}"))
        if block is not None and block.api_key is not None:
            secret = self.resolve(block.api_key)
            if secret:
                keys.append(Key(secret, origin=f"models.providers.{provider}.apiKey"))
        elif block is not None and not keys and (known is None or known.any_key):
            keys.append(Key(None, origin="no key needed"))
        return keys

    def _hints(self) -> dict[str, ProfileHint]:
        profiles = self._settings.config.auth.profiles or {}
        return {name: ProfileHint(row.provider, row.mode) for name, row in profiles.items()}

    def _config_order(self, provider: str) -> tuple[str, ...]:
        order = self._settings.config.auth.order or {}
        return next((tuple(ids) for name, ids in order.items() if provider_id(name) == provider), ())

    def _store(self, agent: AgentSettings) -> ProfileStore:
        own = self._read(agent.agent_dir / "auth-profiles.json")
        main = self._settings.agent("main")
        if agent.agent_id == main.agent_id or self._settings.config.auth.inherit_main is False:
            return own
        return own.over(self._read(main.agent_dir / "auth-profiles.json"))

    def _read(self, path: Path) -> ProfileStore:
        stamp = _stamp(path)
        known = self._stores.get(path)
        if known is None or known[0] != stamp:
            known = self._stores[path] = (stamp, read_profiles(path))
        store = known[1]
        for profile_id, stats in self._memory.get(path, {}).items():
            store = store.with_stats(profile_id, stats)
        return store

    def failed(self, agent: AgentSettings, provider: str, key: Key, reason: FailureReason) -> None:
        """Note a failed request: the profile rests for a while. Keys without a profile do not rest."""
        if key.profile_id is not None:
            stats = self._store(agent).stats(key.profile_id)
            rules = self._cooldowns()
            self._note(agent, key.profile_id, after_failure(stats, reason, provider, self._clock.now_ms(), rules))

    def succeeded(self, agent: AgentSettings, provider: str, key: Key) -> None:
        """Note a good request."""
        if key.profile_id is None:
            return
        stats = self._store(agent).stats(key.profile_id)
        recent = self._clock.now_ms() - int(stats.get("lastUsed") or 0) < SUCCESS_RECORD_MS
        if not recent or stats.get("errorCount"):
            record = after_success(stats, self._clock.now_ms())
            self._note(agent, key.profile_id, record, good_for=provider)

    def _note(
        self, agent: AgentSettings, profile_id: str, stats: Mapping[str, Any], *, good_for: str | None = None
    ) -> None:
        """Count a record at once, and write it in the background."""
        path = agent.agent_dir / "auth-profiles.json"
        self._memory.setdefault(path, {})[profile_id] = stats
        self._tasks.start(self._write(path, profile_id, stats, good_for), name=f"auth profile {profile_id}")

    async def _write(self, path: Path, profile_id: str, stats: Mapping[str, Any], good_for: str | None) -> None:
        try:
            await asyncio.to_thread(record_stats, path, profile_id, stats, good_for=good_for)
        except OpenClawError as error:
            log.warning("the usage of %s is kept in memory only: %s", profile_id, error)
            return
        if self._memory.get(path, {}).get(profile_id) is stats:
            del self._memory[path][profile_id]

    def _cooldowns(self) -> CooldownRules:
        block = self._settings.config.auth.cooldowns
        default = CooldownRules()
        return CooldownRules(
            billing_hours=block.billing_backoff_hours or default.billing_hours,
            billing_hours_by_provider=block.billing_backoff_hours_by_provider or {},
            billing_max_hours=block.billing_max_hours or default.billing_max_hours,
            failure_window_hours=block.failure_window_hours or default.failure_window_hours,
        )


def _profile_key(credential: Credential, store: ProfileStore, now_ms: int) -> Key:
    return Key(
        secret=credential.secret,
        profile_id=credential.profile_id,
        origin=f"auth profile {credential.profile_id}",
        waits_until=blocked_until(store.stats(credential.profile_id), now_ms),
    )


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_size, found.st_mtime_ns)
