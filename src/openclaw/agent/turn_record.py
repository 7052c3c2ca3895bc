"""What a turn writes: its lines in the transcript, and the counters of its session (agent.md 1.5, 1.7)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from openclaw.agent.context import interrupted_result
from openclaw.agent.contract import Payload
from openclaw.agent.resume import Resumed
from openclaw.agent.silence import is_silent
from openclaw.agent.system_lines import Pending
from openclaw.agent.turn_state import TurnParts, TurnState
from openclaw.agent.usage import usage_fields
from openclaw.policy.what.labels import Label, Provenance, Source, join_all, label_of
from openclaw.system.errors import OpenClawError

log = logging.getLogger(__name__)


def append_user(parts: TurnParts, turn: TurnState) -> None:
    """Append the user's line, with the system events that wait for it and where all of its words came from."""
    request = turn.request
    pending = parts.lines.drain(request.session_key)
    body = _with_lines(pending, request.text)
    content: Any = body
    if request.images:
        content = [{"type": "text", "text": body}, *(dict(image) for image in request.images)]
    origins = [replace(origin, run_id=request.run_id) for origin in request.provenance]
    origins += [Provenance(source=source, run_id=request.run_id) for source in {line.source for line in pending}]
    stored = [origin.as_json() for origin in origins] or [Provenance(Source.STRANGER).as_json()]
    message = {"role": "user", "content": content, "timestamp": parts.clock.now_ms()}
    fields: dict[str, Any] = {"message": message, "provenance": stored[0] if len(stored) == 1 else stored}
    if request.inbound_ids:
        fields["inboundIds"] = list(request.inbound_ids)
    turn.transcript.append("message", fields)


def take_up(parts: TurnParts, turn: TurnState, resumed: Resumed) -> None:
    """Append what a crash has left out: an error result for each call whose result was never stored."""
    turn.shown.extend(found for found in resumed.texts if not is_silent(found))
    turn.payloads.extend(Payload(found) for found in turn.shown)
    for call in resumed.open_calls:
        message = interrupted_result(call, parts.clock.now_ms())
        origin = Provenance(source=Source.SYSTEM, run_id=turn.request.run_id, tool=str(call.get("name", "")))
        turn.transcript.append("message", {"message": message, "provenance": origin.as_json()})


def append_answer(parts: TurnParts, turn: TurnState, stop_reason: str, error: str | None = None) -> None:
    """Append the draft as an assistant line; nothing when it is empty and no error is told."""
    ref = turn.ref
    if ref is None or (not turn.draft.content and error is None):
        return
    message: dict[str, Any] = {
        "role": "assistant",
        "content": turn.draft.content,
        "api": ref.api or ref.provider,
        "provider": ref.provider,
        "model": ref.model,
        "usage": usage_fields(turn.draft.usage, parts.registry.price(ref)),
        "stopReason": stop_reason,
        "timestamp": parts.clock.now_ms(),
    }
    if error is not None:
        message["errorMessage"] = error
    origin = Provenance(source=Source.MODEL, run_id=turn.request.run_id)
    fields = {"message": message, "provenance": origin.as_json(), "label": run_label(turn).as_dict()}
    turn.transcript.append("message", fields)


def keep_partial(parts: TurnParts, turn: TurnState) -> None:
    """Store what was said of an answer that is cut off; calls that were not made are left out."""
    turn.draft.content = [block for block in turn.draft.content if block["type"] != "toolCall"]
    said = turn.draft.text
    if not said:
        return
    try:
        append_answer(parts, turn, "aborted")
    except OpenClawError as error:
        log.warning("the cut answer of %s is not stored: %s", turn.request.run_id, error)
    if not is_silent(said):
        turn.payloads.append(Payload(said.strip()))


def run_label(turn: TurnState) -> Label:
    """Return the label of everything in the model's context (guard.md 1)."""
    files = (file.label for file in turn.facts.files)
    origins = (label_of(origin.source) for origin in turn.request.provenance)
    return join_all((turn.context.label, *files, *origins))


def keep_counters(parts: TurnParts, turn: TurnState, *, ok: bool, aborted: bool) -> None:
    """Note in the session's entry how the run went; nothing when the session was reset meanwhile."""
    store = parts.sessions.store_of(turn.request.session_key)
    current = store.get(turn.request.session_key)
    if current is None or current.get("sessionId") != turn.facts.entry["sessionId"]:
        return
    patch: dict[str, Any] = {**turn.tally.entry_fields(), "systemSent": True, "abortedLastRun": aborted or None}
    ref, key = turn.ref, turn.key
    if ok and ref is not None:
        patch |= {"modelProvider": ref.provider, "model": ref.model}
        by_user = turn.facts.entry.get("authProfileOverrideSource") == "user"
        if key is not None and key.profile_id is not None and not by_user:
            patch |= {"authProfileOverride": key.profile_id, "authProfileOverrideSource": "auto"}
    store.merge(turn.request.session_key, patch)


def _with_lines(pending: Sequence[Pending], body: str) -> str:
    """Return the text of a turn after the system events that wait for it."""
    lines = "\n".join(line.shown for line in pending)
    return "\n\n".join(part for part in (lines, body) if part)
