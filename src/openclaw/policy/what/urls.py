"""Whether a URL that a message, page or model named may be fetched: text, each answer of the resolver, each hop.

Pure: `system/http.py` resolves once per hop, asks here, and connects only to the addresses that passed (exec.md 5.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urljoin

from openclaw.policy.verdict import Outcome, Reason
from openclaw.policy.what.addresses import AddressClass, classify, parse_address
from openclaw.policy.what.hostnames import is_legacy_address, plain_host

MAX_URL: Final = 2048
DEFAULT_PORTS: Final = {"http": 80, "https": 443}
POLICY_KEY: Final = "tools.web.fetch.ssrfPolicy"
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
_UNUSABLE: Final = re.compile(r"[\x00-\x20\x7f\\\ud800-\udfff]")
_PORT: Final = re.compile(r"[0-9]{1,16}")
_END_OF_AUTHORITY: Final = re.compile(r"[/?#]")
_BLOCKED_NAMES: Final = frozenset({"localhost", "localhost.localdomain", "metadata.google.internal"})
_BLOCKED_SUFFIXES: Final = (".localhost", ".local", ".internal")
_LOOPBACK_NAMES: Final = frozenset({"localhost", "localhost.localdomain"})
_BAD_PORTS: Final = frozenset(
    {
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104),
        *(109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515),
        *(526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049),
        *(3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    }
)
"""The Fetch standard's list: services that would take an HTTP request for their own protocol."""

_LIFTED_BY_SWITCH: Final = frozenset({AddressClass.PRIVATE, AddressClass.LOOPBACK, AddressClass.LINK_LOCAL})
_LIFTED_BY_NAME: Final = frozenset({AddressClass.PRIVATE, AddressClass.SPECIAL})
_DETAILS: Final = {
    "malformed": "Blocked: not a usable URL",
    "scheme": "Blocked: only http and https URLs are fetched",
    "userinfo": "Blocked: URL holds a user name or password",
    "port": "Blocked: port is not usable for HTTP",
    "legacy-ip": "Blocked: IP address in an unusual notation",
    "private-ip": "Blocked: private/internal IP address",
    "resolved-private-ip": "Blocked: resolves to private/internal IP address",
    "metadata": "Blocked: cloud metadata address",
    "unresolvable": "Host name does not resolve",
    "redirect-limit": "Blocked: too many redirects",
    "redirect-loop": "Blocked: redirect loop",
    "redirect-location": "Redirect without a usable Location",
    "redirect-downgrade": "Blocked: redirect from https to http with credentials",
}


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """The exceptions of `ssrfPolicy`; make it with `UrlPolicy.of`.

    Attributes:
        allow_private: lift private, loopback and link-local addresses, never metadata.
        allowed_hosts: plain names for which blocked names and private addresses are lifted.
        only_hosts: when not empty, the only hosts that may be fetched: plain names, or `.x` for sub-domains of x.
        key: the config key, for reasons.
    """

    allow_private: bool = False
    allowed_hosts: frozenset[str] = frozenset()
    only_hosts: tuple[str, ...] = ()
    key: str = POLICY_KEY

    @classmethod
    def of(
        cls,
        *,
        allow_private: bool = False,
        allowed_hostnames: Iterable[str] = (),
        hostname_allowlist: Iterable[str] = (),
        key: str = POLICY_KEY,
    ) -> UrlPolicy:
        """Return the policy for the lists of the config; what is no host name matches nothing."""
        allowed = frozenset(host for name in allowed_hostnames if (host := _listed_host(name)) is not None)
        only = tuple(_pattern(name.strip()) for name in hostname_allowlist)
        return cls(allow_private, allowed, only, key)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that passed: what to connect to and what to ask there.

    Attributes:
        scheme: `http` or `https`.
        host: plain host, an IPv6 literal without brackets.
        port: effective port.
        resource: path and query, at least `/`.
    """

    scheme: str
    host: str
    port: int
    resource: str

    @property
    def origin(self) -> tuple[str, str, int]:
        """Return what must be equal for credentials to go along."""
        return self.scheme, self.host, self.port

    @property
    def url(self) -> str:
        """Return the URL in its plain form, without fragment."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if DEFAULT_PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.resource}"

    @property
    def needs_lookup(self) -> bool:
        """Return whether the host is a name."""
        return parse_address(self.host) is None


