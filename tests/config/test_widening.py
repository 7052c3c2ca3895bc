from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.config.walk import spot_at
from openclaw.config.widening import widens
from openclaw.config.widening_table import ANY, GROWING, LADDERS, LIMITING, PLACES, SHRINKING, Pattern


def paths(pattern: Pattern) -> list[tuple[str | int, ...]]:
    """Return real paths that a pattern may stand for: any channel, index 0 of a list, any key of a map."""
    found: list[tuple[str | int, ...]] = [()]
    for part in pattern:
        steps: tuple[str | int, ...] = (part,)
        if part == ANY:
            steps = ("telegram", "discord", "slack", "googlechat", "msteams", "whatsapp", "chatCompletions", "x", 0)
        found = [(*path, step) for path in found for step in steps]
    return found


@pytest.mark.parametrize(
    "pattern", [*(ladder.key for ladder in LADDERS), *GROWING, *LIMITING, *SHRINKING, *PLACES], ids=".".join
)
def test_every_key_of_the_table_is_a_key_of_the_schema(pattern: Pattern) -> None:
    known = [spot for path in paths(pattern) if (spot := spot_at(path)) is not None and spot.type is not None]
    assert known


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({}, {"gateway": {"bind": "lan"}}, "gateway.bind: loopback becomes lan"),
        ({}, {"gateway": {"port": 5}}, None),
        ({"gateway": {"bind": "lan"}}, {}, None),
        (
            {},
            {"gateway": {"controlUi": {"allowInsecureAuth": True}}},
            "gateway.controlUi.allowInsecureAuth: false becomes",
        ),
        (
            {},
            {"gateway": {"controlUi": {"dangerouslyDisableDeviceAuth": True}}},
            "gateway.controlUi.dangerouslyDisableDeviceAuth: turned on",
        ),
        ({}, {"channels": {"telegram": {"dmPolicy": "open"}}}, "channels.telegram.dmPolicy: pairing becomes open"),
        ({}, {"channels": {"telegram": {"dmPolicy": "allowlist"}}}, None),
        ({}, {"channels": {"telegram": {"botToken": "x"}}}, None),
        ({}, {"channels": {"discord": {"dm": {"policy": "open"}}}}, "channels.discord.dm.policy: pairing becomes open"),
        ({}, {"channels": {"telegram": {"allowFrom": [7]}}}, "channels.telegram.allowFrom: adds 7"),
        ({"channels": {"telegram": {"allowFrom": [7, 8]}}}, {"channels": {"telegram": {"allowFrom": [8]}}}, None),
        (
            {"channels": {"telegram": {"dmPolicy": "disabled"}}},
            {"channels": {"telegram": {"dmPolicy": "disabled", "accounts": {"b": {"dmPolicy": "pairing"}}}}},
            "channels.telegram.accounts.b.dmPolicy: disabled becomes pairing",
        ),
        (
            {"channels": {"telegram": {"dmPolicy": "open"}}},
            {"channels": {"telegram": {"dmPolicy": "open", "accounts": {"b": {}}}}},
            None,
        ),
        ({}, {"channels": {"telegram": {"groups": {"-1": {}}}}}, "channels.telegram.groups: adds -1"),
        (
            {"channels": {"telegram": {"groups": {"-1": {}}}}},
            {"channels": {"telegram": {"groups": {"-1": {"requireMention": False}}}}},
            "channels.telegram.groups.-1.requireMention: true becomes false",
        ),
        ({"tools": {"deny": ["exec"]}}, {}, "tools.deny: no longer holds exec"),
        ({"tools": {"allow": ["read"]}}, {}, "tools.allow: the limit goes away"),
        ({"tools": {"allow": ["read"]}}, {"tools": {"allow": ["read", "exec"]}}, "tools.allow: adds exec"),
        ({}, {"tools": {"allow": ["read"]}}, None),
        ({"tools": {"profile": "minimal"}}, {}, "tools.profile: minimal becomes full"),
        ({}, {"tools": {"elevated": {"allowFrom": {"telegram": [7]}}}}, "tools.elevated.allowFrom.telegram: adds 7"),
        ({}, {"commands": {"ownerAllowFrom": ["telegram:7"]}}, "commands.ownerAllowFrom: adds telegram:7"),
        ({}, {"plugins": {"entries": {"x": {"enabled": True}}}}, "plugins.entries.x.enabled: false becomes true"),
        (
            {"agents": {"defaults": {"sandbox": {"mode": "all"}}, "list": [{"id": "a"}]}},
            {"agents": {"defaults": {"sandbox": {"mode": "all"}}, "list": [{"id": "a", "sandbox": {"mode": "off"}}]}},
            "agents.list.0.sandbox.mode: all becomes off",
        ),
        (
            {"tools": {"exec": {"ask": "always"}}, "agents": {"list": [{"id": "a"}]}},
            {
                "tools": {"exec": {"ask": "always"}},
                "agents": {"list": [{"id": "a", "tools": {"exec": {"ask": "off"}}}]},
            },
            "agents.list.0.tools.exec.ask: always becomes off",
        ),
        ({"session": {"dmScope": "per-channel-peer"}}, {}, "session.dmScope: per-channel-peer becomes main"),
    ],
)
def test_what_widens_is_told_and_nothing_else(before: Any, after: Any, said: str | None) -> None:
    found = [text for text in widens(before, after) if not text.startswith("tools.exec.host: commands would")]
    if said is None:
        assert found == []
    else:
        assert any(text.startswith(said) for text in found), found


@pytest.mark.parametrize(
    "guarded", [{"tools": {"exec": {"host": "gateway"}}}, {"agents": {"defaults": {"sandbox": {"mode": "all"}}}}]
)
def test_adv_P13_the_way_to_unasked_commands_is_told(guarded: Any) -> None:
    assert any("neither sandbox nor approval" in text for text in widens(guarded, {}))
    assert widens({}, {}) == ()


documents = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["open", "*", "all", "off", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "gateway",
                    "channels",
                    "tools",
                    "agents",
                    "list",
                    "allowFrom",
                    "groups",
                    "exec",
                    "telegram",
                    "deny",
                    "allow",
                ]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)
roots = st.dictionaries(st.sampled_from(["gateway", "channels", "tools", "agents", "plugins"]), documents, max_size=4)


@given(roots, roots)
@settings(max_examples=150)
def test_any_two_documents_are_compared_without_an_error(before: Any, after: Any) -> None:
    assert all(widens(before, after))
    assert widens(after, after) == ()
