"""Compares two policies over everything that they can tell apart (config.md 1.8)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final, Literal

from openclaw.policy.diff.gateway_facts import gateway_facts
from openclaw.policy.diff.mentioned import model_keys, with_mentioned
from openclaw.policy.diff.model import NO_CHANGE, Change, Fact, PolicyDiff
from openclaw.policy.diff.setting_facts import agent_facts, pattern_facts, setting_facts
from openclaw.policy.diff.words import Row, tell
from openclaw.policy.domain.lens import Lens
from openclaw.policy.domain.people import ONCE_PAIRED, Standing
from openclaw.policy.domain.powers import CORE_CATALOGUE, Grant, Power
from openclaw.policy.domain.subjects import Subject, agents_of, chat_subjects, inner_subjects
from openclaw.policy.snapshot import Policy
from openclaw.policy.what.tool_names import Catalogue

_FACT_WEIGHT: Final = 3
_WEIGHTS: Final = {Standing.NAMED: 3, Standing.PAIRED: 3, Standing.BOT: 5, Standing.STRANGER: 10}
"""How much it counts that somebody is concerned; a person whom a list names counts 1."""


def diff_policies(
    before: Policy,
    after: Policy,
    catalogue: Catalogue = CORE_CATALOGUE,
    *,
    sectionless: frozenset[str] = frozenset(),
) -> PolicyDiff:
    """Return what `after` admits that `before` does not, and the reverse.

    Total and monotone: a decision of the domain that goes from refuse to allow is always among what widens, and equal
    policies differ in nothing.

    Args:
        before: the policy in force.
        after: the one that would follow.
        catalogue: the tools that are known to exist; those that a list names count as well.
        sectionless: channels that run without a section of the config (a token in the environment).
    """
    if before is after:
        return NO_CHANGE
    pair = (before, after)
    agents = tuple(dict.fromkeys(agent for policy in pair for agent in agents_of(policy)))
    models, tools = model_keys(*pair), with_mentioned(catalogue, pair)
    left, right = (Lens(policy, tools, models=models, agents=agents, sectionless=sectionless) for policy in pair)
    subjects = (*chat_subjects(pair, sectionless), *inner_subjects(pair))
    rows = _settled([(one, left.look(one).grants, right.look(one).grants) for one in subjects], before, after)
    waits = _wait_for_mention(rows)
    gained = tell((Row(one, has - had, has) for one, had, has in rows), gained=True)
    lost = tell((Row(one, had - has, had) for one, had, has in rows), gained=False)
    old, new = (_facts(policy, agents_of(after), patterns=waits) for policy in pair)
    opens = (*_moved(new, old, guard=False), *_moved(old, new, guard=True, ends=True))
    old, new = (_facts(policy, agents_of(before), patterns=waits) for policy in pair)
    shuts = (*_moved(old, new, guard=False, ends=True), *_moved(new, old, guard=True))
    return PolicyDiff(
        widens=_distinct(gained, opens),
        narrows=_distinct(lost, shuts),
        weight=_people(rows) + _FACT_WEIGHT * len((*opens, *shuts)),
    )


_Row = tuple[Subject, frozenset[Grant], frozenset[Grant]]
"""A subject, and what it has under each of the two policies."""


def _settled(rows: Sequence[_Row], before: Policy, after: Policy) -> tuple[_Row, ...]:
    """Return the rows; where only one side has an agent, the other counts what the same operator or run had elsewhere.

    So an agent more gives nothing new to whoever could do as much through another one, and one less takes nothing away.
    People in chats are no such case: an agent is somebody's workspace and memory.
    """
    had, has = _elsewhere(rows, 1), _elsewhere(rows, 2)
    old, new = frozenset(agents_of(before)), frozenset(agents_of(after))
    return tuple(
        (
            one,
            _shared(had[_kind(one)], one.agent, right) if one.agent and one.agent not in old else left,
            _shared(has[_kind(one)], one.agent, left) if one.agent and one.agent not in new else right,
        )
        for one, left, right in rows
    )


def _people(rows: Sequence[_Row]) -> int:
    """Return how much the people count who have more or less than before, each once."""
    concerned = {
        (one.channel, one.account, one.person.label.removesuffix(ONCE_PAIRED)): _WEIGHTS.get(one.person.standing, 1)
        for one, had, has in rows
        if had != has
    }
    return sum(concerned.values())


def _kind(subject: Subject) -> Hashable:
    return subject.person.label, subject.source


def _elsewhere(rows: Sequence[_Row], side: Literal[1, 2]) -> Mapping[Hashable, Sequence[frozenset[Grant]]]:
    found: dict[Hashable, list[frozenset[Grant]]] = {}
    for row in rows:
        if row[0].agent:
            found.setdefault(_kind(row[0]), []).append(row[side])
    return found


def _shared(others: Sequence[frozenset[Grant]], agent: str, wanted: frozenset[Grant]) -> frozenset[Grant]:
    """Return what of the wanted one or another of the others has as well.

    A tool in a sandbox is not what it is outside: where some of them, and the one that is compared, are outside, only
    the tools of those count.
    """
    outside = [grants for grants in others if _is_outside(grants)]
    counted = outside if outside and _is_outside(wanted) else others
    return wanted & frozenset(
        replace(grant, agent=agent)
        for grants in others
        for grant in grants
        if grant.power is not Power.TOOL or grants in counted
    )


def _is_outside(grants: Iterable[Grant]) -> bool:
    return any(grant.power is Power.HOST for grant in grants)


def _facts(policy: Policy, agents: Sequence[str], *, patterns: bool) -> Mapping[Hashable, Fact]:
    spoken = pattern_facts(policy, agents) if patterns else ()
    by_agent = chain.from_iterable(_facts_of(policy, agent) for agent in agents)
    return {fact.key: fact for fact in chain(gateway_facts(policy), setting_facts(policy), by_agent, spoken)}


def _facts_of(policy: Policy, agent: str) -> Iterable[Fact]:
    """Return the facts of an agent; of one that the policy does not have, what holds of another one already."""
    known = agents_of(policy)
    if agent in known:
        return agent_facts(policy, agent, agent)
    tables = [{fact.key: fact for fact in agent_facts(policy, one, agent)} for one in known]
    found: dict[Hashable, Fact] = {}
    for fact in sorted(chain.from_iterable(table.values() for table in tables), key=lambda fact: fact.rank):
        if not fact.guard or all(fact.key in table for table in tables):
            found[fact.key] = fact
    return found.values()


def _wait_for_mention(rows: Sequence[_Row]) -> bool:
    """Return whether some room is answered only when the bot is mentioned."""
    for subject, *sides in rows:
        if subject.channel and not subject.venue.is_direct:
            for grants in sides:
                reached = {grant.agent for grant in grants if grant.power is Power.REACH}
                if any(Grant(Power.UNPROMPTED, agent) not in grants for agent in reached):
                    return True
    return False


def _moved(
    one: Mapping[Hashable, Fact], other: Mapping[Hashable, Fact], *, guard: bool, ends: bool = False
) -> Iterator[Change]:
    """Yield the facts of `one` that `other` lacks, or has at a lower rank; those that differ in `who` alone as one."""
    now = "no longer" if ends else "now"
    told: dict[tuple[str, str], list[Fact]] = {}
    for key, fact in one.items():
        known = other.get(key)
        if fact.guard is not guard or (known is not None and known.rank >= fact.rank) or fact.within in other:
            continue
        told.setdefault((fact.said, fact.what), []).append(fact)
    for (said, what), facts in told.items():
        who = ", ".join(dict.fromkeys(fact.who for fact in facts))
        text = said.replace("{now}", now).replace("{who}", who).replace("{what}", what)
        yield Change(text, facts[0].topic)


def _distinct(*parts: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes once each; what of the config cannot be printed is shown by its number."""
    return tuple(dict.fromkeys(replace(change, text=_printable(change.text)) for change in chain(*parts)))


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in text)
