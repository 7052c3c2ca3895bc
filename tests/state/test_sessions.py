from __future__ import annotations

import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw.state.sessions import SessionStore, checked_session_id, merged, store_path
from openclaw.system.clock import SystemClock
from openclaw.system.errors import InvalidInput, Unavailable
from openclaw.system.tasks import Supervisor
from support.time import FakeClock

KEY = "agent:main:main"


@asynccontextmanager
async def store_at(path: Path, clock: FakeClock | None = None) -> AsyncIterator[SessionStore]:
    tasks = Supervisor("test")
    store = SessionStore(path, clock=clock or FakeClock(), tasks=tasks)
    await store.refresh()
    try:
        yield store
    finally:
        await store.close()
        await tasks.close()


def stored(path: Path) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads(path.read_text())
    return found


def test_a_new_entry_gets_an_id_and_the_time() -> None:
    entry = merged(None, {"label": "x"}, 1000)
    assert entry["updatedAt"] == 1000
    assert len(entry["sessionId"]) == 36


@given(existing=st.integers(0, 10**13), patch=st.integers(0, 10**13), now=st.integers(1, 10**13))
def test_the_time_of_an_entry_never_goes_back(existing: int, patch: int, now: int) -> None:
    entry = merged({"sessionId": "a", "updatedAt": existing}, {"updatedAt": patch}, now)
    assert entry["updatedAt"] == max(existing, patch, now)
    assert entry["sessionId"] == "a"


def test_a_patch_wins_and_none_clears() -> None:
    entry = merged({"sessionId": "a", "updatedAt": 1, "label": "x", "strange": {"kept": 1}}, {"label": None}, 2)
    assert entry == {"sessionId": "a", "updatedAt": 2, "strange": {"kept": 1}}
    assert merged(entry, {"sessionId": "b"}, 3)["sessionId"] == "b"


def test_a_change_that_is_no_use_keeps_the_time() -> None:
    assert merged({"sessionId": "a", "updatedAt": 5}, {"label": "x"}, 99, touch=False)["updatedAt"] == 5


@pytest.mark.asyncio
async def test_unknown_fields_and_entries_survive_a_rewrite(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    path.write_text(json.dumps({"agent:main:other": {"sessionId": "o", "updatedAt": 1, "later": [1, {"x": None}]}}))
    async with store_at(path) as store:
        store.merge(KEY, {"label": "hello"})
    found = stored(path)
    assert found["agent:main:other"] == {"sessionId": "o", "updatedAt": 1, "later": [1, {"x": None}]}
    assert found[KEY]["label"] == "hello"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.asyncio
async def test_changes_are_written_together_after_a_moment(tmp_path: Path) -> None:
    clock = FakeClock()
    path = tmp_path / "sessions.json"
    async with store_at(path, clock) as store:
        for number in range(50):
            store.merge(KEY, {"totalTokens": number})
        await clock.advance(0.4)
        assert not path.exists()
        await clock.advance(0.2)
        await store.save()
        assert stored(path)[KEY]["totalTokens"] == 49


@pytest.mark.asyncio
async def test_what_another_program_wrote_is_kept_and_seen(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    async with store_at(path) as ours, store_at(path) as theirs:
        ours.merge(KEY, {"label": "ours"})
        await ours.save()
        await theirs.refresh()
        theirs.merge("agent:main:telegram:direct:1", {"label": "theirs"})
        await theirs.save()
        ours.merge(KEY, {"label": "ours again"})
        await ours.save()
        entry = ours.get("agent:main:telegram:direct:1")
        assert entry is not None
        assert entry["label"] == "theirs"
    assert {key: entry["label"] for key, entry in stored(path).items()} == {
        KEY: "ours again",
        "agent:main:telegram:direct:1": "theirs",
    }


@pytest.mark.asyncio
async def test_a_removed_entry_stays_removed_when_another_program_wrote(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    async with store_at(path) as ours, store_at(path) as theirs:
        ours.merge(KEY, {})
        await ours.save()
        await theirs.refresh()
        theirs.merge("agent:main:b", {})
        await theirs.save()
        ours.remove(KEY)
        await ours.save()
    assert set(stored(path)) == {"agent:main:b"}


@pytest.mark.asyncio
async def test_older_dm_keys_are_read_as_direct(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    path.write_text(
        json.dumps(
            {
                "agent:main:telegram:dm:1": {"sessionId": "new", "updatedAt": 9},
                "agent:main:telegram:direct:1": {"sessionId": "old", "updatedAt": 3},
            }
        )
    )
    async with store_at(path) as store:
        assert {key: entry["sessionId"] for key, entry in store.entries.items()} == {
            "agent:main:telegram:direct:1": "new",
        }


@pytest.mark.asyncio
async def test_a_broken_store_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    path.write_text('{"agent:main:main": {"sessionId": ')
    store = SessionStore(path, clock=FakeClock(), tasks=Supervisor("test"))
    with pytest.raises(InvalidInput, match="not JSON"):
        await store.refresh()
    assert path.read_text() == '{"agent:main:main": {"sessionId": '


@pytest.mark.asyncio
async def test_a_full_disk_keeps_the_old_file_and_the_change_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "sessions.json"
    async with store_at(path) as store:
        store.merge(KEY, {"label": "before"})
        await store.save()
        with monkeypatch.context() as patched:
            patched.setattr("os.fsync", _no_space)
            store.merge(KEY, {"label": "after"})
            with pytest.raises(Unavailable, match="no space"):
                await store.save()
            assert stored(path)[KEY]["label"] == "before"
            entry = store.get(KEY)
            assert entry is not None
            assert entry["label"] == "after"
    assert stored(path)[KEY]["label"] == "after"
    assert leftovers(tmp_path) == []


def leftovers(folder: Path) -> list[Path]:
    return list(folder.glob("*.tmp"))


def _no_space(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.asyncio
async def test_text_that_is_no_valid_unicode_can_be_stored(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    async with store_at(path) as store:
        store.merge(KEY, {"displayName": "broken \ud800 name"})
    assert stored(path)[KEY]["displayName"] == "broken \ud800 name"


@pytest.mark.asyncio
async def test_the_real_clock_writes_behind(tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    tasks = Supervisor("test")
    store = SessionStore(path, clock=SystemClock(), tasks=tasks)
    await store.refresh()
    store.merge(KEY, {"label": "x"})
    await tasks.join()
    assert stored(path)[KEY]["label"] == "x"
    await tasks.close()


@pytest.mark.parametrize(
    "bad", ["../../x", "/etc/passwd", "a\0b", "x" * 300, "", ".", "..", "a/b", "a b", None, 3, ["a"]]
)
def test_adv_G1_a_session_id_that_is_a_path_is_refused(bad: object) -> None:
    with pytest.raises(InvalidInput, match="sessionId"):
        checked_session_id(bad)


def test_the_configured_store_expands_the_agent(tmp_path: Path) -> None:
    default = tmp_path / "default.json"
    assert store_path(None, default, "main", tmp_path) == default
    assert store_path("/data/{agentId}/s.json", default, "work", tmp_path) == Path("/data/work/s.json")
    assert store_path("~/s.json", default, "work", tmp_path) == tmp_path / "s.json"
    with pytest.raises(InvalidInput, match=r"session\.store"):
        store_path("relative/s.json", default, "work", tmp_path)
