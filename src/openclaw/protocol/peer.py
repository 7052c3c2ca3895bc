"""What handlers see of a connection or a request: facts and ports, no server library (architecture.md, `protocol/`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from openclaw.policy.where.scopes import Role, Scope, closure
from openclaw.policy.who.client_address import ClientAddress
from openclaw.policy.who.device_records import Caller


@dataclass(frozen=True, slots=True)
class Client:
    """What a client said of itself in `connect`; chosen by the client."""

    id: str
    mode: str
    version: str = ""
    platform: str = ""
    display_name: str | None = None
    device_family: str | None = None
    model_identifier: str | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """An admitted connection. Set at connect, never from params.

    Attributes:
        conn_id: id of the connection.
        protocol: negotiated protocol, 3 or 4.
        client: what it said of itself.
        role: what it is.
        scopes: what it was granted.
        device_id: the device that proved its key; None without one.
        auth_method: what opened it: `token`, `password`, `tailscale`, `trusted-proxy`, `device-token`.
        local: it is on this machine.
        remote_address: address of the client, for logs and presence.
        caps: capabilities that it listed.
        commands: node commands that may be used (declared, approved and allowed).
    """

    conn_id: str
    protocol: int
    client: Client
    role: Role
    scopes: tuple[Scope, ...]
    device_id: str | None
    auth_method: str
    local: bool
    remote_address: str
    caps: frozenset[str] = frozenset()
    commands: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return how logs and `resolvedBy` call it."""
        return self.client.display_name or self.client.id

    @property
    def identity(self) -> str:
        """Return what stands for this client across connections: device, else instance, else connection."""
        return self.device_id or self.client.instance_id or self.conn_id

    def has(self, scope: Scope) -> bool:
        """Return whether the connection holds a scope, by itself or through another."""
        return self.role is Role.OPERATOR and scope in closure(self.scopes)

    def caller(self) -> Caller:
        """Return the form that device pairing decides on."""
        return Caller(scopes=self.scopes if self.role is Role.OPERATOR else (), device_id=self.device_id)


class FrameSink(Protocol):
    """The sending side of one connection."""

    def send(self, frame: bytes, *, drop_if_slow: bool = False) -> None:
        """Queue a frame; never blocks. Beyond the backlog limit it is dropped or the connection closed."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Close after what is queued was sent; more frames are ignored."""
        ...


class Headers(Protocol):
    """Request headers, names in any case."""

    def get(self, name: str, default: str | None = None) -> str | None:
        """Return the first value of a header."""
        ...

    def get_all(self, name: str) -> tuple[str, ...]:
        """Return every value of a header, in order."""
        ...


class HttpRequest(Protocol):
    """One HTTP request, as handlers see it. The path was decoded once and is what is routed and guarded."""

    @property
    def method(self) -> str:
        """Upper-case method."""
        ...

    @property
    def path(self) -> str:
        """Decoded path."""
        ...

    @property
    def query(self) -> Mapping[str, str]:
        """Query values; the first of each name."""
        ...

    @property
    def headers(self) -> Headers:
        """Request headers."""
        ...

    @property
    def address(self) -> ClientAddress:
        """Where the request comes from."""
        ...

    async def read(self, limit: int) -> bytes:
        """Return the body.

        Raises:
            InvalidInput: it is longer than `limit` bytes (code `body-too-large`), or late (code `body-timeout`).
        """
        ...


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The answer to an HTTP request.

    Attributes:
        status: HTTP status.
        body: bytes, or a stream of them (server-sent events) that is closed when the client goes away.
        content_type: media type with charset.
        headers: further headers.
        close: the connection ends with this answer.
    """

    status: int
    body: bytes | AsyncIterator[bytes] = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    close: bool = False
