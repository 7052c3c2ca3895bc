"""Which folders belong to which agent (config.md 3.10). Pure: nothing is looked up on the disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment


def listed_agents(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the entries of `agents.list`."""
    found = (document.get("agents") or {}).get("list") or ()
    return [entry for entry in found if isinstance(entry, Mapping)]


def agent_entry(document: Mapping[str, Any], agent_id: str) -> Mapping[str, Any] | None:
    """Return the entry of an agent, or None when it is not listed."""
    wanted = normalise_agent_id(agent_id)
    return next((item for item in listed_agents(document) if normalise_agent_id(item.get("id")) == wanted), None)


def default_agent(document: Mapping[str, Any]) -> str:
    """Return the normal id of the agent that takes what no binding claims."""
    entries = listed_agents(document)
    chosen = next((entry for entry in entries if entry.get("default") is True), entries[0] if entries else {})
    return normalise_agent_id(chosen.get("id"))


def agent_workspace(document: Mapping[str, Any], agent_id: str, layout: StateLayout, environment: Environment) -> Path:
    """Return the working directory of an agent, absolute."""
    wanted = normalise_agent_id(agent_id)
    own = (agent_entry(document, wanted) or {}).get("workspace")
    if isinstance(own, str) and own.strip():
        return _absolute(own, environment)
    if wanted != default_agent(document):
        return layout.root / f"workspace-{wanted}"
    shared = ((document.get("agents") or {}).get("defaults") or {}).get("workspace")
    if isinstance(shared, str) and shared.strip():
        return _absolute(shared, environment)
    profile = (environment.get("OPENCLAW_PROFILE") or "").strip()
    name = f"workspace-{profile}" if profile and profile.lower() != "default" else "workspace"
    return environment.home / ".openclaw" / name


def agent_dir(document: Mapping[str, Any], agent_id: str, layout: StateLayout, environment: Environment) -> Path:
    """Return the folder of an agent's credentials, absolute."""
    wanted = normalise_agent_id(agent_id)
    own = (agent_entry(document, wanted) or {}).get("agentDir")
    if isinstance(own, str) and own.strip():
        return _absolute(own, environment)
    return layout.agent_dir(wanted)


def _absolute(text: str, environment: Environment) -> Path:
    path = environment.expand(text.strip())
    return path if path.is_absolute() else Path.cwd() / path
