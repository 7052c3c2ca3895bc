"""Reads the body of an answer within a bound that counts what is unpacked, not what was sent (advisories L10, K13)."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Final

_GZIP: Final = zlib.MAX_WBITS + 16
_GZIP_MAGIC: Final = 0x1F


async def read_body(chunks: AsyncIterator[bytes], encoding: str, limit: int) -> tuple[bytes, bool]:
    """Return at most `limit` bytes of a body and whether there was more; what is beyond is never held in memory.

    Args:
        chunks: the body as it arrives.
        encoding: the Content-Encoding header.
        limit: bytes after unpacking.

    Raises:
        ValueError: the compression is unknown or damaged.
    """
    unpack = _unpacker(encoding)
    pieces: list[bytes] = []
    room = limit
    async for chunk in chunks:
        for piece in unpack.feed(chunk, room + 1):
            pieces.append(piece[:room])
            if len(piece) > room:
                return b"".join(pieces), True
            room -= len(piece)
    return b"".join(pieces), False


class _Plain:
    """A body without compression."""

    def feed(self, chunk: bytes, limit: int) -> list[bytes]:
        """Return at most `limit` bytes of a chunk."""
        return [chunk[:limit]]


class _Inflate:
    """A gzip or deflate body; gzip files may be joined."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._engine: zlib._Decompress | None = None
        self._members = 0

    def feed(self, chunk: bytes, limit: int) -> list[bytes]:
        """Return at most `limit` bytes of content."""
        pieces: list[bytes] = []
        while chunk and limit > 0:
            if self._engine is None:
                if self._members and not (self._gzip and chunk[0] == _GZIP_MAGIC):
                    break  # padding after the last member
                self._engine = zlib.decompressobj(_GZIP if self._gzip else _deflate_window(chunk[0]))
                self._members += 1
            try:
                piece = self._engine.decompress(chunk, limit)
            except zlib.error as error:
                raise ValueError("damaged compression") from error
            pieces.append(piece)
            limit -= len(piece)
            chunk = self._engine.unconsumed_tail
            if self._engine.eof:
                chunk, self._engine = self._engine.unused_data, None
        return pieces


def _deflate_window(first: int) -> int:
    """Tell deflate in its proper zlib form from the bare one that some servers send."""
    return zlib.MAX_WBITS if first & 0x0F == 8 else -zlib.MAX_WBITS


def _unpacker(encoding: str) -> _Plain | _Inflate:
    match encoding.strip().lower():
        case "" | "identity":
            return _Plain()
        case "gzip" | "x-gzip":
            return _Inflate(gzip=True)
        case "deflate":
            return _Inflate(gzip=False)
        case other:
            raise ValueError(f"unknown compression {other[:20]!r}")
