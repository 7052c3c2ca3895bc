"""What keys, routes, mentions and scopes come out as, word for word."""

from __future__ import annotations

from itertools import product
from types import MappingProxyType

from openclaw.policy.patterns import compile_patterns
from openclaw.policy.where import key_builders as build
from openclaw.policy.where import session_keys as keys
from openclaw.policy.where.exec_host import ExecDefaults
from openclaw.policy.where.history_key import history_key
from openclaw.policy.where.key_ids import (
    DmScope,
    PeerKind,
    id_fault,
    normalise_account_id,
    normalise_agent_id,
    normalise_main_key,
)
from openclaw.policy.where.mention import clean, detect, mention_patterns, names_bot
from openclaw.policy.where.routing import Binding, InboundPlace, Peer, RoutingPolicy, route
from openclaw.policy.where.scopes import (
    OPERATIONS,
    Role,
    Scope,
    authorize,
    browser_operation,
    closure,
    known_scopes,
    lacking,
    node_operation,
    operation,
    pairing_operation,
)
from openclaw.policy.who.facts import ChatType, Mentions, MessageFacts, SelfIdentity, Sender, SessionView
from openclaw.policy.who.rule_table import RULES
from support.answers import asked, check_answers

KEYS = (
    None,
    "agent: :x",
    "a:thread:1:thread:2",
    "slack::direct:x",
    ":group:x",
    "agent:a:x:dm",
    "agent:main:direct",
    "agent:main:slack:a:b:direct:x",
    "",
    "main",
    "MAIN",
    "global",
    "unknown",
    "agent:",
    "agent:main",
    "agent::main:x",
    "Agent:main:main",
    "agent:Main:main",
    " agent:main:main ",
    "agent:work:home",
    "agent:main:direct:42",
    "agent:main:dm:42",
    "agent:main:telegram:dm:42",
    "agent:main:telegram:work:dm:direct",
    "agent:main:telegram:work:direct:dm",
    "agent:main:telegram:direct:42:thread:9",
    "agent:main:Telegram:group:-100:topic:7",
    "agent:main:telegram:group::5",
    "agent:main:telegram:group: ",
    "agent:main:slack:channel:C1:THREAD:1.2",
    "agent:main:slack:slash:u1",
    "agent:main:subagent:telegram:group:5",
    "agent:main:SUBAGENT:1",
    "agent:main:acp:1",
    "agent:main:cron:job:run:1",
    "agent:main:hook:gmail:1",
    "agent:main:node-phone",
    "agent:main:cron:group:5",
    "telegram:group:5",
    "subagent:1",
    ":thread:1",
    "x:topic:",
    "agent:main:dm:telegram:direct:1",
)


def test_what_a_key_says() -> None:
    answers: list[tuple[object, object]] = []
    for read in (
        *(keys.parse, keys.classify, keys.agent_of, keys.rest_of, keys.is_subagent, keys.is_acp),
        *(keys.thread_parent, keys.group_of, keys.kind_of, keys.channel_of, keys.chat_kind_of),
    ):
        answers += [((read.__name__, key), read(key)) for key in KEYS]
    answers += [(("kind_of home", key), keys.kind_of(key, main_key="Home")) for key in KEYS]
    answers += [(("direct_spelling", key), keys.direct_spelling(key)) for key in KEYS if key is not None]
    groups = [keys.group_of(key) for key in KEYS]
    answers += [("key of a room", found.key) for found in groups if found is not None]
    check_answers("session-keys", answers)


