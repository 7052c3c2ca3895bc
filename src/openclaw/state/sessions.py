"""The session store `sessions.json` of one agent: read from memory, written behind, merged with what others wrote.

Entries are plain JSON objects (agent.md 1.5), so that fields this version does not know survive a rewrite. An entry is
never changed in place: every change replaces it, and the writer thread can encode the store without a copy.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec

from openclaw.policy.where.session_keys import direct_spelling
from openclaw.state.files import read_json, write_private
from openclaw.state.locks import file_lock
from openclaw.system.clock import Clock
from openclaw.system.errors import InvalidInput, OpenClawError
from openclaw.system.tasks import Supervisor

log = logging.getLogger(__name__)

Entry = Mapping[str, Any]
"""One session: `sessionId` and `updatedAt` (epoch ms) are always there, the rest of agent.md 1.5 where set."""

WRITE_DELAY_SECONDS: Final = 0.5
RETRY_SECONDS: Final = 5.0

_SESSION_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")


def checked_session_id(value: object) -> str:
    """Return a session id that is safe as a file name (advisory G1).

    Raises:
        InvalidInput: it is anything but 1 to 128 letters, digits, `-` and `_`.
    """
    if isinstance(value, str) and _SESSION_ID.fullmatch(value):
        return value
    raise InvalidInput("sessionId: must be 1 to 128 letters, digits, - and _", code="session-id-invalid")


def merged(existing: Entry | None, patch: Mapping[str, Any], now_ms: int, *, touch: bool = True) -> dict[str, Any]:
    """Return an entry with `patch` laid over it (agent.md 1.5).

    `sessionId` is that of the patch, else the old one, else new. `updatedAt` never goes back. A field that the patch
    sets to None is removed.

    Args:
        existing: the entry as it is, or None.
        patch: fields to set or, with None, to remove.
        now_ms: epoch milliseconds.
        touch: whether this counts as use of the session; False keeps `updatedAt`.
    """
    fields = {**(existing or {}), **patch}
    result = {name: value for name, value in fields.items() if value is not None}
    result["sessionId"] = patch.get("sessionId") or (existing or {}).get("sessionId") or str(uuid.uuid4())
    known = [_milliseconds(source.get("updatedAt")) for source in (existing or {}, patch)]
    result["updatedAt"] = max(*known, now_ms) if touch or not any(known) else max(known)
    return result


def _milliseconds(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else 0


@dataclass(frozen=True, slots=True)
class _Stamp:
    """What a file looked like when it was read or written last."""

    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> _Stamp | None:
        try:
            found = path.stat()
        except OSError:
            return None
        return cls(found.st_ino, found.st_size, found.st_mtime_ns)


class SessionStore:
    """The sessions of one `sessions.json`.

    Reading and changing happen in memory; a change is on disk after `save`, or by itself half a second later. The file
    is read again when its inode, size or time changed; then our own unsaved changes win, entry by entry.

    Attributes:
        path: the file.
        revision: rises with every change that memory sees.
    """

    def __init__(self, path: Path, *, clock: Clock, tasks: Supervisor) -> None:
        self.path = path
        self._clock = clock
        self._tasks = tasks
        self._entries: dict[str, Entry] = {}
        self._dirty: set[str] = set()
        self._stamp: _Stamp | None = None
        self._loaded = False
        self.revision = 0
        self._saving = asyncio.Lock()
        self._writer: asyncio.Task[Any] | None = None

    # Reading

    async def refresh(self) -> None:
        """Pick up what another program wrote.

        Raises:
            InvalidInput: the file is not a JSON object of sessions; it is left as it is.
            Unavailable: it cannot be read.
        """
        if self.fresh:
            return
        async with self._saving:
            self._take(*await asyncio.to_thread(_read, self.path))

    def refresh_now(self) -> None:
        """Do the same at once, for callers without an event loop."""
        if not self.fresh:
            self._take(*_read(self.path))

    @property
    def fresh(self) -> bool:
        """Return whether memory holds what the file holds, and our own changes."""
        return self._loaded and _Stamp.of(self.path) == self._stamp

    def _take(self, found: dict[str, Entry], stamp: _Stamp | None) -> None:
        for key in self._dirty:
            if key in self._entries:
                found[key] = self._entries[key]
            else:
                found.pop(key, None)
        self._entries, self._stamp, self._loaded = found, stamp, True
        self.revision += 1

    def get(self, key: str) -> Entry | None:
        """Return the entry of a canonical key, or None."""
        return self._entries.get(key)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Return all entries by key, as they are now."""
        return MappingProxyType(self._entries)

    # Changing

    def merge(self, key: str, patch: Mapping[str, Any], *, touch: bool = True) -> Entry:
        """Lay `patch` over the entry of `key`, creating it, and return the result. See `merged`."""
        entry = merged(self._entries.get(key), patch, self._clock.now_ms(), touch=touch)
        self.put(key, entry)
        return entry

    def put(self, key: str, entry: Entry) -> None:
        """Replace the entry of `key` as a whole."""
        self._entries[key] = entry
        self._mark(key)

    def remove(self, key: str) -> Entry | None:
        """Forget the entry of `key` and return what it was."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._mark(key)
        return entry

    def _mark(self, key: str) -> None:
        self._dirty.add(key)
        self.revision += 1
        if self._writer is None or self._writer.done():
            with suppress(RuntimeError):  # closing: `close` writes what is left
                self._writer = self._tasks.start(self._write_behind(), name=f"sessions {self.path.parent.parent.name}")

    # Writing

    async def save(self) -> None:
        """Write all changes now.

        Raises:
            Unavailable: the disk refuses; the changes stay in memory and the old file is whole.
        """
        async with self._saving:
            if not self._dirty:
                return
            keys = frozenset(self._dirty)
            changes = {key: self._entries.get(key) for key in keys}
            found, stamp = await asyncio.to_thread(_write, self.path, dict(self._entries), changes, self._stamp)
            self._dirty = {key for key in self._dirty if key not in keys or self._entries.get(key) is not changes[key]}
            self._take(found, stamp)

    async def _write_behind(self) -> None:
        await self._clock.sleep(WRITE_DELAY_SECONDS)
        while self._dirty:
            try:
                await self.save()
            except OpenClawError as error:
                log.warning("sessions are kept in memory: %s", error)
                await self._clock.sleep(RETRY_SECONDS)

    async def close(self) -> None:
        """Write what is not written yet."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait([self._writer])
        await self.save()