@dataclass(frozen=True, slots=True)
class UrlVerdict:
    """The answer about a URL or about the addresses of its host.

    Attributes:
        outcome: allow or deny.
        reasons: the deciding rule; `public` or `policy` when allowed.
        target: the URL, when allowed.
        addresses: the only addresses that may be connected to, once they are known.
    """

    outcome: Outcome
    reasons: tuple[Reason, ...]
    target: Target | None = None
    addresses: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """Return the code of the deciding rule."""
        return self.reasons[-1].rule


def judge_url(text: str, policy: UrlPolicy) -> UrlVerdict:
    """Judge the text of a URL; the addresses of a name are still to be judged (steps 1 to 5).

    Args:
        text: the URL as it was given.
        policy: the exceptions that hold.
    """
    target = _parse(text)
    if isinstance(target, str):
        return _deny(target, policy)
    host = target.host
    if policy.only_hosts and not any(_matches(host, pattern) for pattern in policy.only_hosts):
        return _deny("hostname", policy, f"Blocked hostname (not in hostnameAllowlist): {host}")
    lifted = host in policy.allowed_hosts and not _is_metadata_name(host)
    if not lifted and (host in _BLOCKED_NAMES or host.endswith(_BLOCKED_SUFFIXES)):
        return _deny("hostname", policy, f"Blocked hostname: {host}")
    if is_legacy_address(host):
        return _deny("legacy-ip", policy)
    if not target.needs_lookup:
        return judge_addresses(target, (host,), policy)
    return UrlVerdict(Outcome.ALLOW, (_ground(policy, excepted=lifted),), target)


def judge_addresses(target: Target, answers: Sequence[str], policy: UrlPolicy) -> UrlVerdict:
    """Judge every answer of one look-up; all must pass, and only they may be connected to (step 6).

    Args:
        target: the URL that passed `judge_url`.
        answers: addresses as text.
        policy: the exceptions that hold.
    """
    if not answers:
        return _deny("unresolvable", policy, f"{_DETAILS['unresolvable']}: {target.host}")
    private = "resolved-private-ip" if target.needs_lookup else "private-ip"
    excepted = False
    for answer in answers:
        address = parse_address(answer)
        if address is None:
            return _deny(private, policy)
        kind = classify(address)
        if kind is AddressClass.PUBLIC:
            continue
        if not _is_lifted(kind, target.host, policy):
            usually = policy.allow_private or target.host in policy.allowed_hosts
            return _deny("metadata" if kind is AddressClass.METADATA and usually else private, policy)
        excepted = True
    pinned = tuple(dict.fromkeys(answers))
    return UrlVerdict(Outcome.ALLOW, (_ground(policy, excepted=excepted),), target, pinned)


@dataclass(frozen=True, slots=True)
class Journey:
    """A request on its way through redirects; every hop is judged like a first URL.

    Attributes:
        target: where it is now.
        left: redirects that may still be followed.
        seen: URLs that were asked.
        method: the method of the next request.
        carries: whether credentials, cookies and the body still go along.
    """

    target: Target
    left: int
    seen: frozenset[str] = field(default_factory=frozenset)
    method: str = "GET"
    carries: bool = True

    @classmethod
    def begin(cls, target: Target, max_redirects: int, method: str = "GET") -> Journey:
        """Return a journey that stands at its first URL."""
        return cls(target, max_redirects, frozenset({target.url}), method)


