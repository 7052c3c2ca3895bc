"""The JSON of `sandbox explain` has the shape of exec.md 4.8 and says what the rooms do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from openclaw.policy.what.tool_names import SANDBOX_ALLOW, SANDBOX_DENY
from openclaw.security.explain.sandbox import explain_sandbox
from openclaw.security.explain.world import World
from support.explaining import world_of


def explained(world: World, session: str | None = None, agent: str | None = None) -> dict[str, Any]:
    return asyncio.run(explain_sandbox(world, session, agent))


DOCUMENT = {
    "agents": {
        "defaults": {"sandbox": {"mode": "non-main", "workspaceAccess": "ro"}},
        "list": [
            {"id": "main", "default": True},
            {
                "id": "ops",
                "sandbox": {"mode": "all", "scope": "session"},
                "tools": {"sandbox": {"tools": {"deny": ["exec"]}}},
            },
        ],
    },
    "tools": {"elevated": {"allowFrom": {"telegram": ["7"]}}, "sandbox": {"tools": {"allow": ["read", "exec"]}}},
}


def test_the_shape_is_that_of_the_original_with_our_keys(tmp_path: Path) -> None:
    found = explained(world_of(tmp_path, DOCUMENT))
    shared = {"docsUrl", "agentId", "sessionKey", "mainSessionKey", "sandbox", "elevated", "fixIt"}
    ours = {"backend", "effectiveHostWorkspace", "execHost", "execSecurity", "execAsk"}
    assert shared | ours <= set(found)
    assert set(found["sandbox"]) == {
        *("mode", "scope", "perSession", "workspaceAccess", "workspaceRoot", "sessionIsSandboxed", "tools"),
    }
    assert set(found["sandbox"]["tools"]) == {"allow", "deny", "sources"}
    assert set(found["elevated"]) == {
        *("enabled", "channel", "allowedByConfig", "alwaysAllowedByConfig", "allowFrom", "failures"),
    }
    assert set(found["elevated"]["allowFrom"]) == {"global", "agent"}


def test_the_main_session_is_not_sandboxed_and_a_group_is(tmp_path: Path) -> None:
    world = world_of(tmp_path, DOCUMENT)
    main = explained(world)
    assert (main["agentId"], main["sessionKey"], main["mainSessionKey"]) == (
        "main",
        "agent:main:main",
        "agent:main:main",
    )
    assert main["sandbox"]["sessionIsSandboxed"] is False
    assert main["effectiveHostWorkspace"] == str(tmp_path / "home" / ".openclaw" / "workspace")
    assert (main["execPlace"], main["execSecurity"]) == ("host-unchecked", "full")
    group = explained(world, "agent:main:telegram:group:-100")
    assert group["sandbox"]["sessionIsSandboxed"] is True
    assert group["effectiveHostWorkspace"].startswith(str(tmp_path / "sandboxes"))
    assert group["elevated"]["channel"] == "telegram"
    assert group["elevated"]["allowFrom"] == {"global": ["7"], "agent": None}
    assert group["elevated"]["allowedByConfig"] is True
    assert group["elevated"]["alwaysAllowedByConfig"] is False


def test_lists_name_where_they_come_from(tmp_path: Path) -> None:
    world = world_of(tmp_path, DOCUMENT)
    assert explained(world)["sandbox"]["tools"]["sources"] == {
        "allow": {"source": "global", "key": "tools.sandbox.tools.allow"},
        "deny": {"source": "default", "key": "tools.sandbox.tools.deny"},
    }
    ops = explained(world, agent="ops")
    assert ops["sandbox"]["tools"]["sources"]["deny"] == {
        "source": "agent",
        "key": "agents.list.1.tools.sandbox.tools.deny",
    }
    assert ops["sandbox"]["perSession"] is True
    assert ops["decisions"]["exec"]["rule"] == "deny:exec"


def test_without_configuration_the_built_in_lists_are_shown(tmp_path: Path) -> None:
    tools = explained(world_of(tmp_path, {}))["sandbox"]["tools"]
    assert tools["allow"] == list(SANDBOX_ALLOW)
    assert tools["deny"] == list(SANDBOX_DENY)
    assert [tools["sources"][name]["source"] for name in ("allow", "deny")] == ["default", "default"]


@pytest.mark.parametrize(
    ("elevated", "gates"),
    [
        ({}, ["allowFrom"]),
        ({"enabled": False}, ["enabled", "allowFrom"]),
        ({"allowFrom": {"webchat": ["*"]}}, []),
    ],
)
def test_failing_gates_are_named_with_their_keys(elevated: dict[str, Any], gates: list[str], tmp_path: Path) -> None:
    found = explained(world_of(tmp_path, {"tools": {"elevated": elevated}}))
    assert [failure["gate"] for failure in found["elevated"]["failures"]] == gates
    assert all(failure["key"] in " ".join(found["fixIt"]) for failure in found["elevated"]["failures"])
    assert found["elevated"]["enabled"] is (elevated.get("enabled") is not False)


def test_a_back_end_that_does_not_work_is_said_and_nothing_is_made(tmp_path: Path) -> None:
    document = {"agents": {"defaults": {"sandbox": {"mode": "all", "docker": {"network": "bridge"}}}}}
    found = explained(world_of(tmp_path, document))
    assert found["backend"] is None
    assert "network" in found["backendProblem"]
    assert any("agents.defaults.sandbox.backend" in text for text in found["fixIt"])
    assert not (tmp_path / "sandboxes").exists()
