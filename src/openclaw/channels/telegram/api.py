"""The Bot API through python-telegram-bot: one client for requests, one for long polling, errors as ours.

The library's `Bot` is used, not its `Application` or `Updater`: they acknowledge updates before our journal has them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from openclaw.channels.contract import ChannelDown, SendFailed
from openclaw.system.errors import MissingExtra
from openclaw.system.secret import Secret

if TYPE_CHECKING:
    from telegram import Bot, Update
    from telegram.error import TelegramError

T = TypeVar("T")

DEFAULT_ROOT: Final = "https://api.telegram.org"
POLL_SECONDS: Final = 30
POLL_READ_SLACK: Final = 10.0
CONNECT_SECONDS: Final = 15.0
ALLOWED_UPDATES: Final = ("message", "edited_message", "callback_query", "message_reaction", "my_chat_member")

_NOT_SENT: Final = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "ProxyError"})
"""Transport errors after which the request cannot have left this machine."""

_PARSE_400: Final = ("can't parse entities", "find end of the entity")


class MarkupRefused(SendFailed):
    """Telegram could not parse the markup of a message: the caller sends it once more as plain text."""


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """How to reach the Bot API.

    Attributes:
        token: the bot's token.
        root: server; no trailing slash.
        timeout: seconds for a request.
        proxy: proxy URL, or None.
    """

    token: Secret
    root: str = DEFAULT_ROOT
    timeout: float = 500.0
    proxy: str | None = None


class BotApi:
    """One bot. `open` before use, `close` after it."""

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._bot: Bot | None = None

    @property
    def bot(self) -> Bot:
        """Return the library's client.

        Raises:
            ChannelDown: it is not open.
        """
        if self._bot is None:
            raise ChannelDown("Telegram is not connected")
        return self._bot

    async def open(self) -> None:
        """Connect and ask who we are.

        Raises:
            ChannelDown: the token is wrong (final), or the server does not answer.
            MissingExtra: the library is not installed.
        """
        bot = _build(self._settings)
        try:
            await down(bot.initialize())
        except BaseException:
            await bot.shutdown()
            raise
        self._bot = bot

    async def close(self) -> None:
        """Close both connections."""
        bot, self._bot = self._bot, None
        if bot is not None:
            await bot.shutdown()

    async def updates(self, offset: int | None) -> Sequence[Update]:
        """Wait for updates from `offset` on; asking acknowledges all before it.

        Raises:
            ChannelDown: the server does not answer, another poller uses the token, or the token is wrong.
        """
        return await down(
            self.bot.get_updates(offset=offset, limit=100, timeout=POLL_SECONDS, allowed_updates=ALLOWED_UPDATES)
        )


def _build(settings: ApiSettings) -> Bot:
    try:
        from telegram import Bot
        from telegram.request import HTTPXRequest

        from openclaw.channels.telegram.updates import UpdatesRequest
    except ImportError:
        raise MissingExtra("Telegram", "telegram") from None

    def connection(kind: type[HTTPXRequest], pool: int, read_timeout: float) -> HTTPXRequest:
        return kind(
            connection_pool_size=pool,
            read_timeout=read_timeout,
            write_timeout=settings.timeout,
            connect_timeout=CONNECT_SECONDS,
            pool_timeout=CONNECT_SECONDS,
            proxy=settings.proxy,
        )

    return Bot(
        settings.token.reveal(),
        base_url=f"{settings.root}/bot",
        base_file_url=f"{settings.root}/file/bot",
        request=connection(HTTPXRequest, 16, settings.timeout),
        get_updates_request=connection(UpdatesRequest, 1, POLL_READ_SLACK),
    )


async def down(request: Awaitable[T]) -> T:
    """Await a request of the connection itself; an error becomes ChannelDown."""
    from telegram.error import Conflict, InvalidToken, TelegramError

    try:
        return await request
    except InvalidToken:
        raise ChannelDown(
            "Telegram refuses the bot token; set channels.telegram.botToken to the one that @BotFather shows",
            final=True,
        ) from None
    except Conflict:
        raise ChannelDown("another program polls Telegram with this bot token; stop it") from None
    except TelegramError as error:
        raise ChannelDown(f"Telegram does not answer: {_plain(error)}") from None


async def sent(request: Awaitable[T]) -> T:
    """Await a sending request; an error becomes SendFailed, which says whether the outcome is unknown."""
    from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError

    try:
        return await request
    except RetryAfter as error:
        wait = error.retry_after
        seconds = wait if isinstance(wait, int | float) else wait.total_seconds()
        raise SendFailed("Telegram asks to slow down", retry_after=float(seconds)) from None
    except (Forbidden, InvalidToken, ChatMigrated) as error:
        raise SendFailed(_plain(error), final=True) from None
    except BadRequest as error:
        text = str(error).lower()
        if any(part in text for part in _PARSE_400):
            raise MarkupRefused(_plain(error), final=True) from None
        raise SendFailed(_plain(error), final=True) from None
    except TelegramError as error:
        raise SendFailed(_plain(error), reached=_reached(error)) from None


def _reached(error: TelegramError) -> bool:
    """Return whether the request may have been carried out although no answer came.

    An answer of the server, whatever its status, says that it was not.
    """
    cause = error.__cause__
    return cause is not None and type(cause).__name__ not in _NOT_SENT


def _plain(error: TelegramError) -> str:
    """Return the text without the address, which holds the token."""
    return str(error).split("https://", maxsplit=1)[0].split("http://", maxsplit=1)[0].strip() or type(error).__name__
