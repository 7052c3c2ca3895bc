from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.verdict import Outcome
from openclaw.policy.what import tool_policy
from openclaw.policy.what.group_rooms import (
    ChannelRooms,
    RoomFacts,
    RoomMap,
    RoomStyle,
    ToolSender,
    room_entry,
)
from openclaw.policy.what.tool_chain import AgentBlocks, ToolRun, tools_policy
from openclaw.policy.what.tool_names import CORE_TOOLS, GROUPS, HTTP_DENY, Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import ToolDecider, effective_tools
from openclaw.policy.what.tool_stages import StageAnswer, StageId, ToolBlock, ToolStage, stage_table
from support.tool_runs import CATALOGUE, allowed, group_run, policy_of, run_of

OPENAI = {"provider": "openai", "model": "gpt-5.2"}
PATCH = {"exec": {"applyPatch": {"enabled": True}}}


# Profiles (the table of agent.md 5.4)


@pytest.mark.parametrize(
    ("own", "overall", "expected"),
    [
        ({}, {}, None),
        ({"alsoAllow": ["read"]}, {"alsoAllow": ["exec"]}, None),
        ({"profile": "minimal", "alsoAllow": ["read"]}, {"alsoAllow": ["exec"]}, {"session_status", "read"}),
        ({"profile": "minimal"}, {"alsoAllow": ["exec"]}, {"session_status", "exec"}),
        ({"alsoAllow": []}, {"profile": "minimal", "alsoAllow": ["exec"]}, {"session_status"}),
        ({}, {"profile": "minimal"}, {"session_status"}),
        ({"profile": "full"}, {"profile": "minimal"}, None),
    ],
)
def test_profile_and_also_allow_come_from_the_agent_first(
    own: dict[str, Any], overall: dict[str, Any], expected: set[str] | None
) -> None:
    policy = policy_of(tools=overall, agents={"list": [{"id": "main", "tools": own}]})
    found = effective_tools(policy, run_of(), CATALOGUE)
    passed = {name for name, decision in found.decisions.items() if decision.stage is not StageId.PROFILE}
    registered = {name for name in found.decisions if found.decisions[name].stage is not StageId.REGISTRATION}
    assert passed & registered == (registered if expected is None else expected)


# Providers


@pytest.mark.parametrize(
    ("keys", "provider", "model", "denied"),
    [
        (["openai"], "OpenAI", "gpt-5.2", "openai"),
        (["openai", "openai/gpt-5.2"], "openai", "GPT-5.2", "openai/gpt-5.2"),
        (["openrouter/anthropic/claude"], "openrouter", "anthropic/claude", None),
        (["anthropic/claude"], "openrouter", "anthropic/claude", "anthropic/claude"),
        (["openai"], None, "gpt-5.2", None),
        (["openai"], "anthropic", "x", None),
        ([" OpenAI "], "openai", None, "openai"),
    ],
)
def test_the_full_model_is_looked_up_before_its_provider(
    keys: list[str], provider: str | None, model: str | None, denied: str | None
) -> None:
    by_provider = {key: {"deny": [f"{CORE_TOOLS[number]}"]} for number, key in enumerate(keys)}
    policy = policy_of(tools={"byProvider": by_provider})
    found = effective_tools(policy, run_of(provider=provider, model=model), CATALOGUE)
    hit = [name for name, decision in found.decisions.items() if decision.stage is StageId.GLOBAL_PROVIDER]
    wanted = [CORE_TOOLS[number] for number, key in enumerate(keys) if key.strip().lower() == denied]
    assert hit == wanted


def test_a_provider_profile_takes_each_part_from_the_agent_first() -> None:
    policy = policy_of(
        tools={"byProvider": {"openai": {"profile": "minimal", "alsoAllow": ["exec"]}}},
        agents={"list": [{"id": "main", "tools": {"byProvider": {"openai": {"alsoAllow": ["read"]}}}}]},
    )
    assert allowed(policy, run_of(**OPENAI)) == {"session_status", "read"}
    assert allowed(policy, run_of("agent:other:main", **OPENAI)) == {"session_status", "exec"}


# Registration


