"""May this sender in this chat reach an agent, and in which session: asked by the function that intake asks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from openclaw.agent.contract import ReplyTarget
from openclaw.channels.admit import Judged
from openclaw.channels.contract import InboundMessage
from openclaw.policy.domain.people import sender_with
from openclaw.policy.verdict import Reason
from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT
from openclaw.policy.who.access_policy import AccountAccess
from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.facts import ChatType, Mentions, MessageFacts, Named
from openclaw.policy.who.rule_columns import ChannelRules, MapKind
from openclaw.policy.who.rule_table import rules_for
from openclaw.security.explain.answer import Answer
from openclaw.security.explain.world import World
from openclaw.tools.contract import RunContext

_RELATED: Final = ("dm_policy", "allow_from", "group_policy", "group_allow_from", "map", "enabled", "owner_allow_from")
"""Settings of an account that can change whether a message is admitted."""
_OUTCOMES: Final = {
    Decision.DELIVER: "delivered",
    Decision.DROP: "dropped",
    Decision.PAIR: "answered with a pairing code",
    Decision.BUFFER: "kept as context for the next mention",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A message that somebody might send.

    Attributes:
        channel: channel id.
        sender: id of the sender, as the platform gives it.
        account: account of the channel; None is the default one.
        username, name: what the sender calls himself.
        chat: id of the conversation; None is the direct chat with the sender.
        group: the conversation is a group or room.
        chat_name: name of the room.
        guild, team, topic: where the room lies.
        mention: the bot is mentioned.
        text: what is written.
        facts: the whole message, where it is known already.
    """

    channel: str
    sender: str = ""
    account: str | None = None
    username: str | None = None
    name: str | None = None
    chat: str | None = None
    group: bool = False
    chat_name: str | None = None
    guild: str | None = None
    team: str | None = None
    topic: str | None = None
    mention: bool = False
    text: str = "hello"
    facts: MessageFacts | None = None

    def inbound(self, world: World) -> InboundMessage:
        """Return the message as a channel would offer it."""
        channel = self.channel.strip().lower()
        known = world.policy.access.channels.get(channel)
        account = self.account or (known.default_account if known is not None else DEFAULT_ACCOUNT)
        facts = self.facts or self._facts(rules_for(channel))
        return InboundMessage(
            channel=channel,
            account=account,
            event_id="explain",
            facts=facts,
            message_id="explain",
            sent_ms=world.seen.clock.now_ms(),
            body=facts.text,
            sender_label=self.sender,
            target=ReplyTarget(channel=channel, account=account, to=facts.chat_id or self.sender),
        )

    def _facts(self, rules: ChannelRules) -> MessageFacts:
        sender = replace(sender_with(rules.identity, self.sender), username=self.username, name=self.name)
        in_room = self.group or self.chat is not None or bool(self.guild or self.team)
        return MessageFacts(
            chat_type=self._chat_type(rules) if in_room else ChatType.DIRECT,
            chat_id=self.chat or "",
            sender=sender if self.sender else replace(sender, id=None, e164=None),
            text=self.text,
            chat_name=self.chat_name,
            topic_id=self.topic,
            guild=Named(self.guild) if self.guild else None,
            team=Named(self.team) if self.team else None,
            mentions=Mentions(me=self.mention),
        )

    def _chat_type(self, rules: ChannelRules) -> ChatType:
        if rules.map_kind is MapKind.ROOMS and not (self.chat or "").startswith("G"):
            return ChatType.CHANNEL
        if rules.map_kind is MapKind.TEAMS and self.team:
            return ChatType.CHANNEL
        return ChatType.GROUP if ChatType.GROUP in rules.chat_types else ChatType.CHANNEL

    def told(self, inbound: InboundMessage) -> str:
        """Return the message in words."""
        facts = inbound.facts
        who = self.sender or facts.sender.id or facts.sender.e164 or "a sender without an id"
        direct = facts.chat_type is ChatType.DIRECT
        where = "in a direct chat" if direct else f"in {facts.chat_type} {facts.chat_id or '?'}"
        account = f" account {inbound.account}" if inbound.account != DEFAULT_ACCOUNT else ""
        spoken = "" if direct else ", mentioning the bot" if facts.mentions.me else ", without a mention"
        return f"a message from {who} on {inbound.channel}{account} {where}{spoken}"


