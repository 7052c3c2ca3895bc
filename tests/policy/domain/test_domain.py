"""The domain of a policy tells apart exactly those people and rooms that its lists and maps treat differently."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.domain.lens import Lens
from openclaw.policy.domain.people import Person, Standing, people
from openclaw.policy.domain.powers import CORE_CATALOGUE, Grant, Power
from openclaw.policy.domain.sources import collect
from openclaw.policy.domain.subjects import account_pairs, chat_subjects, inner_subjects, open_account
from openclaw.policy.domain.venues import Venue, venues
from openclaw.policy.snapshot import Policy
from openclaw.policy.who.facts import ChatType
from openclaw.policy.who.identity import sender_id
from openclaw.policy.who.rule_table import RULES
from openclaw.system.environment import Environment


def policy_of(document: Mapping[str, Any]) -> Policy:
    return compile_policy(Config.from_document(document), Environment({}))


def classes(channel: str, section: dict[str, Any], **more: Any) -> dict[str, Person]:
    policy = policy_of({"channels": {channel: section}, **more})
    listed = collect([policy], channel, "default")
    return {one.label: one for one in people(RULES[channel], listed, bots=False, proxied=False)}


def rooms(channel: str, section: dict[str, Any], **more: Any) -> dict[str, Venue]:
    policy = policy_of({"channels": {channel: section}, **more})
    return {one.label: one for one in venues([policy], channel, "default", ())}


def test_strangers_and_paired_senders_are_always_there() -> None:
    found = classes("telegram", {})
    assert [one.standing for one in found.values()] == [Standing.PAIRED, Standing.STRANGER, Standing.STRANGER]
    assert found["paired senders"].approved == (found["paired senders"].sender.id,)


def test_people_on_the_same_lists_are_one_class() -> None:
    found = classes("telegram", {"allowFrom": ["1", "2", "3"], "groupAllowFrom": ["3", "4"]})
    assert {label: one.members for label, one in found.items() if one.members} == {
        "2 listed senders (1, 2)": ("1", "2"),
        "listed sender 3": ("3",),
        "listed sender 4": ("4",),
        "listed sender 4, once paired": ("4",),
    }


def test_an_owner_an_approver_and_a_bound_peer_are_classes_of_their_own() -> None:
    found = classes(
        "telegram",
        {"allowFrom": ["1", "2", "3", "4"]},
        commands={"ownerAllowFrom": ["telegram:1"]},
        tools={"elevated": {"allowFrom": {"telegram": ["2"]}}},
        bindings=[{"agentId": "main", "match": {"channel": "telegram", "peer": {"kind": "direct", "id": "3"}}}],
    )
    assert {"owner 1", "listed sender 2", "listed sender 3", "listed sender 4"} <= set(found)


def test_people_on_other_lists_are_looked_at_as_paired_in_private_only() -> None:
    policy = policy_of({"channels": {"telegram": {"allowFrom": ["1"], "groupAllowFrom": ["4"], "groups": {"-1": {}}}}})
    twins = [one for one in chat_subjects([policy]) if one.person.label == "listed sender 4, once paired"]
    assert [one.venue.label for one in twins] == ["direct messages"]
    assert twins[0].person.approved == ("4",)


def test_names_are_a_class_only_where_the_channel_compares_them() -> None:
    assert "whoever is called @ann" in classes("telegram", {"allowFrom": ["@ann"]})
    assert not [label for label in classes("whatsapp", {"allowFrom": ["+15551230001"]}) if "called" in label]


def test_ids_that_were_made_up_are_on_no_list() -> None:
    taken = [f"999999{number:04}" for number in range(3)]
    found = classes("telegram", {"allowFrom": taken})
    assert found["strangers"].sender.id not in taken
    assert found["paired senders"].sender.id not in taken


@pytest.mark.parametrize("channel", [name for name in RULES if name != "webchat"])
def test_a_stranger_of_every_channel_has_an_id_there(channel: str) -> None:
    policy = policy_of({})
    rules = RULES[channel]
    for one in people(rules, collect([policy], channel, "default"), bots=True, proxied=False):
        if one.standing in (Standing.STRANGER, Standing.PAIRED) and one.label != "senders without an id":
            assert sender_id(rules.identity, one.sender)


def test_senders_under_a_name_that_tool_rules_treat_by_itself_are_looked_at() -> None:
    found = classes(
        "telegram", {"allowFrom": ["1"], "groups": {"-1": {"toolsBySender": {"username:ann": {"deny": ["exec"]}}}}}
    )
    assert found["owner 1 under the name ann"].sender.username == "ann"


def test_groups_topics_and_what_is_not_listed_are_venues() -> None:
    found = rooms("telegram", {"groups": {"-1": {"topics": {"5": {"requireMention": False}}}, "-2": {}, "*": {}}})
    assert set(found) == {"direct messages", "topic 5 of group -1", "group -1", "group -2", "other groups"}
    assert found["topic 5 of group -1"].facts.topic_id == "5"
    assert found["other groups"].facts.chat_id not in ("-1", "-2")


def test_groups_with_equal_settings_are_one_venue_unless_a_binding_names_one() -> None:
    section = {"groups": {"-1": {}, "-2": {}, "-3": {"requireMention": False}}}
    assert "groups -1, -2" in rooms("telegram", section)
    bound = [{"agentId": "main", "match": {"channel": "telegram", "peer": {"kind": "group", "id": "-2"}}}]
    assert {"group -1", "group -2", "group -3"} <= set(rooms("telegram", section, bindings=bound))


def test_servers_and_their_channels_are_venues_by_id_and_by_name() -> None:
    found = rooms(
        "discord", {"guilds": {"5": {"channels": {"general": {}, "70": {"autoThread": True}}}, "friends": {}}}
    )
    general = found["channel general of guild 5"].facts
    assert (general.guild and general.guild.id, general.chat_name) == ("5", "general")
    friends = found["channels of guild friends"].facts
    assert friends.guild is not None
    assert (friends.guild.id == "friends", friends.guild.name) == (False, "friends")
    assert found["own threads in channel 70 of guild 5"].facts.chat_type is ChatType.THREAD


def test_a_place_that_one_policy_lists_by_id_is_looked_at_under_its_names_too() -> None:
    documents: tuple[dict[str, Any], ...] = ({"guilds": {"5": {}, "friends": {}}}, {"guilds": {"friends": {}}})
    pair = [policy_of({"channels": {"discord": section}}) for section in documents]
    assert "guild 5 called friends" in {one.label for one in venues(pair, "discord", "default", ())}


def test_direct_chats_that_a_map_or_list_names_are_venues_on_imessage() -> None:
    policy = policy_of({"channels": {"imessage": {"groups": {"7": {}}, "allowFrom": ["chat_id:9"]}}})
    found = {one.label for one in venues([policy], "imessage", "default", ["chat_id:9"])}
    assert {"direct chat 7", "direct chat chat_id:9", "group chat_id:9"} <= found


def test_only_accounts_that_something_starts_are_ways_in() -> None:
    policy = policy_of(
        {"channels": {"telegram": {"accounts": {"a": {}, "b": {"enabled": False}}}, "slack": {"enabled": False}}}
    )
    assert account_pairs([policy]) == (("telegram", "a"),)
    assert open_account(policy, "telegram", "default") is None
    assert account_pairs([policy_of({})]) == ()
    assert account_pairs([policy_of({})], frozenset({"telegram"})) == (("telegram", "default"),)


def test_every_agent_has_operators_and_inner_runs() -> None:
    policy = policy_of({"agents": {"list": [{"id": "a"}, {"id": "b"}]}, "hooks": {"enabled": True, "token": "x" * 32}})
    found = [(one.person.label, one.agent) for one in inner_subjects([policy])]
    assert len(found) == len(set(found)) == 12
    assert ("webhooks", "b") in found


def test_a_look_says_what_somebody_may_do() -> None:
    policy = policy_of(
        {"channels": {"telegram": {"allowFrom": ["1"], "groups": {"-1": {}}}}, "tools": {"deny": ["exec"]}}
    )
    lens = Lens(policy, CORE_CATALOGUE)
    looks = {(one.person.label, one.venue.label): lens.look(one) for one in chat_subjects([policy])}
    owner = looks["owner 1", "group -1"].grants
    assert {Grant(Power.REACH, "main"), Grant(Power.OVERHEARD, "main"), Grant(Power.OWNER, "main")} <= owner
    assert Grant(Power.UNPROMPTED, "main") not in owner
    assert not [grant for grant in owner if grant.name == "exec" or grant.power is Power.EXEC]
    assert looks["strangers", "direct messages"].grants == frozenset({Grant(Power.PAIR)})
    assert looks["strangers", "group -1"].grants == frozenset()