def test_the_one_spelling_of_a_key() -> None:
    answers: list[tuple[object, object]] = []
    for key, agent, main_key, shared in product(KEYS, (None, "Work"), ("main", "Home"), (False, True)):
        given = (key, agent, main_key, shared)
        answers.append(
            (("canonical", *given), keys.canonical_key(key, agent_id=agent, main_key=main_key, global_scope=shared))
        )
        answers.append(
            (("alias", *given), keys.canonical_alias(key, agent_id=agent, main_key=main_key, global_scope=shared))
        )
    for key, agent in product(KEYS, (None, "Work")):
        plain = (
            keys.store_key(agent, key),
            keys.canonical_key(key, agent_id=agent),
            keys.canonical_alias(key, agent_id=agent),
        )
        answers.append((("by default", key, agent), (*plain, keys.store_key(agent, key, "home"))))
    pairs = product((None, "a:thread:1", "A:topic:2", "b", " a ", "\u00df", "ss"), repeat=2)
    answers += [(("same audience", one, other), keys.same_audience(one, other)) for one, other in pairs]
    check_answers("canonical-keys", answers)


def test_rooms_that_addresses_name() -> None:
    addresses = (
        *(None, "", "telegram:group:-100", "Telegram:-100", "telegram:42", "120@g.us", "120@G.US", "whatsapp:120@g.us"),
        *("slack:channel:C1", "x:group:5", "x:channel:5", "discord:channel:", "C1", "a::b", "signal:group:a=="),
        *("telegram:group:-100:topic:7", "x:y:channel:5", "slack:C1:x"),
    )
    answers = [
        ((address, kind, provider), keys.group_of_address(address, kind, provider))
        for address, kind, provider in product(addresses, (None, " Group ", "channel", "direct"), (None, " Slack "))
    ]
    check_answers("rooms-of-addresses", answers)


def test_keys_as_they_are_built() -> None:
    links = (("", ("1",)), (" Ann ", ("telegram:1", " ", "Slack:U1", "X9")), ("bea", ("telegram:1",)))
    answers: list[tuple[object, object]] = []
    for scope, peer, channel, account in product(
        DmScope,
        (None, "", "1", " U1 ", "ann", "ID:ann", "id:id:ann", "id:", "x9", "Ünï"),
        (" Telegram ", "slack", ""),
        (None, "Work!"),
    ):
        made = build.direct_key(
            "Main", scope, channel=channel, account_id=account, peer_id=peer, links=links, main_key="Home"
        )
        bare = build.direct_key(None, scope, channel=channel, account_id=account, peer_id=peer)
        answers.append(((scope, peer, channel, account), (made, bare)))
    answers += [
        (("linked", channel, peer), build.linked_peer(links, channel, peer))
        for channel, peer in product(("telegram", "SLACK ", " "), ("1", " u1", "", ":1"))
    ]
    answers += [
        (("room", kind, channel, one), build.room_key("Work", kind, channel, one))
        for kind, channel, one in product(PeerKind, ("Slack ", ""), (None, " ", "C1"))
    ]
    answers += [(("thread", one), build.thread_key("base", one, "parent")) for one in (None, " ", "T1 ")]
    answers += [(("topic", one), build.topic_key("base", one)) for one in (None, " ", "T7")]
    answers += [
        (("slash", channel, prefix), build.slash_key("Work", channel, "U1 ", prefix=prefix))
        for channel, prefix in product(("Slack", ""), (None, " ", "My:Slash"))
    ]
    answers.append(("slash by nobody", build.slash_key(None, "slack", " ")))
    for name, builder in (
        ("subagent", build.subagent_key),
        ("acp", build.acp_key),
        ("hook", build.hook_key),
        ("node", build.node_key),
        ("cron", build.cron_key),
    ):
        answers += [((name, agent), builder(agent, " X1 ")) for agent in (None, "Work")]
    answers.append(("cron run", build.cron_key("Work", "J", run_session_id=" S ")))
    answers += asked(build.main_session_key, None, "Work", ("Work", " Home "))
    check_answers("built-keys", answers)


