"""A local HTTP server that speaks the providers' true wires, also when it fails.

`/v1/chat/completions` is the OpenAI chat wire and `/v1/messages` the Anthropic one, streamed as SSE or whole.
Answers are scripted in order; without a script it says "ok".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server does with one request.

    Attributes:
        text: answer text, streamed in pieces.
        thinking: thinking text before it, with a signature on the Anthropic wire.
        calls: tool calls (id, name, arguments); arguments given as text go out as they are.
        stop: `stop`, `length` or `tool`; by default what fits.
        status, error, headers: answer with an HTTP error instead.
        mode: `ok`, or how the stream goes wrong: `hang-before`, `hang-mid`, `cut`, `end-early`, `malformed`.
        pieces: how many pieces the text is streamed in.
        usage: input and output tokens, cache reads.
    """

    text: str = "ok"
    thinking: str = ""
    calls: tuple[tuple[str, str, Mapping[str, Any] | str], ...] = ()
    stop: str = ""
    status: int = 200
    error: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    mode: str = "ok"
    pieces: int = 3
    usage: tuple[int, int, int] = (100, 20, 0)

    @property
    def reason(self) -> str:
        return self.stop or ("tool" if self.calls else "stop")

    def parts(self) -> list[str]:
        size = max(1, -(-len(self.text) // self.pieces))
        return [self.text[start : start + size] for start in range(0, len(self.text), size)]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request that arrived."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]


Script = Answer | Callable[[Seen], Answer]


class ModelServer:
    """The server; see the module."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.url = ""
        self.arrived = asyncio.Event()
        self.left = asyncio.Event()
        self._script: list[Script] = []
        self.default: Script = Answer()

    def script(self, *answers: Script) -> None:
        """Answer the next requests with these, in order."""
        self._script.extend(answers)

    @property
    def base_url(self) -> str:
        """Return the base URL of the OpenAI wire."""
        return f"{self.url}/v1"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        seen = Seen(request.path, request.headers, await request.json())
        self.requests.append(seen)
        self.arrived.set()
        chosen = self._script.pop(0) if self._script else self.default
        answer = chosen if isinstance(chosen, Answer) else chosen(seen)
        try:
            return await self._answer(request, seen, answer)
        finally:
            self.left.set()

    async def _answer(self, request: web.Request, seen: Seen, answer: Answer) -> web.StreamResponse:
        anthropic = seen.path.endswith("/messages")
        if answer.status != 200:
            body = answer.error or {"error": {"type": "api_error", "message": "it broke"}}
            return web.json_response(body, status=answer.status, headers=answer.headers)
        if answer.mode == "hang-before":
            await asyncio.Event().wait()
        if not seen.body.get("stream"):
            return web.json_response(_whole_anthropic(answer) if anthropic else _whole_openai(answer))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        frames = _anthropic_frames(answer) if anthropic else _openai_frames(answer)
        await _send(request, response, frames, answer.mode)
        return response


async def _send(request: web.Request, response: web.StreamResponse, frames: list[str], mode: str) -> None:
    half = max(1, len(frames) // 2)
    for frame in frames if mode == "ok" else frames[:half]:
        await response.write(frame.encode())
    match mode:
        case "hang-mid":
            await asyncio.Event().wait()
        case "cut":
            assert request.transport is not None
            request.transport.abort()
            raise ConnectionResetError
        case "malformed":
            await response.write(b"data: {this is not json\n\n")
        case _:
            pass
    await response.write_eof()


# The OpenAI chat wire


def _openai_frames(answer: Answer) -> list[str]:
    frames: list[dict[str, Any]] = [_chunk({"role": "assistant", "content": ""})]
    if answer.thinking:
        frames.append(_chunk({"reasoning_content": answer.thinking}))
    frames += [_chunk({"content": part}) for part in answer.parts()]
    for index, (call_id, name, arguments) in enumerate(answer.calls):
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        function: dict[str, Any] = {"name": name, "arguments": ""}
        frames.append(
            _chunk({"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": function}]})
        )
        middle = len(text) // 2
        for piece in (text[:middle], text[middle:]):
            frames.append(_chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]}))
    reason = {"tool": "tool_calls"}.get(answer.reason, answer.reason)
    frames.append(_chunk({}, reason))
    frames.append({**_chunk({}), "choices": [], "usage": _openai_usage(answer)})
    return [f"data: {json.dumps(frame)}\n\n" for frame in frames] + ["data: [DONE]\n\n"]


def _chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "test-model",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def _openai_usage(answer: Answer) -> dict[str, Any]:
    given, made, cached = answer.usage
    return {
        "prompt_tokens": given,
        "completion_tokens": made,
        "total_tokens": given + made,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def _whole_openai(answer: Answer) -> dict[str, Any]:
    calls = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": _text(arguments)}}
        for call_id, name, arguments in answer.calls
    ]
    message: dict[str, Any] = {"role": "assistant", "content": answer.text, **({"tool_calls": calls} if calls else {})}
    reason = {"tool": "tool_calls"}.get(answer.reason, answer.reason)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "test-model",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": _openai_usage(answer),
    }


def _text(arguments: Mapping[str, Any] | str) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments)


# The Anthropic messages wire


def _anthropic_frames(answer: Answer) -> list[str]:
    given, made, cached = answer.usage
    usage = {"input_tokens": given - cached, "output_tokens": 1, "cache_read_input_tokens": cached}
    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "test-model",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    frames: list[dict[str, Any]] = [{"type": "message_start", "message": message}]
    index = 0
    if answer.thinking:
        block: dict[str, Any] = {"type": "thinking", "thinking": "", "signature": ""}
        deltas: list[dict[str, Any]] = [
            {"type": "thinking_delta", "thinking": answer.thinking},
            {"type": "signature_delta", "signature": "c2lnbmVk"},
        ]
        frames += _block(index, block, deltas)
        index += 1
    if answer.text:
        frames += _block(
            index, {"type": "text", "text": ""}, [{"type": "text_delta", "text": part} for part in answer.parts()]
        )
        index += 1
    for call_id, name, arguments in answer.calls:
        block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
        frames += _block(index, block, [{"type": "input_json_delta", "partial_json": _text(arguments)}])
        index += 1
    reason = {"tool": "tool_use", "stop": "end_turn", "length": "max_tokens"}[answer.reason]
    frames.append(
        {
            "type": "message_delta",
            "delta": {"stop_reason": reason, "stop_sequence": None},
            "usage": {"output_tokens": made},
        }
    )
    frames.append({"type": "message_stop"})
    return [f"event: {frame['type']}\ndata: {json.dumps(frame)}\n\n" for frame in frames]


def _block(index: int, block: Mapping[str, Any], deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def _whole_anthropic(answer: Answer) -> dict[str, Any]:
    given, made, cached = answer.usage
    content: list[dict[str, Any]] = [{"type": "text", "text": answer.text}] if answer.text else []
    content += [
        {"type": "tool_use", "id": call_id, "name": name, "input": json.loads(_text(arguments))}
        for call_id, name, arguments in answer.calls
    ]
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "test-model",
        "content": content,
        "stop_reason": {"tool": "tool_use", "stop": "end_turn", "length": "max_tokens"}[answer.reason],
        "stop_sequence": None,
        "usage": {"input_tokens": given - cached, "output_tokens": made, "cache_read_input_tokens": cached},
    }


@asynccontextmanager
async def model_server() -> AsyncIterator[ModelServer]:
    """Run a server on a free loopback port."""
    server = ModelServer()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]] = server.handle
    app.router.add_post("/v1/chat/completions", handler)
    app.router.add_post("/v1/messages", handler)
    runner = web.AppRunner(app, handle_signals=False, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    server.url = f"http://{host}:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
