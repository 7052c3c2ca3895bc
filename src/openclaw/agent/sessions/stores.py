"""The sessions of all agents: where they lie, when they start anew, what a reset keeps (agent.md 1)."""

from __future__ import annotations

import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openclaw.agent.sessions.zone import HostZone
from openclaw.agent.settings import PolicyView, Settings
from openclaw.policy.where.freshness import Freshness, after_reset, effective_reset, freshness, reset_type
from openclaw.policy.where.key_ids import GLOBAL_KEY
from openclaw.policy.where.session_keys import agent_of, channel_of, same_audience, thread_parent
from openclaw.state.sessions import Entry, SessionStore, checked_session_id
from openclaw.state.transcript_store import Transcripts
from openclaw.state.transcripts import Transcript, transcript_path
from openclaw.system.clock import Clock
from openclaw.system.errors import InvalidInput, OpenClawError
from openclaw.system.tasks import Supervisor

log = logging.getLogger(__name__)

FORKED_LINES: Final = 2000
_OWN_FIELDS: Final = frozenset({"type", "id", "parentId", "timestamp", "inboundIds"})
"""What a line of a forked transcript does not take over."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that a turn runs in.

    Attributes:
        key: canonical key.
        entry: its entry as it is now.
        fresh: it was created or started anew just now.
        previous_ms: when it was used before, epoch milliseconds; None for a new one.
    """

    key: str
    entry: Entry
    fresh: bool
    previous_ms: int | None