@dataclass(frozen=True, slots=True)
class Heard:
    """A judged message with the run that it would start.

    Attributes:
        inbound: the message.
        judged: what the kernel says.
        run: the run; None when it is not delivered.
    """

    inbound: InboundMessage
    judged: Judged
    run: RunContext | None


def hear(world: World, message: Message) -> Heard:
    """Judge a message as intake does, and prepare its run as the agent does."""
    inbound = message.inbound(world)
    judged = world.judge(inbound)
    delivered = judged.admission.decision is Decision.DELIVER
    return Heard(inbound, judged, world.run_of(inbound, judged) if delivered else None)


async def admission(world: World, message: Message) -> Answer:
    """Answer whether a message reaches an agent."""
    heard = hear(world, message)
    found, facts = heard.judged.admission, heard.inbound.facts
    scope = world.policy.access.account(heard.inbound.channel, heard.inbound.account)
    details: dict[str, Any] = {
        "decision": str(found.decision),
        "channel": heard.inbound.channel,
        "account": heard.inbound.account,
        "agent": heard.judged.route.agent_id,
        "commandAuthorized": found.command_authorized,
        "senderIsOwner": found.sender_is_owner,
    }
    if found.admitted_by is not None:
        details["wordsCountAs"] = str(found.admitted_by)
    return Answer(
        kind="admission",
        question=f"Does {message.told(heard.inbound)} reach an agent?",
        outcome=_OUTCOMES[found.decision],
        allowed=found.decision is Decision.DELIVER,
        trail=found.reasons,
        details=details,
        related=_related(scope),
        tokens=tokens_of(facts),
    )


async def commands(world: World, message: Message) -> Answer:
    """Answer whether commands of a sender would be obeyed there."""
    heard = hear(world, message)
    found = heard.judged.admission
    scope = world.policy.access.account(heard.inbound.channel, heard.inbound.account)
    rules = [reason for reason in found.reasons if reason.rule.startswith("command.")]
    given = Reason("command.authorized", _key(scope, "command_lists"), "The sender has command authority here.")
    channel, tokens = heard.inbound.channel, tokens_of(heard.inbound.facts)
    return Answer(
        kind="commands",
        question=f"Are commands obeyed in {message.told(heard.inbound)}?",
        outcome="obeyed" if found.command_authorized else "refused",
        allowed=found.command_authorized,
        trail=(given,) if found.command_authorized else tuple(rules or found.reasons[-1:]),
        details={"owner": found.sender_is_owner},
        related=("commands.ownerAllowFrom", *_related(scope)),
        tokens=(*tokens, *(f"{channel}:{token}" for token in tokens)),
    )


async def session(world: World, message: Message) -> Answer:
    """Answer which agent and session a message belongs to."""
    heard = hear(world, message)
    route, routing = heard.judged.route, world.policy.routing
    bound = Reason(
        f"route.{route.matched_by}",
        route.binding_key or "bindings",
        f"A binding gives it to agent {route.agent_id}."
        if route.binding_key
        else f"No binding claims it: agent {route.agent_id} takes it.",
    )
    scope = Reason("session.dm-scope", "session.dmScope", f"Direct chats: {routing.dm_scope}.")
    direct = heard.inbound.facts.chat_type is ChatType.DIRECT
    return Answer(
        kind="session",
        question=f"Which session is {message.told(heard.inbound)} part of?",
        outcome=heard.judged.session_key,
        allowed=not route.refused,
        trail=(bound, *((scope,) if direct else ()), *route.refused),
        details={
            "agent": route.agent_id,
            "sessionKey": heard.judged.session_key,
            "mainSessionKey": route.main_session_key,
            "matchedBy": str(route.matched_by),
        },
    )


def tokens_of(facts: MessageFacts) -> tuple[str, ...]:
    """Return what lists of people and maps of places would have to hold for a message."""
    sender = facts.sender
    people = (sender.id, sender.e164, sender.uuid)
    places = (
        facts.guild.id if facts.guild else None,
        facts.team.id if facts.team else None,
        facts.chat_id if facts.chat_type is not ChatType.DIRECT else None,
        facts.topic_id,
    )
    return tuple(dict.fromkeys(text for text in (*people, *places) if text))


def _related(scope: AccountAccess | None) -> tuple[str, ...]:
    if scope is None:
        return ()
    return tuple(key for name in _RELATED if (key := scope.keys.get(name)))


def _key(scope: AccountAccess | None, setting: str) -> str | None:
    return scope.keys.get(setting) if scope is not None else None
