"""What the config says of each agent: where its commands run, what its sandbox covers, which tools it has. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.security.audit.context import AuditContext
from openclaw.security.audit.values import at

_LISTS: Final = ("profile", "allow", "alsoAllow", "deny", "byProvider")


def sandbox_mode(ctx: AuditContext, entry: Mapping[str, Any] | None = None) -> str:
    """Return the sandbox mode of an agent, or of the defaults."""
    own = at(entry, "sandbox", "mode")
    return str(own or at(ctx.document, "agents", "defaults", "sandbox", "mode") or "off")


def exec_host(ctx: AuditContext, entry: Mapping[str, Any] | None = None) -> str:
    """Return where an agent's commands run by the config."""
    return str(at(entry, "tools", "exec", "host") or at(ctx.document, "tools", "exec", "host") or "sandbox")


def contexts(ctx: AuditContext) -> list[tuple[str, str, Mapping[str, Any] | None]]:
    """Return (config path, agent id, entry) of each agent; without any listed, of the implicit one."""
    found = [
        (f"agents.list.{index}", normalise_agent_id(entry.get("id")), entry)
        for index, entry in enumerate(ctx.reading.agents)
    ]
    return [*found] or [("agents.defaults", ctx.reading.default_agent, None)]


def has_tool_lists(ctx: AuditContext) -> bool:
    """Tell whether any list or profile takes tools away."""
    blocks = [at(ctx.document, "tools"), *(at(entry, "tools") for entry in ctx.reading.agents)]
    return any(at(block, name) for block in blocks for name in _LISTS)


def offers(ctx: AuditContext, entry: Mapping[str, Any] | None, *names: str) -> bool:
    """Tell whether the lists leave an agent one of these tools."""
    if not has_tool_lists(ctx):
        return True
    from openclaw.security.audit.tool_lists import left_over, stages_of

    return any(True for _ in left_over(stages_of(ctx.document, entry), names))


def workspace_access(ctx: AuditContext, entry: Mapping[str, Any] | None = None) -> str:
    """Return how the workspace appears in an agent's sandbox."""
    own = at(entry, "sandbox", "workspaceAccess")
    return str(own or at(ctx.document, "agents", "defaults", "sandbox", "workspaceAccess") or "none")


def writers(ctx: AuditContext) -> tuple[str, ...]:
    """Return the tools that write files; `apply_patch` is one of them where it is switched on."""
    patching = at(ctx.document, "tools", "exec", "applyPatch", "enabled") is True
    return ("write", "edit", "apply_patch") if patching else ("write", "edit")
