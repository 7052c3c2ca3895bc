"""Updates pushed by Telegram: secret checked in constant time before the body is read, 200 after the journal has it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from openclaw.channels.telegram.api import ALLOWED_UPDATES, BotApi, down
from openclaw.channels.webhooks import Webhook, WebhookCall, WebhookHost
from openclaw.system.secret import Secret, same_secret
from openclaw.system.tasks import race

if TYPE_CHECKING:
    from telegram import Update

SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name

Receive = Callable[[Sequence["Update"]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """`channels.telegram.webhook*`.

    Attributes:
        url: public address that Telegram calls.
        secret: what Telegram sends along.
        host, port, path: where we listen.
    """

    url: str
    secret: Secret
    host: str = "127.0.0.1"
    port: int = 8787
    path: str = "/telegram-webhook"


async def serve_webhook(api: BotApi, settings: WebhookSettings, host: WebhookHost, receive: Receive) -> None:
    """Listen, tell Telegram where, and receive until cancelled.

    Raises:
        ChannelDown: Telegram refuses the address.
        Unavailable: the listener's address cannot be bound.
    """

    def accept(headers: Mapping[str, str]) -> int | None:
        given = headers.get(SECRET_HEADER)
        return None if same_secret(given, settings.secret) else HTTPStatus.UNAUTHORIZED

    async def handle(call: WebhookCall) -> int:
        update = parse_update(api, call.body)
        if update is None:
            return HTTPStatus.BAD_REQUEST
        await receive([update])
        return HTTPStatus.OK

    async def announce() -> None:
        await down(
            api.bot.set_webhook(
                url=settings.url, secret_token=settings.secret.reveal(), allowed_updates=ALLOWED_UPDATES
            )
        )
        await asyncio.get_running_loop().create_future()  # until cancelled

    webhook = Webhook(host=settings.host, port=settings.port, path=settings.path, accept=accept, handle=handle)
    await race(host.serve(webhook), announce())


def parse_update(api: BotApi, body: bytes) -> Update | None:
    """Return the update of a webhook body, or None when it is not one."""
    from openclaw.channels.telegram.updates import read_update

    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("update_id"), int):
        return None
    return read_update(found, api.bot)
