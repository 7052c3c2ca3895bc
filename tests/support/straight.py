"""The whole straight way for tests: a Telegram server, a model server and the real gateway process between them."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw.protocol.client import ClientParts, GatewayClient, Introduction
from openclaw.protocol.client_target import Target
from openclaw.system.clock import SystemClock
from openclaw.system.environment import Environment
from openclaw.system.secret import Secret
from support.model_server import ModelServer, Script, model_server
from support.process import TOKEN, GatewayProcess, base_config, free_port
from support.telegram_server import TOKEN as BOT_TOKEN
from support.telegram_server import TelegramServer, telegram_server

MODEL_KEY = "test-model-key-0123456789abcdef"
OWNER, OTHER = 7, 8


def merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `more` laid over it, object by object."""
    found = copy.deepcopy(dict(base))
    for name, value in more.items():
        known = found.get(name)
        found[name] = merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return found


def straight_config(server: TelegramServer, model: ModelServer, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with both servers: the owner and one other person may write, all else as in `more`."""
    telegram = {
        "botToken": BOT_TOKEN,
        "apiRoot": server.root,
        "retry": {"minDelayMs": 50},
        "dmPolicy": "allowlist",
        "allowFrom": [OWNER, OTHER],
    }
    provider = {
        "baseUrl": model.base_url,
        "apiKey": MODEL_KEY,
        "api": "openai-completions",
        "models": [{"id": "test", "name": "test", "contextWindow": 200_000, "maxTokens": 1000}],
    }
    config = base_config(
        free_port(),
        channels={"telegram": telegram},
        commands={"ownerAllowFrom": [f"telegram:{OWNER}"]},
        models={"providers": {"local": provider}},
        session={"dmScope": "per-channel-peer"},
    )
    config["agents"]["defaults"]["model"] = {"primary": "local/test"}
    return merged(config, more)


@dataclass(frozen=True, slots=True)
class Straight:
    """A running gateway with its servers."""

    gateway: GatewayProcess
    server: TelegramServer
    model: ModelServer

    async def say(self, text: str, *answers: Script, user: int = OWNER, replies: int = 1) -> list[str]:
        """Send a direct message, script what the model answers to it, and return the replies of the bot."""
        had = len(self.server.texts(user))
        self.model.script(*answers)
        self.server.text(text, user=user)
        return await self.heard(had + replies, user=user, since=had)

    async def heard(self, count: int, *, user: int = OWNER, since: int = 0) -> list[str]:
        """Wait until a person has `count` messages; return those from number `since` on."""
        await self.server.until(lambda: len(self.server.texts(user)) >= count)
        return self.server.texts(user)[since:]

    async def heard_of(self, words: str, *, user: int) -> None:
        """Wait until a person has been sent these words."""
        await self.server.until(lambda: any(words in text for text in self.server.texts(user)), 60)

    @property
    def printed(self) -> str:
        """Return what the gateway has written to its terminal."""
        return "\n".join(self.gateway.output)


@asynccontextmanager
async def straight(root: Path, *, environ: Mapping[str, str] | None = None, **more: Any) -> AsyncIterator[Straight]:
    """Run everything; `more` is laid over the config, and the gateway has `environ` in its environment."""
    async with telegram_server() as server, model_server() as model:
        gateway = GatewayProcess(root, straight_config(server, model, more))
        try:
            await gateway.start(extra=environ)
            yield Straight(gateway, server, model)
        finally:
            await gateway.stop()


@asynccontextmanager
async def operator(gateway: GatewayProcess, *scopes: str) -> AsyncIterator[GatewayClient]:
    """Connect to the gateway with its token and these scopes."""
    parts = ClientParts(environment=Environment({}), clock=SystemClock())
    client = await GatewayClient.connect(
        Target(gateway.url, token=Secret(TOKEN)), Introduction(scopes=tuple(scopes)), parts
    )
    async with client:
        yield client


def tool_names(body: Mapping[str, Any]) -> set[str]:
    """Return the names of the tools that a model request offers."""
    return {tool["function"]["name"] for tool in body.get("tools", [])}


def tool_results(body: Mapping[str, Any]) -> list[str]:
    """Return the texts of the tool results in a model request since the last message of a person, in order."""
    messages = body["messages"]
    asked = max(number for number, message in enumerate(messages) if message["role"] == "user")
    found = (message["content"] for message in messages[asked:] if message["role"] == "tool")
    return [text if isinstance(text, str) else json.dumps(text) for text in found]
