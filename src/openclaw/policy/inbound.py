"""One inbound message through who and where: its route, its session, and whether it may (channels.md 0, agent.md 2).

Channels ask it for real messages, `openclaw explain` and the policy diff for messages that were made up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from openclaw.policy.snapshot import Policy
from openclaw.policy.where.key_builders import thread_key
from openclaw.policy.where.key_ids import PeerKind
from openclaw.policy.where.routing import InboundPlace, Peer, Route, RoutingPolicy, route
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.case import reads_commands
from openclaw.policy.who.facts import ChatType, GroupActivation, MessageFacts, SelfIdentity, SessionView, StoreView

_ROOMS: Final = frozenset({ChatType.CHANNEL, ChatType.THREAD})


@dataclass(frozen=True, slots=True)
class Judged:
    """The kernel's answers about one message.

    Attributes:
        route: agent and session by routing.
        session_key: the canonical key that the turn runs under.
        admission: may it, and what follows.
        reads_commands: a command in its text is one.
    """

    route: Route
    session_key: str
    admission: Admission
    reads_commands: bool = True


def judge_inbound(
    policy: Policy,
    channel: str,
    account: str,
    facts: MessageFacts,
    *,
    identity: SelfIdentity,
    store: StoreView,
    activation: Callable[[str], GroupActivation | None],
    now_ms: int,
) -> Judged:
    """Route first, because mention patterns belong to the agent, then decide admission.

    A message that routing refuses (an agent that is not listed, an id that could forge a key) is dropped.

    Args:
        policy: the snapshot.
        channel: channel id.
        account: account of that channel.
        facts: the event.
        identity: who the bot is there.
        store: the pairing store of that channel and account.
        activation: what `/activation` stored for a session key.
        now_ms: the time, for the expiry of pairing requests.
    """
    found = route(policy.routing, inbound_place(channel, account, facts))
    key = session_key_of(policy.routing, facts, found)
    session = SessionView(key=key, group_activation=activation(key), agent_id=found.agent_id)
    admission = decide(policy.access, channel, account, identity, store, session, facts, now_ms)
    if admission.decision is Decision.DELIVER and found.refused:
        admission = Admission(Decision.DROP, (*admission.reasons, *found.refused))
    scope = policy.access.account(channel, account)
    commands = scope is not None and reads_commands(policy.access, scope.rules, facts)
    return Judged(route=found, session_key=key, admission=admission, reads_commands=commands)


def inbound_place(channel: str, account: str, facts: MessageFacts) -> InboundPlace:
    """Return what routing looks at; a topic is a peer of its own whose parent is the chat."""
    return InboundPlace(
        channel=channel,
        account_id=account,
        peer=_peer(facts),
        parent_peer=_parent(facts),
        guild_id=facts.guild.id if facts.guild is not None else None,
        team_id=facts.team.id if facts.team is not None else None,
    )


def session_key_of(routing: RoutingPolicy, facts: MessageFacts, found: Route) -> str:
    """Return the key that a routed message runs under; a thread in a chat has its own, a forum topic has it already."""
    if facts.thread_id is None or facts.topic_id is not None:
        return found.store_key
    return routing.canonical(thread_key(found.session_key, facts.thread_id)[0])


def space_of(facts: MessageFacts) -> str | None:
    """Return the id of the server or team that a room belongs to, as tool rules look it up (channels.md 2.7)."""
    found = facts.guild or facts.team
    return found.id if found is not None else None


def _peer(facts: MessageFacts) -> Peer:
    if facts.chat_type is ChatType.DIRECT:
        return Peer(PeerKind.DIRECT, facts.sender.id or facts.sender.e164 or facts.sender.uuid or "")
    if facts.chat_type in _ROOMS:
        return Peer(PeerKind.CHANNEL, facts.chat_id)
    if facts.topic_id is not None:
        return Peer(PeerKind.GROUP, f"{facts.chat_id}:topic:{facts.topic_id}")
    return Peer(PeerKind.GROUP, facts.chat_id)


def _parent(facts: MessageFacts) -> Peer | None:
    if facts.topic_id is not None:
        return Peer(PeerKind.GROUP, facts.chat_id)
    if facts.parent_id is not None:
        return Peer(PeerKind.CHANNEL, facts.parent_id)
    return None
