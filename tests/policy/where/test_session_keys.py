from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.where import session_keys as keys
from openclaw.policy.where.key_ids import PeerKind
from openclaw.policy.where.session_keys import KeyShape, SessionKind


@pytest.mark.parametrize(
    ("key", "shape"),
    [
        (None, KeyShape.MISSING),
        ("  ", KeyShape.MISSING),
        ("agent:main:main", KeyShape.AGENT),
        ("agent::main::x", KeyShape.AGENT),
        ("agent:main", KeyShape.MALFORMED_AGENT),
        ("AGENT:main:main", KeyShape.MALFORMED_AGENT),
        ("main", KeyShape.LEGACY_OR_ALIAS),
        ("telegram:group:-1", KeyShape.LEGACY_OR_ALIAS),
    ],
)
def test_keys_are_classified(key: str | None, shape: KeyShape) -> None:
    assert keys.classify(key) is shape


@pytest.mark.parametrize(
    ("key", "parent"),
    [
        ("agent:main:slack:channel:c1:thread:1", "agent:main:slack:channel:c1"),
        ("agent:main:telegram:group:-1:TOPIC:4", "agent:main:telegram:group:-1"),
        ("a:topic:1:thread:2", "a:topic:1"),
        (":thread:1", None),
        ("agent:main:main", None),
        (None, None),
    ],
)
def test_the_thread_parent_is_cut_at_the_last_marker(key: str | None, parent: str | None) -> None:
    assert keys.thread_parent(key) == parent


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("agent:main:telegram:group:-100:topic:3", ("telegram", "-100", PeerKind.GROUP)),
        ("agent:main:subagent:slack:channel:c1", ("slack", "c1", PeerKind.CHANNEL)),
        ("agent:main:msteams:channel:19:abc@thread.v2", ("msteams", "19:abc@thread.v2", PeerKind.CHANNEL)),
        ("agent:main:telegram:group::5", ("telegram", ":5", PeerKind.GROUP)),
        ("telegram:group:7", ("telegram", "7", PeerKind.GROUP)),
        ("agent:main:telegram:direct:7", None),
        ("agent:main:direct:group:7", None),
        ("agent:main:hook:group:7", None),
        ("agent:main:node-1:group:7", None),
        ("agent:main:main", None),
        ("", None),
    ],
)
def test_the_room_of_a_key_is_read(key: str, expected: tuple[str, str, PeerKind] | None) -> None:
    found = keys.group_of(key)
    assert (found and (found.channel, found.id, found.kind)) == expected


@pytest.mark.parametrize(
    ("key", "kind", "channel", "chat"),
    [
        ("agent:main:main", SessionKind.MAIN, None, None),
        ("global", SessionKind.MAIN, None, None),
        ("agent:main:telegram:group:-1", SessionKind.GROUP, "telegram", PeerKind.GROUP),
        ("agent:main:telegram:direct:5", SessionKind.OTHER, "telegram", PeerKind.DIRECT),
        ("agent:main:telegram:work:direct:5", SessionKind.OTHER, "telegram", PeerKind.DIRECT),
        ("agent:main:direct:5", SessionKind.OTHER, None, PeerKind.DIRECT),
        ("agent:main:telegram:slash:5", SessionKind.OTHER, "telegram", None),
        ("agent:main:cron:j", SessionKind.CRON, None, None),
        ("agent:main:hook:u", SessionKind.HOOK, None, None),
        ("agent:main:node-x", SessionKind.NODE, None, None),
        ("agent:main:subagent:u", SessionKind.OTHER, None, None),
    ],
)
def test_kind_channel_and_chat_are_read_from_a_key(
    key: str, kind: SessionKind, channel: str | None, chat: PeerKind | None
) -> None:
    assert keys.kind_of(key) is kind
    assert keys.channel_of(key) == channel
    assert keys.chat_kind_of(key) is chat


