"""The config as the original shows it after loading: with its defaults written in (config.md 1.2, step 11).

Nothing decides by this view; it serves `security audit --compat` and the comparison with the original's case files.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Final, Literal

from openclaw.config.model import Config
from openclaw.system.environment import Environment

_COMMON: Final = {"dmPolicy": "pairing", "groupPolicy": "allowlist"}
_IN_DM: Final = {"groupPolicy": "allowlist"}
_CHANNELS: Final[Mapping[str, Mapping[str, Any]]] = {
    "whatsapp": {**_COMMON, "debounceMs": 0},
    "telegram": {**_COMMON, "streamMode": "partial"},
    "discord": _IN_DM,
    "slack": {**_IN_DM, "userTokenReadOnly": True},
    "googlechat": _IN_DM,
    "signal": _COMMON,
    "imessage": _COMMON,
    "msteams": _COMMON,
    "bluebubbles": _COMMON,
}
"""Defaults of a channel's section and of each account."""
_BASE_ONLY: Final[Mapping[str, Mapping[str, Any]]] = {
    "whatsapp": {"mediaMaxMb": 50},
    "slack": {"mode": "socket", "webhookPath": "/slack/events"},
}
_ALIASES: Final = {
    "anthropic/claude-opus-4-6": "opus",
    "anthropic/claude-sonnet-4-5": "sonnet",
    "openai/gpt-5.2": "gpt",
    "openai/gpt-5-mini": "gpt-mini",
    "google/gemini-3-pro-preview": "gemini",
    "google/gemini-3-flash-preview": "gemini-flash",
}
_CONTEXT: Final = 200_000
_OUTPUT: Final = 8192


def stamped(config: Config, *, accounts: Literal["inherit", "original"] = "inherit") -> dict[str, Any]:
    """Return the document with defaults.

    Args:
        config: a valid config.
        accounts: whether an account that is silent shows its channel's value, as here, or the default, as in the
            original (config.md 3.2).
    """
    document: dict[str, Any] = copy.deepcopy(dict(config.document))
    document["commands"] = {"native": "auto", "nativeSkills": "auto"} | document.get("commands", {})
    document["messages"] = {"ackReactionScope": "group-mentions"} | document.get("messages", {})
    if "logging" in document:
        document["logging"] = {"redactSensitive": "tools"} | document["logging"]
    if "mainKey" in document.get("session", {}):
        document["session"]["mainKey"] = "main"
    for name, section in document.get("channels", {}).items():
        if name in _CHANNELS:
            _stamp_channel(name, section, inherit=accounts == "inherit")
    _stamp_agents(document, config.environment)
    _stamp_models(document)
    return document


def value_at(document: Any, path: str) -> Any:
    """Return the value at a dotted path of a stamped document, or None."""
    for part in path.split("."):
        if isinstance(document, list):
            document = document[int(part)] if part.isdigit() and int(part) < len(document) else None
        else:
            document = document.get(part) if isinstance(document, Mapping) else None
    return document


def _stamp_channel(name: str, section: dict[str, Any], *, inherit: bool) -> None:
    defaults = _CHANNELS[name]
    for account in section.get("accounts", {}).values():
        for key, default in defaults.items():
            account.setdefault(key, section.get(key, default) if inherit else default)
        shared = section.get("dm", {}).get("policy", "pairing")
        _stamp_blocks(name, account, shared if inherit else "pairing")
    for key, default in {**defaults, **_BASE_ONLY.get(name, {})}.items():
        section.setdefault(key, default)
    _stamp_blocks(name, section, "pairing")


def _stamp_blocks(name: str, settings: dict[str, Any], policy: str) -> None:
    if name in {"discord", "slack", "googlechat"} and "dm" in settings:
        settings["dm"].setdefault("policy", policy)
    if name == "whatsapp" and "ackReaction" in settings:
        settings["ackReaction"] = {"direct": True, "group": "mentions"} | settings["ackReaction"]


def _stamp_agents(document: dict[str, Any], environment: Environment) -> None:
    defaults = document.setdefault("agents", {}).setdefault("defaults", {})
    defaults.setdefault("maxConcurrent", 4)
    defaults.setdefault("subagents", {}).setdefault("maxConcurrent", 8)
    defaults.setdefault("compaction", {}).setdefault("mode", "safeguard")
    models = defaults.get("models", {})
    for model, alias in _ALIASES.items():
        if model in models:
            models[model].setdefault("alias", alias)
    login = _anthropic_login(document, environment)
    if login is None:
        return
    defaults["contextPruning"] = {"mode": "cache-ttl", "ttl": "1h"} | defaults.get("contextPruning", {})
    defaults.setdefault("heartbeat", {}).setdefault("every", "1h" if login == "oauth" else "30m")
    if login == "api_key":
        for model, entry in models.items():
            if model.startswith("anthropic/"):
                entry.setdefault("params", {}).setdefault("cacheRetention", "short")


def _anthropic_login(document: Mapping[str, Any], environment: Environment) -> Literal["oauth", "api_key"] | None:
    """Return which kind of Anthropic credential is found: in `auth.profiles`, else in the environment."""
    profiles = document.get("auth", {}).get("profiles", {}).values()
    modes = {profile.get("mode") for profile in profiles if profile.get("provider") == "anthropic"}
    if modes:
        return "api_key" if "api_key" in modes else "oauth"
    if environment.get("ANTHROPIC_OAUTH_TOKEN"):
        return "oauth"
    return "api_key" if environment.get("ANTHROPIC_API_KEY") else None


def _stamp_models(document: dict[str, Any]) -> None:
    for provider in document.get("models", {}).get("providers", {}).values():
        for model in provider.get("models", ()):
            model.setdefault("reasoning", False)
            model.setdefault("input", ["text"])
            model["cost"] = {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0} | model.get("cost", {})
            model.setdefault("contextWindow", _CONTEXT)
            model["maxTokens"] = min(model.get("maxTokens", _OUTPUT), model["contextWindow"])
