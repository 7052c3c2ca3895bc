"""The messages of each conversation, one after the other; the parts into which an app splits a message come as one."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from openclaw.agent.contract import ReplyTarget
from openclaw.channels.contract import InboundMessage
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError
from openclaw.system.tasks import Supervisor, race

log = logging.getLogger(__name__)

ALBUM_QUIET: Final = 0.5
TEXT_QUIET: Final = 1.5
"""Seconds without a further part after which an album or a split text is whole."""
MAX_PARTS: Final = 12
MAX_JOINED_CHARS: Final = 50_000

Key: TypeAlias = tuple[str, ...]


@dataclass(slots=True)
class _Conversation:
    """The messages of one conversation that wait for their turn."""

    waiting: deque[tuple[int, InboundMessage]] = field(default_factory=deque)
    more: asyncio.Event = field(default_factory=asyncio.Event)


class Conversations:
    """Hands messages on: those of one conversation in order, conversations side by side.

    Args:
        handle: takes the journal rows of a message, and the message.
        clock: for the waiting for further parts.
        tasks: keeps a task per conversation that has something to do.
    """

    def __init__(
        self, handle: Callable[[tuple[int, ...], InboundMessage], Awaitable[None]], clock: Clock, tasks: Supervisor
    ) -> None:
        self._handle = handle
        self._clock = clock
        self._tasks = tasks
        self._open: dict[Key, _Conversation] = {}

    def put(self, key: Key, inbound_id: int, message: InboundMessage) -> None:
        """Take a message that is in the journal as the last one of its conversation."""
        conversation = self._open.get(key)
        if conversation is None:
            conversation = self._open[key] = _Conversation()
            self._tasks.start(self._work(key, conversation), name="/".join(key))
        conversation.waiting.append((inbound_id, message))
        conversation.more.set()

    async def _work(self, key: Key, conversation: _Conversation) -> None:
        """Handle the messages of one conversation in order; ends when none waits."""
        try:
            while conversation.waiting:
                inbound_id, message = conversation.waiting.popleft()
                ids, joined = await self._join(inbound_id, message, conversation)
                try:
                    await self._handle(ids, joined)
                except OpenClawError as error:
                    log.error("a %s message was not handled: %s", message.channel, error)
                except Exception:  # a defect in one message must not hold up its conversation
                    log.exception("a %s message was not handled", message.channel)
        finally:
            if self._open.get(key) is conversation and not conversation.waiting:
                del self._open[key]

    async def _join(
        self, inbound_id: int, message: InboundMessage, conversation: _Conversation
    ) -> tuple[tuple[int, ...], InboundMessage]:
        """Join the parts of an album or of a text that the app has split; anything else goes alone."""
        ids = [inbound_id]
        if message.join_key is None:
            return (inbound_id,), message
        album = message.join_key.startswith("album:")
        quiet = ALBUM_QUIET if album else TEXT_QUIET
        while len(ids) < MAX_PARTS and len(message.body) < MAX_JOINED_CHARS:
            if not conversation.waiting:
                conversation.more.clear()
                await race(conversation.more.wait(), self._clock.sleep(quiet))
            if not conversation.waiting:
                break
            part_id, part = conversation.waiting[0]
            if part.facts.sender.id != message.facts.sender.id or not _continues(message, part, album):
                break
            conversation.waiting.popleft()
            ids.append(part_id)
            message = _joined(message, part, album)
            if not album and part.join_key is None:
                break  # a short part ends a split text
        return tuple(ids), message


def _continues(first: InboundMessage, part: InboundMessage, album: bool) -> bool:
    if part.facts.kind is not first.facts.kind:
        return False
    if album:
        return part.join_key == first.join_key
    return not part.media and part.sent_ms - first.sent_ms <= MAX_PARTS * 2000


def _joined(first: InboundMessage, part: InboundMessage, album: bool) -> InboundMessage:
    """Return both as one; mention of either counts, the last message's id is kept."""
    separator = "\n" if album else ""
    body = separator.join(text for text in (first.body, part.body) if text)
    text = separator.join(piece for piece in (first.facts.text, part.facts.text) if piece)
    mentions = replace(
        first.facts.mentions,
        me=first.facts.mentions.me or part.facts.mentions.me,
        others=first.facts.mentions.others or part.facts.mentions.others,
    )
    return replace(
        first,
        facts=replace(first.facts, text=text, mentions=mentions),
        body=body,
        message_id=part.message_id,
        media=(*first.media, *part.media),
        quoted=(*first.quoted, *part.quoted),
        target=_same_target(first.target, part.target),
    )


def _same_target(first: ReplyTarget, part: ReplyTarget) -> ReplyTarget:
    return replace(first, reply_to_id=part.reply_to_id or first.reply_to_id)
