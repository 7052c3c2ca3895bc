"""What the gate makes of a tool's result: bounded, and labelled by the gate instead of by the tool's word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from openclaw.policy.what.labels import Confidentiality, Label, Provenance, Source, label_of
from openclaw.tools.contract import Block, RunContext, Tool, ToolResult

MAX_TEXT_CHARS: Final = 400_000
MAX_IMAGE_CHARS: Final = 14_000_000
"""Base64 characters of all images of one result together: about 10 MB."""
MAX_DETAILS_CHARS: Final = 1_000_000
_RESULT_SOURCES: Final = frozenset({Source.TOOL, Source.FILE, Source.WEB, Source.SESSION})


def finished(result: ToolResult, tool: Tool, run: RunContext) -> ToolResult:
    """Return a tool's result, bounded and labelled.

    The source may be file, web or another session where the tool's own code says so; the run and the tool are the
    gate's. A tool can lower the label of its content, never raise it.
    """
    source = result.provenance.source if result.provenance.source in _RESULT_SOURCES else Source.TOOL
    provenance = Provenance(source=source, session_key=result.provenance.session_key, run_id=run.run_id, tool=tool.name)
    return replace(
        result,
        content=bounded(result.content),
        details=_details(result.details),
        provenance=provenance,
        label=result_label(source, result.label),
    )


def result_label(source: Source, declared: Label | None) -> Label:
    """Return the label of a result: what the machine knows is private, what the web says is public (guard.md 1)."""
    confidentiality = Confidentiality.PUBLIC if source is Source.WEB else Confidentiality.PRIVATE
    base = label_of(source, confidentiality)
    return base if declared is None else base.join(declared)


def bounded(content: tuple[Block, ...]) -> tuple[Block, ...]:
    """Return blocks with at most 400,000 characters of text, keeping the head, and 10 MB of images."""
    room, images = MAX_TEXT_CHARS, MAX_IMAGE_CHARS
    kept: list[Block] = []
    for block in content:
        if block["type"] == "image":
            if len(block["data"]) > images:
                kept.append({"type": "text", "text": "[An image was left out: it is too large.]"})
                continue
            images -= len(block["data"])
            kept.append(block)
            continue
        text = block["text"]
        if len(text) > room:
            text = f"{text[:room]}\n\n[{len(text) - room} more characters were cut off.]"
        room = max(0, room - len(block["text"]))
        kept.append({"type": "text", "text": text})
    return tuple(kept)


def _details(details: Mapping[str, Any]) -> dict[str, Any]:
    try:
        size = len(json.dumps(details, ensure_ascii=False))
    except (TypeError, ValueError):
        return {"omitted": "details were no JSON"}
    return dict(details) if size <= MAX_DETAILS_CHARS else {"omitted": f"{size} characters of details"}
