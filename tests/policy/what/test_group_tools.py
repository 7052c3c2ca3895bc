from __future__ import annotations

from typing import Any

import pytest

from openclaw.policy.what.group_rooms import RoomEntry, RoomFacts, RoomMap, ToolSender
from openclaw.policy.what.tool_chain import ToolRun
from openclaw.policy.what.tool_policy import effective_tools
from openclaw.policy.what.tool_stages import StageId
from support.tool_runs import CATALOGUE, allowed, group_run, policy_of, run_of

READ, EXEC = {"allow": ["read"]}, {"allow": ["exec"]}
BOTH = {"allow": ["read", "exec"]}


def telegram(**entry: Any) -> dict[str, Any]:
    return {"telegram": {"groups": {"-1": entry}}}


def group_allows(channels: dict[str, Any], run: ToolRun) -> set[str]:
    """Return which of `read` and `exec` the group stage leaves."""
    found = effective_tools(policy_of(channels=channels), run, CATALOGUE)
    return {name for name in ("read", "exec") if found.of(name).stage is not StageId.GROUP}


# Senders


@pytest.mark.parametrize(
    ("by_sender", "sender", "expected"),
    [
        ({}, ToolSender(id="42"), {"read"}),
        ({"42": BOTH}, ToolSender(id="42"), {"read", "exec"}),
        ({"42": BOTH}, ToolSender(id="9"), {"read"}),
        ({"id:42": BOTH}, ToolSender(id="42"), {"read", "exec"}),
        ({"ID: 42": BOTH}, ToolSender(id="42"), {"read", "exec"}),
        ({"id:42": BOTH}, ToolSender(e164="42"), {"read"}),
        ({"e164:+1555": BOTH}, ToolSender(e164="+1555"), {"read", "exec"}),
        ({"+1555": BOTH}, ToolSender(e164="+1555"), {"read", "exec"}),
        ({"+1555": BOTH}, ToolSender(e164="555"), {"read"}),
        ({"@Alice": BOTH}, ToolSender(id="alice"), {"read", "exec"}),
        ({"*": BOTH}, ToolSender(), {"read", "exec"}),
        ({"*": BOTH, "42": READ}, ToolSender(id="42"), {"read"}),
        ({"*": EXEC}, ToolSender(id="*"), {"exec"}),
        ({"42": {}}, ToolSender(id="42"), {"read", "exec"}),
        ({"": BOTH, "@": BOTH}, ToolSender(id=""), {"read"}),
        ({"id:": BOTH}, ToolSender(id=""), {"read"}),
    ],
)
def test_a_sender_is_matched_by_id_or_number_and_his_entry_replaces_the_groups(
    by_sender: dict[str, Any], sender: ToolSender, expected: set[str]
) -> None:
    channels = telegram(tools=READ, toolsBySender=by_sender)
    assert group_allows(channels, group_run("telegram", "-1", sender)) == expected


@pytest.mark.parametrize("key", ["alice", "@Alice", "username:alice", "name:Alice"])
@pytest.mark.parametrize(
    ("tools", "entry", "expected"),
    [
        (READ, BOTH, {"read"}),
        (READ, EXEC, set()),
        (BOTH, {"deny": ["exec"]}, {"read"}),
        ({}, {"deny": ["exec"]}, {"read"}),
    ],
)
def test_adv_C4_a_match_by_name_only_narrows(
    key: str, tools: dict[str, Any], entry: dict[str, Any], expected: set[str]
) -> None:
    channels = telegram(tools=tools, toolsBySender={key: entry})
    sender = ToolSender(id="9", username="alice", name="Alice")
    assert group_allows(channels, group_run("telegram", "-1", sender)) == expected


def test_adv_C4_a_name_equal_to_somebodys_id_gains_nothing() -> None:
    channels = telegram(tools=READ, toolsBySender={"42": BOTH, "id:77": BOTH, "e164:+1555": BOTH, "U12345678": BOTH})
    for name in ("42", "id:42", "id:77", "77", "+1555", "@42", "U12345678"):
        sender = ToolSender(id="9", username=name, name=name)
        assert group_allows(channels, group_run("telegram", "-1", sender)) == {"read"}


def test_another_name_does_not_escape_a_denial_written_for_a_name() -> None:
    rules = {"name:mallory": {"deny": ["exec"]}, "username:free": {"allow": ["*"]}}
    channels = telegram(toolsBySender=rules)
    sender = ToolSender(id="9", username="free", name="Mallory")
    assert group_allows(channels, group_run("telegram", "-1", sender)) == {"read"}


def test_an_id_match_further_down_still_counts_below_a_narrowing_name() -> None:
    channels = {
        "telegram": {
            "groups": {"-1": {"toolsBySender": {"name:x": {"deny": ["exec"]}}}, "*": {"toolsBySender": {"9": BOTH}}}
        }
    }
    assert group_allows(channels, group_run("telegram", "-1", ToolSender(id="9", name="x"))) == {"read"}
    assert group_allows(channels, group_run("telegram", "-1", ToolSender(id="9"))) == {"read", "exec"}


