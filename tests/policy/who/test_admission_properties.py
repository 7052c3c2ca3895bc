"""What holds for any facts (advisories C5-C8, D1; architecture: total functions, doubt refuses)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.what.labels import Source
from openclaw.policy.who.access_policy import AccessPolicy
from openclaw.policy.who.admission import decide
from openclaw.policy.who.admission_result import Admission, Decision
from openclaw.policy.who.dm_pairing import PairingRequest
from openclaw.policy.who.facts import (
    NO_SESSION,
    ChatType,
    EventKind,
    GroupActivation,
    Mentions,
    MessageFacts,
    Named,
    SelfIdentity,
    Sender,
    SessionView,
    StoreView,
)
from openclaw.policy.who.identity import sender_id
from openclaw.policy.who.reasons import CODES
from openclaw.policy.who.rule_table import RULES, rules_for
from support.access import CHANNELS, ME, NESTED, NOW, PLACES, SENDERS, STRANGERS, id_of, policy_of

IDS = ("42", "77", "111", "+15551230001", "U111", "-100", "*", "", "ann", "a@x.example", "0a1b", "\u202e42", "４２")
text = st.one_of(st.sampled_from(IDS), st.text(max_size=12))
maybe = st.none() | text
senders = st.builds(
    Sender,
    id=maybe,
    username=maybe,
    name=maybe,
    tag=maybe,
    e164=maybe,
    uuid=maybe,
    is_bot=st.booleans(),
    member_id=maybe,
)
words = st.one_of(
    st.sampled_from(["hello", "/status", "/config set x=1", "@mybot hi", "claw", "stop", "/think: high", "!", "/"]),
    st.text(max_size=60),
)
facts = st.builds(
    MessageFacts,
    chat_type=st.sampled_from(ChatType),
    chat_id=st.one_of(st.sampled_from(["-100", "42", "7001", "C1", "D1", "7", "1@g.us", "x@broadcast"]), text),
    sender=senders,
    text=words,
    kind=st.sampled_from(EventKind),
    chat_name=maybe,
    topic_id=maybe,
    thread_id=maybe,
    parent_id=maybe,
    parent_name=maybe,
    thread_owner_id=maybe,
    guild=st.none() | st.builds(Named, id=maybe, name=maybe),
    team=st.none() | st.builds(Named, id=maybe, name=maybe),
    mentions=st.builds(Mentions, me=st.booleans(), others=st.booleans()),
    reply_to_self=st.booleans(),
    from_me=st.booleans(),
    sync=st.booleans(),
    echo=st.booleans(),
    native=st.booleans(),
    forwarded=st.booleans(),
    original_waits=st.booleans(),
    lookup_failed=st.booleans(),
    sent_before_connect_ms=st.none() | st.integers(-(10**9), 10**12),
    operator_scopes=st.lists(st.sampled_from(["operator.admin", "x"]), max_size=2).map(tuple),
)
stores = st.builds(
    StoreView,
    allow_from=st.lists(text, max_size=4).map(tuple),
    requests=st.lists(
        st.builds(PairingRequest, id=text, code=text, created_ms=st.none() | st.integers(), last_seen_ms=st.integers()),
        max_size=5,
    ).map(tuple),
)
sessions = st.builds(
    SessionView, key=text, group_activation=st.none() | st.sampled_from(GroupActivation), agent_id=text
)
selves = st.builds(SelfIdentity, id=maybe, username=maybe, e164=maybe)


def world(mode: str, people: dict[str, list[str]]) -> AccessPolicy:
    """Return a policy with every channel: `mode` is the DM and group policy, `people` the lists."""
    channels: dict[str, Any] = {}
    for channel in CHANNELS:
        allow = people.get(channel)
        dm_policy, group_policy = ("pairing", "allowlist") if mode == "listed" else (mode, mode)
        dm_allow = ["*"] if mode == "open" else allow
        direct: dict[str, Any] = {} if dm_allow is None else {"allowFrom": dm_allow}
        settings: dict[str, Any] = {"groupPolicy": group_policy}
        if channel in NESTED:
            settings["dm"] = {"policy": dm_policy, "groupEnabled": mode == "open", **direct}
        else:
            settings.update({"dmPolicy": dm_policy, **direct})
        places: dict[str, dict[str, Any]] = {"discord": {"guilds": {"5001": {}}}, "slack": {"channels": {"C1": {}}}}
        if allow and mode == "listed":
            places = {
                "discord": {"guilds": {"5001": {"users": allow}}},
                "slack": {"channels": {"C1": {"users": allow}}},
            }
        settings.update(places.get(channel, {}))
        channels[channel] = settings
    return policy_of({"channels": channels, "messages": {"groupChat": {"mentionPatterns": ["claw", "(", "(a+)+$"]}}})


LISTED = world("listed", {channel: [id_of(channel, SENDERS[channel])] for channel in CHANNELS})
WORLDS = {mode: world(mode, {}) for mode in ("open", "allowlist", "disabled")} | {"listed": LISTED}
any_channel = st.sampled_from([*RULES, "telegram ", "TELEGRAM", "nowhere", ""])


def judge(policy: AccessPolicy, channel: str, what: MessageFacts, store: StoreView, me: SelfIdentity = ME) -> Admission:
    return decide(policy, channel, "", me, store, NO_SESSION, what, NOW)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(WORLDS)), any_channel, maybe, selves, stores, sessions, facts, st.integers())
def test_it_answers_for_any_facts_and_every_answer_has_a_known_reason(
    mode: str,
    channel: str,
    account: str | None,
    me: SelfIdentity,
    store: StoreView,
    session: SessionView,
    what: MessageFacts,
    now: int,
) -> None:
    found = decide(WORLDS[mode], channel, account, me, store, session, what, now)
    assert found.reasons
    assert all(reason.rule in CODES for reason in found.reasons)
    if found.decision is not Decision.DELIVER:
        assert not found.command_authorized
        assert not found.sender_is_owner
    if found.decision in (Decision.DROP, Decision.PAIR):
        assert found.admitted_by is None
    if found.decision is Decision.PAIR:
        assert what.chat_type is ChatType.DIRECT
        assert what.kind is EventKind.MESSAGE
        assert found.effects.pairing_id


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CHANNELS), facts, stores)
def test_disabled_never_delivers(channel: str, what: MessageFacts, store: StoreView) -> None:
    found = judge(WORLDS["disabled"], channel, what, store)
    migrated = what.kind is EventKind.MIGRATE
    assert found.decision is Decision.DROP or migrated


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CHANNELS), facts, stores)
def test_adv_D1_the_store_never_decides_in_groups(channel: str, what: MessageFacts, store: StoreView) -> None:
    for policy in WORLDS.values():
        if what.chat_type is not ChatType.DIRECT:
            assert judge(policy, channel, what, store) == judge(policy, channel, what, StoreView())


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CHANNELS), facts)
def test_a_stranger_gets_no_command_authority(channel: str, what: MessageFacts) -> None:
    """Nobody whom no list names, with no wildcard about, under any policy and any event."""
    me = STRANGERS[channel]
    stranger = replace(what, sender=replace(what.sender, id=me.id, e164=me.e164, uuid=None, member_id=None))
    named = {"ann", "ann lee", id_of(channel, SENDERS[channel])}
    if {(stranger.sender.username or "").lower(), (stranger.sender.name or "").lower()} & named:
        return
    for mode in ("listed", "allowlist"):
        found = judge(WORLDS[mode], channel, stranger, StoreView())
        assert not found.command_authorized
        assert not found.sender_is_owner
        assert found.admitted_by in (None, Source.STRANGER, Source.SYSTEM)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CHANNELS), facts, stores)
def test_adv_C5_an_empty_sender_is_on_no_list(channel: str, what: MessageFacts, store: StoreView) -> None:
    nobody = Sender(username=what.sender.username, name=what.sender.name, tag=what.sender.tag)
    assert sender_id(rules_for(channel).identity, nobody) == ""
    for mode in ("listed", "allowlist"):
        found = judge(WORLDS[mode], channel, replace(what, sender=nobody), store)
        assert found.decision in (Decision.DROP, Decision.BUFFER) or found.admitted_by in (
            Source.STRANGER,
            Source.SYSTEM,
        )
        assert not found.command_authorized


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(CHANNELS),
    st.lists(st.sampled_from(["11111111", "+15557770001", "U777AAA", "z@x.example"]), min_size=1, max_size=3),
    facts,
)
def test_adv_C6_an_entry_for_somebody_else_admits_nobody_who_was_denied(
    channel: str, others: list[str], what: MessageFacts
) -> None:
    """Adding ids of others to every list never turns a refusal into a delivery, nor gives authority."""
    style = rules_for(channel).identity
    who = sender_id(style, what.sender)
    if not who or who in {sender_id(style, Sender(id=o, e164=o)) for o in others}:
        return
    longer = world("listed", {channel: [id_of(channel, SENDERS[channel]), *others]})
    first_of_all = world("allowlist", {channel: others})
    for before, after in ((LISTED, longer), (WORLDS["allowlist"], first_of_all)):
        first, second = judge(before, channel, what, StoreView()), judge(after, channel, what, StoreView())
        if first.decision is not Decision.DELIVER:
            assert second.decision is not Decision.DELIVER
        assert second.command_authorized <= first.command_authorized
        assert second.sender_is_owner <= first.sender_is_owner


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CHANNELS), facts, stores)
def test_the_answer_is_a_function_of_its_inputs(channel: str, what: MessageFacts, store: StoreView) -> None:
    assert judge(LISTED, channel, what, store) == judge(LISTED, channel, what, store)


def test_a_huge_message_and_huge_lists_are_judged() -> None:
    policy = policy_of({"channels": {"telegram": {"allowFrom": [str(number) for number in range(20_000)]}}})
    store = StoreView(tuple(str(number) for number in range(20_000, 40_000)))
    place = PLACES["telegram"]
    shout = MessageFacts(place["chat_type"], place["chat_id"], Sender(id="42"), "/" * 2_000_000 + "@mybot")
    assert judge(policy, "telegram", shout, store).decision is Decision.BUFFER
    known = MessageFacts(ChatType.DIRECT, "39999", Sender(id="39999"), "a" * 2_000_000)
    assert judge(policy, "telegram", known, store).decided_by.rule == "dm.paired"
