"""Which sessions session tools may see, send to and spawn (agent.md 5.9, advisories G2, G3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from openclaw.policy.names import wildcard_match
from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.where.key_builders import main_session_key
from openclaw.policy.where.key_ids import DEFAULT_MAIN_KEY, GLOBAL_KEY, normalise_agent_id, trimmed
from openclaw.policy.where.sandbox_mode import SessionToolsVisibility
from openclaw.policy.where.session_keys import RESERVED_KEYS, agent_of, is_subagent

ANY: Final = "*"
_KEY: Final = "tools.sessions.visibility"


class SessionVisibility(StrEnum):
    """How far a session sees (`tools.sessions.visibility`), from near to far."""

    SELF = "self"
    TREE = "tree"
    AGENT = "agent"
    ALL = "all"


_ORDER: Final = tuple(SessionVisibility)


@dataclass(frozen=True, slots=True)
class VisibilityPolicy:
    """What decides over session tools.

    Attributes:
        visibility: the configured reach; None means `agent` for an agent's main session, else `tree`.
        agent_to_agent: `tools.agentToAgent.enabled`.
        agent_allow: `tools.agentToAgent.allow`, patterns; empty means any agent.
        spawn_targets: `subagents.allowAgents` by normalised agent id; `*` means any listed agent.
        agents: normalised ids of the listed agents.
        main_key: rest of the main session's key.
    """

    visibility: SessionVisibility | None = None
    agent_to_agent: bool = False
    agent_allow: tuple[str, ...] = ()
    spawn_targets: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    agents: tuple[str, ...] = ()
    main_key: str = DEFAULT_MAIN_KEY


@dataclass(frozen=True, slots=True)
class Caller:
    """The session that asks.

    Attributes:
        session_key: canonical key.
        sandboxed: whether it runs in a sandbox.
        sandbox_visibility: its agent's `sandbox.sessionToolsVisibility`.
        agent_id: its agent, needed where the key (`global`) does not name one; None reads it from the key.
    """

    session_key: str
    sandboxed: bool = False
    sandbox_visibility: SessionToolsVisibility = SessionToolsVisibility.SPAWNED
    agent_id: str | None = None

    @property
    def agent(self) -> str:
        """Return the normalised id of its agent."""
        return agent_of(self.session_key) if self.agent_id is None else normalise_agent_id(self.agent_id)


@dataclass(frozen=True, slots=True)
class Target:
    """The session that is asked for.

    Attributes:
        session_key: canonical key.
        ancestors: the keys that spawned it, nearest first, from the stored `spawnedBy`.
    """

    session_key: str
    ancestors: tuple[str, ...] = ()


def reach(policy: VisibilityPolicy, caller: Caller) -> SessionVisibility:
    """Return how far a session sees; a sub-agent never further than its own tree."""
    is_main = caller.session_key in {main_session_key(caller.agent, policy.main_key), GLOBAL_KEY}
    wanted = policy.visibility or (SessionVisibility.AGENT if is_main else SessionVisibility.TREE)
    if is_subagent(caller.session_key):
        return min(wanted, SessionVisibility.TREE, key=_ORDER.index)
    return wanted


def may_see(policy: VisibilityPolicy, caller: Caller, target: Target) -> Verdict[Outcome]:
    """Return whether a session may list, read, ask or write to another.

    A refusal is told to the model as not found. Decided before any id is resolved: the caller of this function passes
    keys of the store, never a key that only the model named.
    """
    own, other = caller.session_key.strip().lower(), target.session_key.strip().lower()
    if own and own == other:
        return _allow("sessions.self", None)
    if not own or not other or other in RESERVED_KEYS:
        return _deny("sessions.reserved", None, "This session is not shown to tools.")
    ancestors = tuple(key.strip().lower() for key in target.ancestors)
    spawned_only = caller.sandboxed and caller.sandbox_visibility is SessionToolsVisibility.SPAWNED
    if spawned_only and not is_subagent(own) and ancestors[:1] != (own,):
        key = "agents.defaults.sandbox.sessionToolsVisibility"
        return _deny("sessions.not-spawned", key, "A sandboxed session sees only the sessions that it started.")
    level = reach(policy, caller)
    same_agent = caller.agent == agent_of(other)
    seen = {
        SessionVisibility.SELF: False,
        SessionVisibility.TREE: own in ancestors,
        SessionVisibility.AGENT: same_agent or own in ancestors,
        SessionVisibility.ALL: True,
    }
    if not seen[level]:
        return _deny("sessions.visibility", _KEY, f'The session is beyond the reach "{level}".')
    return _allow("sessions.visible", _KEY) if same_agent else agent_to_agent(policy, caller.agent, agent_of(other))


def agent_to_agent(policy: VisibilityPolicy, one: str, other: str) -> Verdict[Outcome]:
    """Return whether two agents may talk: switched on, and both match the patterns; an agent always may with itself."""
    key = "tools.agentToAgent"
    left, right = normalise_agent_id(one), normalise_agent_id(other)
    if left == right:
        return _allow("sessions.same-agent", None)
    if not policy.agent_to_agent:
        return _deny("sessions.agent-to-agent-off", f"{key}.enabled", "Messages between agents are off.")
    patterns = tuple(pattern.strip().lower() for pattern in policy.agent_allow if pattern.strip())
    if policy.agent_allow and not all(
        any(wildcard_match(pattern, name) for pattern in patterns) for name in (left, right)
    ):
        return _deny("sessions.agent-not-allowed", f"{key}.allow", f"The list does not hold both {left} and {right}.")
    return _allow("sessions.agent-to-agent", f"{key}.allow")


def may_spawn(policy: VisibilityPolicy, caller: Caller, target_agent: str | None) -> Verdict[Outcome]:
    """Return whether a session may start a sub-agent of an agent (None or blank: its own).

    A sub-agent starts none. The child of a sandboxed session is sandboxed and gets at most its parent's tools; that is
    decided by `sandbox_mode.sandbox_status` and `tool_policy.effective_tools`.
    """
    own = caller.agent
    if is_subagent(caller.session_key):
        return _deny("spawn.from-subagent", None, "A sub-agent cannot start another.")
    wanted = normalise_agent_id(target_agent) if trimmed(target_agent) else own
    if wanted == own:
        return _allow("spawn.own-agent", None)
    key = f"agents.list ({own}) subagents.allowAgents"
    allowed = policy.spawn_targets.get(own, ())
    names = {normalise_agent_id(name) for name in allowed if name.strip() and name.strip() != ANY}
    if wanted not in names and ANY not in {name.strip() for name in allowed}:
        return _deny("spawn.agent-not-allowed", key, f'Agent "{own}" may not start sub-agents of "{wanted}".')
    if policy.agents and wanted not in policy.agents:
        return _deny("spawn.unknown-agent", "agents.list", f'There is no agent "{wanted}".')
    return _allow("spawn.agent-allowed", key)


def _allow(rule: str, key: str | None) -> Verdict[Outcome]:
    return Verdict(Outcome.ALLOW, (Reason(rule, key),))


def _deny(rule: str, key: str | None, detail: str) -> Verdict[Outcome]:
    return Verdict(Outcome.DENY, (Reason(rule, key, detail),))
