"""Everybody whom one or several policies can tell apart, in every conversation; nobody twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from openclaw.policy.domain.people import ONCE_PAIRED, Person, Standing, people
from openclaw.policy.domain.sources import collect, places_of
from openclaw.policy.domain.venues import DIRECT, Venue, venues
from openclaw.policy.snapshot import Policy
from openclaw.policy.what.elevated import ANYONE
from openclaw.policy.what.labels import Source
from openclaw.policy.where.key_ids import DEFAULT_ACCOUNT
from openclaw.policy.who.access_policy import AccountAccess
from openclaw.policy.who.facts import ChatType, MessageFacts, Sender

WEBCHAT: Final = "webchat"
_ADMIN: Final = "operator.admin"
_WRITE: Final = "operator.write"


@dataclass(frozen=True, slots=True)
class Subject:
    """One class of people in conversations with equal settings, or runs that nobody's message starts.

    Attributes:
        channel: channel id; "" for runs that nobody's message starts.
        account: account of that channel.
        person: who.
        venue: where.
        agent: the agent, where the subject itself names it.
        source: what starts the run, where no message does.
    """

    channel: str
    account: str
    person: Person
    venue: Venue
    agent: str = ""
    source: Source | None = None


def account_pairs(policies: Sequence[Policy], sectionless: frozenset[str] = frozenset()) -> tuple[tuple[str, str], ...]:
    """Return (channel, account) of everything that can run under some policy.

    Args:
        policies: the policies.
        sectionless: channels that run without a section of the config (a token in the environment).
    """
    named = (
        (policy, channel, name)
        for policy in policies
        for channel, access in policy.access.channels.items()
        for name in access.accounts
    )
    scopes = ((channel, name, open_account(policy, channel, name, sectionless)) for policy, channel, name in named)
    return tuple(
        dict.fromkeys((channel, name) for channel, name, scope in scopes if scope and not scope.rules.operator)
    )


def open_account(
    policy: Policy, channel: str, account: str, sectionless: frozenset[str] = frozenset()
) -> AccountAccess | None:
    """Return an account through which messages can come in; None when it is off or nothing starts it."""
    access = policy.access.channels.get(channel)
    scope = access.accounts.get(account) if access is not None else None
    if access is None or scope is None or not scope.enabled:
        return None
    if account == DEFAULT_ACCOUNT and access.default_account != DEFAULT_ACCOUNT:
        return None
    return scope if scope.configured or channel in sectionless else None


def agents_of(policy: Policy) -> tuple[str, ...]:
    """Return the agents of a policy: those that are listed, else the default one."""
    routing = policy.routing
    return routing.agents or (routing.default_agent,)


def chat_subjects(policies: Sequence[Policy], sectionless: frozenset[str] = frozenset()) -> Iterator[Subject]:
    """Yield everybody who can write through a chat app; the arguments are those of `account_pairs`."""
    for channel, account in account_pairs(policies, sectionless):
        scopes = [scope for policy in policies if (scope := policy.access.account(channel, account)) is not None]
        listed = collect(policies, channel, account)
        bots = any(scope.allow_bots or any(p.allow_bots for _, p in places_of(scope.places)) for scope in scopes)
        proxied = any(scope.proxied_members for scope in scopes)
        who = people(scopes[0].rules, listed, bots=bots, proxied=proxied)
        for venue in venues(policies, channel, account, listed.chats):
            for person in who:
                if venue.is_direct or not person.label.endswith(ONCE_PAIRED):
                    yield Subject(channel, account, person, venue)


_DIRECT: Final = Venue(DIRECT, MessageFacts(ChatType.DIRECT))


def inner_subjects(policies: Sequence[Policy]) -> Iterator[Subject]:
    """Yield operators of the gateway, and runs that no message starts, for each agent."""
    agents = dict.fromkeys(agent for policy in policies for agent in agents_of(policy))
    hooks = any(policy.gateway.hooks.enabled for policy in policies)
    named = sorted({one for policy in policies for one in _named_operators(policy)})
    admins = [Person(Standing.OPERATOR, Sender(id="operator"), "operators with admin scope")]
    admins += [Person(Standing.OPERATOR, Sender(id=one), f"operator {one}", (one,)) for one in named]
    writer = Person(Standing.OPERATOR, Sender(id="client"), "clients with write scope")
    for agent in agents:
        for person, scope in (*((one, _ADMIN) for one in admins), (writer, _WRITE)):
            facts = MessageFacts(ChatType.DIRECT, sender=person.sender, operator_scopes=(scope,))
            yield Subject(WEBCHAT, "default", person, Venue(DIRECT, facts), agent)
        for source, label in _RUNS:
            if source is not Source.HOOK or hooks:
                yield Subject("", "", Person(Standing.INTERNAL, Sender(), label), _DIRECT, agent, source)


_RUNS: Final = (
    (Source.CRON, "cron jobs"),
    (Source.HOOK, "webhooks"),
    (Source.SESSION, "sub-agents"),
    (Source.OPERATOR, "POST /tools/invoke"),
)


def _named_operators(policy: Policy) -> Iterator[str]:
    lists = [policy.tools.elevated.allow_from]
    lists += [agent.allow_from for agent in policy.tools.elevated.agents.values() if agent.allow_from is not None]
    for by_channel in lists:
        for name, entries in by_channel.items():
            if name.strip().lower() == WEBCHAT:
                yield from (text for entry in entries if (text := entry.strip()) and text != ANYONE)
