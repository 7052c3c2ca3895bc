from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from openclaw.agent.sessions.stores import Sessions
from openclaw.agent.sessions.zone import HostZone
from openclaw.state.sessions import Entry
from openclaw.system.errors import InvalidInput
from support.agents import MAIN, World
from support.time import FakeClock


@asynccontextmanager
async def sessions(world: World) -> AsyncIterator[Sessions]:
    found = Sessions(world.settings, world.policy, world.clock, world.tasks)
    try:
        yield found
    finally:
        await found.close()


def message(text: str) -> dict[str, Any]:
    return {"message": {"role": "user", "content": text}, "provenance": {"source": "owner"}, "inboundIds": [1]}


@pytest.mark.asyncio
async def test_a_new_session_is_on_the_disk_before_anything_is_written_to_it(tmp_path: Path) -> None:
    async with sessions(World(tmp_path)) as store:
        opened = await store.open(MAIN, inbound=True)
        assert opened.fresh
        stored = json.loads((tmp_path / "agents/main/sessions/sessions.json").read_text())
        assert stored[MAIN]["sessionId"] == opened.entry["sessionId"]
        again = await store.open(MAIN, inbound=True)
        assert not again.fresh
        assert again.entry["sessionId"] == opened.entry["sessionId"]


@pytest.mark.asyncio
async def test_a_stale_session_starts_anew_at_the_next_message_only(tmp_path: Path) -> None:
    clock = FakeClock()
    world = World(tmp_path, {"session": {"reset": {"mode": "idle", "idleMinutes": 10}}}, clock=clock)
    async with sessions(world) as store:
        first = await store.open(MAIN, inbound=True)
        await clock.advance(601)
        assert not (await store.open(MAIN, inbound=False)).fresh
        await clock.advance(601)
        anew = await store.open(MAIN, inbound=True)
        assert anew.fresh
        assert anew.entry["sessionId"] != first.entry["sessionId"]
        assert anew.previous_ms is not None


@pytest.mark.asyncio
async def test_the_daily_hour_is_the_hosts(tmp_path: Path) -> None:
    clock = FakeClock()
    async with sessions(World(tmp_path, clock=clock)) as store:
        await store.open(MAIN, inbound=True)
        await clock.advance(25 * 3600)
        assert (await store.open(MAIN, inbound=True)).fresh


@pytest.mark.asyncio
async def test_adv_G1_a_stored_id_that_is_a_path_opens_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "agents/main/sessions"
    folder.mkdir(parents=True)
    (folder / "sessions.json").write_text(json.dumps({MAIN: {"sessionId": "../../../evil", "updatedAt": 1}}))
    async with sessions(World(tmp_path)) as store:
        await store.ready(MAIN)
        entry = store.entry(MAIN)
        assert entry is not None
        with pytest.raises(InvalidInput):
            store.path(MAIN, entry)


@pytest.mark.asyncio
async def test_a_new_thread_begins_with_its_parents_conversation(tmp_path: Path) -> None:
    parent, thread = "agent:main:slack:channel:c1", "agent:main:slack:channel:c1:thread:9"
    async with sessions(World(tmp_path)) as store:
        entry: Entry = (await store.open(parent, inbound=True)).entry
        async with store.transcript(parent, entry) as transcript:
            transcript.append("message", message("before"))
        child = (await store.open(thread, inbound=True)).entry
        async with store.transcript(thread, child) as transcript:
            assert [line.message["content"] for line in transcript.branch()] == ["before"]
            assert "inboundIds" not in transcript.branch()[0].fields
            assert transcript.header["parentSession"].endswith(f"{entry['sessionId']}.jsonl")
        async with store.transcript(thread, child) as transcript:
            assert len(transcript.branch()) == 1


@pytest.mark.asyncio
async def test_all_agents_that_the_state_knows_are_listed(tmp_path: Path) -> None:
    folder = tmp_path / "agents/old/sessions"
    folder.mkdir(parents=True)
    (folder / "sessions.json").write_text(json.dumps({"agent:old:main": {"sessionId": "s", "updatedAt": 1}}))
    async with sessions(World(tmp_path)) as store:
        await store.refresh_all()
        assert [key for key, _ in store.all()] == ["agent:old:main"]


def test_the_hosts_zone_knows_its_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    try:
        moment = int(datetime(2026, 10, 25, 12, tzinfo=UTC).timestamp() * 1000)
        zone = HostZone().at(moment)
        assert zone.first == 7200
        assert zone.changes == ((int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()), 3600),)
    finally:
        monkeypatch.undo()
        time.tzset()
