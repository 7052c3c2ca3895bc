"""Facts about the agents on the disk: credentials without the secrets, sessions, workspaces."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from openclaw.config.places import agent_dir, agent_workspace, default_agent, listed_agents
from openclaw.policy.where.key_builders import main_session_key
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.doctor.context import AgentFacts, ProfileFacts, SessionFacts
from openclaw.security.state_tree import Tree
from openclaw.state.auth_profiles import ProfileStore, blocked_until, read_profiles
from openclaw.state.files import read_json
from openclaw.state.layout import StateLayout
from openclaw.state.sessions import store_path
from openclaw.state.transcripts import transcript_path
from openclaw.system.environment import Environment
from openclaw.system.errors import OpenClawError

RECENT: Final = 5
"""Sessions that are looked at, the most recent ones (config.md 5.1 row 13)."""
_FIRST_RUN: Final = "BOOTSTRAP.md"
_MEMORY: Final = ("MEMORY.md", "memory.md")


def agent_facts(
    document: Mapping[str, Any], layout: StateLayout, environment: Environment, state: Tree, now_ms: int
) -> tuple[AgentFacts, ...]:
    """Return the facts of every agent that is listed, is the default, or has a folder in the state directory.

    Args:
        document: effective values; empty while the config is invalid.
        layout: the state directory.
        environment: for paths in the config.
        state: what is in the state directory.
        now_ms: epoch milliseconds.
    """
    chosen = default_agent(document)
    listed = [normalise_agent_id(entry.get("id")) for entry in listed_agents(document)]
    on_disk = [node.name for node in state.children("agents") if node.kind == "directory"]
    names = dict.fromkeys((chosen, *listed, *(name for name in on_disk if normalise_agent_id(name) == name)))
    return tuple(_facts(name, chosen, document, layout, environment, now_ms) for name in names)


def _facts(
    name: str, chosen: str, document: Mapping[str, Any], layout: StateLayout, environment: Environment, now_ms: int
) -> AgentFacts:
    workspace = agent_workspace(document, name, layout, environment)
    folder = agent_dir(document, name, layout, environment)
    store, store_fault = _store(document, name, layout, environment)
    profiles, profiles_fault = _profiles(folder / "auth-profiles.json", now_ms)
    recent, main, fault = _sessions(store, main_session_key(name, "main"))
    return AgentFacts(
        id=name,
        is_default=name == chosen,
        workspace=workspace,
        agent_dir=folder,
        store=store,
        workspace_exists=workspace.is_dir(),
        workspace_git=(workspace / ".git").exists(),
        workspace_memory=any((workspace / memory).is_file() for memory in _MEMORY),
        workspace_first_run=(workspace / _FIRST_RUN).is_file(),
        profiles=profiles,
        profiles_fault=profiles_fault,
        sessions=recent,
        main=main,
        sessions_fault=store_fault or fault,
        skills=_count_skills(workspace / "skills"),
    )


def _store(
    document: Mapping[str, Any], name: str, layout: StateLayout, environment: Environment
) -> tuple[Path, str | None]:
    default = layout.sessions_dir(name) / "sessions.json"
    template = (document.get("session") or {}).get("store")
    try:
        return store_path(template, default, name, environment.home), None
    except OpenClawError as error:
        return default, error.message


def _profiles(path: Path, now_ms: int) -> tuple[tuple[ProfileFacts, ...], str | None]:
    try:
        store = read_profiles(path)
    except OpenClawError as error:
        return (), error.message
    return tuple(_profile(store, name, now_ms) for name in store.profile_ids), None


def _profile(store: ProfileStore, name: str, now_ms: int) -> ProfileFacts:
    credential, stats = store.credential(name), store.stats(name)
    reason = stats.get("disabledReason")
    return ProfileFacts(
        id=name,
        provider=credential.provider if credential else name.partition(":")[0],
        type=credential.type if credential else "",
        usable=credential is not None,
        expires_ms=credential.expires_ms if credential else None,
        blocked_until_ms=blocked_until(stats, now_ms),
        disabled_reason=reason if isinstance(reason, str) else None,
    )


def _sessions(store: Path, main_key: str) -> tuple[tuple[SessionFacts, ...], SessionFacts | None, str | None]:
    try:
        found = read_json(store)
    except OpenClawError as error:
        return (), None, error.message
    if found is not None and not isinstance(found, dict):
        return (), None, f"{store} must hold a JSON object"
    entries = {key: entry for key, entry in (found or {}).items() if isinstance(entry, dict)}
    newest = sorted(entries, key=lambda key: _when(entries[key]), reverse=True)[:RECENT]
    main = _session(store.parent, main_key, entries[main_key]) if main_key in entries else None
    return tuple(_session(store.parent, key, entries[key]) for key in newest), main, None


def _when(entry: Mapping[str, Any]) -> float:
    found = entry.get("updatedAt")
    return found if isinstance(found, int | float) and not isinstance(found, bool) else 0


def _session(folder: Path, key: str, entry: Mapping[str, Any]) -> SessionFacts:
    identity = entry.get("sessionId")
    if not isinstance(identity, str):
        return SessionFacts(key, "", transcript=False)
    try:
        lines = _lines(transcript_path(folder, identity, key))
    except OpenClawError:
        return SessionFacts(key, "", transcript=False)
    return SessionFacts(key, identity, transcript=lines is not None, lines=lines)


def _lines(path: Path) -> int | None:
    """Return how many lines a transcript has, counted up to two."""
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return sum(1 for _ in itertools.islice(file, 2))
    except OSError:
        return None


def _count_skills(folder: Path) -> int:
    try:
        return sum(1 for item in folder.iterdir() if (item / "SKILL.md").is_file())
    except OSError:
        return 0
