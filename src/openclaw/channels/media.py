"""Media of admitted messages: fetched within a limit, typed by its bytes, kept privately (channels.md 4.4)."""

from __future__ import annotations

import asyncio
import base64
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw.channels.contract import Channel, InboundMessage, MediaRef, SendFailed
from openclaw.channels.sniff import IMAGES, sniff
from openclaw.state.files import write_private
from openclaw.system.errors import OpenClawError
from openclaw.tools.contract import ImageBlock

log = logging.getLogger(__name__)

MAX_MEDIA: Final = 10
MAX_IMAGE_BYTES: Final = 5_000_000


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of the media of a message.

    Attributes:
        images: blocks that a model can read.
        notes: one line per stored file, for the model.
        refused: what the sender is told of media that was not taken, or None.
    """

    images: tuple[ImageBlock, ...] = ()
    notes: tuple[str, ...] = ()
    refused: str | None = None


class MediaFetcher:
    """Fetches after admission, never before."""

    def __init__(
        self,
        folder: Path,
        channel: Callable[[str, str], Channel | None],
        limit_bytes: Callable[[str, str], int],
    ) -> None:
        self._folder = folder / "inbound"
        self._channel = channel
        self._limit_bytes = limit_bytes

    async def fetch(self, message: InboundMessage) -> Fetched:
        """Fetch what is attached; a failure is told and never stops the turn."""
        channel = self._channel(message.channel, message.account)
        if not message.media or channel is None:
            return Fetched()
        limit = self._limit_bytes(message.channel, message.account)
        images: list[ImageBlock] = []
        notes: list[str] = []
        refused: str | None = None
        for media in message.media[:MAX_MEDIA]:
            try:
                data = await channel.fetch(media, limit=limit)
                path = await asyncio.to_thread(self._keep, data)
            except SendFailed as error:
                refused = str(error)
                continue
            except OpenClawError as error:
                log.error("media of a %s message was not kept: %s", message.channel, error)
                refused = "The attachment could not be stored."
                continue
            found = sniff(data[:512])
            if found.mime in IMAGES and len(data) <= MAX_IMAGE_BYTES:
                images.append({"type": "image", "data": base64.b64encode(data).decode("ascii"), "mimeType": found.mime})
            notes.append(_note(media, path, found.mime, len(data)))
        return Fetched(tuple(images), tuple(notes), refused)

    def _keep(self, data: bytes) -> Path:
        path = self._folder / f"{uuid.uuid4()}{sniff(data[:512]).suffix}"
        write_private(path, data)
        return path


def _note(media: MediaRef, path: Path, mime: str, size: int) -> str:
    return f"media attached: {media.kind} {mime}, {size} bytes, media/inbound/{path.name}"