def _read(path: Path) -> tuple[dict[str, Entry], _Stamp | None]:
    stamp = _Stamp.of(path)
    stored = read_json(path)
    if stored is None:
        return {}, None
    if not isinstance(stored, dict):
        raise InvalidInput(
            f"{path} must hold a JSON object of sessions; move it away to start with none", code="state-corrupt"
        )
    entries: dict[str, Entry] = {}
    for stored_key, entry in stored.items():
        if not isinstance(entry, dict):
            continue
        key = direct_spelling(stored_key)
        rival = entries.get(key)
        if rival is None or _milliseconds(rival.get("updatedAt")) <= _milliseconds(entry.get("updatedAt")):
            entries[key] = entry
    return entries, stamp


def _write(
    path: Path, ours: dict[str, Entry], changes: Mapping[str, Entry | None], known: _Stamp | None
) -> tuple[dict[str, Entry], _Stamp | None]:
    """Write the store under its lock and return what the file now holds; runs on a thread."""
    with file_lock(path):
        entries = ours
        if _Stamp.of(path) != known:
            entries = _read(path)[0]
            for key, entry in changes.items():
                if entry is None:
                    entries.pop(key, None)
                else:
                    entries[key] = entry
        write_private(path, _encoded(entries))
        return entries, _Stamp.of(path)


def _encoded(entries: Mapping[str, Entry]) -> bytes:
    try:
        return msgspec.json.format(msgspec.json.encode(entries), indent=2) + b"\n"
    except (UnicodeEncodeError, TypeError, msgspec.MsgspecError):
        return json.dumps(entries, indent=2).encode("ascii") + b"\n"


def store_path(template: str | None, default: Path, agent_id: str, home: Path) -> Path:
    """Return the store of an agent: `session.store` with `{agentId}` expanded, else `default`.

    Raises:
        InvalidInput: the configured path is not absolute.
    """
    if not template:
        return default
    text = template.replace("{agentId}", agent_id)
    path = home / text[2:] if text.startswith("~/") else Path(text)
    if not path.is_absolute():
        raise InvalidInput("session.store: must be an absolute path or start with ~/", code="session-store-relative")
    return Path(os.path.normpath(path))