@pytest.mark.parametrize(
    ("document", "facts", "tool", "why", "key"),
    [
        ({}, OPENAI, "apply_patch", "off", "tools.exec.applyPatch.enabled"),
        ({"tools": PATCH}, {"provider": "anthropic"}, "apply_patch", "provider", None),
        ({"tools": PATCH}, {}, "apply_patch", "provider", None),
        (
            {"tools": {"exec": {"applyPatch": {"enabled": True, "allowModels": ["gpt-4"]}}}},
            OPENAI,
            "apply_patch",
            "model",
            "tools.exec.applyPatch.allowModels",
        ),
        ({"tools": {"web": {"search": {"enabled": False}}}}, {}, "web_search", "off", "tools.web.search.enabled"),
        ({"tools": {"web": {"fetch": {"enabled": False}}}}, {}, "web_fetch", "off", "tools.web.fetch.enabled"),
        ({}, {"image_model": False}, "image", "no-image-model", "agents.defaults.imageModel"),
        ({}, {"may_message": False}, "message", "run", None),
        ({"plugins": {"slots": {"memory": "none"}}}, {}, "memory_get", "memory-slot", "plugins.slots.memory"),
        ({"plugins": {"enabled": False}}, {}, "memory_get", "memory-slot", "plugins.slots.memory"),
        (
            {"agents": {"defaults": {"memorySearch": {"enabled": False}}}},
            {},
            "memory_search",
            "off",
            "agents.defaults.memorySearch.enabled",
        ),
        ({}, {}, "whatsapp_login", "owner-only", "commands.ownerAllowFrom"),
        ({}, {}, "notes_add", "optional", "tools.alsoAllow"),
        ({"tools": {"allow": ["*"]}}, {}, "notes_add", "optional", "tools.alsoAllow"),
        ({"tools": {"profile": "minimal", "alsoAllow": ["*", "read"]}}, {}, "notes_add", "optional", "tools.alsoAllow"),
    ],
)
def test_a_tool_that_does_not_exist_for_a_run_says_why(
    document: dict[str, Any], facts: dict[str, Any], tool: str, why: str, key: str | None
) -> None:
    decision = effective_tools(policy_of(**document), run_of(**facts), CATALOGUE).of(tool)
    assert (decision.allowed, decision.stage, decision.rule, decision.key) == (
        False,
        StageId.REGISTRATION,
        f"not-registered:{why}",
        key,
    )
    assert tool in decision.reason


@pytest.mark.parametrize("entry", ["notes_add", "Notes", "group:plugins"])
@pytest.mark.parametrize("where", ["allow", "alsoAllow"])
def test_an_optional_tool_is_brought_in_by_its_name_its_plugin_or_all_plugins(entry: str, where: str) -> None:
    assert "notes_add" in allowed(policy_of(tools={where: [entry]}), run_of())


@pytest.mark.parametrize(
    ("model", "listed", "hit"),
    [
        ("gpt-5.2", ["GPT-5.2"], True),
        ("gpt-5.2", ["openai/gpt-5.2"], True),
        ("gpt-5.2", ["openai-codex/gpt-5.2"], False),
        ("gpt-5.2", [" "], False),
        ("gpt-5.2", [], True),
        (None, ["gpt-5.2"], False),
    ],
)
def test_apply_patch_is_for_the_listed_models(model: str | None, listed: list[str], hit: bool) -> None:
    policy = policy_of(tools={"exec": {"applyPatch": {"enabled": True, "allowModels": listed}}})
    assert ("apply_patch" in allowed(policy, run_of(provider="openai", model=model))) is hit


def test_an_agents_own_apply_patch_switch_counts() -> None:
    off = {"id": "main", "tools": {"exec": {"applyPatch": {"enabled": False}}}}
    assert "apply_patch" not in allowed(policy_of(tools=PATCH, agents={"list": [off]}), run_of(**OPENAI))
    assert "apply_patch" in allowed(policy_of(agents={"list": [{"id": "main", "tools": PATCH}]}), run_of(**OPENAI))


def test_a_read_only_workspace_has_no_writing_tools_inside_the_sandbox() -> None:
    policy = policy_of(tools=PATCH, agents={"defaults": {"sandbox": {"mode": "all", "workspaceAccess": "ro"}}})
    inside = effective_tools(policy, run_of(sandboxed=True, **OPENAI), CATALOGUE)
    for name in ("write", "edit", "apply_patch"):
        assert inside.of(name).rule == "not-registered:read-only"
    assert {"write", "edit", "apply_patch"} <= allowed(policy, run_of(**OPENAI))


