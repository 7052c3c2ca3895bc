"""What a change of the config does to a running gateway: one table, longest prefix first (config.md 1.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal, TypeAlias

from openclaw.config.issues import Parts

ReloadMode: TypeAlias = Literal["off", "restart", "hot", "hybrid"]


class Effect(StrEnum):
    """What a changed key asks for."""

    NOTHING = "nothing"
    SECRET = "secret"  # noqa: S105  # the name of an effect
    POLICY = "policy"
    CHANNEL = "channel"
    SERVICE = "service"
    LOGGING = "logging"
    RESTART = "restart"


ANY: Final = "*"
"""Stands for one step of a path."""

_POLICY_SECTIONS: Final = (
    "agents",
    "bindings",
    "broadcast",
    "tools",
    "commands",
    "approvals",
    "session",
    "messages",
    "models",
    "auth",
    "skills",
    "memory",
    "media",
    "audio",
    "talk",
    "security",
)
_GATEWAY_POLICY: Final = ("trustedProxies", "allowRealIpFallback", "controlUi", "nodes", "http", "tools")
_GATEWAY_RESTART: Final = ("port", "bind", "customBindHost", "tls", "tailscale", "mode")
_SERVICES: Final = ("hooks", "cron", "browser", "discovery", "diagnostics", "canvasHost")
_ACCESS_KEYS: Final = (
    "dmPolicy",
    "groupPolicy",
    "allowFrom",
    "groupAllowFrom",
    "groups",
    "guilds",
    "teams",
    "channels",
    "dm",
    "dms",
    "actions",
    "requireMention",
    "allowBots",
    "historyLimit",
    "dmHistoryLimit",
    "reactionAllowlist",
    "reactionNotifications",
    "execApprovals",
    "configWrites",
    "mediaMaxMb",
    "textChunkLimit",
    "responsePrefix",
    "heartbeat",
)
_WEBHOOK_SECRETS: Final = ("webhookSecret", "signingSecret")

RULES: Final[tuple[tuple[Parts, Effect], ...]] = (
    *(((name,), Effect.NOTHING) for name in ("meta", "wizard", "ui", "update")),
    (("gateway", "remote"), Effect.NOTHING),
    (("gateway", "reload"), Effect.NOTHING),
    (("gateway", "auth"), Effect.SECRET),
    (("hooks", "token"), Effect.SECRET),
    *((("channels", ANY, key), Effect.SECRET) for key in _WEBHOOK_SECRETS),
    *((("channels", ANY, "accounts", ANY, key), Effect.SECRET) for key in _WEBHOOK_SECRETS),
    *((("gateway", key), Effect.POLICY) for key in _GATEWAY_POLICY),
    *(((name,), Effect.POLICY) for name in _POLICY_SECTIONS),
    (("channels", "defaults"), Effect.POLICY),
    *((("channels", ANY, key), Effect.POLICY) for key in _ACCESS_KEYS),
    *((("channels", ANY, "accounts", ANY, key), Effect.POLICY) for key in _ACCESS_KEYS),
    (("channels", ANY), Effect.CHANNEL),
    (("web",), Effect.CHANNEL),
    *(((name,), Effect.SERVICE) for name in _SERVICES),
    (("agents", "defaults", "heartbeat"), Effect.SERVICE),
    (("agents", "list"), Effect.POLICY),
    (("logging",), Effect.LOGGING),
    *((("gateway", key), Effect.RESTART) for key in _GATEWAY_RESTART),
    (("canvasHost", "port"), Effect.RESTART),
    (("plugins",), Effect.RESTART),
    (("env",), Effect.RESTART),
    (("memory", "backend"), Effect.RESTART),
    (("nodeHost",), Effect.RESTART),
)
"""Every prefix with its effect. A path that no prefix covers asks for a restart."""


@dataclass(frozen=True, slots=True)
class ReloadPlan:
    """What is to be done about a change.

    Attributes:
        effects: the changed paths by effect, in order.
        channels: channels to restart, each with the account, or "" for all accounts.
        services: services to restart, by top-level key, and `heartbeat`.
        restart: the gateway must be restarted; nothing else is done then.
        ignored: paths that need a restart which the mode forbids.
    """

    effects: Mapping[Effect, tuple[Parts, ...]] = field(default_factory=dict)
    channels: frozenset[tuple[str, str]] = frozenset()
    services: frozenset[str] = frozenset()
    restart: bool = False
    ignored: tuple[Parts, ...] = ()

    def has(self, effect: Effect) -> bool:
        """Tell whether any path asks for this effect."""
        return bool(self.effects.get(effect))


def effect_of(parts: Parts) -> Effect:
    """Return what a change at a path asks for: the rule with the longest prefix decides."""
    best: tuple[int, int, Effect] = (0, 0, Effect.RESTART)
    for prefix, effect in RULES:
        if _covers(prefix, parts):
            literal = sum(part != ANY for part in prefix)
            best = max(best, (len(prefix), literal, effect), key=lambda found: found[:2])
    return best[2]


def _covers(prefix: Parts, parts: Parts) -> bool:
    return len(prefix) <= len(parts) and all(want in {ANY, have} for want, have in zip(prefix, parts, strict=False))


def plan_reload(changed: Iterable[Parts], mode: ReloadMode = "hybrid") -> ReloadPlan:
    """Return what a set of changed paths does in a reload mode.

    `gateway.auth` and the other secrets are never left stale: they are swapped in every mode but `off` and `restart`.
    """
    if mode == "off":
        return ReloadPlan()
    effects: dict[Effect, list[Parts]] = {}
    for parts in sorted(changed, key=lambda path: tuple(map(str, path))):
        effects.setdefault(effect_of(parts), []).append(parts)
    if "agents" in {parts[0] for group in effects.values() for parts in group}:
        moved = [parts for parts in effects.get(Effect.POLICY, []) if parts[:2] == ("agents", "list")]
        effects.setdefault(Effect.SERVICE, []).extend(moved)
    told = {effect: tuple(paths) for effect, paths in effects.items() if paths}
    needs = told.get(Effect.RESTART, ())
    forced = mode == "restart" and set(told) - {Effect.NOTHING}
    restart = bool(forced or (needs and mode == "hybrid"))
    return ReloadPlan(
        effects=told,
        channels=frozenset(_channel(parts) for parts in told.get(Effect.CHANNEL, ())),
        services=frozenset(_service(parts) for parts in told.get(Effect.SERVICE, ())),
        restart=restart,
        ignored=needs if mode == "hot" else (),
    )


def _channel(parts: Parts) -> tuple[str, str]:
    """Return the channel, and the account when only that is concerned."""
    if parts[0] == "web":
        return "whatsapp", ""
    account = str(parts[3]) if len(parts) > 3 and parts[2] == "accounts" else ""
    return str(parts[1]), account


def _service(parts: Parts) -> str:
    return "heartbeat" if parts[0] == "agents" else str(parts[0])


def changed_paths(before: Any, after: Any, at: Parts = ()) -> frozenset[Parts]:
    """Return the paths whose values differ: object by object down to the leaf, lists as a whole."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        found: frozenset[Parts] = frozenset()
        for key in {*before, *after}:
            if key in before and key in after:
                found |= changed_paths(before[key], after[key], (*at, key))
            else:
                found |= _leaves(before[key] if key in before else after[key], (*at, key))
        return found
    return frozenset() if before == after and type(before) is type(after) else frozenset({at})


def _leaves(value: Any, at: Parts) -> frozenset[Parts]:
    """Return the leaves below a value that came or went; a channel or account that did is told as well."""
    own = frozenset({at}) if at[0] == "channels" and len(at) in {2, 4} else frozenset()
    if isinstance(value, Mapping) and value:
        return own | {leaf for key, item in value.items() for leaf in _leaves(item, (*at, key))}
    return frozenset({at})