def test_ids_in_keys() -> None:
    texts = (None, "", "  ", "Main", "a b", "-x-", "--", "a" * 70, "_a", "0-9", "ü", "a.b")
    answers: list[tuple[object, object]] = []
    for read in (normalise_agent_id, normalise_account_id, normalise_main_key, PeerKind.read):
        answers += [((read.__name__, text), read(text)) for text in (*texts, " DM ", "direct", "group", "Channel")]
    odd = (
        "a",
        " a",
        "a ",
        "a\u200bb",
        "a\tb",
        "a\u2028b",
        "a\u2029b",
        "a\x00",
        "\ud800",
        "1:THREAD:2",
        "thread:2",
        "2:topic",
        "direct:1",
        "DM:1",
        "group:1",
        "topics",
    )
    for text, kind in product((None, "", *odd), (None, *PeerKind)):
        answers.append(((text, kind), id_fault(text, "peer id", kind=kind)))
    check_answers("key-ids", answers)


def test_routes_word_for_word() -> None:
    bindings = (
        Binding("Work", " Telegram ", peer=Peer(PeerKind.DIRECT, " 42 "), key="bindings[0]"),
        Binding("gone", "telegram", peer=Peer(PeerKind.GROUP, "-100"), key="bindings[1]"),
        Binding("work", "discord", account_id="*", guild_id=" 5001 ", key="bindings[2]"),
        Binding("work", "msteams", account_id="a1", team_id="T1", key="bindings[3]"),
        Binding(" ", "slack", account_id="*", key="bindings[4]"),
        Binding("work", "slack", account_id=" A1 ", key="bindings[5]"),
        Binding("main", "signal", key="bindings[6]"),
        Binding("work", "signal", account_id="*", key="bindings[7]"),
    )
    places = [
        InboundPlace("telegram", None, Peer(PeerKind.DIRECT, "42")),
        InboundPlace(" Telegram", "", Peer(PeerKind.DIRECT, "7")),
        InboundPlace("telegram", "work", Peer(PeerKind.DIRECT, "42")),
        InboundPlace("telegram", None, Peer(PeerKind.GROUP, "-100:topic:7"), Peer(PeerKind.GROUP, "-100")),
        InboundPlace("telegram", None, Peer(PeerKind.GROUP, "-100:topic:a:thread:b"), Peer(PeerKind.GROUP, "-100")),
        InboundPlace("telegram", None, Peer(PeerKind.GROUP, "direct:1"), Peer(PeerKind.GROUP, " x")),
        InboundPlace("telegram", None, Peer(PeerKind.GROUP, " "), Peer(PeerKind.GROUP, "dm:1")),
        InboundPlace("telegram", None, None),
        InboundPlace("discord", "any", Peer(PeerKind.CHANNEL, "7001"), guild_id="5001 "),
        InboundPlace("discord", None, Peer(PeerKind.CHANNEL, "7001"), guild_id="5002"),
        InboundPlace("msteams", "a1", Peer(PeerKind.CHANNEL, "c"), team_id=" T1"),
        InboundPlace("msteams", "a1", Peer(PeerKind.CHANNEL, "c")),
        InboundPlace("slack", "A1", Peer(PeerKind.CHANNEL, "C1")),
        InboundPlace("slack", "a1", Peer(PeerKind.DIRECT, "U1")),
        InboundPlace("signal", None, Peer(PeerKind.DIRECT, "+1")),
        InboundPlace("signal", "b", Peer(PeerKind.DIRECT, "+1")),
        InboundPlace("webchat", None, Peer(PeerKind.DIRECT, "")),
    ]
    policies = (
        RoutingPolicy(agents=("main", "work"), bindings=bindings, main_key="home", global_scope=True),
        RoutingPolicy(
            bindings=bindings,
            default_agent="work",
            dm_scope=DmScope.PER_ACCOUNT_CHANNEL_PEER,
            identity_links=(("ann", ("telegram:7",)),),
        ),
    )
    answers: list[tuple[object, object]] = [
        ((number, place), route(policy, place)) for number, policy in enumerate(policies) for place in places
    ]
    for number, policy in enumerate(policies):
        answers += [
            ((number, key, agent), policy.canonical(key, agent))
            for key, agent in product((None, "main", "home", "x", "agent:work:main"), (None, "main", "Work"))
        ]
    check_answers("routes", answers)