def test_adv_C12_owner_only_tools_need_a_proved_owner() -> None:
    policy = policy_of()
    assert "whatsapp_login" not in allowed(policy, run_of(sender=ToolSender(id="1", name="owner")))
    assert "whatsapp_login" in allowed(policy, run_of(sender=ToolSender(id="1", is_owner=True)))


# Sandbox, sub-agents, HTTP, parents


@pytest.mark.parametrize(
    ("overall", "own", "expected"),
    [
        ({"allow": []}, {}, {"image"}),
        ({"allow": [], "deny": ["image"]}, {}, set()),
        ({"allow": [" "]}, {}, {"image"}),
        ({"allow": ["read"]}, {"allow": ["exec"]}, {"exec", "image"}),
        ({"allow": ["read", "cron"]}, {"deny": []}, {"read", "cron", "image"}),
        ({"allow": ["read", "cron"], "deny": ["read"]}, {}, {"cron", "image"}),
        ({"allow": ["group:openclaw"], "deny": ["*_*", "[a-z]"]}, {}, None),
    ],
)
def test_sandbox_lists_replace_each_other_and_an_empty_one_is_not_everything(
    overall: dict[str, Any], own: dict[str, Any], expected: set[str] | None
) -> None:
    policy = policy_of(
        tools={"sandbox": {"tools": overall}},
        agents={"list": [{"id": "main", "tools": {"sandbox": {"tools": own}}}]},
    )
    found = allowed(policy, run_of(sandboxed=True))
    assert found == ({name for name in GROUPS["group:openclaw"] if "_" not in name} if expected is None else expected)


def test_a_refusal_inside_a_sandbox_names_list_key_and_command() -> None:
    decision = effective_tools(policy_of(), run_of(sandboxed=True), CATALOGUE).of("browser")
    text = decision.refusal("agent:main:main")
    assert 'browser is denied by "browser" in tools.sandbox.tools.deny.' in text
    assert "openclaw sandbox explain --session agent:main:main" in text


@pytest.mark.parametrize("key", ["agent:main:subagent:1", "agent:main:SUBAGENT:1"])
def test_the_built_in_denials_of_sub_agents_cannot_be_lifted(key: str) -> None:
    policy = policy_of(tools={"subagents": {"tools": {"allow": ["*"], "deny": ["exec"]}}})
    found = effective_tools(policy, run_of(key), CATALOGUE)
    assert (found.of("gateway").stage, found.of("gateway").key) == (StageId.SUBAGENT, None)
    assert "built-in list" in found.of("gateway").reason
    assert found.of("exec").key == "tools.subagents.tools.deny"


def test_adv_F7_over_http_a_fixed_list_is_refused_unless_lifted() -> None:
    plain = effective_tools(policy_of(), run_of(over_http=True), CATALOGUE)
    assert not set(HTTP_DENY) & set(plain.allowed)
    assert plain.of("exec").key == "gateway.tools.allow"
    lifted = policy_of(gateway={"tools": {"allow": ["exec", "sessions_*"], "deny": ["read", "exec"]}})
    found = effective_tools(lifted, run_of(over_http=True), CATALOGUE)
    assert found.of("sessions_send").allowed
    assert found.of("exec").key == found.of("read").key == "gateway.tools.deny"
    assert "read" in allowed(lifted, run_of())


def test_adv_F7_lifting_the_http_list_never_restores_what_the_chain_denies() -> None:
    policy = policy_of(gateway={"tools": {"allow": ["exec"]}}, tools={"deny": ["exec"]})
    assert effective_tools(policy, run_of(over_http=True), CATALOGUE).of("exec").stage is StageId.GLOBAL


def test_adv_G3_a_child_gets_at_most_its_parents_tools() -> None:
    child = run_of("agent:main:subagent:1", at_most=frozenset({"read", "gateway"}))
    found = effective_tools(policy_of(), child, CATALOGUE)
    assert found.allowed == ("read",)
    assert (found.of("exec").stage, found.of("exec").rule) == (StageId.PARENT, "not-in-parent")
    assert "the session that started this one" in found.of("exec").reason


