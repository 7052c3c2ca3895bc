"""Monotone: whatever some change of the config turns from refused to allowed is among what the policy diff lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.diff import diff_policies
from openclaw.policy.domain.lens import elevated_facts, tool_run
from openclaw.policy.domain.powers import CORE_CATALOGUE
from openclaw.policy.inbound import Judged, judge_inbound
from openclaw.policy.snapshot import Policy
from openclaw.policy.verdict import Outcome
from openclaw.policy.what.elevated import elevated_gates
from openclaw.policy.what.labels import Source
from openclaw.policy.what.tool_policy import effective_tools
from openclaw.policy.where.sandbox_mode import Placement, sandbox_status
from openclaw.policy.who.admission_result import Decision
from openclaw.policy.who.facts import ChatType, Mentions, MessageFacts, Named, SelfIdentity, Sender, StoreView
from openclaw.system.environment import Environment
from openclaw.system.errors import ConfigInvalid

ME = SelfIdentity(id="900", username="mybot", e164="+15550000001")


def policy_of(document: Mapping[str, Any]) -> Policy:
    return compile_policy(Config.from_document(document), Environment({}))


IDS: dict[str, tuple[str, ...]] = {
    "telegram": ("1", "2", "@ann", "*"),
    "discord": ("11", "22", "ann", "*"),
    "slack": ("U1A", "U2B", "ann", "*"),
    "whatsapp": ("+15551230001", "+15551230002", "*"),
    "imessage": ("+15551230001", "a@b.example", "chat_id:7", "*"),
    "msteams": ("0a1b2c3d-1111-2222-3333-444455556666", "Ann", "*"),
}
ROOMS: dict[str, tuple[str, ...]] = {
    "telegram": ("-100", "-200", "*"),
    "discord": ("5", "friends", "*"),
    "slack": ("C1", "#general", "*"),
    "whatsapp": ("1@g.us", "2@g.us", "*"),
    "imessage": ("7", "8", "*"),
    "msteams": ("19:a@thread.tacv2", "Ops", "*"),
}
NESTED = ("discord", "slack")
BASE: dict[str, dict[str, Any]] = {
    "telegram": {"botToken": "1:x"},
    "discord": {"token": "x"},
    "slack": {"botToken": "x", "appToken": "y"},
    "whatsapp": {},
    "imessage": {},
    "msteams": {"appId": "a", "appPassword": "b", "tenantId": "c"},
}
CHANNELS = st.sampled_from(sorted(IDS))
BOOL = st.booleans()


def lists(channel: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(IDS[channel]), max_size=3, unique=True)


def room_maps(channel: str) -> st.SearchStrategy[dict[str, Any]]:
    entry: dict[str, st.SearchStrategy[Any]] = {"requireMention": BOOL}
    if channel == "telegram":
        entry |= {"allowFrom": lists(channel), "enabled": BOOL, "groupPolicy": st.sampled_from(["open", "disabled"])}
        entry["topics"] = st.dictionaries(st.just("5"), st.fixed_dictionaries({"requireMention": BOOL}), max_size=1)
    if channel == "discord":
        inner = st.fixed_dictionaries({}, optional={"allow": BOOL, "users": lists(channel), "autoThread": BOOL})
        entry |= {
            "users": lists(channel),
            "channels": st.dictionaries(st.sampled_from(["70", "general"]), inner, max_size=2),
        }
    if channel == "slack":
        entry |= {"users": lists(channel), "allow": BOOL, "allowBots": BOOL}
    if channel == "msteams":
        inner = st.fixed_dictionaries({}, optional={"requireMention": BOOL})
        entry["channels"] = st.dictionaries(st.sampled_from(["19:r@thread.tacv2", "Chat"]), inner, max_size=2)
    return st.dictionaries(st.sampled_from(ROOMS[channel]), st.fixed_dictionaries({}, optional=entry), max_size=3)


def changes(channel: str) -> st.SearchStrategy[tuple[str, Any]]:
    """Return one setting of a channel's section, as (key, value)."""
    maps = {"discord": "guilds", "slack": "channels", "msteams": "teams"}
    found: list[tuple[str, st.SearchStrategy[Any]]] = [
        ("groupPolicy", st.sampled_from(["open", "allowlist", "disabled"])),
        (maps.get(channel, "groups"), room_maps(channel)),
        ("enabled", BOOL),
        ("requireMention", BOOL),
        ("allowBots", BOOL),
        ("groupAllowFrom", lists(channel)),
    ]
    dm: dict[str, st.SearchStrategy[Any]] = {
        "policy": st.sampled_from(["pairing", "allowlist", "disabled", "open"]),
        "allowFrom": lists(channel),
    }
    if channel in NESTED:
        nested = {**dm, "enabled": BOOL, "groupEnabled": BOOL, "groupChannels": st.lists(st.just("g1"), max_size=1)}
        found.append(("dm", st.fixed_dictionaries({}, optional=nested)))
    else:
        found += [("dmPolicy", dm["policy"]), ("allowFrom", dm["allowFrom"])]
    return st.one_of([st.tuples(st.just(key), value) for key, value in found])