def test_exec_values_of_an_agent() -> None:
    own, common = ExecDefaults(key="own"), ExecDefaults(key="common")
    policy = RoutingPolicy(exec_defaults=MappingProxyType({"work": own, "": common}))
    assert policy.exec_for("Work") is own
    assert policy.exec_for("x") is common
    assert policy.exec_for(None) is common
    assert RoutingPolicy().exec_for("work") == ExecDefaults()


def test_patterns_of_an_agent() -> None:
    texts = ("claw", "@claw", "clawed", "big claw", "big  claw", "ÜBER claw", "über", "🦞", "x🦞y", "!", "claws!")
    sources = (
        (None, None, None, None),
        (None, None, "Claw", None),
        (None, None, "Big Claw", "🦞"),
        (None, None, "Über", None),
        (None, None, "claw!", None),
        (None, None, "!claw", " "),
        ((), ("x",), "Claw", None),
        (None, ("\x08claw\x08",), "x", None),
        (("cl.w",), None, None, None),
    )
    answers = []
    for source in sources:
        found = mention_patterns(*source)
        answers.append(
            (source, [[pattern.source for pattern in found.patterns], [text for text in texts if found.first_in(text)]])
        )
    check_answers("mention-patterns", answers)


def test_text_as_mentions_see_it() -> None:
    texts = (
        "Hello @MyBot",
        "@mybot_x @mybot",
        "@mybots now",
        "@mybot @mybot_x",
        "@mybot_x @mybot @mybot_y",
        "@mybots",
        "mail@mybot.",
        "@mybot",
        "@ mybot",
        "my\u200bbot ÄÖ",
        "@MYBOT!",
        "x" * 100_001 + "@mybot",
    )
    answers: list[tuple[object, object]] = []
    answers += [
        ((text[:20], name), names_bot(text, name))
        for text, name in product(texts, ("mybot", " @MyBot ", "@", "", "mybot@"))
    ]
    answers += [((text[:20], "clean"), (len(clean(text)), clean(text)[:20])) for text in texts]
    check_answers("mention-texts", answers)


def test_mentions_word_for_word() -> None:
    me = SelfIdentity(id="900", username="mybot", e164="+1 555-0000")
    others = (SelfIdentity(), SelfIdentity(id="900"), SelfIdentity(e164="+1"), SelfIdentity(e164="x"))
    texts = ("hello", "hey claw", "@mybot hi", "call 1-555-0000 now", "1", "")
    answers: list[tuple[object, object]] = []
    patterns = (compile_patterns(()), compile_patterns(("hey claw",)))
    for rules, text, (number, listed) in product(RULES.values(), texts, enumerate(patterns)):
        for spoken in (Mentions(), Mentions(me=True), Mentions(others=True)):
            for replies in (False, True):
                facts = MessageFacts(ChatType.GROUP, "c", Sender(id="1"), text, mentions=spoken, reply_to_self=replies)
                found = [
                    detect(rules, listed, me, facts),
                    detect(rules, listed, me, facts, self_chat=True),
                    detect(rules, listed, me, facts, text_counts=False),
                ]
                answers.append(((rules.channel, text, number, spoken, replies), found))
    for rules, who, (number, listed) in product(RULES.values(), others, enumerate(patterns)):
        for text in ("hello 1", "@mybot", "hey claw"):
            facts = MessageFacts(ChatType.GROUP, "c", Sender(id="1"), text)
            answers.append(((rules.channel, who, text, number), detect(rules, listed, who, facts)))
    check_answers("mentions", answers)


