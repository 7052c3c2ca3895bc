from __future__ import annotations

import pytest

from openclaw.policy.what.tool_names import (
    CORE_TOOLS,
    GROUPS,
    PROFILES,
    Catalogue,
    CatalogueTool,
    normalise_tool,
)
from support.tool_runs import CATALOGUE


def test_there_are_25_core_names_and_groups_and_profiles_name_only_those() -> None:
    assert len(CORE_TOOLS) == len(set(CORE_TOOLS)) == 25
    assert {name for members in GROUPS.values() for name in members} <= set(CORE_TOOLS)
    assert {name for members in PROFILES.values() for name in members} <= {*CORE_TOOLS, *GROUPS}


@pytest.mark.parametrize(("text", "name"), [(" Bash ", "exec"), ("apply-patch", "apply_patch"), ("Read", "read")])
def test_names_have_one_spelling(text: str, name: str) -> None:
    assert normalise_tool(text) == name


@pytest.mark.parametrize(
    ("entry", "members"),
    [
        ("group:web", ("web_search", "web_fetch")),
        ("weather", ("weather_now", "weather_purge")),
        ("group:plugins", ("memory_search", "memory_get", "weather_now", "weather_purge", "notes_add")),
        ("read", ("read",)),
        ("group:unknown", ("group:unknown",)),
    ],
)
def test_entries_stand_for_their_members(entry: str, members: tuple[str, ...]) -> None:
    assert CATALOGUE.members(entry) == members


def test_without_plugin_tools_the_plugin_group_stays_literal() -> None:
    assert Catalogue.of([CatalogueTool("read")]).members("group:plugins") == ("group:plugins",)


@pytest.mark.parametrize(
    ("tool", "why"),
    [
        (CatalogueTool("Bash", plugin_id="evil"), "name-of-core-tool"),
        (CatalogueTool("exec", plugin_id="evil"), "name-of-core-tool"),
        (CatalogueTool("own", plugin_id="evil"), "name-of-core-tool"),
        (CatalogueTool("x", plugin_id="exec"), "plugin-id-of-core-tool"),
        (CatalogueTool("x", plugin_id=" "), "malformed-plugin-id"),
        (CatalogueTool("x", plugin_id="group:plugins"), "malformed-plugin-id"),
        (CatalogueTool("x", plugin_id="*"), "malformed-plugin-id"),
        (CatalogueTool("x", plugin_id="ev*l"), "malformed-plugin-id"),
        (CatalogueTool("*", plugin_id="evil"), "malformed-name"),
        (CatalogueTool("group:fs", plugin_id="evil"), "malformed-name"),
        (CatalogueTool(" ", plugin_id="evil"), "malformed-name"),
        (CatalogueTool("fine", plugin_id="evil"), "duplicate"),
    ],
)
def test_adv_F5_a_plugin_cannot_take_the_place_of_another_tool(tool: CatalogueTool, why: str) -> None:
    first = CatalogueTool("fine", plugin_id="good")
    found = Catalogue.of([first, tool, CatalogueTool("own")])
    assert found.rejected == ((tool, why),)
    assert set(found.tools) == {"fine", "own"}
    assert found.tools["fine"] is first
