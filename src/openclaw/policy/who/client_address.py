"""Who is at the other end of a socket, and whether it is this machine (gateway.md 2.2, advisories A12, A14, A15, A17).

Addresses and header texts in, an address and a locality out. No name is resolved and no secret is seen.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from openclaw.policy.verdict import Outcome, Reason, Verdict

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "::1"})
MAX_HOPS: Final = 64
MAX_PORT: Final = 65535


class Locality(StrEnum):
    """Whether a client is on this machine."""

    LOCAL = "local"
    REMOTE = "remote"


class Via(StrEnum):
    """How a request came to us."""

    DIRECT = "direct"
    TRUSTED_PROXY = "trusted-proxy"
    UNTRUSTED_PROXY = "untrusted-proxy"


@dataclass(frozen=True, slots=True)
class HttpFacts:
    """What the locality of a request depends on, as received.

    Attributes:
        peer: address of the socket's other end, without port.
        host: the `Host` header; None when there is none or more than one.
        forwarded_for: every `X-Forwarded-For` header, in order.
        real_ip: every `X-Real-IP` header, in order.
        proxied: a `Forwarded`, `X-Real-IP` or `X-Forwarded-*` header of any kind is present.
    """

    peer: str
    host: str | None = None
    forwarded_for: tuple[str, ...] = ()
    real_ip: tuple[str, ...] = ()
    proxied: bool = False

    @classmethod
    def read(cls, peer: str, headers: Iterable[tuple[str, str]]) -> HttpFacts:
        """Pick the facts out of a request's headers, whose names may be in any case."""
        folded = [(name.strip().lower(), value) for name, value in headers]

        def values(wanted: str) -> tuple[str, ...]:
            return tuple(value for name, value in folded if name == wanted)

        hosts = values("host")
        return cls(
            peer=peer,
            host=hosts[0] if len(hosts) == 1 else None,
            forwarded_for=values("x-forwarded-for"),
            real_ip=values("x-real-ip"),
            proxied=any(name in ("forwarded", "x-real-ip") or name.startswith("x-forwarded-") for name, _ in folded),
        )


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """What the config and this machine say about addresses.

    Attributes:
        trusted_proxies: `gateway.trustedProxies`: exact addresses and CIDR ranges; anything else matches nothing.
        allow_real_ip: `gateway.allowRealIpFallback`: believe `X-Real-IP` of a trusted peer that sent no forwarded list.
        own_tailnet: this machine's own tailnet addresses.
        tailnet_name: this machine's name in the tailnet.
    """

    trusted_proxies: tuple[str, ...] = ()
    allow_real_ip: bool = True
    own_tailnet: frozenset[str] = frozenset()
    tailnet_name: str | None = None


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """Where a request comes from.

    Attributes:
        remote: address of the socket peer in canonical form; empty when it has none.
        client_ip: address of the client behind trusted proxies; that of the peer when it is not known.
        via: whether proxies stand between.
        known: False when a proxy did not say, readably, who the client is: then the client is never local.
        locality: whether the client is on this machine, and by which rule.
    """

    remote: str
    client_ip: str
    via: Via
    known: bool
    locality: Verdict[Locality] = field(default_factory=lambda: Verdict(Locality.REMOTE))

    @property
    def is_local(self) -> bool:
        """Return whether the client is on this machine."""
        return self.locality.outcome is Locality.LOCAL

    @property
    def stored_ip(self) -> str | None:
        """Return the address that a device record keeps: none for a local or an unknown one (gateway.md 2.2)."""
        if self.is_local or not self.known or self.via is Via.UNTRUSTED_PROXY or is_loopback(self.client_ip):
            return None
        return self.client_ip or None


def parse_address(text: str) -> Address | None:
    """Return the address that a text is, an IPv4-mapped one as IPv4, without zone; None when it is none."""
    try:
        found = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def is_loopback(text: str) -> bool:
    """Tell whether a text is a loopback address; names, `0.0.0.0`, `::` and the empty text are not (advisory A12)."""
    found = parse_address(text)
    return found is not None and found.is_loopback


def split_host(header: str | None) -> tuple[str, int | None] | None:
    """Return the name and port of a `Host` header, lower-case and without brackets; None when it is not one."""
    text = (header or "").strip().lower()
    if text.startswith("["):
        name, closed, rest = text[1:].partition("]")
        if not closed or ":" not in name or "%" in name or parse_address(name) is None:
            return None
    else:
        name, colon, port = text.partition(":")
        rest = colon + port
        if not name or not name.isascii() or any(char in "/\\@?#[]%, \t" for char in name):
            return None
    if not rest:
        return name, None
    digits = rest[1:]
    if rest[0] != ":" or len(digits) > 5 or not (digits.isascii() and digits.isdigit()):
        return None
    return (name, int(digits)) if 0 < int(digits) <= MAX_PORT else None


def is_loopback_name(name: str) -> bool:
    """Tell whether a host name says this machine: `localhost` or a loopback address."""
    return name == "localhost" or is_loopback(name)


def in_networks(address: str, entries: Iterable[str]) -> bool:
    """Tell whether an address is one of the entries or within one; unreadable entries hold nothing."""
    found = parse_address(address)
    return found is not None and any(found in network for network in map(_network, entries) if network is not None)


