"""Registration: which tools exist for a run at all (stage 0 of agent.md 5.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from openclaw.policy.what.tool_chain import AgentTools, ToolRun, ToolsPolicy
from openclaw.policy.what.tool_names import GROUP_PLUGINS, MEMORY_TOOLS, CatalogueTool, normalise_tool
from openclaw.policy.what.tool_stages import ToolStage
from openclaw.policy.where.key_ids import folded

APPLY_PATCH_PROVIDERS: Final = frozenset({"openai", "openai-codex"})

Absence = tuple[str, str | None]
"""Why a tool does not exist: a short word, and the config key that would change it."""

WORDS: Final = {
    "read-only": "the sandbox has the workspace read-only",
    "off": "it is switched off",
    "provider": "only OpenAI models are offered it",
    "model": "the model is not on its list",
    "no-image-model": "no model that reads images is usable",
    "run": "this run may not send messages",
    "memory-slot": "another memory plugin, or none, is in use",
    "optional": "no allow list names it or its plugin",
    "owner-only": "it is for the owner only",
    "unknown": "there is no such tool",
}
"""The sentence part for each word."""


def absence(tool: CatalogueTool, name: str, policy: ToolsPolicy, run: ToolRun, named: frozenset[str]) -> Absence | None:
    """Return why a tool does not exist for a run, or None when it does.

    Args:
        tool: from the catalogue.
        name: its normalised name.
        policy: the compiled policy.
        run: the run.
        named: entries of the run's allow lists, for optional plugin tools.
    """
    if tool.owner_only and not run.sender.is_owner:
        return "owner-only", "commands.ownerAllowFrom"
    agent = policy.agent(run.agent_id)
    if name in MEMORY_TOOLS:
        return _memory(tool, policy, agent)
    if tool.plugin_id is not None:
        optional = tool.optional and not {name, normalise_tool(tool.plugin_id), GROUP_PLUGINS} & named
        return ("optional", "tools.alsoAllow") if optional else None
    return _core(name, policy, agent, run)


def _core(name: str, policy: ToolsPolicy, agent: AgentTools, run: ToolRun) -> Absence | None:
    read_only = run.sandboxed and agent.read_only
    match name:
        case "write" | "edit" if read_only:
            return "read-only", "agents.defaults.sandbox.workspaceAccess"
        case "apply_patch":
            return _apply_patch(agent, run, read_only=read_only)
        case "web_search" if not policy.web_search:
            return "off", "tools.web.search.enabled"
        case "web_fetch" if not policy.web_fetch:
            return "off", "tools.web.fetch.enabled"
        case "image" if not run.image_model:
            return "no-image-model", "agents.defaults.imageModel"
        case "message" if not run.may_message:
            return "run", None
    return None


def _apply_patch(agent: AgentTools, run: ToolRun, *, read_only: bool) -> Absence | None:
    rule = agent.apply_patch
    if not rule.enabled:
        return "off", f"{rule.key}.enabled"
    if read_only:
        return "read-only", "agents.defaults.sandbox.workspaceAccess"
    provider, model = folded(run.provider), folded(run.model)
    if provider not in APPLY_PATCH_PROVIDERS:
        return "provider", None
    listed = {folded(entry) for entry in rule.allow_models}
    if rule.allow_models and (not model or not {model, f"{provider}/{model}"} & listed):
        return "model", f"{rule.key}.allowModels"
    return None


def _memory(tool: CatalogueTool, policy: ToolsPolicy, agent: AgentTools) -> Absence | None:
    owner = normalise_tool(tool.plugin_id) if tool.plugin_id is not None else policy.memory_plugin
    if policy.memory_plugin is None or owner != policy.memory_plugin:
        return "memory-slot", "plugins.slots.memory"
    return None if agent.memory_search else ("off", "agents.defaults.memorySearch.enabled")


def names_in(stages: Iterable[ToolStage]) -> frozenset[str]:
    """Return every entry that may bring in an optional plugin tool."""
    return frozenset().union(*(stage.brings for stage in stages))
