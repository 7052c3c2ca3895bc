from __future__ import annotations

import asyncio
import json
import os
import resource
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw.policy.what.labels import Confidentiality, Integrity, Label, Source
from openclaw.state.transcript_store import Transcripts
from openclaw.state.transcripts import Line, Transcript, load, tail, transcript_path
from openclaw.system.errors import Conflict, InvalidInput, Unavailable
from support.time import FakeClock

OWNER = {"source": "owner", "channel": "webchat"}


def user(text: str, **extra: Any) -> dict[str, Any]:
    return {"message": {"role": "user", "content": text, "timestamp": 1}, "provenance": OWNER, **extra}


def fresh(path: Path) -> Transcript:
    return Transcript.create(path, FakeClock(), session_id="s1", cwd="/w")


def reload(path: Path) -> Transcript:
    found = load(path, FakeClock())
    assert found is not None
    return found


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(raw) for raw in path.read_bytes().split(b"\n") if raw]


def test_the_first_line_is_the_header_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    Transcript.create(path, FakeClock(), session_id="s1", cwd="/w", parent="/p.jsonl")
    (header,) = rows(path)
    assert header == {
        "type": "session",
        "version": 3,
        "id": "s1",
        "timestamp": "2026-09-21T14:13:20.000Z",
        "cwd": "/w",
        "parentSession": "/p.jsonl",
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_each_line_names_the_one_before_it(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    transcript = fresh(path)
    first = transcript.append("message", user("a"))
    second = transcript.append("message", user("b"))
    found = rows(path)[1:]
    assert [row["parentId"] for row in found] == [None, first.id]
    assert [row["id"] for row in found] == [first.id, second.id]
    assert len(first.id) == 8
    assert found[0]["provenance"] == OWNER
    assert [line.id for line in reload(path).branch()] == [first.id, second.id]


def test_the_conversation_is_the_path_from_the_last_line_to_the_root(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    transcript = fresh(path)
    first = transcript.append("message", user("a"))
    transcript.append("message", user("dropped"))
    with path.open("a") as file:
        file.write(json.dumps({"type": "message", "id": "00000001", "parentId": first.id, **user("b")}) + "\n")
    again = reload(path)
    assert [line.message["content"] for line in again.branch()] == ["a", "b"]
    assert again.append("message", user("c")).parent_id == "00000001"
    assert [line.message["content"] for line in tail(path, 10)] == ["a", "b", "c"]


@pytest.mark.parametrize("torn", ['{"type":"message","id":"0000', "{", '{"type":"message","message":{"content":"\xe4'])
def test_a_torn_last_line_is_cut_off_and_kept_beside(tmp_path: Path, torn: str) -> None:
    path = tmp_path / "s1.jsonl"
    fresh(path).append("message", user("a"))
    whole = path.read_bytes()
    path.write_bytes(whole + torn.encode())
    broken = path.read_bytes()
    transcript = reload(path)
    assert [line.message["content"] for line in transcript.branch()] == ["a"]
    assert path.read_bytes() == whole
    assert path.with_name("s1.jsonl.bak").read_bytes() == broken
    transcript.append("message", user("b"))
    assert [line.message["content"] for line in reload(path).branch()] == ["a", "b"]


def test_a_last_line_that_only_lacks_its_newline_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    fresh(path).append("message", user("a"))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    transcript = reload(path)
    transcript.append("message", user("b"))
    assert [line.message["content"] for line in reload(path).branch()] == ["a", "b"]


def test_a_file_without_header_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    path.write_text('{"type":"message","id":"00000001","parentId":null}\n')
    with pytest.raises(InvalidInput, match="/new"):
        load(path, FakeClock())
    assert path.read_text().startswith('{"type":"message"')


@pytest.mark.parametrize("content", [b"", b'{"type":"session","ver'])
def test_a_file_that_died_in_its_header_is_empty(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s1.jsonl"
    path.write_bytes(content)
    assert load(path, FakeClock()) is None
    assert path.read_bytes() == b""


def test_an_unreadable_line_in_the_middle_is_left_out_and_the_path_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    fresh(path).append("message", user("a"))
    with path.open("a") as file:
        file.write('{"broken\n[1]\n{"type":"message"}\n')
        file.write(json.dumps({"type": "message", "id": "00000002", "parentId": "gone0000", **user("b")}) + "\n")
    assert [line.message["content"] for line in reload(path).branch()] == ["a", "b"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.jsonl"
    outside.write_text('{"type":"session","version":3,"id":"x"}\n')
    path = tmp_path / "s1.jsonl"
    path.symlink_to(outside)
    with pytest.raises(Unavailable):
        load(path, FakeClock())


@pytest.mark.parametrize("bad", ["../../x", "/tmp/x", "a\0", "x" * 300])
def test_adv_G1_a_transcript_stays_in_its_folder(tmp_path: Path, bad: str) -> None:
    with pytest.raises(InvalidInput):
        transcript_path(tmp_path, bad)


def test_a_topic_has_a_file_of_its_own_name(tmp_path: Path) -> None:
    key = "agent:main:telegram:group:-100:topic:7"
    assert transcript_path(tmp_path, "s1", key) == tmp_path / "s1-topic-7.jsonl"
    assert transcript_path(tmp_path, "s1", "agent:main:main") == tmp_path / "s1.jsonl"
    assert transcript_path(tmp_path, "s1", key + "/../x") == tmp_path / "s1.jsonl"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"message": {"role": "user"}, "provenance": OWNER}, Integrity.OWNER),
        ({"message": {"role": "user"}, "provenance": [OWNER, {"source": "paired"}]}, Integrity.ALLOWED),
        ({"message": {"role": "user"}}, Integrity.UNTRUSTED),
        ({"message": {"role": "user"}, "provenance": "owner"}, Integrity.UNTRUSTED),
        ({"message": {"role": "user"}, "provenance": {"source": "root"}}, Integrity.UNTRUSTED),
        ({"message": {"role": "user"}, "provenance": []}, Integrity.UNTRUSTED),
        ({"message": {"role": "assistant"}}, Integrity.UNTRUSTED),
        ({"message": {"role": "toolResult"}, "provenance": {"source": "tool"}}, Integrity.LOCAL),
    ],
)
def test_a_line_counts_as_what_its_origins_say_and_a_foreign_line_as_a_stranger(
    fields: dict[str, Any], expected: Integrity
) -> None:
    line = Line("1", None, "message", fields)
    assert line.label.integrity is expected


def test_a_foreign_tool_result_counts_as_web() -> None:
    line = Line("1", None, "message", {"message": {"role": "toolResult"}})
    assert [origin.source for origin in line.provenances] == [Source.WEB]


def test_a_stored_label_only_lowers_trust() -> None:
    low = {
        "message": {"role": "user"},
        "provenance": OWNER,
        "label": {"integrity": "untrusted", "confidentiality": "secret"},
    }
    assert Line("1", None, "message", low).label == Label(Integrity.UNTRUSTED, Confidentiality.SECRET)
    high = {"message": {"role": "user"}, "provenance": {"source": "web"}, "label": {"integrity": "owner"}}
    assert Line("1", None, "message", high).label.integrity is Integrity.UNTRUSTED
    assert Line("1", None, "label", {"label": "text"}).label == Label()


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(max_size=200), max_size=20), limit=st.integers(1, 25))
def test_the_tail_is_the_end_of_the_conversation(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], limit: int
) -> None:
    path = tmp_path_factory.mktemp("t") / "s1.jsonl"
    transcript = fresh(path)
    for text in texts:
        transcript.append("message", user(text))
    expected = [line.id for line in transcript.branch()][-limit:]
    assert [line.id for line in tail(path, limit)] == expected
    assert [line.message["content"] for line in reload(path).branch()] == [
        line.message["content"] for line in transcript.branch()
    ]


