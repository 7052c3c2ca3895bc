"""Holds the book of failed attempts and waits where `policy/who/rate_limit.py` says so (gateway.md 2.4)."""

from __future__ import annotations

from collections.abc import Callable

from openclaw.policy.verdict import Outcome
from openclaw.policy.who.client_address import ClientAddress
from openclaw.policy.who.rate_limit import Book, Credential, Limits, Permit, client_key, is_exempt, reserve, settle
from openclaw.system.clock import Clock


class Throttle:
    """Failed attempts of all clients, for one kind of door.

    Args:
        clock: the time.
        limits: what is allowed now; asked at every attempt, so that a config change counts at once.
    """

    def __init__(self, clock: Clock, limits: Callable[[], Limits]) -> None:
        self._clock = clock
        self._limits = limits
        self._book = Book()

    async def reserve(self, address: ClientAddress, credential: Credential, *, has_origin: bool) -> Permit:
        """Book an attempt before its secret is compared; returns once it may be, or with the refusal."""
        limits = self._limits()
        key = client_key(address, has_origin=has_origin)
        exempt = is_exempt(address, has_origin=has_origin, limits=limits)
        self._book, permit = reserve(self._book, key, credential, self._clock.now_ms(), limits, exempt=exempt)
        if permit.outcome is not Outcome.DENY and permit.wait_ms:
            await self._clock.sleep(permit.wait_ms / 1000)
        return permit

    def settle(self, permit: Permit, *, failed: bool, proved: Credential | None = None) -> None:
        """Record how a permitted attempt ended: whether something sent was wrong, and which class was right."""
        now, limits = self._clock.now_ms(), self._limits()
        self._book = settle(self._book, permit, now, limits, failed=failed, proved=proved)
