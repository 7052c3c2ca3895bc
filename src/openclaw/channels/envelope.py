"""What the model reads of a message: envelope, true sender, quotes and pending history.

channels.md 2.6 and 4.1, agent.md 9.3.
Pure. The body is somebody's words: what imitates our own marks in it is escaped, and words of people who may not
trigger the bot are wrapped as untrusted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Final

from openclaw.channels.contract import InboundMessage, Quoted
from openclaw.channels.history import PendingEntry
from openclaw.policy.what.labels import Source

HISTORY_HEADING: Final = "[Chat messages since your last reply - for context]"
CURRENT_HEADING: Final = "[Current message - respond to this]"

_OUR_MARKS: Final = re.compile(
    r"^(\s*)\[(?=(?:from:|message_id:|Replying to|/Replying|Quoting|/Quoting|Forwarded from|Chat messages since|"
    r"Current message|[A-Z][A-Za-z]{2,20} .{0,200}\d{4}-\d\d-\d\d \d\d:\d\d))",
    re.MULTILINE | re.IGNORECASE,
)

Wrap = Callable[[str, str], str]
"""(text, label) -> the text wrapped as untrusted external content."""

Clean = Callable[[str], str]
"""Removes special tokens and control-line imitations from inbound text."""


@dataclass(frozen=True, slots=True)
class EnvelopeStyle:
    """How envelopes are written (`agents.defaults.envelope*`)."""

    zone: tzinfo | None = None
    timestamp: bool = True
    elapsed: bool = True


@dataclass(frozen=True, slots=True)
class Writer:
    """The two functions of the agent room that treat foreign text."""

    wrap: Wrap
    clean: Clean


def escape_marks(text: str) -> str:
    """Escape lines that look like marks which only we write."""
    return _OUR_MARKS.sub(r"\1\\[", text)


def stamp(at_ms: int, zone: tzinfo | None) -> str:
    """Return `Tue 2026-11-24 05:55 UTC`; without a zone, in the host's."""
    moment = datetime.fromtimestamp(at_ms / 1000, tz=UTC).astimezone(zone)
    return moment.strftime("%a %Y-%m-%d %H:%M ") + (moment.tzname() or "UTC")


def compact_elapsed(ms: int) -> str:
    """Return a duration as `+5m`."""
    seconds = ms // 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"+{seconds // size}{unit}"
    return f"+{seconds}s"


def header(label: str, origin: str, at_ms: int, style: EnvelopeStyle, previous_ms: int | None = None) -> str:
    """Return `[<Channel> <from> +<elapsed> <time>]`."""
    parts = [label, origin]
    if style.elapsed and previous_ms is not None and at_ms > previous_ms:
        parts.append(compact_elapsed(at_ms - previous_ms))
    if style.timestamp:
        parts.append(stamp(at_ms, style.zone))
    return f"[{' '.join(part for part in parts if part)}]"


def compose(
    message: InboundMessage,
    history: Sequence[PendingEntry],
    style: EnvelopeStyle,
    writer: Writer,
    *,
    channel_label: str,
    previous_ms: int | None = None,
) -> str:
    """Return the text of a turn for an admitted message.

    Args:
        message: the message.
        history: what was said since the last answer, for groups.
        style: envelope settings.
        writer: wraps and cleans foreign text.
        channel_label: the channel's display name.
        previous_ms: time of the session's last message.
    """
    origin = message.chat_label or message.sender_label
    lines = [
        f"{header(channel_label, _one_line(origin), message.sent_ms, style, previous_ms)} {_body(message, writer)}"
    ]
    lines.extend(_quoted(quote, message, writer) for quote in message.quoted)
    lines.append(f"[from: {_one_line(message.sender_label)}]")
    lines.append(f"[message_id: {message.message_id}]")
    current = "\n".join(lines)
    if not history:
        return current
    earlier = "\n".join(_pending(entry, style, writer, channel_label) for entry in history)
    return f"{HISTORY_HEADING}\n{earlier}\n\n{CURRENT_HEADING}\n{current}"


def _body(message: InboundMessage, writer: Writer) -> str:
    text = escape_marks(writer.clean(message.body)).strip()
    placeholders = " ".join(f"<media:{media.kind}>" for media in message.media)
    body = "\n".join(part for part in (placeholders, text) if part)
    if message.chat_label is None:
        return body
    return f"{_one_line(message.sender_label)}: {body}"


def _quoted(quote: Quoted, message: InboundMessage, writer: Writer) -> str:
    """Return reply, quote or forward context; trusted only when the sender quotes himself."""
    own = quote.kind != "forward" and quote.author_id is not None and quote.author_id == message.facts.sender.id
    text = writer.clean(quote.text)
    shown = escape_marks(text) if own else writer.wrap(text, "Quoted message")
    label = _one_line(quote.label)
    if quote.kind == "forward":
        at = f" at {datetime.fromtimestamp(quote.at_ms / 1000, tz=UTC).isoformat()}" if quote.at_ms else ""
        return f"[Forwarded from {label}{at}]\n{shown}"
    verb = "Quoting" if quote.kind == "quote" else "Replying to"
    mark = f" id:{quote.message_id}" if quote.message_id else ""
    return f"[{verb} {label}{mark}]\n{shown}\n[/{verb.partition(' ')[0]}]"


def _pending(entry: PendingEntry, style: EnvelopeStyle, writer: Writer, channel_label: str) -> str:
    text = writer.clean(entry.body)
    label = _one_line(entry.sender_label)
    first = header(channel_label, label, entry.at_ms, style)
    if entry.provenance.source is Source.STRANGER:
        return f"{first}\n{writer.wrap(text, f'Group message of {label}')}"
    return f"{first} {escape_marks(text)}\n[from: {label}]"


def _one_line(label: str) -> str:
    """Return a label without line breaks and brackets, so that it cannot leave its place."""
    return " ".join(label.replace("[", "(").replace("]", ")").split())
