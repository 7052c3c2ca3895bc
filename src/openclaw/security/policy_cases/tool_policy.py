"""Runs tool-policy cases: the effective tools of one run, and which stage took the others away."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from openclaw.config.compile.routing import compile_routing
from openclaw.config.compile.tools import DEFAULT_MEMORY_PLUGIN, compile_tools
from openclaw.policy.verdict import Reason
from openclaw.policy.what.group_rooms import RoomFacts, ToolSender
from openclaw.policy.what.tool_chain import ToolRun
from openclaw.policy.what.tool_names import CORE_TOOLS, MEMORY_TOOLS, Catalogue, CatalogueTool
from openclaw.policy.what.tool_policy import EffectiveTools, effective_tools
from openclaw.policy.what.tool_stages import StageId
from openclaw.policy.where.sandbox_mode import Placement, sandbox_status
from openclaw.policy.where.session_keys import agent_of
from openclaw.security.policy_cases.configs import case_config
from openclaw.security.policy_cases.result import CaseResult
from openclaw.system.errors import OpenClawError

_WHATSAPP: Final = "whatsapp_login"


def run_case(case: Mapping[str, Any], base_config: Mapping[str, Any] | None = None) -> CaseResult:
    """Run one case.

    Compared are `allowed`, `removedBy`, the unknown allow entries, and whether the session is sandboxed, which is
    derived again from config and key.

    Args:
        case: `id`, `input` and `expect`.
        base_config: head of the case file with its `catalogue`, or a config document for cases without one.
    """
    case_id, given, expect = str(case.get("id", "")), case["input"], case["expect"]
    expected: dict[str, Any] = {
        "allowed": sorted(expect["allowed"]),
        "removedBy": dict(expect.get("removedBy", {})),
        "unknownAllowEntries": sorted(expect.get("unknownAllowEntries", [])),
    }
    try:
        sandboxed, found = _evaluate(given, _catalogue(case, given, base_config or {}), base_config)
    except OpenClawError as error:
        return CaseResult(case_id, ok=False, expected=expected, got={"error": error.message})
    got: dict[str, Any] = {
        "allowed": list(found.allowed),
        "removedBy": {
            name: str(decision.stage)
            for name, decision in found.decisions.items()
            if decision.stage not in {None, StageId.REGISTRATION}
        },
        "unknownAllowEntries": sorted({entry for entry, _ in found.unknown_entries}),
    }
    if "sandboxed" in given:
        expected["sandboxed"], got["sandboxed"] = given["sandboxed"], sandboxed
    return CaseResult.compare(case_id, expected, got, _trail(found))


def _evaluate(
    given: Mapping[str, Any], catalogue: Catalogue, base: Mapping[str, Any] | None
) -> tuple[bool, EffectiveTools]:
    config = case_config(given, base)
    key = given["sessionKey"]
    agent = given.get("agentId") or agent_of(key)
    sandbox = compile_routing(config).sandbox
    sandboxed = sandbox_status(sandbox, agent, key).outcome is Placement.SANDBOX
    run = ToolRun(
        agent_id=agent,
        session_key=key,
        sandboxed=sandboxed,
        provider=given.get("provider"),
        model=given.get("model"),
        sender=ToolSender(
            id=given.get("senderId"),
            e164=given.get("senderE164"),
            username=given.get("senderUsername"),
            name=given.get("senderName"),
            is_owner=given.get("senderIsOwner") is True,
        ),
        room=RoomFacts(
            channel=given.get("channel"),
            account_id=given.get("accountId"),
            group_id=given.get("groupId"),
            group_channel=given.get("groupChannel"),
            group_space=given.get("groupSpace"),
        ),
        spawned_by=given.get("spawnedBy"),
    )
    return sandboxed, effective_tools(compile_tools(config), run, catalogue)


def _catalogue(case: Mapping[str, Any], given: Mapping[str, Any], head: Mapping[str, Any]) -> Catalogue:
    """Return the tools that exist for a case: the listed ones whose plugin is loaded, else the product's own."""
    listed: Iterable[Mapping[str, Any]] = case.get("catalogue") or head.get("catalogue") or _own_tools()
    loaded = {DEFAULT_MEMORY_PLUGIN, *given.get("plugins", ())}
    return Catalogue.of(
        CatalogueTool(
            name=tool["name"],
            plugin_id=tool.get("pluginId"),
            optional=tool.get("optional") is True,
            owner_only=tool.get("ownerOnly") is True,
        )
        for tool in listed
        if tool.get("pluginId", DEFAULT_MEMORY_PLUGIN) in loaded
        and (tool["name"] != _WHATSAPP or given.get("whatsappPlugin") is True)
    )


def _own_tools() -> Iterable[Mapping[str, Any]]:
    for name in CORE_TOOLS:
        if name in MEMORY_TOOLS:
            yield {"name": name, "pluginId": DEFAULT_MEMORY_PLUGIN}
        else:
            yield {"name": name, "ownerOnly": name == _WHATSAPP}


def _trail(found: EffectiveTools) -> tuple[Reason, ...]:
    removed = [decision for decision in found.decisions.values() if not decision.allowed]
    return (*found.warnings, *(decision.verdict.decided_by for decision in removed))
