"""Compiles `session`, `agents`, `bindings` and the sandbox blocks into the routing part of the policy."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from openclaw.config.base import blank
from openclaw.config.model import Config
from openclaw.config.sections.agent_tools import ExecSettings
from openclaw.config.sections.agents import AgentEntry
from openclaw.config.sections.sandbox import Sandbox
from openclaw.config.sections.session import Session, SessionReset
from openclaw.policy.verdict import Outcome
from openclaw.policy.where.exec_host import ExecDefaults
from openclaw.policy.where.freshness import ResetMode, ResetPolicy, ResetRule, ResetType
from openclaw.policy.where.key_ids import DEFAULT_AGENT, DmScope, PeerKind, normalise_agent_id
from openclaw.policy.where.routing import Binding, Peer, RoutingPolicy
from openclaw.policy.where.sandbox_mode import (
    SandboxBackend,
    SandboxMode,
    SandboxPolicy,
    SandboxScope,
    SandboxSettings,
    SessionToolsVisibility,
    WorkspaceAccess,
)
from openclaw.policy.where.send_policy import SendPolicy, SendRule
from openclaw.policy.where.visibility import SessionVisibility, VisibilityPolicy

_SANDBOX_KEY = "agents.defaults.sandbox"


def compile_routing(config: Config) -> RoutingPolicy:
    """Return the routing policy of a config: bindings, session keys, resets, send policy, sandbox and visibility.

    `session.mainKey` is ignored, as config.md 3.3 says: the main session is always `main`.
    """
    session = config.session
    agents = tuple(dict.fromkeys(agent_id for _, agent_id, _ in listed_agents(config)))
    return RoutingPolicy(
        agents=agents,
        default_agent=default_agent(config),
        bindings=tuple(_bindings(config)),
        dm_scope=DmScope(session.dm_scope or DmScope.MAIN),
        identity_links=tuple((name, tuple(ids)) for name, ids in (session.identity_links or {}).items()),
        global_scope=session.scope == "global",
        resets=_resets(session),
        reset_triggers=session.reset_triggers if session.reset_triggers is not None else ("/new", "/reset"),
        send=_send_policy(session),
        sandbox=compile_sandbox(config),
        exec_defaults=MappingProxyType(dict(_exec_defaults(config))),
        visibility=_visibility(config, agents),
    )


def listed_agents(config: Config) -> Iterator[tuple[str, str, AgentEntry]]:
    """Yield (config path, normalised id, entry) of `agents.list`; of two equal ids the first counts."""
    seen: set[str] = set()
    for number, entry in enumerate(config.agents.entries or ()):
        agent_id = normalise_agent_id(entry.id)
        if agent_id not in seen:
            seen.add(agent_id)
            yield f"agents.list.{number}", agent_id, entry


def default_agent(config: Config) -> str:
    """Return the agent for everything unbound: the first marked `default`, else the first, else `main`."""
    entries = config.agents.entries or ()
    chosen = next((entry for entry in entries if entry.default), entries[0] if entries else None)
    return normalise_agent_id(chosen.id) if chosen else DEFAULT_AGENT


def _bindings(config: Config) -> Iterator[Binding]:
    for number, binding in enumerate(config.bindings):
        match = binding.match
        kind = PeerKind.read(match.peer.kind) if match.peer else None
        yield Binding(
            agent_id=binding.agent_id,
            channel=match.channel,
            account_id=match.account_id,
            peer=Peer(kind, match.peer.id) if match.peer and kind else None,
            guild_id=match.guild_id,
            team_id=match.team_id,
            key=f"bindings.{number}",
        )


def _resets(session: Session) -> ResetPolicy:
    by_type = session.reset_by_type
    kinds = (
        {
            ResetType.DIRECT: by_type.direct or by_type.dm,
            ResetType.GROUP: by_type.group,
            ResetType.THREAD: by_type.thread,
        }
        if by_type is not None
        else None
    )
    return ResetPolicy(
        base=_reset_rule(session.reset) if session.reset is not None else None,
        by_type=None if kinds is None else {kind: _reset_rule(block) for kind, block in kinds.items() if block},
        by_channel=MappingProxyType(
            {name.strip().lower(): _reset_rule(block) for name, block in (session.reset_by_channel or {}).items()}
        ),
        idle_minutes=session.idle_minutes,
    )


def _reset_rule(block: SessionReset) -> ResetRule:
    return ResetRule(
        mode=ResetMode(block.mode) if block.mode else None, at_hour=block.at_hour, idle_minutes=block.idle_minutes
    )


def _send_policy(session: Session) -> SendPolicy:
    policy = session.send_policy
    return SendPolicy(
        default=Outcome.DENY if policy.default == "deny" else Outcome.ALLOW,
        rules=tuple(
            SendRule(
                action=Outcome.ALLOW if rule.action == "allow" else Outcome.DENY,
                channel=rule.match.channel,
                chat_type=PeerKind.read(rule.match.chat_type),
                key_prefix=rule.match.key_prefix,
                key=f"session.sendPolicy.rules.{number}",
            )
            for number, rule in enumerate(policy.rules or ())
        ),
    )


def compile_sandbox(config: Config) -> SandboxPolicy:
    """Return the sandbox settings of every agent: its own block over the defaults, key by key (exec.md 4.1)."""
    defaults = config.agents.defaults.sandbox
    return SandboxPolicy(
        defaults=_sandbox_settings(defaults, None, _SANDBOX_KEY),
        agents=MappingProxyType(
            {
                agent_id: _sandbox_settings(defaults, entry.sandbox, f"{path}.sandbox")
                for path, agent_id, entry in listed_agents(config)
            }
        ),
        global_scope=config.session.scope == "global",
    )


def _sandbox_settings(defaults: Sandbox, own: Sandbox | None, path: str) -> SandboxSettings:
    upper = own or blank(Sandbox)
    scope = _sandbox_scope(upper, defaults)
    prefix = defaults.docker.container_prefix
    if scope is not SandboxScope.SHARED:
        prefix = upper.docker.container_prefix or prefix
    sees_all = defaults.session_tools_visibility == "all" and upper.session_tools_visibility != "spawned"
    return SandboxSettings(
        mode=SandboxMode(upper.mode or defaults.mode or SandboxMode.OFF),
        scope=scope,
        workspace_access=WorkspaceAccess(upper.workspace_access or defaults.workspace_access or WorkspaceAccess.NONE),
        workspace_root=upper.workspace_root or defaults.workspace_root,
        tools_visibility=SessionToolsVisibility.ALL if sees_all else SessionToolsVisibility.SPAWNED,
        backend=SandboxBackend(upper.backend or defaults.backend or SandboxBackend.AUTO),
        container_prefix=prefix or SandboxSettings().container_prefix,
        mode_key=f"{path if upper.mode else _SANDBOX_KEY}.mode",
    )


def _sandbox_scope(upper: Sandbox, lower: Sandbox) -> SandboxScope:
    named = upper.scope or lower.scope
    if named:
        return SandboxScope(named)
    per_session = upper.per_session if upper.per_session is not None else lower.per_session
    if per_session is None:
        return SandboxScope.AGENT
    return SandboxScope.SESSION if per_session else SandboxScope.SHARED


def _exec_defaults(config: Config) -> Iterator[tuple[str, ExecDefaults]]:
    """Yield the exec values of each agent over the global ones (exec.md 1.2); "" serves agents that are not listed."""
    overall = _exec_block(config.tools.exec, "tools.exec")
    yield "", overall
    for path, agent_id, entry in listed_agents(config):
        own = _exec_block(entry.tools.exec, f"{path}.tools.exec")
        yield agent_id, own.over(overall)


def _exec_block(block: ExecSettings, key: str) -> ExecDefaults:
    return ExecDefaults.read(block.host, block.security, block.ask, block.node, key=key)


def _visibility(config: Config, agents: tuple[str, ...]) -> VisibilityPolicy:
    tools = config.tools
    return VisibilityPolicy(
        visibility=SessionVisibility(tools.sessions.visibility) if tools.sessions.visibility else None,
        agent_to_agent=tools.agent_to_agent.enabled is True,
        agent_allow=tools.agent_to_agent.allow or (),
        spawn_targets=MappingProxyType(
            {agent_id: tuple(entry.subagents.allow_agents or ()) for _, agent_id, entry in listed_agents(config)}
        ),
        agents=agents,
    )
