from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from openclaw.policy.where import key_builders
from openclaw.policy.where.key_builders import direct_key, linked_peer, room_key, thread_key, topic_key
from openclaw.policy.where.key_ids import (
    DmScope,
    PeerKind,
    id_fault,
    normalise_account_id,
    normalise_agent_id,
    normalise_main_key,
)
from openclaw.policy.where.session_keys import canonical_key

LINKS = (("alice", ("telegram:123", "+1555")), ("bob", ("telegram:123", "77")))
ids = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)
channels = st.sampled_from(["telegram", "discord", "slack", "whatsapp"])
accounts = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,6}", fullmatch=True)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (DmScope.MAIN, "agent:ops:main"),
        (DmScope.PER_PEER, "agent:ops:direct:u1"),
        (DmScope.PER_CHANNEL_PEER, "agent:ops:slack:direct:u1"),
        (DmScope.PER_ACCOUNT_CHANNEL_PEER, "agent:ops:slack:work:direct:u1"),
    ],
)
def test_a_direct_chat_is_keyed_by_its_scope(scope: DmScope, expected: str) -> None:
    assert direct_key("Ops", scope, channel=" Slack ", account_id="Work", peer_id="U1") == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: room_key("main", PeerKind.GROUP, "telegram", "-100"), "agent:main:telegram:group:-100"),
        (lambda: room_key("main", PeerKind.CHANNEL, "slack", "C1"), "agent:main:slack:channel:c1"),
        (lambda: room_key("main", PeerKind.GROUP, "", " "), "agent:main:unknown:group:unknown"),
        (lambda: topic_key("agent:main:telegram:group:-1", "42"), "agent:main:telegram:group:-1:topic:42"),
        (lambda: topic_key("agent:main:telegram:group:-1", None), "agent:main:telegram:group:-1:topic:1"),
        (lambda: key_builders.slash_key("main", "telegram", "9"), "agent:main:telegram:slash:9"),
        (lambda: key_builders.slash_key("main", "slack", "U9", prefix="slack:slash"), "agent:main:slack:slash:u9"),
        (lambda: key_builders.subagent_key("main", "AB"), "agent:main:subagent:ab"),
        (lambda: key_builders.acp_key("main", "AB"), "agent:main:acp:ab"),
        (lambda: key_builders.cron_key("main", "job"), "agent:main:cron:job"),
        (lambda: key_builders.cron_key("main", "job", run_session_id="S"), "agent:main:cron:job:run:s"),
        (lambda: key_builders.hook_key("main", "gmail:1"), "agent:main:hook:gmail:1"),
        (lambda: key_builders.node_key("main", "Phone"), "agent:main:node-phone"),
    ],
)
def test_every_source_has_its_key(call: object, expected: str) -> None:
    assert callable(call)
    assert call() == expected


def test_a_blank_thread_is_the_base_without_a_parent() -> None:
    assert thread_key("agent:main:slack:channel:c1", " ", "agent:main:main") == ("agent:main:slack:channel:c1", None)
    assert thread_key("base", "T1", "parent") == ("base:thread:t1", "parent")


def test_the_first_link_in_order_wins_and_only_outside_the_main_scope() -> None:
    assert linked_peer(LINKS, "telegram", " 123 ") == "alice"
    assert linked_peer(LINKS, "whatsapp", "+1555") == "alice"
    assert linked_peer(LINKS, "telegram", "77") == "bob"
    assert linked_peer(LINKS, "telegram", "") is None
    assert linked_peer([("carol", [":9"])], " ", "9") is None
    main = direct_key("main", DmScope.MAIN, channel="telegram", account_id=None, peer_id="123", links=LINKS)
    assert main == "agent:main:main"


def test_adv_G7_a_link_merges_the_listed_ids_and_nobody_else() -> None:
    def key(peer: str) -> str:
        return direct_key("main", DmScope.PER_PEER, channel="irc", account_id=None, peer_id=peer, links=LINKS)

    assert key("+1555") == "agent:main:direct:alice"
    assert key("alice") != key("+1555")
    assert len({key("alice"), key("id:alice"), key("id:id:alice"), key("bob"), key("77")}) == 5


