"""JSON on the wire: the one module that imports msgspec. Bytes in, values out, and back; no meaning."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

__all__ = ["UNSET", "Mismatch", "NotJson", "Raw", "Struct", "Typed", "UnsetType", "decode", "encode", "typed_decoder"]


class NotJson(ValueError):
    """The bytes are no JSON text that we read: malformed, not UTF-8, or nested too deeply."""


class Mismatch(ValueError):
    """The bytes are JSON, but not of the wanted shape. The text is msgspec's, for logs only."""


def _hook(value: Any) -> Any:
    """Turn what msgspec does not know into what it does; secrets and other objects are never written."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Set):
        return sorted(value)
    raise NotImplementedError(f"{type(value).__name__} is not written to the wire")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_hook)
_DECODER: Final = msgspec.json.Decoder()


def encode(value: Any) -> bytes:
    """Return a value as compact JSON.

    Raises:
        TypeError: the value holds something that has no place on the wire, such as a Secret.
    """
    try:
        return _ENCODER.encode(value)
    except NotImplementedError as error:
        raise TypeError(str(error)) from None


def decode(data: bytes | str | Raw) -> Any:
    """Return the value of a JSON text.

    Raises:
        NotJson: it is none.
    """
    try:
        return _DECODER.decode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise NotJson(_plain(error)) from None


class Typed:
    """Decodes one kind of Struct."""

    __slots__ = ("_decoder",)

    def __init__(self, decoder: msgspec.json.Decoder[Any]) -> None:
        self._decoder = decoder

    def __call__(self, data: bytes | str) -> Any:
        """Return the Struct that the text states.

        Raises:
            NotJson: it is no JSON.
            Mismatch: it is JSON of another shape.
        """
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError as error:
            raise Mismatch(str(error)) from None
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise NotJson(_plain(error)) from None


def typed_decoder(kind: Any) -> Typed:
    """Return a decoder for a Struct type or a union of tagged ones; make it once, at import."""
    return Typed(msgspec.json.Decoder(kind))


def _plain(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