@pytest.mark.parametrize(
    ("key", "agent", "expected"),
    [
        ("", "ops", "agent:ops:main"),
        ("main", "ops", "agent:ops:main"),
        ("agent:ops:main", "x", "agent:ops:main"),
        ("Telegram:DM:5", "ops", "agent:ops:telegram:direct:5"),
        ("agent:ops:dm:5", "x", "agent:ops:direct:5"),
        ("agent:ops:telegram:dm:5", "x", "agent:ops:telegram:direct:5"),
        ("agent:ops:telegram:work:dm:5", "x", "agent:ops:telegram:work:direct:5"),
        ("agent:ops:telegram:direct:dm:5", "x", "agent:ops:telegram:direct:dm:5"),
        ("agent:ops:telegram:dm:direct:5", "x", "agent:ops:telegram:dm:direct:5"),
        ("agent:ops:telegram:group:dm:5", "x", "agent:ops:telegram:group:dm:5"),
        ("agent:ops:hook:dm:5", "x", "agent:ops:hook:dm:5"),
        ("global", "ops", "agent:ops:global"),
    ],
)
def test_every_key_has_one_spelling(key: str, agent: str, expected: str) -> None:
    found = keys.canonical_key(key, agent_id=agent)
    assert found == expected
    assert keys.canonical_key(found, agent_id="another") == found


def test_the_older_word_is_replaced_only_where_a_builder_writes_the_kind() -> None:
    assert keys.direct_spelling("agent:a:slack:work:dm:u1") == "agent:a:slack:work:direct:u1"
    assert keys.direct_spelling("agent:a:slack:x:y:dm:u1") == "agent:a:slack:x:y:dm:u1"
    assert keys.direct_spelling("agent:a:slack:x:dm") == "agent:a:slack:x:dm"
    assert keys.direct_spelling("agent:dm:slack:dm:u1") == "agent:dm:slack:direct:u1"
    assert keys.direct_spelling("agent:group:slack:dm:u1") == "agent:group:slack:direct:u1"


def test_under_a_global_scope_only_main_sessions_become_global() -> None:
    def canonical(key: str) -> str:
        return keys.canonical_key(key, agent_id="ops", global_scope=True)

    assert canonical("main") == canonical("agent:ops:main") == canonical("agent:else:main") == "global"
    assert canonical("global") == "global"
    assert canonical("agent:ops:telegram:group:1") == "agent:ops:telegram:group:1"


def test_aliases_know_an_own_main_key() -> None:
    for alias in ("main", "home", "agent:ops:main", "agent:ops:home"):
        assert keys.canonical_alias(alias, agent_id="ops", main_key="home") == "agent:ops:home"
    assert keys.canonical_alias("agent:x:main", agent_id="ops", main_key="home") == "agent:x:main"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("agent:main:slack:channel:c1", "agent:main:slack:channel:c1:thread:9", True),
        ("agent:main:slack:channel:c1", "agent:main:slack:channel:c2:thread:9", False),
        ("agent:main:slack:channel:c1", "agent:ops:slack:channel:c1:thread:9", False),
        ("", "", False),
        (None, "x", False),
    ],
)
def test_a_thread_inherits_only_from_its_own_chat(one: str | None, other: str, same: bool) -> None:
    assert keys.same_audience(one, other) is same


@pytest.mark.parametrize(
    ("address", "chat_type", "provider", "expected"),
    [
        ("telegram:group:-100", "group", "telegram", "telegram:group:-100"),
        ("discord:channel:77", None, None, "discord:channel:77"),
        ("slack:C9", "channel", None, "slack:channel:c9"),
        ("123@g.us", None, None, "whatsapp:group:123@g.us"),
        ("-55", "group", "telegram", "telegram:group:-55"),
        ("-55", "group", None, None),
        ("telegram:5", "direct", "telegram", None),
        ("telegram:group:", "group", "telegram", None),
        (None, None, None, None),
    ],
)
def test_the_room_of_an_address_is_read(
    address: str | None, chat_type: str | None, provider: str | None, expected: str | None
) -> None:
    found = keys.group_of_address(address, chat_type, provider)
    assert (found and found.key) == expected


any_key = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["agent", "main", "dm", "direct", "group", "channel", "thread", "topic", "telegram", "", "X"]),
        max_size=7,
    ).map(":".join),
)


@given(any_key, st.text(max_size=10))
@settings(max_examples=200, deadline=None)
def test_reading_takes_any_text(key: str, agent: str) -> None:
    keys.parse(key)
    keys.classify(key)
    keys.thread_parent(key)
    keys.group_of(key)
    keys.kind_of(key)
    keys.channel_of(key)
    keys.chat_kind_of(key)
    keys.is_acp(key)
    keys.group_of_address(key, agent, agent)
    for scope in (False, True):
        found = keys.canonical_key(key, agent_id=agent, global_scope=scope)
        assert found == "global" or found.startswith("agent:")
        assert keys.canonical_key(found, agent_id=agent, global_scope=scope) == found
