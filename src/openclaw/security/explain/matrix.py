"""Who x what for a whole config: all classes of people in all conversations, strangers included, and what they have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from openclaw.policy.domain.lens import Lens, Outlook
from openclaw.policy.domain.people import ANONYMOUS
from openclaw.policy.domain.powers import (
    ANY_COMMAND,
    ASKED_COMMANDS,
    IN_SANDBOX,
    LISTED_COMMANDS,
    ON_NODE,
    Grant,
    Power,
)
from openclaw.policy.domain.subjects import WEBCHAT, Subject, agents_of, chat_subjects, inner_subjects
from openclaw.policy.snapshot import Policy
from openclaw.policy.what.labels import Source
from openclaw.policy.what.tool_names import GROUPS, Catalogue
from openclaw.policy.who.admission_result import Decision

TOOL_GROUPS: Final = tuple(
    (name.removeprefix("group:"), members) for name, members in GROUPS.items() if name != "group:openclaw"
)
"""The tool groups with their members; the one that joins most of the others is left out."""
_REACHES: Final = {Decision.DROP: "no", Decision.PAIR: "may ask (pairing)", Decision.BUFFER: "context only"}


@dataclass(frozen=True, slots=True)
class Cell:
    """How much of a tool group somebody has.

    Attributes:
        have: names that he has.
        exist: names that this build has.
    """

    have: tuple[str, ...]
    exist: tuple[str, ...]

    @property
    def word(self) -> str:
        """Return `all`, `some`, `no`, or `-` where the build has no such tool."""
        if not self.exist:
            return "-"
        if not self.have:
            return "no"
        return "all" if len(self.have) == len(self.exist) else "some"


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the matrix.

    Attributes:
        channel, account: the way in; channel "" for runs that no message starts.
        who, standing: the people, and what they are to the config.
        where: the conversations.
        reaches: whether, and how, they reach an agent.
        agent, session: the agent and session that they reach.
        sandbox: `yes` or `no`; "" where nothing runs.
        tools: tool groups, by name.
        exec: what their commands may do on this machine.
        elevated, commands, owner, approves: further rights.
    """

    channel: str
    account: str
    who: str
    standing: str
    where: str
    reaches: str
    agent: str = ""
    session: str = ""
    sandbox: str = ""
    tools: tuple[tuple[str, Cell], ...] = ()
    exec: str = ""
    elevated: bool = False
    commands: bool = False
    owner: bool = False
    approves: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        found: dict[str, Any] = {
            "channel": self.channel or None,
            "account": self.account or None,
            "who": self.who,
            "standing": self.standing,
            "where": self.where,
            "reaches": self.reaches,
            "agent": self.agent or None,
            "session": self.session or None,
            "sandbox": None if not self.sandbox else self.sandbox == "yes",
            "tools": {name: {"word": cell.word, "have": list(cell.have)} for name, cell in self.tools},
            "exec": self.exec or None,
        }
        return found | {
            "elevated": self.elevated,
            "commands": self.commands,
            "owner": self.owner,
            "approves": self.approves,
        }


def matrix(policy: Policy, catalogue: Catalogue, sectionless: frozenset[str] = frozenset()) -> tuple[Line, ...]:
    """Return who has what under a policy.

    Args:
        policy: the policy.
        catalogue: the tools of this build.
        sectionless: channels that run without a section of the config.
    """
    agents = agents_of(policy)
    lens = Lens(policy, catalogue, agents=agents, sectionless=sectionless)
    exist = frozenset(catalogue.tools)
    subjects: Iterable[Subject] = chain(chat_subjects((policy,), sectionless), inner_subjects((policy,)))
    return tuple(_lines(lens, exist, (one for one in subjects if one.person.label != ANONYMOUS)))


def _lines(lens: Lens, exist: frozenset[str], subjects: Iterable[Subject]) -> Iterator[Line]:
    for subject in subjects:
        found = lens.look(subject)
        plain = Line(
            channel=subject.channel,
            account=subject.account if subject.channel not in ("", WEBCHAT) else "",
            who=subject.person.label,
            standing=str(subject.person.standing),
            where=_where(subject),
            reaches=_reaches(subject, found),
        )
        yield plain if found.powers is None else _full(plain, found, exist, _session(subject, found))


def _where(subject: Subject) -> str:
    if subject.channel == WEBCHAT:
        return "web chat"
    if subject.source is Source.OPERATOR:
        return "HTTP"
    return subject.venue.label if subject.channel else "no chat"


def _reaches(subject: Subject, found: Outlook) -> str:
    if subject.source is not None:
        return "yes" if found.powers is not None else "no"
    if found.admission is None:
        return "no"
    if found.admission.decision is not Decision.DELIVER:
        heard = found.unspoken is not None and found.unspoken.decision is Decision.BUFFER
        return _REACHES[Decision.BUFFER] if heard else _REACHES[found.admission.decision]
    waits = found.unspoken is not None and found.unspoken.decision is not Decision.DELIVER
    return "on mention" if waits and not subject.venue.is_direct else "yes"


def _session(subject: Subject, found: Outlook) -> str:
    """Return the session's key; ids that were made up for the question read `<id>`."""
    key, facts, sender = found.session_key, subject.venue.facts, subject.person.sender
    if subject.source is not None and key.startswith("agent:"):
        return key.replace(":cron:job", ":cron:<id>").replace(":any", ":<id>")
    made_up = [] if subject.venue.members and facts.chat_id in subject.venue.members else [facts.chat_id]
    if not subject.person.members and subject.channel != WEBCHAT:
        made_up += [text for text in (sender.id, sender.e164) if text]
    for text in made_up:
        if text:
            key = key.replace(text.lower(), "<id>")
    return key


def _full(line: Line, found: Outlook, exist: frozenset[str], session: str) -> Line:
    powers = found.powers
    assert powers is not None
    has = {grant.power for grant in found.grants}
    tools = tuple(
        (name, Cell(tuple(m for m in members if m in powers.tools), tuple(m for m in members if m in exist)))
        for name, members in TOOL_GROUPS
    )
    return Line(
        channel=line.channel,
        account=line.account,
        who=line.who,
        standing=line.standing,
        where=line.where,
        reaches=line.reaches,
        agent=found.agent,
        session=session,
        sandbox="yes" if powers.sandboxed else "no",
        tools=tools,
        exec=_exec(found.grants),
        elevated=Power.ELEVATED in has,
        commands=Power.COMMANDS in has,
        owner=Power.OWNER in has,
        approves=Power.APPROVE in has,
    )


_HOST: Final = ((ANY_COMMAND, "any"), (LISTED_COMMANDS, "listed"), (ASKED_COMMANDS, "asks"))


def _exec(grants: Iterable[Grant]) -> str:
    """Return the widest kind of commands on the host: `any`, `listed, asks`, `asks`; else `sandbox`, `node` or `no`."""
    names = {grant.name for grant in grants if grant.power is Power.EXEC}
    for prefix, place in (("", ""), (ON_NODE, "node: ")):
        if f"{prefix}{ANY_COMMAND}" in names:
            return f"{place}any"
        words = [word for name, word in _HOST if f"{prefix}{name}" in names]
        if words:
            return f"{place}{', '.join(words)}"
    return "sandbox" if IN_SANDBOX in names else "no"