def test_the_tail_reads_lines_longer_than_a_block(tmp_path: Path) -> None:
    path = tmp_path / "s1.jsonl"
    transcript = fresh(path)
    for size in (10, 300_000, 20, 70_000):
        transcript.append("message", user("x" * size))
    assert [len(line.message["content"]) for line in tail(path, 4)] == [10, 300_000, 20, 70_000]
    assert tail(tmp_path / "none.jsonl", 3) == []


@pytest.mark.asyncio
async def test_two_tasks_share_one_transcript_and_one_lock(tmp_path: Path) -> None:
    store = Transcripts(FakeClock())
    path = tmp_path / "s1.jsonl"
    async with store.hold(path, session_id="s1", cwd="/w") as one, store.hold(path, session_id="s1", cwd="/w") as two:
        assert one is two
        assert path.with_name("s1.jsonl.lock").exists()
        one.append("message", user("a"))
    assert not path.with_name("s1.jsonl.lock").exists()
    async with store.hold(path, session_id="s1", cwd="/w") as again:
        assert again is one


@pytest.mark.asyncio
async def test_a_change_by_another_program_is_read_again(tmp_path: Path) -> None:
    store = Transcripts(FakeClock())
    path = tmp_path / "s1.jsonl"
    async with store.hold(path, session_id="s1", cwd="/w") as one:
        one.append("message", user("a"))
    with path.open("a") as file:
        file.write(json.dumps({"type": "message", "id": "00000002", "parentId": one.leaf_id, **user("b")}) + "\n")
    assert [line.message["content"] for line in store.recent(path, 5)] == ["a", "b"]
    async with store.hold(path, session_id="s1", cwd="/w") as two:
        assert [line.message["content"] for line in two.branch()] == ["a", "b"]


