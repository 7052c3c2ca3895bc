from __future__ import annotations

import asyncio
import contextlib
import json
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from openclaw.agent.contract import ReplyTarget
from openclaw.channels.contract import ChannelDown, InboundMessage, MediaRef, OutboundMessage, SendFailed
from openclaw.channels.telegram.api import ApiSettings
from openclaw.channels.telegram.channel import TelegramChannel, TelegramSettings
from openclaw.channels.telegram.webhook import SECRET_HEADER, WebhookSettings
from openclaw.channels.webhooks import Webhook, WebhookCall
from openclaw.system.clock import SystemClock
from openclaw.system.secret import Secret
from support.telegram_server import TOKEN, Failure, TelegramServer, telegram_server

TARGET = ReplyTarget(channel="telegram", account="default", to="7")


class Box:
    """Keeps what was offered; `refuse` makes the journal fail."""

    def __init__(self) -> None:
        self.messages: list[InboundMessage] = []
        self.refuse = False
        self.changed = asyncio.Event()

    async def offer(self, messages: Sequence[InboundMessage]) -> None:
        if self.refuse:
            raise ChannelDown("the journal refuses")
        self.messages.extend(messages)
        self.changed.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(10):
            while len(self.messages) < count:
                self.changed.clear()
                await self.changed.wait()


class Host:
    """A webhook host without a socket: the test calls the handler as the transport would."""

    def __init__(self) -> None:
        self.webhook: asyncio.Future[Webhook] = asyncio.get_running_loop().create_future()

    async def serve(self, webhook: Webhook) -> None:
        self.webhook.set_result(webhook)
        await asyncio.get_running_loop().create_future()


def settings(server: TelegramServer, **changes: object) -> TelegramSettings:
    base = TelegramSettings(account="default", api=ApiSettings(token=Secret(TOKEN), root=server.root, timeout=5))
    return replace(base, **changes)  # type: ignore[arg-type]


@asynccontextmanager
async def running(
    server: TelegramServer, tmp_path: Path, box: Box, **changes: object
) -> AsyncIterator[TelegramChannel]:
    channel = TelegramChannel(settings(server, **changes), tmp_path / "offset.json", SystemClock(), Host())
    task = asyncio.create_task(channel.run(box))
    try:
        await asyncio.wait_for(channel.connected.wait(), 10)
        yield channel
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ChannelDown):
            await task


@pytest.mark.asyncio
async def test_updates_are_acknowledged_only_after_the_journal_has_them(tmp_path: Path) -> None:
    async with telegram_server() as server:
        box = Box()
        box.refuse = True
        server.text("one")
        channel = TelegramChannel(settings(server), tmp_path / "offset.json", SystemClock(), Host())
        with pytest.raises(ChannelDown, match="journal refuses"):
            await channel.run(box)
        assert server.acknowledged == 0
        assert not (tmp_path / "offset.json").exists()
        box.refuse = False
        async with running(server, tmp_path, box):
            await box.until(1)
            await server.until(lambda: server.acknowledged == 1000)
        stored = json.loads((tmp_path / "offset.json").read_text())
        assert stored == {"version": 1, "lastUpdateId": 1000, "botId": 123456}
        assert stat.S_IMODE((tmp_path / "offset.json").stat().st_mode) == 0o600


@pytest.mark.asyncio
async def test_a_restart_goes_on_where_it_stopped(tmp_path: Path) -> None:
    async with telegram_server() as server:
        box = Box()
        server.text("one")
        async with running(server, tmp_path, box):
            await box.until(1)
            await server.until(lambda: server.acknowledged == 1000)
        server.text("two")
        async with running(server, tmp_path, box):
            await box.until(2)
        assert [message.body for message in box.messages] == ["one", "two"]


