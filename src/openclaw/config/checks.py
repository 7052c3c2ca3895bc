"""The stages after the schema: folders of agents, avatars, plugins, channels, heartbeat targets (config.md 1.6)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from openclaw.config.catalog import Catalog
from openclaw.config.issues import Issue, Parts, fault
from openclaw.config.places import agent_dir, agent_workspace, listed_agents
from openclaw.config.registry import CORE_CHANNELS
from openclaw.config.rules import heartbeat_blocks
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.state.layout import StateLayout
from openclaw.system.environment import Environment

_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_AVATAR_SCHEMES: Final = ("http://", "https://", "data:")


def check_agent_dirs(document: Mapping[str, Any], layout: StateLayout, environment: Environment) -> list[Issue]:
    """Return a fault when two agents would share one folder of credentials."""
    ids = [entry.get("id") for entry in listed_agents(document)]
    ids += [entry.get("agentId") for entry in document.get("bindings") or ()]
    owners: dict[str, str] = {}
    for name in dict.fromkeys(normalise_agent_id(found) for found in ids):
        folder = os.path.realpath(agent_dir(document, name, layout, environment))
        first = owners.setdefault(folder, name)
        if first != name:
            return [
                fault(("agents", "list"), f'agents "{first}" and "{name}" have the same agentDir; give each its own')
            ]
    return []


def check_avatars(document: Mapping[str, Any], layout: StateLayout, environment: Environment) -> list[Issue]:
    """Return a fault for each avatar that is neither inside its agent's workspace nor an http(s) or data address."""
    found = []
    for index, entry in enumerate(listed_agents(document)):
        avatar = str((entry.get("identity") or {}).get("avatar") or "").strip()
        if not avatar or avatar.lower().startswith(_AVATAR_SCHEMES):
            continue
        at = ("agents", "list", index, "identity", "avatar")
        if avatar.startswith("~") or _SCHEME.match(avatar):
            found.append(fault(at, "must be a path inside the workspace, an http(s) URL or a data URI"))
            continue
        workspace = os.path.normpath(agent_workspace(document, entry["id"], layout, environment))
        inside = os.path.commonpath([workspace, os.path.normpath(os.path.join(workspace, avatar))]) == workspace  # noqa: PTH118  # text only
        if not inside:
            found.append(fault(at, "must stay inside the agent's workspace"))
    return found


def check_plugins(document: Mapping[str, Any], catalog: Catalog) -> list[Issue]:
    """Return the faults of plugin ids, plugin settings, channel ids and heartbeat targets."""
    return [*_channels(document, catalog), *_heartbeat_targets(document, catalog), *_plugins(document, catalog)]


def _channels(document: Mapping[str, Any], catalog: Catalog) -> Iterator[Issue]:
    known = CORE_CHANNELS | catalog.channels | {"defaults"}
    for name in document.get("channels") or {}:
        if name not in known:
            yield fault(("channels", name), "is no channel that is built in or brought by a plugin")


def _heartbeat_targets(document: Mapping[str, Any], catalog: Catalog) -> Iterator[Issue]:
    known = CORE_CHANNELS | catalog.channels | {"last", "none"}
    for at, block in heartbeat_blocks(document):
        target = block.get("target")
        if target is not None and target.strip().lower() not in known:
            yield fault((*at, "target"), "must be last, none or a channel", allowed=sorted(known))


def _plugins(document: Mapping[str, Any], catalog: Catalog) -> Iterator[Issue]:
    plugins = document.get("plugins") or {}
    for key in ("allow", "deny"):
        for name in plugins.get(key) or ():
            if name not in catalog.plugins and name != "group:plugins":
                yield _unknown(("plugins", key), name)
    for name, entry in (plugins.get("entries") or {}).items():
        at: Parts = ("plugins", "entries", name)
        manifest = catalog.plugins.get(name)
        if manifest is None:
            yield _unknown(at, name)
        elif manifest.config_schema is not None and (entry.get("enabled") is True or "config" in entry):
            from openclaw.config.plugin_schema import first_fault

            wrong = first_fault(entry.get("config", {}), manifest.config_schema)
            if wrong is not None:
                yield fault((*at, "config"), wrong)
    memory = (plugins.get("slots") or {}).get("memory")
    if memory is not None and memory.strip().lower() != "none" and memory.strip() not in catalog.plugins:
        yield _unknown(("plugins", "slots", "memory"), memory)


def _unknown(at: Parts, name: str) -> Issue:
    return fault(at, f'no plugin "{name}" is found; install it or remove the entry')
