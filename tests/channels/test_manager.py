from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from openclaw.channels.contract import ChannelDown, ProbeResult
from openclaw.channels.manager import LONGEST_DELAY, ChannelManager, accounts_of, is_enabled
from openclaw.channels.registry import CHANNELS, ChannelKind, ChannelTools
from openclaw.config.load import load_config
from openclaw.config.model import Config
from openclaw.policy.who.facts import SelfIdentity
from openclaw.system.errors import InvalidInput
from support.channels import Box, FakeChannel, inbound
from support.configs import ConfigFolder
from support.time import FakeClock, settle

(TELEGRAM,) = CHANNELS
ACCOUNTS = {"accounts": {"one": {"botToken": "1:x"}, "two": {"botToken": "2:x"}}}


def config_of(root: Path, document: Mapping[str, Any], **env: str) -> Config:
    folder = ConfigFolder(root, env)
    folder.write(dict(document))
    return load_config(folder.layout, folder.environment)


class Middle(random.Random):
    """No jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


class World:
    """A manager over channels that the test makes."""

    def __init__(
        self, root: Path, telegram: Mapping[str, Any], channels: Mapping[str, FakeChannel | Exception]
    ) -> None:
        self.clock = FakeClock()
        self.box = Box()
        self.connected: list[str] = []
        config = config_of(root, {"channels": {"telegram": dict(telegram)}})

        def build(account: str, _tools: ChannelTools) -> FakeChannel:
            found = channels[account]
            if isinstance(found, Exception):
                raise found
            return found

        kind = cast("ChannelKind", SimpleNamespace(**_facts(TELEGRAM), load=lambda: build))
        self.manager = ChannelManager(
            lambda: cast("ChannelTools", SimpleNamespace(config=config)),
            self.clock,
            on_connected=lambda channel, account: self.connected.append(f"{channel}/{account}"),
            kinds=(kind,),
            rng=Middle(),
        )

    async def rows(self, *, probe: bool = False) -> dict[str, dict[str, Any]]:
        status = await self.manager.status(probe=probe, timeout_ms=50)
        return {row["accountId"]: row for row in status["channelAccounts"]["telegram"]}


def _facts(kind: ChannelKind) -> dict[str, Any]:
    return {name: getattr(kind, name) for name in ("id", "label", "detail", "icon", "token_variable")}


@pytest.mark.asyncio
async def test_an_account_that_fails_is_started_again_with_growing_pauses_and_stops_no_other(tmp_path: Path) -> None:
    bad, good = FakeChannel("one"), FakeChannel("two")
    bad.faults = [ChannelDown("no answer"), RuntimeError("a defect"), InvalidInput("no disk"), None]
    world = World(tmp_path, ACCOUNTS, {"one": bad, "two": good})
    world.manager.start(world.box)
    await settle()
    assert (bad.runs, good.runs) == (1, 1)
    reasons = []
    for pause in (2.0, 3.6, 6.48, 11.664):
        reasons.append((await world.rows())["one"]["lastError"])
        assert world.manager.channel("telegram", "one") is None
        runs = bad.runs
        await world.clock.advance(pause - 0.1)
        assert bad.runs == runs
        await world.clock.advance(0.101)
        assert bad.runs == runs + 1
    assert reasons == ["no answer", "internal error, see the log", "no disk", "the channel ended by itself"]
    assert (world.manager.channel("telegram", "one"), world.manager.channel("telegram", "two")) == (bad, good)
    assert world.connected.count("telegram/one") == 5
    assert good.runs == 1
    await world.manager.close()


@pytest.mark.asyncio
async def test_the_pause_has_an_upper_bound(tmp_path: Path) -> None:
    bad = FakeChannel()
    bad.faults = [ChannelDown("no") for _ in range(12)]
    world = World(tmp_path, {"botToken": "1:x"}, {"default": bad})
    world.manager.start(world.box)
    for _ in range(12):
        await world.clock.advance(LONGEST_DELAY * 1.3)
    assert bad.faults == []
    await world.manager.close()


@pytest.mark.asyncio
async def test_a_final_fault_ends_the_account_and_is_shown(tmp_path: Path) -> None:
    bad = FakeChannel()
    bad.faults = [ChannelDown("wrong token; set channels.telegram.botToken", final=True)]
    world = World(tmp_path, {"botToken": "1:x"}, {"default": bad})
    world.manager.start(world.box)
    await world.clock.advance(600)
    row = (await world.rows())["default"]
    assert (bad.runs, row["running"], row["connected"]) == (1, False, False)
    assert row["lastError"] == "wrong token; set channels.telegram.botToken"
    await world.manager.restart("telegram", "default", world.box)
    await settle()
    assert bad.runs == 2
    assert (await world.rows())["default"]["connected"] is True
    await world.manager.close()


@pytest.mark.asyncio
async def test_two_accounts_with_one_token_do_not_both_poll(tmp_path: Path) -> None:
    one, two = FakeChannel("one", token="1:same"), FakeChannel("two", token="1:same")
    world = World(tmp_path, ACCOUNTS, {"one": one, "two": two})
    world.manager.start(world.box)
    await settle()
    assert (one.runs, two.runs) == (1, 0)
    assert "same bot token as account one" in (await world.rows())["two"]["lastError"]
    await world.manager.close()


@pytest.mark.asyncio
async def test_an_account_that_cannot_be_built_says_why_and_the_others_start(tmp_path: Path) -> None:
    two = FakeChannel("two")
    world = World(tmp_path, ACCOUNTS, {"one": InvalidInput("channels.telegram.accounts.one.proxy: no URL"), "two": two})
    world.manager.start(world.box)
    await settle()
    rows = await world.rows()
    assert rows["one"]["lastError"] == "channels.telegram.accounts.one.proxy: no URL"
    assert (rows["one"]["configured"], two.runs) == (False, 1)
    await world.manager.close()


@pytest.mark.asyncio
async def test_who_the_bot_was_is_remembered_while_it_is_away(tmp_path: Path) -> None:
    channel = FakeChannel()
    world = World(tmp_path, {"botToken": "1:x"}, {"default": channel})
    assert world.manager.identity("telegram", "default") == SelfIdentity()
    world.manager.start(world.box)
    await settle()
    known = world.manager.identity("telegram", "default")
    assert known.username == "clawbot"
    assert await world.manager.stop("telegram", "default")
    assert not await world.manager.stop("telegram", "default")
    assert world.manager.identity("telegram", "default") == known
    assert world.manager.channel("telegram", "default") is None
    await world.manager.close()


@pytest.mark.asyncio
async def test_status_tells_traffic_and_what_a_probe_found_even_when_one_hangs(tmp_path: Path) -> None:
    hangs, answers = FakeChannel("one"), FakeChannel("two")
    hangs.found, answers.found = None, ProbeResult(ok=False, message="no token", facts={"id": 2})
    world = World(tmp_path, ACCOUNTS, {"one": hangs, "two": answers})
    world.manager.start(world.box)
    await settle()
    assert answers.inbox is not None
    await answers.inbox.offer([inbound()])
    world.manager.delivered("telegram", "two")
    rows = await world.rows(probe=True)
    assert rows["one"]["probe"] == {"ok": False, "error": "no answer in time"}
    assert rows["two"]["probe"] == {"ok": False, "error": "no token", "id": 2}
    assert rows["two"]["lastInboundAt"] == rows["two"]["lastOutboundAt"] == world.clock.now_ms()
    assert len(world.box.messages) == 1
    await world.manager.close()


@pytest.mark.parametrize(
    ("document", "env", "accounts"),
    [
        ({}, {}, ()),
        ({}, {"TELEGRAM_BOT_TOKEN": "1:x"}, ("default",)),
        ({"channels": {"telegram": {"botToken": "1:x"}}}, {}, ("default",)),
        ({"channels": {"telegram": ACCOUNTS}}, {}, ("one", "two")),
    ],
)
def test_what_starts_is_what_is_configured(
    tmp_path: Path, document: dict[str, Any], env: dict[str, str], accounts: tuple[str, ...]
) -> None:
    assert accounts_of(TELEGRAM, config_of(tmp_path, document, **env)) == accounts


@pytest.mark.parametrize(
    ("document", "enabled"),
    [
        ({}, True),
        ({"channels": {"telegram": {"enabled": False}}}, False),
        ({"plugins": {"deny": ["telegram"]}}, False),
        ({"plugins": {"entries": {"telegram": {"enabled": False}}}}, False),
        ({"plugins": {"deny": ["discord"]}}, True),
    ],
)
def test_a_switch_or_the_plugins_turn_a_channel_off(tmp_path: Path, document: dict[str, Any], enabled: bool) -> None:
    assert is_enabled(TELEGRAM, "default", config_of(tmp_path, document)) is enabled
