"""What a file is, by its first bytes, never by its name (channels.md 4.4). Pure."""

from __future__ import annotations

from typing import Final, NamedTuple


class Sniffed(NamedTuple):
    """A recognised type: MIME type, file suffix, and the kind of media that it is."""

    mime: str
    suffix: str
    kind: str


UNKNOWN: Final = Sniffed("application/octet-stream", ".bin", "document")

_MAGIC: Final = (
    (0, b"\x89PNG\r\n\x1a\n", Sniffed("image/png", ".png", "image")),
    (0, b"\xff\xd8\xff", Sniffed("image/jpeg", ".jpg", "image")),
    (0, b"GIF87a", Sniffed("image/gif", ".gif", "animation")),
    (0, b"GIF89a", Sniffed("image/gif", ".gif", "animation")),
    (8, b"WEBP", Sniffed("image/webp", ".webp", "image")),
    (0, b"OggS", Sniffed("audio/ogg", ".ogg", "audio")),
    (0, b"ID3", Sniffed("audio/mpeg", ".mp3", "audio")),
    (0, b"\xff\xfb", Sniffed("audio/mpeg", ".mp3", "audio")),
    (8, b"WAVE", Sniffed("audio/wav", ".wav", "audio")),
    (0, b"fLaC", Sniffed("audio/flac", ".flac", "audio")),
    (4, b"ftypM4A", Sniffed("audio/mp4", ".m4a", "audio")),
    (4, b"ftyp", Sniffed("video/mp4", ".mp4", "video")),
    (0, b"\x1aE\xdf\xa3", Sniffed("video/webm", ".webm", "video")),
    (0, b"%PDF-", Sniffed("application/pdf", ".pdf", "document")),
    (0, b"PK\x03\x04", Sniffed("application/zip", ".zip", "document")),
)

IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""The image types that models read."""


def sniff(head: bytes) -> Sniffed:
    """Return the type of a file from at least its first 16 bytes; printable text is text/plain."""
    for offset, magic, found in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return found
    if head and b"\0" not in head[:512]:
        try:
            head[:512].decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(head[:512]) - 4:
                return UNKNOWN
        return Sniffed("text/plain", ".txt", "document")
    return UNKNOWN
