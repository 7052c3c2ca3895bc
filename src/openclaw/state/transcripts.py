"""Transcripts: one JSONL tree per session, appended line by line, never rewritten (agent.md 1.7).

The path from the last line to the root is the conversation. Where each line came from is stored with it; a line that
does not say counts as written by a stranger, a tool result that does not say as fetched from the web.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from openclaw.policy.what.labels import CLEAN, Confidentiality, Integrity, Label, Provenance, Source, join_all, label_of
from openclaw.state.files import append_line, write_private
from openclaw.state.sessions import checked_session_id
from openclaw.system.clock import Clock, iso
from openclaw.system.errors import InvalidInput, Unavailable

log = logging.getLogger(__name__)

VERSION: Final = 3
LABELLED_TYPES: Final = frozenset({"message", "custom_message", "compaction", "branch_summary"})
_TAIL_BLOCK: Final = 64 * 1024
_TOPIC: Final = re.compile(r":topic:([A-Za-z0-9_-]{1,64})$")


@dataclass(frozen=True, slots=True)
class Line:
    """One line after the header.

    Attributes:
        id: eight hex digits, unique in its file.
        parent_id: the line before it in the conversation; None for the first.
        type: `message`, `compaction`, `custom_message` and the like.
        fields: the whole JSON object.
    """

    id: str
    parent_id: str | None
    type: str
    fields: Mapping[str, Any]
    _label: Label | None = field(default=None, compare=False, repr=False)

    @property
    def message(self) -> Mapping[str, Any]:
        """Return the `message` of a message line; empty for other lines."""
        found = self.fields.get("message")
        return found if isinstance(found, dict) else {}

    @property
    def role(self) -> str:
        """Return `user`, `assistant`, `toolResult` or, for other lines, the empty string."""
        role = self.message.get("role")
        return role if isinstance(role, str) else ""

    @property
    def provenances(self) -> tuple[Provenance, ...]:
        """Return where the words came from, one entry per joined origin; never empty for a labelled line."""
        fallback = Source.WEB if self.role == "toolResult" else Source.STRANGER
        stored = self.fields.get("provenance")
        entries: Sequence[object] = stored if isinstance(stored, list) and stored else [stored]
        return tuple(Provenance.from_json(entry, fallback=fallback) for entry in entries)

    @property
    def label(self) -> Label:
        """Return the label of the line: that of its origins, joined with the stored one (guard.md 1)."""
        if self.type not in LABELLED_TYPES:
            return CLEAN
        if self._label is None:
            origins = (label_of(origin.source) for origin in self.provenances)
            object.__setattr__(self, "_label", join_all((*origins, stored_label(self.fields))))
        return self._label or CLEAN


def stored_label(fields: Mapping[str, Any]) -> Label:
    """Return the label that a line carries; absent or unreadable parts add nothing."""
    found = fields.get("label")
    if not isinstance(found, dict):
        return CLEAN
    integrity = Integrity.__members__.get(str(found.get("integrity", "")).upper(), Integrity.OWNER)
    confidentiality = Confidentiality.__members__.get(
        str(found.get("confidentiality", "")).upper(), Confidentiality.PUBLIC
    )
    return Label(integrity, confidentiality)


def transcript_path(folder: Path, session_id: str, session_key: str = "") -> Path:
    """Return the file of a session; it is derived from the id, never taken from an entry or a caller (advisory G1).

    Args:
        folder: the agent's sessions folder.
        session_id: id of the session.
        session_key: its key; a forum topic gets a file of its own name.

    Raises:
        InvalidInput: the id is not one.
    """
    topic = _TOPIC.search(session_key)
    suffix = f"-topic-{topic[1]}" if topic else ""
    return folder / f"{checked_session_id(session_id)}{suffix}.jsonl"


@dataclass(slots=True)
class Transcript:
    """A transcript in memory, and the only writer of its file while it is held.

    Attributes:
        path: the file.
        header: its first line.
        lines: all lines in file order.
    """

    path: Path
    header: Mapping[str, Any]
    clock: Clock
    lines: list[Line] = field(default_factory=list)
    _index: dict[str, Line] = field(default_factory=dict)
    _branch: list[Line] = field(default_factory=list)
    _stamp: tuple[int, int, int] = (0, 0, 0)

    @classmethod
    def create(cls, path: Path, clock: Clock, *, session_id: str, cwd: str, parent: str | None = None) -> Transcript:
        """Start a file with its header.

        Raises:
            Unavailable: the disk refuses.
        """
        header = {
            "type": "session",
            "version": VERSION,
            "id": session_id,
            "timestamp": iso(clock.now_ms()),
            "cwd": cwd,
            **({"parentSession": parent} if parent else {}),
        }
        append_line(path, encode_line(header))
        return cls(path, header, clock, _stamp=_stamp(path))

    @classmethod
    def parse(
        cls, path: Path, clock: Clock, header: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]
    ) -> Transcript:
        """Return the transcript of a file's lines; a line whose parent is missing continues the line before it."""
        transcript = cls(path, header, clock, _stamp=_stamp(path))
        for row in rows:
            parent = row.get("parentId")
            if isinstance(parent, str) and parent not in transcript._index:
                parent = transcript.leaf_id
            transcript._add(Line(row["id"], parent if isinstance(parent, str) else None, row["type"], row))
        transcript._branch = transcript._path_to_leaf()
        return transcript

    @property
    def size(self) -> int:
        """Return the bytes of the file as they were when it was read or written last."""
        return self._stamp[0]

    @property
    def current(self) -> bool:
        """Return whether the file is as this process left it."""
        return self._stamp == _stamp(self.path)

    @property
    def session_id(self) -> str:
        """Return the id in the header."""
        return str(self.header.get("id", ""))

    @property
    def leaf_id(self) -> str | None:
        """Return the id of the last line, to which the next one is appended."""
        return self.lines[-1].id if self.lines else None

    def branch(self) -> Sequence[Line]:
        """Return the conversation: the path from the root to the last line."""
        return self._branch

    def append(self, kind: str, fields: Mapping[str, Any], *, sync: bool = False) -> Line:
        """Append one line with a single write and return it.

        Args:
            kind: the line's `type`.
            fields: further fields; `type`, `id`, `parentId` and `timestamp` are set here.
            sync: wait for the disk.

        Raises:
            Unavailable: the disk refuses; file and memory are as before.
        """
        line_id = secrets.token_hex(4)
        while line_id in self._index:
            line_id = secrets.token_hex(4)
        stored = {
            "type": kind,
            "id": line_id,
            "parentId": self.leaf_id,
            "timestamp": iso(self.clock.now_ms()),
            **fields,
        }
        append_line(self.path, encode_line(stored), sync=sync)
        line = Line(line_id, self.leaf_id, kind, stored)
        self._add(line)
        self._branch.append(line)
        self._stamp = _stamp(self.path)
        return line

    def _add(self, line: Line) -> None:
        self.lines.append(line)
        self._index[line.id] = line

    def _path_to_leaf(self) -> list[Line]:
        path: list[Line] = []
        current = self._index.get(self.leaf_id or "")
        while current is not None:
            path.append(current)
            current = self._index.get(current.parent_id or "")
        path.reverse()
        return path


