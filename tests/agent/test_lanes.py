from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.agent.lanes import Lane, Lanes
from support.time import settle


async def run_all(*jobs: Awaitable[None]) -> None:
    await asyncio.wait_for(asyncio.gather(*jobs), 5)


@pytest.mark.asyncio
async def test_one_session_runs_one_turn_at_a_time_in_order() -> None:
    lanes, seen = Lanes(), list[str]()

    async def turn(name: str) -> None:
        async with lanes.hold("s", "main"):
            seen.append(f"start {name}")
            await settle(3)
            seen.append(f"end {name}")

    await run_all(*(turn(str(number)) for number in range(5)))
    assert seen == [f"{step} {number}" for number in range(5) for step in ("start", "end")]
    assert not lanes.busy("s")


@pytest.mark.asyncio
async def test_a_global_lane_caps_sessions_and_a_waiting_session_holds_no_place() -> None:
    lanes, running, most = Lanes(lambda _name: 2), 0, 0

    async def turn(session: str) -> None:
        nonlocal running, most
        async with lanes.hold(session, "main"):
            running += 1
            most = max(most, running)
            await settle(2)
            running -= 1

    await run_all(*(turn(f"s{number % 3}") for number in range(12)))
    assert most == 2
    assert lanes.load("main") == (0, 0)


@pytest.mark.asyncio
async def test_lanes_of_different_names_do_not_wait_for_each_other() -> None:
    lanes = Lanes(lambda _name: 1)
    async with lanes.hold("a", "main"), asyncio.timeout(1), lanes.hold("b", "cron"):
        assert lanes.load("main") == (1, 0)


@pytest.mark.asyncio
async def test_a_cap_that_is_raised_admits_the_next_at_the_next_change() -> None:
    cap = 1
    lane = Lane(lambda: cap)
    await lane.acquire()
    waiting = [asyncio.ensure_future(lane.acquire()) for _ in range(3)]
    await settle()
    assert lane.waiting == 3
    cap = 3
    lane.release()
    await settle()
    assert (lane.running, lane.waiting) == (3, 0)
    assert all(task.done() for task in waiting)


@pytest.mark.asyncio
async def test_a_cancelled_waiter_gives_its_place_on() -> None:
    lane = Lane(lambda: 1)
    await lane.acquire()
    first, second = asyncio.ensure_future(lane.acquire()), asyncio.ensure_future(lane.acquire())
    await settle()
    lane.release()  # the place is the first one's now, who is cancelled before it runs
    first.cancel()
    await settle()
    assert first.cancelled()
    assert second.done()
    assert lane.running == 1


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans()), min_size=1, max_size=25),
    cap=st.integers(1, 3),
)
def test_under_any_cancellation_order_holds_and_nothing_leaks(steps: list[tuple[str, int, bool]], cap: int) -> None:
    async def scenario() -> None:
        lanes = Lanes(lambda _name: cap)
        started: dict[str, list[int]] = {}
        active: dict[str, int] = {}

        async def turn(session: str, number: int, length: int) -> None:
            async with lanes.hold(session, "main"):
                assert session not in active
                active[session] = number
                assert len(active) <= cap
                started.setdefault(session, []).append(number)
                try:
                    await settle(length)
                finally:
                    del active[session]

        tasks = []
        for number, (session, length, cancel) in enumerate(steps):
            task = asyncio.ensure_future(turn(session, number, length))
            tasks.append(task)
            await settle(length)
            if cancel:
                task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
        assert all(task.cancelled() or task.exception() is None for task in tasks)
        assert all(numbers == sorted(numbers) for numbers in started.values())
        assert not any(lanes.busy(session) for session in "abc")
        assert lanes.load("main") == (0, 0)
        assert not lanes._sessions
        assert not lanes._globals

    asyncio.run(scenario())
