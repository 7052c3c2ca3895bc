from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from openclaw.agent.contract import AgentEvent, ReplyTarget, TurnRequest
from openclaw.channels.typing import LIMIT_SECONDS, MAX_RUNS, REFRESH_SECONDS, TypingIndicator
from openclaw.policy.what.labels import Source
from openclaw.tools.contract import Requester
from support.channels import FakeChannel
from support.time import FakeClock, settle

TARGET = ReplyTarget(channel="telegram", account="default", to="7")


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.channel: FakeChannel | None = FakeChannel()
        self.typing = TypingIndicator(lambda _channel, _account: self.channel, self.clock)

    def expect(self, run: str = "r", *, channel: str = "telegram", target: ReplyTarget | None = TARGET) -> None:
        requester = Requester(channel=channel, source=Source.OWNER)
        self.typing.expect(
            TurnRequest(run, "agent:main:main", "main", "x", "x", requester, provenance=(), target=target)
        )

    async def emit(self, phase: str, run: str = "r", stream: Any = "lifecycle") -> None:
        self.typing.emit(AgentEvent(run, "agent:main:main", 1, stream, 0, {"phase": phase}))
        await settle()


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    found = World()
    yield found
    await found.typing.close()


def typed(world: World) -> int:
    assert world.channel is not None
    return len(world.channel.typed)


@pytest.mark.asyncio
async def test_it_shows_from_start_to_end_and_is_refreshed(world: World) -> None:
    world.expect()
    assert typed(world) == 0
    await world.emit("start")
    await world.clock.advance(2 * REFRESH_SECONDS)
    assert typed(world) == 3
    await world.emit("end")
    await world.clock.advance(5 * REFRESH_SECONDS)
    assert typed(world) == 3


@pytest.mark.asyncio
async def test_a_run_that_never_ends_is_not_shown_for_ever(world: World) -> None:
    world.expect()
    await world.emit("start")
    await world.clock.advance(10 * LIMIT_SECONDS)
    assert typed(world) == LIMIT_SECONDS / REFRESH_SECONDS


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "expected", [{"channel": "internal"}, {"target": None}, None], ids=["system event", "no target", "unknown run"]
)
async def test_only_runs_that_answer_a_person_in_a_chat_are_shown(
    world: World, expected: dict[str, Any] | None
) -> None:
    if expected is not None:
        world.expect(**expected)
    await world.emit("start")
    assert typed(world) == 0


@pytest.mark.asyncio
async def test_a_channel_that_is_away_or_cannot_show_it_is_left_alone(world: World) -> None:
    away, world.channel = world.channel, None
    world.expect("a")
    await world.emit("start", "a")
    world.channel = FakeChannel(typing=False)
    world.expect("b")
    await world.emit("start", "b")
    assert typed(world) == 0
    assert away is not None
    assert away.typed == []


@pytest.mark.asyncio
async def test_other_streams_and_a_second_start_change_nothing(world: World) -> None:
    world.expect()
    await world.emit("start", stream="tool")
    assert typed(world) == 0
    await world.emit("start")
    await world.emit("start")
    assert typed(world) == 1


@pytest.mark.asyncio
async def test_adv_Q3_runs_that_never_begin_are_forgotten(world: World) -> None:
    for number in range(MAX_RUNS + 1):
        world.expect(f"r{number}")
    await world.emit("start", "r0")
    assert typed(world) == 0
    await world.emit("start", f"r{MAX_RUNS}")
    assert typed(world) == 1
