"""The one outbound HTTP client for addresses that a message, a model, a page, a node or a package named.

Every hop is judged by `openclaw.policy.what.urls` and connected only to the addresses that were judged; proxies of the
environment, cookies and caches do not exist here. Bytes and time are bounded whatever the status is (exec.md 5.1,
advisories L1 to L5, L10). aiohttp is imported at the first request.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, Protocol

from openclaw.policy.verdict import Outcome
from openclaw.policy.what.urls import (
    REDIRECTS,
    Journey,
    Target,
    UrlPolicy,
    UrlVerdict,
    follow,
    judge_addresses,
    judge_url,
)
from openclaw.system.errors import OpenClawError, Refused, Unavailable
from openclaw.system.http_body import read_body

if TYPE_CHECKING:
    import aiohttp

DEFAULT_MAX_BYTES: Final = 750_000
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_IDLE: Final = 15.0
DEFAULT_REDIRECTS: Final = 3
USER_AGENT: Final = "openclaw"

_SAFE_HEADERS: Final = frozenset({"accept", "accept-language", "accept-encoding", "user-agent"})
"""The only headers that follow a redirect to another origin; any other may be a credential."""
_OWN_HEADERS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
_MAX_ANSWERS: Final = 32
_CHUNK: Final = 65_536


class Resolver(Protocol):
    """Looks a host name up."""

    async def lookup(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a name as text; none when it does not resolve."""
        ...


class SystemResolver:
    """The machine's resolver, on a thread."""

    async def lookup(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a name as text; none when it does not resolve."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return ()
        return tuple(dict.fromkeys(str(entry[4][0]).partition("%")[0] for entry in found))[:_MAX_ANSWERS]


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one request.

    Attributes:
        max_bytes: bytes of the decompressed body.
        on_excess: whether a longer body is cut or refused.
        total_seconds: for everything: look-up, redirects, body.
        idle_seconds: for connecting, and between two pieces of the answer.
        max_redirects: redirects that are followed.
    """

    max_bytes: int = DEFAULT_MAX_BYTES
    on_excess: Literal["cut", "refuse"] = "cut"
    total_seconds: float = DEFAULT_TIMEOUT
    idle_seconds: float = DEFAULT_IDLE
    max_redirects: int = DEFAULT_REDIRECTS


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer.

    Attributes:
        url: where it came from, after redirects.
        status: HTTP status; not judged here.
        headers: names in lower case; of repeated ones the first.
        body: decompressed, at most `max_bytes`.
        truncated: whether the body was longer.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool = False

    @property
    def content_type(self) -> str:
        """Return the media type in lower case, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class HttpClient:
    """Fetches URLs that others chose.

    Args:
        policy: the exceptions of `ssrfPolicy`; a call may pass another.
        resolver: looks names up; each hop asks it once.
    """

    def __init__(self, policy: UrlPolicy | None = None, *, resolver: Resolver | None = None) -> None:
        self._policy = policy or UrlPolicy()
        self._resolver = resolver or SystemResolver()

    async def judge(self, url: str, *, policy: UrlPolicy | None = None) -> UrlVerdict:
        """Judge a URL and the addresses of its host without connecting; for browser navigation."""
        return await self._judge_target(judge_url(url, policy or self._policy), policy or self._policy)

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        limits: Limits | None = None,
        policy: UrlPolicy | None = None,
    ) -> Fetched:
        """Fetch a URL.

        Args:
            url: as it was given.
            method: `GET`, `HEAD` or `POST` and the like.
            headers: sent to the first origin; beyond it only harmless ones go along.
            body: sent to the first origin only.
            limits: bounds of bytes, time and redirects.
            policy: exceptions for this call.

        Raises:
            Refused: the guard refused the URL or a hop (`details["why"]`), or the body is longer than allowed.
            Unavailable: the host does not resolve, answer, or answer in time.
        """
        limits, policy = limits or Limits(), policy or self._policy
        verdict = judge_url(url, policy)
        if verdict.target is None:
            raise url_refusal(verdict)
        request = _Request(method.upper(), dict(headers or {}), body)
        journey = Journey.begin(verdict.target, limits.max_redirects, request.method)
        try:
            async with asyncio.timeout(limits.total_seconds):
                return await self._travel(journey, request, limits, policy)
        except TimeoutError as error:
            message = f"{journey.target.host} did not answer within {limits.total_seconds:g} seconds."
            raise Unavailable(message, code="fetch-timeout") from error

    async def _travel(self, journey: Journey, request: _Request, limits: Limits, policy: UrlPolicy) -> Fetched:
        while True:
            target = journey.target
            verdict = await self._judge_target(judge_url(target.url, policy), policy)
            if verdict.outcome is not Outcome.ALLOW:
                raise url_refusal(verdict)
            async with _connection(target, verdict.addresses, limits) as session:
                answer = await self._ask(session, journey, request, limits)
            if isinstance(answer, Fetched):
                return answer
            following = follow(journey, *answer, policy, has_credentials=request.has_credentials)
            if isinstance(following, UrlVerdict):
                raise url_refusal(following)
            journey = following

    async def _ask(
        self, session: aiohttp.ClientSession, journey: Journey, request: _Request, limits: Limits
    ) -> Fetched | tuple[int, str | None]:
        """Return the answer, or status and location of a redirect, whose body is not read."""
        import aiohttp
        from yarl import URL

        target = journey.target
        own = request.at(journey)
        try:
            async with session.request(
                own.method, URL(target.url), headers=own.headers, data=own.body, allow_redirects=False
            ) as response:
                if response.status in REDIRECTS:
                    return response.status, response.headers.get("Location")
                found: dict[str, str] = {}
                for name, value in response.headers.items():
                    found.setdefault(name.lower(), value)
                encoding = found.get("content-encoding", "")
                body, truncated = await read_body(response.content.iter_chunked(_CHUNK), encoding, limits.max_bytes)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise Unavailable(f"Cannot fetch from {target.host}: {_reason(error)}.", code="fetch-failed") from error
        if truncated and limits.on_excess == "refuse":
            message = f"The answer of {target.host} is larger than {limits.max_bytes} bytes."
            raise Refused(message, code="too-large", details={"why": "size"})
        return Fetched(target.url, response.status, found, body, truncated)

    async def _judge_target(self, verdict: UrlVerdict, policy: UrlPolicy) -> UrlVerdict:
        target = verdict.target
        if target is None or not target.needs_lookup:
            return verdict
        return judge_addresses(target, await self._resolver.lookup(target.host, target.port), policy)


