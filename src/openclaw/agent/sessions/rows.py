"""Session entries as listings show them (gateway.md 3.5), and messages as people read them (3.6). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from openclaw.policy.where.key_ids import GLOBAL_KEY, UNKNOWN
from openclaw.policy.where.session_keys import group_of, rest_of
from openclaw.state.sessions import Entry
from openclaw.state.transcripts import Line

TITLE_CHARS: Final = 60
_OPTIONAL: Final = (
    "label", "displayName", "channel", "subject", "groupChannel", "space", "chatType", "origin", "thinkingLevel",
    "verboseLevel", "reasoningLevel", "elevatedLevel", "sendPolicy", "responseUsage", "deliveryContext", "lastChannel",
    "lastTo", "lastAccountId", "spawnedBy",
)  # fmt: skip
_HEADER: Final = re.compile(r"^\[[^\]\n]*\d{1,2}:\d{2}[^\]\n]*\] ?")
_MARK: Final = re.compile(r"^\[(?:from|message_id): [^\n]*\]$")
_CURRENT: Final = "[Current message - respond to this]\n"


def kind(key: str) -> str:
    """Return `direct`, `group`, `global` or `unknown`."""
    if key in {GLOBAL_KEY, UNKNOWN}:
        return key
    return "group" if group_of(key) is not None else "direct"


def is_cron_run(key: str) -> bool:
    """Return whether a key is that of one run of a cron job, which listings leave out."""
    if ":run:" not in key:
        return False
    rest = rest_of(key)
    return rest.startswith("cron:") and ":run:" in rest


def row(key: str, entry: Entry, provider: str, model: str, context_tokens: int) -> dict[str, Any]:
    """Return the row of a session.

    Args:
        key: its key.
        entry: its entry.
        provider: provider of its next turn.
        model: model of its next turn.
        context_tokens: how much fits; clients show `totalTokens` as a part of it. The entry's own `contextTokens` is
            the size of the last request.
    """
    found: dict[str, Any] = {"key": key, "kind": kind(key)}
    found |= {name: entry[name] for name in _OPTIONAL if entry.get(name) is not None}
    found |= {
        "updatedAt": entry.get("updatedAt"),
        "sessionId": entry.get("sessionId"),
        "systemSent": entry.get("systemSent") is True,
        "abortedLastRun": entry.get("abortedLastRun") is True,
        "inputTokens": entry.get("inputTokens", 0),
        "outputTokens": entry.get("outputTokens", 0),
        "totalTokens": entry.get("totalTokens", 0),
        "modelProvider": provider,
        "model": model,
        "contextTokens": context_tokens,
    }
    return found


def matches(key: str, entry: Entry, params: Mapping[str, Any], oldest_ms: int) -> bool:
    """Return whether a session is asked for by the filters of `sessions.list`."""
    if (key == GLOBAL_KEY and not params.get("includeGlobal")) or (key == UNKNOWN and not params.get("includeUnknown")):
        return False
    if is_cron_run(key) or float(entry.get("updatedAt") or 0) < oldest_ms:
        return False
    for name in ("label", "spawnedBy"):
        if params.get(name) is not None and entry.get(name) != params[name]:
            return False
    search = str(params.get("search") or "").strip().lower()
    if not search:
        return True
    texts = (key, *(entry.get(name) for name in ("label", "displayName", "subject", "sessionId")))
    return any(search in str(text).lower() for text in texts if text)


def text_of(message: Mapping[str, Any]) -> str:
    """Return the text of a message, without images, thoughts and calls."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    blocks: Sequence[Any] = content if isinstance(content, list) else ()
    return "\n".join(str(block.get("text", "")) for block in blocks if block.get("type") == "text")


def without_envelope(text: str) -> str:
    """Return a user's text without the envelope that we put around it for the model."""
    body = text.rpartition(_CURRENT)[2]
    lines = [line for line in body.split("\n") if not _MARK.match(line)]
    if lines:
        lines[0] = _HEADER.sub("", lines[0], count=1)
    return "\n".join(lines).strip()


def shown(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as `chat.history` gives it."""
    if message.get("role") != "user":
        return dict(message)
    content = message.get("content")
    if isinstance(content, str):
        return {**message, "content": without_envelope(content)}
    blocks = [
        {**block, "text": without_envelope(str(block.get("text", "")))} if block.get("type") == "text" else block
        for block in content or ()
    ]
    return {**message, "content": blocks}


def messages(lines: Iterable[Line]) -> list[Mapping[str, Any]]:
    """Return the messages among transcript lines."""
    return [line.message for line in lines if line.type == "message" and line.role]


def preview(lines: Iterable[Line], limit: int, max_chars: int) -> list[dict[str, str]]:
    """Return the last messages as short lines: `{role, text}`, oldest first."""
    items = []
    for message in messages(lines):
        text = text_of(shown(message))
        line = " ".join(text.split())
        if line and message["role"] in {"user", "assistant"}:
            cut = line if len(line) <= max_chars else f"{line[: max_chars - 1]}\u2026"
            items.append({"role": str(message["role"]), "text": cut})
    return items[-limit:]


def title(lines: Iterable[Line]) -> str | None:
    """Return a title: the beginning of the first thing that the user said."""
    for message in messages(lines):
        if message["role"] == "user":
            line = " ".join(text_of(shown(message)).split())
            if line:
                return line if len(line) <= TITLE_CHARS else f"{line[: TITLE_CHARS - 1]}\u2026"
    return None
