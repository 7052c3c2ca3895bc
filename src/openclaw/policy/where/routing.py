"""Routing: which agent answers a message, and in which session (agent.md 2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from openclaw.policy.verdict import Reason
from openclaw.policy.where.exec_host import ExecDefaults
from openclaw.policy.where.freshness import ResetPolicy
from openclaw.policy.where.key_builders import direct_key, main_session_key, room_key
from openclaw.policy.where.key_ids import (
    DEFAULT_ACCOUNT,
    DEFAULT_AGENT,
    DEFAULT_MAIN_KEY,
    MARKERS,
    DmScope,
    PeerKind,
    id_fault,
    normalise_agent_id,
    trimmed,
)
from openclaw.policy.where.sandbox_mode import SandboxPolicy
from openclaw.policy.where.send_policy import SendPolicy
from openclaw.policy.where.session_keys import canonical_key
from openclaw.policy.where.visibility import VisibilityPolicy

ANY_ACCOUNT = "*"


class MatchedBy(StrEnum):
    """Which step of routing decided."""

    PEER = "binding.peer"
    PARENT = "binding.peer.parent"
    GUILD = "binding.guild"
    TEAM = "binding.team"
    ACCOUNT = "binding.account"
    CHANNEL = "binding.channel"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Peer:
    """A conversation: its kind and its id on the channel."""

    kind: PeerKind
    id: str


@dataclass(frozen=True, slots=True)
class Binding:
    """One rule that gives messages to an agent.

    Attributes:
        agent_id: as written in the config.
        channel: channel id, as written; compared trimmed and lower-case.
        account_id: None covers the account `default` only, `*` any.
        peer, guild_id, team_id: what else the rule names; ids compare exactly.
        key: where it stands in the config.
    """

    agent_id: str
    channel: str
    account_id: str | None = None
    peer: Peer | None = None
    guild_id: str | None = None
    team_id: str | None = None
    key: str = "bindings"

    def covers_account(self, account_id: str) -> bool:
        """Return whether the rule holds for a channel account."""
        wanted = trimmed(self.account_id)
        if wanted == ANY_ACCOUNT:
            return True
        return account_id == (wanted or DEFAULT_ACCOUNT)

    @property
    def is_whole(self) -> bool:
        """Return whether the rule names no peer, guild or team."""
        return self.peer is None and not self.guild_id and not self.team_id


@dataclass(frozen=True, slots=True)
class RoutingPolicy:
    """How messages find their agent and their session, with the parts that hang on a session.

    Attributes:
        agents: normalised ids of `agents.list`, in order; empty when the list is.
        default_agent: normalised id of the agent for everything unbound.
        bindings: `bindings`, in order.
        dm_scope: `session.dmScope`.
        identity_links: `session.identityLinks`, in file order.
        main_key: rest of the main session's key; config loading makes it `main`.
        global_scope: `session.scope` is `global`.
        resets: when sessions start anew.
        reset_triggers: messages that start a fresh session.
        send: where replies may go.
        sandbox: which sessions run in a sandbox.
        exec_defaults: configured place and strictness of exec, by agent id; the entry "" serves unlisted agents.
        visibility: what session tools may see.
    """

    agents: tuple[str, ...] = ()
    default_agent: str = DEFAULT_AGENT
    bindings: tuple[Binding, ...] = ()
    dm_scope: DmScope = DmScope.MAIN
    identity_links: tuple[tuple[str, tuple[str, ...]], ...] = ()
    main_key: str = DEFAULT_MAIN_KEY
    global_scope: bool = False
    resets: ResetPolicy = field(default_factory=ResetPolicy)
    reset_triggers: tuple[str, ...] = ("/new", "/reset")
    send: SendPolicy = field(default_factory=SendPolicy)
    sandbox: SandboxPolicy = field(default_factory=SandboxPolicy)
    exec_defaults: Mapping[str, ExecDefaults] = field(default_factory=lambda: MappingProxyType({}))
    visibility: VisibilityPolicy = field(default_factory=VisibilityPolicy)

    def canonical(self, key: str | None, agent_id: str | None = None) -> str:
        """Return the one spelling of a session key; relative keys belong to `agent_id`, else to the default agent."""
        return canonical_key(
            key,
            agent_id=agent_id if agent_id is not None else self.default_agent,
            main_key=self.main_key,
            global_scope=self.global_scope,
        )

    def exec_for(self, agent_id: str | None) -> ExecDefaults:
        """Return the configured exec values of an agent."""
        return self.exec_defaults.get(normalise_agent_id(agent_id)) or self.exec_defaults.get("", ExecDefaults())


@dataclass(frozen=True, slots=True)
class InboundPlace:
    """Where a message came in: everything that routing looks at.

    Attributes:
        channel: channel id.
        account_id: channel account; None or blank is `default`.
        peer: the conversation (in a direct chat the sender); None where there is none.
        parent_peer: the room that a thread or topic belongs to.
        guild_id, team_id: server or team of the room.
    """

    channel: str
    account_id: str | None = None
    peer: Peer | None = None
    parent_peer: Peer | None = None
    guild_id: str | None = None
    team_id: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a message goes.

    Attributes:
        agent_id: normalised id.
        channel: channel id, lower-case.
        account_id: raw account, `default` when blank.
        session_key: key of the conversation.
        main_session_key: key of the agent's main session.
        store_key: the canonical form of `session_key`: `global` for the main session under a global scope.
        matched_by: the step that decided.
        binding_key: config path of the binding that decided, or None.
        unlisted_agent: the agent id of a binding that `agents.list` does not have; None when all is well.
        refused: why intake must not run the message; empty when it may.
    """

    agent_id: str
    channel: str
    account_id: str
    session_key: str
    main_session_key: str
    store_key: str
    matched_by: MatchedBy
    binding_key: str | None = None
    unlisted_agent: str | None = None
    refused: tuple[Reason, ...] = ()


