from __future__ import annotations

from typing import Any

import pytest

from openclaw.config.compile.routing import compile_routing, default_agent
from openclaw.config.model import Config
from openclaw.policy.verdict import Outcome
from openclaw.policy.what.exec_model import Ask, Security
from openclaw.policy.where.exec_host import ExecHost
from openclaw.policy.where.freshness import ResetMode, ResetType, effective_reset
from openclaw.policy.where.key_ids import DmScope, PeerKind
from openclaw.policy.where.routing import Peer, RoutingPolicy
from openclaw.policy.where.sandbox_mode import SandboxScope, SessionToolsVisibility, WorkspaceAccess
from openclaw.policy.where.send_policy import SendFacts, may_send
from openclaw.policy.where.visibility import SessionVisibility


def compiled(**document: Any) -> RoutingPolicy:
    return compile_routing(Config.from_document(document))


def sandbox(defaults: dict[str, Any], own: dict[str, Any]) -> Any:
    policy = compiled(agents={"defaults": {"sandbox": defaults}, "list": [{"id": "a", "sandbox": own}]})
    return policy.sandbox.settings("a")


def test_an_empty_config_is_the_default_policy() -> None:
    policy = compiled()
    assert (policy.agents, policy.default_agent, policy.dm_scope) == ((), "main", DmScope.MAIN)
    assert (policy.bindings, policy.reset_triggers, policy.global_scope) == ((), ("/new", "/reset"), False)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (None, "main"),
        ([], "main"),
        ([{"id": "Home"}], "home"),
        ([{"id": "home"}, {"id": "Work 2", "default": True}, {"id": "x", "default": True}], "work-2"),
    ],
)
def test_the_default_agent_is_the_marked_then_the_first_then_main(listed: Any, expected: str) -> None:
    config = Config.from_document({} if listed is None else {"agents": {"list": listed}})
    assert default_agent(config) == expected


def test_bindings_keep_their_order_and_their_place() -> None:
    policy = compiled(
        bindings=[
            {"agentId": "a", "match": {"channel": "x", "accountId": "*", "guildId": "g", "teamId": "t"}},
            {"agentId": "b", "match": {"channel": "y", "peer": {"kind": "dm", "id": "5"}}},
        ]
    )
    first, second = policy.bindings
    assert (first.agent_id, first.account_id, first.guild_id, first.team_id, first.key) == (
        "a",
        "*",
        "g",
        "t",
        "bindings.0",
    )
    assert (second.peer, second.key) == (Peer(PeerKind.DIRECT, "5"), "bindings.1")


def test_the_main_key_is_always_main() -> None:
    policy = compiled(session={"mainKey": "home", "scope": "global", "dmScope": "per-peer"})
    assert (policy.main_key, policy.global_scope, policy.dm_scope) == ("main", True, DmScope.PER_PEER)


def test_resets_are_compiled_with_the_older_names() -> None:
    policy = compiled(
        session={
            "reset": {"atHour": 6},
            "resetByType": {"dm": {"mode": "idle", "idleMinutes": 9}, "thread": {"atHour": 1}},
            "resetByChannel": {"Telegram": {"mode": "idle"}},
            "resetTriggers": ["/fresh"],
        }
    ).resets
    assert effective_reset(policy, ResetType.DIRECT).idle_minutes == 9
    assert effective_reset(policy, ResetType.THREAD).at_hour == 1
    assert effective_reset(policy, ResetType.GROUP).at_hour == 6
    assert effective_reset(policy, ResetType.GROUP, "telegram").mode is ResetMode.IDLE
    assert effective_reset(compiled(session={"idleMinutes": 5}).resets, ResetType.DIRECT).mode is ResetMode.IDLE


def test_the_send_policy_is_compiled() -> None:
    send = compiled(
        session={
            "sendPolicy": {
                "default": "deny",
                "rules": [{"action": "allow", "match": {"channel": "telegram", "chatType": "dm"}}],
            }
        }
    ).send
    verdict = may_send(send, SendFacts("agent:main:telegram:direct:5"))
    assert (verdict.outcome, verdict.decided_by.key) == (Outcome.ALLOW, "session.sendPolicy.rules.0")
    assert may_send(send, SendFacts("agent:main:telegram:group:5")).outcome is Outcome.DENY


def test_an_agents_sandbox_overrides_key_by_key() -> None:
    found = sandbox({"mode": "all", "workspaceAccess": "ro"}, {"workspaceAccess": "rw"})
    assert (found.mode, found.workspace_access, found.mode_key) == (
        "all",
        WorkspaceAccess.RW,
        "agents.defaults.sandbox.mode",
    )
    assert sandbox({"mode": "all"}, {"mode": "off"}).mode_key == "agents.list.0.sandbox.mode"


@pytest.mark.parametrize(
    ("defaults", "own", "expected"),
    [
        ({}, {}, SandboxScope.AGENT),
        ({"perSession": True}, {}, SandboxScope.SESSION),
        ({"perSession": True}, {"perSession": False}, SandboxScope.SHARED),
        ({"scope": "agent"}, {"perSession": True}, SandboxScope.AGENT),
        ({"scope": "shared"}, {"scope": "session"}, SandboxScope.SESSION),
    ],
)
def test_the_scope_wins_over_its_older_form(defaults: Any, own: Any, expected: SandboxScope) -> None:
    assert sandbox(defaults, own).scope is expected


def test_a_shared_sandbox_ignores_the_agents_container() -> None:
    own = {"docker": {"containerPrefix": "mine-"}}
    assert sandbox({}, own).container_prefix == "mine-"
    assert sandbox({"scope": "shared"}, own).container_prefix == "openclaw-sbx-"


@pytest.mark.parametrize(
    ("default", "own", "sees_all"),
    [
        (None, None, False),
        ("all", None, True),
        ("all", "spawned", False),
        ("spawned", "all", False),
        (None, "all", False),
    ],
)
def test_the_stricter_view_of_sessions_wins(default: str | None, own: str | None, sees_all: bool) -> None:
    found = sandbox(
        {"sessionToolsVisibility": default} if default else {}, {"sessionToolsVisibility": own} if own else {}
    )
    assert (found.tools_visibility is SessionToolsVisibility.ALL) is sees_all


def test_exec_values_of_an_agent_win_over_the_global_ones() -> None:
    policy = compiled(
        tools={"exec": {"host": "gateway", "security": "full", "ask": "off"}},
        agents={"list": [{"id": "a", "tools": {"exec": {"security": "deny"}}}]},
    )
    own, other = policy.exec_for("A"), policy.exec_for("unlisted")
    assert (own.host, own.security, own.ask, own.key) == (
        ExecHost.GATEWAY,
        Security.DENY,
        Ask.OFF,
        "agents.list.0.tools.exec",
    )
    assert (other.security, other.key) == (Security.FULL, "tools.exec")


def test_visibility_is_compiled() -> None:
    found = compiled(
        tools={"sessions": {"visibility": "self"}, "agentToAgent": {"enabled": True, "allow": ["a"]}},
        agents={"list": [{"id": "a", "subagents": {"allowAgents": ["*"]}}]},
    ).visibility
    assert (found.visibility, found.agent_to_agent, found.agent_allow) == (SessionVisibility.SELF, True, ("a",))
    assert (found.spawn_targets["a"], found.agents) == (("*",), ("a",))
