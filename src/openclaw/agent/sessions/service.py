"""The sessions as gateway clients see them: listing, changing, history (gateway.md 3.5, 3.6)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

from openclaw.agent.models.registry import ModelRegistry
from openclaw.agent.run_facts import text
from openclaw.agent.sessions import rows
from openclaw.agent.sessions.patch import patch_fields
from openclaw.agent.sessions.status import model_in_use
from openclaw.agent.sessions.stores import Sessions
from openclaw.agent.settings import PolicyView, Settings
from openclaw.policy.what.labels import Provenance, Source
from openclaw.policy.where.key_builders import main_session_key
from openclaw.policy.where.key_ids import GLOBAL_KEY, normalise_agent_id
from openclaw.state.sessions import Entry, checked_session_id
from openclaw.state.transcripts import Line
from openclaw.system.clock import Clock
from openclaw.system.errors import InvalidInput, NotFound, OpenClawError, Unavailable

Json = dict[str, Any]
Rows = list[Json]
Names = list[str]

MAX_HISTORY_BYTES: Final = 6 * 1024 * 1024
MAX_HISTORY: Final = 1000
MAX_PREVIEWS: Final = 64
DELETE_WAIT_SECONDS: Final = 15.0
REMEMBERED_MS: Final = 5_000
"""An answer of `sessions.list` is used again this long while no session and no config changes."""
MAX_REMEMBERED: Final = 16
_SPARE_LINES: Final = 200


class Idle(Protocol):
    """What deleting asks of the runtime."""

    async def idle(self, session_key: str, seconds: float) -> bool:
        """Wait until nothing runs in a session; False when the time is over."""
        ...


class SessionService:
    """Answers the session methods. Parameters are those of the wire, checked by the gateway's schema before."""

    def __init__(
        self,
        settings: Settings,
        policy: Callable[[], PolicyView],
        store: Sessions,
        registry: ModelRegistry,
        clock: Clock,
        runtime: Idle,
    ) -> None:
        self._settings = settings
        self._policy = policy
        self._sessions = store
        self._registry = registry
        self._clock = clock
        self._runtime = runtime
        self._answers: tuple[object, dict[object, Json]] = (None, {})

    # Keys

    def canonical(self, key: str) -> str:
        """Return the canonical form of a session key."""
        return self._sessions.canonical(key)

    def defaults(self) -> Json:
        """Return `{defaultAgentId, mainKey, mainSessionKey, scope}`."""
        routing = self._policy().routing
        agent_id = self._settings.default_agent
        main = GLOBAL_KEY if routing.global_scope else main_session_key(agent_id, routing.main_key)
        scope = "global" if routing.global_scope else "per-sender"
        return {"defaultAgentId": agent_id, "mainKey": routing.main_key, "mainSessionKey": main, "scope": scope}

    def send_override(self, session_key: str) -> str | None:
        """Return the `sendPolicy` of a session entry."""
        return text(self._sessions.entry(self.canonical(session_key)) or {}, "sendPolicy")

    def verbose_level(self, session_key: str) -> str:
        """Return the verbose level of a session: `off`, `on` or `full`."""
        entry = self._sessions.entry(session_key) or {}
        return text(entry, "verboseLevel") or self._settings.agent(self._sessions.agent_of(session_key)).verbose

    def group_activation(self, session_key: str) -> str | None:
        """Return what `/activation` stored for a session."""
        return text(self._sessions.entry(self.canonical(session_key)) or {}, "groupActivation")

    # Listing

    def list(self, params: Mapping[str, Any], /) -> Json | Coroutine[Any, Any, Json]:
        """Answer `sessions.list`; at once when memory holds what the disk holds."""
        needs_files = params.get("includeDerivedTitles") or params.get("includeLastMessage")
        if needs_files or not self._sessions.fresh:
            return self._list_later(params)
        now = self._clock.now_ms()
        mark = (self._settings.config, now // REMEMBERED_MS, self._sessions.revisions)
        if self._answers[0] != mark:
            self._answers = (mark, {})
        asked = tuple(params.items())
        known = self._answers[1].get(asked)
        if known is None:
            known = self._list(params)
            if len(self._answers[1]) < MAX_REMEMBERED and not params.get("activeMinutes"):
                self._answers[1][asked] = known
        return {**known, "ts": now}

    async def _list_later(self, params: Mapping[str, Any]) -> Json:
        await self._sessions.refresh_all()
        answer = self._list(params)
        if params.get("includeDerivedTitles") or params.get("includeLastMessage"):
            answer["sessions"] = await asyncio.to_thread(self._with_texts, answer["sessions"], dict(params))
        return answer

    def _list(self, params: Mapping[str, Any]) -> Json:
        now = self._clock.now_ms()
        defaults = self._model_defaults()
        minutes = params.get("activeMinutes")
        oldest = now - int(minutes) * 60_000 if minutes else 0
        agent = normalise_agent_id(params["agentId"]) if params.get("agentId") else None
        every = sorted(self._sessions.all(), key=lambda item: -float(item[1].get("updatedAt") or 0))
        found = [
            (key, entry)
            for key, entry in every
            if (agent is None or self._sessions.agent_of(key) == agent) and rows.matches(key, entry, params, oldest)
        ]
        limit = params.get("limit")
        shown = found if limit is None else found[: int(limit)]
        files = {self._settings.agent(agent_id).store for agent_id in ([agent] if agent else self._settings.agent_ids)}
        return {
            "ts": now,
            "path": str(next(iter(files))) if len(files) == 1 else "(multiple)",
            "count": len(shown),
            "defaults": defaults,
            "sessions": [self._row(key, entry, defaults) for key, entry in shown],
        }

    def _row(self, key: str, entry: Entry, defaults: Json) -> Json:
        override = text(entry, "modelOverride")
        provider = text(entry, "providerOverride") or text(entry, "modelProvider") or defaults["modelProvider"]
        model = override or text(entry, "model") or defaults["model"]
        return rows.row(key, entry, provider, model, self._context_tokens(provider, model))

    def _model_defaults(self) -> Json:
        agent = self._settings.agent(self._settings.default_agent)
        provider, model = model_in_use(self._registry, agent, {})
        return {"modelProvider": provider, "model": model, "contextTokens": self._context_tokens(provider, model)}

    def _context_tokens(self, provider: str, model: str) -> int:
        """Return how much fits: the budget that the config sets for all, else the window of the model."""
        stated = self._settings.config.agents.defaults.context_tokens
        return stated or self._registry.context_window(provider, model)

    def _with_texts(self, found: Rows, params: Mapping[str, Any]) -> Rows:
        """Add titles and last messages, which are read from the transcripts; runs on a thread."""
        shown = []
        for row in found:
            lines = self._recent(str(row["key"]), _SPARE_LINES)
            extra: Json = {}
            if params.get("includeDerivedTitles"):
                extra["derivedTitle"] = row.get("label") or rows.title(lines)
            if params.get("includeLastMessage"):
                last = rows.preview(lines, 1, 240)
                extra["lastMessagePreview"] = last[0]["text"] if last else None
            shown.append({**row, **{name: value for name, value in extra.items() if value is not None}})
        return shown

    def _recent(self, key: str, limit: int) -> Sequence[Line]:
        entry = self._sessions.entry(key)
        try:
            path = self._sessions.path(key, entry) if entry is not None else None
            return self._sessions.transcripts.recent(path, limit) if path is not None else []
        except OpenClawError:
            return []

    async def preview(self, params: Mapping[str, Any], /) -> Json:
        """Answer `sessions.preview`."""
        await self._sessions.refresh_all()
        limit, chars = int(params.get("limit") or 12), max(20, int(params.get("maxChars") or 240))
        keys = [str(key) for key in params.get("keys", ())][:MAX_PREVIEWS]
        found = await asyncio.to_thread(lambda: [self._preview(key, limit, chars) for key in keys])
        return {"ts": self._clock.now_ms(), "previews": found}

    def _preview(self, key: str, limit: int, chars: int) -> Json:
        entry = self._sessions.entry(self.canonical(key))
        if entry is None:
            return {"key": key, "status": "missing", "items": []}
        try:
            path = self._sessions.path(self.canonical(key), entry)
            items = rows.preview(self._sessions.transcripts.recent(path, limit * 4), limit, chars)
        except OpenClawError:
            return {"key": key, "status": "error", "items": []}
        return {"key": key, "status": "ok" if items else "empty", "items": items}

    async def resolve(self, params: Mapping[str, Any], /) -> Json:
        """Answer `sessions.resolve`: by exactly one of key, sessionId and label."""
        given = [name for name in ("key", "sessionId", "label") if params.get(name)]
        if len(given) != 1:
            raise InvalidInput("exactly one of key, sessionId and label must be given")
        await self._sessions.refresh_all()
        name, value = given[0], str(params[given[0]])
        if name == "key":
            key = self.canonical(value)
            if self._sessions.entry(key) is None:
                raise NotFound(f"No session found: {value}")
            return {"ok": True, "key": key}
        found = [
            key
            for key, entry in self._sessions.all()
            if entry.get(name) == value and rows.matches(key, entry, {**params, "label": None, "search": None}, 0)
        ]
        if not found:
            raise NotFound(f"No session found: {value}")
        if len(found) > 1:
            raise InvalidInput(f"Multiple sessions found for {name} {value}: {', '.join(sorted(found)[:5])}")
        return {"ok": True, "key": found[0]}

    # Changing

    async def patch(self, params: Mapping[str, Any], /) -> Json:
        """Answer `sessions.patch`; a key that is present with None clears that setting."""
        key = self.canonical(str(params.get("key", "")))
        store = await self._sessions.ready(key)
        await self._sessions.refresh_all()
        fields = patch_fields(params, key, store.get(key), self._sessions.all, self._registry)
        entry = store.merge(key, fields)
        await store.save()
        agent = self._settings.agent(self._sessions.agent_of(key))
        provider, model = model_in_use(self._registry, agent, entry)
        resolved = {"modelProvider": provider, "model": model}
        return {"ok": True, "path": str(store.path), "key": key, "entry": dict(entry), "resolved": resolved}

    async def reset(self, params: Mapping[str, Any], /) -> Json:
        """Answer `sessions.reset`: a new session id, levels and model stay."""
        key = self.canonical(str(params.get("key", "")))
        entry = (await self._sessions.ready(key)).get(key) or {}
        kept = ("thinkingLevel", "verboseLevel", "reasoningLevel", "responseUsage", "providerOverride", "modelOverride")
        keep = {name: entry[name] for name in kept if entry.get(name) is not None}
        return {"ok": True, "key": key, "entry": dict(await self._sessions.reset(key, keep=keep))}

    async def delete(self, params: Mapping[str, Any], /) -> Json:
        """Answer `sessions.delete`: the entry goes, the transcript is renamed."""
        key = self.canonical(str(params.get("key", "")))
        routing = self._policy().routing
        if key in {GLOBAL_KEY, main_session_key(self._sessions.agent_of(key), routing.main_key)}:
            raise InvalidInput(f"Cannot delete the main session ({key}).")
        if not await self._runtime.idle(key, DELETE_WAIT_SECONDS):
            raise Unavailable(f"Session {key} is still active; try again in a moment.")
        store = await self._sessions.ready(key)
        entry = store.remove(key)
        await store.save()
        archived: Names = []
        if entry is not None and params.get("deleteTranscript") is not False:
            archived = await asyncio.to_thread(self._archive, key, entry)
        return {"ok": True, "key": key, "deleted": entry is not None, "archived": archived}

    def _archive(self, key: str, entry: Entry) -> Names:
        path = self._sessions.path(key, entry)
        target = path.with_name(f"{path.name}.deleted.{self._clock.now_ms()}")
        self._sessions.transcripts.forget(path)
        try:
            path.rename(target)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise Unavailable(f"cannot rename {path}: {error.strerror}", code="state-unwritable") from error
        return [str(target)]

    # Messages

    async def history(self, session_key: str, limit: int, /) -> Json:
        """Answer `chat.history`: oldest first, the oldest left out beyond 6 MiB."""
        key = self.canonical(session_key)
        entry = (await self._sessions.ready(key)).get(key) or {}
        agent = self._settings.agent(self._sessions.agent_of(key))
        answer: Json = {
            "sessionKey": key,
            "messages": [],
            "thinkingLevel": text(entry, "thinkingLevel") or agent.thinking or "off",
            "verboseLevel": text(entry, "verboseLevel") or agent.verbose,
        }
        if entry.get("sessionId"):
            answer["sessionId"] = entry["sessionId"]
            path = self._sessions.path(key, entry)
            answer["messages"] = await self._messages(path, max(1, min(limit, MAX_HISTORY)))
        return answer

    async def _messages(self, path: Path, limit: int) -> Rows:
        transcripts = self._sessions.transcripts
        if transcripts.cached(path) is not None:
            lines = transcripts.recent(path, limit + _SPARE_LINES)
        else:
            lines = await asyncio.to_thread(transcripts.recent, path, limit + _SPARE_LINES)
        found = [rows.shown(message) for message in rows.messages(lines)[-limit:]]
        return _within(found, MAX_HISTORY_BYTES)

    async def inject(self, session_key: str, message: str, label: str | None = None, /) -> str:
        """Append an assistant message that no model wrote and return its id.

        Raises:
            NotFound: there is no such session.
        """
        key = self.canonical(session_key)
        entry = (await self._sessions.ready(key)).get(key)
        if entry is None:
            raise NotFound("session not found")
        checked_session_id(entry.get("sessionId"))
        body = f"[{label.strip()[:100]}]\n\n{message}" if label and label.strip() else message
        stored = {
            "role": "assistant",
            "content": [{"type": "text", "text": body}],
            "api": "openclaw",
            "provider": "openclaw",
            "model": "gateway-injected",
            "stopReason": "stop",
            "timestamp": self._clock.now_ms(),
        }
        origin = Provenance(source=Source.OPERATOR)
        async with self._sessions.transcript(key, entry) as transcript:
            line = transcript.append("message", {"message": stored, "provenance": origin.as_json()})
        return line.id


def _within(found: Rows, limit: int) -> Rows:
    """Return the newest messages whose JSON fits."""
    total = 0
    for index in range(len(found) - 1, -1, -1):
        total += len(json.dumps(found[index], ensure_ascii=False))
        if total > limit:
            return found[index + 1 :]
    return found
