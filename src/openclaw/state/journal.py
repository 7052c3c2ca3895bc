"""The journal: in- and outbox in SQLite (WAL), so that a kill at any point loses nothing (house rule 5).

An inbound message is stored before it is acknowledged to its channel and stays open until its answer is stored; an
answer and the closing of its messages are one transaction. An outbound chunk is marked `started` just before its
request is written and `sent` with its receipt.

`JournalStore` is synchronous and owns the connection. `Journal` runs its methods on one thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, Final, Literal, ParamSpec, TypeVar

from openclaw.state.files import PRIVATE_FILE, private_dir
from openclaw.system.errors import OpenClawError, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

SCHEMA_VERSION: Final = 1
REPEAT_WITHIN_MS: Final = 10 * 60_000
KEEP_CLOSED_MS: Final = 7 * 24 * 3_600_000

InboundState = Literal["new", "pending", "queued", "closed"]
OutboundState = Literal["pending", "started", "sent", "uncertain", "failed", "dropped"]
OutboundKind = Literal["reply", "pairing", "notice", "message"]

_SCHEMA: Final = """
CREATE TABLE inbound (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, account TEXT NOT NULL, event_id TEXT NOT NULL,
  received_ms INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT, session_key TEXT, run_id TEXT,
  payload TEXT NOT NULL, closed_ms INTEGER, UNIQUE (channel, account, event_id)) STRICT;
CREATE INDEX inbound_open ON inbound (state, id) WHERE state != 'closed';
CREATE INDEX inbound_closed ON inbound (closed_ms) WHERE state = 'closed';
CREATE TABLE outbound (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL,
  channel TEXT NOT NULL, account TEXT NOT NULL, target TEXT NOT NULL,
  session_key TEXT, run_id TEXT, payload TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  repeats INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, started_ms INTEGER,
  ended_ms INTEGER, receipt TEXT, error TEXT) STRICT;