@pytest.mark.asyncio
async def test_an_update_of_an_unknown_kind_is_journaled_and_passed(tmp_path: Path) -> None:
    async with telegram_server() as server:
        box = Box()
        server.push(brand_new_kind={"x": 1})
        server.text("after")
        async with running(server, tmp_path, box):
            await box.until(2)
        assert [str(message.facts.kind) for message in box.messages] == ["unknown", "message"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "broken",
    [
        {"message": {"message_id": "seven", "chat": None}},
        {"message": []},
        {"message": {"date": "tomorrow", "message_id": 1, "chat": {"id": 7, "type": "private"}}},
        {"message": {"date": 1 << 70, "message_id": 1, "chat": {"id": 7, "type": "private"}}},
        {"message": {"date": 1, "message_id": 1, "chat": {"id": 7, "type": "private"}, "text": {"no": "text"}}},
        {"message": {"date": 1, "message_id": 1, "chat": {"id": 7, "type": "private"}, "photo": [{}]}},
        {"callback_query": {"id": "1"}},
    ],
)
async def test_an_update_that_cannot_be_read_holds_up_no_other(tmp_path: Path, broken: dict[str, object]) -> None:
    async with telegram_server() as server:
        box = Box()
        server.push(**broken)
        server.text("after")
        async with running(server, tmp_path, box):
            await box.until(2)
        assert [str(message.facts.kind) for message in box.messages] == ["unknown", "message"]


@pytest.mark.asyncio
@pytest.mark.parametrize(("status", "final"), [(401, True), (404, True), (409, False), (500, False)])
async def test_a_bad_token_is_final_and_other_faults_are_not(tmp_path: Path, status: int, final: bool) -> None:
    async with telegram_server() as server:
        server.fail("getMe", status)
        channel = TelegramChannel(settings(server), tmp_path / "offset.json", SystemClock(), Host())
        with pytest.raises(ChannelDown) as caught:
            await channel.run(Box())
        assert caught.value.final is final
        assert TOKEN not in str(caught.value)


@pytest.mark.asyncio
async def test_an_unreachable_server_names_no_token(tmp_path: Path) -> None:
    async with telegram_server() as server:
        dead = replace(settings(server), api=ApiSettings(token=Secret(TOKEN), root="http://127.0.0.1:9", timeout=2))
    channel = TelegramChannel(dead, tmp_path / "offset.json", SystemClock(), Host())
    with pytest.raises(ChannelDown) as caught:
        await channel.run(Box())
    assert TOKEN not in str(caught.value)


@pytest.mark.asyncio
async def test_text_is_sent_as_html_with_quote_and_topic(tmp_path: Path) -> None:
    async with telegram_server() as server, running(server, tmp_path, Box(), link_preview=False) as channel:
        target = replace(TARGET, to="-100", thread_id="42")
        receipt = await channel.send(target, OutboundMessage(text="**hi** <you>", reply_to_id="11"))
        (row,) = server.sent
        assert receipt.ids
        assert row["text"] == "<b>hi</b> &lt;you&gt;"
        assert (row["parse_mode"], str(row["chat_id"]), str(row["message_thread_id"])) == ("HTML", "-100", "42")
        assert row["reply_parameters"] == {"message_id": 11, "allow_sending_without_reply": True}
        assert row["link_preview_options"] == {"is_disabled": True}


@pytest.mark.asyncio
async def test_the_general_topic_is_left_out_when_sending(tmp_path: Path) -> None:
    async with telegram_server() as server, running(server, tmp_path, Box()) as channel:
        await channel.send(replace(TARGET, to="-100", thread_id="1"), OutboundMessage(text="hi"))
        assert "message_thread_id" not in server.sent[0]


@pytest.mark.asyncio
async def test_markup_that_telegram_refuses_is_sent_once_more_as_plain_text(tmp_path: Path) -> None:
    async with telegram_server() as server, running(server, tmp_path, Box()) as channel:
        server.fail("sendMessage", 400, "Bad Request: can't parse entities: unexpected end tag")
        await channel.send(TARGET, OutboundMessage(text="**hi**"))
        (row,) = server.sent
        assert row["text"] == "**hi**"
        assert "parse_mode" not in row


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("failure", "final", "reached", "wait"),
    [
        ((429, "Too Many Requests", {"retry_after": 7}), False, False, 7.0),
        ((500, "Internal Server Error", {}), False, False, None),
        ((403, "Forbidden: bot was blocked by the user", {}), True, False, None),
        ((400, "Bad Request: chat not found", {}), True, False, None),
        ((0, "", {}), False, True, None),
    ],
)
async def test_failures_say_what_they_mean_for_a_retry(
    tmp_path: Path, failure: tuple[int, str, dict[str, int]], final: bool, reached: bool, wait: float | None
) -> None:
    status, description, parameters = failure
    async with telegram_server() as server, running(server, tmp_path, Box()) as channel:
        server.failures.append(Failure("sendMessage", status, description, dict(parameters)))
        with pytest.raises(SendFailed) as caught:
            await channel.send(TARGET, OutboundMessage(text="hi"))
        found = caught.value
        assert (found.final, found.reached, found.retry_after) == (final, reached, wait)