def route(policy: RoutingPolicy, place: InboundPlace) -> Route:
    """Return agent and session of a message (agent.md 2).

    The first hit decides: bound peer, bound parent, guild, team, account, any account, default agent. A binding to an
    agent that is not listed yields the default agent as in the original, but `refused` then says that it must not run.
    """
    channel = place.channel.strip().lower()
    account = trimmed(place.account_id) or DEFAULT_ACCOUNT
    binding, matched_by = _first_hit(policy, place, channel, account)
    agent, unlisted = _agent_for(policy, binding)
    main = main_session_key(agent, policy.main_key)
    session = _session_key(policy, place, agent, channel, account)
    return Route(
        agent_id=agent,
        channel=channel,
        account_id=account,
        session_key=session,
        main_session_key=main,
        store_key=policy.canonical(session),
        matched_by=matched_by,
        binding_key=binding.key if binding else None,
        unlisted_agent=unlisted,
        refused=tuple(_refusals(place, binding, unlisted)),
    )


def _first_hit(
    policy: RoutingPolicy, place: InboundPlace, channel: str, account: str
) -> tuple[Binding | None, MatchedBy]:
    fitting = [
        rule for rule in policy.bindings if rule.channel.strip().lower() == channel and rule.covers_account(account)
    ]
    if not fitting:
        return None, MatchedBy.DEFAULT
    guild, team = trimmed(place.guild_id), trimmed(place.team_id)
    for rule in fitting:
        if _same_peer(rule.peer, place.peer):
            return rule, MatchedBy.PEER
    for rule in fitting:
        if _same_peer(rule.peer, place.parent_peer):
            return rule, MatchedBy.PARENT
    for rule in fitting:
        if guild and trimmed(rule.guild_id) == guild:
            return rule, MatchedBy.GUILD
    for rule in fitting:
        if team and trimmed(rule.team_id) == team:
            return rule, MatchedBy.TEAM
    whole = [rule for rule in fitting if rule.is_whole]
    for rule in whole:
        if trimmed(rule.account_id) != ANY_ACCOUNT:
            return rule, MatchedBy.ACCOUNT
    return (whole[0], MatchedBy.CHANNEL) if whole else (None, MatchedBy.DEFAULT)


def _same_peer(wanted: Peer | None, given: Peer | None) -> bool:
    if wanted is None or given is None:
        return False
    return wanted.kind is given.kind and bool(given.id.strip()) and wanted.id.strip() == given.id.strip()


def _agent_for(policy: RoutingPolicy, binding: Binding | None) -> tuple[str, str | None]:
    """Return the agent and, where the binding names one that is not listed, that name."""
    if binding is None:
        return policy.default_agent, None
    named = binding.agent_id.strip()
    if not named:
        return policy.default_agent, named
    bound = normalise_agent_id(named)
    if not policy.agents or bound in policy.agents:
        return bound, None
    return policy.default_agent, named


def _session_key(policy: RoutingPolicy, place: InboundPlace, agent: str, channel: str, account: str) -> str:
    peer = place.peer
    if peer is not None and peer.kind is not PeerKind.DIRECT:
        return room_key(agent, peer.kind, channel, peer.id)
    return direct_key(
        agent,
        policy.dm_scope,
        channel=channel,
        account_id=account,
        peer_id=peer.id if peer else None,
        links=policy.identity_links,
        main_key=policy.main_key,
    )


def _refusals(place: InboundPlace, binding: Binding | None, unlisted: str | None) -> list[Reason]:
    found = [_peer_fault(place)]
    if place.parent_peer is not None:
        found.append(id_fault(place.parent_peer.id, "parent chat id", kind=place.parent_peer.kind))
    if binding is not None and unlisted is not None:
        detail = f'The binding gives this chat to agent "{unlisted}", which agents.list does not have.'
        found.append(Reason("route.unlisted-agent", binding.key, detail))
    return [reason for reason in found if reason]


def _peer_fault(place: InboundPlace) -> Reason | None:
    """Return why the peer id may not enter a key; the topic suffix that intake added to its parent's id is its own."""
    if place.peer is None:
        return None
    parent = place.parent_peer
    for marker in MARKERS:
        head = f"{parent.id}{marker}" if parent else marker
        if parent and place.peer.id.startswith(head):
            return id_fault(place.peer.id[len(head) :], "thread id")
    return id_fault(place.peer.id, "peer id", kind=place.peer.kind)