def encode_line(fields: Mapping[str, Any]) -> str:
    """Return one JSON line without its newline; lone surrogates are escaped instead of failing."""
    try:
        return msgspec.json.encode(fields).decode("utf-8")
    except (UnicodeEncodeError, TypeError, msgspec.MsgspecError):
        return json.dumps(fields, separators=(",", ":"))


def decode_line(raw: bytes) -> Mapping[str, Any] | None:
    """Return the object of a line, or None when it is not one that belongs here."""
    try:
        row = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(row, dict) or not isinstance(row.get("type"), str):
        return None
    return row


def load(path: Path, clock: Clock) -> Transcript | None:
    """Read a transcript, repairing a torn last line. Returns None when there is none, or nothing in it.

    Raises:
        InvalidInput: the first line is not a header.
        Unavailable: it cannot be read or repaired.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}", code="state-unreadable") from error
    with os.fdopen(descriptor, "rb") as file:
        content = file.read()
    content = _without_torn_line(path, content)
    if not content:
        return None
    first, _, rest = content.partition(b"\n")
    header = decode_line(first)
    if header is None or header["type"] != "session":
        raise InvalidInput(
            f"{path} does not start with a session header; /new begins a fresh session", code="transcript-invalid"
        )
    rows = [decode_line(raw) for raw in rest.split(b"\n") if raw]
    damaged = sum(row is None for row in rows)
    if damaged:
        log.warning("%s: %d unreadable lines are left out", path.name, damaged)
    good = (row for row in rows if row is not None and isinstance(row.get("id"), str))
    return Transcript.parse(path, clock, header, good)


def _without_torn_line(path: Path, content: bytes) -> bytes:
    """Cut a last line that was not written to its end; the file as it was is kept beside it as `.bak`."""
    end = content.rfind(b"\n") + 1
    if end == len(content):
        return content
    if decode_line(content[end:]) is not None:
        append_line(path, "")  # only the newline is missing: the writer adds it, and one empty line
        return content + b"\n"
    write_private(path.with_name(path.name + ".bak"), content)
    os.truncate(path, end)
    log.warning("%s: a torn last line was cut off; the file as it was is in %s.bak", path.name, path.name)
    return content[:end]


def _stamp(path: Path) -> tuple[int, int, int]:
    """Return size, inode and time of a file, to see whether another program changed it."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_size, found.st_ino, found.st_mtime_ns)


def tail(path: Path, limit: int, *, max_bytes: int = 8 * 1024 * 1024) -> list[Line]:
    """Return the last lines of the conversation, oldest first, reading the file from its end.

    Args:
        path: from `transcript_path`.
        limit: lines to return at most.
        max_bytes: how far back to read at most.

    Raises:
        Unavailable: it cannot be read.
    """
    found: list[Line] = []
    wanted: str | None = None
    for raw in _lines_backwards(path, max_bytes):
        row = decode_line(raw)
        if row is None or row["type"] == "session" or not isinstance(row.get("id"), str):
            continue
        if found and row["id"] != wanted:
            continue
        parent = row.get("parentId")
        wanted = parent if isinstance(parent, str) else None
        found.append(Line(row["id"], wanted, row["type"], row))
        if wanted is None or len(found) >= limit:
            break
    found.reverse()
    return found


def _lines_backwards(path: Path, max_bytes: int) -> Iterable[bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unavailable(f"cannot read {path}: {error.strerror}", code="state-unreadable") from error
    try:
        position = os.fstat(descriptor).st_size
        lowest = max(0, position - max_bytes)
        rest = b""
        while position > lowest:
            start = max(lowest, position - max(_TAIL_BLOCK, 2 * len(rest)))
            block = os.pread(descriptor, position - start, start) + rest
            position = start
            rest, *whole = block.split(b"\n")
            yield from (raw for raw in reversed(whole) if raw)
        if rest and lowest == 0:
            yield rest
    finally:
        os.close(descriptor)
