"""The port for channels that are pushed to: the transport room implements it, channels give it a handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """A POST whose headers were accepted; `body` is at most the bound that was asked for."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Webhook:
    """One path of a listener.

    Attributes:
        host, port: where to listen; accounts with the same pair share the listener.
        path: exact path of the POST.
        accept: looks at the headers before the body is read; None lets it pass, else the status to answer.
        handle: takes the call and returns the status to answer, after its deed is durable.
        body_limit: bytes; more is answered 413.
    """

    host: str
    port: int
    path: str
    accept: Callable[[Mapping[str, str]], int | None]
    handle: Callable[[WebhookCall], Awaitable[int]]
    body_limit: int = 1024 * 1024


class WebhookHost(Protocol):
    """Serves webhooks on their own loopback ports."""

    async def serve(self, webhook: Webhook) -> None:
        """Serve until cancelled; `GET /healthz` answers ok, anything else 404.

        Raises:
            Unavailable: the address cannot be bound, or the path is taken.
        """
        ...
