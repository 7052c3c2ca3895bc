"""The matrix names everybody, strangers included, and says what the deciding functions say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from openclaw.config.compile import compile_policy
from openclaw.config.model import Config
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from openclaw.security.explain.matrix import TOOL_GROUPS, Cell, Line, matrix
from openclaw.system.environment import Environment
from openclaw.tools.catalogue import TOOLS

CATALOGUE = Catalogue.of(CatalogueTool(tool.name, owner_only=tool.owner_only) for tool in TOOLS)


def lines(document: Mapping[str, Any], sectionless: frozenset[str] = frozenset()) -> tuple[Line, ...]:
    return matrix(compile_policy(Config.from_document(document), Environment({})), CATALOGUE, sectionless)


def row(found: tuple[Line, ...], who: str, where: str) -> Line:
    (line,) = [line for line in found if (line.who, line.where) == (who, where)]
    return line


DOCUMENT = {
    "agents": {"defaults": {"sandbox": {"mode": "non-main"}}},
    "tools": {"exec": {"host": "gateway"}, "elevated": {"allowFrom": {"telegram": ["7"]}}, "deny": ["write"]},
    "channels": {
        "telegram": {"botToken": "1:x", "allowFrom": ["7"], "groups": {"-1": {}, "*": {"groupPolicy": "open"}}}
    },
}


def test_the_owner_in_private_has_what_the_config_gives() -> None:
    line = row(lines(DOCUMENT), "owner 7", "direct messages")
    assert (line.reaches, line.agent, line.session, line.sandbox) == ("yes", "main", "agent:main:main", "no")
    assert (line.exec, line.elevated, line.commands, line.owner, line.approves) == (
        "listed, asks",
        True,
        True,
        True,
        True,
    )
    assert dict(line.tools)["fs"].word == "some"
    assert dict(line.tools)["runtime"].word == "all"


@pytest.mark.parametrize(
    ("who", "where", "reaches"),
    [
        ("owner 7", "group -1", "on mention"),
        ("strangers", "group -1", "no"),
        ("strangers", "direct messages", "may ask (pairing)"),
        ("paired senders", "direct messages", "yes"),
        ("paired senders", "group -1", "no"),
        ("strangers", "other groups", "on mention"),
    ],
)
def test_strangers_paired_senders_and_rooms_are_rows(who: str, where: str, reaches: str) -> None:
    assert row(lines(DOCUMENT), who, where).reaches == reaches


def test_sessions_hide_the_ids_that_were_made_up() -> None:
    found = lines({**DOCUMENT, "session": {"dmScope": "per-channel-peer"}})
    assert row(found, "owner 7", "direct messages").session == "agent:main:telegram:direct:7"
    assert row(found, "paired senders", "direct messages").session == "agent:main:telegram:direct:<id>"
    assert row(found, "strangers", "other groups").session == "agent:main:telegram:group:<id>"


def test_operators_and_runs_that_no_message_starts_are_rows() -> None:
    found = lines(DOCUMENT)
    assert {line.who for line in found if line.channel in ("", "webchat")} == {
        "operators with admin scope",
        "clients with write scope",
        "cron jobs",
        "sub-agents",
        "POST /tools/invoke",
    }
    assert row(found, "cron jobs", "no chat").sandbox == "yes"
    assert row(found, "POST /tools/invoke", "HTTP").exec == "no"


def test_a_channel_that_is_off_or_absent_has_no_row() -> None:
    assert not [line for line in lines({"channels": {"telegram": {"enabled": False}}}) if line.channel == "telegram"]
    assert not [line for line in lines({}) if line.channel == "telegram"]
    assert [line for line in lines({}, frozenset({"telegram"})) if line.channel == "telegram"]


@pytest.mark.parametrize(
    ("settings", "mode", "expected"),
    [
        ({}, "off", "any"),
        ({}, "all", "sandbox"),
        ({"host": "gateway", "security": "full", "ask": "off"}, "off", "any"),
        ({"host": "gateway", "security": "full", "ask": "always"}, "off", "asks"),
        ({"host": "gateway", "ask": "off"}, "off", "listed"),
        ({"host": "gateway", "security": "deny"}, "off", "no"),
        ({"host": "node"}, "off", "node: listed, asks"),
    ],
)
def test_where_commands_run_is_told_by_its_widest_word(settings: dict[str, Any], mode: str, expected: str) -> None:
    document = {"tools": {"exec": settings}, "agents": {"defaults": {"sandbox": {"mode": mode}}}}
    assert row(lines(document), "operators with admin scope", "web chat").exec == expected


def test_a_cell_says_all_some_no_or_nothing_there() -> None:
    assert [
        Cell(have, exist).word for have, exist in ((("a",), ("a",)), (("a",), ("a", "b")), ((), ("a",)), ((), ()))
    ] == [
        "all",
        "some",
        "no",
        "-",
    ]
    assert "openclaw" not in dict(TOOL_GROUPS)


def test_the_json_of_a_row() -> None:
    found = row(lines(DOCUMENT), "strangers", "direct messages").as_dict()
    assert found["channel"] == "telegram"
    assert (found["agent"], found["session"], found["sandbox"], found["tools"], found["exec"]) == (
        None,
        None,
        None,
        {},
        None,
    )
    full = row(lines(DOCUMENT), "owner 7", "direct messages").as_dict()
    assert full["tools"]["runtime"] == {"word": "all", "have": ["exec", "process"]}
