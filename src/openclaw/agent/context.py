"""From a transcript to what one model request may hold: compaction, pairing, roles, sizes (agent.md 1.7, 1.8). Pure.

Nothing here changes the transcript. A call without a result gets an error result of ours, so that a session which a
crash has cut works again.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from openclaw.agent.contract import ModelRef
from openclaw.policy.what.labels import Label, join_all
from openclaw.state.transcripts import Line

Message = Mapping[str, Any]

INTERRUPTED: Final = (
    "This call was cut off before its result was stored. Whether it took effect is unknown: check before you repeat it."
)
CHARS_PER_TOKEN: Final = 4
RESERVE_TOKENS: Final = 20_000
RESULT_SHARE: Final = 0.3
_CALL_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_IMAGE_TOKENS: Final = 1_500


@dataclass(frozen=True, slots=True)
class Context:
    """What of a conversation a model sees.

    Attributes:
        messages: message objects, oldest first, as stored.
        label: the join of the labels of all of them.
    """

    messages: tuple[Message, ...]
    label: Label


def context_of(branch: Sequence[Line]) -> Context:
    """Return the messages of a conversation; the last compaction's summary stands for what it replaced."""
    at = next((index for index in range(len(branch) - 1, -1, -1) if branch[index].type == "compaction"), None)
    kept: list[Line] = list(branch)
    messages: list[Message] = []
    labels: list[Label] = []
    if at is not None:
        compaction = branch[at]
        first = str(compaction.fields.get("firstKeptEntryId", ""))
        start = next((index for index in range(at) if branch[index].id == first), at)
        kept = [*branch[start:at], *branch[at + 1 :]]
        messages.append(_note("Summary of the conversation so far", compaction.fields.get("summary")))
        labels.append(compaction.label)
    for line in kept:
        message = _message_of(line)
        if message is not None:
            messages.append(message)
            labels.append(line.label)
    return Context(tuple(messages), join_all(labels))


def _message_of(line: Line) -> Message | None:
    match line.type:
        case "message" if line.role:
            return line.message
        case "branch_summary":
            return _note("Summary of another branch of this conversation", line.fields.get("summary"))
        case "custom_message":
            content = line.fields.get("content")
            return {"role": "user", "content": content if isinstance(content, str | list) else ""}
        case _:
            return None


def _note(title: str, text: object) -> Message:
    return {"role": "user", "content": f"[{title}]\n{text if isinstance(text, str) else ''}"}


def prepared(messages: Iterable[Message], ref: ModelRef, *, budget: int | None = None) -> list[Message]:
    """Return messages as a model takes them: paired, alternating, of a size that fits (agent.md 1.7).

    Args:
        messages: as `context_of` gives them.
        ref: the model.
        budget: tokens that the messages may use; None means the model's window less a reserve.
    """
    room = max(1_000, ref.context_window - RESERVE_TOKENS) if budget is None else budget
    limit = int(min(400_000, ref.context_window * RESULT_SHARE * CHARS_PER_TOKEN))
    cleaned = [message for item in messages if (message := _cleaned(item, ref, limit)) is not None]
    fitting = _fitting(_paired(cleaned), room)
    return _alternating(_safe_ids(fitting, ref))


# Content


def _cleaned(message: Message, ref: ModelRef, result_chars: int) -> Message | None:
    """Return a message without what this model cannot read, or None when nothing is left."""
    content = message.get("content")
    role = message.get("role")
    if isinstance(content, str):
        return {**message, "content": content or "(empty)"}
    blocks = content if isinstance(content, list) else []
    if role == "assistant":
        own = message.get("provider") == ref.provider and message.get("model") == ref.model
        kept = [block for block in blocks if _replayable(block, own=own)]
        return {**message, "content": kept} if kept else None
    shown = [_shown(block, ref) for block in blocks if isinstance(block, Mapping)]
    if role == "toolResult":
        shown = _cut(shown, result_chars)
    return {**message, "content": shown or [{"type": "text", "text": "(empty)"}]}


def _replayable(block: object, *, own: bool) -> bool:
    if not isinstance(block, Mapping):
        return False
    match block.get("type"):
        case "text":
            return bool(block.get("text"))
        case "thinking":
            return own and bool(block.get("thinkingSignature"))
        case kind:
            return kind == "toolCall"