def _network(entry: str) -> Network | None:
    text = entry.strip()
    if "/" not in text:
        single = parse_address(text)
        return None if single is None else ipaddress.ip_network(single)
    try:
        found = ipaddress.ip_interface(text).network
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Network):
        mapped = found.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.ip_network((int(mapped), found.prefixlen - 96))
    return found


def resolve_client(facts: HttpFacts, policy: AddressPolicy, *, serve_verified: bool = False) -> ClientAddress:
    """Find the client of a request and decide whether it is local (gateway.md 2.2).

    Args:
        facts: peer and headers.
        policy: trusted proxies and own addresses.
        serve_verified: the request was proved to come from Tailscale Serve (2.3); only then a `.ts.net` host may count.
    """
    peer = parse_address(facts.peer)
    remote = "" if peer is None else str(peer)
    if not facts.proxied:
        address = ClientAddress(remote, remote, Via.DIRECT, known=peer is not None)
    elif not in_networks(remote, policy.trusted_proxies):
        address = ClientAddress(remote, remote, Via.UNTRUSTED_PROXY, known=False)
    else:
        client = _forwarded_client(facts, policy)
        known = client is not None
        address = ClientAddress(remote, client if client is not None else remote, Via.TRUSTED_PROXY, known=known)
    locality = _locality(address, facts, policy, serve_verified=serve_verified)
    return ClientAddress(address.remote, address.client_ip, address.via, address.known, locality)


def _forwarded_client(facts: HttpFacts, policy: AddressPolicy) -> str | None:
    """Return the client that a trusted proxy names: the rightmost hop that is no trusted proxy; None when unreadable.

    When every hop is a trusted proxy, the first of them is the client.
    """
    if not facts.forwarded_for:
        if not policy.allow_real_ip or len(facts.real_ip) != 1:
            return None
        single = _hop(facts.real_ip[0])
        return None if single is None else str(single)
    texts = ",".join(facts.forwarded_for).split(",")
    hops = [_hop(text) for text in texts]
    if len(hops) > MAX_HOPS or any(hop is None for hop in hops):
        return None
    names = [str(hop) for hop in hops]
    return next((name for name in reversed(names) if not in_networks(name, policy.trusted_proxies)), names[0])


def _hop(text: str) -> Address | None:
    """Return the address of one hop, which may carry a port or brackets."""
    cleaned = text.strip()
    if cleaned.startswith("["):
        parts = split_host(cleaned)
        return None if parts is None else parse_address(parts[0])
    if cleaned.count(":") == 1:
        parts = split_host(cleaned)
        return None if parts is None or parts[1] is None else parse_address(parts[0])
    return None if "%" in cleaned else parse_address(cleaned)


def _locality(
    address: ClientAddress, facts: HttpFacts, policy: AddressPolicy, *, serve_verified: bool
) -> Verdict[Locality]:
    def remote(rule: str, key: str | None, detail: str) -> Verdict[Locality]:
        return Verdict(Locality.REMOTE, (Reason(rule, key, detail),))

    if address.via is Via.UNTRUSTED_PROXY:
        return remote("local.proxied", "gateway.trustedProxies", "a proxy that is not listed sent the request")
    if not address.known:
        return remote("local.unknown-client", "gateway.trustedProxies", "the proxy does not say who the client is")
    host = split_host(facts.host)
    if host is None:
        return remote("local.host", None, "the Host header is missing or unreadable")
    name = host[0]
    if is_loopback(address.client_ip):
        if name in LOOPBACK_NAMES:
            return Verdict(Locality.LOCAL, (Reason("local.loopback"),))
        if serve_verified and name.endswith(".ts.net"):
            return Verdict(Locality.LOCAL, (Reason("local.serve", "gateway.tailscale.mode"),))
        return remote("local.host", None, "the Host header names another machine")
    own = {str(parse_address(text)) for text in policy.own_tailnet}
    if address.via is Via.DIRECT and address.remote in own:
        named = parse_address(name)
        if (named is not None and str(named) in own) or _is_name(name, policy.tailnet_name):
            return Verdict(Locality.LOCAL, (Reason("local.own-tailnet"),))
    return remote("local.address", None, "the client has another address")


def _is_name(name: str, known: str | None) -> bool:
    """Tell whether a lower-case host name is a known one, which may end in the dot of the root."""
    return known is not None and name == known.lower().removesuffix(".")


def admit_request(address: ClientAddress, *, has_shared_secret: bool) -> Verdict[Outcome]:
    """Decide whether a request is heard at all: headers of an unlisted proxy need a gateway with a shared secret.

    Without one (Tailscale only) the answer is HTTP 403 (gateway.md 2.2 step 5).
    """
    if address.via is not Via.UNTRUSTED_PROXY:
        return Verdict(Outcome.ALLOW, (Reason("proxy.none" if address.via is Via.DIRECT else "proxy.trusted"),))
    if has_shared_secret:
        return Verdict(Outcome.ALLOW, (Reason("proxy.untrusted", "gateway.trustedProxies", "counts as not local"),))
    detail = "proxy headers from an address that is not in gateway.trustedProxies, and no token or password is set"
    return Verdict(Outcome.DENY, (Reason("proxy.untrusted-no-secret", "gateway.trustedProxies", detail),))
