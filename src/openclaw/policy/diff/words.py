"""How gained and lost powers are told: one sentence for everybody whom the same thing happens to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from openclaw.policy.diff.model import Change
from openclaw.policy.domain.people import ANONYMOUS, ONCE_PAIRED, STRANGERS, Standing, shown
from openclaw.policy.domain.powers import (
    ANY_COMMAND,
    ASKED_COMMANDS,
    IN_SANDBOX,
    LISTED_COMMANDS,
    ON_NODE,
    Grant,
    Power,
)
from openclaw.policy.domain.subjects import WEBCHAT, Subject
from openclaw.policy.domain.venues import DIRECT

_TOOL_ORDER: Final = (
    "exec",
    "process",
    "write",
    "edit",
    "apply_patch",
    "read",
    "gateway",
    "nodes",
    "cron",
    "browser",
    "message",
    "sessions_send",
    "sessions_spawn",
)
"""Tools that are named first; the others follow by name."""
_TOOLS_SHOWN: Final = 4
_EVERYBODY: Final = 3
"""From so many rows on, a thing that happens to all who reach an agent is told of everybody."""


@dataclass(frozen=True, slots=True)
class Row:
    """What a change does to one subject.

    Attributes:
        subject: who, and where.
        moved: what it gained, or lost.
        whole: all that it has on the side where `moved` is.
    """

    subject: Subject
    moved: frozenset[Grant]
    whole: frozenset[Grant]


@dataclass(frozen=True, slots=True)
class _Saying:
    """A predicate about an agent: `can now {verb} agent main{rest}`; `bare` is said of everybody who reaches it."""

    agent: str
    text: str
    bare: str
    topic: str


def tell(rows: Iterable[Row], *, gained: bool) -> list[Change]:
    """Return sentences for what subjects gained, or lost; rows that say the same become one."""
    told: dict[_Saying, list[Subject]] = {}
    reaching: dict[str, int] = {}
    for row in rows:
        for grant in row.whole:
            if grant.power is Power.REACH:
                reaching[grant.agent] = reaching.get(grant.agent, 0) + 1
        for saying in _sayings(row, gained=gained):
            told.setdefault(saying, []).append(row.subject)
    can = "can now" if gained else "can no longer"
    changes = []
    for saying, subjects in told.items():
        everybody = saying.bare and len(subjects) >= _EVERYBODY and len(subjects) == reaching.get(saying.agent)
        who = f"everybody who reaches agent {saying.agent}" if everybody else "; ".join(name_all(subjects))
        changes.append(Change(f"{who} {can} {saying.bare if everybody else saying.text}", saying.topic))
    return changes


def _sayings(row: Row, *, gained: bool) -> Iterator[_Saying]:
    for agent in sorted({grant.agent for grant in row.moved}):
        moved = {grant for grant in row.moved if grant.agent == agent}
        if Grant(Power.REACH, agent) in moved:
            whole = {grant for grant in row.whole if grant.agent == agent}
            yield _reach(row.subject, agent, whole, gained=gained)
        else:
            by_power: dict[Power, list[str]] = {}
            for grant in sorted(moved):
                by_power.setdefault(grant.power, []).append(grant.name)
            if Power.UNPROMPTED in by_power:
                by_power.pop(Power.OVERHEARD, None)
            if Power.READ in by_power and by_power[Power.READ] == by_power.get(Power.WRITE):
                yield _FILE_SAYER(agent, by_power.pop(Power.WRITE))
                del by_power[Power.READ]
            yield from (_SAYERS[power](agent, names) for power, names in by_power.items())


def _reach(subject: Subject, agent: str, whole: set[Grant], *, gained: bool) -> _Saying:
    if not gained:
        return _Saying(agent, f"reach agent {agent}", "", "access")
    parts = [f"reach agent {agent}"]
    if not subject.venue.is_direct and Grant(Power.UNPROMPTED, agent) not in whole:
        parts.append(" with a mention")
    names = [grant.name for grant in whole if grant.power is Power.TOOL and " with " not in grant.name]
    if names:
        parts.append(f"{' and' if len(parts) > 1 else ''} with {tools_text(names)}")
    commands = [grant.name for grant in whole if grant.power is Power.EXEC]
    extras = [_commands_text(commands)] if set(commands) - {IN_SANDBOX} else []
    extras += [text for power, text in _EXTRAS if any(grant.power is power for grant in whole)]
    if extras:
        parts.append(f"; also {', '.join(extras)}")
    return _Saying(agent, "".join(parts), "", "access")


_EXTRAS: Final = (
    (Power.HOST, "outside the sandbox"),
    (Power.ELEVATED, "elevated"),
    (Power.OWNER, "as an owner"),
    (Power.COMMANDS, "giving commands"),
)


def tools_text(names: Iterable[str]) -> str:
    """Return tool names for people: the weighty ones first, the rest as a number."""
    order = {name: number for number, name in enumerate(_TOOL_ORDER)}
    listed = sorted(set(names), key=lambda name: (order.get(name, len(order)), name))
    more = len(listed) - _TOOLS_SHOWN
    if more <= 1:
        return _joined(listed)
    return f"{', '.join(listed[:_TOOLS_SHOWN])} and {more} more tools"


_COMMANDS: Final = (
    (ANY_COMMAND, "any command on {0}, unasked"),
    (LISTED_COMMANDS, "allowlisted commands on {0}, unasked"),
    (ASKED_COMMANDS, "commands on {0} that a person approves"),
)


def _commands_text(names: Iterable[str]) -> str:
    """Return the widest kind of commands on each place."""
    given, found = set(names), []
    for prefix, place in (("", "this machine"), (ON_NODE, "a node")):
        widest = next((text for name, text in _COMMANDS if f"{prefix}{name}" in given), None)
        if widest:
            found.append(widest.format(place))
    if IN_SANDBOX in given and ANY_COMMAND not in given:
        found.append("commands in the sandbox")
    return _joined(found)


def _tool_saying(agent: str, names: Sequence[str]) -> _Saying:
    plain = {name for name in names if " with " not in name}
    by_model = [name for name in names if " with " in name and name.split(" with ")[0] not in plain]
    text = tools_text([*plain, *by_model])
    return _Saying(agent, f"use {text} of agent {agent}", f"use {text}", "tools")


def _exec_saying(agent: str, names: Sequence[str]) -> _Saying:
    text = _commands_text(names)
    return _Saying(agent, f"run {text}, through agent {agent}", f"run {text}", "exec")


def _elevated_saying(agent: str, names: Sequence[str]) -> _Saying:
    how = _joined([name for name in names if name])
    text = f"leave the sandbox (elevated{f', {how}' if how else ''})"
    return _Saying(agent, f"{text} through agent {agent}", text, "exec")


_SIGHT: Final = {"tree": "sessions that they start", "agent": "all its sessions", "all": "sessions of all agents"}
_FILES: Final = {"workspace": "files of its workspace", "machine": "any file of this machine"}


def _having(deed: str, words: Mapping[str, str], topic: str) -> Callable[[str, Sequence[str]], _Saying]:
    def say(agent: str, names: Sequence[str]) -> _Saying:
        widest = next((name for name in reversed(list(words)) if name in names), None)
        what = words[widest] if widest is not None else _joined([f"agent {name}" for name in names])
        text = f"{deed} {what}"
        return _Saying(agent, f"have agent {agent} {text}", f"have it {text}", topic)

    return say


def _plain(text: str, topic: str, *, agent: bool = True) -> Callable[[str, Sequence[str]], _Saying]:
    def say(name: str, _names: Sequence[str]) -> _Saying:
        return _Saying(name, text.format(f"agent {name}"), text.format("it") if agent else "", topic)

    return say


_SAYERS: Final[Mapping[Power, Callable[[str, Sequence[str]], _Saying]]] = {
    Power.REACH: _plain("reach {0}", "access"),
    Power.UNPROMPTED: _plain("trigger {0} without a mention", "access"),
    Power.OVERHEARD: _plain("put unanswered words into the context of {0}", "access"),
    Power.PAIR: _plain("ask to be let in by pairing", "access", agent=False),
    Power.OWNER: _plain("act as an owner towards {0}", "commands"),
    Power.COMMANDS: _plain("give commands to {0}", "commands"),
    Power.NATIVE: _plain("give slash commands to {0}", "commands"),
    Power.APPROVE: _plain("approve commands of {0}", "exec"),
    Power.REPLIES: _plain("be answered by {0}", "sessions"),
    Power.HOST: _plain("use {0} outside the sandbox", "sandbox"),
    Power.TOOL: _tool_saying,
    Power.EXEC: _exec_saying,
    Power.ELEVATED: _elevated_saying,
    Power.READ: _having("read", _FILES, "files"),
    Power.WRITE: _having("write", _FILES, "files"),
    Power.SEES: _having("look into", _SIGHT, "sessions"),
    Power.TALKS: _having("talk to", {}, "sessions"),
    Power.SPAWNS: _having("start sub-agents of", {}, "sessions"),
}

_FILE_SAYER: Final = _having("read and write", _FILES, "files")


# Who


_STANDINGS: Final = tuple(Standing)


def name_all(subjects: Sequence[Subject]) -> list[str]:
    """Return who is meant: people of one channel account in the same conversations together."""
    by_venue: dict[tuple[str, str, str], dict[str, None]] = {}
    ordered = sorted(subjects, key=lambda one: _STANDINGS.index(one.person.standing))
    for one in ordered:
        by_venue.setdefault((one.channel, one.account, one.venue.label), {})[one.person.label] = None
    by_people: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for (channel, account, venue), labels in by_venue.items():
        by_people.setdefault((channel, account, tuple(labels)), []).append(venue)
    return [_who(channel, account, labels, places) for (channel, account, labels), places in by_people.items()]


def _who(channel: str, account: str, labels: Sequence[str], places: Sequence[str]) -> str:
    told = set(labels)
    implied = {ANONYMOUS} if STRANGERS in told else set()
    implied |= {f"{label}{ONCE_PAIRED}" for label in labels}
    people = _joined([label for label in labels if label not in implied])
    if channel in ("", WEBCHAT):
        return people
    where = f"{channel} account {account}" if account != "default" else channel
    ordered = sorted(places, key=lambda place: (place != DIRECT, place.startswith("other"), place))
    return f"{where} {people} in {_joined(_few(ordered))}"


def _few(places: Sequence[str]) -> list[str]:
    return [shown(places)] if len(places) > _TOOLS_SHOWN else list(places)


def _joined(texts: Sequence[str]) -> str:
    if len(texts) < 2:
        return texts[0] if texts else ""
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
