"""The tool `process`: follow, feed and end the commands that exec left in the background (exec.md 1.6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Literal

from pydantic import Field

from openclaw.policy.what.labels import Effect
from openclaw.system.errors import InvalidInput, Unavailable
from openclaw.tools import keys
from openclaw.tools.contract import CallEffects, Params, ToolContext, ToolResult, tool
from openclaw.tools.exec_text import signal_name
from openclaw.tools.processes import ProcessRegistry, ProcessSession

SHARED_NAME: Final = "ProcessRegistry"
"""Under this name the tool finds the registry in `ToolServices.shared`."""
WRITE_SECONDS: Final = 10.0
"""How long a program may leave its input unread before the call gives up."""


class ProcessParams(Params):
    """Parameters of `process`."""

    action: Literal["list", "poll", "log", "write", "send-keys", "submit", "paste", "kill", "clear", "remove"] = Field(
        description="What to do."
    )
    session_id: str | None = Field(
        None, description="Session of the command, as exec gave it; every action but list needs it."
    )
    data: str | None = Field(None, description="write: text for standard input.")
    keys: tuple[str, ...] = Field((), description="send-keys: names of keys such as enter, C-c, up, f1.")
    hex: tuple[str, ...] = Field((), description="send-keys: single bytes in hex.")
    literal: str | None = Field(None, description="send-keys: text that is sent first, as it is.")
    text: str | None = Field(None, description="paste: the text.")
    bracketed: bool = Field(True, description="paste: mark the text as pasted.")
    eof: bool = Field(False, description="write: close standard input afterwards.")
    offset: int | None = Field(None, ge=0, description="log: first line, counted from 0.")
    limit: int | None = Field(None, ge=1, description="log: number of lines; alone it means the last ones.")


def _registry(ctx: ToolContext) -> ProcessRegistry:
    registry = ctx.services.shared[SHARED_NAME]
    assert isinstance(registry, ProcessRegistry)
    return registry


def _effects(ctx: ToolContext, params: ProcessParams) -> CallEffects:
    """Return what an action does: looking is reading, feeding a program is running it where it runs."""
    if params.action in {"list", "poll", "log", "clear"}:
        return CallEffects(frozenset({Effect.READ}))
    session = _registry(ctx).find(ctx.run, params.session_id)
    inside = session is not None and session.place == "sandbox"
    return CallEffects(frozenset({Effect.EXEC_SANDBOX if inside else Effect.EXEC_HOST}))


@tool(
    "process",
    ProcessParams,
    effects={Effect.READ, Effect.EXEC_SANDBOX, Effect.EXEC_HOST},
    summary="Follow and control background commands",
    narrow=_effects,
)
async def process_tool(ctx: ToolContext, params: ProcessParams) -> ToolResult:
    """Control commands that run in the background.

    list shows them, poll gives new output, log gives lines of all output, write and send-keys and submit and paste feed
    standard input, kill ends one, clear and remove forget one.
    """
    registry = _registry(ctx)
    if params.action == "list":
        return _list(ctx, registry)
    session = registry.find(ctx.run, params.session_id)
    if session is None:
        shown = (params.session_id or "").strip()[:80]
        return _failed(f"No session found for {shown}")
    return await _ACTIONS[params.action](registry, session, params)


def _failed(text: str) -> ToolResult:
    return ToolResult.text(text, details={"status": "failed"})


def _list(ctx: ToolContext, registry: ProcessRegistry) -> ToolResult:
    rows = [_row(session, registry.runtime_ms(session)) for session in registry.visible(ctx.run)]
    lines = [f"{row['sessionId']} {row['status']} {_span(row['runtimeMs'])} :: {row['name']}" for row in rows]
    text = "\n".join(lines) or "No running or recent sessions."
    return ToolResult.text(text, details={"status": "completed", "sessions": rows})


def _row(session: ProcessSession, runtime_ms: int) -> dict[str, Any]:
    return {
        "sessionId": session.id,
        "status": session.status,
        "name": session.label,
        "command": session.command,
        "cwd": session.cwd,
        "host": session.place,
        "pid": session.process.pid,
        "startedAt": session.started_ms,
        "runtimeMs": runtime_ms,
        "exitCode": session.end.code if session.end else None,
    }


def _span(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    if seconds < 60:
        return f"{seconds}s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes}m{seconds:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m"


async def _poll(registry: ProcessRegistry, session: ProcessSession, params: ProcessParams) -> ToolResult:  # noqa: ARG001
    dropped = session.pending.truncated
    new = session.pending.take()
    text = (f"[Earlier output was dropped.]\n{new}" if dropped else new).rstrip() or "(no new output)"
    details: dict[str, Any] = {"status": session.status, "sessionId": session.id}
    if session.end is None:
        return ToolResult.text(f"{text}\n\nProcess still running.", details=details)
    details["exitCode"] = session.end.code
    return ToolResult.text(f"{text}\n\nProcess {_how(session)}.", details=details)


def _how(session: ProcessSession) -> str:
    assert session.end is not None
    if session.timed_out:
        return "timed out"
    if session.end.signal:
        return f"ended by signal {signal_name(session.end.signal)}"
    return f"exited with code {session.end.code}"


async def _log(registry: ProcessRegistry, session: ProcessSession, params: ProcessParams) -> ToolResult:  # noqa: ARG001
    kept = session.process.output
    text = kept.text()
    lines = text.splitlines()
    if params.offset is None:
        chosen = lines[-params.limit :] if params.limit else lines
    else:
        chosen = lines[params.offset : params.offset + params.limit if params.limit else None]
    details = {
        "status": session.status,
        "sessionId": session.id,
        "totalLines": len(lines),
        "totalChars": kept.total,
        "truncated": kept.truncated,
    }
    return ToolResult.text("\n".join(chosen) or "(no output yet)", details=details)


async def _type(session: ProcessSession, data: bytes, said: str) -> ToolResult:
    """Write to standard input unless the program was allowed for one line only."""
    if session.typing is not None:
        return _failed(f"Nothing was sent to session {session.id}: {session.typing}.")
    if session.end is not None:
        return _failed(f"Session {session.id} has ended.")
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            await session.process.write(data)
    except TimeoutError:
        return _failed(f"Session {session.id} does not read its input; a part of it may have been sent.")
    except Unavailable as error:
        return _failed(f"Nothing was sent to session {session.id}: {error.message}")
    return ToolResult.text(said, details={"status": session.status, "sessionId": session.id, "bytes": len(data)})


async def _write(registry: ProcessRegistry, session: ProcessSession, params: ProcessParams) -> ToolResult:  # noqa: ARG001
    data = (params.data or "").encode("utf-8", "replace")
    closed = " (stdin closed)" if params.eof else ""
    result = await _type(session, data, f"Wrote {len(data)} bytes to session {session.id}{closed}.")
    if params.eof and result.details["status"] == "running":
        session.process.close_stdin()
    return result


async def _send_keys(registry: ProcessRegistry, session: ProcessSession, params: ProcessParams) -> ToolResult:  # noqa: ARG001
    found = keys.encode(literal=params.literal, hex_bytes=params.hex, names=params.keys)
    if not found.data and not found.warnings:
        raise InvalidInput("send-keys needs literal, hex or keys.", code="invalid-arguments")
    said = "\n".join((f"Sent {len(found.data)} bytes to session {session.id}.", *found.warnings))
    return await _type(session, found.data, said)


async def _submit(registry: ProcessRegistry, session: ProcessSession, params: ProcessParams) -> ToolResult:  # noqa: ARG001
    return await _type(session, b"\r", f"Submitted to session {session.id}.")


async def _paste(registry: ProcessRegistry, session: ProcessSession, params: ProcessParams) -> ToolResult:  # noqa: ARG001
    data = keys.pasted(params.text or "", bracketed=params.bracketed)
    return await _type(session, data, f"Pasted {len(params.text or '')} characters to session {session.id}.")


async def _kill(registry: ProcessRegistry, session: ProcessSession, params: ProcessParams) -> ToolResult:  # noqa: ARG001
    if session.end is not None:
        return _failed(f"Session {session.id} has ended.")
    await registry.kill(session)
    return ToolResult.text(f"Killed session {session.id}.", details={"status": "failed", "sessionId": session.id})


async def _clear(registry: ProcessRegistry, session: ProcessSession, params: ProcessParams) -> ToolResult:  # noqa: ARG001
    if session.end is None:
        return _failed(f"Session {session.id} is still running.")
    registry.remove(session)
    return ToolResult.text(f"Cleared session {session.id}.", details={"status": "completed"})


async def _remove(registry: ProcessRegistry, session: ProcessSession, params: ProcessParams) -> ToolResult:  # noqa: ARG001
    if session.end is None:
        await registry.kill(session)
    registry.remove(session)
    return ToolResult.text(f"Removed session {session.id}.", details={"status": "completed"})


_ACTIONS: Final[Mapping[str, Callable[[ProcessRegistry, ProcessSession, ProcessParams], Awaitable[ToolResult]]]] = {
    "poll": _poll,
    "log": _log,
    "write": _write,
    "send-keys": _send_keys,
    "submit": _submit,
    "paste": _paste,
    "kill": _kill,
    "clear": _clear,
    "remove": _remove,
}