def _shown(block: Mapping[str, Any], ref: ModelRef) -> Mapping[str, Any]:
    if block.get("type") == "image" and not ref.images:
        return {"type": "text", "text": "[an image that this model cannot read]"}
    return block


def _cut(blocks: list[Mapping[str, Any]], room: int) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for block in blocks:
        text = block.get("text")
        if isinstance(text, str) and len(text) > room:
            found.append({**block, "text": f"{text[:room]}\n[{len(text) - room} more characters were left out]"})
            room = 0
            continue
        room -= len(text) if isinstance(text, str) else 0
        found.append(block)
    return found


# Pairing and roles


def calls_of(message: Message) -> list[Mapping[str, Any]]:
    """Return the tool calls of an assistant message."""
    content = message.get("content")
    blocks = content if isinstance(content, list) else []
    return [block for block in blocks if isinstance(block, Mapping) and block.get("type") == "toolCall"]


def interrupted_result(call: Mapping[str, Any], timestamp_ms: int) -> dict[str, Any]:
    """Return the error result that stands for one that was never stored."""
    return {
        "role": "toolResult",
        "toolCallId": str(call.get("id", "")),
        "toolName": str(call.get("name", "")),
        "content": [{"type": "text", "text": INTERRUPTED}],
        "isError": True,
        "timestamp": timestamp_ms,
    }


def _paired(messages: Sequence[Message]) -> list[Message]:
    """Return messages with each call followed by its result; results without a call are gone."""
    results: dict[str, list[tuple[int, Message]]] = {}
    for index, message in enumerate(messages):
        if message.get("role") == "toolResult":
            results.setdefault(str(message.get("toolCallId", "")), []).append((index, message))
    found: list[Message] = []
    for index, message in enumerate(messages):
        if message.get("role") == "toolResult":
            continue
        found.append(message)
        for call in calls_of(message) if message.get("role") == "assistant" else ():
            stored = results.get(str(call.get("id", "")), [])
            while stored and stored[0][0] < index:
                stored.pop(0)
            found.append(stored.pop(0)[1] if stored else interrupted_result(call, 0))
    return found


def _alternating(messages: Sequence[Message]) -> list[Message]:
    """Return messages that begin with the user and in which neither side speaks twice in a row."""
    found: list[Message] = []
    for message in messages:
        last = found[-1] if found else None
        if last is not None and last.get("role") == message.get("role") in {"user", "assistant"}:
            found[-1] = {**last, **message, "content": [*_blocks(last), *_blocks(message)]}
        else:
            found.append(message)
    if found and found[0].get("role") == "assistant":
        found.insert(0, {"role": "user", "content": "(the conversation begins)"})
    return found


def _blocks(message: Message) -> list[Mapping[str, Any]]:
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def _safe_ids(messages: Sequence[Message], ref: ModelRef) -> list[Message]:
    """Return messages whose call ids every provider takes; Mistral wants exactly nine letters and digits."""
    strict = "mistral" in ref.provider or ref.model.startswith("mistral")

    def safe(text: object) -> str:
        raw = str(text)
        if strict:
            return hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:9]
        return (
            raw
            if _CALL_ID.fullmatch(raw)
            else f"call_{hashlib.sha256(raw.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"
        )

    def renamed(message: Message) -> Message:
        if message.get("role") == "toolResult":
            return {**message, "toolCallId": safe(message.get("toolCallId", ""))}
        if not calls_of(message):
            return message
        blocks = [
            {**block, "id": safe(block.get("id", ""))} if block.get("type") == "toolCall" else block
            for block in message["content"]
        ]
        return {**message, "content": blocks}

    return [renamed(message) for message in messages]


# Size


def tokens_of(message: Message) -> int:
    """Return about how many tokens a message takes."""
    chars = 0
    tokens = 4
    for block in _blocks(message):
        if block.get("type") == "image":
            tokens += _IMAGE_TOKENS
        else:
            chars += sum(len(str(value)) for value in block.values())
    return tokens + chars // CHARS_PER_TOKEN


def _fitting(messages: list[Message], room: int) -> list[Message]:
    """Return the newest turns that fit; the last turn always stays."""
    sizes = [tokens_of(message) for message in messages]
    total = sum(sizes)
    if total <= room:
        return messages
    starts = [index for index, message in enumerate(messages) if message.get("role") == "user"]
    for start in starts[1:]:
        if total - sum(sizes[:start]) <= room:
            return messages[start:]
    return messages[starts[-1] :] if starts else messages