@pytest.mark.asyncio
async def test_another_process_waits_for_the_lock_and_a_cancelled_wait_frees_it(tmp_path: Path) -> None:
    first, second = Transcripts(FakeClock()), Transcripts(FakeClock())
    path = tmp_path / "s1.jsonl"
    async with first.hold(path, session_id="s1", cwd="/w"):
        waiting = asyncio.ensure_future(_hold_once(second, path))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        waiting.cancel()
        await asyncio.wait([waiting])
    await asyncio.wait_for(_hold_once(second, path), 5)
    await asyncio.wait_for(_hold_once(first, path), 5)


async def _hold_once(store: Transcripts, path: Path) -> None:
    async with store.hold(path, session_id="s1", cwd="/w"):
        pass


@pytest.mark.asyncio
async def test_the_cache_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.state.transcript_store.CACHED_FILES", 3)
    store = Transcripts(FakeClock())
    paths = [tmp_path / f"s{number}.jsonl" for number in range(10)]
    for path in paths:
        async with store.hold(path, session_id="s", cwd="/w") as transcript:
            transcript.append("message", user("a"))
    assert [store.cached(path) is not None for path in paths] == [False] * 7 + [True] * 3


def _in_child(action: Any) -> int:
    """Run `action` in a forked child and return its exit code: file limits must not touch the test process."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_full_disk_keeps_the_file_whole_and_other_sessions_working(tmp_path: Path) -> None:
    full, other = tmp_path / "full.jsonl", tmp_path / "other.jsonl"
    fresh(full).append("message", user("x" * 3000))
    fresh(other)
    before = full.read_bytes()

    def write() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 500, len(before) + 500))
        transcript = reload(full)
        try:
            transcript.append("message", user("y" * 2000))
        except Unavailable:
            assert len(transcript.branch()) == 1
        else:
            raise AssertionError("the append was taken")
        reload(other).append("message", user("still works"))

    assert _in_child(write) == 0
    assert full.read_bytes() == before
    assert [line.message["content"] for line in reload(other).branch()] == ["still works"]
    assert not list(tmp_path.glob("*.bak"))


@pytest.mark.asyncio
async def test_a_lock_that_stays_held_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("openclaw.state.transcript_store.LOCK_SECONDS", 0.05)
    first, second = Transcripts(FakeClock()), Transcripts(FakeClock())
    path = tmp_path / "s1.jsonl"
    async with first.hold(path, session_id="s1", cwd="/w"):
        with pytest.raises(Conflict, match="held by another process"):
            await _hold_once(second, path)
