"""The status card of a session: for /status and the tool session_status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from openclaw.agent.models.catalog import DEFAULT_MODEL, OFFLINE_MODEL
from openclaw.agent.models.registry import ModelRegistry, Wish
from openclaw.agent.run_facts import text
from openclaw.agent.sessions.stores import Sessions
from openclaw.agent.settings import AgentSettings, PolicyView
from openclaw.policy.where.sandbox_mode import Placement, sandbox_status
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError


class StatusParts(Protocol):
    """What the card is made from."""

    @property
    def sessions(self) -> Sessions:
        """Return the sessions."""
        ...

    @property
    def registry(self) -> ModelRegistry:
        """Return the models."""
        ...

    @property
    def clock(self) -> Clock:
        """Return the clock."""
        ...

    def policy(self) -> PolicyView:
        """Return the current policy."""
        ...


def model_in_use(registry: ModelRegistry, agent: AgentSettings, entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return provider and model that the next turn asks first."""
    override, provider = text(entry, "modelOverride"), text(entry, "providerOverride")
    wish = Wish(session_model=f"{provider}/{override}" if provider and override else override)
    try:
        ref = registry.plan(agent, wish)[0].ref
    except OpenClawError:
        wanted = wish.session_model or agent.primary or DEFAULT_MODEL
        first, _, rest = wanted.partition("/")
        return (first, rest) if rest else ("", wanted)
    return ref.provider, ref.model


def status_lines(
    parts: StatusParts, key: str, agent: AgentSettings, *, busy: bool = False, waiting: int = 0
) -> list[str]:
    """Return the lines of the card."""
    entry = parts.sessions.entry(key) or {}
    policy = parts.policy()
    provider, model = model_in_use(parts.registry, agent, entry)
    sandboxed = sandbox_status(policy.routing.sandbox, agent.agent_id, key).outcome is Placement.SANDBOX
    lines = [
        f"🦞 {agent.name} (agent {agent.agent_id})",
        f"Session: {key}",
        f"Model: {provider}/{model}" + (" (built in, no network)" if f"{provider}/{model}" == OFFLINE_MODEL else ""),
        f"Tools run: {'in a sandbox' if sandboxed else 'on this machine'}",
        f"Think: {text(entry, 'thinkingLevel') or agent.thinking or 'default'} | "
        f"Verbose: {text(entry, 'verboseLevel') or agent.verbose} | "
        f"Elevated: {text(entry, 'elevatedLevel') or agent.elevated or 'off'}",
    ]
    if entry.get("contextTokens"):
        lines.append(f"Context: {int(entry['contextTokens']):,} tokens in the last request")
    if entry.get("updatedAt"):
        lines.append(f"Last used: {_age(parts.clock.now_ms() - int(entry['updatedAt']))}")
    if busy or waiting:
        lines.append(f"Now: {'running' if busy else 'idle'}, {waiting} waiting")
    return lines


def _age(milliseconds: int) -> str:
    seconds = max(0, milliseconds) // 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return "just now"
