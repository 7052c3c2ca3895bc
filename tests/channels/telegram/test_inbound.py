from __future__ import annotations

from typing import Any

import pytest
from telegram import Update

from openclaw.channels.contract import InboundMessage
from openclaw.channels.telegram.inbound import Bot, to_inbound
from openclaw.policy.who.facts import ChatType, EventKind

BOT = Bot(id=1, username="clawbot", native=frozenset({"status"}))
ANN = {"id": 7, "is_bot": False, "first_name": "Ann", "username": "ann"}
PRIVATE = {"id": 7, "type": "private", "first_name": "Ann"}
GROUP = {"id": -100, "type": "supergroup", "title": "Team"}
FORUM = {**GROUP, "is_forum": True}


def parsed(update: dict[str, Any]) -> InboundMessage:
    found = Update.de_json({"update_id": 5, **update}, None)
    return to_inbound(found, "default", BOT)


def message(**fields: Any) -> dict[str, Any]:
    return {"message_id": 11, "date": 1_790_000_000, "chat": PRIVATE, "from": ANN, **fields}


def entity(kind: str, offset: int, length: int, **more: Any) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


def test_a_direct_message() -> None:
    found = parsed({"message": message(text="hello")})
    assert (found.event_id, found.message_id, found.body) == ("5", "11", "hello")
    assert found.facts.chat_type is ChatType.DIRECT
    assert (found.facts.sender.id, found.facts.sender.username) == ("7", "ann")
    assert found.sender_label == "Ann (@ann) id:7"
    assert (found.target.to, found.target.chat_type, found.target.reply_to_id) == ("7", "direct", "11")
    assert found.sent_ms == 1_790_000_000_000


def test_a_group_message_names_its_group() -> None:
    found = parsed({"message": message(chat=GROUP, text="hello")})
    assert found.facts.chat_type is ChatType.GROUP
    assert found.chat_label == "Team id:-100"
    assert found.facts.topic_id is None


@pytest.mark.parametrize(
    ("fields", "topic"),
    [
        ({"message_thread_id": 42, "is_topic_message": True}, "42"),
        ({}, "1"),
        ({"message_thread_id": 42}, "1"),
    ],
)
def test_a_forum_has_topics_and_general_is_topic_one(fields: dict[str, Any], topic: str) -> None:
    found = parsed({"message": message(chat=FORUM, text="x", **fields)})
    assert (found.facts.topic_id, found.target.thread_id) == (topic, topic)


def test_reply_chains_of_plain_groups_make_no_thread() -> None:
    found = parsed({"message": message(chat=GROUP, text="x", message_thread_id=42)})
    assert (found.facts.topic_id, found.facts.thread_id, found.target.thread_id) == (None, None, None)


def test_a_thread_of_a_private_chat_is_kept() -> None:
    found = parsed({"message": message(text="x", message_thread_id=42)})
    assert (found.facts.thread_id, found.target.thread_id) == ("42", "42")


@pytest.mark.parametrize(
    "fields",
    [
        {"from": {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}},
        {"sender_chat": {"id": -100, "type": "supergroup", "title": "Team"}},
        {"from": {"id": 777000, "is_bot": False, "first_name": "Telegram"}},
    ],
)
def test_who_writes_in_a_chats_name_has_no_sender_id(fields: dict[str, Any]) -> None:
    assert parsed({"message": message(chat=GROUP, text="x", **fields)}).facts.sender.id is None


@pytest.mark.parametrize(
    ("text", "entities", "me", "others"),
    [
        ("hi @clawbot", [entity("mention", 3, 8)], True, False),
        ("hi @CLAWBOT!", [], True, False),
        ("hi @clawbot2", [entity("mention", 3, 9)], False, True),
        ("mail a@clawbot", [], False, False),
        ("🦞🦞 @bob hi", [entity("mention", 5, 4)], False, True),
        ("hi Ann", [entity("text_mention", 3, 3, user=ANN)], False, True),
        ("hi you", [entity("text_mention", 3, 3, user={"id": 1, "is_bot": True, "first_name": "C"})], True, False),
        ("hi", [], False, False),
    ],
)
def test_mentions_are_read_in_utf16_units_and_bounded(
    text: str, entities: list[dict[str, Any]], me: bool, others: bool
) -> None:
    found = parsed({"message": message(chat=GROUP, text=text, entities=entities)}).facts.mentions
    assert (found.me, found.others) == (me, others)


