"""agent, agent.wait (gateway.md 3.7): runs that a client starts itself.

Who asks comes from the connection. Fields that would name a sender or a room (`groupId` and the like) are read and
ignored: they choose nothing (advisory C18).
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from pydantic import Field

from openclaw.agent.contract import ReplyTarget, TurnRequest, TurnResult
from openclaw.channels.webchat.attachments import images_of
from openclaw.config.registry import CHANNELS
from openclaw.gateway.chat_events import TOOL_EVENTS
from openclaw.gateway.rpc.chat import IdempotencyKey, settled
from openclaw.gateway.rpc.contract import Call, CallFailed, Params, Text, rpc
from openclaw.policy.verdict import Outcome
from openclaw.policy.what.labels import Source
from openclaw.policy.where.key_ids import normalise_agent_id
from openclaw.policy.where.routing import RoutingPolicy
from openclaw.policy.where.scopes import Scope
from openclaw.policy.where.send_policy import SendFacts, may_send
from openclaw.policy.where.session_keys import agent_of
from openclaw.protocol.errors import invalid_request, unavailable
from openclaw.protocol.peer import Peer
from openclaw.tools.contract import Requester

CHANNEL: Final = "webchat"
KIND: Final = "agent"
MAX_TIMEOUT_SECONDS: Final = 24 * 3600
MAX_WAIT_MS: Final = 24 * 3600 * 1000


class AgentParams(Params):
    """`agent`."""

    message: Text
    idempotency_key: IdempotencyKey
    agent_id: Text | None = None
    session_key: Annotated[Text, Field(max_length=512)] | None = None
    session_id: Text | None = None
    to: Text | None = None
    reply_to: Text | None = None
    channel: Text | None = None
    reply_channel: Text | None = None
    account_id: Text | None = None
    reply_account_id: Text | None = None
    thread_id: Text | None = None
    group_id: Text | None = None
    group_channel: Text | None = None
    group_space: Text | None = None
    thinking: str | None = None
    deliver: bool | None = None
    attachments: list[dict[str, Any]] | None = None
    timeout: Annotated[int, Field(ge=0, le=MAX_TIMEOUT_SECONDS)] | None = None
    lane: Text | None = None
    extra_system_prompt: str | None = None
    label: Annotated[Text, Field(max_length=64)] | None = None
    spawned_by: Text | None = None


@rpc("agent", AgentParams, deadline=None)
async def run(call: Call, params: AgentParams) -> Any:
    """Run a turn: one answer when it is accepted, one when it has ended."""
    services, peer = call.services, call.connection.peer
    mark = (KIND, peer.identity, params.idempotency_key)
    known = services.remembered.get(mark)
    if known is not None:
        return known
    request = await _request(call, params)
    services.remembered.put(mark, {"runId": request.run_id, "status": "in_flight"})
    try:
        handle = await settled(services.agent.submit(request))
    except BaseException:
        services.remembered.forget(mark)
        raise
    if TOOL_EVENTS in peer.caps:
        services.chat_events.started_by(handle.run_id, peer.conn_id)
    call.accepted({"runId": handle.run_id, "status": "accepted", "acceptedAt": handle.accepted_ms})
    result = await handle.result()
    answer = _final(result)
    services.remembered.put(mark, answer)
    if result.status != "ok":
        raise CallFailed(unavailable(result.error or f"the run ended: {result.status}"), answer)
    return answer


async def _request(call: Call, params: AgentParams) -> TurnRequest:
    services, peer = call.services, call.connection.peer
    routing = services.routing()
    key, agent_id = _session(call, params, routing)
    images, _ = await asyncio.to_thread(images_of, params.attachments or ())
    requester = _requester(peer)
    return TurnRequest(
        run_id=params.idempotency_key,
        session_key=key,
        agent_id=agent_id,
        text=params.message,
        command_text="",
        requester=requester,
        provenance=(requester.provenance(params.idempotency_key),),
        images=images,
        target=await _target(call, params),
        thinking=params.thinking,
        timeout_seconds=params.timeout or None,
        extra_system_prompt=params.extra_system_prompt,
    )


def _session(call: Call, params: AgentParams, routing: RoutingPolicy) -> tuple[str, str]:
    """Return the canonical session key and its agent; both were checked against the config."""
    agents = {row["id"] for row in call.services.agent.agents_list().get("agents", ())}
    wanted = None if params.agent_id is None else normalise_agent_id(params.agent_id)
    if wanted is not None and wanted not in agents:
        raise invalid_request(f'unknown agent id "{wanted}"; agents.list has the known ones')
    key = routing.canonical(params.session_key, wanted)
    agent_id = agent_of(key)
    if params.session_key is not None and wanted is not None and agent_id != wanted:
        raise invalid_request(f'agentId "{wanted}" does not match the agent of sessionKey "{agent_id}"')
    if agent_id not in agents:
        raise invalid_request(f'unknown agent id "{agent_id}" in sessionKey; agents.list has the known ones')
    verdict = may_send(routing.send, SendFacts(session_key=key, channel=CHANNEL))
    if verdict.outcome is not Outcome.ALLOW:
        reason = verdict.decided_by
        raise invalid_request("send blocked by session policy", {"rule": reason.rule, "key": reason.key})
    return key, agent_id


async def _target(call: Call, params: AgentParams) -> ReplyTarget | None:
    """Return where the answer is delivered to: nowhere, unless the client asks and says where.

    Stock clients name a channel of their own choice with every turn; it needs to be there only to deliver.
    """
    channel = params.reply_channel or params.channel
    if channel is not None and channel not in ("last", CHANNEL) and (params.deliver or channel not in CHANNELS):
        status = await call.services.channels.status(False, 1000)
        if channel not in status.get("channelOrder", ()):
            raise invalid_request(f"unknown channel: {channel}")
    if not params.deliver:
        return None
    to = params.reply_to or params.to
    if channel in (None, "last", CHANNEL) or to is None:
        raise invalid_request("deliver needs a channel and to")
    account = params.reply_account_id or params.account_id or "default"
    return ReplyTarget(channel=str(channel), account=account, to=to, thread_id=params.thread_id)


def _requester(peer: Peer) -> Requester:
    return Requester(
        channel=CHANNEL,
        source=Source.OPERATOR,
        sender_id=peer.identity,
        sender_name=peer.name,
        is_owner=peer.has(Scope.ADMIN),
        command_authorized=True,
        scopes=frozenset(scope.value for scope in peer.scopes),
        conn_id=peer.conn_id,
        client_name=peer.name,
    )


def _final(result: TurnResult) -> dict[str, Any]:
    """Return the last answer of a run."""
    if result.status != "ok":
        return {"runId": result.run_id, "status": "error", "summary": result.error or result.status}
    meta = {
        "durationMs": result.ended_ms - result.started_ms,
        "aborted": False,
        "agentMeta": {
            "sessionId": result.session_id,
            "provider": result.provider,
            "model": result.model,
            "usage": dict(result.usage),
        },
    }
    payloads = [{"text": one.text, "mediaUrl": one.media_url} for one in result.payloads]
    body = {"payloads": payloads, "meta": meta}
    return {"runId": result.run_id, "status": "ok", "summary": "completed", "result": body}


class AgentWaitParams(Params):
    """`agent.wait`."""

    run_id: IdempotencyKey
    timeout_ms: Annotated[int, Field(ge=0, le=MAX_WAIT_MS)] = 30_000


@rpc("agent.wait", AgentWaitParams, deadline=None, ends_with_client=True)
async def wait(call: Call, params: AgentWaitParams) -> Any:
    """Wait for a run."""
    result = await call.services.agent.wait(params.run_id, params.timeout_ms)
    if result is None:
        return {"runId": params.run_id, "status": "timeout"}
    answer: dict[str, Any] = {
        "runId": params.run_id,
        "status": result.status if result.status in ("ok", "timeout") else "error",
        "startedAt": result.started_ms,
        "endedAt": result.ended_ms,
    }
    if result.status != "ok":
        answer["error"] = result.error or result.status
    return answer


METHODS = (run, wait)