def test_the_owner_is_held_by_the_group_as_well() -> None:
    owner = ToolSender(id="9", is_owner=True)
    assert group_allows(telegram(tools=READ), group_run("telegram", "-1", owner)) == {"read"}


# Rooms


@pytest.mark.parametrize(
    ("channels", "run", "expected"),
    [
        (telegram(tools=READ), group_run("telegram", "-1"), {"read"}),
        (telegram(tools=READ), group_run("telegram", "-2"), {"read", "exec"}),
        (telegram(tools=READ), group_run("telegram", "-1:topic:7"), {"read"}),
        (telegram(tools=READ), group_run("telegram", "-1:7"), {"read"}),
        ({"telegram": {"groups": {"*": {"tools": READ}}}}, group_run("telegram", "-2"), {"read"}),
        (
            {"telegram": {"groups": {"-1": {"tools": BOTH}, "*": {"tools": READ}}}},
            group_run("telegram", "-1"),
            {"read", "exec"},
        ),
        ({"whatsapp": {"groups": {"1@g.us": {"tools": READ}}}}, group_run("whatsapp", "1@g.us"), {"read"}),
        ({"imessage": {"groups": {"5": {"tools": READ}}}}, group_run("imessage", "5"), {"read"}),
    ],
)
def test_groups_are_looked_up_by_id_then_star(channels: dict[str, Any], run: ToolRun, expected: set[str]) -> None:
    assert group_allows(channels, run) == expected


def test_a_direct_chat_has_no_group_policy() -> None:
    channels = {"telegram": {"groups": {"*": {"tools": READ}}}}
    run = run_of("agent:main:telegram:direct:5", room=RoomFacts(channel="telegram"))
    assert group_allows(channels, run) == {"read", "exec"}


@pytest.mark.parametrize(
    ("account", "expected"),
    [("work", {"exec"}), ("WORK", {"exec"}), ("other", {"read"}), (None, {"read"})],
)
def test_an_accounts_own_map_takes_the_place_of_the_channels(account: str | None, expected: set[str]) -> None:
    channels = {
        "telegram": {
            "groups": {"-1": {"tools": READ}},
            "accounts": {"Work": {"groups": {"-1": {"tools": EXEC}}}, "bare": {"groups": {}}},
        }
    }
    run = group_run("telegram", "-1", room={"account_id": account})
    assert group_allows(channels, run) == expected
    assert group_allows(channels, group_run("telegram", "-1", room={"account_id": "bare"})) == {"read", "exec"}


DISCORD = {
    "discord": {
        "guilds": {
            "123": {
                "slug": "Friends of Bot",
                "tools": {"deny": ["exec"]},
                "channels": {"555": {"tools": EXEC}, "help": {"requireMention": False}, "#ops": {"tools": EXEC}},
            },
            "other": {"channels": {"*": {"tools": READ}}},
            "*": {"tools": {"deny": ["*"]}},
        }
    }
}


@pytest.mark.parametrize(
    ("space", "room", "name", "expected"),
    [
        ("123", "555", None, {"exec"}),
        ("123", "1", "#Help", {"read"}),
        ("123", "1", "ops", {"exec"}),
        ("123", "1", "ops team", {"read"}),
        ("friends of bot", "555", None, {"exec"}),
        ("Other", "9", None, {"read"}),
        ("999", "555", None, set()),
        (None, "555", None, set()),
    ],
)
def test_discord_rooms_are_looked_up_in_their_server(
    space: str | None, room: str, name: str | None, expected: set[str]
) -> None:
    run = group_run("discord", room, kind="channel", room={"group_space": space, "group_channel": name})
    assert group_allows(DISCORD, run) == expected


SLACK = {
    "slack": {
        "channels": {
            "C1": {"tools": READ},
            "#ops": {"tools": EXEC},
            "dev-team": {"tools": BOTH},
            "quiet": {"requireMention": True},
            "*": {"tools": {"deny": ["*"]}},
        }
    }
}


@pytest.mark.parametrize(
    ("room", "name", "expected"),
    [
        ("C1", None, {"read"}),
        ("c1", None, {"read"}),
        ("C1", "ops", {"read"}),
        ("C2", "#ops", {"exec"}),
        ("C2", "Dev Team", {"read", "exec"}),
        ("C2", "quiet", {"read", "exec"}),
        ("C2", None, set()),
    ],
)
def test_slack_rooms_have_one_entry_tried_by_id_first(room: str, name: str | None, expected: set[str]) -> None:
    run = group_run("slack", room, kind="channel", room={"group_channel": name})
    assert group_allows(SLACK, run) == expected


TEAMS = {
    "msteams": {
        "teams": {
            "Sales Team": {
                "tools": READ,
                "channels": {"19:a@thread.v2": {"tools": EXEC}, "General Talk": {"tools": BOTH}},
            },
            "*": {"tools": {"deny": ["*"]}},
        }
    }
}


