"""Images that come inside a chat message: base64 or data URL, typed by their bytes (gateway.md 3.6). Pure."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, Final

from openclaw.channels.sniff import IMAGES, sniff
from openclaw.system.errors import InvalidInput
from openclaw.tools.contract import ImageBlock

MAX_IMAGE_BYTES: Final = 5_000_000
MAX_ATTACHMENTS: Final = 20


def images_of(attachments: Sequence[Mapping[str, Any]]) -> tuple[tuple[ImageBlock, ...], tuple[str, ...]]:
    """Return the images, and one warning for each attachment that is none.

    Raises:
        InvalidInput: the content is no base64, an image is too large, or there are too many.
    """
    if len(attachments) > MAX_ATTACHMENTS:
        raise InvalidInput(f"attachments: at most {MAX_ATTACHMENTS} per message")
    images: list[ImageBlock] = []
    warnings: list[str] = []
    for number, attachment in enumerate(attachments, start=1):
        data = _decoded(attachment.get("content"), number)
        if len(data) > MAX_IMAGE_BYTES:
            raise InvalidInput(f"attachment {number}: larger than {MAX_IMAGE_BYTES} bytes")
        found = sniff(data[:512])
        if found.mime not in IMAGES:
            warnings.append(f"attachment {number} is {found.mime} and was left out: only images are read")
            continue
        images.append({"type": "image", "data": base64.b64encode(data).decode("ascii"), "mimeType": found.mime})
    return tuple(images), tuple(warnings)


def _decoded(content: object, number: int) -> bytes:
    if not isinstance(content, str) or not content:
        raise InvalidInput(f"attachment {number}: content must be base64 text")
    text = content.partition(",")[2] if content.startswith("data:") else content
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"attachment {number}: content is not valid base64") from None
