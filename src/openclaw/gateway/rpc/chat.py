"""chat.* (gateway.md 3.6): messages of operators, sent through the web chat's intake."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Annotated, Any, Final, TypeVar

from pydantic import Field

from openclaw.gateway.rpc.contract import Call, Params, Text, rpc

HISTORY_LIMIT: Final = 200
HISTORY_MAX: Final = 1000
MAX_KEY: Final = 256

ValueT = TypeVar("ValueT")
SessionKey = Annotated[Text, Field(max_length=512)]
IdempotencyKey = Annotated[Text, Field(max_length=MAX_KEY)]


class ChatHistoryParams(Params):
    """`chat.history`."""

    session_key: SessionKey
    limit: Annotated[int, Field(ge=1, le=HISTORY_MAX)] = HISTORY_LIMIT


@rpc("chat.history", ChatHistoryParams)
def history(call: Call, params: ChatHistoryParams) -> Any:
    """Return the last messages of a session, oldest first."""
    sessions = call.services.agent.sessions
    return sessions.history(sessions.canonical(params.session_key), params.limit)


class ChatSendParams(Params):
    """`chat.send`."""

    session_key: SessionKey
    message: str
    idempotency_key: IdempotencyKey
    thinking: str | None = None
    deliver: bool | None = None
    attachments: list[dict[str, Any]] | None = None
    timeout_ms: Annotated[int, Field(ge=0)] | None = None


@rpc("chat.send", ChatSendParams)
async def send(call: Call, params: ChatSendParams) -> Any:
    """Send a message; the answer comes as events."""
    services, peer = call.services, call.connection.peer
    return await services.chat.send(
        peer,
        session_key=services.agent.sessions.canonical(params.session_key),
        message=params.message,
        idempotency_key=params.idempotency_key,
        thinking=params.thinking,
        attachments=params.attachments or (),
        timeout_ms=params.timeout_ms,
    )


class ChatAbortParams(Params):
    """`chat.abort`."""

    session_key: SessionKey
    run_id: IdempotencyKey | None = None


@rpc("chat.abort", ChatAbortParams)
async def abort(call: Call, params: ChatAbortParams) -> Any:
    """Stop the runs of a session, or one of them."""
    agent = call.services.agent
    key = agent.sessions.canonical(params.session_key)
    stopped = await settled(agent.abort(key, run_id=params.run_id, stop_reason="rpc"))
    return {"ok": True, "aborted": bool(stopped), "runIds": list(stopped)}


class ChatInjectParams(Params):
    """`chat.inject`."""

    session_key: SessionKey
    message: Text
    label: Annotated[str, Field(max_length=100)] | None = None


@rpc("chat.inject", ChatInjectParams)
async def inject(call: Call, params: ChatInjectParams) -> Any:
    """Append an assistant message that no model wrote."""
    sessions = call.services.agent.sessions
    key = sessions.canonical(params.session_key)
    message_id = await settled(sessions.inject(key, params.message, params.label))
    text = f"[{params.label}]\n\n{params.message}" if params.label else params.message
    call.services.chat_events.final(f"inject-{message_id}", key, text)
    return {"ok": True, "messageId": message_id}


async def settled(value: ValueT | Awaitable[ValueT]) -> ValueT:
    """Return the value of a port that answers at once or later."""
    if inspect.isawaitable(value):
        later: Awaitable[ValueT] = value
        return await later
    return value


METHODS = (history, send, abort, inject)
