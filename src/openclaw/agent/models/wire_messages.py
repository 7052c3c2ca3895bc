"""Transcript messages as the model library's messages. Imported at the first request only."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

from openclaw.agent.contract import ModelRequest as OurRequest

REDACTED: Final = "redacted:"
"""Prefix of a stored thinking signature whose text the provider keeps to itself."""


def request_parameters(request: OurRequest) -> ModelRequestParameters:
    """Return the tools of a request; text answers are always allowed."""
    tools = [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=dict(tool.parameters))
        for tool in request.tools
    ]
    return ModelRequestParameters(function_tools=tools, allow_text_output=True)


def library_messages(request: OurRequest, system: str) -> list[ModelMessage]:
    """Return the messages of a request.

    Args:
        request: its messages are paired and alternate already (agent/hygiene.py).
        system: the library's name of the provider; only its own signed thinking goes back to it.
    """
    found: list[ModelMessage] = []
    for message in request.messages:
        if message.get("role") == "assistant":
            parts = _assistant_parts(message, system)
            if parts:
                found.append(ModelResponse(parts=parts, provider_name=system, model_name=request.ref.model))
            continue
        part = _tool_return(message) if message.get("role") == "toolResult" else _user_prompt(message)
        last = found[-1] if found else None
        if isinstance(last, ModelRequest):
            last.parts = [*last.parts, part]
        else:
            found.append(ModelRequest(parts=[part]))
    instructed = next((item for item in reversed(found) if isinstance(item, ModelRequest)), None)
    if instructed is not None and request.system:
        instructed.instructions = request.system
    return found


def _user_prompt(message: Mapping[str, Any]) -> ModelRequestPart:
    content = message.get("content")
    return UserPromptPart(content=content if isinstance(content, str) else _blocks(content))


def _blocks(content: object) -> list[UserContent]:
    found: list[UserContent] = []
    for block in content if isinstance(content, Sequence) and not isinstance(content, str) else ():
        if not isinstance(block, Mapping):
            continue
        if block.get("type") == "text":
            found.append(str(block.get("text", "")))
        elif block.get("type") == "image":
            image = _image(block)
            found.append(image if image is not None else "(an image that cannot be read)")
    return found or [""]


def _image(block: Mapping[str, Any]) -> BinaryContent | None:
    try:
        data = base64.b64decode(str(block.get("data", "")), validate=True)
    except (binascii.Error, ValueError):
        return None
    return BinaryContent(data, media_type=str(block.get("mimeType") or "image/png")) if data else None


def _tool_return(message: Mapping[str, Any]) -> ModelRequestPart:
    blocks = _blocks(message.get("content"))
    texts = [block for block in blocks if isinstance(block, str)]
    images = [block for block in blocks if isinstance(block, BinaryContent)]
    text = "\n".join(texts)
    return ToolReturnPart(
        tool_name=str(message.get("toolName", "")),
        content=[text, *images] if images else text,
        tool_call_id=str(message.get("toolCallId", "")),
        outcome="failed" if message.get("isError") else "success",
    )


def _assistant_parts(message: Mapping[str, Any], system: str) -> list[ModelResponsePart]:
    parts: list[ModelResponsePart] = []
    content = message.get("content")
    for block in content if isinstance(content, list) else ():
        match block.get("type"):
            case "text" if block.get("text"):
                parts.append(TextPart(content=str(block["text"])))
            case "toolCall":
                parts.append(
                    ToolCallPart(
                        tool_name=str(block.get("name", "")),
                        args=dict(block.get("arguments") or {}),
                        tool_call_id=str(block.get("id", "")),
                    )
                )
            case "thinking" if block.get("thinkingSignature"):
                parts.append(_thinking(block, system))
            case _:
                continue
    return parts


def _thinking(block: Mapping[str, Any], system: str) -> ThinkingPart:
    signature = str(block["thinkingSignature"])
    if signature.startswith(REDACTED):
        hidden = signature.removeprefix(REDACTED)
        return ThinkingPart(content="", id="redacted_thinking", signature=hidden, provider_name=system)
    return ThinkingPart(content=str(block.get("thinking", "")), signature=signature, provider_name=system)