@pytest.mark.asyncio
async def test_a_refused_connection_has_not_reached_the_service(tmp_path: Path) -> None:
    async with telegram_server() as server, running(server, tmp_path, Box()) as channel:
        await server.close()
        with pytest.raises(SendFailed) as caught:
            await channel.send(TARGET, OutboundMessage(text="hi"))
        assert (caught.value.final, caught.value.reached) == (False, False)
        assert TOKEN not in str(caught.value)


@pytest.mark.asyncio
async def test_files_are_fetched_within_the_limit_and_never_from_a_local_path(tmp_path: Path) -> None:
    async with telegram_server() as server, running(server, tmp_path, Box()) as channel:
        server.files["pic.png"] = b"\x89PNG" + b"x" * 100
        found = await channel.fetch(MediaRef(kind="image", handle="pic.png"), limit=1000)
        assert found == server.files["pic.png"]
        with pytest.raises(SendFailed, match="File too large"):
            await channel.fetch(MediaRef(kind="image", handle="pic.png"), limit=50)
        with pytest.raises(SendFailed, match="File too large"):
            await channel.fetch(MediaRef(kind="image", handle="pic.png", size=2000), limit=1000)


@pytest.mark.asyncio
async def test_a_picture_is_sent_as_photo_with_a_caption(tmp_path: Path) -> None:
    picture = tmp_path / "x.bin"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    async with telegram_server() as server, running(server, tmp_path, Box()) as channel:
        await channel.send(TARGET, OutboundMessage(text="*look*", media=str(picture)))
        (row,) = server.sent
        assert (row["method"], row["caption"]) == ("sendPhoto", "<i>look</i>")


@pytest.mark.asyncio
async def test_commands_are_registered_and_a_refusal_is_only_a_warning(tmp_path: Path) -> None:
    async with telegram_server() as server:
        server.fail("deleteMyCommands", 500)
        async with running(server, tmp_path, Box(), commands=(("status", "Show status"),)) as channel:
            assert channel.identity is not None
        async with running(server, tmp_path, Box(), commands=(("status", "Show status"),)):
            await server.until(lambda: any(name == "setMyCommands" for name, _ in server.calls))
        (params,) = [params for name, params in server.calls if name == "setMyCommands"]
        assert params["commands"] == [{"command": "status", "description": "Show status"}]


@pytest.mark.asyncio
async def test_probe_tells_who_the_bot_is(tmp_path: Path) -> None:
    async with telegram_server() as server:
        channel = TelegramChannel(settings(server), tmp_path / "offset.json", SystemClock(), Host())
        found = await channel.probe()
        assert found.ok
        assert found.facts["username"] == "clawbot"
        server.fail("getMe", 401)
        refused = await channel.probe()
        assert not refused.ok
        assert "botToken" in refused.message


@pytest.mark.asyncio
async def test_webhook_secret_is_checked_before_the_body_and_answers_after_the_journal(tmp_path: Path) -> None:
    async with telegram_server() as server:
        hook = WebhookSettings(url="https://bot.example.org/hook", secret=Secret("hook-secret-1"))
        host = Host()
        box = Box()
        channel = TelegramChannel(settings(server, webhook=hook), tmp_path / "offset.json", SystemClock(), host)
        task = asyncio.create_task(channel.run(box))
        webhook = await asyncio.wait_for(host.webhook, 10)
        await server.until(lambda: bool(server.webhook))
        assert server.webhook["secret_token"] == "hook-secret-1"
        assert webhook.accept({}) == 401
        assert webhook.accept({SECRET_HEADER: "hook-secret-2"}) == 401
        assert webhook.accept({SECRET_HEADER: "hook-secret-1"}) is None
        body = json.dumps({"update_id": 3, "message": server.message("hello")}).encode()
        assert await webhook.handle(WebhookCall(headers={}, body=body)) == 200
        assert [message.body for message in box.messages] == ["hello"]
        assert await webhook.handle(WebhookCall(headers={}, body=b"{")) == 400
        assert await webhook.handle(WebhookCall(headers={}, body=b'{"update_id": 4, "message": 5}')) == 200
        assert str(box.messages[-1].facts.kind) == "unknown"
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
