from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from openclaw.config.live import Change, LiveConfig
from openclaw.config.load import load_config
from openclaw.config.model import Config
from openclaw.config.reload_plan import Effect
from openclaw.system.environment import Environment
from openclaw.system.errors import Refused
from openclaw.system.tasks import Supervisor
from support.configs import ConfigFolder
from support.time import FakeClock, settle


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    folder = ConfigFolder(tmp_path)
    folder.write({"gateway": {"port": 5}, "tools": {"deny": ["exec"]}})
    return folder


def compiled(config: Config, _: Environment) -> tuple[str, ...]:
    """A policy as simple as can be: the denied tools."""
    if "refuse" in (config.tools.deny or ()):
        raise Refused("no such policy")
    return config.tools.deny or ()


def live(folder: ConfigFolder) -> LiveConfig[tuple[str, ...]]:
    config = load_config(folder.layout, folder.environment)
    return LiveConfig(config, folder.layout, folder.environment, compile=compiled)


@pytest.mark.asyncio
async def test_a_reload_swaps_config_and_policy_and_tells_subscribers(folder: ConfigFolder) -> None:
    holder = live(folder)
    told: list[Change[tuple[str, ...]]] = []
    holder.subscribe(told.append)

    async def slowly(change: Change[tuple[str, ...]]) -> None:
        await asyncio.sleep(0)
        told.append(change)

    end = holder.subscribe(slowly)
    folder.write({"gateway": {"port": 5}, "tools": {"deny": ["exec", "write"]}})
    result = await holder.reload()
    assert holder.policy == ("exec", "write")
    assert result.change is not None
    assert result.change.dotted == {"tools.deny"}
    assert result.change.plan.has(Effect.POLICY)
    assert (result.change.before.tools.deny, result.change.after) == (("exec",), holder.config)
    assert told == [result.change, result.change]
    end()
    folder.write({})
    await holder.reload()
    assert len(told) == 3


@pytest.mark.asyncio
@pytest.mark.parametrize("text", ["{", "{ gateway: { port: 0 } }", "[]", "{ telegram: {} }"])
async def test_an_invalid_file_changes_nothing(
    folder: ConfigFolder, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    holder = live(folder)
    before = (holder.config, holder.policy)
    folder.write(text)
    with caplog.at_level(logging.WARNING):
        result = await holder.reload()
    assert result.issues
    assert (holder.config, holder.policy) == before
    assert "the old one stays" in caplog.text


@pytest.mark.asyncio
async def test_a_policy_that_cannot_be_made_keeps_the_old_pair(folder: ConfigFolder) -> None:
    holder = live(folder)
    before = (holder.config, holder.policy)
    folder.write({"tools": {"deny": ["refuse"]}})
    result = await holder.reload()
    assert [issue.message for issue in result.issues] == ["no such policy"]
    assert (holder.config, holder.policy) == before


@pytest.mark.asyncio
async def test_a_failing_subscriber_does_not_keep_the_change_from_others(
    folder: ConfigFolder, caplog: pytest.LogCaptureFixture
) -> None:
    holder = live(folder)
    told: list[object] = []

    def fails(_: object) -> None:
        raise RuntimeError("defect")

    holder.subscribe(fails)
    holder.subscribe(told.append)
    folder.write({})
    await holder.reload()
    assert len(told) == 1
    assert "subscriber" in caplog.text


@pytest.mark.asyncio
async def test_a_file_that_says_the_same_is_no_change(folder: ConfigFolder) -> None:
    holder = live(folder)
    told: list[object] = []
    holder.subscribe(told.append)
    folder.write("{ /* now with a comment */ gateway: { port: 5 }, tools: { deny: ['exec'] } }")
    assert (await holder.reload()).change is None
    assert told == []
    assert "comment" in holder.config.source.raw


@pytest.mark.asyncio
async def test_adv_A19_a_rotated_secret_in_the_dotenv_counts_as_a_change(folder: ConfigFolder) -> None:
    folder.write("OPENCLAW_GATEWAY_TOKEN=first\nHOOK_TOKEN=one\n", ".env")
    folder.write({"hooks": {"token": "${HOOK_TOKEN}"}})
    holder = live(folder)
    folder.write("OPENCLAW_GATEWAY_TOKEN=second\nHOOK_TOKEN=two\n", ".env")
    result = await holder.reload()
    assert result.change is not None
    assert result.change.dotted == {"gateway.auth", "hooks.token"}
    assert result.change.plan.has(Effect.SECRET)
    assert holder.config.environment.get("OPENCLAW_GATEWAY_TOKEN") == "second"


async def _until(clock: FakeClock, seconds: float) -> None:
    for _ in range(round(seconds / 0.1)):
        await clock.advance(0.1)
        await settle()


@pytest.mark.asyncio
async def test_the_watch_sees_main_file_includes_and_dotenv_and_waits_for_quiet(folder: ConfigFolder) -> None:
    folder.write({"tools": {"$include": "tools.json"}})
    folder.write({"deny": ["a"]}, "tools.json")
    holder, clock = live(folder), FakeClock()
    changes: asyncio.Queue[Change[tuple[str, ...]]] = asyncio.Queue()
    holder.subscribe(changes.put_nowait)
    supervisor = Supervisor("test")
    supervisor.start(holder.watch(clock), name="watch")
    try:
        folder.write({"deny": ["b", "c"]}, "tools.json")
        await _until(clock, 0.6)
        folder.write({"deny": ["b", "c", "d"]}, "tools.json")
        await _until(clock, 0.3)
        assert changes.empty()
        await _until(clock, 1.5)
        assert (await asyncio.wait_for(changes.get(), 5)).policy == ("b", "c", "d")
        folder.write({"tools": {"deny": ["main"]}, "gateway": {"reload": {"mode": "off"}}})
        await _until(clock, 1.5)
        assert (await asyncio.wait_for(changes.get(), 5)).policy == ("main",)
        folder.write({"tools": {"deny": ["later"]}})
        await _until(clock, 2)
        assert changes.empty()
    finally:
        await supervisor.close()


@pytest.mark.asyncio
async def test_what_is_odd_is_said_at_the_start_and_again_only_when_it_is_new(
    folder: ConfigFolder, caplog: pytest.LogCaptureFixture
) -> None:
    def said(name: str) -> int:
        return sum(f"extensions/{name} has no openclaw.plugin.json" in message for message in caplog.messages)

    (folder.root / "extensions" / "lost").mkdir(parents=True)
    holder = live(folder)
    assert said("lost") == 1
    folder.write({"tools": {"deny": ["write"]}})
    await holder.reload()
    (folder.root / "extensions" / "new").mkdir()
    await holder.reload()
    assert (said("lost"), said("new")) == (1, 1)
    (folder.root / "extensions" / "lost").rmdir()
    await holder.reload()
    (folder.root / "extensions" / "lost").mkdir()
    await holder.reload()
    assert said("lost") == 2
