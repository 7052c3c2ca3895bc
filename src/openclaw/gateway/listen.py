"""Where the gateway listens: the addresses of a bind mode, and the sockets; never more than was asked for."""

from __future__ import annotations

import errno
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from openclaw.policy.who.client_address import is_loopback
from openclaw.policy.who.gateway_policy import Bind, GatewayPolicy
from openclaw.system.errors import StartRefused

log = logging.getLogger(__name__)

TAILNET: Final = ipaddress.ip_network("100.64.0.0/10")
LOOPBACK: Final = "127.0.0.1"
LOOPBACK6: Final = "::1"
PROGRAM: Final = "openclaw"
_PROGRAM_WORDS: Final = 5
"""Words of a command line that may name the program: interpreter, its options, module."""
ANY: Final = "0.0.0.0"  # noqa: S104 - what `lan` means


@dataclass(frozen=True, slots=True)
class Listening:
    """What was bound.

    Attributes:
        sockets: bound sockets, not listening yet.
        port: the port of all of them.
        url: for people and clients on this machine.
    """

    sockets: tuple[socket.socket, ...]
    port: int
    url: str


def own_addresses() -> tuple[str, ...]:
    """Return the addresses of this machine's interfaces."""
    import psutil

    found = []
    for rows in psutil.net_if_addrs().values():
        found += [row.address.split("%", 1)[0] for row in rows if row.family in (socket.AF_INET, socket.AF_INET6)]
    return tuple(found)


def tailnet_addresses(addresses: Iterable[str]) -> tuple[str, ...]:
    """Return those addresses that belong to a tailnet."""
    return tuple(text for text in addresses if "." in text and ipaddress.ip_address(text) in TAILNET)


def bind_addresses(policy: GatewayPolicy, own: Callable[[], Iterable[str]] = own_addresses) -> tuple[str, ...]:
    """Return the addresses of the bind mode, the one that must work first."""
    match policy.bind:
        case Bind.LAN:
            return (ANY,)
        case Bind.CUSTOM:
            return (policy.custom_host or "",)
        case Bind.TAILNET:
            tailnet = tailnet_addresses(own())
            if tailnet:
                return tailnet[:1]
            log.warning("gateway.bind is tailnet but this machine has no tailnet address; listening on %s", LOOPBACK)
            return (LOOPBACK, LOOPBACK6)
        case _:
            return (LOOPBACK, LOOPBACK6)


def bind_sockets(addresses: tuple[str, ...], port: int, *, mode: str, scheme: str = "ws") -> Listening:
    """Bind every address.

    The first must work; `::1` beside `127.0.0.1` is left out with a warning when it does not.

    Raises:
        StartRefused: the address cannot be bound. No other one is tried.
    """
    sockets: list[socket.socket] = []
    try:
        for address in addresses:
            try:
                sockets.append(_bind(address, port if not sockets else sockets[0].getsockname()[1]))
            except OSError as error:
                if sockets and address == LOOPBACK6:
                    log.warning("not listening on %s: %s", address, (error.strerror or str(error)).lower())
                    continue
                raise _refusal(address, port, mode, scheme, error) from error
    except BaseException:
        for sock in sockets:
            sock.close()
        raise
    bound = sockets[0].getsockname()[1]
    shown = LOOPBACK if addresses[0] == ANY else addresses[0]
    return Listening(tuple(sockets), bound, f"{scheme}://{_bracketed(shown)}:{bound}")


def _bind(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind((address, port))
        sock.listen()  # two sockets may be bound to one port until one listens: claim it now
    except BaseException:
        sock.close()
        raise
    return sock


def _refusal(address: str, port: int, mode: str, scheme: str, error: OSError) -> StartRefused:
    where = f"{scheme}://{_bracketed(address)}:{port}"
    if error.errno == errno.EADDRINUSE:
        owner = port_owner(port)
        return StartRefused(
            f"{_holder(owner)} is already listening on {where}{f' ({owner})' if owner else ''}; "
            "stop it, or choose another gateway.port",
            code="port-in-use",
            details={"port": port, "owner": str(owner) if owner else ""},
        )
    why = (error.strerror or str(error)).lower()
    return StartRefused(
        f"gateway.bind {mode}: cannot listen on {address} port {port}: {why}",
        code="cannot-bind",
        details={"mode": mode, "address": address, "port": port},
    )


@dataclass(frozen=True, slots=True)
class PortOwner:
    """The program that listens on a port.

    Attributes:
        pid: its process id.
        name: its name.
        is_gateway: its command line is that of an openclaw, ours or the original.
    """

    pid: int
    name: str
    is_gateway: bool

    def __str__(self) -> str:
        """Return `name, pid N`."""
        return f"{self.name}, pid {self.pid}"


def port_owner(port: int) -> PortOwner | None:
    """Return who listens on a port; None when that cannot be told."""
    import psutil

    try:
        rows = psutil.net_connections(kind="tcp")
        listening = (row for row in rows if row.status == psutil.CONN_LISTEN)
        pid = next((row.pid for row in listening if getattr(row.laddr, "port", None) == port), None)
        if pid is None:
            return None
        process = psutil.Process(pid)
        name = process.name()
        return PortOwner(pid, name, is_openclaw(name, process.cmdline()))
    except (psutil.Error, OSError):
        return None


def is_openclaw(name: str, command: Sequence[str]) -> bool:
    """Tell whether a process is an openclaw: by its title, or by the program or module among its first words."""
    if name.startswith(PROGRAM):
        return True
    steps = {step for word in command[:_PROGRAM_WORDS] for step in word.split("/")}
    return any(step == PROGRAM or step.startswith((f"{PROGRAM}.", f"{PROGRAM}-gateway")) for step in steps)


def _holder(owner: PortOwner | None) -> str:
    """Name the kind of program; one that this user cannot look at may be a gateway of somebody else."""
    if owner is None:
        return "another gateway instance, or a program of another user,"
    return "another gateway instance" if owner.is_gateway else "another program, no openclaw gateway,"


def is_exposed(addresses: Iterable[str]) -> bool:
    """Tell whether any address can be reached from other machines."""
    return any(not is_loopback(address) for address in addresses)


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
