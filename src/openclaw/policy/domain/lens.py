"""One policy, asked about one class of people in one conversation: admission, session, and what a run there may do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from openclaw.policy.domain.people import ME
from openclaw.policy.domain.powers import Grant, Power, PowerDesk, Powers
from openclaw.policy.domain.subjects import WEBCHAT, Subject, agents_of, open_account
from openclaw.policy.inbound import judge_inbound, space_of
from openclaw.policy.patterns import NO_PATTERNS, PatternSet, UserPattern, compile_pattern
from openclaw.policy.snapshot import Policy
from openclaw.policy.verdict import Outcome
from openclaw.policy.what.elevated import ElevatedFacts, Origin, admission_of, origin_of
from openclaw.policy.what.group_rooms import RoomFacts, ToolSender
from openclaw.policy.what.labels import Source
from openclaw.policy.what.tool_chain import ToolRun
from openclaw.policy.what.tool_names import Catalogue
from openclaw.policy.where.key_builders import cron_key, hook_key, main_session_key, subagent_key
from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT, PeerKind
from openclaw.policy.where.send_policy import SendFacts, may_send
from openclaw.policy.who.access_policy import AccountAccess
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.command_authority import may_approve
from openclaw.policy.who.facts import (
    EMPTY_STORE,
    NO_SELF,
    NO_SESSION,
    ChatType,
    EventKind,
    Mentions,
    MessageFacts,
    StoreView,
)

_TEXT: Final = "hello"
_NOW_MS: Final = 0
_ANYTHING: Final = compile_pattern(".", dot_all=True)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a policy says of a subject.

    Attributes:
        admission: of a message that speaks to the bot.
        unspoken: of one that does not; the same in a direct chat.
        agent: the routed agent.
        session_key: the session of such a message.
        powers: what a run there may do; None when nothing is admitted.
        grants: all of it, as what can be compared.
    """

    admission: Admission | None
    unspoken: Admission | None = None
    agent: str = ""
    session_key: str = ""
    powers: Powers | None = None
    grants: frozenset[Grant] = frozenset()


NOTHING: Final = Outlook(None)


class Lens:
    """One policy with what asking it often needs.

    Args:
        policy: the snapshot.
        catalogue: the tools that exist.
        models: `byProvider` keys under which runs are looked at.
        agents: agents that others may be asked to talk to or to start.
        sectionless: channels that run without a section of the config.
    """

    def __init__(
        self,
        policy: Policy,
        catalogue: Catalogue,
        *,
        models: Iterable[str] = (),
        agents: Iterable[str] = (),
        sectionless: frozenset[str] = frozenset(),
    ) -> None:
        self.policy = policy
        self._sectionless = sectionless
        self._desk = PowerDesk(policy, catalogue, models, agents)
        patterns = {name: _any_text(found) for name, found in policy.access.mention_patterns.items()}
        self._spoken = replace(policy, access=replace(policy.access, mention_patterns=MappingProxyType(patterns)))

    def look(self, subject: Subject) -> Outlook:
        """Return what the policy says of a subject."""
        if subject.channel == WEBCHAT:
            return self._operator(subject)
        if subject.source is not None:
            return self._inner(subject, subject.source)
        return self._chat(subject)

    # People in chats

    def _chat(self, subject: Subject) -> Outlook:
        scope = open_account(self.policy, subject.channel, subject.account, self._sectionless)
        if scope is None:
            return NOTHING
        facts = replace(subject.venue.facts, sender=subject.person.sender, text=_TEXT)
        spoken = replace(facts, mentions=Mentions(me=True))
        heard = self._judge(self._spoken, subject, spoken)
        plain = heard if subject.venue.is_direct else self._judge(self.policy, subject, facts)
        admission, agent, key = heard
        grants = set(_admitted(admission, plain[0], agent, direct=subject.venue.is_direct))
        powers = None
        if admission.decision is Decision.DELIVER:
            powers = self._powers(subject, spoken, admission, agent, key)
            grants |= powers.grants
            grants |= set(self._authority(scope, subject, spoken, admission, agent, key))
        return Outlook(admission, plain[0], agent, key, powers, frozenset(grants))

    @staticmethod
    def _judge(policy: Policy, subject: Subject, facts: MessageFacts) -> tuple[Admission, str, str]:
        found = judge_inbound(
            policy,
            subject.channel,
            subject.account,
            facts,
            identity=ME,
            store=StoreView(allow_from=subject.person.approved),
            activation=lambda _key: None,
            now_ms=_NOW_MS,
        )
        return found.admission, found.route.agent_id, found.session_key

    def _powers(self, subject: Subject, facts: MessageFacts, admission: Admission, agent: str, key: str) -> Powers:
        source = admission.admitted_by or Source.STRANGER
        run = tool_run(subject.channel, subject.account, facts, admission, agent, key)
        return self._desk.powers(run, elevated_facts(subject.channel, facts, admission, source, agent, key))

    def _authority(
        self, scope: AccountAccess, subject: Subject, facts: MessageFacts, admission: Admission, agent: str, key: str
    ) -> Iterator[Grant]:
        if admission.sender_is_owner:
            yield Grant(Power.OWNER, agent)
        if admission.command_authorized:
            yield Grant(Power.COMMANDS, agent)
        if may_approve(scope, facts, admission).outcome is Outcome.ALLOW:
            yield Grant(Power.APPROVE, agent)
        if scope.native_commands:
            native = self._judge(self._spoken, subject, replace(facts, kind=EventKind.NATIVE))[0]
            if native.decision is Decision.DELIVER and native.command_authorized:
                yield Grant(Power.NATIVE, agent)
        sends = SendFacts(key, channel=subject.channel, chat_type=_peer_kind(facts))
        if may_send(self.policy.routing.send, sends).outcome is Outcome.ALLOW:
            yield Grant(Power.REPLIES, agent)

    # Operators, and runs that nobody's message starts

    def _operator(self, subject: Subject) -> Outlook:
        agent, facts = subject.agent, subject.venue.facts
        if agent not in agents_of(self.policy):
            return NOTHING
        key = self.policy.routing.canonical(main_session_key(agent))
        admission = decide(
            self.policy.access, WEBCHAT, DEFAULT_ACCOUNT, NO_SELF, EMPTY_STORE, NO_SESSION, facts, _NOW_MS
        )
        if admission.decision is not Decision.DELIVER:
            return Outlook(admission, admission, agent, key)
        powers = self._powers(subject, facts, admission, agent, key)
        grants = {*powers.grants, Grant(Power.REACH, agent)}
        if admission.sender_is_owner:
            grants.add(Grant(Power.OWNER, agent))
        if admission.command_authorized:
            grants.add(Grant(Power.COMMANDS, agent))
        return Outlook(admission, admission, agent, key, powers, frozenset(grants))

    def _inner(self, subject: Subject, source: Source) -> Outlook:
        agent = subject.agent
        if agent not in agents_of(self.policy):
            return NOTHING
        main = self.policy.routing.canonical(main_session_key(agent))
        match source:
            case Source.CRON:
                run = ToolRun(agent, cron_key(agent, "job"))
            case Source.HOOK:
                if not self.policy.gateway.hooks.enabled:
                    return NOTHING
                run = ToolRun(agent, hook_key(agent, "any"))
            case Source.SESSION:
                if "sessions_spawn" not in self._desk.tools(ToolRun(agent, main)):
                    return NOTHING
                run = ToolRun(agent, subagent_key(agent, "any"))
            case _:
                run = ToolRun(agent, main, sender=ToolSender(is_owner=True), over_http=True)
        powers = self._desk.powers(run, _nobody(agent, origin_of(source, run.session_key)))
        grants = {*powers.grants, Grant(Power.REACH, agent)}
        if run.over_http:
            grants = {grant for grant in powers.grants if grant.power in (Power.TOOL, Power.EXEC)}
        return Outlook(None, None, agent, run.session_key, powers, frozenset(grants))


