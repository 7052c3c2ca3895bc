"""Monotonicity: a rule that is added for one person, or against a tool, gives nobody else more than before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from itertools import product
from types import MappingProxyType
from typing import Any, Final

from openclaw.config.compile.access import compile_access
from openclaw.config.model import Config
from openclaw.policy.what.group_rooms import ChannelRooms, RoomFacts, RoomMap, RoomStyle, ToolSender, room_entry
from openclaw.policy.what.tool_chain import ToolRun, ToolsPolicy, tools_policy
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import ToolDecider
from openclaw.policy.what.tool_stages import ToolBlock
from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.facts import Mentions, StoreView
from openclaw.security.verify.checks.world import (
    CHANNELS,
    GUILD,
    ME,
    NO_SESSION,
    NOW_MS,
    PEOPLE,
    TEAM,
    Decide,
    direct,
    room,
    room_id,
)
from openclaw.security.verify.model import Finding, hold


@dataclass(frozen=True, slots=True)
class Powers:
    """The functions: who is admitted, and which tools a sender has."""

    decide: Decide
    decider: Callable[[ToolsPolicy, Catalogue], ToolDecider]


SHIPPED: Final = Powers(decide, ToolDecider)

_CHANNELS: Final = tuple(name for name in CHANNELS if name != "unheard-of")
_NESTED: Final = ("discord", "slack", "googlechat")
_PLACE_LISTS: Final = {"telegram": "allowFrom", "discord": "users", "slack": "users"}
"""Channels whose rooms have a list of senders of their own."""
_RANKS: Final = {Decision.DROP: 0, Decision.BUFFER: 1, Decision.PAIR: 2, Decision.DELIVER: 3}
_People: Final[tuple[tuple[str, ...] | None, ...]] = (None, (), ("bea",), ("cyd",), ("bea", "cyd"))
_SENDERS: Final = ("bea", "cyd", "nobody")


@dataclass(frozen=True, slots=True)
class Lists:
    """What one config says of people, the same on every channel; None where it says nothing."""

    dm_policy: str = "pairing"
    direct: tuple[str, ...] | None = None
    group_policy: str = "allowlist"
    groups: tuple[str, ...] | None = None
    users: tuple[str, ...] | None = None
    listed_room: bool = True
    other_room: bool = False
    access_groups: bool = True
    owners: tuple[str, ...] | None = None
    approved: tuple[str, ...] = ()


def check(subject: Powers) -> Iterator[Finding]:
    """Add a rule to every small config, and ask again everybody whom it does not speak of."""
    yield from _senders(subject)
    yield from _tools(subject)
    for lists, added in (*_direct_configs(), *_room_configs()):
        yield from _grown(subject, lists, added)


def _direct_configs() -> Iterator[tuple[Lists, tuple[str, ...]]]:
    for policy, people, access in product(("pairing", "allowlist", "disabled"), _People, (True, False)):
        lists = Lists(dm_policy=policy, direct=people, access_groups=access, group_policy="disabled")
        yield lists, ("direct", "groups", "owners", "approved")


def _room_configs() -> Iterator[tuple[Lists, tuple[str, ...]]]:
    places = ((None, False, True), (None, True, True), (("cyd",), True, True), (None, True, False))
    for policy, people, groups, (users, room_listed, access) in product(
        ("open", "allowlist"), (None, ("bea",), ("bea", "cyd")), _People[:4], places
    ):
        lists = Lists(
            direct=people,
            group_policy=policy,
            groups=groups,
            users=users,
            listed_room=room_listed,
            access_groups=access,
        )
        yield lists, ("direct", "groups", "users", "other_room", "owners", "approved")


def _grown(subject: Powers, lists: Lists, added: Sequence[str]) -> Iterator[Finding]:
    rooms = lists.group_policy != "disabled"
    asked = tuple(product(_CHANNELS, _SENDERS, ("hello", "/status")))
    policy = _policy(lists)
    before = [_ask(subject, policy, lists, *question, in_room=rooms) for question in asked]
    for where in added:
        more = _with_ann(lists, where)
        policy = _policy(more)
        for (channel, who, text), had in zip(asked, before, strict=True):
            has = _ask(subject, policy, more, channel, who, text, in_room=rooms)
            words = partial(_words, lists, where, channel, who, text)
            yield hold(words, expected=f"no more than {_said(had)}", holds=_within(has, had), got=_said(has))


def _with_ann(lists: Lists, where: str) -> Lists:
    found: dict[str, Any] = {name: getattr(lists, name) for name in Lists.__slots__}
    found[where] = True if where == "other_room" else (*(found[where] or ()), "ann")
    return Lists(**found)


def _policy(lists: Lists) -> AccessPolicy:
    document: dict[str, Any] = {
        "channels": {channel: _section(channel, lists) for channel in _CHANNELS},
        "commands": {"useAccessGroups": lists.access_groups},
    }
    if lists.owners is not None:
        owners = [f"{channel}:{_ids(channel, lists.owners)[0]}" for channel in _CHANNELS]
        document["commands"]["ownerAllowFrom"] = owners
    return compile_access(Config.from_document(document))


def _section(channel: str, lists: Lists) -> dict[str, Any]:
    people: dict[str, Any] = {"policy" if channel in _NESTED else "dmPolicy": lists.dm_policy}
    if lists.direct is not None:
        people["allowFrom"] = _ids(channel, lists.direct)
    section: dict[str, Any] = {"dm": people} if channel in _NESTED else people
    section["groupPolicy"] = lists.group_policy
    if lists.groups is not None and channel not in ("discord", "slack"):
        section["groupAllowFrom"] = _ids(channel, lists.groups)
    entry: dict[str, Any] = {"requireMention": False}
    if lists.users is not None and channel in _PLACE_LISTS:
        entry[_PLACE_LISTS[channel]] = _ids(channel, lists.users)
    rooms = {room_id(channel): entry} if lists.listed_room else {}
    rooms |= {"other": deepcopy(entry)} if lists.other_room else {}
    if rooms:
        section |= _map(channel, rooms)
    return section


def _map(channel: str, rooms: dict[str, Any]) -> dict[str, Any]:
    match channel:
        case "discord":
            return {"guilds": {GUILD.id: {"channels": rooms}}}
        case "slack":
            return {"channels": rooms}
        case "msteams":
            return {"teams": {TEAM.id: {"channels": rooms}}}
        case "signal":
            return {}
        case _:
            return {"groups": rooms}


def _ids(channel: str, people: Sequence[str]) -> list[str]:
    return [str(getattr(PEOPLE[channel], one)) for one in people]


def _ask(
    subject: Powers, policy: AccessPolicy, lists: Lists, channel: str, who: str, text: str, *, in_room: bool
) -> Admission:
    sender = PEOPLE[channel].sender(channel, who)
    store = StoreView(allow_from=tuple(_ids(channel, lists.approved)))
    said = Mentions(me=True)
    facts = room(channel, sender, text, mentions=said) if in_room else direct(channel, sender, text)
    return subject.decide(policy, channel, None, ME, store, NO_SESSION, facts, NOW_MS)


def _within(has: Admission, had: Admission) -> bool:
    return (
        _RANKS[has.decision] <= _RANKS[had.decision]
        and has.command_authorized <= had.command_authorized
        and has.sender_is_owner <= had.sender_is_owner
        and has.effects.author_admitted <= had.effects.author_admitted
    )


def _said(answer: Admission) -> str:
    rights = [
        word
        for word, given in (("commands", answer.command_authorized), ("ownership", answer.sender_is_owner))
        if given
    ]
    return " with ".join([str(answer.decision), *rights])


# Tools of one sender in a room


_CATALOGUE: Final = Catalogue.of(CatalogueTool(name) for name in ("read", "write", "exec", "message"))
_RULES: Final[tuple[tuple[tuple[str, ...] | None, tuple[str, ...] | None], ...]] = (
    (None, None),
    (("read",), None),
    (("*",), ("exec",)),
    (None, ("exec", "write")),
)


def _tools(subject: Powers) -> Iterator[Finding]:
    every = (None, *_RULES)
    for everybody, tools, own, overall in product(every, every, every, _RULES):
        rules = {"*": everybody, "421": own}
        had = _allowed(subject, overall, tools, rules)
        for added in _RULES:
            has = _allowed(subject, overall, tools, {**rules, "42": added})
            words = partial(_tool_words, overall, tools, rules, f"a rule for 42: {added}")
            yield hold(words, expected=f"no more than {sorted(had)}", holds=has <= had, got=sorted(has))
        for place in ("everybody", "overall"):
            less = _deny("read", overall) if place == "overall" else overall
            narrower = {**rules, "*": _deny("read", everybody)} if place == "everybody" and everybody else rules
            has = _allowed(subject, less, tools, narrower)
            words = partial(_tool_words, overall, tools, rules, f"read denied for {place}")
            yield hold(words, expected=f"no more than {sorted(had)}", holds=has <= had, got=sorted(has))


def _deny(tool: str, lists: tuple[Any, Any]) -> tuple[Any, Any]:
    return lists[0], (*(lists[1] or ()), tool)


def _allowed(subject: Powers, overall: Any, tools: Any, rules: Mapping[str, Any]) -> set[str]:
    blocks = [(who, _block(lists)) for who, lists in rules.items() if lists is not None]
    entry = room_entry(None if tools is None else _block(tools), blocks or None)
    rooms = ChannelRooms(RoomStyle.GROUPS, RoomMap.of([("g1", entry)]))
    policy = tools_policy(_block(overall), rooms=MappingProxyType({"telegram": rooms}))
    place = RoomFacts("telegram", group_id="g1")
    run = ToolRun("main", "agent:main:telegram:group:g1", sender=ToolSender(id="421", name="bea"), room=place)
    return set(subject.decider(policy, _CATALOGUE).effective(run).allowed)


def _block(lists: tuple[Any, Any]) -> ToolBlock:
    return ToolBlock("tools", allow=lists[0], deny=lists[1])


def _senders(subject: Powers) -> Iterator[Finding]:
    """Make sure that the domain has somebody to lose: people who are named get in, and nobody else does."""
    policy = _policy(Lists(dm_policy="allowlist", direct=("bea",)))
    for channel, who in product(_CHANNELS, _SENDERS):
        got = _ask(subject, policy, Lists(), channel, who, "hello", in_room=False).decision
        words = partial(str.format, "{} writes to {} under a list of bea", who, channel)
        right = Decision.DELIVER if who == "bea" else Decision.DROP
        yield hold(words, expected=str(right), holds=got is right, got=got)


def _words(lists: Lists, where: str, channel: str, who: str, text: str) -> str:
    return f"{channel}, {who} says {text!r}; under {lists}, ann is added to {where}"


def _tool_words(overall: Any, tools: Any, rules: Mapping[str, Any], added: str) -> str:
    return f"421 in a room; tools {overall}, of the room {tools}, by sender {dict(rules)}; added: {added}"
