"""The config of a running gateway: the current Config and the Policy made from it, swapped together (config.md 1.9)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeAlias, TypeVar

from openclaw.config.catalog import Catalog
from openclaw.config.issues import Issue, Parts
from openclaw.config.load import Loaded, read_config
from openclaw.config.model import Config
from openclaw.config.reload_plan import ReloadPlan, changed_paths, plan_reload
from openclaw.state.layout import StateLayout
from openclaw.system.clock import Clock
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError

log = logging.getLogger(__name__)

PolicyT = TypeVar("PolicyT")

STABLE_SECONDS: Final = 0.2
"""How long the files must stay the same before a change counts."""
POLL_SECONDS: Final = 0.5
DEFAULT_DEBOUNCE_MS: Final = 300


@dataclass(frozen=True, slots=True)
class Change(Generic[PolicyT]):
    """A reload that took place.

    Attributes:
        before: the config until now.
        after: the config from now on.
        policy: the policy made from it.
        changed: the paths whose effective values differ.
        plan: what is to be done.
    """

    before: Config
    after: Config
    policy: PolicyT
    changed: frozenset[Parts]
    plan: ReloadPlan

    @property
    def dotted(self) -> frozenset[str]:
        """Return the changed paths in dotted form."""
        return frozenset(".".join(map(str, parts)) for parts in self.changed)


@dataclass(frozen=True, slots=True)
class ReloadResult(Generic[PolicyT]):
    """What a reload came to.

    Attributes:
        change: what changed; None when nothing did or the new config was refused.
        issues: why the new config was refused; the old one stays.
    """

    change: Change[PolicyT] | None = None
    issues: tuple[Issue, ...] = ()


Subscriber: TypeAlias = Callable[[Change[PolicyT]], Awaitable[None] | None]
Fingerprint: TypeAlias = tuple[tuple[int, int, int, int] | None, ...]


class LiveConfig(Generic[PolicyT]):
    """Holds one snapshot at a time. A decision takes `policy` once and keeps it to its end."""

    def __init__(
        self,
        config: Config,
        layout: StateLayout,
        environment: Environment,
        *,
        compile: Callable[[Config, Environment], PolicyT],  # noqa: A002  # the verb of the architecture
        catalog: Catalog | None = None,
    ) -> None:
        """Take the config that the process started with.

        Args:
            config: a valid config.
            layout: where it came from.
            environment: the process environment, without what files added.
            compile: makes the policy; a failure leaves the old snapshot in place.
            catalog: the plugins that are known; None looks at the disk at each reload.
        """
        self._layout = layout
        self._environment = environment
        self._compile = compile
        self._catalog = catalog
        self._config = config
        self._policy = compile(config, config.environment)
        self._files: tuple[Path, ...] = config.source.files or (layout.config,)
        self._seen = fingerprint(self._files)
        self._subscribers: list[Subscriber[PolicyT]] = []
        self._lock = asyncio.Lock()
        self._warned: frozenset[str] = frozenset()
        self._warn(config)

    @property
    def config(self) -> Config:
        """Return the current config."""
        return self._config

    @property
    def policy(self) -> PolicyT:
        """Return the current policy."""
        return self._policy

    def subscribe(self, subscriber: Subscriber[PolicyT]) -> Callable[[], None]:
        """Call `subscriber` after each change, in order of subscription; return how to end that."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber) if subscriber in self._subscribers else None

    async def reload(self) -> ReloadResult[PolicyT]:
        """Read the files now. An invalid config is reported and changes nothing."""
        async with self._lock:
            loaded = await asyncio.to_thread(read_config, self._layout, self._environment, catalog=self._catalog)
            return await self._take(loaded)

    async def adopt(self, loaded: Loaded) -> ReloadResult[PolicyT]:
        """Take a config that was just written by this process, without reading it again."""
        async with self._lock:
            return await self._take(loaded)

    async def _take(self, loaded: Loaded) -> ReloadResult[PolicyT]:
        self._files = loaded.source.files or self._files
        self._seen = fingerprint(self._files)
        if loaded.config is None:
            _report(loaded.issues)
            return ReloadResult(issues=loaded.issues)
        before, after = self._config, loaded.config
        self._warn(after)
        changed = _changed(before, after)
        if not changed:
            self._config = after
            return ReloadResult()
        try:
            policy = self._compile(after, after.environment)
        except OpenClawError as error:
            log.warning("config reload refused, the old config stays: %s", error)
            return ReloadResult(issues=(Issue("", str(error)),))
        self._config, self._policy = after, policy
        mode = after.gateway.reload.mode or "hybrid"
        change = Change(before, after, policy, changed, plan_reload(changed, mode))
        await self._tell(change)
        return ReloadResult(change)

    def _warn(self, config: Config) -> None:
        """Log what is odd in a config; what was there before is not said again."""
        texts = {f"{warning.path or '<root>'}: {warning.message}": None for warning in config.warnings}
        for text in texts:
            if text not in self._warned:
                log.warning("config: %s", text)
        self._warned = frozenset(texts)

    async def _tell(self, change: Change[PolicyT]) -> None:
        for subscriber in tuple(self._subscribers):
            try:
                answer = subscriber(change)
                if answer is not None:
                    await answer
            except Exception:  # one subscriber's failure must not keep the new snapshot from the others
                log.exception("a subscriber to config changes failed")

    async def watch(self, clock: Clock) -> None:
        """Reload when the main file, an include or `<state>/.env` changes. Runs until cancelled.

        A change counts once the files stayed the same for 200 ms and then for `gateway.reload.debounceMs`.
        """
        while True:
            await clock.sleep(POLL_SECONDS)
            found = fingerprint(self._files)
            if found == self._seen or self._config.gateway.reload.mode == "off":
                continue
            if await self._settled(clock, found):
                await self.reload()

    async def _settled(self, clock: Clock, found: Fingerprint) -> bool:
        debounce = self._config.gateway.reload.debounce_ms
        quiet = (DEFAULT_DEBOUNCE_MS if debounce is None else debounce) / 1000
        for pause in (STABLE_SECONDS, quiet):
            await clock.sleep(pause)
            if fingerprint(self._files) != found:
                return False
        return True


def fingerprint(files: Sequence[Path]) -> Fingerprint:
    """Return what tells whether files changed: identity, size and time of each, None for one that is absent."""
    found: list[tuple[int, int, int, int] | None] = []
    for path in files:
        try:
            stat = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return tuple(found)


def _changed(before: Config, after: Config) -> frozenset[Parts]:
    changed = changed_paths(before.document, after.document)
    secrets = ("OPENCLAW_GATEWAY_TOKEN", "OPENCLAW_GATEWAY_PASSWORD")
    if any(before.environment.get(name) != after.environment.get(name) for name in secrets):
        changed |= {("gateway", "auth")}
    return changed


def _report(issues: Sequence[Issue]) -> None:
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    where = f" (line {first.line}, column {first.column})" if first.line else ""
    log.warning("config is invalid, the old one stays: %s%s: %s%s", first.path or "<root>", where, first.message, more)
