"""Which web pages may open a connection: the Origin rule of gateway.md 2.4 step 1 (advisories A7, A8, B1).

A browser sends the origin of the page and cannot be talked out of it. The page is ours when its host is one that only
this machine can answer for; a name that merely equals the Host header proves nothing, since a page that rebinds its own
name to our address has Origin = Host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from openclaw.policy.verdict import Reason, Verdict
from openclaw.policy.who.client_address import is_loopback_name, parse_address, split_host

CONTROL_UI: Final = "openclaw-control-ui"
WEBCHAT_MODE: Final = "webchat"
ORIGIN_REFUSED: Final = (
    "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)"
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_HTTP: Final = re.compile(r"(https?)://([^/]*)")
_KEY: Final = "gateway.controlUi.allowedOrigins"


class Origin(StrEnum):
    """What the origin of a connection is to us."""

    ABSENT = "absent"
    OWN = "own"
    LISTED = "listed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class OriginPolicy:
    """What the config and this machine say about web pages.

    Attributes:
        allowed: `gateway.controlUi.allowedOrigins`, compared whole and in lower case; `*` matches nothing.
        host_header_fallback: `gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback`.
        own_names: host names that only this machine answers to: its host name and its tailnet name, lower-case.
    """

    allowed: tuple[str, ...] = ()
    host_header_fallback: bool = False
    own_names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Site:
    scheme: str
    name: str
    port: int


def judge_origin(
    origin: str | None, host: str | None, *, client_id: str, client_mode: str, policy: OriginPolicy
) -> Verdict[Origin]:
    """Decide whether the page that opened a connection may.

    Args:
        origin: the `Origin` header; None when there is none. An empty one counts as sent.
        host: the `Host` header.
        client_id: `client.id` of connect.
        client_mode: `client.mode` of connect.
        policy: allowed origins and own names.
    """
    if origin is None:
        if client_id == CONTROL_UI or client_mode == WEBCHAT_MODE:
            return _refuse("origin.missing", "a browser client must send its origin")
        return Verdict(Origin.ABSENT, (Reason("origin.absent"),))
    text = origin.strip().lower()
    listed = text in {entry.strip().lower() for entry in policy.allowed} and "://" in text
    site = _site(text)
    if site is None:
        if listed:
            return Verdict(Origin.LISTED, (Reason("origin.listed", _KEY),))
        return _refuse("origin.unreadable", "the origin is null or no http address")
    target = split_host(host)
    if target is not None and is_loopback_name(site.name) and is_loopback_name(target[0]):
        return Verdict(Origin.OWN, (Reason("origin.loopback"),))
    same = target is not None and _same_host(site, target)
    if same and _answers_only_here(site.name, policy):
        return Verdict(Origin.OWN, (Reason("origin.same-host"),))
    if listed:
        return Verdict(Origin.LISTED, (Reason("origin.listed", _KEY),))
    if same and site.name in _listed_hosts(policy):
        return Verdict(Origin.LISTED, (Reason("origin.listed-host", _KEY),))
    if same and policy.host_header_fallback:
        key = "gateway.controlUi.dangerouslyAllowHostHeaderOriginFallback"
        return Verdict(Origin.LISTED, (Reason("origin.host-header", key),))
    return _refuse("origin.not-allowed", "the page is neither this machine's own nor listed")


def _refuse(rule: str, detail: str) -> Verdict[Origin]:
    return Verdict(Origin.REFUSED, (Reason(rule, _KEY, detail),))


def _site(text: str) -> _Site | None:
    """Return scheme, host and port of an http origin; None for `null`, other schemes and anything with a path."""
    found = _HTTP.fullmatch(text)
    parts = split_host(found[2]) if found else None
    if found is None or parts is None:
        return None
    name, port = parts
    return _Site(found[1], name, _DEFAULT_PORTS[found[1]] if port is None else port)


def _same_host(site: _Site, target: tuple[str, int | None]) -> bool:
    """Compare an origin with a Host header; a port that is left out is that of the origin's scheme."""
    name, port = target
    return site.name == name and site.port == (_DEFAULT_PORTS[site.scheme] if port is None else port)


def _answers_only_here(name: str, policy: OriginPolicy) -> bool:
    """Tell whether nobody else can make this host name lead to us: an address, or one of our own names."""
    if is_loopback_name(name) or parse_address(name) is not None:
        return True
    own = {entry.rstrip(".").lower() for entry in policy.own_names}
    return name in own or (name.endswith(".local") and name.removesuffix(".local") in own)


def _listed_hosts(policy: OriginPolicy) -> frozenset[str]:
    sites = (_site(entry.strip().lower()) for entry in policy.allowed)
    return frozenset(site.name for site in sites if site is not None)
