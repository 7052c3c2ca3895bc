"""The sentences of the policy diff, word for word: who, where, and what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from openclaw.policy.diff.words import Row, name_all, tell, tools_text
from openclaw.policy.domain.people import ANONYMOUS, ONCE_PAIRED, STRANGERS, Person, Standing
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
from openclaw.policy.domain.venues import DIRECT, Venue
from openclaw.policy.what.labels import Source
from openclaw.policy.who.facts import ChatType, MessageFacts, Sender
from support.answers import check_answers

OWNER = Person(Standing.OWNER, Sender(id="1"), "owner 1")
LISTED = Person(Standing.LISTED, Sender(id="2"), "listed sender 2")
TWIN = Person(Standing.LISTED, Sender(id="2"), f"listed sender 2{ONCE_PAIRED}")
NAMED = Person(Standing.NAMED, Sender(id="3"), "whoever is called @ann")
PAIRED = Person(Standing.PAIRED, Sender(id="4"), "paired senders")
STRANGER = Person(Standing.STRANGER, Sender(id="5"), STRANGERS)
NOBODY = Person(Standing.STRANGER, Sender(), ANONYMOUS)
OPERATOR = Person(Standing.OPERATOR, Sender(id="operator"), "operators with admin scope")
WRITER = Person(Standing.OPERATOR, Sender(id="client"), "clients with write scope")
CRON = Person(Standing.INTERNAL, Sender(), "cron jobs")
PEOPLE = (OWNER, LISTED, TWIN, NAMED, PAIRED, STRANGER, NOBODY)

DM = Venue(DIRECT, MessageFacts(ChatType.DIRECT))
ROOM = Venue("group -100", MessageFacts(ChatType.GROUP, "-100"))


def group(label: str) -> Venue:
    return Venue(label, MessageFacts(ChatType.GROUP, label))


def on(person: Person, venue: Venue = DM, *, channel: str = "telegram", account: str = "default") -> Subject:
    return Subject(channel, account, person, venue)


def inside(person: Person, agent: str = "main") -> Subject:
    if person is CRON:
        return Subject("", "", person, DM, agent, Source.CRON)
    return Subject(WEBCHAT, "default", person, DM, agent)


# Who, and where


CROWDS: tuple[tuple[Subject, ...], ...] = (
    (),
    (on(OWNER),),
    *((on(person),) for person in PEOPLE),
    tuple(on(person) for person in PEOPLE),
    tuple(on(person) for person in reversed(PEOPLE)),
    (on(STRANGER), on(NOBODY)),
    (on(NOBODY), on(OWNER)),
    (on(TWIN), on(OWNER)),
    (on(OWNER, account="work"),),
    (on(OWNER), on(OWNER, account="work"), on(OWNER, channel="slack")),
    (on(OWNER, ROOM), on(OWNER)),
    (on(OWNER, group("other groups")), on(OWNER, ROOM), on(OWNER)),
    (on(OWNER, group("other groups")), on(OWNER, group("zebras")), on(OWNER, ROOM)),
    (on(OWNER, ROOM), on(LISTED, ROOM), on(OWNER)),
    (on(OWNER, ROOM), on(LISTED, ROOM), on(OWNER), on(LISTED)),
    tuple(on(OWNER, group(f"group {number}")) for number in range(4)),
    tuple(on(OWNER, group(f"group {number}")) for number in range(5)),
    (inside(OPERATOR), inside(WRITER)),
    (inside(OPERATOR), inside(CRON)),
    (inside(CRON), on(STRANGER, ROOM), inside(OPERATOR)),
)


def test_who_is_meant() -> None:
    answers: list[tuple[object, object]] = []
    for crowd in CROWDS:
        shown = [f"{one.channel} {one.account}: {one.person.label} in {one.venue.label}" for one in crowd]
        answers.append((shown, name_all(crowd)))
    check_answers("diff-who", answers)


# What


def grants(*names: tuple[Power, str] | Power, agent: str = "main") -> frozenset[Grant]:
    found = (name if isinstance(name, tuple) else (name, "") for name in names)
    return frozenset(Grant(power, agent, name) for power, name in found)


def tools(*names: str) -> tuple[tuple[Power, str], ...]:
    return tuple((Power.TOOL, name) for name in names)


COMMANDS = (ASKED_COMMANDS, LISTED_COMMANDS, ANY_COMMAND)
MANY = ("zebra", "cron", "exec", "read", "alpha", "message", "write")
MOVED: tuple[frozenset[Grant], ...] = (
    *(grants(power) for power in Power if power not in (Power.EXEC, Power.READ, Power.WRITE)),
    grants(Power.UNPROMPTED, Power.OVERHEARD),
    grants(Power.OWNER, Power.COMMANDS),
    *(grants(*tools(*MANY[:count])) for count in range(1, len(MANY) + 1)),
    grants(*tools("exec with openai", "exec", "read with openai")),
    grants(*tools("tools of plugins", "tools of plugins with openai", "read with openai")),
    *(grants((Power.EXEC, name)) for name in (IN_SANDBOX, *COMMANDS, *(f"{ON_NODE}{one}" for one in COMMANDS))),
    grants(*((Power.EXEC, name) for name in (IN_SANDBOX, *COMMANDS))),
    grants(*((Power.EXEC, name) for name in (IN_SANDBOX, ASKED_COMMANDS))),
    grants(*((Power.EXEC, name) for name in (ASKED_COMMANDS, LISTED_COMMANDS))),
    grants(*((Power.EXEC, name) for name in (LISTED_COMMANDS, f"{ON_NODE}{ASKED_COMMANDS}", IN_SANDBOX))),
    *(grants((Power.ELEVATED, ""), *((Power.ELEVATED, name) for name in names)) for names in (
        (), ("by default",), ("by default", "unasked by default"))),
    grants((Power.ELEVATED, "by default")),
    *(grants(*((power, step) for step in steps)) for power in (Power.READ, Power.WRITE) for steps in (
        ("workspace",), ("machine",), ("workspace", "machine"))),
    grants((Power.READ, "workspace"), (Power.WRITE, "workspace")),
    grants((Power.READ, "workspace"), (Power.WRITE, "workspace"), (Power.READ, "machine"), (Power.WRITE, "machine")),
    grants((Power.READ, "workspace"), (Power.READ, "machine"), (Power.WRITE, "machine")),
    *(grants(*((Power.SEES, step) for step in steps)) for steps in (
        ("tree",), ("agent",), ("all",), ("agent", "all"), ("tree", "agent"))),
    *(grants((power, "ops"), (power, "box")) for power in (Power.TALKS, Power.SPAWNS)),
    grants(Power.HOST) | grants(*tools("read"), agent="ops"),
)  # fmt: skip

REACHED: tuple[frozenset[Grant], ...] = (
    grants(Power.REACH),
    grants(Power.REACH, Power.UNPROMPTED, Power.OVERHEARD),
    grants(Power.REACH, *tools("read")),
    grants(Power.REACH, *tools("read", "read with openai", "exec with openai")),
    grants(Power.REACH, Power.UNPROMPTED, *tools(*MANY)),
    grants(Power.REACH, (Power.EXEC, IN_SANDBOX)),
    grants(Power.REACH, (Power.EXEC, LISTED_COMMANDS), (Power.EXEC, IN_SANDBOX)),
    *(grants(Power.REACH, power) for power in (Power.HOST, Power.ELEVATED, Power.OWNER, Power.COMMANDS, Power.NATIVE)),
    grants(Power.REACH, Power.HOST, Power.ELEVATED, Power.OWNER, Power.COMMANDS, (Power.EXEC, ANY_COMMAND),
           *tools("exec")),
)  # fmt: skip


def said(rows: Iterable[Row], *, gained: bool) -> list[tuple[str, str]]:
    return [(change.topic, change.text) for change in tell(rows, gained=gained)]


def test_what_is_gained_and_lost() -> None:
    answers: list[tuple[object, object]] = []
    for moved in (*MOVED, *REACHED):
        for gained in (True, False):
            row = Row(on(OWNER), moved, moved)
            answers.append(((listed(moved), "gained" if gained else "lost"), said([row], gained=gained)))
    for moved in REACHED:
        for subject in (on(OWNER, ROOM), inside(OPERATOR), inside(CRON)):
            question = (listed(moved), subject.channel, subject.venue.label)
            answers.extend([(question, said([Row(subject, moved, moved)], gained=True))])
    check_answers("diff-words", answers)


def listed(moved: frozenset[Grant]) -> list[str]:
    return [" ".join(filter(None, (one.power.value, one.name, one.agent))) for one in sorted(moved)]


def test_a_way_in_is_told_with_all_that_it_opens_and_not_only_what_is_new() -> None:
    whole = grants(Power.REACH, Power.HOST, *tools("exec", "read"))
    elsewhere = grants(Power.REACH, *tools("cron"), agent="ops")
    assert said([Row(on(OWNER), grants(Power.REACH), whole | elsewhere)], gained=True) == [
        ("access", "telegram owner 1 in direct messages can now reach agent main with exec and read; also outside the "
                   "sandbox")
    ]  # fmt: skip


def test_what_somebody_gains_of_several_agents_is_told_by_agent() -> None:
    moved = grants(*tools("read"), agent="ops") | grants(*tools("exec")) | grants(Power.REACH, agent="box")
    assert said([Row(on(OWNER), moved, moved)], gained=True) == [
        ("access", "telegram owner 1 in direct messages can now reach agent box"),
        ("tools", "telegram owner 1 in direct messages can now use exec of agent main"),
        ("tools", "telegram owner 1 in direct messages can now use read of agent ops"),
    ]


# Everybody


def everybody(count: int, *, others: int = 0, agent: str = "main") -> Iterator[Row]:
    for number in range(count + others):
        has = grants(Power.REACH, Power.OWNER, Power.PAIR, *tools("read"), agent=agent)
        moved = has - grants(Power.REACH, agent=agent) if number < count else frozenset()
        yield Row(on(OWNER, group(f"group {number}")), moved, has)


def test_what_happens_to_all_who_reach_an_agent_is_told_of_everybody_from_three_on() -> None:
    answers: list[tuple[object, object]] = []
    for count, others in ((1, 0), (2, 0), (3, 0), (4, 0), (3, 1), (4, 2)):
        for gained in (True, False):
            rows = everybody(count, others=others)
            answers.append(((count, others, gained), said(rows, gained=gained)))
    answers.append(("two agents", said((*everybody(3), *everybody(3, others=1, agent="ops")), gained=True)))
    for moved in MOVED:
        three = [Row(on(OWNER, group(f"group {number}")), moved, moved | grants(Power.REACH)) for number in range(3)]
        answers.append(((listed(moved), "three"), said(three, gained=True)))
    check_answers("diff-everybody", answers)


def test_a_way_in_that_is_lost_is_told_of_those_who_lose_it() -> None:
    has = grants(Power.REACH)
    rows = [Row(on(OWNER, group(f"group {number}")), has, has) for number in range(3)]
    assert said(rows, gained=False) == [
        ("access", "telegram owner 1 in group 0, group 1 and group 2 can no longer reach agent main")
    ]


def test_weighty_tools_come_first_and_a_rest_of_more_than_one_is_counted() -> None:
    assert tools_text([]) == ""
    assert tools_text(["read", "exec", "read"]) == "exec and read"
    assert tools_text(MANY[:5]) == "exec, read, cron, alpha and zebra"
    assert tools_text(MANY[:6]) == "exec, read, cron, message and 2 more tools"
    order = ("exec", "process", "write", "edit", "apply_patch", "read", "gateway", "nodes", "cron", "browser",
             "message", "sessions_send", "sessions_spawn")  # fmt: skip
    for first, second in zip(order, (*order[1:], "agents_list"), strict=True):
        assert tools_text([second, first]) == f"{first} and {second}"
