"""The session store of releases that had one agent: `sessions/` becomes that of the default agent (config.md 2.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openclaw.policy.where.session_keys import canonical_key
from openclaw.security.doctor.repairs.moves import contents, move_files
from openclaw.security.running import refuse_running
from openclaw.state.files import read_json, write_json
from openclaw.state.layout import StateLayout
from openclaw.state.locks import file_lock
from openclaw.system.errors import InvalidInput

STORE: Final = "sessions.json"


@dataclass(frozen=True, slots=True)
class MoveSessions:
    """Moves transcripts, and joins the old store into the agent's.

    Attributes:
        layout: the state directory.
        agent_id: the default agent.
        global_scope: `session.scope` is `global`.
        shown: how people are shown the state directory.
    """

    layout: StateLayout
    agent_id: str
    global_scope: bool
    shown: str
    safe: bool = True
    moves: bool = True

    @property
    def key(self) -> str:
        """Return what it does to what."""
        return f"sessions {self.layout.root} {self.agent_id}"

    def describe(self) -> tuple[str, ...]:
        """Return what happens to transcripts and store."""
        target = f"{self.shown}/agents/{self.agent_id}/sessions"
        return (
            f"move the transcripts in {self.shown}/sessions to {target}",
            f"join {self.shown}/sessions/{STORE} into {target}/{STORE}; of two entries the newer one counts",
        )

    def apply(self) -> tuple[str, ...]:
        """Join the stores first, so that no transcript is ever without its entry."""
        refuse_running(self.layout)
        source, target = self.layout.root / "sessions", self.layout.sessions_dir(self.agent_id)
        if (source / STORE).is_file():
            self._join(source / STORE, target / STORE)
        names = [name for name in contents(self.layout.root, "sessions") if name != STORE]
        inside = f"agents/{self.agent_id}/sessions"
        left = move_files(
            self.layout.root, tuple((f"sessions/{name}", f"{inside}/{name}") for name in names), self.shown
        )
        if not left and not contents(self.layout.root, "sessions"):
            source.rmdir()
        return left

    def _join(self, source: Path, target: Path) -> None:
        with file_lock(target):
            joined = join_stores(_store(target), _store(source), self.agent_id, global_scope=self.global_scope)
            write_json(target, joined)
        source.unlink()


def join_stores(
    current: Mapping[str, Any], older: Mapping[str, Any], agent_id: str, *, global_scope: bool
) -> dict[str, Any]:
    """Return both stores as one, the older one's keys in today's spelling; of two entries the newer one stays."""
    joined = dict(current)
    for key, entry in older.items():
        name = canonical_key(key, agent_id=agent_id, global_scope=global_scope)
        known = joined.get(name)
        if known is None or _updated(entry) > _updated(known):
            joined[name] = entry
    return joined


def _updated(entry: object) -> float:
    found = entry.get("updatedAt") if isinstance(entry, Mapping) else None
    return found if isinstance(found, int | float) and not isinstance(found, bool) else 0


def _store(path: Path) -> Mapping[str, Any]:
    found = read_json(path)
    if found is not None and not isinstance(found, dict):
        raise InvalidInput(f"{path} must hold a JSON object", code="state-corrupt")
    return found or {}
