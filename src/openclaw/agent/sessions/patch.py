"""What `sessions.patch` may change, value by value (gateway.md 3.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from openclaw.agent.commands.models import override_fields
from openclaw.agent.models.catalog import thinking_level
from openclaw.agent.models.registry import ModelRegistry
from openclaw.policy.where.session_keys import is_subagent
from openclaw.state.sessions import Entry
from openclaw.system.errors import InvalidInput

MAX_LABEL: Final = 64

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "verboseLevel": ("off", "on", "full"),
    "reasoningLevel": ("off", "on", "stream"),
    "responseUsage": ("off", "tokens", "full", "on"),
    "elevatedLevel": ("off", "on", "ask", "full"),
    "execHost": ("sandbox", "gateway", "node"),
    "execSecurity": ("deny", "allowlist", "full"),
    "execAsk": ("off", "on-miss", "always"),
    "sendPolicy": ("allow", "deny"),
    "groupActivation": ("mention", "always"),
}
_CLEARED_BY_OFF: Final = frozenset({"reasoningLevel", "responseUsage"})
_NO_MODEL: Final[Mapping[str, None]] = dict.fromkeys(
    ("providerOverride", "modelOverride", "authProfileOverride", "authProfileOverrideSource")
)


def patch_fields(
    params: Mapping[str, Any],
    key: str,
    entry: Entry | None,
    others: Callable[[], Iterable[tuple[str, Entry]]],
    registry: ModelRegistry,
) -> dict[str, Any]:
    """Return the fields of an entry that a patch sets; None removes.

    Args:
        params: as the client sent them; a name that is absent changes nothing, None clears.
        key: the session's key.
        entry: its entry, if it exists.
        others: all sessions, for the label's uniqueness.
        registry: says which models may be chosen.

    Raises:
        InvalidInput: a value is not allowed; the message names the parameter.
    """
    fields: dict[str, Any] = {}
    for name, value in params.items():
        if name == "key":
            continue
        if name == "model":
            fields |= _NO_MODEL if value is None else override_fields(registry.choose(_text(name, value)))
        elif name == "label":
            fields["label"] = None if value is None else _label(value, key, others())
        elif name == "spawnedBy":
            fields["spawnedBy"] = _spawned_by(value, key, entry)
        elif name == "thinkingLevel":
            fields[name] = None if value is None else _thinking(value)
        elif name == "execNode":
            fields[name] = None if value is None else _text(name, value)
        elif name in _CHOICES:
            fields[name] = None if value is None else _choice(name, value)
        else:
            raise InvalidInput(f"{name}: unknown parameter of sessions.patch")
    return fields


def _text(name: str, value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise InvalidInput(f"{name}: must be non-blank text, or null to clear it")


def _choice(name: str, value: object) -> str | None:
    word = value.strip().lower() if isinstance(value, str) else ""
    if word not in _CHOICES[name]:
        raise InvalidInput(f"{name}: must be one of {', '.join(_CHOICES[name])}, or null to clear it")
    return None if word == "off" and name in _CLEARED_BY_OFF else word


def _thinking(value: object) -> str:
    level = thinking_level(value) if isinstance(value, str) else None
    if level is None:
        raise InvalidInput("thinkingLevel: must be off, minimal, low, medium, high or xhigh, or null to clear it")
    return level


def _label(value: object, key: str, others: Iterable[tuple[str, Entry]]) -> str:
    label = _text("label", value)
    if len(label) > MAX_LABEL:
        raise InvalidInput(f"label: at most {MAX_LABEL} characters")
    if any(other != key and entry.get("label") == label for other, entry in others):
        raise InvalidInput(f"label already in use: {label}")
    return label


def _spawned_by(value: object, key: str, entry: Entry | None) -> str:
    if value is None:
        raise InvalidInput("spawnedBy: cannot be cleared")
    parent = _text("spawnedBy", value)
    if not is_subagent(key):
        raise InvalidInput("spawnedBy: only sub-agent sessions have a parent")
    known = (entry or {}).get("spawnedBy")
    if known is not None and known != parent:
        raise InvalidInput("spawnedBy: is set already and cannot be changed")
    return parent