@given(channels, accounts, ids, channels, accounts, ids, st.sampled_from(list(DmScope)[1:]))
@settings(max_examples=150, deadline=None)
def test_adv_G7_distinct_people_have_distinct_keys(
    channel: str, account: str, peer: str, channel_2: str, account_2: str, peer_2: str, scope: DmScope
) -> None:
    assume(id_fault(peer, "peer id") is None)
    assume(id_fault(peer_2, "peer id") is None)
    one = direct_key("main", scope, channel=channel, account_id=account, peer_id=peer, links=LINKS)
    two = direct_key("main", scope, channel=channel_2, account_id=account_2, peer_id=peer_2, links=LINKS)
    named = (peer.lower(), peer_2.lower())
    if scope is not DmScope.PER_PEER:
        named = (f"{channel} {named[0]}", f"{channel_2} {named[1]}")
    if scope is DmScope.PER_ACCOUNT_CHANNEL_PEER:
        named = (f"{account} {named[0]}", f"{account_2} {named[1]}")
    linked = {linked_peer(LINKS, channel, peer), linked_peer(LINKS, channel_2, peer_2)} != {None}
    assert linked or (one == two) == (named[0] == named[1])


@given(channels, ids, ids, st.sampled_from(["group", "channel"]), accounts)
@settings(max_examples=150, deadline=None)
def test_adv_G7_a_room_never_shares_a_key_with_a_direct_chat(
    channel: str, peer: str, room: str, kind: str, account: str
) -> None:
    place = PeerKind(kind)
    assume(id_fault(peer, "peer id") is None)
    assume(id_fault(room, "chat id", kind=place) is None)
    rooms = room_key("main", place, channel, room)
    for name in (account, "group", "channel"):
        for scope in DmScope:
            assert direct_key("main", scope, channel=channel, account_id=name, peer_id=peer) != rooms


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(list(DmScope)))
@settings(max_examples=100, deadline=None)
def test_building_takes_any_text_and_what_it_builds_is_canonical(channel: str, peer: str, scope: DmScope) -> None:
    assume(id_fault(peer, "peer id") is None and ":" not in channel)
    key = direct_key("main", scope, channel=channel, account_id=peer, peer_id=peer)
    assume(key == key.lower() and key == key.strip())
    assert canonical_key(key, agent_id="other") == key


@pytest.mark.parametrize(
    ("text", "kind", "rule"),
    [
        ("123", None, None),
        ("a:b/c", None, None),
        ("", None, None),
        ("1\n2", None, "key.control-character"),
        ("1\u202e2", None, "key.control-character"),
        ("1\ud800", None, "key.control-character"),
        (" 1", None, "key.outer-blank"),
        ("1:thread:2", None, "key.thread-marker"),
        ("topic:2", None, "key.thread-marker"),
        ("a:TOPIC:2", None, "key.thread-marker"),
        ("1:thread", None, "key.thread-marker"),
        ("mythread:2", None, None),
        ("direct:5", PeerKind.GROUP, "key.direct-marker"),
        ("direct:5", PeerKind.DIRECT, None),
    ],
)
def test_ids_that_could_forge_a_key_are_refused(text: str, kind: PeerKind | None, rule: str | None) -> None:
    fault = id_fault(text, "peer id", kind=kind)
    assert (fault.rule if fault else None) == rule


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "main"),
        ("  ", "main"),
        ("Ops", "ops"),
        ("a" * 70, "a" * 64),
        ("--x--", "x"),
        ("x-", "x-"),
        ("Кот", "main"),
        ("a b!c", "a-b-c"),
        ("\ud800x", "x"),
    ],
)
def test_agent_ids_are_normalised(text: str | None, expected: str) -> None:
    assert normalise_agent_id(text) == expected
    assert normalise_agent_id(expected) == expected


def test_accounts_and_main_keys_have_their_own_fallback() -> None:
    assert normalise_account_id(" ") == "default"
    assert normalise_account_id("Work 2") == "work-2"
    assert normalise_main_key(None) == "main"
    assert normalise_main_key(" Home ") == "home"


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_normalised_ids_are_plain_and_stay_the_same(text: str) -> None:
    found = normalise_agent_id(text)
    assert 0 < len(found) <= 64
    assert normalise_agent_id(found) == found or found.startswith("_")
    assert not any(unicodedata.category(char).startswith("C") for char in found)
    id_fault(text, "peer id")
