"""Runs session-key and routing cases: one pure function per `op`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from openclaw.config.compile.routing import compile_routing
from openclaw.policy.verdict import Reason
from openclaw.policy.where.key_builders import thread_key
from openclaw.policy.where.key_ids import PeerKind, normalise_agent_id, normalise_main_key
from openclaw.policy.where.routing import InboundPlace, Peer, route
from openclaw.policy.where.session_keys import (
    agent_of,
    canonical_alias,
    classify,
    group_of_address,
    is_acp,
    is_subagent,
    parse,
    store_key,
    thread_parent,
)
from openclaw.security.policy_cases.configs import case_config
from openclaw.security.policy_cases.result import CaseResult
from openclaw.system.errors import OpenClawError

Answer = tuple[dict[str, Any], tuple[Reason, ...]]
Operation = Callable[[Mapping[str, Any], Mapping[str, Any] | None], Answer]


def run_case(case: Mapping[str, Any], base_config: Mapping[str, Any] | None = None) -> CaseResult:
    """Run one case.

    Args:
        case: `id`, `op`, `input` and `expect`; only the expected keys are compared.
        base_config: head of the case file or a config document, used by cases without a config of their own.
    """
    case_id, expected = str(case.get("id", "")), dict(case["expect"])
    operation = _OPERATIONS.get(case["op"])
    if operation is None:
        return CaseResult(case_id, ok=False, expected=expected, got={"error": f"there is no op {case['op']!r}"})
    try:
        answer, trail = operation(case["input"], base_config)
    except OpenClawError as error:
        return CaseResult(case_id, ok=False, expected=expected, got={"error": error.message})
    return CaseResult.compare(case_id, expected, {key: answer.get(key) for key in expected}, trail)


def _route(given: Mapping[str, Any], base: Mapping[str, Any] | None) -> Answer:
    found = route(
        compile_routing(case_config(given, base)),
        InboundPlace(
            channel=given["channel"],
            account_id=given.get("accountId"),
            peer=_peer(given.get("peer")),
            parent_peer=_peer(given.get("parentPeer")),
            guild_id=given.get("guildId"),
            team_id=given.get("teamId"),
        ),
    )
    answer = {
        "agentId": found.agent_id,
        "channel": found.channel,
        "accountId": found.account_id,
        "sessionKey": found.session_key,
        "mainSessionKey": found.main_session_key,
        "matchedBy": str(found.matched_by),
        "unlistedAgent": found.unlisted_agent,
    }
    return answer, (*found.refused, Reason(f"route.{found.matched_by}", found.binding_key))


def _peer(given: Mapping[str, Any] | None) -> Peer | None:
    kind = PeerKind.read(given.get("kind")) if given else None
    return Peer(kind, str(given.get("id") or "")) if given and kind else None


def _thread(given: Mapping[str, Any], _base: Mapping[str, Any] | None) -> Answer:
    key, parent = thread_key(given["baseSessionKey"], given.get("threadId"), given.get("parentSessionKey"))
    return {"sessionKey": key, "parentSessionKey": parent}, ()


def _thread_parent(given: Mapping[str, Any], _base: Mapping[str, Any] | None) -> Answer:
    return {"parent": thread_parent(given.get("sessionKey"))}, ()


def _store_key(given: Mapping[str, Any], _base: Mapping[str, Any] | None) -> Answer:
    main = normalise_main_key(given.get("mainKey"))
    return {"sessionKey": store_key(given.get("agentId"), given.get("requestKey"), main)}, ()


def _classify(given: Mapping[str, Any], _base: Mapping[str, Any] | None) -> Answer:
    key = given.get("sessionKey")
    parsed = parse(key)
    answer = {
        "shape": str(classify(key)),
        "parsed": {"agentId": parsed.agent_id, "rest": parsed.rest} if parsed else None,
        "agentId": agent_of(key),
        "subagent": is_subagent(key),
        "acp": is_acp(key),
    }
    return answer, ()


def _agent_id(given: Mapping[str, Any], _base: Mapping[str, Any] | None) -> Answer:
    return {"agentId": normalise_agent_id(given.get("value"))}, ()


def _group(given: Mapping[str, Any], _base: Mapping[str, Any] | None) -> Answer:
    found = group_of_address(given.get("From"), given.get("ChatType"), given.get("Provider"))
    if found is None:
        return {"group": None}, ()
    room = {"key": found.key, "channel": found.channel, "id": found.id, "chatType": str(found.kind)}
    return {"group": room}, ()


def _main_alias(given: Mapping[str, Any], base: Mapping[str, Any] | None) -> Answer:
    session = case_config(given, base).session
    key = canonical_alias(
        given.get("sessionKey"),
        agent_id=given.get("agentId"),
        main_key=normalise_main_key(session.main_key),
        global_scope=session.scope == "global",
    )
    return {"sessionKey": key}, ()


_OPERATIONS: Final[Mapping[str, Operation]] = {
    "route": _route,
    "thread": _thread,
    "threadParent": _thread_parent,
    "storeKey": _store_key,
    "classify": _classify,
    "agentIdNorm": _agent_id,
    "group": _group,
    "mainAlias": _main_alias,
}
