"""Keys of older versions: found and named here, moved by `openclaw.config.migrate` (config.md 1.10)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from openclaw.config.issues import Issue, Parts, fault

_CHANNELS: Final = ("whatsapp", "telegram", "discord", "slack", "signal", "imessage", "msteams")
_FIX: Final = "run: openclaw doctor --fix"


def _any(_: Any) -> bool:
    return True


def _text(value: Any) -> bool:
    return isinstance(value, str)


_RULES: Final[tuple[tuple[Parts, Callable[[Any], bool], str], ...]] = (
    *(((name,), _any, f"channels.{name}") for name in _CHANNELS),
    (("routing", "allowFrom"), _any, "channels.whatsapp.allowFrom"),
    (("routing", "bindings"), _any, "bindings"),
    (("routing", "agents"), _any, "agents.list"),
    (("routing", "defaultAgentId"), _any, "agents.list[].default"),
    (("routing", "agentToAgent"), _any, "tools.agentToAgent"),
    (("routing", "groupChat", "requireMention"), _any, 'channels.<channel>.groups."*".requireMention'),
    (("routing", "groupChat", "mentionPatterns"), _any, "messages.groupChat.mentionPatterns"),
    (("routing", "groupChat", "historyLimit"), _any, "messages.groupChat.historyLimit"),
    (("routing", "queue"), _any, "messages.queue"),
    (("routing", "transcribeAudio"), _any, "tools.media.audio.models"),
    (("telegram", "requireMention"), _any, 'channels.telegram.groups."*".requireMention'),
    (("identity",), _any, "agents.list[].identity"),
    (("agent",), _any, "agents.defaults and tools"),
    (("agent", "model"), _text, "agents.defaults.model.primary"),
    (("agent", "imageModel"), _text, "agents.defaults.imageModel.primary"),
    (("agent", "allowedModels"), _any, "agents.defaults.models"),
    (("agent", "modelAliases"), _any, "agents.defaults.models.<model>.alias"),
    (("agent", "modelFallbacks"), _any, "agents.defaults.model.fallbacks"),
    (("agent", "imageModelFallbacks"), _any, "agents.defaults.imageModel.fallbacks"),
    (("tools", "bash"), _any, "tools.exec"),
    (("messages", "tts", "enabled"), _any, "messages.tts.auto"),
    (("gateway", "token"), _any, "gateway.auth.token"),
)


def find_legacy(document: Mapping[str, Any]) -> list[Issue]:
    """Return a fault for each key of an older version, with its new place."""
    found = []
    for parts, matches, now in _RULES:
        holder: Any = document
        for part in parts[:-1]:
            holder = holder.get(part) if isinstance(holder, Mapping) else None
        if isinstance(holder, Mapping) and parts[-1] in holder and matches(holder[str(parts[-1])]):
            found.append(fault(parts, f"is an older key, now {now}; {_FIX}"))
    return found
