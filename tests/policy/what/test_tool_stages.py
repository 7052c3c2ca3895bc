from __future__ import annotations

import pytest

from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from openclaw.policy.what.tool_stages import (
    Entry,
    StageId,
    ToolBlock,
    ToolStage,
    entries,
    pick,
    profile_stage,
    stage_table,
)
from support.tool_runs import CATALOGUE


def stage(allow: list[str], deny: list[str]) -> ToolStage:
    return pick(StageId.GLOBAL, ToolBlock("tools", allow=tuple(allow), deny=tuple(deny)))


@pytest.mark.parametrize(
    ("allow", "deny", "tool", "rule", "key"),
    [
        ([], [], "exec", "pass", None),
        ([], ["exec"], "exec", "deny:exec", "tools.deny"),
        (["exec"], ["exec"], "exec", "deny:exec", "tools.deny"),
        (["exec"], ["group:runtime"], "process", "deny:group:runtime", "tools.deny"),
        (["read"], [], "read", "pass", None),
        (["read"], [], "exec", "not-in-allow", "tools.allow"),
        (["exec"], [], "apply_patch", "implied-by:exec", "tools.allow"),
        (["ex*"], [], "apply_patch", "implied-by:exec", "tools.allow"),
        (["group:runtime"], [], "apply_patch", "implied-by:exec", "tools.allow"),
        (["exec"], ["apply_patch"], "apply_patch", "deny:apply_patch", "tools.deny"),
        (["exec"], ["exec"], "apply_patch", "implied-by:exec", "tools.allow"),
        ([], ["exec"], "apply_patch", "pass", None),
        ([], ["exec"], "write", "pass", None),
        (["*"], [], "exec", "pass", None),
        (["WEB_*"], [], "web_fetch", "pass", None),
        (["group:*"], [], "read", "not-in-allow", "tools.allow"),
        (["nonsense"], [], "read", "not-in-allow", "tools.allow"),
        ([" ", ""], [], "read", "pass", None),
        ([], ["bash"], "exec", "deny:exec", "tools.deny"),
        ([], ["weather"], "weather_now", "deny:weather", "tools.deny"),
        (["weather"], [], "weather_purge", "pass", None),
        ([], ["group:plugins"], "memory_get", "deny:group:plugins", "tools.deny"),
    ],
)
def test_the_decision_table_of_one_stage(allow: list[str], deny: list[str], tool: str, rule: str, key: str) -> None:
    answer = stage_table(stage(allow, deny), CATALOGUE)[tool]
    assert (answer.rule, answer.key) == (rule, key)
    assert answer.passes == (rule == "pass" or rule.startswith("implied"))


@pytest.mark.parametrize(
    ("allow", "also", "expected"),
    [
        (None, None, []),
        (["read"], None, ["read"]),
        (["read"], ["exec"], ["read", "exec"]),
        (None, ["exec"], ["*", "exec"]),
        ([], ["exec"], ["*", "exec"]),
        (None, [], []),
        ([], [], []),
    ],
)
def test_also_allow_adds_to_a_list_or_to_everything(
    allow: list[str] | None, also: list[str] | None, expected: list[str]
) -> None:
    block = ToolBlock(
        "tools",
        allow=None if allow is None else tuple(allow),
        also_allow=None if also is None else tuple(also),
    )
    assert [entry.text for entry in pick(StageId.GLOBAL, block).allow] == expected


def test_entries_keep_where_they_stand() -> None:
    assert entries([" Bash", "", "READ"], "x.allow") == (Entry("exec", "x.allow"), Entry("read", "x.allow"))


@pytest.mark.parametrize("profile", [None, "full", "FULL", "no such profile"])
def test_full_absent_and_unknown_profiles_restrict_nothing(profile: str | None) -> None:
    block = ToolBlock("tools", profile=profile, also_allow=("read",))
    assert profile_stage(StageId.PROFILE, block, block) is None


def test_only_the_profile_itself_brings_in_optional_tools() -> None:
    block = ToolBlock("tools", profile="minimal", also_allow=("notes",))
    found = profile_stage(StageId.PROFILE, block, block)
    assert found is not None
    assert [(entry.text, entry.key) for entry in found.allow] == [
        ("session_status", "tools.profile"),
        ("notes", "tools.alsoAllow"),
    ]
    assert found.brings == {"session_status"}


@pytest.mark.parametrize(
    ("allow", "deny", "passing"),
    [([], ["notes"], {"read"}), (["notes"], [], {"notes_add"}), (["notes", "*"], ["notes_add"], {"read", "notes"})],
)
def test_adv_F5_a_plugin_id_denies_a_tool_of_that_name_and_never_allows_it(
    allow: list[str], deny: list[str], passing: set[str]
) -> None:
    tools = (
        CatalogueTool("read"),
        CatalogueTool("notes_add", plugin_id="notes"),
        CatalogueTool("notes", plugin_id="x"),
    )
    table = stage_table(stage(allow, deny), Catalogue.of(tools))
    assert {name for name, answer in table.items() if answer.passes} == passing
