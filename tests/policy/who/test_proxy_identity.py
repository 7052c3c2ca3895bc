"""Identities in headers: gateway.md 2.1, 2.3, advisories A8, A16, A17."""

from __future__ import annotations

import pytest

from openclaw.policy.verdict import Outcome
from openclaw.policy.who.proxy_identity import TrustedProxyPolicy, judge_serve, judge_trusted_proxy, serve_lookup

SERVE = {
    "tailscale-user-login": "Ada@Example.com",
    "x-forwarded-for": "100.64.0.5",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "box.tail1.ts.net",
}
PROXY = TrustedProxyPolicy(user_header="X-User", required_headers=("X-Verified",))
HEADERS = {"x-user": "ada", "x-verified": "1"}


def test_a_serve_request_is_worth_a_look_up() -> None:
    verdict = serve_lookup("127.0.0.1", SERVE)
    assert verdict.outcome is Outcome.ALLOW
    assert verdict.decided_by.detail == "100.64.0.5"
    chain = serve_lookup("127.0.0.1", SERVE | {"x-forwarded-for": "100.64.0.6 ,10.0.0.1, 10.0.0.2"})
    assert chain.decided_by.detail == "100.64.0.6"


@pytest.mark.parametrize(
    ("peer", "changed", "rule"),
    [
        ("127.0.0.1", {"tailscale-user-login": " "}, "tailscale_user_missing"),
        ("9.9.9.9", {}, "tailscale_proxy_missing"),
        ("127.0.0.1", {"x-forwarded-host": ""}, "tailscale_proxy_missing"),
        ("127.0.0.1", {"x-forwarded-proto": ""}, "tailscale_proxy_missing"),
        ("127.0.0.1", {"x-forwarded-for": ""}, "tailscale_proxy_missing"),
        ("127.0.0.1", {"x-forwarded-for": "junk"}, "tailscale_proxy_missing"),
    ],
)
def test_anything_else_is_not_from_serve(peer: str, changed: dict[str, str], rule: str) -> None:
    verdict = serve_lookup(peer, SERVE | changed)
    assert (verdict.outcome, verdict.decided_by.rule) == (Outcome.DENY, rule)


@pytest.mark.parametrize(
    ("login", "whois", "rule"),
    [
        ("Ada@Example.com", "ada@example.com", "tailscale"),
        ("ada@example.com", "eve@example.com", "tailscale_user_mismatch"),
        ("ada@example.com", None, "tailscale_whois_failed"),
        ("ada@example.com", " ", "tailscale_whois_failed"),
        ("", "ada@example.com", "tailscale_user_mismatch"),
    ],
)
def test_the_login_must_be_the_one_that_tailscale_knows(login: str, whois: str | None, rule: str) -> None:
    verdict = judge_serve(login, whois)
    assert verdict.decided_by.rule == rule
    assert (verdict.outcome is Outcome.ALLOW) == (rule == "tailscale")


@pytest.mark.parametrize(
    ("peer", "headers", "policy", "rule"),
    [
        ("10.0.0.2", HEADERS, PROXY, "trusted-proxy"),
        ("9.9.9.9", HEADERS, PROXY, "trusted_proxy_untrusted_source"),
        ("127.0.0.1", HEADERS, PROXY, "trusted_proxy_loopback_source"),
        ("127.0.0.1", HEADERS, TrustedProxyPolicy("x-user", ("x-verified",), (), True), "trusted-proxy"),
        ("10.0.0.2", {"x-user": "ada"}, PROXY, "trusted_proxy_missing_header_x-verified"),
        ("10.0.0.2", {"x-user": " ", "x-verified": "1"}, PROXY, "trusted_proxy_user_missing"),
        ("10.0.0.2", HEADERS, TrustedProxyPolicy(), "trusted_proxy_user_missing"),
        ("10.0.0.2", HEADERS, TrustedProxyPolicy("x-user", (), ("eve",)), "trusted_proxy_user_not_allowed"),
        ("10.0.0.2", HEADERS, TrustedProxyPolicy("x-user", (), ("ada",)), "trusted-proxy"),
    ],
)
def test_adv_A17_identity_headers_count_from_a_listed_proxy_alone(
    peer: str, headers: dict[str, str], policy: TrustedProxyPolicy, rule: str
) -> None:
    verdict = judge_trusted_proxy(peer, headers, policy, ("10.0.0.0/8", "127.0.0.1"))
    assert verdict.decided_by.rule == rule
    assert (verdict.outcome is Outcome.ALLOW) == (rule == "trusted-proxy")
