"""An answer while it is streamed: its content blocks, and what of its text may be shown already. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from openclaw.agent.contract import ModelEvent, Stop, TextDelta, ThinkingDelta, ToolCallEnd, Usage
from openclaw.agent.silence import is_silent, may_become_silent


@dataclass(slots=True)
class Draft:
    """Collects the events of one request.

    Attributes:
        content: blocks in order, as transcripts store them.
        usage: token counts.
        stop: how the request ended; None while it runs.
    """

    content: list[dict[str, Any]] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    stop: Stop | None = None

    def take(self, event: ModelEvent) -> None:
        """Add an event."""
        match event:
            case TextDelta(text):
                self._extend("text", "text", text)
            case ThinkingDelta(text, signature):
                block = self._extend("thinking", "thinking", text)
                if signature is not None:
                    block["thinkingSignature"] = signature
            case ToolCallEnd(call_id, name, arguments):
                call = {"type": "toolCall", "id": call_id, "name": name, "arguments": dict(arguments)}
                self.content.append(call)
            case Usage():
                self.usage = event
            case Stop():
                self.stop = event
            case _:
                pass

    def _extend(self, kind: str, name: str, text: str) -> dict[str, Any]:
        last = self.content[-1] if self.content else None
        if last is None or last["type"] != kind or "thinkingSignature" in last:
            last = {"type": kind, name: ""}
            self.content.append(last)
        last[name] += text
        return last

    @property
    def text(self) -> str:
        """Return the text so far."""
        return "".join(block["text"] for block in self.content if block["type"] == "text")

    @property
    def thinking(self) -> str:
        """Return the thoughts so far."""
        return "".join(block["thinking"] for block in self.content if block["type"] == "thinking")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Return the tool calls."""
        return [block for block in self.content if block["type"] == "toolCall"]

    @property
    def shown(self) -> str:
        """Return what of the text a person may see by now: nothing while it could still be the silent token."""
        text = self.text
        if self.stop is not None:
            return "" if is_silent(text) else text
        return "" if may_become_silent(text) else text
