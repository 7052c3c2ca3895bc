"""What a stranger who comes in through an open policy can reach, asked of the compiled policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from openclaw.policy.snapshot import Policy
from openclaw.policy.what.tool_chain import ToolRun
from openclaw.policy.what.tool_names import CORE_TOOLS, Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import EffectiveTools, effective_tools
from openclaw.policy.where.exec_host import ExecPlace, exec_route
from openclaw.policy.where.key_builders import direct_key, room_key
from openclaw.policy.where.key_ids import PeerKind, normalise_agent_id
from openclaw.policy.where.sandbox_mode import Placement, sandbox_status
from openclaw.policy.who.groups import PlaceMap
from openclaw.policy.who.rule_columns import DmPolicy, GroupPolicy

_RUNTIME: Final = ("exec", "process")
_FILES: Final = ("read", "write", "edit", "apply_patch")
_CONTROL: Final = ("cron", "gateway", "nodes")
_STRANGER: Final = "stranger"
_CATALOGUE: Final = Catalogue.of(CatalogueTool(name) for name in CORE_TOOLS)


@dataclass(frozen=True, slots=True)
class Door:
    """A way in for people whom nobody named.

    Attributes:
        channel, account: where.
        group: through groups; else through direct messages.
        key: config path that opens it.
    """

    channel: str
    account: str
    group: bool
    key: str


@dataclass(frozen=True, slots=True)
class Reach:
    """What an agent offers to somebody who came through a door.

    Attributes:
        agent: the agent.
        door: the door.
        runtime: tools that run programs outside a sandbox.
        files: file tools that are bounded neither by a sandbox nor by the workspace.
        control: tools that change schedules, the gateway or nodes.
    """

    agent: str
    door: Door
    runtime: tuple[str, ...]
    files: tuple[str, ...]
    control: tuple[str, ...]


def doors(policy: Policy) -> Iterator[Door]:
    """Yield the ways in that the compiled policy leaves open, over every channel and account."""
    for channel, accounts in policy.access.channels.items():
        for name, account in accounts.accounts.items():
            if not account.configured or not account.enabled or account.rules.operator:
                continue
            if account.dm_enabled and account.dm_policy is DmPolicy.OPEN and account.dm_list.wildcard:
                yield Door(channel, name, group=False, key=account.keys.get("dm_policy", f"channels.{channel}"))
            if account.group_policy is GroupPolicy.OPEN:
                yield Door(channel, name, group=True, key=account.keys.get("group_policy", f"channels.{channel}"))
            else:
                yield from (Door(channel, name, group=True, key=key) for key in _open_rooms(account.places))


def _open_rooms(places: PlaceMap) -> Iterator[str]:
    """Yield the config paths of rooms that are open although their account is not."""
    for node in places.nodes.values():
        if node.place.policy is GroupPolicy.OPEN:
            yield f"{node.place.key}.groupPolicy"
        elif node.inner is not None:
            yield from _open_rooms(node.inner)


def agents_behind(policy: Policy, door: Door) -> tuple[str, ...]:
    """Return the agents that a stranger's message may be given to: those of the bindings, and the default one."""
    routing = policy.routing
    fitting = [
        rule
        for rule in routing.bindings
        if rule.channel.strip().lower() == door.channel and rule.covers_account(door.account)
    ]
    wanted = [rule for rule in fitting if rule.peer is None or (door.group and rule.peer.kind is not PeerKind.DIRECT)]
    named = [normalise_agent_id(rule.agent_id) for rule in wanted]
    if not any(rule.is_whole for rule in fitting):
        named.append(routing.default_agent)
    known = set(routing.agents)
    return tuple(agent for agent in dict.fromkeys(named) if not known or agent in known)


def reach_of(policy: Policy, door: Door, agent: str) -> Reach:
    """Return what an agent offers to a stranger behind a door."""
    key = _session_key(policy, door, agent)
    sandboxed = sandbox_status(policy.routing.sandbox, agent, key).outcome is Placement.SANDBOX
    tools = tools_of(policy, agent, key, sandboxed=sandboxed)
    bounded = sandboxed or policy.exec.for_agent(agent).workspace_only
    runtime = () if sandboxed and exec_place(policy, agent, sandboxed=True) is ExecPlace.SANDBOX else _RUNTIME
    return Reach(
        agent,
        door,
        runtime=tuple(name for name in runtime if tools.of(name).allowed),
        files=() if bounded else tuple(name for name in _FILES if tools.of(name).allowed),
        control=tuple(name for name in _CONTROL if tools.of(name).allowed),
    )


def _session_key(policy: Policy, door: Door, agent: str) -> str:
    if door.group:
        return room_key(agent, PeerKind.GROUP, door.channel, _STRANGER)
    scope, account = policy.routing.dm_scope, door.account
    return direct_key(agent, scope, channel=door.channel, account_id=account, peer_id=_STRANGER)


def tools_of(policy: Policy, agent: str, key: str, *, sandboxed: bool) -> EffectiveTools:
    """Return the tools of an agent's session for somebody who is not its owner."""
    return effective_tools(policy.tools, ToolRun(agent, key, sandboxed=sandboxed), _CATALOGUE)


def exec_place(policy: Policy, agent: str, *, sandboxed: bool) -> ExecPlace:
    """Return where an agent's commands run."""
    return exec_route(configured=policy.routing.exec_for(agent), sandboxed=sandboxed).verdict.outcome


def strangers_reach(policy: Policy) -> tuple[Reach, ...]:
    """Return what every agent offers through every open door."""
    return tuple(reach_of(policy, door, agent) for door in doors(policy) for agent in agents_behind(policy, door))


def all_agents(policy: Policy) -> tuple[str, ...]:
    """Return the listed agents; without any, the default one."""
    return policy.routing.agents or (policy.routing.default_agent,)