def url_refusal(verdict: UrlVerdict) -> OpenClawError:
    """Return the error of a refused URL; `details` holds `why` and the config key. It never holds path or query."""
    reason = verdict.reasons[-1]
    details = {"why": reason.rule, "key": reason.key}
    if reason.rule == "unresolvable":
        return Unavailable(f"{reason.detail}.", code="unresolvable", details=details)
    return Refused(reason.detail, code="url-refused", details=details)


@dataclass(frozen=True, slots=True)
class _Request:
    """What the caller wants to send."""

    method: str
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def has_credentials(self) -> bool:
        return self.body is not None or any(name.lower() not in _SAFE_HEADERS for name in self.headers)

    def at(self, journey: Journey) -> _Request:
        """Return what is sent at this hop: beyond the first origin only what says nothing about the caller."""
        sent = {
            name: value
            for name, value in self.headers.items()
            if name.lower() not in _OWN_HEADERS and (journey.carries or name.lower() in _SAFE_HEADERS)
        }
        if not any(name.lower() == "user-agent" for name in sent):
            sent["User-Agent"] = USER_AGENT
        sent["Accept-Encoding"] = "gzip, deflate"
        body = self.body if journey.carries and journey.method == self.method else None
        return _Request(journey.method, sent, body)


@asynccontextmanager
async def _connection(target: Target, addresses: Sequence[str], limits: Limits) -> AsyncIterator[aiohttp.ClientSession]:
    """Open a session that can only connect to the addresses that were judged for one host."""
    import aiohttp

    connector = aiohttp.TCPConnector(resolver=_pinned(target.host, addresses), use_dns_cache=False, force_close=True)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=limits.idle_seconds, sock_read=limits.idle_seconds),
        auto_decompress=False,
        trust_env=False,
    ) as session:
        yield session


def _pinned(host: str, addresses: Sequence[str]) -> aiohttp.abc.AbstractResolver:
    """Return a resolver that knows one name."""
    from aiohttp.abc import AbstractResolver, ResolveResult

    class Pinned(AbstractResolver):
        async def resolve(
            self, asked: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            if asked != host:
                raise OSError(f"{asked} was not judged")
            known = [(address, socket.AF_INET6 if ":" in address else socket.AF_INET) for address in addresses]
            return [
                ResolveResult(
                    hostname=asked, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST
                )
                for address, kind in known
                if family in {socket.AF_UNSPEC, kind}
            ]

        async def close(self) -> None:
            """Nothing is held."""

    return Pinned()


def _reason(error: Exception) -> str:
    """Return what went wrong without the URL, which may hold a token (advisories O1)."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) if type(error) is ValueError else type(error).__name__
