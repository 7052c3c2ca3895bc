"""Tools and models that the lists of a policy name beside those that the product itself has (agent.md 5.3).

Which plugins and servers bring tools is not known while policies are compared. A list that names a tool may let it in
all the same, so it counts as one that exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from openclaw.policy.domain.sources import room_entries
from openclaw.policy.snapshot import Policy
from openclaw.policy.what.tool_chain import AgentTools
from openclaw.policy.what.tool_names import (
    CORE_TOOLS,
    GROUP_PLUGINS,
    GROUPS,
    HTTP_DENY,
    SANDBOX_DENY,
    SUBAGENT_DENY,
    Catalogue,
    CatalogueTool,
)
from openclaw.policy.what.tool_stages import ToolStage

_APPLY_PATCH_MODELS: Final = "openai"
_REST: Final = "…"
"""Stands for the open part of a pattern, in the name of a tool that matches it."""
_ANY_PLUGIN: Final = "tools of plugins"
_BUILT_IN: Final = frozenset((*CORE_TOOLS, *GROUPS, *SANDBOX_DENY, *SUBAGENT_DENY, *HTTP_DENY))
"""What lists name without anybody having written it."""


def with_mentioned(catalogue: Catalogue, policies: Iterable[Policy]) -> Catalogue:
    """Return a catalogue with what the lists of some policy name and the catalogue does not have."""
    stages = [stage for policy in policies for stage in _stages(policy)]
    brought = {name for stage in stages for name in stage.brings}
    named = dict.fromkeys(entry.text for stage in stages for entry in (*stage.allow, *stage.deny))
    known = {*catalogue.tools, *catalogue.plugins}
    more: dict[str, CatalogueTool] = {}
    for text in named:
        name = _ANY_PLUGIN if text in (GROUP_PLUGINS, "*") else text.replace("*", _REST)
        if text not in _BUILT_IN and name not in known:
            more[name] = CatalogueTool(name, plugin_id=name, optional=text in brought and name == text)
    return Catalogue.of((*catalogue.tools.values(), *more.values())) if more else catalogue


def model_keys(*policies: Policy) -> tuple[str, ...]:
    """Return the models that tools may depend on: the keys of every `byProvider`, and who is offered `apply_patch`."""
    found: dict[str, None] = {}
    for policy in policies:
        agents = tuple(_agents(policy))
        found |= dict.fromkeys(policy.tools.providers)
        for agent in agents:
            found |= dict.fromkeys(agent.providers)
            if agent.apply_patch.enabled:
                models = chain.from_iterable(map(_patching, agent.apply_patch.allow_models))
                found |= dict.fromkeys((_APPLY_PATCH_MODELS, *models))
    return tuple(found)


def _patching(entry: str) -> tuple[str, ...]:
    """Return the models that an entry of `applyPatch.allowModels` may mean; ids of models may hold a slash."""
    model = entry.strip().lower()
    return (f"{_APPLY_PATCH_MODELS}/{model}", *((model,) if "/" in model else ())) if model else ()


def _agents(policy: Policy) -> Iterator[AgentTools]:
    yield policy.tools.unlisted
    yield from policy.tools.agents.values()


def _stages(policy: Policy) -> Iterator[ToolStage]:
    """Yield every list of tools that a policy has."""
    tools = policy.tools
    yield from (tools.overall, tools.subagent, tools.http, *tools.providers.values())
    for agent in _agents(policy):
        own = (agent.profile, agent.own, agent.sandbox, *agent.providers.values(), *agent.provider_profiles.values())
        yield from (stage for stage in own if stage is not None)
    for rooms in tools.rooms.values():
        for _, entry in room_entries(rooms):
            senders = entry.senders
            if entry.tools is not None:
                yield entry.tools
            if senders is not None:
                tables = (senders.ids, senders.numbers, senders.usernames, senders.names)
                yield from (stage for table in tables for stage in table.values())
                yield from (senders.everyone,) if senders.everyone is not None else ()
