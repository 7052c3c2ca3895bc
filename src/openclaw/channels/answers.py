"""Puts the answer of a turn into the outbox: prefix, reply tags, tables, chunks, and the closing of its messages."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from openclaw.agent.contract import Payload, ReplyTarget, TurnRequest, TurnResult
from openclaw.channels.chunking import ChunkMode, chunk_text
from openclaw.channels.delivery import Delivery, target_to_json
from openclaw.channels.journal_patience import until_stored
from openclaw.channels.markdown_tables import TableMode, convert_tables
from openclaw.state.journal import Journal, JournalStore, NewOutbound
from openclaw.system.clock import Clock

ReplyToMode = Literal["off", "first", "all"]

_REPLY_TAG: Final = re.compile(r"\[\[\s*reply_to(?:_current|:\s*([A-Za-z0-9._:-]{1,128}))\s*\]\]", re.IGNORECASE)
SHUTDOWN: Final = "shutdown"
"""Stop reason of a turn that the gateway's own end cut off: its messages stay open and run again."""


@dataclass(frozen=True, slots=True)
class AnswerStyle:
    """How a channel account wants its answers.

    Attributes:
        chunk_limit: characters per message.
        chunk_mode: `length`, or `newline` to split at blank lines first.
        tables: what becomes of tables.
        reply_to: whether chunks quote the message when the answer asks for it.
        prefix: put before the first chunk.
        max_lines: lines per message, where the channel bounds them.
        outbox: answers travel through the outbox; False where events carry them (web chat).
    """

    chunk_limit: int = 4000
    chunk_mode: ChunkMode = "length"
    tables: TableMode = "code"
    reply_to: ReplyToMode = "first"
    prefix: str = ""
    max_lines: int | None = None
    outbox: bool = True


def split_reply_tag(text: str, current: str | None) -> tuple[str, str | None]:
    """Take the reply tag out of an answer; returns the text and the id to quote, if any."""
    found = _REPLY_TAG.search(text)
    if found is None:
        return text, None
    return _REPLY_TAG.sub("", text).strip(), found.group(1) or current


def chunks_of(payloads: Sequence[Payload], target: ReplyTarget, style: AnswerStyle) -> list[dict[str, Any]]:
    """Return the stored form of each wire message of an answer."""
    shown: list[dict[str, Any]] = []
    for payload in payloads:
        text, reply_to = split_reply_tag(payload.text, target.reply_to_id)
        if style.prefix and not shown and text.strip():
            text = f"{style.prefix} {text}"
        pieces: list[str] = chunk_text(
            convert_tables(text, style.tables), style.chunk_limit, mode=style.chunk_mode, max_lines=style.max_lines
        )
        if payload.media_url is not None:
            shown.append({"text": pieces.pop(0) if pieces else "", "media": payload.media_url})
        for index, piece in enumerate(pieces):
            chunk: dict[str, Any] = {"text": piece}
            if reply_to is not None and (style.reply_to == "all" or (style.reply_to == "first" and index == 0)):
                chunk["replyToId"] = reply_to
            shown.append(chunk)
    return shown


class Answers:
    """Writes answers to the outbox; `finished` is the runtime's callback."""

    def __init__(
        self,
        journal: Journal,
        delivery: Delivery,
        style: Callable[[str, str], AnswerStyle],
        clock: Clock,
        *,
        closed: Callable[[Sequence[int]], None] = lambda _ids: None,
    ) -> None:
        self._journal = journal
        self._delivery = delivery
        self._style = style
        self._clock = clock
        self._closed = closed

    async def finished(self, request: TurnRequest, result: TurnResult) -> None:
        """Store the answer and close its messages in one transaction, then wake delivery."""
        if result.stop_reason == SHUTDOWN:
            return
        payloads = result.payloads
        if not payloads and result.status in {"error", "timeout"} and result.error:
            payloads = (Payload(text=result.error),)
        await self.put(
            request.target,
            payloads,
            inbound_ids=request.inbound_ids,
            session_key=request.session_key,
            run_id=request.run_id,
            outcome=result.status if payloads else f"{result.status}-silent",
        )

    async def put(
        self,
        target: ReplyTarget | None,
        payloads: Sequence[Payload],
        *,
        inbound_ids: Sequence[int] = (),
        session_key: str | None = None,
        run_id: str | None = None,
        outcome: str = "answered",
    ) -> None:
        """Store an answer in its own conversation."""
        chunks: list[NewOutbound] = []
        if target is not None:
            style = self._style(target.channel, target.account)
            if style.outbox:
                stored = target_to_json(target)
                chunks = [
                    NewOutbound(
                        kind="reply",
                        channel=target.channel,
                        account=target.account,
                        target=stored,
                        payload=chunk,
                        session_key=session_key,
                        run_id=run_id,
                    )
                    for chunk in chunks_of(payloads, target, style)
                ]
        if not chunks and not inbound_ids:
            return
        now, rows = self._clock.now_ms(), tuple(inbound_ids)
        await until_stored(
            self._clock,
            f"the answer of run {run_id}" if run_id else "a message",
            lambda: self._journal.call(JournalStore.answer, rows, chunks, now, outcome=outcome),
        )
        self._closed(inbound_ids)
        if chunks:
            self._delivery.kick()
