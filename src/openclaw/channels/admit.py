"""Asks the kernel about one inbound message: where it would go, and whether it may (channels.md 0, agent.md 2)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openclaw.channels.contract import InboundMessage
from openclaw.policy.snapshot import Policy
from openclaw.policy.where.key_builders import thread_key
from openclaw.policy.where.key_ids import PeerKind
from openclaw.policy.where.routing import InboundPlace, Peer, Route, route
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.facts import ChatType, GroupActivation, MessageFacts, SelfIdentity, SessionView, StoreView

ROOMS = frozenset({ChatType.CHANNEL, ChatType.THREAD})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What admission asks of the world, at the moment of asking.

    Attributes:
        identity: who the bot is on a channel account.
        store: the pairing store of a channel account.
        activation: what `/activation` stored for a session.
    """

    identity: Callable[[str, str], SelfIdentity]
    store: Callable[[str, str], StoreView]
    activation: Callable[[str], GroupActivation | None]


@dataclass(frozen=True, slots=True)
class Judged:
    """The kernel's answers about one message.

    Attributes:
        route: agent and session by routing.
        session_key: the canonical key that the turn runs under.
        admission: may it, and what follows.
    """

    route: Route
    session_key: str
    admission: Admission


def judge(policy: Policy, message: InboundMessage, around: Surroundings, now_ms: int) -> Judged:
    """Route first, because mention patterns belong to the agent, then decide admission.

    A message that routing refuses (an agent that is not listed, an id that could forge a key) is dropped.
    """
    found = route(policy.routing, place_of(message))
    key = _session_key(policy, message, found)
    session = SessionView(key=key, group_activation=around.activation(key), agent_id=found.agent_id)
    admission = decide(
        policy.access,
        message.channel,
        message.account,
        around.identity(message.channel, message.account),
        around.store(message.channel, message.account),
        session,
        message.facts,
        now_ms,
    )
    if admission.decision is Decision.DELIVER and found.refused:
        admission = Admission(Decision.DROP, (*admission.reasons, *found.refused))
    return Judged(route=found, session_key=key, admission=admission)


def place_of(message: InboundMessage) -> InboundPlace:
    """Return what routing looks at; a topic is a peer of its own whose parent is the chat."""
    facts = message.facts
    return InboundPlace(
        channel=message.channel,
        account_id=message.account,
        peer=_peer(facts),
        parent_peer=_parent(facts),
        guild_id=facts.guild.id if facts.guild is not None else None,
        team_id=facts.team.id if facts.team is not None else None,
    )


def _peer(facts: MessageFacts) -> Peer:
    if facts.chat_type is ChatType.DIRECT:
        return Peer(PeerKind.DIRECT, facts.sender.id or facts.sender.e164 or facts.sender.uuid or "")
    if facts.chat_type in ROOMS:
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


def _session_key(policy: Policy, message: InboundMessage, found: Route) -> str:
    """Return the route's key; a thread inside a chat gets its own, forum topics have it already."""
    facts = message.facts
    if facts.thread_id is None or facts.topic_id is not None:
        return found.store_key
    return policy.routing.canonical(thread_key(found.session_key, facts.thread_id)[0], found.agent_id)
