"""What the session tools may see and change: decided by the visibility kernel before any id is resolved (agent.md 5.9).

A session that is not visible does not exist for the caller (advisory G2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from openclaw.agent.commands.models import override_fields
from openclaw.agent.models.registry import ModelRegistry
from openclaw.agent.run_facts import text
from openclaw.agent.sessions import rows
from openclaw.agent.sessions.status import model_in_use, status_lines
from openclaw.agent.sessions.stores import Sessions
from openclaw.agent.settings import PolicyView, Settings
from openclaw.policy.verdict import Outcome
from openclaw.policy.where.sandbox_mode import Placement, sandbox_status
from openclaw.policy.where.session_keys import kind_of
from openclaw.policy.where.visibility import Caller, Target, may_see
from openclaw.state.sessions import Entry
from openclaw.system.clock import Clock
from openclaw.system.errors import NotFound
from openclaw.tools.contract import RunContext

MAX_ROWS: Final = 500
MAX_DEPTH: Final = 16
DEFAULT_HISTORY: Final = 50
MAX_HISTORY: Final = 500
_LEVELS: Final = ("thinkingLevel", "verboseLevel", "reasoningLevel", "elevatedLevel", "sendPolicy", "spawnedBy")
_PLACES: Final = ("channel", "displayName", "lastChannel", "lastTo", "deliveryContext")


class SessionsForTools:
    """Implements `openclaw.tools.contract.SessionsPort`.

    Args:
        settings: the current config.
        policy: the current policy.
        sessions: the sessions.
        registry: the models.
        clock: the time.
    """

    def __init__(
        self,
        settings: Settings,
        policy: Callable[[], PolicyView],
        sessions: Sessions,
        registry: ModelRegistry,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self.policy = policy
        self.sessions = sessions
        self.registry = registry
        self.clock = clock

    def rows(self, run: RunContext, *, limit: int | None, active_minutes: int | None) -> list[dict[str, Any]]:
        """Return the rows of the sessions that this run may see, newest first."""
        oldest = self.clock.now_ms() - active_minutes * 60_000 if active_minutes else 0
        found = [
            (key, entry)
            for key, entry in self._visible(run)
            if not rows.is_cron_run(key) and float(entry.get("updatedAt") or 0) >= oldest
        ]
        found.sort(key=lambda item: -float(item[1].get("updatedAt") or 0))
        return [self._row(run, key, entry) for key, entry in found[: min(limit or MAX_ROWS, MAX_ROWS)]]

    def history(self, run: RunContext, session: str, *, limit: int | None, include_tools: bool) -> dict[str, Any]:
        """Return messages of a session by key or id.

        Raises:
            NotFound: there is none, or none that this run may see.
        """
        key, entry = self._find(run, session)
        wanted = min(limit or DEFAULT_HISTORY, MAX_HISTORY)
        spare = wanted * (1 if include_tools else 6) + 50
        lines = self.sessions.transcripts.recent(self.sessions.path(key, entry), spare)
        messages = [rows.shown(message) for message in rows.messages(lines)]
        if not include_tools:
            messages = [shown for message in messages if (shown := _without_tools(message)) is not None]
        truncated = len(messages) > wanted
        return {"sessionKey": key, "messages": messages[-wanted:], "truncated": truncated}

    def status(self, run: RunContext, session: str | None) -> dict[str, Any]:
        """Return the status card of a session; without one, of the run's own."""
        key, entry = self._own(run) if session is None else self._find(run, session)
        agent = self._settings.agent(self.sessions.agent_of(key))
        return {"text": "\n".join(status_lines(self, key, agent)), **self._row(run, key, entry)}

    def set_model(self, run: RunContext, session: str | None, model: str) -> None:
        """Set or clear (`default`) the model of a session.

        Raises:
            NotFound: there is no such session for this run.
            InvalidInput: the model may not be chosen.
        """
        key, _ = self._own(run) if session is None else self._find(run, session)
        cleared = dict.fromkeys(
            ("providerOverride", "modelOverride", "authProfileOverride", "authProfileOverrideSource")
        )
        fields = cleared if model.strip().lower() == "default" else override_fields(self.registry.choose(model))
        self.sessions.store_of(key).merge(key, fields)

    # What is visible

    def _own(self, run: RunContext) -> tuple[str, Entry]:
        return run.session_key, self.sessions.entry(run.session_key) or {"sessionId": run.session_id}

    def _find(self, run: RunContext, session: str) -> tuple[str, Entry]:
        wanted = session.strip()
        canonical = self.sessions.canonical(wanted, run.agent_id)
        for key, entry in self._visible(run):
            if key == canonical or entry.get("sessionId") == wanted:
                return key, entry
        raise NotFound(f"No session found: {wanted[:200]}")

    def _visible(self, run: RunContext) -> Iterator[tuple[str, Entry]]:
        routing = self.policy().routing
        caller = Caller(
            session_key=run.session_key,
            sandboxed=self._sandboxed(run),
            sandbox_visibility=routing.sandbox.settings(run.agent_id).tools_visibility,
        )
        for key, entry in self.sessions.all():
            target = Target(key, self._ancestors(entry))
            if may_see(routing.visibility, caller, target).outcome is Outcome.ALLOW:
                yield key, entry

    def _sandboxed(self, run: RunContext) -> bool:
        rules = self.policy().routing.sandbox
        placement = sandbox_status(rules, run.agent_id, run.session_key, parent_sandboxed=run.parent_sandboxed)
        return placement.outcome is Placement.SANDBOX

    def _ancestors(self, entry: Entry) -> tuple[str, ...]:
        found: list[str] = []
        parent = text(entry, "spawnedBy")
        while parent is not None and parent not in found and len(found) < MAX_DEPTH:
            found.append(parent)
            parent = text(self.sessions.entry(parent) or {}, "spawnedBy")
        return tuple(found)

    def _row(self, run: RunContext, key: str, entry: Entry) -> dict[str, Any]:
        agent = self._settings.agent(self.sessions.agent_of(key))
        provider, model = model_in_use(self.registry, agent, entry)
        row: dict[str, Any] = {
            "key": key,
            "kind": str(kind_of(key)),
            "updatedAt": entry.get("updatedAt"),
            "sessionId": entry.get("sessionId"),
            "model": f"{provider}/{model}",
            "contextTokens": entry.get("contextTokens"),
            "totalTokens": entry.get("totalTokens"),
            **{name: entry.get(name) for name in (*_PLACES, *_LEVELS)},
        }
        if run.requester.is_owner and entry.get("sessionId") and not self._sandboxed(run):
            row["transcriptPath"] = str(self.sessions.path(key, entry))
        return {name: value for name, value in row.items() if value is not None}


def _without_tools(message: Any) -> dict[str, Any] | None:
    """Return a message without calls; None for results and for answers that only called."""
    if message.get("role") == "toolResult":
        return None
    content = message.get("content")
    if not isinstance(content, list):
        return dict(message)
    kept = [block for block in content if block.get("type") in {"text", "image"}]
    return {**message, "content": kept} if kept else None