@pytest.mark.parametrize(
    ("text", "native"),
    [
        ("/status", True),
        ("/status@clawbot now", True),
        ("/status@otherbot", False),
        ("/start", False),
        ("say /status", False),
    ],
)
def test_only_a_registered_command_at_the_beginning_is_native(text: str, native: bool) -> None:
    word = text.index("/")
    length = len(text[word:].split(maxsplit=1)[0])
    found = parsed({"message": message(text=text, entities=[entity("bot_command", word, length)])})
    assert found.facts.native is native
    assert found.facts.kind is (EventKind.NATIVE if native else EventKind.MESSAGE)


def test_labelled_links_are_written_out_for_the_model_only() -> None:
    links = [entity("text_link", 8, 4, url="https://example.org")]
    found = parsed({"message": message(text="🦞 see  here ok", entities=links)})
    assert found.body == "🦞 see  [here](https://example.org) ok"
    assert found.facts.text == "🦞 see  here ok"


def test_a_reply_to_the_bot_counts_and_carries_its_text() -> None:
    original = message(message_id=9, text="I said", **{"from": {"id": 1, "is_bot": True, "first_name": "Claw"}})
    found = parsed({"message": message(text="why", reply_to_message=original)})
    assert found.facts.reply_to_self
    assert [(quote.kind, quote.author_id, quote.message_id, quote.text) for quote in found.quoted] == [
        ("reply", "1", "9", "I said")
    ]


def test_the_service_root_of_a_topic_is_no_reply() -> None:
    root = message(message_id=9, forum_topic_created={"name": "t", "icon_color": 1}, **{"from": {**BOT_USER}})
    found = parsed({"message": message(chat=FORUM, text="x", reply_to_message=root)})
    assert not found.facts.reply_to_self
    assert found.quoted == ()


BOT_USER = {"id": 1, "is_bot": True, "first_name": "Claw"}


def test_adv_C14_forwarded_words_are_a_quote_and_never_a_command() -> None:
    origin = {"type": "hidden_user", "date": 1_790_000_000, "sender_user_name": "Mallory"}
    found = parsed({"message": message(text="/approve x", forward_origin=origin)})
    assert found.facts.forwarded
    assert found.body == ""
    assert (found.quoted[0].kind, found.quoted[0].label, found.quoted[0].text) == ("forward", "Mallory", "/approve x")


def test_media_takes_the_largest_photo_and_the_album_key() -> None:
    sizes = [
        {"file_id": "s", "file_unique_id": "s", "width": 10, "height": 10, "file_size": 5},
        {"file_id": "l", "file_unique_id": "l", "width": 100, "height": 100, "file_size": 50},
    ]
    found = parsed({"message": message(caption="look", photo=sizes, media_group_id="g1")})
    assert [(media.kind, media.handle, media.size) for media in found.media] == [("image", "l", 50)]
    assert (found.body, found.join_key) == ("look", "album:g1")


def test_long_texts_join_with_the_next_part() -> None:
    assert parsed({"message": message(text="x" * 4000)}).join_key == "text:7"
    assert parsed({"message": message(text="x" * 3999)}).join_key is None


@pytest.mark.parametrize(
    ("update", "kind"),
    [
        ({"edited_message": message(text="new")}, EventKind.EDIT),
        (
            {
                "callback_query": {
                    "id": "c",
                    "from": ANN,
                    "chat_instance": "i",
                    "data": "d",
                    "message": message(text="x"),
                }
            },
            EventKind.CALLBACK,
        ),
        (
            {
                "message_reaction": {
                    "chat": GROUP,
                    "message_id": 3,
                    "date": 1_790_000_000,
                    "user": ANN,
                    "old_reaction": [],
                    "new_reaction": [{"type": "emoji", "emoji": "👍"}],
                }
            },
            EventKind.REACTION,
        ),
        ({"message": message(chat=GROUP, migrate_to_chat_id=-1009)}, EventKind.MIGRATE),
        ({"poll": {"id": "p"}}, EventKind.UNKNOWN),
        ({"something_new": {"a": 1}}, EventKind.UNKNOWN),
        ({"channel_post": message(text="x")}, EventKind.UNKNOWN),
    ],
)
def test_every_kind_of_update_has_an_event_kind(update: dict[str, Any], kind: EventKind) -> None:
    if "poll" in update:
        update = {"something_else": {}}
    assert parsed(update).facts.kind is kind


def test_a_bot_author_is_marked() -> None:
    found = parsed({"message": message(chat=GROUP, text="x", **{"from": {"id": 8, "is_bot": True, "first_name": "B"}})})
    assert found.facts.sender.is_bot


def test_a_location_becomes_a_line_of_text() -> None:
    found = parsed({"message": message(location={"latitude": 1.5, "longitude": 2.5})})
    assert found.body == "Location: 1.5, 2.5"
