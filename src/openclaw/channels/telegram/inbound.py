"""Telegram updates to InboundMessage (channels.md 5). Pure: it reads an update and the bot's identity, nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from openclaw.agent.contract import ReplyTarget
from openclaw.channels.contract import InboundMessage, MediaRef, Quoted
from openclaw.policy.who.facts import ChatType, EventKind, Mentions, MessageFacts, Sender

if TYPE_CHECKING:
    from telegram import (
        CallbackQuery,
        Chat,
        ChatMemberUpdated,
        Message,
        MessageEntity,
        MessageReactionUpdated,
        Update,
        User,
    )

CHANNEL: Final = "telegram"
SERVICE_ACCOUNTS: Final = frozenset({1087968824, 136817688, 777000})
"""GroupAnonymousBot, Channel_Bot and Telegram itself: their messages have no sender id."""

GENERAL_TOPIC: Final = 1
LONG_TEXT: Final = 4000
"""A text of at least this length may be the part of a longer one that the app split."""

_KINDS: Final = {
    "private": ChatType.DIRECT,
    "group": ChatType.GROUP,
    "supergroup": ChatType.GROUP,
}


@dataclass(frozen=True, slots=True)
class Bot:
    """Who we are, and which commands Telegram shows for us.

    Attributes:
        id: the bot's user id.
        username: without `@`.
        native: names of natively registered commands.
    """

    id: int
    username: str
    native: frozenset[str] = frozenset()


def to_inbound(update: Update, account: str, bot: Bot) -> InboundMessage:
    """Return the message of an update; a kind that we do not read becomes one that admission drops."""
    if update.message is not None:
        return _message(update.update_id, update.message, account, bot, EventKind.MESSAGE)
    if update.edited_message is not None:
        return _message(update.update_id, update.edited_message, account, bot, EventKind.EDIT)
    if update.callback_query is not None:
        return _callback(update.update_id, update.callback_query, account, bot)
    if update.message_reaction is not None:
        return _reaction(update.update_id, update.message_reaction, account, bot)
    if update.my_chat_member is not None:
        return _member(update.update_id, update.my_chat_member, account)
    return unreadable(update.update_id, account)


def unreadable(update_id: int, account: str) -> InboundMessage:
    """Return an event that admission drops; it stands for an update of which only the id is understood."""
    facts = MessageFacts(chat_type=ChatType.UNKNOWN, kind=EventKind.UNKNOWN)
    return _event(update_id, account, facts, ReplyTarget(channel=CHANNEL, account=account, to=""), sent_ms=0)


def _event(
    update_id: int, account: str, facts: MessageFacts, target: ReplyTarget, *, sent_ms: int, label: str = ""
) -> InboundMessage:
    return InboundMessage(
        channel=CHANNEL,
        account=account,
        event_id=str(update_id),
        facts=facts,
        message_id="",
        sent_ms=sent_ms,
        body=facts.text,
        sender_label=label,
        target=target,
    )


def _message(update_id: int, message: Message, account: str, bot: Bot, kind: EventKind) -> InboundMessage:
    text, entities = _text(message)
    sender = _sender(message)
    thread = _thread(message)
    if message.migrate_to_chat_id is not None:
        kind = EventKind.MIGRATE
    elif kind is EventKind.MESSAGE and _is_native(text, entities, bot):
        kind = EventKind.NATIVE
    facts = MessageFacts(
        chat_type=_KINDS.get(str(message.chat.type), ChatType.UNKNOWN),
        chat_id=str(message.chat.id),
        chat_name=message.chat.title,
        sender=sender,
        text=text,
        kind=kind,
        topic_id=thread if _is_forum(message) else None,
        thread_id=None if _is_forum(message) else thread,
        mentions=_mentions(text, entities, bot),
        reply_to_self=_replies_to(message, bot),
        from_me=message.from_user is not None and message.from_user.id == bot.id,
        native=kind is EventKind.NATIVE,
        forwarded=message.forward_origin is not None,
    )
    media = tuple(_media(message))
    forwarded = message.forward_origin is not None  # then the words are not the sender's: they come as a quote
    body = "" if forwarded else _with_links(text, entities) or _place(message)
    return InboundMessage(
        channel=CHANNEL,
        account=account,
        event_id=str(update_id),
        facts=facts,
        message_id=str(message.message_id),
        sent_ms=_ms(message),
        body=body,
        sender_label=sender_label(sender),
        target=_target(message, account, thread),
        chat_label=_chat_label(message.chat, facts.topic_id),
        media=media,
        quoted=tuple(_quotes(message)),
        join_key=_join_key(message, text),
        extra={"migrateTo": str(message.migrate_to_chat_id)} if message.migrate_to_chat_id is not None else {},
    )


def _callback(update_id: int, query: CallbackQuery, account: str, bot: Bot) -> InboundMessage:
    message = query.message
    chat = message.chat if message is not None else None
    facts = MessageFacts(
        chat_type=_KINDS.get(str(chat.type), ChatType.UNKNOWN) if chat is not None else ChatType.UNKNOWN,
        chat_id=str(chat.id) if chat is not None else "",
        chat_name=chat.title if chat is not None else None,
        sender=_person(query.from_user),
        kind=EventKind.CALLBACK,
        mentions=Mentions(me=True),
        from_me=query.from_user.id == bot.id,
    )
    target = ReplyTarget(channel=CHANNEL, account=account, to=facts.chat_id)
    found = _event(update_id, account, facts, target, sent_ms=0, label=sender_label(facts.sender))
    return replace(
        found,
        message_id=str(message.message_id) if message is not None else "",
        extra={"callbackId": query.id, "data": query.data or ""},
    )


def _reaction(update_id: int, reaction: MessageReactionUpdated, account: str, bot: Bot) -> InboundMessage:
    person = _person(reaction.user) if reaction.user is not None else Sender()
    facts = MessageFacts(
        chat_type=_KINDS.get(str(reaction.chat.type), ChatType.UNKNOWN),
        chat_id=str(reaction.chat.id),
        chat_name=reaction.chat.title,
        sender=person,
        kind=EventKind.REACTION,
        from_me=reaction.user is not None and reaction.user.id == bot.id,
    )
    target = ReplyTarget(channel=CHANNEL, account=account, to=facts.chat_id)
    sent = int(reaction.date.timestamp() * 1000)
    return _event(update_id, account, facts, target, sent_ms=sent, label=sender_label(person))


def _member(update_id: int, change: ChatMemberUpdated, account: str) -> InboundMessage:
    facts = MessageFacts(
        chat_type=_KINDS.get(str(change.chat.type), ChatType.UNKNOWN),
        chat_id=str(change.chat.id),
        chat_name=change.chat.title,
        sender=_person(change.from_user),
        kind=EventKind.MEMBER,
    )
    target = ReplyTarget(channel=CHANNEL, account=account, to=facts.chat_id)
    return _event(update_id, account, facts, target, sent_ms=int(change.date.timestamp() * 1000))


def _ms(message: Message) -> int:
    return int(message.date.timestamp() * 1000)


def _text(message: Message) -> tuple[str, Sequence[MessageEntity]]:
    if message.text is not None:
        return message.text, message.entities
    return message.caption or "", message.caption_entities


def _sender(message: Message) -> Sender:
    """Return who wrote; a message in a chat's name, or by a service account, has no sender id."""
    user = message.from_user
    if user is None or message.sender_chat is not None or user.id in SERVICE_ACCOUNTS:
        named = message.sender_chat
        return Sender(name=(named.title or named.full_name) if named is not None else None)
    return _person(user)