CREATE INDEX outbound_open ON outbound (state, id) WHERE state IN ('pending', 'started', 'uncertain');
CREATE INDEX outbound_ended ON outbound (ended_ms) WHERE ended_ms IS NOT NULL;
CREATE TABLE answered (key TEXT PRIMARY KEY, at_ms INTEGER NOT NULL, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""

_OUTBOUND_COLUMNS: Final = (
    "id, kind, channel, account, target, payload, state, attempts, repeats, due_ms, created_ms, "
    "session_key, run_id, error"
)


@dataclass(frozen=True, slots=True)
class NewInbound:
    """A message to journal; `payload` is JSON text that only its channel room reads."""

    channel: str
    account: str
    event_id: str
    payload: str


@dataclass(frozen=True, slots=True)
class InboundRow:
    """A journaled message."""

    id: int
    channel: str
    account: str
    event_id: str
    received_ms: int
    state: InboundState
    payload: str
    session_key: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class NewOutbound:
    """A chunk to send.

    Attributes:
        kind: `reply` is the answer in the conversation that caused the turn: the only kind that is repeated when its
            outcome is unknown (channels.md 5, Retry).
        channel, account: by which channel.
        target: JSON object that the channel room reads.
        payload: JSON object that the channel room reads.
        session_key, run_id: for receipts and listings.
    """

    kind: OutboundKind
    channel: str
    account: str
    target: Mapping[str, Any]
    payload: Mapping[str, Any]
    session_key: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class OutboundRow:
    """A journaled chunk."""

    id: int
    kind: OutboundKind
    channel: str
    account: str
    target: dict[str, Any]
    payload: dict[str, Any]
    state: OutboundState
    attempts: int
    repeats: int
    due_ms: int
    created_ms: int
    session_key: str | None = None
    run_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What opening found after an unclean end.

    Attributes:
        repeated: replies that were cut between request and receipt and will be sent once more.
        uncertain: other sends with unknown outcome; not repeated.
    """

    repeated: tuple[OutboundRow, ...] = ()
    uncertain: tuple[OutboundRow, ...] = field(default=())


class JournalStore:
    """The synchronous store; one connection, one thread."""

    def __init__(self, path: Path) -> None:
        private_dir(path.parent)
        try:
            path.touch(mode=PRIVATE_FILE)
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._migrate()
        except (sqlite3.Error, OSError) as error:
            raise Unavailable(f"cannot open the journal {path}: {error}", code="journal-unavailable") from error

    def _migrate(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            self._db.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version={SCHEMA_VERSION};COMMIT;")
        elif version != SCHEMA_VERSION:
            raise Unavailable(
                f"the journal has version {version}, this build knows {SCHEMA_VERSION}; run the newer openclaw again",
                code="journal-version",
            )

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        cursor = self._db.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                yield cursor
                cursor.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    cursor.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise Unavailable(f"the journal cannot be written: {error}", code="journal-unavailable") from error
        finally:
            cursor.close()

    # inbox

    def offer(self, messages: Sequence[NewInbound], now_ms: int, *, durable: bool = True) -> list[InboundRow]:
        """Store messages and return those that are new; one seen before is left as it is.

        Args:
            messages: in their order.
            now_ms: time of receipt.
            durable: survive a power cut as well, at the price of one disk sync.
        """
        if durable:
            self._db.execute("PRAGMA synchronous=FULL")
        try:
            rows = []
            with self._transaction() as cursor:
                for message in messages:
                    cursor.execute(
                        "INSERT INTO inbound (channel, account, event_id, received_ms, state, payload) "
                        "VALUES (?, ?, ?, ?, 'new', ?) ON CONFLICT DO NOTHING",
                        (message.channel, message.account, message.event_id, now_ms, message.payload),
                    )
                    if cursor.rowcount:
                        rows.append(
                            InboundRow(
                                id=cursor.lastrowid or 0,
                                channel=message.channel,
                                account=message.account,
                                event_id=message.event_id,
                                received_ms=now_ms,
                                state="new",
                                payload=message.payload,
                            )
                        )
            return rows
        finally:
            if durable:
                self._db.execute("PRAGMA synchronous=NORMAL")

    def open_inbound(self) -> list[InboundRow]:
        """Return every message that is not closed, oldest first."""
        rows = self._read(
            "SELECT id, channel, account, event_id, received_ms, state, payload, session_key, run_id "
            "FROM inbound WHERE state != 'closed' ORDER BY id"
        )
        return [InboundRow(*row) for row in rows]

    def mark(
        self,
        ids: Iterable[int],
        state: InboundState,
        *,
        outcome: str | None = None,
        session_key: str | None = None,
        run_id: str | None = None,
        now_ms: int | None = None,
    ) -> None:
        """Move messages to a state; `closed` needs `now_ms`."""
        with self._transaction() as cursor:
            cursor.executemany(
                "UPDATE inbound SET state = ?, outcome = coalesce(?, outcome), session_key = coalesce(?, session_key), "
                "run_id = coalesce(?, run_id), closed_ms = ? WHERE id = ? AND state != 'closed'",
                [
                    (state, outcome, session_key, run_id, now_ms if state == "closed" else None, inbound_id)
                    for inbound_id in ids
                ],
            )

    def rewrite(self, inbound_id: int, change: Callable[[str], str]) -> None:
        """Replace what is stored of a message that is not closed by what `change` makes of it, so that it survives."""
        with self._transaction() as cursor:
            found = cursor.execute(
                "SELECT payload FROM inbound WHERE id = ? AND state != 'closed'", (inbound_id,)
            ).fetchone()
            if found is not None:
                cursor.execute("UPDATE inbound SET payload = ? WHERE id = ?", (change(found[0]), inbound_id))

    # outbox

    def answer(
        self, inbound_ids: Sequence[int], chunks: Sequence[NewOutbound], now_ms: int, *, outcome: str
    ) -> list[int]:
        """Store the chunks of an answer and close the messages that it answers, in one transaction.

        When all of the messages are closed already, the answer is a repetition and nothing is stored.

        Returns:
            The ids of the stored chunks.
        """
        with self._transaction() as cursor:
            if inbound_ids and not self._any_open(cursor, inbound_ids):
                return []
            stored = [self._insert(cursor, chunk, now_ms) for chunk in chunks]
            cursor.executemany(
                "UPDATE inbound SET state = 'closed', outcome = ?, closed_ms = ? WHERE id = ? AND state != 'closed'",
                [(outcome, now_ms, inbound_id) for inbound_id in inbound_ids],
            )
            return stored

    @staticmethod
    def _any_open(cursor: sqlite3.Cursor, inbound_ids: Sequence[int]) -> bool:
        marks = ",".join("?" * len(inbound_ids))
        found = cursor.execute(
            f"SELECT 1 FROM inbound WHERE id IN ({marks}) AND state != 'closed' LIMIT 1",  # noqa: S608 - marks only
            tuple(inbound_ids),
        ).fetchone()
        return found is not None

    @staticmethod
    def _insert(cursor: sqlite3.Cursor, chunk: NewOutbound, now_ms: int) -> int:
        cursor.execute(
            "INSERT INTO outbound (kind, channel, account, target, session_key, run_id, payload, state, due_ms, "
            "created_ms) VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
            (
                chunk.kind,
                chunk.channel,
                chunk.account,
                json.dumps(chunk.target, separators=(",", ":")),
                chunk.session_key,
                chunk.run_id,
                json.dumps(chunk.payload, separators=(",", ":")),
                now_ms,
                now_ms,
            ),
        )
        return cursor.lastrowid or 0

    def pending_outbound(self) -> list[OutboundRow]:
        """Return the chunks that wait to be sent, oldest first."""
        return self._outbound("state = 'pending'")

    def uncertain_outbound(self) -> list[OutboundRow]:
        """Return the sends whose outcome is unknown and that are not repeated."""
        return self._outbound("state = 'uncertain'")

    def _outbound(self, condition: str) -> list[OutboundRow]:
        query = f"SELECT {_OUTBOUND_COLUMNS} FROM outbound WHERE {condition} ORDER BY id"  # noqa: S608 - constants only
        return [_outbound_row(row) for row in self._read(query)]

    def _read(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query).fetchall()
        except sqlite3.Error as error:
            raise Unavailable(f"the journal cannot be read: {error}", code="journal-unavailable") from error

    def start(self, outbound_id: int, now_ms: int) -> None:
        """Note that the request of a chunk is about to be written."""
        self._update("state = 'started', attempts = attempts + 1, started_ms = ?", (now_ms,), outbound_id)

    def sent(self, outbound_id: int, receipt: Sequence[str], now_ms: int) -> None:
        """Note the receipt of a chunk."""
        self._update(
            "state = 'sent', receipt = ?, ended_ms = ?, error = NULL", (json.dumps(list(receipt)), now_ms), outbound_id
        )

    def retry(self, outbound_id: int, due_ms: int, error: str) -> None:
        """Put a chunk whose request did not reach the service back, to be sent at `due_ms`."""
        self._update("state = 'pending', due_ms = ?, error = ?", (due_ms, error), outbound_id)

    def end(self, outbound_id: int, state: OutboundState, error: str, now_ms: int) -> None:
        """End a chunk as `failed`, `dropped` or `uncertain`."""
        self._update("state = ?, error = ?, ended_ms = ?", (state, error, now_ms), outbound_id)

    def settle(self, outbound_id: int, now_ms: int, error: str) -> bool:
        """Settle a send with unknown outcome by the one rule; returns whether it will be repeated.

        A reply in its own conversation, at most 10 minutes old and not repeated before, is sent once more; anything
        else is kept as `uncertain` (channels.md 5, Retry).
        """
        with self._transaction() as cursor:
            kind, created, repeats = cursor.execute(
                "SELECT kind, created_ms, repeats FROM outbound WHERE id = ?", (outbound_id,)
            ).fetchone()
            if kind == "reply" and repeats == 0 and now_ms - created <= REPEAT_WITHIN_MS:
                cursor.execute(
                    "UPDATE outbound SET state = 'pending', repeats = repeats + 1, due_ms = ?, error = ? WHERE id = ?",
                    (now_ms, error, outbound_id),
                )
                return True
            cursor.execute(
                "UPDATE outbound SET state = 'uncertain', error = ?, ended_ms = ? WHERE id = ?",
                (error, now_ms, outbound_id),
            )
            return False

    def recover(self, now_ms: int) -> Recovery:
        """Settle what an unclean end left as `started`."""
        repeated: list[OutboundRow] = []
        uncertain: list[OutboundRow] = []
        for row in self._outbound("state = 'started'"):
            kept = repeated if self.settle(row.id, now_ms, "cut between request and receipt") else uncertain
            kept.append(row)
        return Recovery(repeated=tuple(repeated), uncertain=tuple(uncertain))

    def _update(self, assignment: str, values: tuple[Any, ...], outbound_id: int) -> None:
        with self._transaction() as cursor:
            cursor.execute(
                f"UPDATE outbound SET {assignment} WHERE id = ?",  # noqa: S608 - constants only
                (*values, outbound_id),
            )

    # idempotency

    def remember(self, key: str, value: str, now_ms: int) -> str | None:
        """Store the answer of an idempotency key unless it has one; returns the one it had."""
        with self._transaction() as cursor:
            found = cursor.execute("SELECT value FROM answered WHERE key = ?", (key,)).fetchone()
            if found is not None:
                return str(found[0])
            cursor.execute("INSERT INTO answered VALUES (?, ?, ?)", (key, now_ms, value))
            return None

    def prune(self, now_ms: int) -> int:
        """Remove what was closed more than seven days ago; returns how many rows went."""
        horizon = now_ms - KEEP_CLOSED_MS
        with self._transaction() as cursor:
            removed = cursor.execute(
                "DELETE FROM inbound WHERE state = 'closed' AND closed_ms < ?", (horizon,)
            ).rowcount
            removed += cursor.execute(
                "DELETE FROM outbound WHERE ended_ms IS NOT NULL AND ended_ms < ?", (horizon,)
            ).rowcount
            removed += cursor.execute("DELETE FROM answered WHERE at_ms < ?", (horizon,)).rowcount
        return removed


def _outbound_row(row: tuple[Any, ...]) -> OutboundRow:
    values = list(row)
    values[4], values[5] = json.loads(values[4]), json.loads(values[5])
    return OutboundRow(*values)


class Journal:
    """The store on its own thread: `await journal.call(JournalStore.offer, messages, now)`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._store: JournalStore | None = None

    async def open(self) -> None:
        """Open the store.

        Raises:
            Unavailable: the file cannot be opened.
        """
        loop = asyncio.get_running_loop()
        self._store = await loop.run_in_executor(self._executor, JournalStore, self._path)

    async def call(self, method: Callable[Concatenate[JournalStore, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a method of the store on its thread."""
        store = self._store
        if store is None:
            raise OpenClawError("the journal is not open", code="journal-closed")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, lambda: method(store, *args, **kwargs))

    async def close(self) -> None:
        """Finish what is queued and close."""
        store, self._store = self._store, None
        if store is not None:
            await asyncio.get_running_loop().run_in_executor(self._executor, store.close)
        self._executor.shutdown(wait=True)
