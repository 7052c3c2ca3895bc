"""Provider models through the model library's direct requests: one request in, stream events out (agent.md 4.4).

The library is heavy. It is imported on a thread at the first request, never at start.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
import logging
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from openclaw.agent.contract import (
    Failure,
    ModelEvent,
    ModelRef,
    ModelRequest,
    Stop,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallEnd,
    Usage,
)
from openclaw.system.errors import MissingExtra, OpenClawError
from openclaw.system.secret import Secret

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelResponseStreamEvent

    from openclaw.agent.models.wires import Connection

log = logging.getLogger(__name__)

MAX_CONNECTIONS: Final = 8
_STOPS: Final[dict[str, StopReason]] = {"stop": "stop", "length": "length", "tool_call": "toolUse"}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a provider may be silent, in seconds.

    Attributes:
        first: until the first event of the answer.
        idle: between two events.
    """

    first: float = 300.0
    idle: float = 120.0


class LibraryModel:
    """Implements `ModelClient` for every wire in `wires.WIRES`. Keeps a few connections open between requests."""

    def __init__(self, patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._connections: OrderedDict[str, Connection] = OrderedDict()
        self._opening = asyncio.Lock()
        self._parts: _Parts | None = None

    async def stream(self, request: ModelRequest, credential: Secret | None) -> AsyncIterator[ModelEvent]:
        """Send one request and yield what comes; ends with exactly one Stop or Failure."""
        try:
            if self._parts is None:
                self._parts = await asyncio.to_thread(_load)
            parts = self._parts
            connection = await self._connection(parts, request.ref, credential)
        except OpenClawError as error:
            yield Failure("other", str(error))
            return
        connection.users += 1
        try:
            async with aclosing(self._events(connection, parts, request)) as events:
                async for event in events:
                    yield event
        except TimeoutError:
            yield Failure("timeout", parts.failures.line_for("timeout", request.ref))
        except Exception as error:
            failure = parts.failures.classify(error, request.ref)
            if not parts.failures.from_provider(error):
                log.warning("%s: %s", request.ref, type(error).__name__, exc_info=error)
            yield failure
        finally:
            connection.users -= 1

    async def _events(self, connection: Connection, parts: _Parts, request: ModelRequest) -> AsyncGenerator[ModelEvent]:
        model = connection.model(request.ref.model)
        arguments = {
            "messages": parts.messages.library_messages(request, model.system),
            "model_settings": parts.wires.settings_for(request.ref, request.thinking),
            "model_request_parameters": parts.messages.request_parameters(request),
        }
        if not request.ref.streaming:
            async with asyncio.timeout(self._patience.first):
                response = await parts.direct.model_request(model, **arguments)
            for piece in response.parts:
                for event in _part_events(piece, whole=True):
                    yield event
            for event in _end_events(response, parts.failures):
                yield event
            return
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(self._patience.first):
                opened = parts.direct.model_request_stream(model, **arguments)
                stream = await stack.enter_async_context(opened)
                chunks = aiter(stream)
                chunk = await anext(chunks, None)
            while chunk is not None:
                for event in _stream_events(chunk):
                    yield event
                async with asyncio.timeout(self._patience.idle):
                    chunk = await anext(chunks, None)
            for event in _end_events(stream.get(), parts.failures):
                yield event

    async def _connection(self, parts: _Parts, ref: ModelRef, credential: Secret | None) -> Connection:
        build = parts.wires.WIRES.get(ref.api or "")
        if build is None:
            known = ", ".join(parts.wires.WIRES)
            raise OpenClawError(f"models.providers.{ref.provider}.api: this build speaks {known}, not {ref.api!r}")
        key = _fingerprint(ref, credential)
        async with self._opening:
            found = self._connections.get(key)
            if found is None:
                found = self._connections[key] = await asyncio.to_thread(build, ref, credential)
            self._connections.move_to_end(key)
            idle = [name for name, old in self._connections.items() if old is not found and not old.users]
            for name in idle[: max(0, len(self._connections) - MAX_CONNECTIONS)]:
                await self._connections.pop(name).close()
        return found

    async def close(self) -> None:
        """Close all connections."""
        while self._connections:
            _, connection = self._connections.popitem()
            await connection.close()


@dataclass(frozen=True, slots=True)
class _Parts:
    """The modules that import the library."""

    direct: ModuleType
    wires: ModuleType
    messages: ModuleType
    failures: ModuleType


def _load() -> _Parts:
    try:
        return _Parts(
            *map(
                importlib.import_module,
                (
                    "pydantic_ai.direct",
                    "openclaw.agent.models.wires",
                    "openclaw.agent.models.wire_messages",
                    "openclaw.agent.models.failures",
                ),
            )
        )
    except ImportError as error:
        raise MissingExtra("a provider model", "openai,anthropic") from error


def _fingerprint(ref: ModelRef, credential: Secret | None) -> str:
    parts = [ref.api, ref.provider, ref.base_url, sorted(ref.headers.items()), ref.auth_header]
    secret = credential.reveal() if credential else ""
    return hashlib.sha256(json.dumps([*parts, secret]).encode()).hexdigest()


def _stream_events(event: ModelResponseStreamEvent) -> list[ModelEvent]:
    match event.event_kind:
        case "part_start":
            return _part_events(event.part, whole=False)
        case "part_delta":
            return _delta_events(event.delta)
        case "part_end" if event.part.part_kind == "tool-call":
            return _part_events(event.part, whole=True)
        case _:
            return []


def _part_events(part: Any, *, whole: bool) -> list[ModelEvent]:
    match part.part_kind:
        case "text" if part.content:
            return [TextDelta(part.content)]
        case "thinking":
            hidden = part.id == "redacted_thinking" and part.signature
            signature = f"redacted:{part.signature}" if hidden else part.signature
            return [ThinkingDelta(part.content, signature)] if part.content or signature else []
        case "tool-call" if whole:
            return [ToolCallEnd(part.tool_call_id, part.tool_name, part.args_as_dict())]
        case _:
            return []


def _delta_events(delta: Any) -> list[ModelEvent]:
    match delta.part_delta_kind:
        case "text" if delta.content_delta:
            return [TextDelta(delta.content_delta)]
        case "thinking" if delta.content_delta or delta.signature_delta:
            return [ThinkingDelta(delta.content_delta or "", delta.signature_delta)]
        case _:
            return []


def _end_events(response: Any, failures: ModuleType) -> list[ModelEvent]:
    """Return usage and the end of an answer; a stream that ended without saying why was cut."""
    used = response.usage
    cached = used.cache_read_tokens + used.cache_write_tokens
    usage = Usage(
        input=max(0, used.input_tokens - cached),
        output=used.output_tokens,
        cache_read=used.cache_read_tokens,
        cache_write=used.cache_write_tokens,
    )
    calls = any(part.part_kind == "tool-call" for part in response.parts)
    reason = response.finish_reason
    if reason in _STOPS:
        stop = _STOPS[reason]
        return [usage, Stop("toolUse" if calls and stop == "stop" else stop)]
    if reason == "content_filter":
        return [usage, Failure("other", "The provider's content filter stopped the answer.")]
    return [usage, Failure("network", failures.BROKE_OFF)]