def test_a_denied_write_denies_apply_patch_at_the_call() -> None:
    policy = policy_of(tools={**PATCH, "deny": ["write"]})
    found = effective_tools(policy, run_of(**OPENAI), CATALOGUE)
    assert (found.of("apply_patch").allowed, found.of("apply_patch").key) == (False, "tools.deny")
    assert "apply_patch" not in found.offered
    kept = effective_tools(policy_of(tools={**PATCH, "allow": ["exec"]}), run_of(**OPENAI), CATALOGUE)
    assert kept.offered == ("apply_patch", "exec")


# Unknown names


@pytest.mark.parametrize(
    ("document", "facts", "expected"),
    [
        ({"tools": {"allow": ["telegram", "read"]}}, {}, [("telegram", "tools.allow")]),
        ({"tools": {"alsoAllow": ["ghost"]}}, {}, [("ghost", "tools.alsoAllow")]),
        (
            {"tools": {"allow": ["group:memory", "memory_get", "memory-core", "group:plugins", "*"]}},
            {},
            ["group:memory"],
        ),
        ({"tools": {"allow": ["apply_patch"]}}, {}, [("apply_patch", "tools.allow")]),
        ({"tools": {"allow": ["whatsapp_login"]}}, {}, [("whatsapp_login", "tools.allow")]),
        ({"tools": {"allow": ["web_*"]}}, {}, [("web_*", "tools.allow")]),
        ({"tools": {"deny": ["ghost"]}}, {}, []),
        ({"tools": {"sandbox": {"tools": {"allow": ["ghost"]}}}}, {"sandboxed": True}, []),
        (
            {"agents": {"list": [{"id": "main", "tools": {"byProvider": {"openai": {"allow": ["ghost"]}}}}]}},
            OPENAI,
            [("ghost", "agents.list.0.tools.byProvider.openai.allow")],
        ),
    ],
)
def test_unknown_allow_entries_warn_and_match_nothing(
    document: dict[str, Any], facts: dict[str, Any], expected: list[Any]
) -> None:
    found = effective_tools(policy_of(**document), run_of(**facts), CATALOGUE)
    wanted = [entry if isinstance(entry, tuple) else (entry, "tools.allow") for entry in expected]
    assert list(found.unknown_entries) == wanted
    assert len(found.warnings) == len({key for _, key in wanted})
    for entry, key in wanted:
        assert any(entry in warning.detail and warning.key == key for warning in found.warnings)


def test_a_list_of_unknown_names_lets_nothing_pass() -> None:
    assert allowed(policy_of(tools={"allow": ["made_up"]}), run_of()) == set()


def test_a_name_that_no_catalogue_has_is_refused() -> None:
    decider = ToolDecider(policy_of(), Catalogue.of([CatalogueTool("read"), CatalogueTool("exec", plugin_id="evil")]))
    assert decider.decide(run_of(), "exec").rule == "not-registered:name-of-core-tool"
    assert decider.decide(run_of(), "ghost").rule == "not-registered:unknown"
    assert decider.decide(run_of(), " READ ").allowed


# Verdicts and memory


def test_every_decision_is_a_verdict_with_rule_and_key() -> None:
    found = effective_tools(policy_of(tools={"deny": ["exec"]}), run_of(), CATALOGUE)
    verdict = found.of("exec").verdict
    assert (verdict.outcome, verdict.decided_by.rule, verdict.decided_by.key) == (
        Outcome.DENY,
        "tools.global:deny:exec",
        "tools.deny",
    )
    assert found.of("read").verdict.outcome is Outcome.ALLOW
    assert found.of("exec").refusal("agent:main:main") == found.of("exec").reason
    profile = effective_tools(policy_of(tools={"profile": "minimal"}), run_of(), CATALOGUE).of("exec")
    assert profile.reason == "exec is not in tools.alsoAllow."


def test_remembered_decisions_are_those_of_a_fresh_look() -> None:
    policy = policy_of(
        tools={"profile": "coding"}, channels={"telegram": {"groups": {"*": {"tools": {"deny": ["exec"]}}}}}
    )
    decider = ToolDecider(policy, CATALOGUE)
    for number in range(5000):
        decider.effective(run_of(sender=ToolSender(id=str(number))))
    run = group_run("telegram", "-1", ToolSender(id="1"))
    assert decider.effective(run) is decider.effective(run)
    assert decider.effective(run) == effective_tools(policy, run, CATALOGUE)


# Properties of the whole chain

