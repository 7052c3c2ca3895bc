"""The ledger: a hash-chained log of decisions and effects (guard.md 4).

One JSON object per line, canonical (sorted keys, no spaces, UTF-8). `prev` is the SHA-256 of the previous line, across
files; `hash` is the SHA-256 of the record without `hash`; `seq` is unbroken. The head (last seq and hash) is anchored
outside the file after each group commit. One writer thread; callers never wait. One writing process: it holds a flock
on the folder from `open` to `close`, since two of them would each go on from the same last line.
"""

from __future__ import annotations

import hashlib
import json
import logging
import queue
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from openclaw.state.files import append_line, private_dir, read_text, write_private
from openclaw.state.ledger_port import LedgerEntry
from openclaw.state.locks import WAIT_SECONDS, folder_flock
from openclaw.system.clock import Clock
from openclaw.system.errors import OpenClawError

log = logging.getLogger(__name__)

HEAD: Final = "HEAD"
GENESIS: Final = "0" * 64
QUEUE_LIMIT: Final = 10_000
GATHER_SECONDS: Final = 0.02
SUMMARY_LIMIT: Final = 200


def canonical(record: Mapping[str, Any]) -> str:
    """Return canonical JSON: sorted keys, no spaces, no escapes beyond what JSON needs."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a text as hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Ledger:
    """Appends records to `<folder>/YYYY-MM.jsonl`. Build it with `open`, and `close` it."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        policy: Callable[[], str],
        redact: Callable[[str], str],
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._policy = policy
        self._redact = redact
        self._queue: queue.Queue[LedgerEntry | None] = queue.Queue(QUEUE_LIMIT)
        self._healthy = True
        self._seq = 0
        self._prev = GENESIS
        self._stop = threading.Event()
        self._held = ExitStack()
        self._thread = threading.Thread(target=self._write_all, name="ledger", daemon=True)

    @classmethod
    def open(
        cls,
        folder: Path,
        clock: Clock,
        *,
        policy: Callable[[], str] = lambda: "",
        redact: Callable[[str], str] = lambda text: text,
        wait: float = WAIT_SECONDS,
    ) -> Ledger:
        """Open the ledger, close a torn last line with a `recovered` record, and start the writer.

        Args:
            folder: the ledger folder, created privately.
            clock: for `ts`.
            policy: fingerprint of the compiled policy in force.
            redact: masks secrets in summaries.
            wait: seconds to wait for another process that writes it.

        Raises:
            Conflict: another process writes it.
            OpenClawError: the folder cannot be read or written.
        """
        ledger = cls(folder, clock, policy=policy, redact=redact)
        private_dir(folder)
        with ExitStack() as held:
            held.enter_context(folder_flock(folder, wait=wait))
            torn = ledger._resume()
            if torn is not None:
                ledger._append([LedgerEntry(kind="recovered", what={"torn_sha256": torn})])
            ledger._held = held.pop_all()
        ledger._thread.start()
        return ledger

    @property
    def healthy(self) -> bool:
        """Return False while the disk refuses or the queue is full."""
        return self._healthy and not self._queue.full()

    @property
    def head(self) -> tuple[int, str]:
        """Return the last committed seq and the SHA-256 of its line."""
        return self._seq, self._prev

    def record(self, entry: LedgerEntry) -> None:
        """Queue an entry; returns at once. A full queue marks the ledger unhealthy instead of waiting."""
        try:
            self._queue.put_nowait(entry)
        except queue.Full:
            self._healthy = False

    def flush(self) -> None:
        """Wait until all that was queued is on disk or was refused by it."""
        self._queue.join()

    def close(self) -> None:
        """Write what is queued, stop the writer, and let another process write."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        self._held.close()

    def _write_all(self) -> None:
        waiting: list[LedgerEntry] = []
        stopping = False
        while not stopping:
            taken, stopping = self._gather(bool(waiting))
            waiting.extend(taken)
            try:
                if waiting:
                    self._append(waiting)
                    waiting = []
                self._healthy = True
            except OpenClawError as error:
                if self._healthy:
                    log.error("the ledger cannot be written, consequential tools are refused: %s", error)
                self._healthy = False
            for _ in range(len(taken) + stopping):
                self._queue.task_done()

    def _gather(self, retrying: bool) -> tuple[list[LedgerEntry], bool]:
        """Wait for an entry, then take what arrives within the gather time; says whether to stop after it."""
        taken: list[LedgerEntry] = []
        try:
            first = self._queue.get(timeout=1.0 if retrying else None)
        except queue.Empty:
            return taken, False
        if first is None:
            return taken, True
        taken.append(first)
        self._stop.wait(GATHER_SECONDS)
        while len(taken) < QUEUE_LIMIT:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                return taken, False
            if following is None:
                return taken, True
            taken.append(following)
        return taken, False

    def _append(self, entries: list[LedgerEntry]) -> None:
        now = self._clock.now_ms()
        seq, prev = self._seq, self._prev
        policy = self._policy()
        lines = []
        record_hash = ""
        for entry in entries:
            seq += 1
            record = self._record(entry, seq=seq, ts=now, prev=prev, policy=policy)
            record_hash = record["hash"]
            line = canonical(record)
            prev = digest(line)
            lines.append(line)
        name = month_file(now)
        append_line(self._folder / name, "\n".join(lines), sync=True)
        self._seq, self._prev = seq, prev
        head = {"v": 1, "seq": seq, "hash": record_hash, "line": prev, "file": name, "ts": now}
        write_private(self._folder / HEAD, canonical(head) + "\n")

    def _record(self, entry: LedgerEntry, *, seq: int, ts: int, prev: str, policy: str) -> dict[str, Any]:
        what = dict(entry.what)
        if isinstance(what.get("summary"), str):
            what["summary"] = self._redact(what["summary"])[:SUMMARY_LIMIT]
        record: dict[str, Any] = {
            "v": 1,
            "seq": seq,
            "ts": ts,
            "kind": entry.kind,
            "run": entry.run,
            "session": entry.session,
            "agent": entry.agent,
            "actor": dict(entry.actor),
            "what": what,
            "verdict": dict(entry.verdict),
            "label": entry.label.as_dict() if entry.label is not None else None,
            "ran": dict(entry.ran) if entry.ran is not None else None,
            "policy": policy,
            "prev": prev,
        }
        record["hash"] = digest(canonical(record))
        return record

    def _resume(self) -> str | None:
        """Set seq and prev from the newest file; returns the hash of a torn last line, which is cut off."""
        for path in reversed(ledger_files(self._folder)):
            text = read_text(path, limit=2**40) or ""
            whole, separator, tail = text.rpartition("\n")
            torn = tail or None
            if torn is not None:
                write_private(path, whole + separator)
            if not whole:
                if torn is not None:
                    return digest(torn)
                continue
            last = whole.rsplit("\n", 1)[-1]
            self._prev = digest(last)
            self._seq = _seq_of(last, path)
            return digest(torn) if torn is not None else None
        return None


def month_file(ms: int) -> str:
    """Return the file name for an instant."""
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m.jsonl")


def ledger_files(folder: Path) -> list[Path]:
    """Return the ledger's files, oldest first."""
    return sorted(folder.glob("[0-9][0-9][0-9][0-9]-[0-9][0-9].jsonl"))


def _seq_of(line: str, path: Path) -> int:
    try:
        seq = json.loads(line)["seq"]
    except (ValueError, KeyError, TypeError):
        raise OpenClawError(
            f"the last record of {path} is not readable; run: openclaw security ledger verify", code="ledger-corrupt"
        ) from None
    if not isinstance(seq, int):
        raise OpenClawError(f"the last record of {path} has no seq", code="ledger-corrupt")
    return seq