class Sessions:
    """Finds and changes sessions. Keys are canonical here; `canonical` makes them so.

    Args:
        settings: the current config.
        policy: the current policy.
        clock: the time.
        tasks: writes stores in the background.
    """

    def __init__(self, settings: Settings, policy: Callable[[], PolicyView], clock: Clock, tasks: Supervisor) -> None:
        self._settings = settings
        self._policy = policy
        self._clock = clock
        self._tasks = tasks
        self._zone = HostZone()
        self._stores: dict[Path, SessionStore] = {}
        self._folder = settings.layout.root / "agents"
        self._on_disk: tuple[int, tuple[str, ...]] = (0, ())
        self.transcripts = Transcripts(clock)

    def canonical(self, key: str, agent_id: str | None = None) -> str:
        """Return the one spelling of a key; relative keys belong to `agent_id`, else to the default agent."""
        return self._policy().routing.canonical(key, agent_id)

    def agent_of(self, key: str) -> str:
        """Return the agent of a canonical key; the shared session belongs to the default agent."""
        return self._settings.default_agent if key == GLOBAL_KEY else agent_of(key)

    def store(self, agent_id: str) -> SessionStore:
        """Return the store of an agent; agents may share one file."""
        path = self._settings.agent(agent_id).store
        if path not in self._stores:
            self._stores[path] = SessionStore(path, clock=self._clock, tasks=self._tasks)
        return self._stores[path]

    def store_of(self, key: str) -> SessionStore:
        """Return the store that holds a canonical key."""
        return self.store(self.agent_of(key))

    async def ready(self, key: str) -> SessionStore:
        """Return the store of a key's agent, up to date."""
        store = self.store_of(key)
        await store.refresh()
        return store

    async def refresh_all(self) -> None:
        """Read the stores of all agents, also of those that only the state directory still knows."""
        for agent_id in self._agents():
            try:
                await self.store(agent_id).refresh()
            except OpenClawError as error:
                log.warning("the sessions of agent %s are not listed: %s", agent_id, error)

    def _agents(self) -> tuple[str, ...]:
        try:
            changed = self._folder.stat().st_mtime_ns
            if changed != self._on_disk[0]:
                self._on_disk = (changed, tuple(sorted(path.name for path in self._folder.iterdir() if path.is_dir())))
        except OSError:
            self._on_disk = (0, ())
        return tuple(dict.fromkeys((*self._settings.agent_ids, *self._on_disk[1])))

    @property
    def fresh(self) -> bool:
        """Return whether memory holds what the stores of all agents hold."""
        return all(store.fresh for store in {self.store(agent_id) for agent_id in self._agents()})

    @property
    def revisions(self) -> tuple[int, ...]:
        """Return the revision of each store that was read; it differs whenever a session may have changed."""
        return tuple(store.revision for store in self._stores.values())

    def all(self) -> Iterator[tuple[str, Entry]]:
        """Yield key and entry of every session that was read."""
        for store in tuple(self._stores.values()):
            yield from tuple(store.entries.items())

    def entry(self, key: str) -> Entry | None:
        """Return the entry of a key as it is in memory."""
        return self.store_of(key).get(key)

    def path(self, key: str, entry: Entry) -> Path:
        """Return the transcript of a session.

        Raises:
            InvalidInput: the entry's session id is not one.
        """
        folder = self._settings.agent(self.agent_of(key)).store.parent
        return transcript_path(folder, checked_session_id(entry.get("sessionId")), key)

    # Beginning and resetting

    async def open(self, key: str, *, inbound: bool, channel: str | None = None) -> Opened:
        """Return the session of a key, new or started anew where it is due. A new session id is on the disk then.

        Args:
            key: canonical key.
            inbound: a message came in: only then a stale session starts anew.
            channel: the message's channel, for `session.resetByChannel`.

        Raises:
            InvalidInput, Unavailable: as the store says.
        """
        store = await self.ready(key)
        entry = store.get(key)
        previous = int(entry["updatedAt"]) if entry and isinstance(entry.get("updatedAt"), int | float) else None
        if entry is None or not isinstance(entry.get("sessionId"), str):
            fresh = store.merge(key, {})
        elif inbound and self._stale(key, entry, channel):
            fresh = self._anew(store, key, entry)
        else:
            return Opened(key, store.merge(key, {}), fresh=False, previous_ms=previous)
        await store.save()
        return Opened(key, fresh, fresh=True, previous_ms=previous)

    def _stale(self, key: str, entry: Entry, channel: str | None) -> bool:
        updated = entry.get("updatedAt")
        if not isinstance(updated, int | float):
            return False
        group = {"group": True, "channel": True, "direct": False}.get(str(entry.get("chatType")))
        kind = reset_type(key, is_group=group)
        rule = effective_reset(self._policy().routing.resets, kind, channel or channel_of(key))
        now = self._clock.now_ms()
        verdict = freshness(rule, updated_ms=int(updated), now_ms=now, zone=self._zone.at(now))
        return verdict.outcome is Freshness.STALE

    async def reset(self, key: str, *, keep: Mapping[str, Any] | None = None) -> Entry:
        """Start a session anew: a new id and transcript; the old transcript stays.

        Args:
            key: canonical key.
            keep: fields that stay although a reset clears them.
        """
        store = await self.ready(key)
        entry = self._anew(store, key, store.get(key) or {}, keep or {})
        await store.save()
        return entry

    def _anew(self, store: SessionStore, key: str, entry: Entry, keep: Mapping[str, Any] | None = None) -> Entry:
        fields = {**after_reset(entry), **(keep or {}), "sessionId": str(uuid.uuid4())}
        store.put(key, {**fields, "updatedAt": max(self._clock.now_ms(), int(entry.get("updatedAt") or 0))})
        found = store.get(key)
        assert found is not None
        return found

    @asynccontextmanager
    async def transcript(self, key: str, entry: Entry) -> AsyncIterator[Transcript]:
        """Hold the transcript of a session for writing; a new thread session begins with its parent's conversation."""
        agent = self._settings.agent(self.agent_of(key))
        path = self.path(key, entry)
        parent = None if path.exists() else self._parent(key)
        async with self.transcripts.hold(
            path,
            session_id=str(entry["sessionId"]),
            cwd=str(agent.workspace),
            parent=str(parent) if parent is not None else None,
        ) as transcript:
            if parent is not None and not transcript.lines:
                await self._fork(parent, transcript)
            yield transcript

    def _parent(self, key: str) -> Path | None:
        """Return the parent's transcript of a thread, where both have the same audience (agent.md 1.4)."""
        above = thread_parent(key)
        entry = self.entry(above) if above else None
        if above is None or entry is None or not same_audience(key, above):
            return None
        try:
            path = self.path(above, entry)
        except InvalidInput:
            return None
        return path if path.exists() else None

    async def _fork(self, parent: Path, transcript: Transcript) -> None:
        source = self.transcripts.cached(parent) or await self.transcripts.read(parent)
        ids: dict[str, str] = {}
        for line in (source.branch() if source else ())[-FORKED_LINES:]:
            fields = {name: value for name, value in line.fields.items() if name not in _OWN_FIELDS}
            if "firstKeptEntryId" in fields:
                fields["firstKeptEntryId"] = ids.get(str(fields["firstKeptEntryId"]), "")
            ids[line.id] = transcript.append(line.type, fields).id

    async def close(self) -> None:
        """Write what is not written yet."""
        for store in self._stores.values():
            try:
                await store.close()
            except OpenClawError as error:
                log.error("%s", error)