names = st.sampled_from(
    [*CORE_TOOLS, *GROUPS, "*", "web_*", "*_list", "ghost", "weather", "notes", "group:plugins", ""]
)
lists = st.lists(names, max_size=3)
blocks = st.fixed_dictionaries({}, optional={"allow": lists, "deny": lists}) | st.fixed_dictionaries(
    {}, optional={"profile": st.sampled_from(["minimal", "coding", "messaging", "full"]), "alsoAllow": lists}
)
group_blocks = st.fixed_dictionaries({}, optional={"allow": lists, "deny": lists})
SENDERS = ("42", "7", "alice", "name:alice", "id:7", "e164:+1555", "*")
documents = st.fixed_dictionaries(
    {
        "tools": blocks,
        "provider": blocks,
        "agent": blocks,
        "agent_provider": blocks,
        "group": group_blocks,
        "senders": st.dictionaries(st.sampled_from(SENDERS), group_blocks, max_size=3),
        "sandbox": group_blocks,
        "subagent": group_blocks,
    }
)
senders = st.builds(
    ToolSender,
    id=st.sampled_from([None, "42", "7", "9", "alice"]),
    e164=st.sampled_from([None, "+1555"]),
    username=st.sampled_from([None, "alice", "42"]),
    name=st.sampled_from([None, "Alice"]),
)


def document_of(parts: dict[str, Any]) -> dict[str, Any]:
    return {
        "tools": {
            **parts["tools"],
            "byProvider": {"openai": parts["provider"]},
            "sandbox": {"tools": parts["sandbox"]},
            "subagents": {"tools": parts["subagent"]},
        },
        "agents": {
            "list": [{"id": "main", "tools": {**parts["agent"], "byProvider": {"openai": parts["agent_provider"]}}}]
        },
        "channels": {"telegram": {"groups": {"-1": {"tools": parts["group"], "toolsBySender": parts["senders"]}}}},
    }


def in_group(sender: ToolSender, *, sandboxed: bool, subagent: bool) -> ToolRun:
    room = RoomFacts(channel="telegram", group_id="-1")
    key = "agent:main:subagent:1" if subagent else "agent:main:telegram:group:-1"
    return run_of(key, sender=sender, room=room, sandboxed=sandboxed, **OPENAI)


@given(documents, senders, st.booleans(), st.booleans())
@settings(max_examples=120, deadline=None)
def test_deny_always_wins_and_no_later_stage_restores(
    parts: dict[str, Any], sender: ToolSender, sandboxed: bool, subagent: bool
) -> None:
    run = in_group(sender, sandboxed=sandboxed, subagent=subagent)
    found = effective_tools(policy_of(**document_of(parts)), run, CATALOGUE)
    for block in (parts["tools"], parts["agent"], parts["provider"], parts["agent_provider"]):
        for entry in block.get("deny", ()):
            assert not set(CATALOGUE.members(entry)) & set(found.allowed)
    for name, decision in found.decisions.items():
        assert decision.allowed == (decision.stage is None) == (name in found.allowed)


PLACES = ("tools", "agent", "provider", "agent_provider", "group", "subagent")