SENDERS: dict[str, tuple[Sender, ...]] = {
    "telegram": (
        Sender(id="1"),
        Sender(id="2", username="ann"),
        Sender(id="3", username="ann"),
        Sender(id="4"),
        Sender(),
    ),
    "discord": (Sender(id="11"), Sender(id="33", username="ann"), Sender(id="44"), Sender(id="22", is_bot=True)),
    "slack": (Sender(id="U1A"), Sender(id="U3C", name="ann"), Sender(id="U4D"), Sender(id="U2B", is_bot=True)),
    "whatsapp": (Sender(e164="+15551230001"), Sender(e164="+15559990009"), Sender(e164=ME.e164)),
    "imessage": (Sender(id="+15551230001"), Sender(id="A@b.example"), Sender(id="x@y.example")),
    "msteams": (
        Sender(id="0A1B2C3D-1111-2222-3333-444455556666"),
        Sender(id="ffffffff-1111-2222-3333-444455556666", name="Ann"),
    ),
}
PLACES: dict[str, tuple[MessageFacts, ...]] = {
    "telegram": (
        MessageFacts(ChatType.DIRECT, "1"),
        MessageFacts(ChatType.GROUP, "-100"),
        MessageFacts(ChatType.GROUP, "-100", topic_id="5"),
        MessageFacts(ChatType.GROUP, "-300"),
    ),
    "discord": (
        MessageFacts(ChatType.DIRECT, "60"),
        MessageFacts(ChatType.GROUP_DM, "g1", chat_name="g1"),
        MessageFacts(ChatType.CHANNEL, "70", guild=Named("5", "Friends")),
        MessageFacts(ChatType.CHANNEL, "71", chat_name="general", guild=Named("6", "Friends")),
        MessageFacts(ChatType.CHANNEL, "72", chat_name="other", guild=Named("8", "Else")),
        MessageFacts(ChatType.THREAD, "73", parent_id="70", thread_owner_id="900", guild=Named("5", "Friends")),
    ),
    "slack": (
        MessageFacts(ChatType.DIRECT, "D1"),
        MessageFacts(ChatType.CHANNEL, "C1"),
        MessageFacts(ChatType.CHANNEL, "C2", chat_name="general"),
        MessageFacts(ChatType.GROUP, "G3", chat_name="else"),
        MessageFacts(ChatType.GROUP_DM, "g1"),
    ),
    "whatsapp": (
        MessageFacts(ChatType.DIRECT, "+15551230001"),
        MessageFacts(ChatType.GROUP, "1@g.us"),
        MessageFacts(ChatType.GROUP, "9@g.us"),
    ),
    "imessage": (
        MessageFacts(ChatType.DIRECT, "7"),
        MessageFacts(ChatType.GROUP, "7"),
        MessageFacts(ChatType.GROUP, "9"),
    ),
    "msteams": (
        MessageFacts(ChatType.DIRECT, "a:1"),
        MessageFacts(ChatType.GROUP, "19:g@thread.v2"),
        MessageFacts(ChatType.CHANNEL, "19:r@thread.tacv2", team=Named("19:a@thread.tacv2", "A")),
        MessageFacts(ChatType.CHANNEL, "19:s@thread.tacv2", chat_name="Chat", team=Named("19:b@thread.tacv2", "Ops")),
    ),
}


def told_of(channel: str, text: str) -> bool:
    return text.startswith((channel, "everybody")) or f"; {channel} " in text


