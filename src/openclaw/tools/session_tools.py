"""The tools `session_status`, `sessions_list` and `sessions_history` (agent.md 5.1), over the session port.

Which sessions a run may see is decided behind the port (agent.md 5.9); nothing here widens it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from openclaw.policy.what.labels import Effect, Provenance, Source
from openclaw.tools.contract import Params, ToolContext, ToolResult, tool

MAX_TEXT: Final = 4_000
MAX_HISTORY_CHARS: Final = 80 * 1024
MAX_ROWS: Final = 500
MAX_ROW_MESSAGES: Final = 20
_DROPPED: Final = frozenset({"usage", "details", "thinkingSignature", "thoughtSignature", "textSignature"})
_OTHER: Final = Provenance(source=Source.SESSION)


class SessionStatusParams(Params):
    """Parameters of `session_status`."""

    session_key: str | None = Field(None, description="Session to look at; the own one when it is left out.")
    model: str | None = Field(None, description="Model to use from now on; `default` goes back to the configured one.")


class SessionsListParams(Params):
    """Parameters of `sessions_list`."""

    kinds: tuple[str, ...] | None = Field(None, description="Kinds to list: main, group, cron, hook, node, other.")
    limit: int | None = Field(None, ge=1, description="Sessions to list.")
    active_minutes: int | None = Field(None, ge=1, description="Only sessions that were active in this many minutes.")
    message_limit: int | None = Field(None, ge=0, description="Last messages of each session, at most 20.")


class SessionsHistoryParams(Params):
    """Parameters of `sessions_history`."""

    session_key: str = Field(description="Key or id of the session.")
    limit: int | None = Field(None, ge=1, description="Messages to return, the last ones.")
    include_tools: bool = Field(False, description="Return tool calls and results too.")


def _json_result(value: Mapping[str, Any], provenance: Provenance | None = None) -> ToolResult:
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return ToolResult(
        content=({"type": "text", "text": text},),
        details=json.loads(text),
        provenance=provenance or Provenance(source=Source.TOOL),
    )


@tool(
    "session_status",
    SessionStatusParams,
    effects={Effect.READ, Effect.SPEND},
    summary="Show a session's status; set its model",
)
async def session_status(ctx: ToolContext, params: SessionStatusParams) -> ToolResult:
    """Show model, tokens and settings of a session. With model, change the session's model first."""
    sessions = ctx.services.sessions
    if params.model is not None and params.model.strip():
        sessions.set_model(ctx.run, params.session_key, params.model.strip())
    status = sessions.status(ctx.run, params.session_key)
    text = status.get("text")
    if isinstance(text, str):
        return ToolResult.text(text, details=status)
    return _json_result(status)


@tool("sessions_list", SessionsListParams, effects={Effect.READ}, summary="List sessions")
async def sessions_list(ctx: ToolContext, params: SessionsListParams) -> ToolResult:
    """List the sessions that this session may see, newest first, on request with their last messages."""
    rows = ctx.services.sessions.rows(ctx.run, limit=None, active_minutes=params.active_minutes)
    if params.kinds:
        wanted = {kind.strip().lower() for kind in params.kinds}
        rows = [row for row in rows if str(row.get("kind", "")).lower() in wanted]
    rows = rows[: min(params.limit or MAX_ROWS, MAX_ROWS)]
    count = min(params.message_limit or 0, MAX_ROW_MESSAGES)
    if count:
        rows = [{**row, "messages": _last_messages(ctx, str(row["key"]), count)} for row in rows]
    return _json_result({"count": len(rows), "sessions": rows}, _OTHER if count else None)


def _last_messages(ctx: ToolContext, key: str, count: int) -> list[Any]:
    found = ctx.services.sessions.history(ctx.run, key, limit=count, include_tools=False)
    return _shortened(list(found.get("messages", []))[-count:])[0]


@tool("sessions_history", SessionsHistoryParams, effects={Effect.READ}, summary="Read a session's messages")
async def sessions_history(ctx: ToolContext, params: SessionsHistoryParams) -> ToolResult:
    """Read the messages of a session by its key or id. Long texts are cut, images are left out."""
    found = ctx.services.sessions.history(
        ctx.run, params.session_key, limit=params.limit, include_tools=params.include_tools
    )
    messages, truncated = _shortened(list(found.get("messages", [])))
    result = {**found, "messages": messages, "truncated": truncated or bool(found.get("truncated"))}
    return _json_result(result, _OTHER)


def _shortened(messages: list[Any]) -> tuple[list[Any], bool]:
    """Return messages with long texts cut and, beyond 80 KB in all, the oldest dropped; and whether that was done."""
    cut = any(_has_long_text(message) for message in messages)
    kept: list[Any] = []
    room = MAX_HISTORY_CHARS
    for message in reversed(messages):
        slim = _slim(message)
        size = len(json.dumps(slim, ensure_ascii=False, default=str))
        if size > room:
            return kept[::-1], True
        room -= size
        kept.append(slim)
    return kept[::-1], cut


def _has_long_text(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) > MAX_TEXT
    if isinstance(value, dict):
        return value.get("type") != "image" and any(
            _has_long_text(item) for name, item in value.items() if name not in _DROPPED
        )
    return isinstance(value, list) and any(_has_long_text(item) for item in value)


def _slim(value: Any) -> Any:
    """Return a value without image data, usage and details, its texts cut to 4000 characters."""
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}… ({len(value)} characters)"
    if isinstance(value, list):
        return [_slim(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("type") == "image":
        return {"type": "image", "mimeType": value.get("mimeType"), "omitted": True}
    return {name: _slim(item) for name, item in value.items() if name not in _DROPPED}
