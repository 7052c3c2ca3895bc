"""Which tools the written lists leave to an agent, asked of the kernel's own stages (audit.md 4.5, agent.md 5.3, 5.4).

For questions about an agent as such. What a stranger in a room reaches is asked of the compiled policy (`reach`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from openclaw.policy.what.tool_stages import StageId, ToolBlock, ToolStage, pick, profile_stage, stage_table
from openclaw.security.audit.values import at


def stages_of(
    document: Mapping[str, Any], entry: Mapping[str, Any] | None, *, sandboxed: bool = False, seed: bool = False
) -> tuple[ToolStage, ...]:
    """Return the filters of an agent: its profile, the global lists, its own lists, and those of its sandbox.

    Args:
        document: the config.
        entry: the agent's entry; None for one that is not listed.
        sandboxed: whether the sandbox's lists count.
        seed: leave `alsoAllow` out, as the seed's audit does.
    """
    overall, own = at(document, "tools"), at(entry, "tools")
    shared, mine = _block("tools", overall, seed=seed), _block("agents.list.tools", own, seed=seed)
    named = mine if mine.profile else shared
    added = mine if mine.also_allow is not None else shared
    profile = profile_stage(StageId.PROFILE, named, added)
    found = [pick(StageId.GLOBAL, shared), pick(StageId.AGENT, mine)]
    if sandboxed:
        found.append(_sandbox(at(overall, "sandbox", "tools"), at(own, "sandbox", "tools"), seed=seed))
    return tuple(stage for stage in (profile, *found) if stage is not None)


def _sandbox(overall: Any, own: Any, *, seed: bool) -> ToolStage:
    from openclaw.policy.what.tool_chain import sandbox_stage

    return sandbox_stage(
        _block("tools.sandbox.tools", overall, seed=seed), _block("agents.list.tools.sandbox.tools", own, seed=seed)
    )


def _block(key: str, value: Any, *, seed: bool) -> ToolBlock:
    return ToolBlock(
        key,
        profile=at(value, "profile"),
        allow=_texts(at(value, "allow")),
        also_allow=None if seed else _texts(at(value, "alsoAllow")),
        deny=_texts(at(value, "deny")),
    )


def _texts(value: Any) -> tuple[str, ...] | None:
    return tuple(str(item) for item in value) if isinstance(value, list) else None


def left_over(stages: Iterable[ToolStage], names: Iterable[str], *, plugin: str | None = None) -> Iterator[str]:
    """Yield those of the tools that every stage passes; with `plugin` they are tools of a plugin of that name."""
    wanted = list(names)
    catalogue = Catalogue.of(CatalogueTool(name, plugin_id=plugin) for name in wanted)
    tables = [stage_table(stage, catalogue) for stage in stages]
    yield from (name for name in wanted if all(table[name].passes for table in tables))
