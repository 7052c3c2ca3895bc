"""How often a client may try a secret: a pure state machine over given times (gateway.md 2.4, advisories A7, A18).

An attempt is booked as a failure before anything is compared, and taken back when the comparison succeeds: parallel
attempts cannot pass the budget together. The caller holds the `Book` and replaces it by each returned one.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from openclaw.policy.verdict import Outcome, Reason, Verdict
from openclaw.policy.who.client_address import ClientAddress, Via, is_loopback, parse_address

MAX_CLIENTS: Final = 4096
OVERFLOW: Final = "*"
FIRST_DELAY_MS: Final = 250
LAST_DELAY_MS: Final = 5_000
MAX_WAIT_MS: Final = 8_000
IN_FLIGHT_MS: Final = 1_000
_KEY: Final = "gateway.auth.rateLimit"


class Credential(StrEnum):
    """What is tried. A failure of any class counts against the shared secret; a success forgives its own class only."""

    SHARED = "shared"
    DEVICE_TOKEN = "device-token"  # noqa: S105 - the name of a class of secrets
    BOOTSTRAP = "bootstrap"
    HOOK = "hook"
    PAIRING_CODE = "pairing-code"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many failures are allowed.

    Attributes:
        max_attempts: failures within the window that lock a client out.
        window_ms: how long a failure counts.
        lockout_ms: how long the lock-out lasts.
        exempt_loopback: local clients without an Origin are slowed down instead of locked out.
    """

    max_attempts: int = 10
    window_ms: int = 60_000
    lockout_ms: int = 300_000
    exempt_loopback: bool = True


HOOK_LIMITS: Final = Limits(max_attempts=20, lockout_ms=60_000, exempt_loopback=False)
"""Hooks and channel webhooks (gateway.md 2.4)."""
PAIRING_LIMITS: Final = Limits(lockout_ms=60_000, exempt_loopback=False)
"""Approving pairing codes through the gateway: 10 attempts per minute and source (channels.md 1.5)."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One booked attempt: number, class, time, and whether its failure is certain."""

    number: int
    credential: Credential
    at_ms: int
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """What is remembered of one client.

    Attributes:
        attempts: recent attempts, oldest first.
        locks: until when each class is locked out.
        free_at_ms: when the next delayed attempt may be compared.
    """

    attempts: tuple[Attempt, ...] = ()
    locks: tuple[tuple[Credential, int], ...] = ()
    free_at_ms: int = 0

    def locked_until(self, credential: Credential) -> int:
        """Return until when a class is locked out; 0 when it is not."""
        return next((until for locked, until in self.locks if locked is credential), 0)


@dataclass(frozen=True, slots=True)
class Book:
    """All clients. Replaced, never changed."""

    clients: Mapping[str, Client] = field(default_factory=lambda: MappingProxyType({}))
    next_number: int = 1


@dataclass(frozen=True, slots=True)
class Permit(Verdict[Outcome]):
    """Whether an attempt may be compared.

    Attributes:
        client: key of the client that the attempt was booked on.
        number: what `settle` needs; 0 when refused.
        wait_ms: the comparison must not happen before this time has passed.
        retry_after_ms: when refused, how long to wait before the next attempt.
    """

    client: str = ""
    number: int = 0
    wait_ms: int = 0
    retry_after_ms: int = 0


def client_key(address: ClientAddress, *, has_origin: bool = False) -> str:
    """Return the key of a client: IPv4 as it is, IPv6 by its /64, clients behind an unlisted proxy apart.

    Web pages on this machine have a bucket of their own, so that a page cannot lock out the command line, nor the other
    way round. Elsewhere an `Origin` header makes no difference: its sender chooses it.
    """
    found = parse_address(address.client_ip)
    if found is None:
        key = "unknown"
    elif isinstance(found, ipaddress.IPv6Address) and not found.is_loopback:
        key = str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
    else:
        key = str(found)
    if address.via is Via.UNTRUSTED_PROXY:
        return f"proxied/{key}"
    return f"{key}/browser" if has_origin and address.is_local else key


def is_exempt(address: ClientAddress, *, has_origin: bool, limits: Limits) -> bool:
    """Tell whether a client is slowed down instead of locked out: on this machine, and no web page (advisory A7)."""
    return limits.exempt_loopback and not has_origin and address.is_local and is_loopback(address.client_ip)


def reserve(
    book: Book, key: str, credential: Credential, now_ms: int, limits: Limits, *, exempt: bool = False
) -> tuple[Book, Permit]:
    """Book an attempt before its secret is compared.

    Args:
        book: what is remembered.
        key: `client_key` of the client.
        credential: what is tried.
        now_ms: the time.
        limits: what is allowed.
        exempt: result of `is_exempt`.

    Returns:
        The new book, and whether to compare. A permit must be settled; one that never is counts as a failure.
    """
    key, book = _seat(book, key, now_ms, limits)
    client = _current(book.clients.get(key, Client()), now_ms, limits)
    counted = [attempt for attempt in client.attempts if _counts(attempt, credential)]
    if exempt:
        return _slow(book, key, client, credential, now_ms, len(counted), limits)
    locked_until = client.locked_until(credential)
    if locked_until > now_ms:
        return book, _refuse(key, "rate.locked", locked_until - now_ms, "too many failed attempts from this client")
    if len(counted) >= limits.max_attempts:
        return book, _refuse(key, "rate.in-flight", IN_FLIGHT_MS, "too many attempts of this client at once")
    return _book(book, key, client, credential, now_ms, wait_ms=0)