def judged(policy: Policy, channel: str, facts: MessageFacts, approved: tuple[str, ...] = ()) -> Judged:
    return judge_inbound(
        policy,
        channel,
        "default",
        facts,
        identity=ME,
        store=StoreView(allow_from=approved),
        activation=lambda _key: None,
        now_ms=0,
    )


def all_cases(channel: str) -> list[tuple[MessageFacts, tuple[str, ...]]]:
    return [
        (replace(place, sender=sender, text="hello", mentions=Mentions(me=spoken)), approved)
        for place in PLACES[channel]
        for sender in SENDERS[channel]
        for spoken in (False, True)
        for approved in ((), (sender.id or sender.e164 or "",))
    ]


CASES = {channel: all_cases(channel) for channel in IDS}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_every_message_that_a_change_newly_admits_is_told(data: st.DataObject) -> None:
    channel = data.draw(CHANNELS)
    drawn = data.draw(st.lists(changes(channel), max_size=4))
    edit = data.draw(changes(channel))
    section = {**BASE[channel], **dict(drawn)}
    try:
        before = policy_of({"channels": {channel: section}})
        after = policy_of({"channels": {channel: {**section, **dict([edit])}}})
    except ConfigInvalid:
        return
    found = diff_policies(before, after)
    for facts, approved in CASES[channel]:
        was, now = (judged(policy, channel, facts, approved).admission for policy in (before, after))
        opened = was.decision is not Decision.DELIVER and now.decision is Decision.DELIVER
        if opened and section.get("enabled") is not False:
            told = [text for text in found.widened if told_of(channel, text) and ("reach" in text or "trigger" in text)]
            assert told, (facts, was.reasons, now.reasons)
        elif now.command_authorized and not was.command_authorized:
            assert any(told_of(channel, text) and "commands" in text for text in found.widened), (facts, found)
    assert bool(found.widens) == bool(diff_policies(after, before).narrows)


TOOL_NAMES = st.sampled_from(["exec", "read", "write", "group:fs", "group:web", "*", "session_status", "apply_patch"])
TOOL_BLOCK = st.fixed_dictionaries(
    {},
    optional={
        "profile": st.sampled_from(["minimal", "coding", "messaging", "full"]),
        "allow": st.lists(TOOL_NAMES, max_size=2, unique=True),
        "deny": st.lists(TOOL_NAMES, max_size=2, unique=True),
    },
)
PLAIN_BLOCK = st.fixed_dictionaries(
    {}, optional={name: st.lists(TOOL_NAMES, max_size=2, unique=True) for name in ("allow", "deny")}
)
ROOM_TOOLS = st.fixed_dictionaries(
    {},
    optional={
        "tools": PLAIN_BLOCK,
        "toolsBySender": st.dictionaries(st.sampled_from(["1", "ann", "*"]), PLAIN_BLOCK),
    },
)
TOOL_CONFIGS = st.fixed_dictionaries(
    {
        "tools": TOOL_BLOCK,
        "sandbox": st.sampled_from(["off", "non-main", "all"]),
        "own": TOOL_BLOCK,
        "boxed": PLAIN_BLOCK,
        "room": ROOM_TOOLS,
    }
)


def tool_document(drawn: Mapping[str, Any]) -> dict[str, Any]:
    telegram = {"botToken": "1:x", "allowFrom": ["1", "2"], "groupPolicy": "open", "groups": {"-100": drawn["room"]}}
    agents = {"defaults": {"sandbox": {"mode": drawn["sandbox"]}}, "list": [{"id": "main", "tools": drawn["own"]}]}
    return {
        "tools": {**drawn["tools"], "sandbox": {"tools": drawn["boxed"]}},
        "agents": agents,
        "channels": {"telegram": telegram},
    }


def tools_of(policy: Policy, sender: Sender, chat: MessageFacts) -> frozenset[str]:
    facts = replace(chat, sender=sender, text="hello", mentions=Mentions(me=True))
    found = judged(policy, "telegram", facts)
    if found.admission.decision is not Decision.DELIVER:
        return frozenset()
    run = tool_run("telegram", "default", facts, found.admission, found.route.agent_id, found.session_key)
    boxed = sandbox_status(policy.routing.sandbox, run.agent_id, run.session_key).outcome is Placement.SANDBOX
    return frozenset(effective_tools(policy.tools, replace(run, sandboxed=boxed), CORE_CATALOGUE).offered)


