"""Runs URL cases against the guard, with a described resolver and described redirects. Nothing is connected to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.urls import Journey, Target, UrlPolicy, UrlVerdict, follow, judge_addresses, judge_url
from openclaw.security.policy_cases.result import CaseResult


class DescribedResolver:
    """Answers from the `dns` of a case; a list of lists gives the next answer at each look-up."""

    def __init__(self, dns: Mapping[str, Sequence[Any]]) -> None:
        self._dns = dns
        self._asked: dict[str, int] = {}

    def lookup(self, host: str) -> tuple[str, ...]:
        """Return the addresses of a name; none when it does not resolve."""
        answers = self._dns.get(host, ())
        if answers and not isinstance(answers[0], str):
            count = self._asked.get(host, 0)
            self._asked[host] = count + 1
            answers = answers[min(count, len(answers) - 1)]
        return tuple(answers)


def run_case(case: Mapping[str, Any], base_config: Mapping[str, Any]) -> CaseResult:
    """Run one URL case.

    Args:
        case: one entry of the case file.
        base_config: the head of the case file: `dns`, and `defaults` with `policy` and `maxRedirects`.

    Returns:
        Whether the last hop would be connected to; `why` stands in the trail.
    """
    defaults = base_config.get("defaults", {})
    resolver = DescribedResolver({**base_config.get("dns", {}), **case.get("dns", {})})
    policy = policy_of(case.get("policy", defaults.get("policy", {})))
    limit = case.get("maxRedirects", defaults.get("maxRedirects", 3))
    verdict = _travel(case, policy, resolver, limit)
    got = "allowed" if verdict.outcome is Outcome.ALLOW else "refused"
    return CaseResult.compare(str(case["id"]), {"expect": case["expect"]}, {"expect": got}, verdict.reasons)


def policy_of(raw: Mapping[str, Any]) -> UrlPolicy:
    """Return the exceptions that a case states in the words of `ssrfPolicy`."""
    return UrlPolicy.of(
        allow_private=bool(raw.get("dangerouslyAllowPrivateNetwork", raw.get("allowPrivateNetwork", False))),
        allowed_hostnames=raw.get("allowedHostnames", ()),
        hostname_allowlist=raw.get("hostnameAllowlist", ()),
    )


def _travel(case: Mapping[str, Any], policy: UrlPolicy, resolver: DescribedResolver, limit: int) -> UrlVerdict:
    verdict = _hop(judge_url(case["url"], policy), policy, resolver)
    if verdict.target is None:
        return verdict
    journey = Journey.begin(verdict.target, limit)
    for location in case.get("redirects", ()):
        following = follow(journey, 302, location, policy, has_credentials=False)
        if isinstance(following, UrlVerdict):
            return following
        journey = following
        verdict = _hop(judge_url(journey.target.url, policy), policy, resolver)
        if verdict.target is None:
            return verdict
    return verdict


def _hop(verdict: UrlVerdict, policy: UrlPolicy, resolver: DescribedResolver) -> UrlVerdict:
    target: Target | None = verdict.target
    if target is None or not target.needs_lookup:
        return verdict
    return judge_addresses(target, resolver.lookup(target.host), policy)
