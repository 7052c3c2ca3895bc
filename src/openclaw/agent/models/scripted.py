"""A model that replays a script, for tests and drills; it can also obey every instruction that it reads.

The step is chosen by the number of answers that the conversation already holds, so that a turn that is run again after
a crash goes on where it stopped.

A script is JSON: `{"steps": [step...], "obey": bool}`. A step holds any of `text`, `thinking`, `calls`
(`[{"name", "arguments", "id"?}]`), `usage` (`[input, output]`), `stop`, `fail` (`{"kind", "message"?, "status"?}`),
`hang` (`before` or `after` the text) and `pieces`. After the last step the model says "done".
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

from openclaw.agent.contract import (
    Failure,
    FailureKind,
    ModelEvent,
    ModelRequest,
    Stop,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolCallEnd,
    Usage,
)
from openclaw.system.errors import InvalidInput
from openclaw.system.secret import Secret

_ORDER: Final = re.compile(r"CALL ([a-z_]{1,64}) (\{[^\n]*\})")


class ScriptedModel:
    """Implements `ModelClient` from a script.

    Args:
        script: the parsed script; None reads it from the `file:` base URL of each request's model.
    """

    def __init__(self, script: Mapping[str, Any] | None = None) -> None:
        self._script = script
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest, credential: Secret | None) -> AsyncIterator[ModelEvent]:  # noqa: ARG002 - the port's shape
        """Play the step that is next."""
        self.requests.append(request)
        script = self._script if self._script is not None else _read(request.ref.base_url)
        step = _step(script, request)
        if step.get("hang") == "before":
            await asyncio.Event().wait()
        for event in _events(step, len(request.messages)):
            yield event
            await asyncio.sleep(0)
        if step.get("hang") == "after":
            await asyncio.Event().wait()
        yield _end(step)


def _read(url: str | None) -> Mapping[str, Any]:
    parts = urlsplit(url or "")
    if parts.scheme != "file":
        raise InvalidInput("models.providers.scripted.baseUrl: must be a file: URL of a script")
    try:
        script = json.loads(Path(unquote(parts.path)).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInput(f"the script {parts.path} cannot be read: {error}") from error
    if not isinstance(script, dict):
        raise InvalidInput(f"the script {parts.path} must be an object")
    return script


def _step(script: Mapping[str, Any], request: ModelRequest) -> Mapping[str, Any]:
    if script.get("obey"):
        order = next(_open_orders(request.messages), None)
        if order is not None:
            return {"calls": [order]}
    steps: Sequence[Mapping[str, Any]] = script.get("steps", ())
    answered = sum(message.get("role") == "assistant" for message in request.messages)
    return steps[answered] if answered < len(steps) else {"text": "done"}


def _open_orders(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Return every call that some text asks for and that was not made yet."""
    made = [
        (block.get("name"), block.get("arguments"))
        for message in messages
        if message.get("role") == "assistant"
        for block in message.get("content", ())
        if block.get("type") == "toolCall"
    ]
    for message in messages:
        if message.get("role") == "assistant":
            continue
        for name, text in _ORDER.findall("\n".join(_texts(message.get("content")))):
            try:
                arguments, _ = json.JSONDecoder().raw_decode(text)
            except ValueError:
                continue
            if (name, arguments) not in made:
                yield {"name": name, "arguments": arguments}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)


def _events(step: Mapping[str, Any], position: int) -> Iterator[ModelEvent]:
    if step.get("thinking"):
        yield ThinkingDelta(step["thinking"], step.get("signature"))
    text = str(step.get("text", ""))
    size = max(1, -(-len(text) // int(step.get("pieces", 1))))
    for start in range(0, len(text), size):
        yield TextDelta(text[start : start + size])
    for index, call in enumerate(step.get("calls", ())):
        yield ToolCallEnd(str(call.get("id") or f"call_{position}_{index}"), call["name"], call.get("arguments", {}))
    given, made = step.get("usage", (10, 5))
    yield Usage(input=given, output=made)


def _end(step: Mapping[str, Any]) -> ModelEvent:
    failure = step.get("fail")
    if failure:
        kind = cast("FailureKind", failure["kind"])
        return Failure(
            kind, failure.get("message", f"scripted {kind}"), failure.get("status"), failure.get("retryAfter")
        )
    return Stop(cast("StopReason", step.get("stop") or ("toolUse" if step.get("calls") else "stop")))