def _any_text(found: PatternSet) -> PatternSet:
    """Return what stands for a text that one of the patterns matches; without patterns nothing does."""
    return PatternSet((_ANYTHING,)) if found.patterns and isinstance(_ANYTHING, UserPattern) else NO_PATTERNS


def _admitted(spoken: Admission, plain: Admission, agent: str, *, direct: bool) -> Iterator[Grant]:
    if spoken.decision is Decision.DELIVER:
        yield Grant(Power.REACH, agent)
    if spoken.decision is Decision.PAIR:
        yield Grant(Power.PAIR)
    if direct:
        return
    if plain.decision is Decision.DELIVER:
        yield Grant(Power.UNPROMPTED, agent)
    if plain.decision in (Decision.DELIVER, Decision.BUFFER):
        yield Grant(Power.OVERHEARD, agent)


def tool_run(
    channel: str, account: str, facts: MessageFacts, admission: Admission, agent: str, session_key: str
) -> ToolRun:
    """Return the run that an admitted message starts, as the tool policy sees it."""
    sender, is_room = facts.sender, facts.chat_type is not ChatType.DIRECT
    return ToolRun(
        agent_id=agent,
        session_key=session_key,
        sender=ToolSender(
            id=sender.id or sender.e164 or sender.uuid,
            e164=sender.e164,
            username=sender.username,
            name=sender.name,
            is_owner=admission.sender_is_owner,
        ),
        room=RoomFacts(
            channel=channel,
            account_id=account,
            group_id=facts.chat_id if is_room else None,
            group_channel=facts.chat_name if is_room else None,
            group_space=space_of(facts),
        ),
    )


def elevated_facts(
    channel: str, facts: MessageFacts, admission: Admission, source: Source, agent: str, session_key: str
) -> ElevatedFacts:
    """Return who asks for elevation in the run of an admitted message."""
    sender, is_room = facts.sender, facts.chat_type is not ChatType.DIRECT
    return ElevatedFacts(
        agent_id=agent,
        channel=channel,
        sender_id=sender.id or sender.e164 or sender.uuid,
        sender_e164=sender.e164,
        names=tuple(name for name in (sender.name, sender.username) if name),
        chat_id=facts.chat_id if is_room else None,
        is_group=is_room,
        mentioned=admission.effects.mention,
        admission=admission_of(source),
        origin=origin_of(source, session_key),
    )


def _nobody(agent: str, origin: Origin) -> ElevatedFacts:
    return ElevatedFacts(agent, None, origin=origin)


def _peer_kind(facts: MessageFacts) -> PeerKind:
    if facts.chat_type is ChatType.DIRECT:
        return PeerKind.DIRECT
    return PeerKind.CHANNEL if facts.chat_type in (ChatType.CHANNEL, ChatType.THREAD) else PeerKind.GROUP
