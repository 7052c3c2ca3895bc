"""Telegram: long polling or webhook in, messages out. It knows its wire and nothing of policy (channels.md 5)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from openclaw.agent.contract import ReplyTarget
from openclaw.channels.chunking import width
from openclaw.channels.contract import (
    Capabilities,
    ChannelDown,
    InboundMessage,
    Inbox,
    MediaRef,
    OutboundMessage,
    ProbeResult,
    Receipt,
    SendFailed,
)
from openclaw.channels.sniff import sniff
from openclaw.channels.telegram.api import ApiSettings, BotApi, MarkupRefused, down, sent
from openclaw.channels.telegram.inbound import CHANNEL, GENERAL_TOPIC, Bot, to_inbound, unreadable
from openclaw.channels.telegram.offset import OffsetFile
from openclaw.channels.telegram.render import to_html
from openclaw.channels.telegram.webhook import WebhookSettings, serve_webhook
from openclaw.channels.webhooks import WebhookHost
from openclaw.policy.who.facts import SelfIdentity
from openclaw.system.clock import Clock
from openclaw.system.secret import Secret

if TYPE_CHECKING:
    from telegram import Update

log = logging.getLogger(__name__)

CAPTION_LIMIT: Final = 1024
HARD_LIMIT: Final = 4096
DOWNLOAD_LIMIT: Final = 20 * 1024 * 1024

CAPABILITIES: Final = Capabilities(
    chunk_limit=4000,
    hard_limit=HARD_LIMIT,
    markup="telegram-html",
    tables="code",
    typing=True,
    reactions=True,
    media=True,
)


@dataclass(frozen=True, slots=True)
class TelegramSettings:
    """One account, resolved from config.

    Attributes:
        account: account id.
        api: how to reach the server.
        link_preview: show previews of links.
        commands: (name, description) pairs that are registered natively; empty clears them.
        webhook: where updates are pushed to; None means long polling.
    """

    account: str
    api: ApiSettings
    link_preview: bool = True
    commands: tuple[tuple[str, str], ...] = ()
    webhook: WebhookSettings | None = None


class TelegramChannel:
    """One bot."""

    def __init__(self, settings: TelegramSettings, offset_file: Path, clock: Clock, webhooks: WebhookHost) -> None:
        self.channel = CHANNEL
        self.capabilities = CAPABILITIES
        self.account = settings.account
        self._settings = settings
        self._api = BotApi(settings.api)
        self._offset = OffsetFile(offset_file)
        self._clock = clock
        self._webhooks = webhooks
        self._me: Bot | None = None
        self.connected = asyncio.Event()
        """Set while the bot is known and receives."""

    @property
    def credential(self) -> Secret:
        """Return the bot's token."""
        return self._settings.api.token

    @property
    def identity(self) -> SelfIdentity | None:
        """Return who the bot is, once it is connected."""
        return None if self._me is None else SelfIdentity(id=str(self._me.id), username=self._me.username)

    async def run(self, inbox: Inbox) -> None:
        """Connect, register the commands and receive until cancelled.

        Raises:
            ChannelDown: the token is wrong (final), or the server does not answer.
        """
        await self._api.open()
        try:
            user = self._api.bot.bot
            names = frozenset(name for name, _ in self._settings.commands)
            self._me = Bot(id=user.id, username=user.username or "", native=names)
            self.connected.set()
            await self._register_commands()
            if self._settings.webhook is not None:
                await serve_webhook(self._api, self._settings.webhook, self._webhooks, self._receiver(inbox))
            else:
                await self._poll(inbox)
        finally:
            self._me = None
            self.connected.clear()
            await self._api.close()

    async def _register_commands(self) -> None:
        from telegram.error import TelegramError

        try:
            await self._api.bot.delete_my_commands()
            if self._settings.commands:
                await self._api.bot.set_my_commands(self._settings.commands)
        except TelegramError as error:
            log.warning("telegram %s: the command menu was not registered: %s", self.account, type(error).__name__)

    async def _poll(self, inbox: Inbox) -> None:
        """Ask for updates; the journal has them before the next question acknowledges them."""
        await down(self._api.bot.delete_webhook(drop_pending_updates=False))
        receive = self._receiver(inbox)
        last = await asyncio.to_thread(self._offset.read, self._bot_id())
        while True:
            updates = await self._api.updates(None if last is None else last + 1)
            if not updates:
                continue
            fresh = [update for update in updates if last is None or update.update_id > last]
            await receive(fresh)
            last = max(update.update_id for update in updates)
            await asyncio.to_thread(self._offset.write, self._bot_id(), last)

    def _bot_id(self) -> int:
        if self._me is None:
            raise ChannelDown("Telegram is not connected")
        return self._me.id

    def _receiver(self, inbox: Inbox) -> Callable[[Sequence[Update]], Awaitable[None]]:
        async def receive(updates: Sequence[Update]) -> None:
            me = self._me
            if me is None:
                raise ChannelDown("Telegram is not connected")
            await inbox.offer([self._inbound(update, me) for update in updates])

        return receive

    def _inbound(self, update: Update, me: Bot) -> InboundMessage:
        """Return the message of an update; one whose parts are not what they should be is passed over."""
        try:
            return to_inbound(update, self.account, me)
        except Exception as error:  # noqa: BLE001 - foreign data: one bad update must not hold up all that follow
            log.warning("telegram update %d is not understood: %s", update.update_id, type(error).__name__)
            return unreadable(update.update_id, self.account)

    async def send(self, target: ReplyTarget, message: OutboundMessage) -> Receipt:
        """Send one chunk, as text or as a file with a caption. Raises SendFailed."""
        if message.media is not None:
            return await self._send_media(target, message)
        html = to_html(message.text)
        if not html:
            raise SendFailed("the message is empty", final=True)
        try:
            return await self._send_text(target, message, html, "HTML")
        except MarkupRefused:
            return await self._send_text(target, message, message.text, None)

    async def _send_text(
        self, target: ReplyTarget, message: OutboundMessage, text: str, parse_mode: str | None
    ) -> Receipt:
        from telegram import LinkPreviewOptions

        preview = None if self._settings.link_preview else LinkPreviewOptions(is_disabled=True)
        done = await sent(
            self._api.bot.send_message(
                text=text, parse_mode=parse_mode, link_preview_options=preview, **self._address(target, message)
            )
        )
        return Receipt(ids=(str(done.message_id),))

    async def _send_media(self, target: ReplyTarget, message: OutboundMessage) -> Receipt:
        data = await asyncio.to_thread(Path(str(message.media)).read_bytes)
        kind = sniff(data[:512]).kind
        bot = self._api.bot
        methods: Mapping[str, tuple[str, Callable[..., Awaitable[Any]]]] = {
            "image": ("photo", bot.send_photo),
            "animation": ("animation", bot.send_animation),
            "video": ("video", bot.send_video),
            "audio": ("audio", bot.send_audio),
        }
        name, method = methods.get(kind, ("document", bot.send_document))
        caption = to_html(message.text)
        fits = 0 < width(caption) <= CAPTION_LIMIT
        options = {"caption": caption, "parse_mode": "HTML"} if fits else {}
        done = await sent(method(**{name: data}, **options, **self._address(target, message)))
        ids: tuple[str, ...] = (str(done.message_id),)
        if caption and not fits:
            following = await self._send_text(target, message, caption, "HTML")
            ids = (*ids, *following.ids)
        return Receipt(ids=ids)

    def _address(self, target: ReplyTarget, message: OutboundMessage) -> dict[str, Any]:
        """Return chat, topic and quote; topic 1 is General and is left out."""
        from telegram import ReplyParameters

        address: dict[str, Any] = {"chat_id": _chat(target.to), "disable_notification": message.silent or None}
        topic = _topic(target)
        if topic not in (None, GENERAL_TOPIC):
            address["message_thread_id"] = topic
        if message.reply_to_id is not None and message.reply_to_id.isdigit():
            address["reply_parameters"] = ReplyParameters(int(message.reply_to_id), allow_sending_without_reply=True)
        return address

    async def typing(self, target: ReplyTarget) -> None:
        """Show that an answer is being written; best effort."""
        from telegram.error import TelegramError

        try:
            await self._api.bot.send_chat_action(_chat(target.to), "typing", message_thread_id=_topic(target))
        except (TelegramError, ChannelDown) as error:
            log.debug("telegram %s: no typing indicator: %s", self.account, type(error).__name__)

    async def edit(self, target: ReplyTarget, message_id: str, text: str) -> None:
        """Replace the text of one of our messages; an unchanged text is no error. Raises SendFailed."""
        request = self._api.bot.edit_message_text(
            text=to_html(text), parse_mode="HTML", chat_id=_chat(target.to), message_id=int(message_id)
        )
        try:
            await sent(request)
        except SendFailed as error:
            if "not modified" not in str(error).lower():
                raise

    async def fetch(self, media: MediaRef, *, limit: int) -> bytes:
        """Fetch a file of an admitted message. Raises SendFailed."""
        bound = min(limit, DOWNLOAD_LIMIT)
        if media.size is not None and media.size > bound:
            raise SendFailed(f"File too large. Maximum size is {bound // (1024 * 1024)}MB.", final=True)
        file = await sent(self._api.bot.get_file(media.handle))
        if file.file_path is None or not file.file_path.startswith(("http://", "https://")):
            raise SendFailed("the server offers the file at a local path, which is not read", final=True)
        if file.file_size is not None and file.file_size > bound:
            raise SendFailed(f"File too large. Maximum size is {bound // (1024 * 1024)}MB.", final=True)
        data = bytes(await sent(file.download_as_bytearray()))
        if len(data) > bound:
            raise SendFailed(f"File too large. Maximum size is {bound // (1024 * 1024)}MB.", final=True)
        return data

    async def probe(self) -> ProbeResult:
        """Ask the service who we are and where updates go."""
        api = self._api if self._me is not None else BotApi(self._settings.api)
        opened = self._me is None
        try:
            if opened:
                await api.open()
            me = await down(api.bot.get_me())
            hook = await down(api.bot.get_webhook_info())
        except ChannelDown as error:
            return ProbeResult(ok=False, message=str(error))
        finally:
            if opened:
                await api.close()
        facts = {
            "id": me.id,
            "username": me.username,
            "canReadAllGroupMessages": bool(me.can_read_all_group_messages),
            "webhookUrl": hook.url or None,
            "pendingUpdates": hook.pending_update_count,
        }
        return ProbeResult(ok=True, facts=facts)


def _chat(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdigit() else text


def _topic(target: ReplyTarget) -> int | None:
    return int(target.thread_id) if target.thread_id is not None and target.thread_id.isdigit() else None
