"""Two policies compared over all that they tell apart, word for word, and in both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from openclaw.policy.diff import NO_CHANGE, Change, PolicyDiff, diff_policies
from openclaw.policy.domain.powers import CORE_CATALOGUE
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from support.answers import check_answers
from support.diffs import difference, policy_of
from support.domains import CHANGED, DOCUMENTS, compiled


def telegram(**keys: Any) -> dict[str, Any]:
    return {"channels": {"telegram": {"botToken": "1:x", "allowFrom": ["7"], **keys}}}


def agents(*listed: dict[str, Any], **defaults: Any) -> dict[str, Any]:
    return {"agents": {"list": list(listed), "defaults": defaults}}


def told(found: PolicyDiff) -> tuple[object, ...]:
    return (
        [f"{change.topic}: {change.text}" for change in found.widens],
        [f"{change.topic}: {change.text}" for change in found.narrows],
        found.weight,
    )


BOXED = {"sandbox": {"mode": "all"}}
OPEN = {"sandbox": {"mode": "off"}}
MAIN: dict[str, Any] = {"id": "main"}
CHANGES: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    ("a listed person", telegram(), telegram(allowFrom=["7", "8"])),
    ("names", telegram(), telegram(allowFrom=["7", "@ann"])),
    ("pairing", telegram(dmPolicy="allowlist"), telegram()),
    ("an open group", telegram(groupPolicy="disabled"), telegram(groupPolicy="open", groups={"-1": {}})),
    ("without mentions", telegram(groups={"-1": {}}), telegram(groups={"-1": {"requireMention": False}})),
    ("bots", {"channels": {"discord": {"token": "x", "groupPolicy": "open"}}},
     {"channels": {"discord": {"token": "x", "groupPolicy": "open", "allowBots": True}}}),
    ("an account more", telegram(), telegram(accounts={"work": {"botToken": "2:y", "allowFrom": ["9"]}})),
    ("patterns", telegram(), telegram() | {"messages": {"groupChat": {"mentionPatterns": ["hey"]}}}),
    ("patterns where none are needed", telegram(groups={"*": {"requireMention": False}}),
     telegram(groups={"*": {"requireMention": False}}) | {"messages": {"groupChat": {"mentionPatterns": ["hey"]}}}),
    ("an agent", {}, agents(MAIN, {"id": "ops"})),
    ("an agent that may do more", agents(MAIN, **BOXED), agents(MAIN, {"id": "ops", **OPEN}, **BOXED)),
    ("an agent that may do less", agents(MAIN), agents(MAIN, {"id": "ops", **BOXED, "tools": {"deny": ["exec"]}})),
    ("an agent like two others together", agents({"id": "a", "tools": {"deny": ["cron"]}},
                                                 {"id": "b", "tools": {"deny": ["browser"]}}),
     agents({"id": "a", "tools": {"deny": ["cron"]}}, {"id": "b", "tools": {"deny": ["browser"]}}, {"id": "c"})),
    ("another agent", agents({"id": "a"}), agents({"id": "b"})),
    ("an agent that is bound", telegram(), telegram() | agents(MAIN, {"id": "ops"}) | {
        "bindings": [{"agentId": "ops", "match": {"channel": "telegram", "peer": {"kind": "direct", "id": "7"}}}]}),
    ("an agent with programs of its own", agents(MAIN),
     agents(MAIN, {"id": "ops", "tools": {"exec": {"safeBins": ["jq"]}}})),
    ("hooks", {}, {"hooks": {"enabled": True, "token": "x" * 32}}),
    ("exec", {"tools": {"exec": {"host": "gateway", "security": "deny"}}}, {"tools": {"exec": {"host": "gateway"}}}),
    ("two agents without a sandbox", agents(MAIN, {"id": "ops"}, **BOXED), agents(MAIN, {"id": "ops"}, **OPEN)),
    ("unprintable text", {}, {"gateway": {"trustedProxies": ["10.0.0.1\x1b\u202e"]}}),
    ("braces", {}, {"gateway": {"trustedProxies": ["{now} {what} {who}"]}}),
    ("many facts", {}, {"gateway": {"bind": "lan", "auth": {"token": "x" * 40}}, "commands": {"bash": True}}),
)  # fmt: skip


def test_changes_word_for_word() -> None:
    answers: list[tuple[object, object]] = []
    for name, before, after in CHANGES:
        answers += [(name, told(difference(before, after))), ((name, "back"), told(difference(after, before)))]
    check_answers("diff-changes", answers)


@pytest.mark.parametrize("name", [*CHANGED, *DOCUMENTS])
def test_what_one_direction_opens_the_other_shuts(name: str) -> None:
    before, after = compiled(name) if name in CHANGED else (*compiled("empty"), *compiled(name))
    found, back = diff_policies(before, after), diff_policies(after, before)
    assert (found.is_empty, bool(found.widens), found.weight) == (back.is_empty, bool(back.narrows), back.weight)
    assert bool(found.narrows) == bool(back.widens)


@pytest.mark.parametrize("name", [*DOCUMENTS])
def test_a_policy_differs_in_nothing_from_one_that_says_the_same(name: str) -> None:
    (policy,) = compiled(name)
    found = diff_policies(policy, policy_of(DOCUMENTS[name]))
    assert found == NO_CHANGE
    assert found.weight == 0


def test_the_same_policy_is_not_looked_at() -> None:
    (policy,) = compiled("empty")
    assert diff_policies(policy, policy) is NO_CHANGE


def test_how_many_are_concerned() -> None:
    owned = {"commands": {"ownerAllowFrom": ["telegram:7"]}}
    assert difference(telegram() | owned, telegram(allowFrom=["7", "8"]) | owned).weight == 1
    assert difference(telegram() | owned, telegram(allowFrom=["7", "8", "9"]) | owned).weight == 1  # told as one
    named = difference(telegram() | owned, telegram(allowFrom=["7", "@ann"]) | owned).weight
    strangers = difference(telegram(dmPolicy="allowlist") | owned, telegram() | owned).weight
    assert 1 < named < strangers
    told_tools = [
        difference({**section, **owned, "tools": {"deny": ["exec"]}}, {**section, **owned}).weight
        for section in (telegram(), telegram(groupAllowFrom=["7", "9"]))
    ]
    assert told_tools[1] - told_tools[0] == 1  # who is on a list, and paired or not, is one person
    assert difference({}, {"commands": {"bash": True}}).weight == 3
    assert difference({}, {"commands": {"bash": True, "debug": True}}).weight == 6
    assert difference({"commands": {"bash": True}}, {"commands": {"debug": True}}).weight == 6


def test_people_of_a_channel_that_a_token_starts_are_concerned_without_a_section() -> None:
    before, after = policy_of({"tools": {"deny": ["exec"]}}), policy_of({})
    started = diff_policies(before, after, sectionless=frozenset({"telegram"}))
    assert started.weight > diff_policies(before, after).weight
    assert started.widened == diff_policies(before, after).widened  # everybody who reaches the agent


def test_a_room_waits_for_a_mention_also_where_nothing_but_reaching_the_agent_is_granted() -> None:
    room = {
        "channels": {"telegram": {"botToken": "1:x", "dmPolicy": "disabled", "groupPolicy": "open", "historyLimit": 0}},
        "session": {"sendPolicy": {"default": "deny"}},
        "tools": {"deny": ["*"]},
        **agents(MAIN, **BOXED),
    }
    found = difference(room, room | {"messages": {"groupChat": {"mentionPatterns": ["hey"]}}})
    assert found.widened == ("text that matches hey now counts as a mention of agent main",)


def test_tools_of_plugins_count_when_the_catalogue_has_them() -> None:
    before, after = policy_of({"tools": {"profile": "coding"}}), policy_of({})
    pinch = Catalogue.of((*CORE_CATALOGUE.tools.values(), CatalogueTool("pinch", plugin_id="lobster")))
    assert not any("pinch" in text for text in diff_policies(before, after).widened)
    told_of_all = {name for name in ("pinch", "more tools") for text in diff_policies(before, after, pinch).widened
                   if name in text}  # fmt: skip
    assert told_of_all
    only = policy_of({"tools": {"profile": "full", "deny": ["lobster"]}})
    assert any("use pinch" in text for text in diff_policies(only, after, pinch).widened)


def test_an_agent_more_is_compared_with_what_others_may_do_in_the_same_place() -> None:
    tools = {"tools": {"sandbox": {"tools": {"allow": ["*"], "deny": []}}}}
    others = ({"id": "a", **BOXED}, {"id": "b", "tools": {"deny": ["browser"]}})
    found = difference(tools | agents(*others), tools | agents(*others, {"id": "c"}))
    assert found.widened == ("everybody who reaches agent c can now use browser",)
    assert difference(tools | agents(*others), tools | agents(*others, {"id": "c", **BOXED})).is_empty
    assert not any("browser" in text for text in difference(tools | agents(others[0]), tools | agents(
        others[0], {"id": "c"})).widened)  # fmt: skip


def test_general_settings_that_no_agent_has_do_not_count_as_had() -> None:
    strict = {"id": "main", "tools": {"exec": {"safeBins": [], "strictInlineEval": True}}}
    general = {"tools": {"exec": {"safeBins": ["jq"], "strictInlineEval": False}}}
    found = difference(general | agents(strict), general | agents(strict, {"id": "ops"}))
    assert found.widened == (
        "jq now runs for agent ops unasked, on its input only (tools.exec.safeBins)",
        "allowlisted interpreters of agent ops no longer run script files only (tools.exec.strictInlineEval)",
    )
    loose = {"id": "main"}
    assert not difference(general | agents(loose), general | agents(loose, {"id": "ops"})).widens


def test_an_agent_less_lets_nobody_do_more() -> None:
    loose, strict = {"id": "main"}, {"id": "ops", **BOXED, "tools": {"deny": ["exec"], "exec": {"safeBins": []}}}
    both, one = agents(loose, strict), agents(loose)
    assert not difference(both, one).widens
    assert not difference(one, both).narrows
    assert difference(both, agents(strict)).widens == ()


def test_a_widening_of_scope_counts_from_the_widest_that_another_agent_has() -> None:
    def boxes(*scopes: str) -> dict[str, Any]:
        return agents(*({"id": f"a{number}", "sandbox": {"mode": "all", "scope": scope}}
                        for number, scope in enumerate(scopes)))  # fmt: skip

    for first in ("agent", "shared"):
        for second in ("agent", "shared"):
            wide = "shared" in (first, second)
            found = difference(boxes(first, second), boxes(first, second, "shared"))
            assert any("serves all agents" in text for text in found.widened) is not wide


def test_an_empty_answer_says_so() -> None:
    assert PolicyDiff() == NO_CHANGE
    assert NO_CHANGE.is_empty
    assert NO_CHANGE.weight == 0
    one = PolicyDiff(widens=(Change("a"),), narrows=(Change("b", "tools"),), weight=5)
    assert not one.is_empty
    assert (one.widened, one.narrowed) == (("a",), ("b",))
    assert not replace(one, widens=()).is_empty
    assert not replace(one, narrows=()).is_empty
    assert Change("a").topic == "access"
