"""A server that speaks the Bot API's wire: long polling, sending, files, errors. Bots reach it through `apiRoot`."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "123456:test-token-AAAAAAAAAAAAAAAAAAAAAAAA"
BOT_ID = 123456
USERNAME = "clawbot"


@dataclass
class Failure:
    """What the next matching call answers.

    `status` 0 closes the connection without an answer, after noting the call when `noted`.
    """

    method: str
    status: int
    description: str = "error"
    parameters: dict[str, Any] = field(default_factory=dict)
    noted: bool = False


class TelegramServer:
    """Holds the updates that wait and everything that bots did."""

    def __init__(self) -> None:
        self.updates: list[dict[str, Any]] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[dict[str, Any]] = []
        self.failures: list[Failure] = []
        self.files: dict[str, bytes] = {}
        self.webhook: dict[str, Any] = {}
        self.acknowledged = 0
        self.root = ""
        self.on_send: Callable[[dict[str, Any]], None] | None = None
        self._update_ids = itertools.count(1000)
        self._message_ids = itertools.count(5000)
        self._runner: web.AppRunner | None = None
        self._waiting: set[asyncio.Future[None]] = set()

    # what tests do

    def push(self, **update: Any) -> int:
        """Add an update of any kind and return its id."""
        update_id = next(self._update_ids)
        self.updates.append({"update_id": update_id, **update})
        self.notify()
        return update_id

    def text(self, text: str, *, user: int = 7, chat: int | None = None, **extra: Any) -> int:
        """Add a text message; a negative chat is a group."""
        return self.push(message=self.message(text, user=user, chat=chat, **extra))

    def message(self, text: str, *, user: int = 7, chat: int | None = None, **extra: Any) -> dict[str, Any]:
        """Return a message object."""
        chat_id = user if chat is None else chat
        place: dict[str, Any] = {"id": chat_id, "type": "private", "first_name": f"User{user}"}
        if chat_id < 0:
            place = {"id": chat_id, "type": "supergroup", "title": f"Group{chat_id}"}
        return {
            "message_id": next(self._message_ids),
            "date": int(time.time()),
            "chat": place,
            "from": {"id": user, "is_bot": False, "first_name": f"User{user}", "username": f"user{user}"},
            "text": text,
            **extra,
        }

    def fail(
        self, method: str, status: int, description: str = "error", *, noted: bool = False, **parameters: Any
    ) -> None:
        """Make the next call of `method` fail."""
        self.failures.append(Failure(method, status, description, parameters, noted))

    def texts(self, chat: int | None = None) -> list[str]:
        """Return the texts that were sent, to one chat or to all."""
        return [row["text"] for row in self.sent if "text" in row and (chat is None or int(row["chat_id"]) == chat)]

    async def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait until a condition over this server holds."""
        async with asyncio.timeout(seconds):
            while not condition():
                changed = asyncio.get_running_loop().create_future()
                self._waiting.add(changed)
                try:
                    await changed
                finally:
                    self._waiting.discard(changed)

    def notify(self) -> None:
        for changed in self._waiting:
            if not changed.done():
                changed.set_result(None)

    async def start(self) -> None:
        """Listen on an ephemeral loopback port."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/bot{token}/{method}", self.handle)
        app.router.add_get("/file/bot{token}/{path:.+}", self.file)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.root = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening and cut all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # the wire

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != TOKEN:
            return _error(401, "Unauthorized")
        method = request.match_info["method"]
        params = await _params(request)
        failure = next((found for found in self.failures if found.method == method), None)
        if failure is not None:
            self.failures.remove(failure)
            if failure.noted:
                self._note(method, params)
            if failure.status == 0:
                assert request.transport is not None
                request.transport.close()
                return web.Response()
            return _error(failure.status, failure.description, failure.parameters)
        self.calls.append((method, params))
        handler = getattr(self, f"_do_{method.lower()}", None)
        if handler is None:
            self.notify()
            return _ok(True)
        result = await handler(params)
        self.notify()
        return _ok(result)

    async def file(self, request: web.Request) -> web.StreamResponse:
        found = self.files.get(request.match_info["path"])
        return web.Response(status=404) if found is None else web.Response(body=found)

    async def _do_getme(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"id": BOT_ID, "is_bot": True, "first_name": "Claw", "username": USERNAME, "can_join_groups": True}

    async def _do_getwebhookinfo(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"url": self.webhook.get("url", ""), "has_custom_certificate": False, "pending_update_count": 0}

    async def _do_setwebhook(self, params: dict[str, Any]) -> bool:
        self.webhook = params
        return True

    async def _do_deletewebhook(self, _: dict[str, Any]) -> bool:
        self.webhook = {}
        return True

    async def _do_getupdates(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        offset = int(params.get("offset", 0) or 0)
        if offset:
            self.acknowledged = max(self.acknowledged, offset - 1)
            self.updates = [update for update in self.updates if update["update_id"] >= offset]
        with contextlib.suppress(TimeoutError):
            await self.until(lambda: bool(self.updates), min(float(params.get("timeout", 0)), 2))
        return self.updates[: int(params.get("limit", 100))]

    def _note(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        row = {"method": method, **params}
        self.sent.append(row)
        if self.on_send is not None:
            self.on_send(row)
        self.notify()
        chat_id = int(params["chat_id"])
        return {
            "message_id": next(self._message_ids),
            "date": int(time.time()),
            "chat": {"id": chat_id, "type": "private" if chat_id > 0 else "supergroup"},
            "text": params.get("text", ""),
        }

    async def _do_sendmessage(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._note("sendMessage", params)

    async def _do_sendphoto(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._note("sendPhoto", params)

    async def _do_senddocument(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._note("sendDocument", params)

    async def _do_editmessagetext(self, params: dict[str, Any]) -> dict[str, Any]:
        return self._note("editMessageText", params)

    async def _do_getfile(self, params: dict[str, Any]) -> dict[str, Any]:
        name = str(params["file_id"])
        size = len(self.files.get(name, b""))
        return {"file_id": name, "file_unique_id": name, "file_size": size, "file_path": name}


def _ok(result: object) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _error(status: int, description: str, parameters: dict[str, Any] | None = None) -> web.Response:
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    return web.json_response(body, status=status)


async def _params(request: web.Request) -> dict[str, Any]:
    if request.content_type == "application/json":
        return dict(await request.json())
    found: dict[str, Any] = {}
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            found[name] = value.file.read()
            continue
        text = value.decode() if isinstance(value, bytes) else str(value)
        try:
            found[name] = json.loads(text) if text[:1] in "[{" else text
        except ValueError:
            found[name] = text
    return found


@asynccontextmanager
async def telegram_server() -> AsyncIterator[TelegramServer]:
    """Run the server on an ephemeral loopback port; `.root` is the `apiRoot`."""
    server = TelegramServer()
    await server.start()
    try:
        yield server
    finally:
        await server.close()
