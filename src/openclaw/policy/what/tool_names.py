"""Tool names: the core catalogue, groups, profiles, aliases and their expansion (agent.md 5.1, 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

ALIASES: Final[Mapping[str, str]] = MappingProxyType({"bash": "exec", "apply-patch": "apply_patch"})

SESSION_TOOLS: Final = ("sessions_list", "sessions_history", "sessions_send", "sessions_spawn", "session_status")
MEMORY_TOOLS: Final = ("memory_search", "memory_get")
FILE_TOOLS: Final = ("read", "write", "edit", "apply_patch")

CORE_TOOLS: Final = (
    *FILE_TOOLS,
    "exec",
    "process",
    "web_search",
    "web_fetch",
    "browser",
    "canvas",
    "nodes",
    "cron",
    "message",
    "tts",
    "gateway",
    "agents_list",
    *SESSION_TOOLS,
    "image",
    *MEMORY_TOOLS,
    "whatsapp_login",
)
"""Every name that the product itself gives to a tool. No plugin may take one; the memory tools come from one."""

GROUP_PLUGINS: Final = "group:plugins"

GROUPS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "group:fs": FILE_TOOLS,
        "group:runtime": ("exec", "process"),
        "group:sessions": SESSION_TOOLS,
        "group:memory": MEMORY_TOOLS,
        "group:web": ("web_search", "web_fetch"),
        "group:ui": ("browser", "canvas"),
        "group:automation": ("cron", "gateway"),
        "group:messaging": ("message",),
        "group:nodes": ("nodes",),
        "group:openclaw": (
            "browser",
            "canvas",
            "nodes",
            "cron",
            "message",
            "gateway",
            "agents_list",
            *SESSION_TOOLS,
            *MEMORY_TOOLS,
            "web_search",
            "web_fetch",
            "image",
        ),
    }
)

PROFILES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "minimal": ("session_status",),
        "coding": ("group:fs", "group:runtime", "group:sessions", "group:memory", "image"),
        "messaging": ("group:messaging", "sessions_list", "sessions_history", "sessions_send", "session_status"),
    }
)
"""What a profile allows. `full`, and no profile, restrict nothing."""

SUBAGENT_DENY: Final = (
    "sessions_list",
    "sessions_history",
    "sessions_send",
    "sessions_spawn",
    "gateway",
    "agents_list",
    "whatsapp_login",
    "session_status",
    "cron",
    *MEMORY_TOOLS,
)
"""What no sub-agent gets; no allow list lifts it."""

CHANNEL_IDS: Final = (
    "telegram",
    "whatsapp",
    "discord",
    "googlechat",
    "slack",
    "signal",
    "imessage",
)
SANDBOX_ALLOW: Final = ("exec", "process", *FILE_TOOLS, "image", *SESSION_TOOLS)
SANDBOX_DENY: Final = ("browser", "canvas", "nodes", "cron", "gateway", *CHANNEL_IDS)
"""The lists of a sandbox that is not configured (agent.md 5.6)."""

HTTP_DENY: Final = (
    "exec",
    "process",
    "write",
    "edit",
    "apply_patch",
    "sessions_spawn",
    "sessions_send",
    "cron",
    "gateway",
    "nodes",
    "whatsapp_login",
)
"""What `POST /tools/invoke` refuses unless `gateway.tools.allow` names it (agent.md 5.7, advisories F7)."""


def normalise_tool(name: str) -> str:
    """Return the one spelling of a tool, group or plugin name."""
    lowered = name.strip().lower()
    return ALIASES.get(lowered, lowered)


@dataclass(frozen=True, slots=True)
class CatalogueTool:
    """A tool that could exist in this process.

    Attributes:
        name: its name.
        plugin_id: the plugin that brings it; None for a core tool.
        optional: a plugin tool that only an allow list which names it brings in.
        owner_only: exists for owners only.
    """

    name: str
    plugin_id: str | None = None
    optional: bool = False
    owner_only: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    """All tools that could exist, indexed. Built once when plugins are loaded; compares by identity.

    Attributes:
        tools: by normalised name, in order; of two tools with one name the first stays.
        plugins: names of each plugin's tools, by normalised plugin id.
        rejected: tools that may not exist, with why (`name-of-core-tool`, `duplicate` and so on).
    """

    tools: Mapping[str, CatalogueTool] = field(default_factory=lambda: MappingProxyType({}))
    plugins: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    rejected: tuple[tuple[CatalogueTool, str], ...] = ()

    @classmethod
    def of(cls, tools: Iterable[CatalogueTool]) -> Catalogue:
        """Return the catalogue of these tools; a plugin cannot take the place of a core tool."""
        kept: dict[str, CatalogueTool] = {}
        rejected: list[tuple[CatalogueTool, str]] = []
        plugins: dict[str, list[str]] = {}
        offered = tuple(tools)
        core = {normalise_tool(tool.name) for tool in offered if tool.plugin_id is None}
        core |= set(CORE_TOOLS) - set(MEMORY_TOOLS)
        for tool in offered:
            name = normalise_tool(tool.name)
            fault = _fault(tool, name, core, kept)
            if fault:
                rejected.append((tool, fault))
                continue
            kept[name] = tool
            if tool.plugin_id is not None:
                plugins.setdefault(normalise_tool(tool.plugin_id), []).append(name)
        return cls(
            tools=MappingProxyType(kept),
            plugins=MappingProxyType({name: tuple(members) for name, members in plugins.items()}),
            rejected=tuple(rejected),
        )

    def members(self, entry: str) -> tuple[str, ...]:
        """Return what a normalised list entry stands for: a plugin's tools, a group's members, or itself."""
        if entry == GROUP_PLUGINS:
            every = tuple(name for members in self.plugins.values() for name in members)
            return every or (entry,)
        return self.plugins.get(entry) or GROUPS.get(entry, (entry,))


def _fault(tool: CatalogueTool, name: str, core: set[str], kept: Mapping[str, CatalogueTool]) -> str | None:
    if not name or "*" in name or name.startswith("group:"):
        return "malformed-name"
    if tool.plugin_id is not None:
        plugin = normalise_tool(tool.plugin_id)
        if not plugin or "*" in plugin or plugin.startswith("group:"):
            return "malformed-plugin-id"
        if plugin in core:
            return "plugin-id-of-core-tool"
        if name in core:
            return "name-of-core-tool"
    return "duplicate" if name in kept else None
