"""Compiles `tools`, the agents' tool blocks and the rooms of all channels into the tool part of the policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from openclaw.config.base import blank
from openclaw.config.compile.routing import compile_sandbox, listed_agents
from openclaw.config.model import Config
from openclaw.config.sections.agent_tools import ApplyPatch, ProviderTools
from openclaw.config.sections.agents import AgentEntry
from openclaw.config.shapes import ToolLists
from openclaw.policy.what.elevated import AgentElevated, ElevatedPolicy
from openclaw.policy.what.group_rooms import ChannelRooms, RoomEntry, RoomMap, RoomStyle, room_entry
from openclaw.policy.what.tool_chain import AgentBlocks, ApplyPatchRule, ToolsPolicy, tools_policy
from openclaw.policy.what.tool_names import normalise_tool
from openclaw.policy.what.tool_stages import ToolBlock
from openclaw.policy.where.exec_host import parse_level
from openclaw.policy.where.sandbox_mode import WorkspaceAccess

DEFAULT_MEMORY_PLUGIN: Final = "memory-core"
_ROOM_KEYS: Final = {
    "slack": (RoomStyle.SLACK, "channels", None),
    "discord": (RoomStyle.DISCORD, "guilds", "channels"),
    "msteams": (RoomStyle.TEAMS, "teams", "channels"),
}
"""How the rooms of a channel are looked up, the key of their map, and the key of the map inside; else `groups`."""
_NOTHING: Final = ("<not a list>",)
"""An allow list that matches no tool."""


def compile_tools(config: Config) -> ToolsPolicy:
    """Return the tool policy of a config (agent.md 5)."""
    tools = config.tools
    sandbox = compile_sandbox(config)

    def agent(path: str, agent_id: str, entry: AgentEntry) -> AgentBlocks:
        own = entry.tools
        return AgentBlocks(
            block=_block(f"{path}.tools", own, own.profile),
            by_provider=_by_provider(own.by_provider, f"{path}.tools"),
            sandbox=_block(f"{path}.tools.sandbox.tools", own.sandbox.tools),
            apply_patch=_apply_patch(tools.exec.apply_patch, own.exec.apply_patch, f"{path}.tools.exec.applyPatch"),
            read_only=sandbox.settings(agent_id).workspace_access is WorkspaceAccess.RO,
            memory_search=_memory_search(config, entry),
        )

    return tools_policy(
        _block("tools", tools, tools.profile),
        by_provider=_by_provider(tools.by_provider, "tools"),
        agents=tuple((agent_id, agent(path, agent_id, entry)) for path, agent_id, entry in listed_agents(config)),
        unlisted=AgentBlocks(
            apply_patch=_apply_patch(tools.exec.apply_patch, None, ""),
            read_only=sandbox.defaults.workspace_access is WorkspaceAccess.RO,
            memory_search=_memory_search(config, None),
        ),
        sandbox=_block("tools.sandbox.tools", tools.sandbox.tools),
        subagents=_block("tools.subagents.tools", tools.subagents.tools),
        http_allow=tuple(config.gateway.tools.allow or ()),
        http_deny=tuple(config.gateway.tools.deny or ()),
        rooms=MappingProxyType(dict(_rooms(config))),
        web_search=tools.web.search.enabled is not False,
        web_fetch=tools.web.fetch.enabled is not False,
        memory_plugin=memory_plugin(config),
        elevated=_elevated(config),
    )


def _block(key: str, lists: ToolLists, profile: str | None = None) -> ToolBlock:
    return ToolBlock(key=key, profile=profile, allow=lists.allow, also_allow=lists.also_allow, deny=lists.deny)


def _by_provider(blocks: Mapping[str, ProviderTools] | None, path: str) -> tuple[tuple[str, ToolBlock], ...]:
    return tuple(
        (name, _block(f"{path}.byProvider.{name}", lists, lists.profile)) for name, lists in (blocks or {}).items()
    )


def _apply_patch(overall: ApplyPatch, own: ApplyPatch | None, own_key: str) -> ApplyPatchRule:
    """Return who may be offered `apply_patch`: the agent's value where it has one, else the global one."""
    mine = own or blank(ApplyPatch)
    enabled = mine.enabled if mine.enabled is not None else overall.enabled
    models = mine.allow_models if mine.allow_models is not None else overall.allow_models
    key = own_key if own is not None and mine.enabled is not None else "tools.exec.applyPatch"
    return ApplyPatchRule(enabled=enabled is True, allow_models=tuple(models or ()), key=key)