def follow(
    journey: Journey, status: int, location: str | None, policy: UrlPolicy, *, has_credentials: bool
) -> Journey | UrlVerdict:
    """Return where a redirect leads, or the refusal of it (step 7).

    Args:
        journey: where the request is.
        status: one of `REDIRECTS`.
        location: the Location header.
        policy: the exceptions that hold.
        has_credentials: whether the request has a header, cookie or body that is only for its first origin.
    """
    if journey.left <= 0:
        return _deny("redirect-limit", policy)
    if location is None or not location.strip() or _UNUSABLE.search(location.strip()):
        return _deny("redirect-location", policy)
    try:
        joined = urljoin(journey.target.url, location.strip())
    except ValueError:
        return _deny("malformed", policy)
    verdict = judge_url(joined, policy)
    if verdict.target is None:
        return verdict
    target = verdict.target
    if target.url in journey.seen:
        return _deny("redirect-loop", policy)
    carries = journey.carries and target.origin == journey.target.origin
    if journey.target.scheme == "https" and target.scheme == "http" and journey.carries and has_credentials:
        return _deny("redirect-downgrade", policy)
    keeps_method = carries and status in {307, 308}
    method = journey.method if keeps_method or journey.method == "HEAD" else "GET"
    return replace(
        journey,
        target=target,
        left=journey.left - 1,
        seen=journey.seen | {target.url},
        method=method,
        carries=carries,
    )


def _parse(text: str) -> Target | str:
    """Return the target of a URL, or the code of what is wrong with it."""
    text = text.strip()
    if not text or len(text) > MAX_URL or _UNUSABLE.search(text):
        return "malformed"
    scheme_part = _SCHEME.match(text)
    if scheme_part is None:
        return "malformed"
    scheme = scheme_part.group(1).lower()
    if scheme not in DEFAULT_PORTS:
        return "scheme"
    rest = text[scheme_part.end() :].partition("#")[0]
    end = _END_OF_AUTHORITY.search(rest)
    authority, resource = (rest[: end.start()], rest[end.start() :]) if end else (rest, "/")
    if "@" in authority:
        return "userinfo"
    host_text, colon, port_text = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host_text, port_text = authority, ""
    host = plain_host(host_text)
    if host is None:
        return "malformed"
    if port_text and _PORT.fullmatch(port_text) is None:
        return "malformed"
    port = int(port_text) if port_text else DEFAULT_PORTS[scheme]
    if port > 65535 or port in _BAD_PORTS:
        return "port"
    return Target(scheme, host, port, resource if resource.startswith("/") else f"/{resource}")


def _is_lifted(kind: AddressClass, host: str, policy: UrlPolicy) -> bool:
    """Tell whether an exception covers an address that is not public."""
    if kind is AddressClass.METADATA or _is_metadata_name(host):
        return False
    if policy.allow_private and kind in _LIFTED_BY_SWITCH:
        return True
    if host not in policy.allowed_hosts:
        return False
    return kind in _LIFTED_BY_NAME or (kind is AddressClass.LOOPBACK and _is_loopback_name(host))


def _is_loopback_name(host: str) -> bool:
    address = parse_address(host)
    if address is not None:
        return classify(address) is AddressClass.LOOPBACK
    return host in _LOOPBACK_NAMES or host.endswith(".localhost")


def _is_metadata_name(host: str) -> bool:
    """Tell whether a name is that of a cloud's metadata service, which no exception covers."""
    return host == "metadata" or host.startswith("metadata.") or host == "instance-data"


def _matches(host: str, pattern: str) -> bool:
    return host.endswith(pattern) if pattern.startswith(".") else host == pattern


def _listed_host(text: str) -> str | None:
    """Return a host as a list of the config writes it; an IPv6 literal needs no brackets there."""
    text = text.strip()
    return plain_host(f"[{text}]") if ":" in text and not text.startswith("[") else plain_host(text)


def _pattern(text: str) -> str:
    """Return `.x` for `*.x`, else a plain name; a pattern that is no name matches nothing."""
    name = _listed_host(text.removeprefix("*."))
    if name is None:
        return "\0"
    return f".{name}" if text.startswith("*.") else name


def _ground(policy: UrlPolicy, *, excepted: bool) -> Reason:
    if excepted:
        return Reason("policy", policy.key, "An exception of the config covers this host.")
    return Reason("public", None, "The URL leads to public addresses only.")


def _deny(rule: str, policy: UrlPolicy, detail: str | None = None) -> UrlVerdict:
    return UrlVerdict(Outcome.DENY, (Reason(rule, policy.key, detail or _DETAILS[rule]),))