def test_scopes_word_for_word() -> None:
    names = (
        "health",
        "chat.send",
        "config.set",
        "made.up",
        "/status",
        "/new",
        "http.canvas",
        "http.other",
        "node.event",
        "node.x.update",
        "x.update",
        "node.x",
    )
    holdings = ((), ("operator.read",), ("operator.write",), ("operator.admin",), ("operator.pairing", "nonsense"))
    answers: list[tuple[object, object]] = [(name, operation(name)) for name in names]
    for name, role, held in product(names, ("operator", "node", "root"), holdings):
        answers.append(((name, role, held), authorize(name, role, held)))
    for inner in ((), ("/status",), ("/new",), ("node.event",), ("health", "config.set")):
        answers += [((inner, held), authorize("chat.send", "operator", held, inner)) for held in holdings]
    texts = [*Scope, "x", "operator.read", "operator.read"]
    answers += [("known", known_scopes(texts)), ("none", known_scopes(()))]
    answers += [((held, "closure"), closure(held)) for held in holdings]
    answers += [((held, "lacking"), lacking(held, (*Scope, "x"))) for held in holdings]
    answers += [
        (("pairing", method, runs), pairing_operation(method, exec_commands=runs))
        for method, runs in product(("device.pair.approve", "node.pair.approve"), (False, True))
    ]
    answers += asked(
        node_operation,
        "system.run",
        "system.run.prepare",
        "browser.proxy",
        "camera.snap",
        ("browser.proxy", {"method": "GET", "path": "/"}),
    )
    check_answers("scopes", answers)


def test_every_row_of_the_scope_table() -> None:
    check_answers("operations", [(row.name, row) for row in OPERATIONS])
    assert {row.role for row in OPERATIONS} == set(Role)


def test_browser_requests_word_for_word() -> None:
    paths = (
        "/tabs",
        "/profiles/x",
        "/Profiles",
        "reset-profile",
        "/tabs?x=/profiles?y",
        "/profiles?a",
        "/a/../profiles",
        "/./profiles",
        "/a/.",
        "/%70rofiles",
        "/\u212a",
        "\\profiles",
        "/profiles?a?b",
        "/a\\b",
        "/a..b",
    )
    answers: list[tuple[object, object]] = []
    for method, path in product(("GET", "post", "DELETE"), paths):
        answers.append(((method, path), browser_operation({"method": method, "path": path})))
    deep: object = "evaluate"
    for _ in range(7):
        deep = {"x": deep}
    deeper = {"x": deep}
    harmless: list[object] = ["x"]
    for _ in range(10):
        harmless.append({"x": harmless[-1]})
    bodies: tuple[object, ...] = (
        *(None, True, 1, 1.5, "evaluate", " EVALUATE\n", "evaluated", ' {"fn": 1}', "\t[1]", "text [", "", b"x"),
        *(
            {"fn": "x"},
            {"text": "evaluate"},
            {"kind": "evaluate"},
            {"a": ["evaluate"]},
            ["x", ["evaluate"]],
            [],
            {},
            {"a": {"fn": 1}},
        ),
        *harmless,
        *(deep, deeper, [deeper], {"x": deeper}, [[[[[[[["x"]]]]]]]], [[[[[[[[["x"]]]]]]]]]),
    )
    for number, body in enumerate(bodies):
        answers.append(((number, "body"), browser_operation({"method": "POST", "path": "/act", "body": body})))
    answers.append(("no method", browser_operation({"path": "/"})))
    answers.append(("no path", browser_operation({"method": "GET", "path": 1})))
    check_answers("browser-requests", answers)


def test_history_keys_word_for_word() -> None:
    session = SessionView(key="agent:main:slack:channel:c1:thread:9")
    answers = []
    for rules, thread, topic, by_thread in product(RULES.values(), (None, "9"), (None, "7"), (True, False)):
        facts = MessageFacts(ChatType.GROUP, "c1;m=1;n=2", thread_id=thread, topic_id=topic)
        for view in (session, SessionView()):
            found = history_key(rules, "default", facts, view, by_thread=by_thread)
            answers.append(((rules.channel, thread, topic, by_thread, view.key), found))
    check_answers("history-keys", answers)