def settle(
    book: Book, permit: Permit, now_ms: int, limits: Limits, *, failed: bool, proved: Credential | None = None
) -> Book:
    """Record how a permitted attempt ended. A permit of another book, or a refused one, changes nothing.

    Args:
        book: what is remembered.
        permit: the answer of `reserve`.
        now_ms: the time.
        limits: what is allowed.
        failed: something that was sent was wrong.
        proved: the class that was right: its own earlier failures are forgiven, those of other classes are not (A18).
    """
    client = book.clients.get(permit.client)
    if client is None or permit.number == 0:
        return book
    if failed:
        return _put(book, permit.client, _with_failure(client, permit.number, now_ms, limits))
    kept = tuple(
        attempt
        for attempt in client.attempts
        if attempt.number != permit.number and not (attempt.failed and attempt.credential is proved)
    )
    return _put(book, permit.client, replace(client, attempts=kept))


def _with_failure(client: Client, number: int, now_ms: int, limits: Limits) -> Client:
    """Mark an attempt as failed, and lock out every class whose budget that used up."""
    attempts = tuple(replace(known, failed=True) if known.number == number else known for known in client.attempts)
    client = _current(replace(client, attempts=attempts), now_ms, limits)
    locks = dict(client.locks)
    for credential in {known.credential for known in client.attempts} | {Credential.SHARED}:
        failures = sum(known.failed and _counts(known, credential) for known in client.attempts)
        if failures >= limits.max_attempts and credential not in locks:
            locks[credential] = now_ms + limits.lockout_ms
    return replace(client, locks=tuple(sorted(locks.items())))


def _counts(attempt: Attempt, credential: Credential) -> bool:
    return credential is Credential.SHARED or attempt.credential is credential


def _refuse(key: str, rule: str, retry_after_ms: int, detail: str) -> Permit:
    return Permit(Outcome.DENY, (Reason(rule, _KEY, detail),), client=key, retry_after_ms=retry_after_ms)


def _slow(
    book: Book, key: str, client: Client, credential: Credential, now_ms: int, failures: int, limits: Limits
) -> tuple[Book, Permit]:
    """Let an exempt client try, from the tenth failure on one at a time after a growing delay."""
    if failures < limits.max_attempts:
        return _book(book, key, client, credential, now_ms, wait_ms=0)
    delay = min(FIRST_DELAY_MS << (failures - limits.max_attempts), LAST_DELAY_MS)
    wait = max(client.free_at_ms - now_ms, 0) + delay
    if wait > MAX_WAIT_MS:
        return book, _refuse(key, "rate.queue-full", wait, "too many attempts of this client wait already")
    return _book(book, key, replace(client, free_at_ms=now_ms + wait), credential, now_ms, wait_ms=wait)


def _book(
    book: Book, key: str, client: Client, credential: Credential, now_ms: int, *, wait_ms: int
) -> tuple[Book, Permit]:
    attempt = Attempt(book.next_number, credential, now_ms)
    client = replace(client, attempts=(*client.attempts, attempt))
    permit = Permit(Outcome.ALLOW, (Reason("rate.ok", _KEY),), client=key, number=attempt.number, wait_ms=wait_ms)
    return replace(_put(book, key, client), next_number=book.next_number + 1), permit


def _put(book: Book, key: str, client: Client) -> Book:
    clients = {name: known for name, known in book.clients.items() if name != key}
    if client != Client():
        clients[key] = client
    return replace(book, clients=MappingProxyType(clients))


def _current(client: Client, now_ms: int, limits: Limits) -> Client:
    """Forget attempts that left the window, and a lock-out that is over together with the failures that caused it."""
    over = {credential for credential, until in client.locks if until <= now_ms}
    attempts = tuple(
        known
        for known in client.attempts
        if now_ms - known.at_ms < limits.window_ms
        and not (known.failed and any(_counts(known, credential) for credential in over))
    )
    locks = tuple(lock for lock in client.locks if lock[0] not in over)
    return replace(client, attempts=attempts, locks=locks)


def _seat(book: Book, key: str, now_ms: int, limits: Limits) -> tuple[str, Book]:
    """Find room for a client: forget idle ones; when all are live, newcomers share one bucket."""
    if key in book.clients or len(book.clients) < MAX_CLIENTS:
        return key, book
    live = {
        name: known
        for name, known in book.clients.items()
        if (current := _current(known, now_ms, limits)).attempts or current.locks
    }
    book = replace(book, clients=MappingProxyType(live))
    return (key if len(live) < MAX_CLIENTS else OVERFLOW), book
