"""The chain of tool filters that holds for one run: which lists, in which order (agent.md 5.4 to 5.7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from openclaw.policy.names import wildcard_match
from openclaw.policy.what.elevated import ElevatedPolicy
from openclaw.policy.what.group_rooms import ChannelRooms, RoomFacts, ToolSender
from openclaw.policy.what.group_tools import group_stages
from openclaw.policy.what.tool_names import (
    GROUPS,
    HTTP_DENY,
    SANDBOX_ALLOW,
    SANDBOX_DENY,
    SUBAGENT_DENY,
    normalise_tool,
)
from openclaw.policy.what.tool_stages import Entry, StageId, ToolBlock, ToolStage, entries, pick, profile_stage
from openclaw.policy.where.key_ids import folded, normalise_agent_id
from openclaw.policy.where.session_keys import is_subagent

_SANDBOX_KEY: Final = "tools.sandbox.tools"


@dataclass(frozen=True, slots=True)
class ApplyPatchRule:
    """`tools.exec.applyPatch` of one agent: who may be offered `apply_patch`."""

    enabled: bool = False
    allow_models: tuple[str, ...] = ()
    key: str = "tools.exec.applyPatch"


@dataclass(frozen=True, slots=True)
class AgentBlocks:
    """What the config says of one agent's tools, as written.

    Attributes:
        block: its `tools` lists; None when absent.
        by_provider: its `tools.byProvider`, in order.
        sandbox: its `tools.sandbox.tools`; None when absent.
        apply_patch: effective values of the agent.
        read_only: its sandbox has `workspaceAccess: ro`.
        memory_search: memory search is on for it.
    """

    block: ToolBlock | None = None
    by_provider: tuple[tuple[str, ToolBlock], ...] = ()
    sandbox: ToolBlock | None = None
    apply_patch: ApplyPatchRule = field(default_factory=ApplyPatchRule)
    read_only: bool = False
    memory_search: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class AgentTools:
    """One agent's filters, ready for use. See `AgentBlocks` for the other attributes.

    Attributes:
        profile, own, sandbox: its filters; None where there is none.
        providers: filters of `byProvider`, by folded key.
        provider_profiles: filters by (global byProvider key, own byProvider key); "" where there is none.
    """

    profile: ToolStage | None
    own: ToolStage | None
    sandbox: ToolStage
    providers: Mapping[str, ToolStage]
    provider_profiles: Mapping[tuple[str, str], ToolStage]
    apply_patch: ApplyPatchRule
    read_only: bool
    memory_search: bool


@dataclass(frozen=True, slots=True, eq=False)
class ToolsPolicy:
    """The compiled tool policy. Immutable; build it with `tools_policy`.

    Attributes:
        overall: filter of the top-level `tools`.
        providers: filters of the top-level `tools.byProvider`, by folded key.
        agents: by normalised agent id.
        unlisted: for agents that are not listed.
        subagent: filter of sub-agents.
        http: filter of `POST /tools/invoke`.
        rooms: group rules by channel id.
        web_search, web_fetch: whether the tools exist.
        memory_plugin: normalised id of the plugin in the memory slot; None when the slot is empty.
        elevated: the gates of elevated exec.
    """

    overall: ToolStage
    providers: Mapping[str, ToolStage]
    agents: Mapping[str, AgentTools]
    unlisted: AgentTools
    subagent: ToolStage
    http: ToolStage
    rooms: Mapping[str, ChannelRooms]
    web_search: bool = True
    web_fetch: bool = True
    memory_plugin: str | None = "memory-core"
    elevated: ElevatedPolicy = field(default_factory=ElevatedPolicy)

    def agent(self, agent_id: str | None) -> AgentTools:
        """Return the filters of an agent."""
        return self.agents.get(normalise_agent_id(agent_id), self.unlisted)


@dataclass(frozen=True, slots=True)
class ToolRun:
    """The run that asks for its tools. Every field comes from the run's record, never from tool arguments.

    Attributes:
        agent_id: the routed agent.
        session_key: canonical key.
        sandboxed: whether the session is sandboxed (`sandbox_mode.sandbox_status`).
        provider, model: the model in use; None where there is none.
        sender: who writes; the default is nobody.
        room: the room of the message or of the session record.
        spawned_by: key of the session that started this one.
        image_model: a model that reads images is usable.
        may_message: the run may send messages (an announcing cron run may not).
        over_http: the call comes from `POST /tools/invoke`.
        at_most: effective tools of the session that started this one; None where there is none.
    """

    agent_id: str
    session_key: str
    sandboxed: bool = False
    provider: str | None = None
    model: str | None = None
    sender: ToolSender = field(default_factory=ToolSender)
    room: RoomFacts = field(default_factory=RoomFacts)
    spawned_by: str | None = None
    image_model: bool = True
    may_message: bool = True
    over_http: bool = False
    at_most: frozenset[str] | None = None


def tools_policy(
    overall: ToolBlock,
    *,
    by_provider: Iterable[tuple[str, ToolBlock]] = (),
    agents: Iterable[tuple[str, AgentBlocks]] = (),
    unlisted: AgentBlocks | None = None,
    sandbox: ToolBlock | None = None,
    subagents: ToolBlock | None = None,
    http_allow: tuple[str, ...] = (),
    http_deny: tuple[str, ...] = (),
    rooms: Mapping[str, ChannelRooms] | None = None,
    web_search: bool = True,
    web_fetch: bool = True,
    memory_plugin: str | None = "memory-core",
    elevated: ElevatedPolicy | None = None,
) -> ToolsPolicy:
    """Return the compiled policy of these blocks; of two agents with one id the first counts."""
    providers = {key.strip().lower(): block for key, block in by_provider if key.strip()}

    def agent_tools(found: AgentBlocks) -> AgentTools:
        own = {key.strip().lower(): block for key, block in found.by_provider if key.strip()}
        return AgentTools(
            profile=_profile(StageId.PROFILE, overall, found.block),
            own=pick(StageId.AGENT, found.block) if found.block else None,
            sandbox=sandbox_stage(sandbox, found.sandbox),
            providers=_picked(StageId.AGENT_PROVIDER, own),
            provider_profiles=_provider_profiles(providers, own),
            apply_patch=found.apply_patch,
            read_only=found.read_only,
            memory_search=found.memory_search,
        )

    compiled: dict[str, AgentTools] = {}
    for agent_id, found in agents:
        compiled.setdefault(normalise_agent_id(agent_id), agent_tools(found))
    return ToolsPolicy(
        overall=pick(StageId.GLOBAL, overall),
        providers=_picked(StageId.GLOBAL_PROVIDER, providers),
        agents=MappingProxyType(compiled),
        unlisted=agent_tools(unlisted or AgentBlocks()),
        subagent=subagent_stage(subagents),
        http=http_stage(http_allow, http_deny),
        rooms=rooms or MappingProxyType({}),
        web_search=web_search,
        web_fetch=web_fetch,
        memory_plugin=memory_plugin,
        elevated=elevated or ElevatedPolicy(),
    )


def _picked(stage: StageId, blocks: Mapping[str, ToolBlock]) -> Mapping[str, ToolStage]:
    return MappingProxyType({key: pick(stage, block) for key, block in blocks.items()})


def _profile(stage: StageId, lower: ToolBlock | None, upper: ToolBlock | None) -> ToolStage | None:
    """Return the profile filter of two blocks: each of `profile` and `alsoAllow` from the upper one if it has it."""
    named = upper if upper and upper.profile else lower
    added = upper if upper and upper.also_allow is not None else lower
    return profile_stage(stage, named, added)


def _provider_profiles(
    overall: Mapping[str, ToolBlock], own: Mapping[str, ToolBlock]
) -> Mapping[tuple[str, str], ToolStage]:
    found: dict[tuple[str, str], ToolStage] = {}
    for lower in ("", *overall):
        for upper in ("", *own):
            stage = _profile(StageId.PROVIDER_PROFILE, overall.get(lower), own.get(upper))
            if stage:
                found[lower, upper] = stage
    return MappingProxyType(found)


def sandbox_stage(overall: ToolBlock | None, own: ToolBlock | None) -> ToolStage:
    """Return the filter of a sandbox (agent.md 5.6): each list from the agent, else the top level, else the default.

    Lists replace each other. `image` joins the allow list unless it is there; a deny still takes it away. So an empty
    allow list never means everything.
    """
    allow_block = next((block for block in (own, overall) if block and block.allow is not None), None)
    deny_block = next((block for block in (own, overall) if block and block.deny is not None), None)
    allow_key = f"{allow_block.key if allow_block else _SANDBOX_KEY}.allow"
    deny_key = f"{deny_block.key if deny_block else _SANDBOX_KEY}.deny"
    allow = entries(allow_block.allow if allow_block else SANDBOX_ALLOW, allow_key)
    if not any("image" in _without_plugins(entry.text) for entry in allow):
        allow = (*allow, Entry("image", allow_key))
    return ToolStage(
        id=StageId.SANDBOX,
        allow=allow,
        deny=entries(deny_block.deny if deny_block else SANDBOX_DENY, deny_key),
        allow_key=allow_key,
        brings=frozenset(entry.text for entry in allow),
    )


def subagent_stage(block: ToolBlock | None) -> ToolStage:
    """Return the filter of sub-agents: the built-in denials, which nothing lifts, and the configured lists."""
    key = block.key if block else "tools.subagents.tools"
    allow = entries(block.allow if block else None, f"{key}.allow")
    built_in = tuple(Entry(name, None) for name in SUBAGENT_DENY)
    return ToolStage(
        id=StageId.SUBAGENT,
        allow=allow,
        deny=(*built_in, *entries(block.deny if block else None, f"{key}.deny")),
        allow_key=f"{key}.allow",
        brings=frozenset(entry.text for entry in allow),
    )


def http_stage(allow: Iterable[str], deny: Iterable[str]) -> ToolStage:
    """Return the filter of `POST /tools/invoke`: a fixed list that `gateway.tools.allow` lifts, and more denials."""
    patterns = [pattern for text in allow for pattern in _without_plugins(normalise_tool(text))]
    lifted = {name for name in HTTP_DENY if any(wildcard_match(pattern, name) for pattern in patterns)}
    fixed = tuple(Entry(name, "gateway.tools.allow") for name in HTTP_DENY if name not in lifted)
    return ToolStage(id=StageId.HTTP, deny=(*entries(deny, "gateway.tools.deny"), *fixed))


def _without_plugins(entry: str) -> tuple[str, ...]:
    """Return the members of a core group, or the entry itself."""
    return GROUPS.get(entry, (entry,))


def provider_key(known: Mapping[str, ToolStage], provider: str | None, model: str | None) -> str:
    """Return the `byProvider` key that a model hits: the full model first, then its provider; "" for none.

    A model id that holds a `/` is looked up as it is, without its provider.
    """
    name, bare = folded(provider), folded(model)
    if not name:
        return ""
    full = bare if "/" in bare else f"{name}/{bare}"
    keys = (full, name) if bare else (name,)
    return next((key for key in keys if key in known), "")


def chain_of(policy: ToolsPolicy, run: ToolRun) -> tuple[ToolStage, ...]:
    """Return the filters that hold for a run, in order; those that filter nothing are left out."""
    agent = policy.agent(run.agent_id)
    lower = provider_key(policy.providers, run.provider, run.model)
    upper = provider_key(agent.providers, run.provider, run.model)
    found = (
        agent.profile,
        agent.provider_profiles.get((lower, upper)),
        policy.overall,
        policy.providers.get(lower),
        agent.own,
        agent.providers.get(upper),
        *_group(policy, run),
        agent.sandbox if run.sandboxed else None,
        policy.subagent if is_subagent(run.session_key) else None,
        policy.http if run.over_http else None,
    )
    return tuple(stage for stage in found if stage is not None and not stage.is_empty)


def _group(policy: ToolsPolicy, run: ToolRun) -> tuple[ToolStage, ...]:
    if not policy.rooms:
        return ()
    return group_stages(
        policy.rooms, session_key=run.session_key, spawned_by=run.spawned_by, room=run.room, sender=run.sender
    )
