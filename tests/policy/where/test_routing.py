from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.where.key_ids import DmScope, PeerKind
from openclaw.policy.where.routing import Binding, InboundPlace, MatchedBy, Peer, RoutingPolicy, route

AGENTS = ("home", "work", "sales-team")
PEER = Peer(PeerKind.DIRECT, "5")
ROOM = Peer(PeerKind.GROUP, "-100")


def policy(*bindings: Binding, agents: tuple[str, ...] = AGENTS, scope: DmScope = DmScope.MAIN) -> RoutingPolicy:
    return RoutingPolicy(agents=agents, default_agent="work", bindings=bindings, dm_scope=scope)


def place(**facts: object) -> InboundPlace:
    return InboundPlace(**{"channel": "telegram", "peer": PEER, **facts})  # type: ignore[arg-type]  # test shorthand


EVERY_STEP = (
    Binding("home", "telegram", account_id="*"),
    Binding("home", "telegram"),
    Binding("home", "telegram", team_id="T"),
    Binding("home", "telegram", guild_id="G"),
    Binding("home", "telegram", peer=ROOM),
    Binding("home", "telegram", peer=PEER),
)


@pytest.mark.parametrize(
    ("left_out", "matched"),
    [
        (0, MatchedBy.PEER),
        (1, MatchedBy.PARENT),
        (2, MatchedBy.GUILD),
        (3, MatchedBy.TEAM),
        (4, MatchedBy.ACCOUNT),
        (5, MatchedBy.CHANNEL),
        (6, MatchedBy.DEFAULT),
    ],
)
def test_the_most_specific_step_decides(left_out: int, matched: MatchedBy) -> None:
    rules = EVERY_STEP[: len(EVERY_STEP) - left_out]
    found = route(policy(*rules), place(parent_peer=ROOM, guild_id="G", team_id="T"))
    assert found.matched_by is matched
    assert found.agent_id == ("work" if matched is MatchedBy.DEFAULT else "home")


@pytest.mark.parametrize(
    ("written", "given_account", "hit"),
    [
        (None, None, True),
        ("", "default", True),
        (None, "biz", False),
        ("biz", "biz", True),
        ("biz", "Biz", False),
        (" biz ", " biz ", True),
        ("*", "anything", True),
    ],
)
def test_a_binding_covers_its_account_only(written: str | None, given_account: str | None, hit: bool) -> None:
    found = route(policy(Binding("home", " Telegram ", account_id=written)), place(account_id=given_account))
    assert (found.agent_id == "home") is hit


def test_peers_match_by_kind_and_exact_id() -> None:
    rules = policy(Binding("home", "telegram", peer=Peer(PeerKind.GROUP, "Ab")))
    assert route(rules, place(peer=Peer(PeerKind.GROUP, "Ab"))).agent_id == "home"
    assert route(rules, place(peer=Peer(PeerKind.GROUP, "aB"))).agent_id == "work"
    assert route(rules, place(peer=Peer(PeerKind.CHANNEL, "Ab"))).agent_id == "work"
    blank = policy(Binding("home", "telegram", peer=Peer(PeerKind.GROUP, "")))
    assert route(blank, place(peer=Peer(PeerKind.GROUP, ""))).agent_id == "work"


def test_an_unlisted_agent_is_never_replaced_silently() -> None:
    found = route(policy(Binding("Ghost", "telegram", key="bindings.3")), place())
    assert (found.agent_id, found.unlisted_agent) == ("work", "Ghost")
    assert [(reason.rule, reason.key) for reason in found.refused] == [("route.unlisted-agent", "bindings.3")]


def test_adv_E6_a_blank_agent_is_refused() -> None:
    found = route(policy(Binding("  ", "telegram")), place())
    assert found.unlisted_agent == ""
    assert found.refused


def test_with_an_empty_list_the_bound_id_itself_is_used() -> None:
    found = route(policy(Binding("Sales Team", "telegram"), agents=()), place())
    assert (found.agent_id, found.unlisted_agent, found.refused) == ("sales-team", None, ())


def test_rooms_ignore_the_dm_scope_and_a_missing_peer_is_the_main_session() -> None:
    rules = policy(scope=DmScope.PER_ACCOUNT_CHANNEL_PEER)
    assert route(rules, place(peer=ROOM)).session_key == "agent:work:telegram:group:-100"
    assert route(rules, place(peer=None)).session_key == "agent:work:main"
    assert (
        route(rules, place(peer=Peer(PeerKind.DIRECT, " "))).session_key == "agent:work:telegram:default:direct:unknown"
    )


def test_under_a_global_scope_the_store_key_of_a_main_session_is_global() -> None:
    found = route(RoutingPolicy(global_scope=True), place())
    assert (found.session_key, found.store_key) == ("agent:main:main", "global")
    assert route(RoutingPolicy(global_scope=True), place(peer=ROOM)).store_key == "agent:main:telegram:group:-100"


@pytest.mark.parametrize(
    ("peer", "parent", "rules"),
    [
        (Peer(PeerKind.GROUP, "-100:topic:7"), ROOM, []),
        (Peer(PeerKind.GROUP, "-100:topic:7:topic:8"), ROOM, ["key.thread-marker"]),
        (Peer(PeerKind.GROUP, "-100:topic:7"), None, ["key.thread-marker"]),
        (Peer(PeerKind.GROUP, "-200:topic:7"), ROOM, ["key.thread-marker"]),
        (Peer(PeerKind.DIRECT, "1\n2"), None, ["key.control-character"]),
        (Peer(PeerKind.DIRECT, "5"), Peer(PeerKind.GROUP, "1\0"), ["key.control-character"]),
        (Peer(PeerKind.GROUP, "direct:5"), None, ["key.direct-marker"]),
    ],
)
def test_adv_G7_ids_that_could_forge_a_key_are_refused(peer: Peer, parent: Peer | None, rules: list[str]) -> None:
    found = route(policy(), place(peer=peer, parent_peer=parent))
    assert [reason.rule for reason in found.refused] == rules


texts = st.text(max_size=8)
peers = st.none() | st.builds(Peer, st.sampled_from(PeerKind), texts)


@given(
    st.lists(
        st.builds(
            Binding,
            agent_id=texts,
            channel=st.sampled_from(["telegram", "x", ""]),
            account_id=st.none() | st.sampled_from(["*", "", "a"]),
            peer=peers,
            guild_id=st.none() | texts,
            team_id=st.none() | texts,
        ),
        max_size=4,
    ),
    texts,
    st.none() | texts,
    peers,
    peers,
    st.sampled_from(DmScope),
)
@settings(max_examples=150, deadline=None)
def test_routing_takes_any_text_and_yields_a_listed_agent(
    bindings: list[Binding], channel: str, account: str | None, peer: Peer | None, parent: Peer | None, scope: DmScope
) -> None:
    rules = policy(*bindings, scope=scope)
    found = route(rules, InboundPlace(channel, account, peer, parent, guild_id=account, team_id=channel))
    assert found.agent_id in AGENTS
    assert found.session_key.startswith(f"agent:{found.agent_id}:")
    assert rules.canonical(found.store_key) == found.store_key
    assert (found.unlisted_agent is None) or found.refused
