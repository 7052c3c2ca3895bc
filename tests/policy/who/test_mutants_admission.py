"""What admission says, word for word: every decision with its trail, authority, effects and config keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from types import MappingProxyType
from typing import Any

from openclaw.policy.what.labels import Source
from openclaw.policy.who import identity as ids
from openclaw.policy.who.access_policy import AccessPolicy, ApprovalChat
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.command_authority import may_approve, may_run
from openclaw.policy.who.command_text import control_command, is_abort_word
from openclaw.policy.who.commands_registry import (
    COMMANDS,
    CommandSpec,
    Switch,
    index_commands,
    native_commands,
    native_name,
)
from openclaw.policy.who.directives import obeyed, scan_directives
from openclaw.policy.who.facts import (
    ChatType,
    EventKind,
    GroupActivation,
    Mentions,
    MessageFacts,
    Named,
    Sender,
    SessionView,
    StoreView,
)
from openclaw.policy.who.group_maps import compile_places
from openclaw.policy.who.groups import PlaceDefaults, PlaceEntry, locate, reads_as_place_id
from openclaw.policy.who.lists import SenderKeys, approved, compile_list, match
from openclaw.policy.who.reasons import CODES
from openclaw.policy.who.rule_columns import GroupPolicy, MapKind
from openclaw.policy.who.rule_table import RULES, rules_for
from support.access import (
    CHANNELS,
    DIRECT_CHATS,
    GUILD,
    ME,
    PLACES,
    SENDERS,
    STRANGERS,
    TEAM,
    account_of,
    ask,
    channel_policy,
    id_of,
    section,
)
from support.answers import asked, check_answers

TEXTS = ("hello", "/status", "/activation always", "hey claw", "@mybot hi")
PATTERNS = {"messages": {"groupChat": {"mentionPatterns": ["hey claw"]}}}


def _senders(channel: str) -> Iterator[tuple[str, Sender]]:
    yield "ann", SENDERS[channel]
    yield "mal", STRANGERS[channel]
    yield "nobody", Sender()


def _brief(found: Admission) -> object:
    """Return an answer whose reasons are named only; their texts and keys are checked by themselves."""
    return replace(found, reasons=()), [reason.rule for reason in found.reasons]


def test_direct_messages_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    for channel in CHANNELS:
        ann = id_of(channel, SENDERS[channel])
        for policy, allow, owners in product(
            ("pairing", "allowlist", "open", "disabled"),
            (None, [], ["*"], [ann], [ann, "x1"]),
            (None, [f"{channel}:{ann}"]),
        ):
            if policy == "open" and "*" not in (allow or ()):
                continue
            commands = {"commands": {"ownerAllowFrom": owners}} if owners else {}
            rules = channel_policy(channel, section(channel, policy, allow), **commands)
            for (who, sender), text, kind, stored in product(
                _senders(channel),
                ("hello", "/status"),
                (EventKind.MESSAGE, EventKind.NATIVE, EventKind.REACTION),
                ((), (ann,)),
            ):
                facts = MessageFacts(ChatType.DIRECT, DIRECT_CHATS[channel], sender, text, kind=kind)
                found = ask(rules, channel, facts, approved=stored)
                answers.append(((channel, policy, allow, bool(owners), who, text, kind, stored), _brief(found)))
    check_answers("direct", answers)


def _room_settings(channel: str) -> Iterator[tuple[str, dict[str, Any]]]:
    ann = [id_of(channel, SENDERS[channel])]
    here = PLACES[channel]["chat_id"]
    yield "nothing", {}
    yield "open", {"groupPolicy": "open"}
    yield "disabled", {"groupPolicy": "disabled"}
    lists = {} if channel in ("discord", "slack") else {"groupAllowFrom": ann}
    entries: dict[str, dict[str, Any]] = {
        "listed": {},
        "silent": {"requireMention": False},
        "off": {"enabled": False},
        "denied": {"allow": False},
        "users": {"users": ann},
        "own list": {"allowFrom": ann, "requireMention": False},
    }
    for name, entry in entries.items():
        wanted = {
            "off": ("telegram", "discord", "slack"),
            "denied": ("discord", "slack"),
            "users": ("discord", "slack"),
            "own list": ("telegram",),
        }
        if channel not in wanted.get(name, CHANNELS) or channel == "signal":
            continue
        places: dict[str, dict[str, Any]] = {
            "discord": {"guilds": {"5001": {"channels": {here: entry}}}},
            "slack": {"channels": {here: entry}},
            "msteams": {"teams": {TEAM.id: {"channels": {here: entry}}}},
        }
        yield name, {**lists, **places.get(channel, {"groups": {here: entry}})}
        yield f"{name}, open", {"groupPolicy": "open", **places.get(channel, {"groups": {here: entry}})}
    others: dict[str, dict[str, Any]] = {
        "discord": {"guilds": {"9": {}}},
        "slack": {"channels": {"C9": {}}},
        "msteams": {"teams": {"x": {}}},
        "signal": {},
    }
    yield "elsewhere", {**lists, **others.get(channel, {"groups": {"-9": {}}})}
    yield "direct list", {**section(channel, "allowlist", ann)}


def test_rooms_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    for channel in CHANNELS:
        for name, settings in _room_settings(channel):
            for more in (PATTERNS, {"commands": {"useAccessGroups": False}}):
                rules = channel_policy(channel, settings, **more)
                for (who, sender), text, spoken in product(
                    _senders(channel), TEXTS, (Mentions(), Mentions(me=True), Mentions(others=True))
                ):
                    facts = MessageFacts(sender=sender, text=text, mentions=spoken, **PLACES[channel])
                    facts = replace(facts, team=TEAM) if channel == "msteams" else facts
                    answers.append(((channel, name, len(more), who, text, spoken), _brief(ask(rules, channel, facts))))
    check_answers("rooms", answers)


def test_activation_and_history_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    for channel, activation, limit, text in product(CHANNELS, (None, *GroupActivation), (None, 0), TEXTS):
        settings = {"groupPolicy": "open", **({} if limit is None else {"historyLimit": limit})}
        rules = channel_policy(channel, settings, **PATTERNS)
        facts = MessageFacts(sender=SENDERS[channel], text=text, **PLACES[channel])
        answers.append(((channel, activation, limit, text), _brief(ask(rules, channel, facts, activation=activation))))
    check_answers("activation", answers)


def test_what_stops_an_event_before_any_list() -> None:
    answers: list[tuple[object, object]] = []
    changes: dict[str, dict[str, Any]] = {
        "sync": {"sync": True},
        "echo": {"echo": True},
        "from me": {"from_me": True},
        "own id": {"sender": Sender(id="900")},
        "own id in capitals": {"sender": Sender(id=" 900 ")},
        "own number": {"sender": Sender(id=ME.e164, e164=ME.e164)},
        "a bot": {"sender": Sender(id="5", e164="+15", is_bot=True)},
        "a proxied member": {"sender": Sender(id="5", is_bot=True, member_id="m1")},
        "unknown chat": {"chat_type": ChatType.UNKNOWN},
        "group dm": {"chat_type": ChatType.GROUP_DM, "chat_id": "G1", "guild": None, "chat_name": "Team Room"},
        "thread": {"chat_type": ChatType.THREAD, "parent_id": "7001"},
        "guild": {"guild": GUILD},
        "guild without id": {"guild": Named(None, "x")},
        "look-up": {"lookup_failed": True},
        "status": {"chat_id": "status@broadcast"},
        "newsletter": {"chat_id": "1@newsletter"},
        "no chat": {"chat_id": " "},
        "group jid": {"chat_id": "1@g.us"},
        "dm id": {"chat_id": "D1"},
        "room id": {"chat_id": "C2"},
        "negative": {"chat_id": "-7"},
        "forwarded": {"forwarded": True, "text": "/status"},
        "native flag": {"native": True, "text": "/status"},
        "old": {"sent_before_connect_ms": 30_001},
        "just old": {"sent_before_connect_ms": 30_000},
        **{f"kind {kind}": {"kind": kind} for kind in EventKind},
        "waiting edit": {"kind": EventKind.EDIT, "original_waits": True},
    }
    for channel, (name, change), chat in product(
        (*CHANNELS, "googlechat", "bluebubbles", "webchat", "made-up"), changes.items(), ("direct", "room")
    ):
        sender = SENDERS.get(channel, Sender(id="42"))
        place = (
            PLACES.get(channel, {"chat_type": ChatType.GROUP, "chat_id": "r"})
            if chat == "room"
            else {"chat_type": ChatType.DIRECT, "chat_id": DIRECT_CHATS.get(channel, "d")}
        )
        facts = replace(MessageFacts(sender=sender, text="hello", mentions=Mentions(me=True), **place), **change)
        settings = {
            "groupPolicy": "open",
            **(
                {"dm": {"groupEnabled": True, "groupChannels": ["#team-room"]}}
                if channel in ("discord", "slack")
                else {}
            ),
        }
        rules = channel_policy(
            channel if channel != "made-up" else "telegram", settings if channel not in ("webchat", "made-up") else {}
        )
        answers.append(((channel, name, chat), _brief(ask(rules, channel, facts))))
    check_answers("before-lists", answers)


def test_accounts_that_do_not_exist_and_are_off() -> None:
    facts = MessageFacts(ChatType.DIRECT, "42", SENDERS["telegram"], "hello")
    settings = {"accounts": {"Work": {"enabled": False}, "home": {}}, "allowFrom": ["42"]}
    rules = channel_policy("telegram", settings)
    answers: list[tuple[object, object]] = [
        ((channel, account), ask(rules, channel, facts, account=account))
        for channel, account in product(("telegram", " Telegram ", "made-up"), ("", "work", "HOME", "x", "default"))
    ]
    answers.append(("section off", ask(channel_policy("telegram", {"enabled": False}), "telegram", facts)))
    check_answers("accounts", answers)


def test_people_who_are_answered_with_a_code() -> None:
    answers: list[tuple[object, object]] = []
    for channel in CHANNELS:
        rules = channel_policy(channel, section(channel, "pairing"))
        mine = id_of(channel, STRANGERS[channel])
        facts = MessageFacts(ChatType.DIRECT, DIRECT_CHATS[channel], STRANGERS[channel], "hello")
        for waiting in (
            (),
            ((mine, 0),),
            ((mine.lower(), 0),),
            (("a", 0), ("b", 0), ("c", 0)),
            (("a", 0), ("b", 0), ("c", 3_600_001)),
            ((mine, 0), ("b", 0), ("c", 0)),
        ):
            found = ask(rules, channel, facts, waiting=waiting)
            answers.append(((channel, waiting), _brief(found)))
    check_answers("codes", answers)


def test_every_reason_with_its_config_key() -> None:
    answers: list[tuple[object, object]] = []
    for channel in (*CHANNELS, "googlechat"):
        plain = account_of(channel_policy(channel, {}), channel)
        answers += [((channel, code), plain.reasons[code]) for code in CODES]
        if channel in ("msteams", "googlechat"):
            continue
        own = account_of(
            channel_policy(channel, {"accounts": {"work": section(channel, "allowlist", ["x"])}}), channel, "work"
        )
        answers += [
            ((channel, code, "account"), own.reasons[code])
            for code in ("dm.disabled", "dm.not-allowlisted", "command.unauthorized")
        ]
    check_answers("reasons", answers)


def test_the_rule_table_word_for_word() -> None:
    check_answers("rule-table", [(name, rules_for(name)) for name in (*RULES, " Slack ", "made-up")])


# Identity and lists


def test_ids_and_names_of_every_channel() -> None:
    entries = (
        *(
            "42",
            " TG:42 ",
            "telegram:tg:7",
            "-100",
            "@Ann",
            "ann",
            "Ann Lee",
            "+1 (555) 123-0001",
            "15551230001",
            "whatsapp:+1555",
            "+1+2",
            "1a",
            "\u0661",
        ),
        *(
            "<@111>",
            "<@!111>",
            "user:U111",
            "slack:u111",
            "U111",
            "UABC",
            "uabc1",
            "pk:m1",
            "pk:",
            "ann#1",
            "Ann@Example.org",
            "@@",
            "*",
            "tg:*",
            "",
        ),
        *(
            "0A1B2C3D-1111-2222-3333-444455556666",
            "aaaaaaaa222222222222222222222222",
            "uuid:X1",
            "uuid:0a1b2c3d-1111-2222-3333-444455556666",
            "uuid:",
            "signal:+1555",
        ),
        *(
            "imessage:SMS:Ann@X.org",
            "chat_id:7",
            "CHAT_GUID: g ",
            "chat_identifier:",
            "users/1",
            "x" * 513,
            "1555@s.whatsapp.net",
            "\u00c4nn",
            "a  b",
            "-x-",
            "#Room",
        ),
    )
    answers: list[tuple[object, object]] = []
    for name in (*RULES, "made-up"):
        style = rules_for(name).identity
        for entry in entries:
            read = (ids.read_entry(style, entry), ids.canonical_id(style, entry), ids.account_id(style, entry))
            answers.append(((name, entry[:30]), read))
    for kind, entry in product(ids.IdKind, entries):
        answers.append((("reads as id", kind, entry[:30]), ids.reads_as_id(kind, entry)))
    for made in (ids.fold, ids.phone, ids.dash_slug, ids.slack_slug):
        answers += [
            ((made.__name__, entry[:30]), made(entry))
            for entry in (*entries, "\u202a+1 5\u202c", "(+1)", "A--B..", "#A B", "x\ty")
        ]
    for fold, entry in product(ids.NameFold, entries):
        answers.append((("keys", fold, entry[:30]), ids.name_keys(fold, entry)))
    check_answers("identities", answers)


def test_senders_as_lists_see_them() -> None:
    senders = (
        *(
            Sender(),
            Sender(id=""),
            Sender(id="42"),
            Sender(id="U111", username="@Ann", name="Ann Lee", tag="ann#1"),
            Sender(e164="+15551230001"),
        ),
        *(
            Sender(uuid="0A1B2C3D-1111-2222-3333-444455556666"),
            Sender(id="5", member_id=" m1 ", is_bot=True),
            Sender(id="*"),
            Sender(id="Ann@X.org"),
        ),
        *(Sender(id="x", e164="+1", uuid="u"), Sender(username="\u00c4nn", name=" "), Sender(id=" 42 ")),
    )
    answers: list[tuple[object, object]] = []
    for name, (number, sender) in product((*RULES, "made-up"), enumerate(senders)):
        style = rules_for(name).identity
        facts = MessageFacts(ChatType.GROUP, " 7 ", sender, chat_guid="g", chat_identifier=" ")
        seen = (
            ids.sender_id(style, sender),
            ids.pairing_id(style, sender),
            ids.sender_names(style, sender),
            ids.sender_chats(style, facts),
        )
        answers.append(((name, number), seen))
    check_answers("senders", answers)


def test_lists_and_matches() -> None:
    lists: tuple[tuple[str, ...] | None, ...] = (
        None,
        (),
        (" ",),
        ("*",),
        ("42",),
        (" 42 ", "42"),
        ("@ann",),
        ("chat_id:7",),
        ("42", "*"),
        ("42", "@ann"),
        ("tg:*", "x y z@"),
    )
    senders = (
        Sender(),
        Sender(id="42"),
        Sender(id="7", username="ann", name="ann"),
        Sender(id="8"),
        Sender(e164="+42"),
    )
    answers: list[tuple[object, object]] = []
    for name, (number, entries) in product((*RULES, "made-up"), enumerate(lists)):
        style = rules_for(name).identity
        found = compile_list(style, entries, "key")
        answers.append(((name, number), (found, found.configured, found.sole_id)))
        for (who, sender), names in product(enumerate(senders), (True, False)):
            keys = SenderKeys(style, MessageFacts(ChatType.GROUP, "7", sender))
            answers.append(((name, number, who, names), match(found, keys, names=names)))
            store = StoreView(allow_from=entries or ())
            answers.append(((name, number, who, "store"), approved(name, style, store, keys)))
    check_answers("lists", answers)


# Places


def test_places_word_for_word() -> None:
    ann = compile_list(rules_for("telegram").identity, ("42",), "list")
    entries: dict[str, PlaceEntry] = {
        "plain": PlaceEntry("e"),
        "off": PlaceEntry("e", enabled=False, require_mention=True),
        "on": PlaceEntry("e", enabled=True, allow=False),
        "denied": PlaceEntry("e", allow=False),
        "full": PlaceEntry("e", True, True, False, GroupPolicy.DISABLED, True, True, ann, ann),
        "inner": PlaceEntry(
            "e",
            require_mention=False,
            users=ann,
            children=MappingProxyType(
                {
                    "7": PlaceEntry("c", enabled=False),
                    "#general": PlaceEntry("c", allow=True, require_mention=True),
                    "general": PlaceEntry("c", group_policy=GroupPolicy.OPEN, allow_from=ann),
                    "*": PlaceEntry("c", allow=False, auto_thread=True),
                    "8": PlaceEntry(""),
                }
            ),
        ),
    }
    chats = (
        MessageFacts(ChatType.CHANNEL, "7", chat_name="general", guild=GUILD, team=TEAM, topic_id="7"),
        MessageFacts(
            ChatType.CHANNEL,
            "C9;m=1",
            chat_name=" General ",
            guild=Named("1", "Friends Of Claw"),
            team=Named("2", "Team A"),
            topic_id="8",
        ),
        MessageFacts(ChatType.THREAD, "99", parent_id="7", parent_name="general", guild=GUILD, thread_id="9"),
        MessageFacts(ChatType.THREAD, "99", parent_name="#General", guild=GUILD),
        MessageFacts(ChatType.GROUP, "5001", topic_id="x"),
        MessageFacts(ChatType.GROUP, "*", chat_name="*", guild=Named("*", "*"), team=Named(None, None)),
    )
    answers: list[tuple[object, object]] = []
    for kind, policy, mention, bots in product(MapKind, GroupPolicy, (None, False), (False, True)):
        defaults = PlaceDefaults("map", policy, mention, bots)
        maps: dict[str, dict[str, PlaceEntry] | None] = {"none": None, "empty": {}}
        for name, entry in entries.items():
            maps |= {
                f"{name} by id": {"5001": entry, "7": entry, TEAM.id or "": entry},
                f"{name} for all": {"*": entry},
                f"{name} by name": {"friends-of-claw": entry, "#general": entry, "Team A": entry},
            }
        for name, found in maps.items():
            places = compile_places(kind, found, defaults)
            answers += [
                ((kind, policy, mention, bots, name, number), locate(kind, places, facts))
                for number, facts in enumerate(chats)
            ]
            answers.append(((kind, name), (places.named, places.has("7"), places.has("*"), sorted(places.slugs))))
    answers += [
        ((kind, text), reads_as_place_id(kind, text))
        for kind, text in product(
            MapKind, ("7", "C1", "c1", "G1", "D1", "19:x@y", "0a1b2c3d-1111-2222-3333-444455556666", "general", "")
        )
    ]
    check_answers("places", answers)


# Commands


def test_commands_word_for_word() -> None:
    extra = (CommandSpec("Weather", ("help", " W ")), CommandSpec("weather", takes_arguments=True), CommandSpec(" "))
    indexes = {"plain": index_commands(), "all": index_commands(Switch, extra), "bash": index_commands((Switch.BASH,))}
    texts = (
        *(
            "/status",
            " /STATUS ",
            "/status now",
            "/status: ",
            "/think: high",
            "/think high\nmore",
            "/status@mybot",
            "/status@other",
            "/status@MyBot x",
            "/think@mybot: low",
        ),
        *(
            "/nothing",
            "hello /status",
            "/",
            "!",
            "! ls",
            "!ls",
            "!poll",
            "!stop now",
            "!polling",
            "/config show",
            "/bash ls",
            "/weather x",
            "/w",
            "/id",
            "/t off",
            "//status",
            "/new",
            "",
        ),
    )
    answers: list[tuple[object, object]] = []
    for (name, index), text, bot in product(indexes.items(), texts, (None, "mybot", " @MyBot ")):
        found = control_command(index, text, bot)
        answers.append(((name, text, bot), None if found is None else (found.spec.name, found.arguments)))
    answers += asked(is_abort_word, " STOP ", "stop!", "esc", "abort", "wait", "exit", "interrupt", "/stop", "")
    for name, index in indexes.items():
        answers.append(((name, "index"), (sorted(index.by_name), index.switches)))
        answers.append(((name, "native"), [list(native_commands(index, channel)) for channel in ("", "discord")]))
        answers += [
            ((name, "find", text), None if (spec := index.find(text)) is None else spec.name)
            for text in (" /Status ", "status", "//x", "bash", "w")
        ]
        answers += [((name, "on", spec.name), index.is_on(spec)) for spec in COMMANDS]
    many = index_commands((), [CommandSpec(f"extra{number}") for number in range(120)])
    answers.append(("at most", len(native_commands(many, ""))))
    answers += [
        (("native name", spec, channel), native_name(CommandSpec(spec, native_names=(("discord", "Voice"),)), channel))
        for spec, channel in product(("dock-Telegram", "\u00fcx", "a" * 40), ("", "discord"))
    ]
    check_answers("commands", answers)


def test_directives_word_for_word() -> None:
    index = index_commands((Switch.CONFIG,))
    texts = (
        *(
            "hello",
            "/think high do it",
            "do /think:high it",
            "/think  HIGH /verbose on",
            "/exec host=node ask=off now",
            "/queue collect debounce:2s cap:5 x",
            "/elevated on",
            "/elevated off",
        ),
        *(
            "/exec security=deny",
            "/exec security=deny ask=off",
            "/status please",
            "/status: x",
            "text /whoami  and  /model gpt-5 more",
            "/model",
            "/reasoning stream",
            "/think nonsense",
            "/t:",
            "  a  b ",
            "/new x",
            "/unknown",
        ),
        *(
            " ".join(["/think high"] * 21),
            "/exec " + " ".join(f"node={n}" for n in range(25)),
            "/config show",
            "\t/verbose\ton\tx",
            "/ELEVATED OFF",
            "/EXEC SECURITY=DENY",
            "a /think\nhigh b",
        ),
    )
    answers: list[tuple[object, object]] = []
    for text in texts:
        scan = scan_directives(index, text)
        answers.append((text[:60], (scan, scan.only)))
        for decision, authorised, mention, direct in product(
            (Decision.DELIVER, Decision.DROP), (True, False), (True, False), (True, False)
        ):
            said = ask_effects(decision, authorised=authorised, mention=mention)
            answers.append(((text[:60], decision, authorised, mention, direct), obeyed(scan, said, direct=direct)))
    check_answers("directives", answers)


def ask_effects(decision: Decision, *, authorised: bool, mention: bool) -> Admission:
    """Return an admission with these properties."""
    effects = replace(Admission(decision).effects, mention=mention)
    return Admission(decision, command_authorized=authorised, effects=effects)


def test_who_may_run_commands_word_for_word() -> None:
    rules = {"off": AccessPolicy(), "on": AccessPolicy(commands=index_commands(Switch))}
    answers: list[tuple[object, object]] = []
    for (name, policy), spec, decision, authorised, owner, widens in product(
        rules.items(), COMMANDS, (Decision.DELIVER, Decision.BUFFER), (True, False), (True, False), (True, False)
    ):
        said = Admission(decision, command_authorized=authorised, sender_is_owner=owner)
        answers.append(
            ((name, spec.name, decision, authorised, owner, widens), may_run(policy, spec, said, widens=widens))
        )
    check_answers("may-run", answers)


def test_who_may_approve_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    for channel in ("telegram", "webchat"):
        base = account_of(channel_policy(channel, {}), channel)
        scope = replace(
            base,
            approvers=frozenset({"42"}),
            approval_chats=(
                ApprovalChat("default", "-100"),
                ApprovalChat("default", "-200", "7"),
                ApprovalChat("work", "-300"),
            ),
        )
        chats = (
            ("-100", None, None),
            ("-200", "7", None),
            ("-200", None, "7"),
            ("-200", "8", None),
            ("-300", None, None),
        )
        for (chat, topic, thread), one, scopes in product(
            chats, ("42", "7", None), ((), ("operator.approvals",), ("operator.admin",))
        ):
            facts = MessageFacts(
                ChatType.GROUP, chat, Sender(id=one), topic_id=topic, thread_id=thread, operator_scopes=scopes
            )
            for decision, authorised, owner in product((Decision.DELIVER, Decision.DROP), (True, False), (True, False)):
                said = Admission(
                    decision, command_authorized=authorised, sender_is_owner=owner, admitted_by=Source.ALLOWED
                )
                answers.append(
                    ((channel, chat, topic, one, scopes, decision, authorised, owner), may_approve(scope, facts, said))
                )
    check_answers("may-approve", answers)


def test_whose_patterns_count() -> None:
    named = AccessPolicy(mention_patterns=MappingProxyType({"work": PATTERN_A, "": PATTERN_B}), default_agent="Work")
    answers = [
        ((agent, key), named.patterns_for(agent, key) is PATTERN_A)
        for agent, key in product(("", "Work", "x"), ("", "agent:work:main", "agent:x:main", "global", "x:work:y"))
    ]
    check_answers("patterns-of-agents", answers)
    assert SessionView().agent_id == ""


PATTERN_A = channel_policy("telegram", {}, **PATTERNS).patterns_for("main")
PATTERN_B = channel_policy("telegram", {}).patterns_for("main")