@pytest.mark.parametrize(
    ("space", "room", "name", "expected"),
    [
        ("Sales Team", "19:a@thread.v2", None, {"exec"}),
        ("sales-team", "19:a@thread.v2;messageid=1", None, {"exec"}),
        ("Sales Team", "19:b@thread.v2", "general talk", {"read", "exec"}),
        ("Sales Team", "19:b@thread.v2", "general-talk", {"read", "exec"}),
        ("Sales Team", "19:b@thread.v2", None, {"read"}),
        ("Other", "19:a@thread.v2", None, set()),
    ],
)
def test_teams_rooms_are_looked_up_by_id_then_slug(space: str, room: str, name: str | None, expected: set[str]) -> None:
    run = group_run("msteams", room, kind="channel", room={"group_space": space, "group_channel": name})
    assert group_allows(TEAMS, run) == expected


def test_of_two_teams_rooms_with_one_slug_the_first_counts() -> None:
    rooms = {"General Talk": {"tools": READ}, "General  Talk": {"tools": EXEC}}
    channels = {"msteams": {"teams": {"19:t": {"channels": rooms}}}}
    run = group_run("msteams", "19:b", kind="channel", room={"group_space": "19:t", "group_channel": "general-talk"})
    assert group_allows(channels, run) == {"read"}
    teams = {"msteams": {"teams": {"Sales Team": {"tools": READ}, "Sales  Team": {"tools": EXEC}}}}
    assert group_allows(teams, group_run("msteams", "19:b", room={"group_space": "sales-team"})) == {"read"}


def test_a_room_without_a_name_is_not_the_one_that_is_called_by_the_mark_alone() -> None:
    slack = {"slack": {"channels": {"#": {"tools": EXEC}, "*": {"tools": READ}}}}
    assert group_allows(slack, group_run("slack", "C9", kind="channel")) == {"read"}
    discord = {"discord": {"guilds": {"123": {"tools": READ, "channels": {"#": {"tools": EXEC}}}}}}
    assert group_allows(discord, group_run("discord", "9", kind="channel", room={"group_space": "123"})) == {"read"}


def test_the_default_is_no_room_of_its_own() -> None:
    table = RoomMap.of([("*", RoomEntry(slug="any")), ("1", RoomEntry())])
    assert table.default is not None
    assert table.default.slug == "any"
    assert table.find("*", " * ") == ()


def test_letter_case_is_ignored_and_where_keys_differ_by_it_all_of_them_hold() -> None:
    channels = {"signal": {"historyLimit": 1}, "telegram": {"groups": {"Ab": {"tools": BOTH}, "aB": {"tools": READ}}}}
    assert group_allows(channels, run_of("agent:main:telegram:group:ab")) == {"read"}
    assert group_allows(channels, group_run("telegram", "Ab")) == {"read", "exec"}


# Where the room comes from


def test_the_room_is_found_in_the_key_or_the_parents_key() -> None:
    channels = telegram(tools=READ)
    for run in (
        run_of("agent:main:telegram:group:-1"),
        run_of("agent:main:telegram:group:-1:topic:4"),
        run_of("agent:main:subagent:telegram:group:-1"),
        run_of("agent:main:subagent:x", spawned_by="agent:main:telegram:group:-1:topic:4"),
    ):
        assert group_allows(channels, run) == {"read"}


@pytest.mark.parametrize("claimed", ["-2", "-3", "nonsense", "*"])
@pytest.mark.parametrize("channel", [None, "telegram", "webchat", "slack"])
def test_adv_C18_another_groups_id_does_not_select_its_policy(claimed: str, channel: str | None) -> None:
    channels = {
        "telegram": {"groups": {"-1": {"tools": READ}, "-2": {"tools": {"allow": ["*"]}}}},
        "slack": {"channels": {"*": {"tools": {"allow": ["*"]}}}},
    }
    room = RoomFacts(channel=channel, group_id=claimed)
    for run in (
        run_of("agent:main:telegram:group:-1", room=room),
        run_of("agent:main:subagent:x", room=room, spawned_by="agent:main:telegram:group:-1"),
    ):
        assert allowed(policy_of(channels=channels), run) <= {"read"}


def test_an_operator_in_a_group_session_is_held_by_that_group() -> None:
    run = run_of("agent:main:telegram:group:-1", room=RoomFacts(channel="webchat"))
    assert group_allows(telegram(tools=READ), run) == {"read"}


def test_a_malformed_list_of_a_plugins_channel_takes_everything_away() -> None:
    channels = {"matrix": {"groups": {"!a": {"tools": {"deny": "exec"}}, "!b": {"tools": {"allow": "read"}}}}}
    policy = policy_of(channels=channels)
    for room in ("!a", "!b"):
        assert allowed(policy, group_run("matrix", room)) == set()