@given(documents, senders, st.sampled_from(PLACES), names, st.booleans(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_adding_a_deny_never_adds_a_tool(
    parts: dict[str, Any], sender: ToolSender, place: str, entry: str, sandboxed: bool, subagent: bool
) -> None:
    run = in_group(sender, sandboxed=sandboxed, subagent=subagent)
    more = {**parts, place: {**parts[place], "deny": [*parts[place].get("deny", ()), entry]}}
    assert allowed(policy_of(**document_of(more)), run) <= allowed(policy_of(**document_of(parts)), run)


@given(documents, senders, names)
@settings(max_examples=120, deadline=None)
def test_adding_to_a_sandbox_deny_list_never_adds_a_tool(parts: dict[str, Any], sender: ToolSender, entry: str) -> None:
    run = in_group(sender, sandboxed=True, subagent=False)
    parts["sandbox"].setdefault("deny", [])
    more = {**parts, "sandbox": {**parts["sandbox"], "deny": [*parts["sandbox"]["deny"], entry]}}
    assert allowed(policy_of(**document_of(more)), run) <= allowed(policy_of(**document_of(parts)), run)


@given(documents, senders, lists)
@settings(max_examples=150, deadline=None)
def test_an_entry_for_one_sender_never_widens_another(
    parts: dict[str, Any], sender: ToolSender, granted: list[str]
) -> None:
    run = in_group(sender, sandboxed=False, subagent=False)
    more = {**parts, "senders": {**parts["senders"], "id:someone-else": {"allow": granted}}}
    assert allowed(policy_of(**document_of(more)), run) == allowed(policy_of(**document_of(parts)), run)


@given(documents, st.sampled_from([None, "42", "9"]), st.text(max_size=8) | st.sampled_from(["alice", "42", "@7", "*"]))
@settings(max_examples=150, deadline=None)
def test_adv_C1_a_chosen_name_never_gains_a_tool(parts: dict[str, Any], sender_id: str | None, name: str) -> None:
    policy = policy_of(**document_of(parts))
    plain = allowed(policy, in_group(ToolSender(id=sender_id), sandboxed=False, subagent=False))
    renamed = ToolSender(id=sender_id, username=name, name=name)
    assert allowed(policy, in_group(renamed, sandboxed=False, subagent=False)) <= plain


@given(
    st.text(max_size=12),
    st.text(max_size=12),
    st.none() | st.text(max_size=12),
    st.booleans(),
    st.sampled_from([style.value for style in RoomStyle]),
)
@settings(max_examples=150, deadline=None)
def test_any_text_gets_a_decision(one: str, other: str, third: str | None, flag: bool, channel: str) -> None:
    block = ToolBlock("tools", profile=one, allow=(one,), also_allow=(other,), deny=(other,))
    room = room_entry(block, [(other, block)], slug=one)
    rooms = {style.value: ChannelRooms(style, RoomMap.of([(one, room), (other, room)])) for style in RoomStyle}
    policy = tools_policy(
        block, by_provider=[(other, block)], agents=[(one, AgentBlocks(block))], sandbox=block, rooms=rooms
    )
    run = ToolRun(
        agent_id=one,
        session_key=other,
        sandboxed=flag,
        provider=one,
        model=third,
        sender=ToolSender(id=one, e164=third, username=other, name=one),
        room=RoomFacts(channel=channel, account_id=other, group_id=third, group_channel=one, group_space=other),
        spawned_by=third,
        over_http=flag,
    )
    found = ToolDecider(policy, CATALOGUE)
    assert found.decide(run, one).reason
    assert set(found.effective(run).decisions) == set(CATALOGUE.tools)


def test_what_let_a_tool_pass_is_not_forgotten_at_a_later_list() -> None:
    policy = policy_of(tools={"allow": ["exec"], **PATCH}, agents={"list": [{"id": "main", "tools": {"allow": ["*"]}}]})
    found = effective_tools(policy, run_of(**OPENAI), CATALOGUE).of("apply_patch")
    assert (found.allowed, found.rule, found.key) == (True, "implied-by:exec", "tools.allow")


def test_one_warning_names_all_unknown_entries_of_a_list() -> None:
    found = effective_tools(policy_of(tools={"allow": ["raed", "wriet", "exec"]}), run_of(), CATALOGUE)
    assert [warning.detail for warning in found.warnings] == [
        "tools: tools.allow allowlist contains unknown entries (raed, wriet)"
    ]


def test_what_a_list_says_of_a_catalogue_is_worked_out_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[ToolStage] = []

    def counted(stage: ToolStage, catalogue: Catalogue) -> Mapping[str, StageAnswer]:
        made.append(stage)
        return stage_table(stage, catalogue)

    monkeypatch.setattr(tool_policy, "stage_table", counted)
    decider = ToolDecider(policy_of(tools={"deny": ["exec"]}), CATALOGUE)
    for number in range(3):
        assert not decider.decide(run_of(f"agent:main:{number}"), "exec").allowed
    assert len(made) == 1


@pytest.mark.parametrize(("model", "expected"), [("gpt-5", False), ("gpt-4", True), (None, True)])
def test_an_agents_own_provider_block_may_name_one_model(model: str | None, expected: bool) -> None:
    own = {"byProvider": {"openai/gpt-5": {"deny": ["exec"]}}}
    policy = policy_of(agents={"list": [{"id": "main", "tools": own}]})
    assert effective_tools(policy, run_of(provider="openai", model=model), CATALOGUE).of("exec").allowed is expected
