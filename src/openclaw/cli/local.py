"""What the disk alone says of agents and sessions, for commands that must work while no gateway runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from openclaw.config.paths import get_value
from openclaw.config.places import agent_workspace, default_agent, listed_agents
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment
from openclaw.system.errors import InvalidInput, OpenClawError

BOOTSTRAP: Final = "BOOTSTRAP.md"
"""The file in a workspace that is there until the first conversation has been had (config.md 5.4)."""


@dataclass(frozen=True, slots=True)
class LocalAgent:
    """An agent as config and disk describe it.

    Attributes:
        id: normal id.
        name: display name, if it has one.
        is_default: it takes what no binding claims.
        workspace: its working directory.
        store: its `sessions.json`.
    """

    id: str
    name: str | None
    is_default: bool
    workspace: Path
    store: Path


def local_agents(document: Mapping[str, Any], layout: StateLayout, environment: Environment) -> list[LocalAgent]:
    """Return the agents of a config, the default one first when none is listed."""
    default = default_agent(document)
    named = {normalise_agent_id(entry.get("id")): entry.get("name") for entry in listed_agents(document)}
    ids = list(dict.fromkeys((*named, default)))
    return [
        LocalAgent(
            id=agent_id,
            name=named.get(agent_id) if isinstance(named.get(agent_id), str) else None,
            is_default=agent_id == default,
            workspace=agent_workspace(document, agent_id, layout, environment),
            store=store_of(document, agent_id, layout, environment),
        )
        for agent_id in ids
    ]


def store_of(document: Mapping[str, Any], agent_id: str, layout: StateLayout, environment: Environment) -> Path:
    """Return where an agent's sessions are."""
    stated = get_value(document, ("session", "store"))[1]
    if isinstance(stated, str) and stated.strip():
        return environment.expand(stated.replace("{agentId}", agent_id))
    return layout.sessions_dir(agent_id) / "sessions.json"


def read_store(path: Path) -> dict[str, Mapping[str, Any]]:
    """Return the sessions of a store by key; none when there is no file.

    Raises:
        InvalidInput: it is no store.
        Unavailable: it cannot be read.
    """
    from openclaw.state.files import read_json

    found = read_json(path)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidInput(f"{path} is no session store: it holds no JSON object")
    return {key: entry for key, entry in found.items() if isinstance(entry, dict)}


def session_row(key: str, entry: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """Return a session as listings show it."""
    from openclaw.policy.where.session_keys import agent_of, group_of

    kind = key if key in ("global", "unknown") else "group" if group_of(key) is not None else "direct"
    updated = entry.get("updatedAt")
    row: dict[str, Any] = {
        "agentId": agent_of(key),
        "key": key,
        "kind": kind,
        "sessionId": entry.get("sessionId"),
        "updatedAt": updated,
        "ageMs": now_ms - int(updated) if isinstance(updated, int | float) else None,
        "systemSent": entry.get("systemSent") is True,
        "abortedLastRun": entry.get("abortedLastRun") is True,
        "inputTokens": entry.get("inputTokens", 0),
        "outputTokens": entry.get("outputTokens", 0),
        "totalTokens": entry.get("totalTokens", 0),
        "model": entry.get("model"),
        "contextTokens": entry.get("contextTokens"),
    }
    for name in ("label", "displayName", "thinkingLevel", "verboseLevel", "elevatedLevel", "sendPolicy"):
        if entry.get(name) is not None:
            row[name] = entry[name]
    return row


def sessions_at_hand(agents: list[LocalAgent], now_ms: int) -> list[dict[str, Any]]:
    """Return the sessions of all agents, newest first; a store that cannot be read counts as empty."""
    rows = []
    for path in dict.fromkeys(agent.store for agent in agents):
        try:
            rows += [session_row(key, entry, now_ms) for key, entry in read_store(path).items()]
        except OpenClawError:
            continue
    return sorted(rows, key=lambda row: row["updatedAt"] or 0, reverse=True)


def flags(row: Mapping[str, Any]) -> str:
    """Return what is special about a session, as one word each."""
    words = [f"{name.removesuffix('Level')}:{row[name]}" for name in _LEVELS if row.get(name)]
    words += [word for name, word in (("systemSent", "system"), ("abortedLastRun", "aborted")) if row.get(name)]
    return " ".join(words)


_LEVELS: Final = ("thinkingLevel", "verboseLevel", "elevatedLevel")


def shown_json(value: object) -> str:
    """Return a value on one line."""
    return json.dumps(value, ensure_ascii=False)
