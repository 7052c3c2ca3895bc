"""The three envelopes of the wire: request, response, event (gateway.md 1.1).

They are closed: an unknown key makes a request invalid. A request is read without looking into its params; an event is
encoded once and framed per connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from openclaw.protocol.codec import UNSET, Mismatch, NotJson, Raw, Struct, UnsetType, decode, encode, typed_decoder
from openclaw.protocol.errors import RpcError, invalid_params, invalid_request
from openclaw.protocol.problems import at, join, required, unexpected

MAX_ID: Final = 512
MAX_METHOD: Final = 256
MAX_TRACEPARENT: Final = 128
MAX_PROFILE: Final = 128
_NO_ID: Final = "invalid"
_REQUEST_KEYS: Final = frozenset({"type", "id", "method", "params", "traceparent", "expectedProfileId"})


class RequestFrame(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag="req", rename="camel"):
    """A call. `traceparent` and `expectedProfileId` of newer clients are read and ignored."""

    id: str
    method: str
    params: Raw | UnsetType = UNSET
    traceparent: str | UnsetType = UNSET
    expected_profile_id: str | UnsetType = UNSET

    def arguments(self) -> dict[str, Any]:
        """Return the params; absent ones are `{}`.

        Raises:
            RpcError: they are no object.
        """
        if isinstance(self.params, UnsetType):
            return {}
        try:
            value = decode(self.params)
        except NotJson as error:
            raise invalid_params(self.method, f"must be readable JSON ({error})") from None
        if not isinstance(value, dict):
            raise invalid_params(self.method, "must be object")
        return value


@dataclass(frozen=True, slots=True)
class BadFrame:
    """What came is no request.

    Attributes:
        is_json: it was JSON at all; other text is ignored after connect and closes the socket before (1.3).
        id: the id to answer to: that of the frame when it had one, else `invalid`.
        why: the faults, in the words of 1.2.
    """

    is_json: bool
    id: str = _NO_ID
    why: str = ""

    def as_error(self) -> RpcError:
        """Return the error to answer with."""
        return invalid_request(f"invalid request frame: {self.why}")


_DECODE: Final = typed_decoder(RequestFrame)


def read_request(data: bytes | str) -> RequestFrame | BadFrame:
    """Read what a client sent; text and binary frames hold the same JSON."""
    try:
        frame: RequestFrame = _DECODE(data)
    except NotJson:
        return BadFrame(is_json=False, why="must be JSON")
    except Mismatch:
        return _examine(data)
    return frame if _within_limits(frame) else _examine(data)


def _within_limits(frame: RequestFrame) -> bool:
    return (
        0 < len(frame.id) <= MAX_ID
        and 0 < len(frame.method) <= MAX_METHOD
        and (isinstance(frame.traceparent, UnsetType) or len(frame.traceparent) <= MAX_TRACEPARENT)
        and (isinstance(frame.expected_profile_id, UnsetType) or 0 < len(frame.expected_profile_id) <= MAX_PROFILE)
    )


def _examine(data: bytes | str) -> BadFrame:
    """List the faults of a frame that is JSON but no request."""
    try:
        value = decode(data)
    except NotJson:
        return BadFrame(is_json=False, why="must be JSON")
    if not isinstance(value, dict):
        return BadFrame(is_json=True, why="must be object")
    clauses = [unexpected((), key) for key in value if key not in _REQUEST_KEYS]
    if "type" not in value:
        clauses.append(required((), "type"))
    elif value["type"] != "req":
        clauses.append(at(("type",), "must be equal to constant"))
    for name, low, high, needed in (
        ("id", 1, MAX_ID, True),
        ("method", 1, MAX_METHOD, True),
        ("traceparent", 0, MAX_TRACEPARENT, False),
        ("expectedProfileId", 1, MAX_PROFILE, False),
    ):
        clauses.extend(_text_faults(value, name, low, high, needed=needed))
    given = value.get("id")
    answer_to = given if isinstance(given, str) and 0 < len(given) <= MAX_ID else _NO_ID
    return BadFrame(is_json=True, id=answer_to, why=join(clauses) or "must be a request")


def _text_faults(value: Mapping[str, Any], name: str, low: int, high: int, *, needed: bool) -> list[str]:
    if name not in value:
        return [required((), name)] if needed else []
    text = value[name]
    if not isinstance(text, str):
        return [at((name,), "must be string")]
    if len(text) < low:
        return [at((name,), f"must NOT have fewer than {low} characters")]
    return [at((name,), f"must NOT have more than {high} characters")] if len(text) > high else []


class _Success(Struct, tag_field="type", tag="res"):
    id: str
    payload: Any
    ok: bool = True


class _Failure(Struct, tag_field="type", tag="res", omit_defaults=True):
    id: str
    ok: bool
    error: dict[str, Any]
    payload: Any = UNSET


def success(request_id: str, payload: Any) -> bytes:
    """Return a successful response; `None` is a legal payload and is sent as null."""
    return encode(_Success(request_id, payload))


def failure(request_id: str, error: RpcError, payload: Any = UNSET) -> bytes:
    """Return a failed response, which may carry a payload too."""
    return encode(_Failure(request_id, ok=False, error=error.as_wire(), payload=payload))


class EncodedEvent:
    """An event whose payload was encoded once; only the sequence number differs per connection."""

    __slots__ = ("_head", "_tail", "name")

    def __init__(self, name: str, payload: Any = UNSET, *, state_version: Mapping[str, int] | None = None) -> None:
        self.name = name
        body = b"" if payload is UNSET else b',"payload":' + encode(payload)
        version = b"" if state_version is None else b',"stateVersion":' + encode(state_version)
        self._head = b'{"type":"event","event":' + encode(name) + body
        self._tail = version + b"}"

    @property
    def size(self) -> int:
        """Return the bytes of a frame without sequence number."""
        return len(self._head) + len(self._tail)

    def frame(self, seq: int | None = None) -> bytes:
        """Return the frame for one connection; events for chosen connections have no number (1.8)."""
        if seq is None:
            return self._head + self._tail
        return b'%b,"seq":%d%b' % (self._head, seq, self._tail)


class ResponseFrame(Struct, frozen=True, tag_field="type", tag="res", rename="camel"):
    """A response, as our own clients read it. Open: a newer gateway may say more."""

    id: str
    ok: bool
    payload: Any = None
    error: dict[str, Any] | None = None


class EventFrame(Struct, frozen=True, tag_field="type", tag="event", rename="camel"):
    """An event, as our own clients read it."""

    event: str
    payload: Any = None
    seq: int | None = None
    state_version: dict[str, int] | None = None


def read_server_frame(data: bytes | str) -> ResponseFrame | EventFrame | None:
    """Read what a gateway sent; None for anything that is neither response nor event."""
    try:
        frame: ResponseFrame | EventFrame = _DECODE_SERVER(data)
    except (NotJson, Mismatch):
        return None
    return frame


_DECODE_SERVER: Final = typed_decoder(ResponseFrame | EventFrame)