def _person(user: User) -> Sender:
    return Sender(id=str(user.id), username=user.username, name=user.full_name, is_bot=user.is_bot)


def sender_label(sender: Sender) -> str:
    """Return `Name (@user) id:<id>`."""
    parts = [
        sender.name or "",
        f"(@{sender.username})" if sender.username else "",
        f"id:{sender.id}" if sender.id else "",
    ]
    return " ".join(part for part in parts if part) or "unknown"


def _chat_label(chat: Chat, topic: str | None) -> str | None:
    if str(chat.type) == "private":
        return None
    return f"{chat.title or 'group'} id:{chat.id}" + (f" topic:{topic}" if topic else "")


def _is_forum(message: Message) -> bool:
    return bool(message.chat.is_forum) and str(message.chat.type) == "supergroup"


def _thread(message: Message) -> str | None:
    """Return the topic of a forum (General is 1) or the thread of a private chat; reply chains make none."""
    if _is_forum(message):
        return str(message.message_thread_id if message.is_topic_message else GENERAL_TOPIC)
    if str(message.chat.type) == "private" and message.message_thread_id is not None:
        return str(message.message_thread_id)
    return None


def _target(message: Message, account: str, thread: str | None) -> ReplyTarget:
    return ReplyTarget(
        channel=CHANNEL,
        account=account,
        to=str(message.chat.id),
        thread_id=thread,
        reply_to_id=str(message.message_id),
        chat_type="direct" if str(message.chat.type) == "private" else "group",
    )


def _units(text: str) -> bytes:
    return text.encode("utf-16-le")


def _slice(units: bytes, entity: MessageEntity) -> str:
    """Return the text of an entity, whose offsets are UTF-16 units."""
    return units[entity.offset * 2 : (entity.offset + entity.length) * 2].decode("utf-16-le", "replace")


def _with_links(text: str, entities: Sequence[MessageEntity]) -> str:
    """Return the text with labelled links written out as `[label](url)`."""
    links = sorted((entity for entity in entities if str(entity.type) == "text_link"), key=lambda entity: entity.offset)
    if not links:
        return text
    units = _units(text)
    parts: list[str] = []
    at = 0
    for entity in links:
        if entity.offset < at:
            continue
        parts.append(units[at * 2 : entity.offset * 2].decode("utf-16-le", "replace"))
        parts.append(f"[{_slice(units, entity)}]({entity.url})")
        at = entity.offset + entity.length
    parts.append(units[at * 2 :].decode("utf-16-le", "replace"))
    return "".join(parts)


