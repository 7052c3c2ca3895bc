"""Tools and models that lists name count as if they existed: which plugins bring some is not known."""

from __future__ import annotations

from typing import Any

import pytest

from openclaw.policy.diff.mentioned import model_keys, with_mentioned
from openclaw.policy.domain.powers import CORE_CATALOGUE
from openclaw.policy.what.tool_names import Catalogue, CatalogueTool
from support.answers import check_answers
from support.diffs import difference, policy_of


def patching(*models: str, enabled: bool = True) -> dict[str, Any]:
    return {"enabled": enabled, "allowModels": list(models)}


MODELS: tuple[tuple[str, tuple[dict[str, Any], ...], tuple[str, ...]], ...] = (
    ("none", ({},), ()),
    ("providers", ({"tools": {"byProvider": {"OpenAI": {"deny": ["exec"]}, "google/gemini": {"deny": ["read"]}}}},),
     ("openai", "google/gemini")),
    ("of an agent", ({"agents": {"list": [{"id": "a", "tools": {"byProvider": {"x": {"deny": ["exec"]}}}}]}},), ("x",)),
    ("of both policies", ({"tools": {"byProvider": {"b": {"deny": ["exec"]}}}},
                          {"tools": {"byProvider": {"a": {"deny": ["exec"]}, "b": {"deny": ["exec"]}}}}), ("b", "a")),
    ("patching", ({"tools": {"exec": {"applyPatch": patching()}}},), ("openai",)),
    ("patching beside providers", ({"tools": {"byProvider": {"x": {"deny": ["exec"]}},
                                              "exec": {"applyPatch": patching()}}},), ("x", "openai")),
    ("patching off", ({"tools": {"exec": {"applyPatch": patching("gpt-5", enabled=False)}}},), ()),
    ("patching models", ({"tools": {"exec": {"applyPatch": patching(" GPT-5 ", "openai-codex/gpt-5", " ")}}},),
     ("openai", "openai/gpt-5", "openai/openai-codex/gpt-5", "openai-codex/gpt-5")),
)  # fmt: skip


@pytest.mark.parametrize(("documents", "models"), [row[1:] for row in MODELS], ids=[row[0] for row in MODELS])
def test_models_on_which_tools_depend(documents: tuple[dict[str, Any], ...], models: tuple[str, ...]) -> None:
    assert model_keys(*map(policy_of, documents)) == models


def boxed(**lists: list[str]) -> dict[str, Any]:
    return {"agents": {"defaults": {"sandbox": {"mode": "all"}}}, "tools": {"sandbox": {"tools": lists}}}


def telegram(**room: Any) -> dict[str, Any]:
    return {"channels": {"telegram": {"botToken": "1:x", "allowFrom": ["7"], "groups": {"-1": room}}}}


def agent(**tools: Any) -> dict[str, Any]:
    return {"agents": {"list": [{"id": "main", "tools": tools}]}}


LISTS: tuple[dict[str, Any], ...] = (
    {},
    {"tools": {"allow": ["exec", "group:fs", "bash"]}},
    {"tools": {"profile": "coding", "alsoAllow": [" Lobster "]}},
    {"tools": {"deny": ["lobster"]}},
    {"tools": {"deny": ["lobster"], "allow": ["lobster", "read"]}},
    {"tools": {"allow": ["mcp_*", "read"]}},
    {"tools": {"deny": ["*"]}},
    {"tools": {"deny": ["group:plugins"]}},
    {"tools": {"byProvider": {"openai": {"deny": ["lobster"]}}}},
    {"tools": {"byProvider": {"openai": {"profile": "coding", "alsoAllow": ["lobster"]}}}},
    {"tools": {"subagents": {"tools": {"deny": ["lobster"]}}}},
    {"gateway": {"tools": {"deny": ["lobster"]}}},
    boxed(allow=["lobster"]),
    agent(deny=["lobster"]),
    agent(profile="coding", alsoAllow=["lobster"]),
    agent(byProvider={"openai": {"deny": ["lobster"]}}),
    telegram(tools={"deny": ["lobster"]}),
    telegram(toolsBySender={"id:7": {"deny": ["a"]}, "e164:+1": {"deny": ["b"]}, "username:u": {"deny": ["c"]},
                            "name:n": {"deny": ["d"]}, "*": {"deny": ["e"]}}),
)  # fmt: skip


def test_what_lists_name_joins_the_catalogue() -> None:
    answers: list[tuple[object, object]] = []
    for document in LISTS:
        found = with_mentioned(CORE_CATALOGUE, [policy_of(document)])
        answers.append((document, [tool for name, tool in found.tools.items() if name not in CORE_CATALOGUE.tools]))
        assert not found.rejected
    check_answers("diff-mentioned", answers)


def test_a_catalogue_that_has_all_that_lists_name_stays_as_it_is() -> None:
    known = Catalogue.of((*CORE_CATALOGUE.tools.values(), CatalogueTool("pinch", plugin_id="lobster")))
    lists = [policy_of({"tools": {"deny": ["lobster", "pinch"]}}), policy_of({"tools": {"allow": ["exec"]}})]
    assert with_mentioned(known, lists) is known
    assert "pinch" in with_mentioned(CORE_CATALOGUE, lists).tools


WIDER: tuple[tuple[str, dict[str, Any], dict[str, Any], str], ...] = (
    ("a plugin's tool joins a profile", {"tools": {"profile": "coding"}},
     {"tools": {"profile": "coding", "alsoAllow": ["lobster"]}}, "use lobster"),
    ("a denial ends", {"tools": {"deny": ["lobster"]}}, {}, "use lobster"),
    ("plugins are no longer denied", {"tools": {"deny": ["group:plugins"]}}, {}, "use tools of plugins"),
    ("a pattern joins", {"tools": {"allow": ["read"]}}, {"tools": {"allow": ["read", "mcp_*"]}}, "use mcp_…"),
    ("a sandbox gets plugins", boxed(allow=["read"]), boxed(allow=["read", "group:plugins"]), "use tools of plugins"),
    ("for a sender", telegram(toolsBySender={"id:7": {"deny": ["lobster"]}}), telegram(), "use lobster"),
    ("for a model", {"tools": {"exec": {"applyPatch": patching("gpt-5")}}},
     {"tools": {"exec": {"applyPatch": patching("gpt-5", "gpt-4")}}}, "use apply_patch with openai/gpt-4"),
)  # fmt: skip


@pytest.mark.parametrize(("before", "after", "told"), [row[1:] for row in WIDER], ids=[row[0] for row in WIDER])
def test_tools_of_plugins_that_a_change_lets_in_are_told(
    before: dict[str, Any], after: dict[str, Any], told: str
) -> None:
    assert any(told in text for text in difference(before, after).widened)
    assert not difference(after, before).widens
