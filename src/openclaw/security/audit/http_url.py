"""Scheme, host and port of an http URL, read as browsers read it: the seed's parser was one of theirs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from openclaw.policy.what.hostnames import plain_host
from openclaw.security.audit.values import trim

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_END: Final = re.compile(r"[/\\?#]")
_HOST_PORT: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([0-9]*))?")
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_PORTS: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65535
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1", "::"})  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class HttpUrl:
    """What of a URL says where it leads; an IPv6 host is without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        """Return whether the seed takes the host for this machine."""
        return self.host in _LOOPBACK


def read_http_url(text: str) -> HttpUrl | str:
    """Return the URL, or what is wrong with it, for people."""
    bare = re.sub(r"[\t\n\r]", "", trim(text))
    found = _SCHEME.match(bare)
    if found is None:
        return "cannot be read as a URL"
    scheme = found.group(1).lower()
    if scheme not in _PORTS:
        return f"must be http or https, not {scheme}"
    authority = _END.split(bare[found.end() :].lstrip("/\\"), maxsplit=1)[0].rpartition("@")[2]
    parts = _HOST_PORT.fullmatch(authority)
    if parts is None:
        return "cannot be read as a URL"
    host, port = _host(parts.group(1)), int(parts.group(2) or 0)
    if not host or port > _MAX_PORT:
        return "has a bad port" if host else "names no host"
    return HttpUrl(scheme, host, port or _PORTS[scheme])


def _host(text: str) -> str:
    """Return a host in its plain form; "" when it is none. Short, octal and hexadecimal addresses are written out."""
    host = plain_host(text)
    if host is None:
        return ""
    if ":" in host or not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return host
    import socket

    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return ""
