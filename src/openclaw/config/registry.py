"""Which module holds the keys of which section or channel. Importing this imports none of them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final, cast

from openclaw.config.base import Block

SECTIONS: Final[Mapping[str, str]] = {
    "meta": "meta:Meta",
    "env": "env:Env",
    "wizard": "wizard:Wizard",
    "diagnostics": "diagnostics:Diagnostics",
    "logging": "logging:Logging",
    "update": "update:Update",
    "browser": "browser:Browser",
    "ui": "ui:Ui",
    "auth": "auth:Auth",
    "models": "models:Models",
    "nodeHost": "node_host:NodeHost",
    "agents": "agents:Agents",
    "tools": "tools:Tools",
    "bindings": "bindings:Bindings",
    "broadcast": "bindings:Broadcast",
    "audio": "audio:Audio",
    "media": "media:Media",
    "messages": "messages:Messages",
    "commands": "commands:Commands",
    "approvals": "approvals:Approvals",
    "session": "session:Session",
    "cron": "cron:Cron",
    "hooks": "hooks:Hooks",
    "web": "web:Web",
    "discovery": "discovery:Discovery",
    "canvasHost": "canvas_host:CanvasHost",
    "talk": "talk:Talk",
    "gateway": "gateway:Gateway",
    "memory": "memory:Memory",
    "skills": "skills:Skills",
    "plugins": "plugins:Plugins",
    "security": "security:Security",
}
"""Top-level keys but `channels`, each with `module:name` below `config/sections`."""

CHANNELS: Final[Mapping[str, str]] = {
    "whatsapp": "whatsapp:WhatsApp",
    "telegram": "telegram:Telegram",
    "discord": "discord:Discord",
    "googlechat": "googlechat:GoogleChat",
    "slack": "slack:Slack",
    "signal": "signal:Signal",
    "imessage": "imessage:IMessage",
    "bluebubbles": "bluebubbles:BlueBubbles",
    "msteams": "msteams:MsTeams",
}
"""Channels whose keys are known, each with `module:name` below `config/channels`."""

CORE_CHANNELS: Final = frozenset({"telegram", "whatsapp", "discord", "googlechat", "slack", "signal", "imessage"})
"""Channels that may be configured without any plugin (config.md 1.6)."""

NOT_BUILT: Final[Mapping[str, str]] = {
    "tools.provenance": "the provenance gate",
    "agents.list.*.tools.provenance": "the provenance gate",
    "budgets": "budgets",
    "mcp": "MCP servers",
}
"""Keys that are planned (config.md 3.17, guard.md 3) and refused until the feature is there; `*` is any index."""

RETIRED: Final[Mapping[str, str]] = {
    "agents.entries": "agents.list",
    "tools.exec.mode": "tools.exec.security and tools.exec.ask",
    "agents.list.*.tools.exec.mode": "tools.exec.security and tools.exec.ask of the agent",
    "gateway.nodes.commands": "gateway.nodes.allowCommands and gateway.nodes.denyCommands",
}
"""Keys of later versions with the names that this one knows."""


@cache
def _load(package: str, target: str) -> Any:
    module, name = target.split(":")
    return getattr(import_module(f"openclaw.config.{package}.{module}"), name)


def section_type(key: str) -> Any:
    """Return the type of a top-level section: a Block, or the list type of `bindings`."""
    return _load("sections", SECTIONS[key])


def channel_model(channel: str) -> type[Block] | None:
    """Return the model of a channel's section, or None when its keys are a plugin's."""
    if channel == "defaults":
        return cast("type[Block]", _load("channels", "defaults:ChannelDefaults"))
    target = CHANNELS.get(channel)
    return None if target is None else cast("type[Block]", _load("channels", target))
