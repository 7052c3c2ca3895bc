"""Which network addresses are public, by the registries of special purposes; embedded IPv4 is taken out and judged too.

Only what is known to be globally reachable counts as public (exec.md 5.1 step 5, advisories L2).
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from typing import Final

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressClass(StrEnum):
    """What kind of address it is; only PUBLIC is reachable without an exception."""

    PUBLIC = "public"
    PRIVATE = "private"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    METADATA = "metadata"
    SPECIAL = "special"


def _table(*rows: tuple[AddressClass, str]) -> tuple[tuple[AddressClass, int, int], ...]:
    """Return rows of class, first and last address as numbers."""
    nets = [(kind, ipaddress.ip_network(text)) for kind, texts in rows for text in texts.split()]
    return tuple((kind, int(net.network_address), int(net.broadcast_address)) for kind, net in nets)


_V4: Final = _table(
    (AddressClass.METADATA, "169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192"),
    (AddressClass.LOOPBACK, "127.0.0.0/8"),
    (AddressClass.LINK_LOCAL, "169.254.0.0/16"),
    (AddressClass.PRIVATE, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10"),
    (
        AddressClass.SPECIAL,
        "0.0.0.0/8 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24"
        " 224.0.0.0/4 240.0.0.0/4",
    ),
)
_V6: Final = _table(
    (AddressClass.METADATA, "fd00:ec2::254/128 fd20:ce::254/128"),
    (AddressClass.LOOPBACK, "::1/128"),
    (AddressClass.LINK_LOCAL, "fe80::/10"),
    (AddressClass.PRIVATE, "fc00::/7 fec0::/10"),
    (AddressClass.SPECIAL, "::/128 ff00::/8 100::/64 2001::/23 2001:db8::/32 3fff::/20 64:ff9b:1::/48 5f00::/16"),
)
_GLOBAL_V6: Final = ipaddress.ip_network("2000::/3")
_EMBEDDING: Final = tuple(
    (int(ipaddress.ip_network(text).network_address) >> (128 - length), length, 128 - length - 32)
    for text, length in (("::ffff:0:0/96", 96), ("::/96", 96), ("64:ff9b::/96", 96), ("2002::/16", 16))
)
"""Prefix, its length, and how far right the embedded IPv4 address ends."""
_ISATAP: Final = (0x00005EFE, 0x02005EFE)


def parse_address(text: str) -> Address | None:
    """Return an address written in its ordinary form; anything else, zone ids too, is None."""
    try:
        return ipaddress.IPv6Address(text) if ":" in text and "%" not in text else ipaddress.IPv4Address(text)
    except ValueError:
        return None


def classify(address: Address) -> AddressClass:
    """Return what kind of address it is."""
    if isinstance(address, ipaddress.IPv4Address):
        return _look_up(_V4, int(address))
    number = int(address)
    kind = _look_up(_V6, number)
    if kind is not AddressClass.PUBLIC:
        return kind
    for prefix, length, shift in _EMBEDDING:
        if number >> (128 - length) == prefix:
            return _look_up(_V4, (number >> shift) & 0xFFFFFFFF)
    if address not in _GLOBAL_V6:
        return AddressClass.SPECIAL
    if (number >> 32) & 0xFFFFFFFF in _ISATAP:
        return _look_up(_V4, number & 0xFFFFFFFF)
    return AddressClass.PUBLIC


def _look_up(table: tuple[tuple[AddressClass, int, int], ...], number: int) -> AddressClass:
    return next((kind for kind, first, last in table if first <= number <= last), AddressClass.PUBLIC)
