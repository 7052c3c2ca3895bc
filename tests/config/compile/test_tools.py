from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.compile.tools import compile_tools, memory_plugin
from openclaw.config.model import Config
from openclaw.policy.what.group_rooms import RoomFacts, RoomStyle
from openclaw.policy.what.tool_chain import ToolRun
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import ToolDecider
from openclaw.policy.where.exec_host import ElevatedLevel
from support.tool_runs import policy_of


def keys(stage: Any) -> set[str | None]:
    return {entry.key for entry in (*stage.allow, *stage.deny)}


def test_every_list_keeps_its_place_in_the_config() -> None:
    policy = policy_of(
        tools={
            "deny": ["a"],
            "byProvider": {"openai": {"deny": ["a"]}},
            "subagents": {"tools": {"allow": ["a"]}},
            "sandbox": {"tools": {"allow": ["a"]}},
        },
        agents={
            "list": [
                {"id": "x"},
                {
                    "id": "Y",
                    "tools": {
                        "deny": ["a"],
                        "byProvider": {"openai": {"allow": ["a"]}},
                        "sandbox": {"tools": {"deny": ["a"]}},
                    },
                },
            ]
        },
        gateway={"tools": {"deny": ["a"]}},
    )
    own = policy.agent("y")
    assert keys(policy.overall) == {"tools.deny"}
    assert keys(policy.providers["openai"]) == {"tools.byProvider.openai.deny"}
    assert own.own is not None
    assert keys(own.own) == {"agents.list.1.tools.deny"}
    assert keys(own.providers["openai"]) == {"agents.list.1.tools.byProvider.openai.allow"}
    assert keys(own.sandbox) == {"tools.sandbox.tools.allow", "agents.list.1.tools.sandbox.tools.deny"}
    assert keys(policy.subagent) == {None, "tools.subagents.tools.allow"}
    assert keys(policy.http) == {"gateway.tools.allow", "gateway.tools.deny"}


def test_an_unlisted_agent_has_the_global_lists_only() -> None:
    policy = policy_of(agents={"list": [{"id": "x", "tools": {"deny": ["read"]}}]})
    assert policy.agent("ghost").own is None


@pytest.mark.parametrize(
    ("plugins", "expected"),
    [
        (None, "memory-core"),
        ({"slots": {"memory": "Memory-Core"}}, "memory-core"),
        ({"slots": {"memory": "none"}}, None),
        ({"enabled": False}, None),
        ({"deny": ["memory-core"]}, None),
        ({"allow": []}, "memory-core"),
        ({"allow": ["memory-core"]}, "memory-core"),
        ({"allow": ["telegram"]}, None),
    ],
)
def test_the_memory_slot_names_one_plugin_or_none(plugins: Any, expected: str | None) -> None:
    config = Config.from_document({} if plugins is None else {"plugins": plugins})
    assert memory_plugin(config) == expected


def test_the_rooms_of_every_channel_are_compiled() -> None:
    rooms = policy_of(
        channels={
            "telegram": {"groups": {"-1": {}}, "accounts": {"Work": {"groups": {}}}},
            "discord": {"guilds": {"1": {"channels": {"2": {}}}}, "accounts": {"a": {"guilds": {"9": {}}}}},
            "slack": {"channels": {"C1": {}}},
            "msteams": {"teams": {"t": {"channels": {"c": {}}}}},
            "signal": {"groupPolicy": "open"},
        }
    ).rooms
    assert {name: found.style for name, found in rooms.items()} == {
        "telegram": RoomStyle.GROUPS,
        "discord": RoomStyle.DISCORD,
        "slack": RoomStyle.SLACK,
        "msteams": RoomStyle.TEAMS,
    }
    assert set(rooms["telegram"].accounts) == {"work"}
    assert set(rooms["discord"].accounts) == {"a"}


@pytest.mark.parametrize(
    ("account", "space", "allowed"),
    [
        ("default", "1", False),  # the section's own server entry
        ("b", "1", False),  # an account without servers has the section's
        ("A", "1", True),  # the account's servers take the place of the section's: entry 1 names no tools there
        ("A", "9", False),  # and its own entries bite
    ],
)
def test_the_servers_of_a_discord_account_take_the_place_of_those_of_the_section(
    account: str, space: str, allowed: bool
) -> None:
    nothing = {"tools": {"deny": ["*"]}}
    policy = policy_of(
        channels={
            "discord": {
                "guilds": {"1": nothing},
                "accounts": {"a": {"guilds": {"1": {}, "9": nothing}}, "b": {}},
            }
        }
    )
    room = RoomFacts(channel="discord", account_id=account, group_id="5", group_space=space)
    run = ToolRun(agent_id="main", session_key="agent:main:discord:channel:5", sandboxed=False, room=room)
    decider = ToolDecider(policy, Catalogue.of([CatalogueTool("read")]))
    assert decider.decide(run, "read").allowed is allowed


def test_elevated_gates_are_compiled_with_their_fallbacks() -> None:
    found = policy_of(
        tools={"elevated": {"enabled": True, "allowFrom": {"telegram": [42, "x"]}}},
        agents={
            "defaults": {"elevatedDefault": "on"},
            "list": [{"id": "a", "tools": {"elevated": {"allowFrom": {}}}}, {"id": "b"}],
        },
        channels={"discord": {"dm": {"allowFrom": ["7"]}}},
    ).elevated
    assert (found.allow_from["telegram"], found.discord_dm) == (("42", "x"), ("7",))
    assert (found.agents["a"].allow_from, found.agents["b"].allow_from) == ({}, None)
    assert (found.agents["a"].key, found.default_level) == ("agents.list.0.tools.elevated", ElevatedLevel.ASK)


def test_an_empty_config_compiles() -> None:
    policy = compile_tools(Config.from_document({}))
    assert policy.overall.is_empty
    assert not policy.rooms
