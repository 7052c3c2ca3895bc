"""Skills, plugins, mail hook, shell, workspace (config.md 5.1 rows 17, 18, 19, 22)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from openclaw.agent.models.registry import ModelRegistry
from openclaw.agent.settings import Settings
from openclaw.security.doctor.context import DoctorContext
from openclaw.security.doctor.model import NOTE, WARN, Found, check, count, plain
from openclaw.system.clock import SystemClock
from openclaw.system.errors import OpenClawError
from openclaw.system.tasks import Supervisor


@check("hooks.gmail_model", "Hooks")
def gmail_model(context: DoctorContext) -> Iterator[Found]:
    """The model of the mail hook is one that exists and is allowed."""
    config = context.loaded.config
    if config is None or not config.hooks.gmail.model:
        return
    settings = Settings(lambda: config, context.layout)
    registry = ModelRegistry(settings, SystemClock(), Supervisor("doctor"))
    try:
        registry.choose(config.hooks.gmail.model)
    except OpenClawError as error:
        yield (
            WARN,
            f"hooks.gmail.model: {error.message}",
            f"Change it with: {context.command} config set hooks.gmail.model",
        )


@check("plugins.state", "Skills and plugins")
def plugins(context: DoctorContext) -> Iterator[Found]:
    """How many there are, and which cannot be loaded."""
    skills = sum(agent.skills for agent in context.agents)
    if skills or context.plugins:
        yield NOTE, f"{count(skills, 'skill')} in the workspaces, {count(len(context.plugins), 'installed plugin')}."
    for plugin in context.plugins:
        if plugin.fault is not None:
            yield WARN, f"Plugin {plugin.folder}: {plain(plugin.fault)}.", "Install it anew, or remove its folder."


@check("shell.completion", "Shell")
def completion(context: DoctorContext) -> Iterator[Found]:
    """The shell could complete commands."""
    if context.machine.completion is False:
        shell = context.options.shell
        line = f'eval "$(openclaw completion {shell})"' if shell != "fish" else "openclaw completion fish | source"
        yield NOTE, f"{shell} does not complete openclaw's commands.", f"Add to its start file: {line}"


@check("workspace.tips", "Workspace")
def workspace(context: DoctorContext) -> Iterator[Found]:
    """Tips for the agent's own files."""
    if not context.options.suggest:
        return
    for agent in context.agents:
        if not agent.workspace_exists or not (agent.is_default or agent.store.exists()):
            continue
        shown = context.shown(agent.workspace)
        if not agent.workspace_git and context.machine.has_git:
            yield NOTE, f"{shown} is no git repository.", f"To be able to go back: git -C {shown} init"
        if not agent.workspace_memory:
            yield NOTE, f"{shown} has no MEMORY.md yet.", "The agent keeps there what it is to remember for long."
        if agent.workspace_first_run:
            yield NOTE, f"Agent {agent.id} still waits for its first conversation (BOOTSTRAP.md)."


CHECKS: Final = (gmail_model, plugins, completion, workspace)
