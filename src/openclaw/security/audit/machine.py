"""This machine's addresses and listening ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator

from openclaw.security.audit.deep_facts import Listener


def machine_addresses() -> frozenset[str]:
    """Return the addresses of this machine's interfaces."""
    import psutil

    families = (socket.AF_INET, socket.AF_INET6)
    rows = [row for group in psutil.net_if_addrs().values() for row in group if row.family in families]
    return frozenset(row.address.split("%", 1)[0] for row in rows)


def listeners_beyond_loopback(ports: frozenset[int]) -> Iterator[Listener]:
    """Yield the sockets that listen on these ports beyond loopback."""
    import psutil

    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return
    found = {
        (row.laddr.port, row.laddr.ip)
        for row in connections
        if row.status == psutil.CONN_LISTEN and row.laddr and row.laddr.port in ports
    }
    for port, address in sorted(found):
        bare = address.removeprefix("::ffff:")
        if not bare.startswith("127.") and bare != "::1":
            yield Listener(port, address)