def _mentions(text: str, entities: Sequence[MessageEntity], bot: Bot) -> Mentions:
    units = _units(text)
    mine = others = False
    for entity in entities:
        kind = str(entity.type)
        if kind == "mention":
            same = _slice(units, entity).removeprefix("@").lower() == bot.username.lower()
            mine, others = mine or same, others or not same
        elif kind == "text_mention" and entity.user is not None:
            same = entity.user.id == bot.id
            mine, others = mine or same, others or not same
    return Mentions(me=mine or _names_bot(text, bot), others=others)


def _names_bot(text: str, bot: Bot) -> bool:
    """Return whether `@username` stands in the text with no further username character behind it."""
    if not bot.username:
        return False
    return re.search(rf"(?<![A-Za-z0-9_])@{re.escape(bot.username)}(?![A-Za-z0-9_])", text, re.IGNORECASE) is not None


def _is_native(text: str, entities: Sequence[MessageEntity], bot: Bot) -> bool:
    units = _units(text)
    for entity in entities:
        if str(entity.type) == "bot_command" and entity.offset == 0:
            name, _, suffix = _slice(units, entity).removeprefix("/").partition("@")
            return name.lower() in bot.native and suffix.lower() in {"", bot.username.lower()}
    return False


def _replies_to(message: Message, bot: Bot) -> bool:
    original = message.reply_to_message
    if original is None or original.from_user is None or original.forum_topic_created is not None:
        return False
    return original.from_user.id == bot.id


def _join_key(message: Message, text: str) -> str | None:
    """Return what ties parts together: an album, or long texts that the app has split."""
    if message.media_group_id:
        return f"album:{message.media_group_id}"
    if len(text) >= LONG_TEXT:
        return f"text:{message.chat.id}"
    return None


def _media(message: Message) -> Iterable[MediaRef]:
    if message.photo:
        largest = max(message.photo, key=lambda size: size.width * size.height)
        yield MediaRef(kind="image", handle=largest.file_id, size=largest.file_size, mime="image/jpeg")
    sticker = message.sticker
    if sticker is not None and not sticker.is_animated and not sticker.is_video:
        yield MediaRef(kind="sticker", handle=sticker.file_id, size=sticker.file_size, mime="image/webp")
    document = None if message.animation is not None else message.document
    for kind, found in (
        ("video", message.video),
        ("video", message.video_note),
        ("animation", message.animation),
        ("document", document),
        ("audio", message.audio),
        ("voice", message.voice),
    ):
        if found is not None:
            yield MediaRef(
                kind=kind,
                handle=found.file_id,
                size=found.file_size,
                mime=getattr(found, "mime_type", None),
                name=getattr(found, "file_name", None),
            )


def _place(message: Message) -> str:
    if message.venue is not None:
        spot = message.venue
        return f"Venue: {spot.title}, {spot.address} ({spot.location.latitude}, {spot.location.longitude})"
    if message.location is not None:
        return f"Location: {message.location.latitude}, {message.location.longitude}"
    return ""


def _quotes(message: Message) -> Iterable[Quoted]:
    original = message.reply_to_message
    if message.forward_origin is not None:
        yield _forward(message)
    if original is not None and original.forum_topic_created is None:
        author = _sender(original)
        text = message.quote.text if message.quote is not None else _shown(original)
        yield Quoted(
            kind="quote" if message.quote is not None else "reply",
            label=sender_label(author),
            author_id=author.id,
            message_id=str(original.message_id),
            text=text,
        )
    elif message.quote is not None:
        label = message.external_reply.origin if message.external_reply is not None else None
        yield Quoted(
            kind="quote", label=_origin_label(label)[0] if label is not None else "unknown", text=message.quote.text
        )


def _forward(message: Message) -> Quoted:
    origin = message.forward_origin
    label, author = _origin_label(origin)
    at_ms = int(origin.date.timestamp() * 1000) if origin is not None else None
    return Quoted(kind="forward", label=label, author_id=author, text=_shown(message), at_ms=at_ms)


def _origin_label(origin: object) -> tuple[str, str | None]:
    """Return label and author id of a forward origin: a user, a hidden user, a chat or a channel."""
    user = getattr(origin, "sender_user", None)
    if user is not None:
        person = _person(user)
        return sender_label(person), person.id
    hidden = getattr(origin, "sender_user_name", None)
    if hidden:
        return str(hidden), None
    chat = getattr(origin, "sender_chat", None) or getattr(origin, "chat", None)
    return (str(getattr(chat, "title", None) or "unknown"), None)


def _shown(message: Message) -> str:
    text, entities = _text(message)
    placeholders = " ".join(f"<media:{media.kind}>" for media in _media(message))
    return " ".join(part for part in (placeholders, _with_links(text, entities)) if part)
