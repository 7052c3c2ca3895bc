"""What the maps of places and the gates of rooms say, word for word: entries, names, config keys, effects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from types import MappingProxyType
from typing import Any

import pytest

from openclaw.policy.what.labels import Source
from openclaw.policy.who.access_policy import AccessPolicy, ChannelAccess
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.facts import (
    EMPTY_STORE,
    NO_SELF,
    ChatType,
    EventKind,
    Mentions,
    MessageFacts,
    Named,
    Sender,
    SessionView,
)
from openclaw.policy.who.group_maps import compile_places
from openclaw.policy.who.groups import PlaceDefaults, PlaceEntry, locate
from openclaw.policy.who.lists import Match
from openclaw.policy.who.rule_columns import Gate, GroupPolicy, MapKind
from support.access import (
    GUILD,
    ME,
    NOW,
    PLACES,
    SENDERS,
    STRANGERS,
    TEAM,
    account_of,
    answer,
    ask,
    channel_policy,
    said,
)
from support.answers import check_answers

PATTERNS = {"messages": {"groupChat": {"mentionPatterns": ["hey claw"]}}}


# Maps


def _entry(key: str, /, *inner: PlaceEntry, **fields: Any) -> PlaceEntry:
    return PlaceEntry(key, children=MappingProxyType({one.key: one for one in inner}), **fields)


def _maps() -> Iterator[tuple[str, dict[str, PlaceEntry]]]:
    """Yield maps, whose keys and entries differ from each other in one respect."""
    yield "empty", {}
    yield "by id only", {"7": _entry("7", _entry("8")), "C7": _entry("C7")}
    yield "by name inside", {"7": _entry("7", _entry("General Chat"))}
    for name, star in {"denied": {"allow": False}, "off": {"enabled": False}, "allowed": {"allow": True}}.items():
        yield f"star {name}", {"7": _entry("7"), "*": _entry("*", **star)}
        yield f"star {name}, entry allowed", {"7": _entry("7", allow=True), "*": _entry("*", **star)}
    for fields in ({"require_mention": False}, {"allow_bots": True}, {"auto_thread": True}, {"enabled": False}):
        yield f"inner {fields}", {"7": _entry("7", _entry("8", **fields), _entry("*", **fields))}
        yield f"outer {fields}", {"7": _entry("7", _entry("8"), **fields), "*": _entry("*")}
        yield f"star {fields}", {"7": _entry("7"), "*": _entry("*", **fields)}
    yield "slugs", {"Team A": _entry("A"), "team-b": _entry("b"), "TEAM B": _entry("B"), "\u65e5\u672c": _entry("j")}
    yield "inner slugs", {"7": _entry("7", _entry("General Chat"), _entry("19:x@y"), _entry("\u65e5"))}


def test_compiled_maps_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    for kind, policy, mention in product(MapKind, GroupPolicy, (None, False)):
        for name, entries in _maps():
            found = compile_places(kind, entries, PlaceDefaults("map", policy, mention))
            answers.append(((kind, policy, mention, name), found))
    check_answers("place-maps", answers)


ROOM = MessageFacts(ChatType.CHANNEL, "7001", guild=GUILD, team=TEAM)


def _found(kind: MapKind, entries: dict[str, PlaceEntry], facts: MessageFacts) -> str:
    """Return the key of the entry that a message is found under; "map" when there is none."""
    return locate(kind, compile_places(kind, entries, PlaceDefaults("map")), facts).key


@pytest.mark.parametrize(
    ("kind", "key", "name", "found"),
    [
        (MapKind.ROOMS, "#general", "general", True),
        (MapKind.ROOMS, "general", "general", True),
        (MapKind.ROOMS, "Off Topic", " Off Topic ", True),
        (MapKind.ROOMS, "#Off Topic", " Off Topic ", True),
        (MapKind.ROOMS, "off-topic", "Off Topic", True),
        (MapKind.ROOMS, "#off-topic", "Off Topic", False),
        (MapKind.ROOMS, "C2", "C2", False),
        (MapKind.ROOMS, "general", None, False),
        (MapKind.ROOMS, "general", "*", False),
        (MapKind.GROUPS, "general", "general", False),
    ],
)
def test_adv_C2_a_room_is_found_by_a_name_key_but_no_id_by_a_name(
    kind: MapKind, key: str, name: str | None, *, found: bool
) -> None:
    entries = {key: PlaceEntry("entry"), "some name": PlaceEntry("other")}
    assert (_found(kind, entries, replace(ROOM, chat_name=name)) == "entry") is found


@pytest.mark.parametrize(
    ("key", "change", "found"),
    [
        ("7001", {}, True),
        ("off-topic", {"chat_name": "Off Topic"}, True),
        ("Off Topic", {"chat_name": "Off Topic"}, True),
        ("#off-topic", {"chat_name": "Off Topic"}, False),
        ("42", {"chat_name": "42"}, False),
        ("42", {"parent_id": "42"}, False),
        ("42", {"chat_type": ChatType.THREAD, "parent_id": "42"}, True),
        ("news", {"chat_type": ChatType.THREAD, "parent_name": "News"}, True),
        ("news", {"chat_type": ChatType.THREAD, "chat_name": "News"}, False),
        ("news", {"parent_name": "News"}, False),
    ],
)
def test_adv_C2_a_channel_of_a_guild_goes_by_id_or_name_and_only_a_thread_by_its_parent(
    key: str, change: dict[str, Any], *, found: bool
) -> None:
    entries = {"5001": PlaceEntry("guild", children={key: PlaceEntry("entry"), "some name": PlaceEntry("other")})}
    assert (_found(MapKind.GUILDS, entries, replace(ROOM, **change)) == "entry") is found


@pytest.mark.parametrize(
    ("kind", "key", "named", "found"),
    [
        (MapKind.GUILDS, "friends-of-claw", Named("1", "Friends of Claw"), True),
        (MapKind.GUILDS, "Friends of Claw", Named("1", "Friends of Claw"), False),
        (MapKind.GUILDS, "42", Named("1", "42"), False),
        (MapKind.GUILDS, "42", Named("42"), True),
        (MapKind.TEAMS, "Team A", Named("1", "Team A"), True),
        (MapKind.TEAMS, "TEAM-A", Named("1", "Team A"), True),
        (MapKind.TEAMS, "19:x@y", Named("1", "19:x@y"), False),
        (MapKind.TEAMS, "19:x@y", Named("19:x@y"), True),
        (MapKind.TEAMS, "\u65e5\u672c", Named("1", "\u4e2d"), False),
        (MapKind.TEAMS, "\u65e5\u672c", Named("1", "\u65e5\u672c"), True),
    ],
)
def test_adv_C2_a_guild_goes_by_its_slug_and_a_team_by_its_name_then_its_slug(
    kind: MapKind, key: str, named: Named, *, found: bool
) -> None:
    entries = {key: PlaceEntry("entry"), "some name": PlaceEntry("other")}
    facts = replace(ROOM, guild=named, team=named)
    assert (_found(kind, entries, facts) == "entry") is found


@pytest.mark.parametrize(
    ("key", "chat_id", "name", "found"),
    [
        ("19:c@y", "19:c@y;messageid=1;x", None, True),
        ("19:c@y;messageid=1", "19:c@y;messageid=1;x", None, False),
        ("19:z@y", "19:c@y", "19:z@y", False),
        ("General", "19:c@y", "General", True),
        ("general-chat", "19:c@y", "General Chat", True),
        ("general-chat", "general chat", "other", False),
    ],
)
def test_adv_C2_a_conversation_of_teams_is_cut_at_the_semicolon_and_goes_by_id_then_name(
    key: str, chat_id: str, name: str | None, *, found: bool
) -> None:
    entries = {TEAM.id or "": PlaceEntry("team", children={key: PlaceEntry("entry"), "some name": PlaceEntry("other")})}
    facts = replace(ROOM, chat_id=chat_id, chat_name=name)
    assert (_found(MapKind.TEAMS, entries, facts) == "entry") is found


# Gates


def test_a_refusal_names_the_entry_or_the_map_that_decided() -> None:
    answers: list[tuple[object, object]] = []
    settings: dict[str, dict[str, dict[str, Any]]] = {
        "telegram": {
            "off": {"groups": {"-100": {"enabled": False}}},
            "topic off": {"groups": {"-100": {"topics": {"9": {"enabled": False}}}}},
            "own list": {"groups": {"-100": {"allowFrom": ["77"]}}},
            "own list of a topic": {"groups": {"-100": {"topics": {"9": {"allowFrom": ["77"]}}}}},
            "elsewhere": {"groupPolicy": "open", "groups": {"-9": {}}},
            "disabled": {"groupPolicy": "disabled"},
        },
        "discord": {
            "no guild": {"guilds": {"9": {}}},
            "off": {"guilds": {"5001": {"channels": {"7001": {"enabled": False}}}}},
            "denied": {"guilds": {"5001": {"channels": {"7001": {"allow": False}}}}},
            "elsewhere": {"guilds": {"5001": {"channels": {"9": {}}}}},
            "users of the channel": {"guilds": {"5001": {"channels": {"7001": {"users": ["9"]}}}}},
            "users of the guild": {"guilds": {"5001": {"users": ["9"]}}},
        },
        "slack": {
            "nothing": {},
            "denied": {"channels": {"C1": {"allow": False}}},
            "denied by star": {"channels": {"C1": {}, "*": {"allow": False}}},
            "elsewhere": {"channels": {"C9": {}}},
            "users": {"channels": {"C1": {"users": ["U9"]}}},
        },
        "msteams": {
            "nothing": {},
            "elsewhere": {"teams": {"x": {}}},
            "other channel": {"teams": {TEAM.id: {"channels": {"x": {}}}}},
            "listed": {"teams": {TEAM.id: {}}},
            "listed channel": {"teams": {TEAM.id: {"channels": {"19:g@thread.v2": {}}}}},
        },
        "imessage": {"elsewhere": {"groupPolicy": "open", "groups": {"9": {}}}},
    }
    for channel, by_name in settings.items():
        for name, given in by_name.items():
            for mentions in (Mentions(me=True), Mentions()):
                facts = said(channel, mentions=mentions)
                if channel == "telegram":
                    facts = replace(facts, topic_id="9")
                elif channel == "msteams":
                    facts = replace(facts, team=TEAM)
                found = ask(channel_policy(channel, given), channel, facts)
                answers.append(((channel, name, mentions.me), (found.decision, found.reasons)))
    check_answers("room-refusals", answers)


def test_group_direct_messages_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    lists: tuple[list[str] | None, ...] = (
        None,
        ["*"],
        ["g1"],
        ["Team Room"],
        ["#team room"],
        ["team-room"],
        ["xxxx"],
        ["x"],
    )
    for channel, listed in product(("discord", "slack"), lists):
        ann = SENDERS[channel].id
        given = {"groupEnabled": True, "allowFrom": [ann], **({} if listed is None else {"groupChannels": listed})}
        rules = channel_policy(channel, {"dm": given}, **PATTERNS)
        for (who, sender), chat, name, (kind, text), mentions in product(
            (("ann", SENDERS[channel]), ("mal", STRANGERS[channel])),
            ("G1", " "),
            (None, " Team Room "),
            (
                (EventKind.MESSAGE, "hello"),
                (EventKind.MESSAGE, "hey claw"),
                (EventKind.MESSAGE, "/status"),
                (EventKind.NATIVE, "/status"),
                (EventKind.CALLBACK, "x"),
            ),
            (Mentions(), Mentions(me=True)),
        ):
            facts = MessageFacts(
                ChatType.GROUP_DM, chat, sender, text, kind=kind, chat_name=name, mentions=mentions, thread_id="t"
            )
            found = ask(rules, channel, facts)
            answers.append(((channel, listed, who, chat, name, kind, text, mentions.me), found))
    off = channel_policy("slack", {"dm": {"enabled": False, "groupEnabled": True}})
    facts = MessageFacts(ChatType.GROUP_DM, "G1", SENDERS["slack"], "hello")
    answers += [
        ("direct messages off", ask(off, "slack", facts)),
        ("off", ask(channel_policy("slack", {}), "slack", facts)),
    ]
    check_answers("group-dms", answers)


@pytest.mark.parametrize(
    ("auto", "chat", "owner", "me", "expected"),
    [
        (True, ChatType.THREAD, "900", "900", "mention.not-required"),
        (True, ChatType.THREAD, "42", "900", "mention.required"),
        (True, ChatType.THREAD, None, "900", "mention.required"),
        (True, ChatType.THREAD, None, None, "mention.required"),
        (True, ChatType.THREAD, "", "", "mention.required"),
        (False, ChatType.THREAD, "900", "900", "mention.required"),
        (True, ChatType.CHANNEL, "900", "900", "mention.required"),
    ],
)
def test_only_in_a_thread_that_the_bot_made_no_mention_is_needed(
    auto: bool, chat: ChatType, owner: str | None, me: str | None, expected: str
) -> None:
    settings = {"guilds": {"5001": {"channels": {"7001": {"autoThread": auto}}}}}
    facts = said("discord", mentions=Mentions(), chat_type=chat, parent_id="7001", thread_owner_id=owner)
    facts = facts if chat is ChatType.CHANNEL else replace(facts, chat_id="7002")
    found = ask(channel_policy("discord", settings, **PATTERNS), "discord", facts, me=replace(ME, id=me))
    assert found.decided_by.rule == expected


def test_a_row_without_a_mention_gate_asks_for_no_mention() -> None:
    policy = channel_policy("telegram", {"groupPolicy": "open"})
    scope = account_of(policy, "telegram")
    gates = tuple(gate for gate in scope.rules.gates if gate is not Gate.MENTION)
    bare = replace(scope, rules=replace(scope.rules, gates=gates))
    rules = AccessPolicy(channels={"telegram": ChannelAccess({bare.account: bare})})
    facts = said("telegram", mentions=Mentions())
    found = decide(rules, "telegram", "", NO_SELF, EMPTY_STORE, SessionView(), facts, NOW)
    assert (found.decision, found.decided_by) == (Decision.DELIVER, scope.reasons["mention.undetectable"])


def test_the_words_of_a_waiting_author_outside_the_users_are_a_strangers() -> None:
    settings = {"dm": {"allowFrom": ["111"]}, "guilds": {"5001": {"users": ["222"]}}}
    rules = channel_policy("discord", settings)
    theirs = ask(rules, "discord", said("discord", mentions=Mentions()))
    assert theirs.decision is Decision.BUFFER
    assert (theirs.admitted_by, theirs.matched, theirs.effects.author_admitted) == (Source.STRANGER, Match.NONE, False)
    users = ask(rules, "discord", said("discord", STRANGERS["discord"], mentions=Mentions()))
    assert (users.admitted_by, users.matched, users.effects.author_admitted) == (Source.ALLOWED, Match.ID, True)


@pytest.mark.parametrize(
    ("direct", "groups", "source", "matched"),
    [
        (["42"], [], Source.ALLOWED, Match.ID),
        (["42"], ["*"], Source.ALLOWED, Match.ID),
        (["@ann"], ["*"], Source.ALLOWED, Match.NAME),
        ([], ["42"], Source.ALLOWED, Match.ID),
        (["@ann"], ["42"], Source.ALLOWED, Match.ID),
        (["42"], ["@ann"], Source.ALLOWED, Match.NAME),
        (["77"], ["*"], Source.STRANGER, Match.WILDCARD),
        (["*"], [], Source.STRANGER, Match.WILDCARD),
        (["77"], ["78"], Source.STRANGER, Match.NONE),
    ],
)
def test_only_a_list_that_names_the_sender_makes_the_words_those_of_an_admitted_one(
    direct: list[str], groups: list[str], source: Source, matched: Match
) -> None:
    policy = channel_policy("telegram", {"groupPolicy": "open", "allowFrom": direct, "groupAllowFrom": groups})
    scope = account_of(policy, "telegram")
    both = replace(
        scope,
        rules=replace(
            scope.rules, authorisers=tuple(account_of(channel_policy("signal", {}), "signal").rules.authorisers)
        ),
    )
    rules = AccessPolicy(
        channels={"telegram": ChannelAccess({both.account: replace(both, owner=replace(both.owner, ids=frozenset()))})}
    )
    found = decide(rules, "telegram", "", ME, EMPTY_STORE, SessionView(), said("telegram"), NOW)
    assert (found.admitted_by, found.matched) == (source, matched)


@pytest.mark.parametrize(
    ("scope", "thread", "expected"),
    [("thread", "1.2", "agent:main:slack:channel:c1:thread:1.2"), ("thread", None, "C1"), ("channel", "1.2", "C1")],
)
def test_a_slack_thread_has_its_own_history_unless_the_config_says_channel(
    scope: str, thread: str | None, expected: str
) -> None:
    policy = channel_policy("slack", {"channels": {"C1": {}}, "thread": {"historyScope": scope}})
    session = SessionView(key="agent:main:slack:channel:c1:thread:1.2")
    facts = said("slack", mentions=Mentions(), thread_id=thread)
    found = decide(policy, "slack", "", ME, EMPTY_STORE, session, facts, NOW)
    assert (found.decision, found.effects.history_key) == (Decision.BUFFER, expected)


def test_a_listed_team_admits_every_member_and_says_so() -> None:
    settings: dict[str, Any] = {"teams": {TEAM.id: {}}}
    facts = replace(said("msteams", Sender(id="x1")), **{**PLACES["msteams"], "team": TEAM})
    found = ask(channel_policy("msteams", settings), "msteams", facts)
    assert answer(found) == ("deliver", "group.mentioned")
    assert "group.place-admits" in [reason.rule for reason in found.reasons]
