from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from openclaw.agent.contract import Failure, FailureKind, ModelEvent, ModelRef, ModelRequest, Stop, TextDelta
from openclaw.agent.models.failover import MAX_SENDS, Failover, Sent, Started
from openclaw.agent.models.keyring import Key
from openclaw.agent.models.registry import Candidate
from openclaw.system.clock import SystemClock
from openclaw.system.secret import Secret
from support.agents import World


class Flaky:
    """Answers by the key that is used: a list of outcomes per key, `ok` at the end of each."""

    def __init__(self, outcomes: dict[str, list[Failure]]) -> None:
        self.outcomes = outcomes
        self.sent: list[tuple[str, str]] = []

    async def stream(self, request: ModelRequest, credential: Secret | None) -> AsyncIterator[ModelEvent]:
        name = credential.reveal() if credential else "-"
        self.sent.append((request.ref.model, name))
        yield TextDelta(f"partial {name}")
        left = self.outcomes.get(f"{request.ref.model}:{name}", [])
        yield left.pop(0) if left else Stop("stop")


def fail(kind: FailureKind, status: int | None = None) -> Failure:
    return Failure(kind, f"it is {kind}.", status)


def candidate(model: str, *keys: str) -> Candidate:
    return Candidate(ModelRef("flaky", model), tuple(Key(Secret(key), profile_id=f"flaky:{key}") for key in keys))


async def send(world: World, flaky: Flaky, candidates: Sequence[Candidate]) -> tuple[list[Sent], list[str | None]]:
    async with world.registry(flaky=flaky) as registry:
        stream = Failover(registry, SystemClock()).stream(
            world.settings.agent("main"),
            candidates,
            lambda ref: ModelRequest(ref, "", (), ()),
        )
        events = [event async for event in stream]
    started = [event.key.profile_id for event in events if isinstance(event, Started)]
    return events, started[-1:] if isinstance(events[-1], Stop) else []


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.agent.models.failover.RETRY_SECONDS", 0)


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["auth", "billing", "rate_limit", "timeout"])
async def test_the_next_key_is_tried(world: World, kind: FailureKind) -> None:
    flaky = Flaky({"a:k1": [fail(kind)]})
    events, used = await send(world, flaky, [candidate("a", "k1", "k2")])
    assert flaky.sent == [("a", "k1"), ("a", "k2")]
    assert used == ["flaky:k2"]
    assert events[-1] == Stop("stop")
    assert sum(isinstance(event, Started) for event in events) == 2


@pytest.mark.asyncio
async def test_a_request_that_the_provider_rejects_goes_to_the_next_model(world: World) -> None:
    flaky = Flaky({"a:k1": [fail("format")]})
    _, used = await send(world, flaky, [candidate("a", "k1", "k2"), candidate("b", "k3")])
    assert flaky.sent == [("a", "k1"), ("b", "k3")]
    assert used == ["flaky:k3"]


@pytest.mark.asyncio
@pytest.mark.parametrize("failure", [fail("other"), fail("other", 400), fail("overflow")])
async def test_other_failures_do_not_move_on(world: World, failure: Failure) -> None:
    flaky = Flaky({"a:k1": [failure]})
    events, used = await send(world, flaky, [candidate("a", "k1"), candidate("b", "k2")])
    assert flaky.sent == [("a", "k1")]
    assert used == []
    assert events[-1] == failure


@pytest.mark.asyncio
@pytest.mark.parametrize("failure", [fail("network"), fail("other", 500)])
async def test_what_passes_is_tried_once_more(world: World, failure: Failure) -> None:
    flaky = Flaky({"a:k1": [failure]})
    events, _ = await send(world, flaky, [candidate("a", "k1")])
    assert flaky.sent == [("a", "k1")] * 2
    assert events[-1] == Stop("stop")


@pytest.mark.asyncio
async def test_when_all_fail_one_line_names_each_model(world: World) -> None:
    flaky = Flaky({"a:k1": [fail("rate_limit")], "b:k2": [fail("auth")]})
    events, _ = await send(world, flaky, [candidate("a", "k1"), candidate("b", "k2")])
    end = events[-1]
    assert isinstance(end, Failure)
    assert end.message == "All models failed. flaky/a: it is rate_limit (rate_limit); flaky/b: it is auth (auth)."


@pytest.mark.asyncio
async def test_adv_Q5_a_request_is_sent_a_bounded_number_of_times(world: World) -> None:
    keys = [f"k{number}" for number in range(30)]
    flaky = Flaky({f"{model}:{key}": [fail("rate_limit")] * 9 for model in "abc" for key in keys})
    events, _ = await send(world, flaky, [candidate(model, *keys) for model in "abc"])
    assert len(flaky.sent) == MAX_SENDS
    assert isinstance(events[-1], Failure)


@pytest.mark.asyncio
async def test_a_resting_key_is_not_tried(world: World) -> None:
    flaky = Flaky({})
    resting = Candidate(ModelRef("flaky", "a"), (Key(Secret("k1"), "p1", waits_until=1), Key(Secret("k2"), "p2")))
    await send(world, flaky, [resting])
    assert flaky.sent == [("a", "k2")]


@pytest.mark.asyncio
async def test_abort_moves_on_to_nothing(world: World) -> None:
    asked = asyncio.Event()

    class Hangs:
        sent = 0

        async def stream(self, request: ModelRequest, credential: Secret | None) -> AsyncIterator[ModelEvent]:
            Hangs.sent += 1
            asked.set()
            yield TextDelta("x")
            await asyncio.Event().wait()

    hangs: Any = Hangs()
    task = asyncio.ensure_future(send(world, hangs, [candidate("a", "k1", "k2")]))
    await asyncio.wait_for(asked.wait(), 5)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert Hangs.sent == 1


@pytest.mark.asyncio
async def test_every_failure_is_one_line_in_the_log_also_when_another_key_answers(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    flaky = Flaky({"a:k1": [fail("auth", 401)]})
    await send(world, flaky, [candidate("a", "k1", "k2")])
    (record,) = [record for record in caplog.records if record.name == "openclaw.agent.models.failover"]
    assert record.getMessage() == "flaky/a failed (auth): it is auth."
    assert record.exc_info is None