def _memory_search(config: Config, entry: AgentEntry | None) -> bool:
    own = entry.memory_search.enabled if entry else None
    chosen = own if own is not None else config.agents.defaults.memory_search.enabled
    return chosen is not False


def memory_plugin(config: Config) -> str | None:
    """Return the normalised id of the plugin that takes the memory slot, or None when the slot is empty or off."""
    plugins = config.plugins
    chosen = normalise_tool(plugins.slots.memory or DEFAULT_MEMORY_PLUGIN)
    allowed = {normalise_tool(name) for name in plugins.allow or ()}
    denied = {normalise_tool(name) for name in plugins.deny or ()}
    if plugins.enabled is False or chosen in denied or (allowed and chosen not in allowed):
        return None
    return None if chosen in {"", "none"} else chosen


def _elevated(config: Config) -> ElevatedPolicy:
    overall = config.tools.elevated
    discord = config.channels.get("discord")
    return ElevatedPolicy(
        enabled=overall.enabled,
        allow_from=MappingProxyType(dict(overall.allow_from or {})),
        discord_dm=tuple(discord.dm.allow_from or ()) if discord else (),
        agents=MappingProxyType(
            {
                agent_id: AgentElevated(
                    enabled=entry.tools.elevated.enabled,
                    allow_from=entry.tools.elevated.allow_from,
                    key=f"{path}.tools.elevated",
                )
                for path, agent_id, entry in listed_agents(config)
            }
        ),
        default_level=parse_level(config.agents.defaults.elevated_default),
    )


# Rooms. Read from the plain values: the channels of plugins have no models, and all channels use the same shape.


def _rooms(config: Config) -> Iterator[tuple[str, ChannelRooms]]:
    for channel in config.channels.configured:
        section = config.channels.raw(channel)
        if section is None:
            continue
        style, outer, inner = _ROOM_KEYS.get(channel.strip().lower(), (RoomStyle.GROUPS, "groups", None))
        path = f"channels.{channel}"
        accounts: dict[str, RoomMap] = {}
        for name, account in _objects(section.get("accounts")):
            own = _room_map(account.get(outer), f"{path}.accounts.{name}.{outer}", inner)
            if own is not None:
                accounts.setdefault(name.strip().lower(), own)
        rooms = _room_map(section.get(outer), f"{path}.{outer}", inner)
        if rooms is not None or accounts:
            yield channel.strip().lower(), ChannelRooms(style, rooms, MappingProxyType(accounts))


def _objects(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        for name, member in value.items():
            if isinstance(member, Mapping):
                yield str(name), member


def _room_map(value: Any, path: str, inner: str | None) -> RoomMap | None:
    if not isinstance(value, Mapping):
        return None
    return RoomMap.of((name, _room(entry, f"{path}.{name}", inner)) for name, entry in _objects(value))


def _room(entry: Mapping[str, Any], path: str, inner: str | None) -> RoomEntry:
    lists, by_sender, slug = entry.get("tools"), entry.get("toolsBySender"), entry.get("slug")
    return room_entry(
        _plain_block(lists, f"{path}.tools") if isinstance(lists, Mapping) else None,
        [(name, _plain_block(block, f"{path}.toolsBySender.{name}")) for name, block in _objects(by_sender)]
        if isinstance(by_sender, Mapping)
        else None,
        slug=slug if isinstance(slug, str) else "",
        rooms=_room_map(entry.get(inner), f"{path}.{inner}", None) if inner else None,
    )


def _plain_block(lists: Mapping[str, Any], key: str) -> ToolBlock:
    return ToolBlock(
        key=key,
        allow=_texts(lists.get("allow"), _NOTHING),
        also_allow=_texts(lists.get("alsoAllow"), ()),
        deny=_texts(lists.get("deny"), ("*",)),
    )


def _texts(value: Any, malformed: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return a list of texts; what is no list (a plugin's channel has no schema here) takes everything away."""
    if value is None:
        return None
    return tuple(str(text) for text in value) if isinstance(value, list | tuple) else malformed
