"""Identities that a proxy states in headers: Tailscale Serve and trusted-proxy mode (gateway.md 2.1, 2.3).

Advisories A8, A16, A17. Such headers count only from a peer that can be nobody else than the proxy; they open the
WebSocket and nothing else, make nobody local and approve no device.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.who.client_address import in_networks, is_loopback, parse_address

SERVE_LOGIN_HEADER: Final = "tailscale-user-login"
_SERVE_PROXY_HEADERS: Final = ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
_SERVE_KEY: Final = "gateway.auth.allowTailscale"
_PROXY_KEY: Final = "gateway.auth.trustedProxy"


@dataclass(frozen=True, slots=True)
class TrustedProxyPolicy:
    """`gateway.auth.trustedProxy`.

    Attributes:
        user_header: header that names the user.
        required_headers: headers that must be there as well.
        allow_users: users that may enter; empty means any.
        allow_loopback: the proxy may be on this machine.
    """

    user_header: str = ""
    required_headers: tuple[str, ...] = ()
    allow_users: tuple[str, ...] = ()
    allow_loopback: bool = False


def _deny(rule: str, key: str, detail: str) -> Verdict[Outcome]:
    return Verdict(Outcome.DENY, (Reason(rule, key, detail),))


def serve_lookup(peer: str, headers: Mapping[str, str]) -> Verdict[Outcome]:
    """Decide whether a request may come from Tailscale Serve, so that it is worth asking Tailscale who it is.

    The deciding reason's detail is the address to ask about when allowed.

    Args:
        peer: address of the socket peer.
        headers: the request's headers, names in lower case; one that was sent twice is left out.
    """
    if not headers.get(SERVE_LOGIN_HEADER, "").strip():
        return _deny("tailscale_user_missing", _SERVE_KEY, "no Tailscale login was sent")
    if not is_loopback(peer) or not all(headers.get(name, "").strip() for name in _SERVE_PROXY_HEADERS):
        return _deny("tailscale_proxy_missing", _SERVE_KEY, "the request does not come from Tailscale Serve")
    first = parse_address(headers["x-forwarded-for"].partition(",")[0])
    if first is None:
        return _deny("tailscale_proxy_missing", _SERVE_KEY, "the forwarded address is unreadable")
    return Verdict(Outcome.ALLOW, (Reason("tailscale_lookup", _SERVE_KEY, str(first)),))


def judge_serve(login: str, whois_login: str | None) -> Verdict[Outcome]:
    """Decide whether a Tailscale login is the one that Tailscale itself knows for that address.

    Args:
        login: the header's value.
        whois_login: `UserProfile.LoginName` of the look-up; None when it failed.
    """
    if whois_login is None or not whois_login.strip():
        return _deny("tailscale_whois_failed", _SERVE_KEY, "Tailscale does not know the address")
    if not login.strip() or login.strip().lower() != whois_login.strip().lower():
        return _deny("tailscale_user_mismatch", _SERVE_KEY, "the login is not the one that Tailscale knows")
    return Verdict(Outcome.ALLOW, (Reason("tailscale", _SERVE_KEY),))


def judge_trusted_proxy(
    peer: str, headers: Mapping[str, str], policy: TrustedProxyPolicy, trusted_proxies: tuple[str, ...]
) -> Verdict[Outcome]:
    """Decide whether a listed proxy vouches for a user (gateway.md 2.1, `trusted-proxy`).

    Args:
        peer: address of the socket peer.
        headers: the request's headers, names in lower case; one that was sent twice is left out.
        policy: which headers and users.
        trusted_proxies: `gateway.trustedProxies`.
    """
    if not in_networks(peer, trusted_proxies):
        return _deny("trusted_proxy_untrusted_source", "gateway.trustedProxies", "the peer is not a listed proxy")
    if is_loopback(peer) and not policy.allow_loopback:
        key = f"{_PROXY_KEY}.allowLoopback"
        return _deny("trusted_proxy_loopback_source", key, "a proxy on this machine is not allowed")
    for name in policy.required_headers:
        if not headers.get(name.strip().lower(), "").strip():
            key = f"{_PROXY_KEY}.requiredHeaders"
            return _deny(f"trusted_proxy_missing_header_{name.strip().lower()}", key, "a required header is missing")
    name = policy.user_header.strip().lower()
    user = headers.get(name, "").strip() if name else ""
    if not user:
        return _deny("trusted_proxy_user_missing", f"{_PROXY_KEY}.userHeader", "the proxy names no user")
    if policy.allow_users and user not in policy.allow_users:
        return _deny("trusted_proxy_user_not_allowed", f"{_PROXY_KEY}.allowUsers", "the user is not listed")
    return Verdict(Outcome.ALLOW, (Reason("trusted-proxy", _PROXY_KEY),))
