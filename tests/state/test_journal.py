from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from openclaw.state.journal import (
    KEEP_CLOSED_MS,
    REPEAT_WITHIN_MS,
    Journal,
    JournalStore,
    NewInbound,
    NewOutbound,
    OutboundKind,
)
from openclaw.system.errors import Unavailable

NOW = 1_790_000_000_000


@pytest.fixture
def store(tmp_path: Path) -> JournalStore:
    return JournalStore(tmp_path / "journal" / "journal.sqlite")


def message(event_id: str) -> NewInbound:
    return NewInbound(channel="telegram", account="default", event_id=event_id, payload="{}")


def chunk(text: str, kind: OutboundKind = "reply") -> NewOutbound:
    return NewOutbound(
        kind=kind, channel="telegram", account="default", target={"to": "1"}, payload={"text": text}, session_key="s"
    )


def test_the_same_event_is_stored_once(store: JournalStore) -> None:
    assert len(store.offer([message("1"), message("2")], NOW)) == 2
    assert store.offer([message("2")], NOW) == []
    assert [row.event_id for row in store.open_inbound()] == ["1", "2"]


def test_an_answer_closes_its_messages_in_the_same_transaction(store: JournalStore) -> None:
    ids = [row.id for row in store.offer([message("1"), message("2")], NOW)]
    assert len(store.answer(ids, [chunk("a"), chunk("b")], NOW, outcome="answered")) == 2
    assert store.open_inbound() == []
    assert [row.payload["text"] for row in store.pending_outbound()] == ["a", "b"]


def test_answering_closed_messages_again_stores_nothing(store: JournalStore) -> None:
    ids = [row.id for row in store.offer([message("1")], NOW)]
    store.answer(ids, [chunk("a")], NOW, outcome="answered")
    assert store.answer(ids, [chunk("again")], NOW, outcome="answered") == []
    assert len(store.pending_outbound()) == 1


def test_a_closed_message_never_opens_again(store: JournalStore) -> None:
    (row,) = store.offer([message("1")], NOW)
    store.mark([row.id], "closed", outcome="dropped", now_ms=NOW)
    store.mark([row.id], "queued")
    assert store.open_inbound() == []


@pytest.mark.parametrize(
    ("kind", "age_ms", "repeated"),
    [
        ("reply", 0, True),
        ("reply", REPEAT_WITHIN_MS, True),
        ("reply", REPEAT_WITHIN_MS + 1, False),
        ("message", 0, False),
        ("notice", 0, False),
        ("pairing", 0, False),
    ],
)
def test_only_a_young_reply_with_unknown_outcome_is_repeated(
    store: JournalStore, kind: OutboundKind, age_ms: int, repeated: bool
) -> None:
    (outbound_id,) = store.answer([], [chunk("a", kind)], NOW, outcome="answered")
    store.start(outbound_id, NOW)
    found = store.recover(NOW + age_ms)
    assert (len(found.repeated), len(found.uncertain)) == ((1, 0) if repeated else (0, 1))
    assert len(store.pending_outbound()) == int(repeated)
    assert len(store.uncertain_outbound()) == int(not repeated)


def test_a_reply_is_repeated_at_most_once(store: JournalStore) -> None:
    (outbound_id,) = store.answer([], [chunk("a")], NOW, outcome="answered")
    store.start(outbound_id, NOW)
    assert store.recover(NOW).repeated
    store.start(outbound_id, NOW)
    assert store.recover(NOW).uncertain


def test_receipts_retries_and_ends(store: JournalStore) -> None:
    first, second, third = store.answer([], [chunk("a"), chunk("b"), chunk("c")], NOW, outcome="answered")
    store.start(first, NOW)
    store.sent(first, ["77"], NOW)
    store.start(second, NOW)
    store.retry(second, NOW + 400, "429")
    store.end(third, "failed", "chat not found", NOW)
    (waiting,) = store.pending_outbound()
    assert (waiting.id, waiting.due_ms, waiting.attempts, waiting.error) == (second, NOW + 400, 1, "429")


def test_an_idempotency_key_keeps_its_first_answer(store: JournalStore) -> None:
    assert store.remember("chat:1", "first", NOW) is None
    assert store.remember("chat:1", "second", NOW) == "first"


def test_closed_rows_go_after_seven_days(store: JournalStore) -> None:
    (row,) = store.offer([message("1")], NOW)
    store.answer([row.id], [chunk("a")], NOW, outcome="answered")
    (outbound,) = store.pending_outbound()
    store.sent(outbound.id, ["1"], NOW)
    assert store.prune(NOW + KEEP_CLOSED_MS) == 0
    assert store.prune(NOW + KEEP_CLOSED_MS + 1) == 2


def test_files_are_private(tmp_path: Path) -> None:
    store = JournalStore(tmp_path / "journal" / "journal.sqlite")
    store.offer([message("1")], NOW)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "journal").iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "journal").stat().st_mode) == 0o700


def test_a_journal_of_a_newer_build_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    JournalStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(Unavailable, match="newer openclaw"):
        JournalStore(path)


def test_a_kill_keeps_every_message_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    program = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from openclaw.state.journal import JournalStore, NewInbound
        store = JournalStore(Path(sys.argv[1]))
        for number in range(100_000):
            store.offer([NewInbound("t", "a", str(number), "x" * 500)], 1, durable=False)
            print(number, flush=True)
        """
    )
    child = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = -1
    for line in child.stdout:
        acknowledged = int(line)
        if acknowledged == 200:
            os.kill(child.pid, signal.SIGKILL)
            break
    rest = child.stdout.read().split()
    child.stdout.close()
    child.wait()
    acknowledged = max([acknowledged, *(int(number) for number in rest)])
    kept = {int(row.event_id) for row in JournalStore(path).open_inbound()}
    assert set(range(acknowledged + 1)) <= kept


@pytest.mark.asyncio
async def test_the_journal_runs_the_store_on_its_own_thread(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    await journal.open()
    assert len(await journal.call(JournalStore.offer, [message("1")], NOW)) == 1
    assert len(await journal.call(JournalStore.open_inbound)) == 1
    await journal.close()