TOOL_SENDERS = (
    Sender(id="1"),
    Sender(id="1", username="ann"),
    Sender(id="2"),
    Sender(id="3", name="ann"),
    Sender(id="4"),
)


@settings(max_examples=120, deadline=None)
@given(TOOL_CONFIGS, TOOL_CONFIGS, st.sampled_from(["tools", "sandbox", "own", "boxed", "room"]))
def test_every_tool_that_a_change_newly_offers_is_told(first: Any, second: Any, part: str) -> None:
    try:
        before = policy_of(tool_document(first))
        after = policy_of(tool_document({**first, part: second[part]}))
    except ConfigInvalid:
        return
    told = diff_policies(before, after)
    for sender in TOOL_SENDERS:
        for chat in (MessageFacts(ChatType.DIRECT), MessageFacts(ChatType.GROUP, "-100")):
            gained = tools_of(after, sender, chat) - tools_of(before, sender, chat)
            if gained:
                texts = [text for text in told.widened if " use " in text]
                assert texts, (gained, sender, chat)
                assert any(name in text for name in gained for text in texts) or any("more tools" in t for t in texts)


RIGHTS = st.fixed_dictionaries(
    {},
    optional={
        "owners": st.lists(st.sampled_from(["telegram:1", "2", "discord:1", "*"]), max_size=2),
        "elevated": st.lists(st.sampled_from(["1", "telegram:2", "name:ann", "*"]), max_size=2),
        "own": st.lists(st.sampled_from(["1", "2", "*"]), max_size=2),
        "dm": st.lists(st.sampled_from(["1", "2", "@ann"]), max_size=2, unique=True),
        "bound": st.sampled_from([("direct", "1"), ("direct", "2"), ("group", "-100"), ("group", "-300")]),
    },
)


def rights_document(drawn: Mapping[str, Any]) -> dict[str, Any]:
    elevated = {"allowFrom": {"telegram": drawn.get("elevated", [])}}
    own = {"allowFrom": {"telegram": drawn["own"]}} if "own" in drawn else {}
    kind, peer = drawn.get("bound", ("direct", "9"))
    return {
        "commands": {"ownerAllowFrom": drawn.get("owners", [])},
        "tools": {"elevated": elevated},
        "agents": {"list": [{"id": "main", "tools": {"elevated": own}}, {"id": "ops"}]},
        "bindings": [{"agentId": "ops", "match": {"channel": "telegram", "peer": {"kind": kind, "id": peer}}}],
        "channels": {
            "telegram": {
                "botToken": "1:x",
                "allowFrom": drawn.get("dm", []),
                "groupPolicy": "open",
                "groups": {"*": {}},
            }
        },
    }


def rights_of(policy: Policy, facts: MessageFacts, approved: tuple[str, ...]) -> tuple[bool, bool, str]:
    """Return whether a message is elevated, whether its sender owns, and whom it reaches; nothing when it does not."""
    found = judged(policy, "telegram", facts, approved)
    admission, agent = found.admission, found.route.agent_id
    if admission.decision is not Decision.DELIVER:
        return False, False, ""
    source = admission.admitted_by or Source.STRANGER
    who = elevated_facts("telegram", facts, admission, source, agent, found.session_key)
    allowed = elevated_gates(policy.tools.elevated, who).outcome is Outcome.ALLOW
    return allowed, admission.sender_is_owner, agent


@settings(max_examples=100, deadline=None)
@given(RIGHTS, RIGHTS, st.sampled_from(["owners", "elevated", "own", "dm", "bound"]))
def test_every_right_that_a_change_newly_gives_is_told(first: Any, second: Any, part: str) -> None:
    edited = {key: value for key, value in first.items() if key != part} | (
        {part: second[part]} if part in second else {}
    )
    before, after = policy_of(rights_document(first)), policy_of(rights_document(edited))
    told = [text for text in diff_policies(before, after).widened if text.startswith(("telegram", "everybody"))]
    for facts, approved in CASES["telegram"]:
        had, has = rights_of(before, facts, approved), rights_of(after, facts, approved)
        if has[2] and has[2] != had[2]:
            assert any(f"reach agent {has[2]}" in text or f"trigger agent {has[2]}" in text for text in told)
        elif has[0] and not had[0]:
            assert any("elevated" in text for text in told), facts
        elif has[1] and not had[1]:
            assert any("owner" in text for text in told), facts
